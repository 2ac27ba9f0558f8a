//! From a pasted text to the failures that stand in it.

mod announced;
pub(super) mod command;
mod curl;
mod events;
mod exception;
pub(super) mod har;
mod head;
#[cfg(test)]
mod hostile;
mod http;
mod join;
mod json;
mod log;
mod page;
mod part;
mod pieces;
mod record;
mod scrub;
mod text;
mod transcript;
mod words;

use super::{Form, Sighting};
use pieces::{Piece, Start};

/// Longer pastes (bytes) are not read.
pub const LARGEST: usize = 64 << 20;

/// A paste that cannot be read; the message says why and what is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no text.
    #[error("this is binary; paste text: an error body, curl -v output, a HAR file, a log")]
    Binary,
    /// It is empty.
    #[error("there is nothing in it; paste an error body, curl -v output, a HAR file, a log")]
    Empty,
    /// It is larger than 64 MiB.
    #[error("this is larger than 64 MiB; paste the part around the failure: an error body, curl -v output, a HAR file, a log")]
    TooLarge,
    /// It is evidence of an own run.
    #[error("this is evidence that llmdoctor saved; diagnose it with `llmdoctor replay`")]
    Evidence,
}

/// A longer text (bytes) is a document or a log, and not cut into pieces.
const MAX_CUT: usize = 1024 * 1024;

/// A proxy's bare words and what leads to them are no longer than this (bytes).
const MAX_BARE: usize = 1024;

/// The failures that stand in a paste, in their order; none for a long log in which nothing failed.
///
/// Whatever is kept of the paste is scrubbed. Pieces that show the same failure are one sighting; what a person or a client says around an
/// error belongs to it.
///
/// # Errors
/// When the paste is no text, empty, larger than 64 MiB, or evidence that was saved by a run.
pub fn sightings(paste: &[u8]) -> Result<Vec<Sighting>, Unreadable> {
    let text = text::decode(paste)?;
    if json::is_saved_evidence(&text) {
        return Err(Unreadable::Evidence);
    }
    let mut found = if text.len() > MAX_CUT { long(&text) } else { short(&text::bare(&text)) };
    found.iter_mut().for_each(scrub);
    Ok(found)
}

fn short(text: &str) -> Vec<Sighting> {
    let pieces = match document(text) {
        Some(whole) => whole,
        None => pieces::cut(text).into_iter().flat_map(|piece| read(&piece)).collect(),
    };
    join::joined(pieces, text)
}

fn long(text: &str) -> Vec<Sighting> {
    join::joined(document(text).unwrap_or_else(|| log::read(text, 1)), text)
}

/// The failures of a text that is one document.
fn document(text: &str) -> Option<Vec<Sighting>> {
    har::is_har(text).then(|| har::read(text, 1))
}

/// What one piece shows, by the first reader that knows its form.
fn read(piece: &Piece) -> Vec<Sighting> {
    let readers: &[fn(&str, usize) -> Vec<Sighting>] = match piece.start {
        Start::Curl => &[curl::read_all, http::read_all],
        Start::Http => &[http::read_all],
        Start::Json => &[json],
        Start::Events | Start::Lines => &[events],
        Start::Page => &[page],
        Start::Words => words_readers(piece.text),
    };
    let known = readers.iter().map(|read| read(piece.text, piece.line)).find(|found| !found.is_empty());
    known.unwrap_or_else(|| words_of(piece))
}

/// What may know a piece that begins with words: a proxy's bare words are short, and events name their fields.
fn words_readers(piece: &str) -> &'static [fn(&str, usize) -> Vec<Sighting>] {
    match (piece.len() < MAX_BARE || piece.contains("<html"), piece.contains("data:") || piece.contains("event:")) {
        (_, true) => &[page, events],
        (true, false) => &[page],
        (false, false) => &[],
    }
}

fn json(piece: &str, first_line: usize) -> Vec<Sighting> {
    json::read(piece, first_line).into_iter().collect()
}

fn events(piece: &str, first_line: usize) -> Vec<Sighting> {
    events::read(piece, first_line).into_iter().collect()
}

fn page(piece: &str, first_line: usize) -> Vec<Sighting> {
    page::read(piece, first_line).into_iter().collect()
}

/// What lines of a log, an exception, or a person's own words show.
fn words_of(piece: &Piece) -> Vec<Sighting> {
    let failures = if log::looks_like(piece.text) { log::read(piece.text, piece.line) } else { Vec::new() };
    if !failures.is_empty() {
        return failures;
    }
    vec![exception::read(piece.text, piece.line).unwrap_or_else(|| prose(piece.text, piece.line))]
}

/// What somebody tells: the status and the request, as far as the words say them.
fn prose(piece: &str, first_line: usize) -> Sighting {
    let mut sighting = Sighting::new(Form::Text, (first_line, first_line + piece.trim_end().lines().count().max(1) - 1), piece);
    let found = announced::find(piece, false);
    (sighting.status, sighting.body) = (found.status, found.body);
    words::fill(&mut sighting, piece);
    sighting
}

/// Takes keys out of everything that is kept, and bounds it.
fn scrub(sighting: &mut Sighting) {
    sighting.text = text::kept(&sighting.text);
    sighting.body = sighting.body.take().map(|body| text::kept(&body));
    sighting.url = sighting.url.take().map(|url| text::kept(&url));
    sighting.fault = sighting.fault.take().map(|fault| text::kept(&fault));
    sighting.thrown = sighting.thrown.take().map(|thrown| text::kept(&thrown));
    sighting.headers.iter_mut().for_each(|(_, value)| *value = text::kept(value));
    let asked = sighting.asked.take().map(|asked| text::kept(&asked.to_string()));
    // A request that the bound cuts is kept as far as it goes.
    sighting.asked = asked.and_then(|asked| serde_json::from_str(&asked).ok().or_else(|| crate::dialect::json::lenient(&asked)));
}

#[cfg(test)]
mod tests;
