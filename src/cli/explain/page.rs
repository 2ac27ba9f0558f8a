//! A page of text: headings, passages and items, wrapped, each fact with its source.

use textwrap::{Options, WordSplitter, fill};

/// Columns of a page.
const WIDTH: usize = 92;

/// Columns of a cell.
const CELL: usize = 9;

/// A page that grows.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

impl Page {
    /// The first line, or the first line of another part.
    pub fn title(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(&fill(text, options("", "  ")));
    }

    /// A heading, after a blank line.
    pub fn heading(&mut self, text: &str) {
        self.text.push('\n');
        self.line(text);
    }

    /// A passage below a heading.
    pub fn passage(&mut self, text: &str) {
        self.line(&fill(text, options("  ", "  ")));
    }

    /// An item of a list.
    pub fn item(&mut self, text: &str) {
        self.line(&fill(text, options("  - ", "    ")));
    }

    /// A row of narrow cells, and what they are about.
    pub fn cells(&mut self, cells: &[String], about: &str) {
        let cells: String = cells.iter().map(|cell| format!("{cell:CELL$}")).collect();
        let indent = format!("  {}", " ".repeat(cells.len()));
        let line = if about.is_empty() { format!("  {cells}") } else { fill(about, options(&format!("  {cells}"), &indent)) };
        self.line(line.trim_end());
    }

    /// Where the lines before come from.
    pub fn source(&mut self, source: &str) {
        self.line(&fill(source, options("    ", "    ")));
    }

    /// A heading and at most `limit` items with their sources; nothing without items. A source stands once below the items that share it.
    pub fn list(&mut self, heading: &str, limit: usize, rows: &[(String, &str)]) {
        if rows.is_empty() {
            return;
        }
        let shown = rows.len().min(limit);
        let count = if shown < rows.len() { format!(" ({shown} of {})", rows.len()) } else { String::new() };
        self.heading(&format!("{heading}{count}"));
        for (number, (text, source)) in rows[..shown].iter().enumerate() {
            self.item(text);
            let shared = rows[..shown].get(number + 1).is_some_and(|(_, next)| next == source);
            if !source.is_empty() && !shared {
                self.source(source);
            }
        }
    }

    /// The whole page.
    pub fn into_text(self) -> String {
        self.text
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }
}

/// Addresses and ids stay in one piece.
fn options<'a>(first: &'a str, next: &'a str) -> Options<'a> {
    Options::new(WIDTH).initial_indent(first).subsequent_indent(next).break_words(false).word_splitter(WordSplitter::NoHyphenation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_how_much_it_leaves_out_and_a_source_once() {
        let rows = [("a".to_owned(), "https://x"), ("b".to_owned(), "https://x"), ("c".to_owned(), "https://y")];
        let mut page = Page::default();
        page.list("Head", 2, &rows);
        assert_eq!(page.into_text(), "\nHead (2 of 3)\n  - a\n  - b\n    https://x\n");
        let mut page = Page::default();
        page.list("Head", 2, &[]);
        assert_eq!(page.into_text(), "");
    }

    #[test]
    fn long_words_stay_in_one_piece() {
        let mut page = Page::default();
        page.item(&format!("see https://example.org/{}", "a-b".repeat(40)));
        assert_eq!(page.into_text().lines().count(), 2);
    }
}
