//! Laying out text for a terminal: columns, wrapping, colours and marks.

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter};

use super::{Look, Outcome, Status, curl, neutral};
use crate::catalogue::Severity;

/// Prose wider than this is hard to read.
const WIDEST: usize = 100;
/// Prose narrower than this is no prose.
const NARROWEST: usize = 24;

/// A blank at which no line ends. No foreign text holds one: [`neutral::inline`] makes every white space a blank.
pub const UNBROKEN: &str = "\u{a0}";

/// A page that grows line by line.
pub struct Page<'l> {
    look: &'l Look,
    out: String,
}

/// A mark, or a piece of text, with its colour.
pub struct Ink {
    text: String,
    style: Style,
}

impl Ink {
    /// Text in the terminal's own colour.
    pub fn plain(text: impl Into<String>) -> Ink {
        Ink { text: text.into(), style: Style::new() }
    }

    /// What must be seen first.
    pub fn bold(text: impl Into<String>) -> Ink {
        Ink { text: text.into(), style: Style::new().bold() }
    }

    /// What may be overlooked.
    pub fn dim(text: impl Into<String>) -> Ink {
        Ink { text: text.into(), style: Style::new().dimmed() }
    }

    /// Bold in the colour of a severity.
    pub fn severe(text: impl Into<String>, severity: Severity) -> Ink {
        let color = match severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
            Severity::Info => AnsiColor::Cyan,
        };
        Ink::coloured(text, color)
    }

    /// Bold in this colour.
    pub fn coloured(text: impl Into<String>, color: AnsiColor) -> Ink {
        Ink { text: text.into(), style: Style::new().bold().fg_color(Some(color.into())) }
    }

    /// Red, yellow, green or faint, as the rung went.
    pub fn status(text: impl Into<String>, status: Status) -> Ink {
        match status {
            Status::Passed => Ink::coloured(text, AnsiColor::Green),
            Status::Failed => Ink::coloured(text, AnsiColor::Red),
            Status::Inconclusive => Ink::coloured(text, AnsiColor::Yellow),
            Status::Skipped => Ink::dim(text),
        }
    }
}

impl<'l> Page<'l> {
    /// An empty page.
    pub fn new(look: &'l Look) -> Self {
        Page { look, out: String::new() }
    }

    /// The whole page; it ends with one line feed.
    pub fn done(self) -> String {
        let mut out = self.out;
        out.truncate(out.trim_end_matches('\n').len());
        out.push('\n');
        out
    }

    /// An empty line; never two, and none at the top.
    pub fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A section's name in capitals, with what belongs beside it.
    pub fn section(&mut self, name: &str, aside: &str) {
        self.gap();
        let head = self.painted(&Ink::bold(name));
        let aside = if aside.is_empty() { String::new() } else { format!("  {}", self.painted(&Ink::dim(aside))) };
        self.line(&format!("{head}{aside}"));
    }

    /// A paragraph behind a label: the label stands in a column of this width (the label alone where it is wider), the text in the next.
    pub fn labelled(&mut self, indent: usize, column: usize, label: &Ink, body: &Ink) {
        let head = self.painted(label);
        let pad = column.saturating_sub(self.columns(&label.text));
        let inner = indent + column;
        for (index, line) in self.wrapped(&body.text, inner).iter().enumerate() {
            let text = self.painted(&Ink { text: line.clone(), style: body.style });
            match index {
                0 => self.line(&format!("{}{head}{}{text}", " ".repeat(indent), " ".repeat(pad))),
                _ => self.line(&format!("{}{text}", " ".repeat(inner))),
            }
        }
    }

    /// A paragraph.
    pub fn paragraph(&mut self, indent: usize, body: &Ink) {
        self.labelled(indent, 0, &Ink::plain(""), body);
    }

    /// A command for copying, broken only between its words, where a shell joins the lines again.
    ///
    /// Where only ASCII may stand, other characters become JSON escapes: a curl line has them in its JSON body only.
    pub fn command(&mut self, indent: usize, text: &str) {
        let text = if self.look.ascii { curl::json_escaped(text, |c| !c.is_ascii()) } else { text.to_owned() };
        for (number, line) in curl::folded(&text, self.look.width.saturating_sub(indent + 2)).iter().enumerate() {
            self.line(&format!("{}{line}", " ".repeat(if number == 0 { indent } else { indent + 2 })));
        }
    }

    /// A line of a drawing, as it is: it holds nothing foreign.
    pub fn drawn(&mut self, indent: usize, line: &str) {
        self.line(&format!("{}{line}", " ".repeat(indent)));
    }

    /// Pieces beside each other; the last one is cut where the line ends.
    pub fn row(&mut self, pieces: &[(Ink, usize)], rest: &Ink) {
        let mut line = String::new();
        let mut used = 0;
        for (ink, column) in pieces {
            let columns = self.columns(&ink.text);
            line.push_str(&self.painted(ink));
            line.push_str(&" ".repeat(column.saturating_sub(columns)));
            used += columns.max(*column);
        }
        let text = self.cut(&rest.text, self.width().saturating_sub(used));
        line.push_str(&self.painted(&Ink { text, style: rest.style }));
        self.line(&line);
    }

    /// The mark of a rung.
    pub fn mark(&self, status: Status) -> &'static str {
        match (status, self.look.ascii) {
            (Status::Passed, false) => "✓",
            (Status::Failed, false) => "✗",
            (Status::Skipped, false) => "–",
            (Status::Inconclusive, _) => "?",
            (Status::Passed, true) => "+",
            (Status::Failed, true) => "x",
            (Status::Skipped, true) => "-",
        }
    }

    /// The mark of a verdict.
    pub fn verdict_mark(&self, verdict: Outcome) -> &'static str {
        match verdict {
            Outcome::Healthy => self.mark(Status::Passed),
            Outcome::Impaired => "!",
            Outcome::Broken => self.mark(Status::Failed),
            Outcome::Inconclusive => self.mark(Status::Inconclusive),
        }
    }

    /// Columns that prose may use.
    pub fn width(&self) -> usize {
        self.look.width.min(WIDEST)
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn painted(&self, ink: &Ink) -> String {
        let text = self.spelled(&ink.text);
        if self.look.color && !text.is_empty() { format!("{}{text}{}", ink.style.render(), ink.style.render_reset()) } else { text }
    }

    fn spelled(&self, text: &str) -> String {
        if self.look.ascii { neutral::ascii(text) } else { text.to_owned() }
    }

    /// As [`Page::spelled`], with unbroken blanks kept until lines are made.
    fn spelled_prose(&self, text: &str) -> String {
        text.split(UNBROKEN).map(|part| self.spelled(part)).collect::<Vec<_>>().join(UNBROKEN)
    }

    fn columns(&self, text: &str) -> usize {
        textwrap::core::display_width(&self.spelled(text))
    }

    fn wrapped(&self, text: &str, indent: usize) -> Vec<String> {
        let width = self.width().saturating_sub(indent).max(NARROWEST);
        let options =
            Options::new(width).break_words(false).word_separator(WordSeparator::AsciiSpace).word_splitter(WordSplitter::NoHyphenation);
        textwrap::wrap(&self.spelled_prose(text), options).into_iter().map(|line| line.replace(UNBROKEN, " ")).collect()
    }

    /// As much as fits into these columns.
    fn cut(&self, text: &str, columns: usize) -> String {
        let text = self.spelled(text);
        if textwrap::core::display_width(&text) <= columns {
            return text;
        }
        let ellipsis = self.spelled("…");
        let room = columns.saturating_sub(ellipsis.len().min(columns));
        let mut kept = String::new();
        for c in text.chars() {
            kept.push(c);
            if textwrap::core::display_width(&kept) > room {
                kept.pop();
                break;
            }
        }
        kept.truncate(kept.trim_end().len());
        kept + &ellipsis
    }
}
