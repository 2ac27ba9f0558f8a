//! Pages of error codes and texts: what they say, the failure modes that they point at, what decides.

use std::collections::BTreeSet;

use crate::dialect::{self, ErrorFacts};
use crate::facts::{self, Cause, ErrorText, Known, Reading, Scene, Sign, Speaker, Strength, TextRow};
use crate::report::neutral;

use super::known::titled;
use super::page::Page;

/// How many meanings of one text are told.
const MEANINGS: usize = 3;
/// Longest example, in characters.
const EXAMPLE: usize = 200;

/// What a text means.
pub struct Read {
    readings: Vec<Reading>,
    signs: Vec<Sign>,
}

impl Read {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty() && self.signs.is_empty()
    }
}

/// Reads an error as somebody pasted it: a message, a code, a whole body.
pub fn read(text: &str) -> Read {
    let facts = dialect::error::read(0, "", text.as_bytes());
    let code = (!text.contains(char::is_whitespace)).then_some(text);
    let error = error(&facts, code, text);
    let scene = Scene { error, url: "", stream: None, media_type: "" };
    Read { readings: facts::read_error(&error), signs: facts::signs(&scene) }
}

fn error<'a>(facts: &'a ErrorFacts, code: Option<&'a str>, raw: &'a str) -> ErrorText<'a> {
    ErrorText {
        status: facts.inner_status,
        code: facts.code.as_deref().or(code),
        kind: facts.kind.as_deref(),
        param: facts.param.as_deref(),
        message: &facts.message,
        headers: &[],
        raw,
    }
}

/// The page of a text.
pub fn text(page: &mut Page, read: &Read) {
    page.title("What this text says");
    for reading in read.readings.iter().take(MEANINGS) {
        page.heading(&format!("{}{}", says(reading.cause), surely(reading.strength)));
        let by = match &reading.speaker {
            Speaker::Gateway(name) => format!("{name} says so itself. "),
            Speaker::Upstream(name) => format!("The gateway repeats it from {}. ", neutral::inline(name, neutral::NAME)),
            Speaker::Unknown => String::new(),
        };
        // What a text about a key names may be the key.
        let named = reading.named.as_ref().filter(|_| !reading.cause.is_about_the_key());
        let named = named.map(|name| format!("It names {}. ", neutral::inline(name, neutral::NAME))).unwrap_or_default();
        page.passage(&format!("{by}{named}Known as {}.", reading.row));
        page.source(reading.source);
        points_at(page, reading.cause);
    }
    let signs: Vec<_> = read.signs.iter().map(|sign| (format!("{} [{}]", titled(sign.mode), sign.row), sign.source)).collect();
    page.list("Signs of failure modes", MEANINGS, &signs);
}

/// The page of a code: every row that knows it, by what it says, and what single vendors mean by it.
pub fn code(page: &mut Page, code: &str, known: &Known, room: usize) {
    page.title(&format!("Error code or type {}", neutral::inline(code, neutral::NAME)));
    let mut causes = BTreeSet::new();
    let mut rows: Vec<&TextRow> = known.codes.iter().copied().filter(|row| causes.insert(row.cause)).collect();
    rows.sort_by_key(|row| row.strength);
    for row in rows.into_iter().take(room) {
        page.heading(&format!("{}{}", says(row.cause), surely(row.strength)));
        let with: Vec<String> = row.status.iter().map(u16::to_string).collect();
        let with = if with.is_empty() { String::new() } else { format!(" With status {}.", with.join(", ")) };
        let by = row.speaker.as_ref().map(|name| format!(" {name} writes it.")).unwrap_or_default();
        page.passage(&format!("{} [{}]{by}{with}", neutral::inline(row.example, EXAMPLE), row.id));
        page.source(row.source);
        points_at(page, row.cause);
    }
    vendors(page, known);
}

/// What single vendors mean by a code, by their own tables.
fn vendors(page: &mut Page, known: &Known) {
    for row in &known.vendors {
        page.heading(&format!("{}: {}", row.vendor, row.meaning));
        row.modes.iter().for_each(|id| page.item(&titled(id)));
        page.source(&row.source);
    }
}

/// The failure modes of a cause, and the rung that decides between them.
fn points_at(page: &mut Page, cause: Cause) {
    let Some(meaning) = facts::meaning(cause) else { return };
    meaning.modes.iter().for_each(|id| page.item(&titled(id)));
    page.passage(&format!("Rung {} decides: {}", meaning.asks, meaning.tells));
}

/// What an error says, in words: `KeyRejected` is "key rejected".
pub fn says(cause: Cause) -> String {
    let name = format!("{cause:?}");
    let words = name.char_indices().flat_map(|(at, c)| {
        let gap = (at > 0 && c.is_uppercase()).then_some(' ');
        gap.into_iter().chain(c.to_lowercase())
    });
    words.collect()
}

fn surely(strength: Strength) -> &'static str {
    match strength {
        Strength::Strong => "",
        Strength::Medium => ", likely",
        Strength::Weak => ", perhaps",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn causes(text: &str) -> Vec<Cause> {
        read(text).readings.iter().map(|reading| reading.cause).collect()
    }

    #[test]
    fn messages_bodies_and_codes_are_read_alike() {
        for text in [
            "Incorrect API key provided: sk-x. You can find your API key at …",
            r#"{"error":{"message":"Incorrect API key provided: sk-x","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            "Error code: 401 - {'error': {'message': 'Incorrect API key provided: sk-x', 'code': 'invalid_api_key'}}",
        ] {
            assert_eq!(causes(text).first(), Some(&Cause::KeyRejected), "{text}");
        }
        assert!(read("the weather is fine").is_empty());
    }

    #[test]
    fn causes_are_said_in_words() {
        assert_eq!(says(Cause::KeyRejected), "key rejected");
        assert_eq!(says(Cause::Waf), "waf");
    }
}
