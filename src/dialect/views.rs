//! The same bytes through other eyes: what readers of other kinds make of a stream, and what they lose.
//!
//! The tape in [`super::stream`] reads whatever can be read. Clients do less: each [`Model`] here is one way in which they read, and [`Seen`]
//! is what such a client would understand, show and complain about. Everything is computed from the bytes and arrivals that were kept.

mod framing;
mod hearing;
mod loss;
mod models;
mod standard;

pub use models::{MODELS, Model};

use crate::evidence::Response;

use super::sse::{self, Decoded};
use super::{StreamForm, StreamReading};
use hearing::Heard;

/// What each model makes of one stream.
#[derive(Debug, Clone, Default)]
pub struct Views {
    /// One for each model that applies, in the order of [`MODELS`]. Empty for lines or an array of JSON on routes that speak so.
    pub seen: Vec<Seen>,
}

/// What one kind of client makes of a stream.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The kind of client.
    pub model: &'static Model,
    /// Events that it understood: JSON, the sentinel not counted.
    pub events: usize,
    /// Pieces of content (text, reasoning, tool calls) among them.
    pub pieces: usize,
    /// The beginning of the text that it would show; at most 4 KiB.
    pub text: String,
    /// Characters of the whole text.
    pub chars: usize,
    /// The first error that it would raise.
    pub error: Option<Complaint>,
    /// Whether it knows that the answer is over.
    pub ends: bool,
    /// What it loses of what the bytes say.
    pub loses: Option<Loss>,
}

/// An error that a client would raise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Complaint {
    /// What it stumbles over.
    pub why: &'static str,
    /// Offset in the body.
    pub offset: usize,
}

/// What a client loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// How it shows.
    pub kind: LossKind,
    /// Over what.
    pub why: &'static str,
    /// Where in the body it shows first.
    pub offset: usize,
}

/// How a loss shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossKind {
    /// No content and no error.
    Silent,
    /// Content is missing or damaged, without an error.
    Part,
    /// The client raises an error.
    Error,
    /// The client waits for an end that does not come.
    Hang,
    /// The client shows more than was said.
    Extra,
}

impl LossKind {
    /// `silent`, `part`, `error`, `hang`, `extra`.
    pub fn name(self) -> &'static str {
        match self {
            LossKind::Silent => "silent",
            LossKind::Part => "part",
            LossKind::Error => "error",
            LossKind::Hang => "hang",
            LossKind::Extra => "extra",
        }
    }
}

impl Views {
    /// Looks at an answer that was read as a stream.
    pub fn of(response: &Response, reading: &StreamReading) -> Self {
        if !is_judged(reading) {
            return Views::default();
        }
        let wire = Wire::new(response, reading);
        let applying = MODELS.iter().filter(|model| model.applies(reading));
        Views { seen: applying.map(|model| loss::see(&wire, model)).collect() }
    }

    /// What the model of this id makes of it.
    pub fn by(&self, id: &str) -> Option<&Seen> {
        self.seen.iter().find(|seen| seen.model.id == id)
    }

    /// What a conforming reader makes of it.
    pub fn standard(&self) -> Option<&Seen> {
        self.by("standard")
    }

    /// Those that lose something.
    pub fn losing(&self) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(|seen| seen.loses.is_some())
    }
}

/// Lines and arrays of JSON are judged only where events were due.
fn is_judged(reading: &StreamReading) -> bool {
    reading.form == StreamForm::Sse || reading.faults.iter().any(|fault| matches!(fault.kind, "ndjson" | "json-array"))
}

/// A stream as the models look at it.
struct Wire<'a> {
    response: &'a Response,
    reading: &'a StreamReading,
    bytes: &'a [u8],
    decoded: Decoded<'a>,
    /// What a conforming reader hears.
    plain: Vec<Heard>,
}

impl<'a> Wire<'a> {
    fn new(response: &'a Response, reading: &'a StreamReading) -> Self {
        let bytes = &response.body.bytes[..];
        let decoded = sse::decode(bytes);
        let mut wire = Wire { response, reading, bytes, decoded, plain: Vec::new() };
        wire.plain = hearing::gather(&wire, standard::frames);
        wire
    }

    /// Offset behind the byte-order mark.
    fn begin(&self) -> usize {
        if self.decoded.bom { sse::BOM.len() } else { 0 }
    }
}

#[cfg(test)]
mod tests;
