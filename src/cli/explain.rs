//! `explain` and `list`: the catalogue and the tables of facts, as text.

mod known;
mod meaning;
mod mode;
mod page;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::catalogue::{self, CATALOGUE};
use crate::facts::{self, Known};
use crate::probes::LADDER;
use crate::profiles::{self, Profile};
use crate::report::neutral;
use crate::sim;

use super::args::Listing;
use super::output::{print, speaks_utf8};
use page::Page;

/// How many rows a list has on a page of one part, and where several share it.
const ROOM: (usize, usize) = (4, 2);
/// Clocks stand alone on the page of a time, and there are many.
const CLOCKS: usize = 6;
/// A longer word than this, in characters, is not repeated when nothing is known of it: it may be a key.
const WORD: usize = 40;
/// How alike a known word must be to be suggested, of 1.
const CLOSE: f64 = 0.8;

/// Explains a failure mode, or whatever else the tables know under these words; without words, lists the modes.
pub fn explain(words: &[String]) -> Result<ExitCode> {
    if words.is_empty() {
        return list(Listing::Modes);
    }
    let text = words.join(" ");
    let Some(page) = page(text.trim()) else { bail!("{}", unknown(text.trim())) };
    print(&if speaks_utf8() { page } else { neutral_ascii(&page) })?;
    Ok(ExitCode::SUCCESS)
}

/// Every part that is known of a text; `None` when nothing is.
fn page(text: &str) -> Option<String> {
    let mut page = Page::default();
    let mode = catalogue::mode(&text.to_ascii_lowercase());
    if let Some(mode) = mode {
        mode::write(&mut page, mode);
    }
    let known = facts::known(text);
    write_known(&mut page, text, &known);
    if mode.is_none() && known.is_empty() {
        let read = meaning::read(text);
        if read.is_empty() {
            return None;
        }
        meaning::text(&mut page, &read);
    }
    Some(page.into_text())
}

fn write_known(page: &mut Page, text: &str, known: &Known) {
    let room = if known.parts() > 1 { ROOM.1 } else { ROOM.0 };
    if let Some(status) = known.status {
        known::status(page, status, room);
    }
    if let Some(header) = &known.header {
        known::header(page, header, room);
    }
    if !known.codes.is_empty() || !known.vendors.is_empty() {
        meaning::code(page, text, known, room);
    }
    if let Some(program) = &known.program {
        known::program(page, program, room);
    }
    if !known.senders.is_empty() {
        known::member(page, text, known, room);
    }
    if let Some(seconds) = known.seconds {
        known::time(page, seconds, CLOCKS);
    }
}

/// One line about a word that nothing is known of, with the closest known ones. A text or a long word is not repeated: it may hold a key.
fn unknown(text: &str) -> String {
    if text.contains(char::is_whitespace) || text.chars().count() > WORD || text.is_empty() {
        return "nothing in this text is known; `llmdoctor list modes` names the failure modes".to_owned();
    }
    let close = closest(text);
    let close = if close.is_empty() { String::new() } else { format!(" (did you mean {}?)", close.join(", ")) };
    format!("nothing is known of {:?}{close}; `llmdoctor list modes` names the failure modes", neutral::inline(text, WORD))
}

/// At most three known words that are spelled alike, the closest first.
fn closest(word: &str) -> Vec<String> {
    let word = word.to_lowercase();
    let all = CATALOGUE.iter().map(|mode| mode.id.to_owned()).chain(facts::lookup::words());
    let mut close: Vec<(f64, String)> = all.map(|other| (strsim::jaro_winkler(&word, &other.to_lowercase()), other)).collect();
    close.retain(|(score, _)| *score > CLOSE);
    close.sort_by(|a, b| b.0.total_cmp(&a.0));
    close.into_iter().take(3).map(|(_, word)| word).collect()
}

/// The page in ASCII, line by line.
fn neutral_ascii(page: &str) -> String {
    page.lines().map(|line| neutral::ascii(line) + "\n").collect()
}

/// Lists one of the tables, an entry a line.
pub fn list(what: Listing) -> Result<ExitCode> {
    let rows: Vec<(String, String)> = match what {
        Listing::Modes => CATALOGUE.iter().map(|mode| (mode.id.to_owned(), mode.title.to_owned())).collect(),
        Listing::Probes => LADDER.iter().map(|probe| (probe.id.to_owned(), format!("{} ({})", probe.asks, probe.cost))).collect(),
        Listing::Scenarios => sim::scenarios().iter().map(|scenario| (scenario.id.to_owned(), scenario.title.to_owned())).collect(),
        Listing::Clients => profiles::all().map(|client| (client.name.clone(), client_row(&client))).collect(),
    };
    let width = rows.iter().map(|(id, _)| id.len()).max().unwrap_or_default();
    let lines: Vec<String> = rows.iter().map(|(id, text)| format!("{id:width$}  {text}")).collect();
    print(&lines.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Dialect, version and waits of a client.
fn client_row(client: &Profile) -> String {
    let dialect = client.dialect_name().unwrap_or("its requests are not public");
    let waits = client.waits().and_then(facts::ClientTimeouts::waits).unwrap_or_else(|| "no limit known".to_owned());
    format!("{dialect:18}  {}; waits: {waits}", client.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of a page, at most: what a tall terminal shows.
    const TALL: usize = 75;
    /// Lines that tables of clients may add.
    const TABLES: usize = 25;

    #[test]
    fn every_known_word_has_a_page_with_sources_that_is_no_flood() {
        for word in facts::lookup::words() {
            let page = page(&word).unwrap_or_else(|| panic!("{word} is known and has no page"));
            assert!(page.contains("://") || page.contains("recorded"), "{word} has no source:\n{page}");
            assert!(page.lines().count() <= TALL, "{word} has {} lines:\n{page}", page.lines().count());
        }
    }

    #[test]
    fn every_mode_has_a_page() {
        for mode in CATALOGUE {
            let page = page(mode.id).expect("a page");
            let room = if facts::stream_tables(&facts::stream_forms_of(mode.id, None)).is_empty() { TALL } else { TALL + TABLES };
            assert!(page.starts_with(mode.title) && page.lines().count() <= room, "{} has {} lines", mode.id, page.lines().count());
        }
    }

    #[test]
    fn hostile_words_are_answered_or_refused() {
        let long = "a".repeat(1 << 20);
        for text in ["", " ", "\u{0}", "\u{1b}[2J", "{", "[[[[", "*", "x-*", "99999999999999999999s", "-0", "NaN", long.as_str()] {
            if page(text).is_none() {
                assert!(unknown(text).chars().count() < 300);
            }
        }
    }

    #[test]
    fn at_most_three_words_are_suggested_the_closest_first() {
        assert_eq!(closest("stream-bufferd")[0], "stream-buffered");
        assert!(closest("x-should-rety").len() <= 3 && closest("qqqq").is_empty());
    }
}
