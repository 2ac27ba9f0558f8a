//! The ways in which clients read streams. A row is one habit; a real client has one or several of them.

use super::super::StreamReading;
use super::super::sse::{self, lines};
use super::framing::{self, Framing};
use super::hearing::{Data, Speech};
use super::{Complaint, Wire};

/// A way of reading streams that clients are known for.
#[derive(Debug)]
pub struct Model {
    /// Its name in lower case with hyphens; it does not change.
    pub id: &'static str,
    /// What it is, as a noun phrase.
    pub title: &'static str,
    /// How it cuts bytes into events; `None` for the standard's way.
    pub(super) framing: Option<Framing>,
    /// Where it stops with an error that a conforming reader does not raise.
    pub(super) stumbles: fn(&Wire) -> Option<Complaint>,
    /// Whether it passes over data that is no JSON.
    pub(super) lenient: bool,
    /// What it takes for the end.
    pub(super) end: End,
    /// Whose streams it reads.
    pub(super) of: Of,
}

/// What a client takes for the end of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// `[DONE]`, or the end of the connection.
    Either,
    /// `[DONE]` alone.
    Done,
    /// The end of the connection alone; what follows `[DONE]` is read.
    Closed,
    /// As [`End::Either`], with a finish reason before it.
    Finish,
}

/// The dialects whose streams a model reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Any.
    All,
    /// OpenAI's three.
    OpenAi,
    /// Chat and legacy completions.
    Chat,
    /// Anthropic's messages and OpenAI's Responses, whose events have names.
    Named,
}

const CONFORMING: Model = Model {
    id: "standard",
    title: "a conforming reader of event streams",
    framing: None,
    stumbles: |_| None,
    lenient: false,
    end: End::Either,
    of: Of::All,
};

/// Every model, the three views first: the standard's, a lenient one's by lines, a naive one's by network chunks.
pub const MODELS: &[Model] = &[
    CONFORMING,
    Model {
        id: "lenient-lines",
        title: "a client that takes every `data:` line for an event",
        framing: Some(framing::by_line),
        lenient: true,
        ..CONFORMING
    },
    Model {
        id: "chunk-as-event",
        title: "a client that takes each network chunk for whole events",
        framing: Some(framing::by_arrival),
        lenient: true,
        ..CONFORMING
    },
    Model {
        id: "lf-only",
        title: "a client that ends events at two line feeds only",
        framing: Some(framing::by_two_line_feeds),
        ..CONFORMING
    },
    Model {
        id: "data-space",
        title: "a client that wants a space behind `data:`",
        framing: Some(framing::by_line_with_space),
        ..CONFORMING
    },
    Model { id: "parses-empty", title: "a client that parses empty `data:` as JSON", stumbles: empty_data, ..CONFORMING },
    Model {
        id: "parses-named-blocks",
        title: "a client that parses events without data as JSON when they have a name",
        stumbles: |wire| dataless(wire, &[b"event"]),
        of: Of::OpenAi,
        ..CONFORMING
    },
    Model {
        id: "parses-all-blocks",
        title: "a client that parses every block as JSON, those with only an id or a retry time too",
        stumbles: |wire| dataless(wire, &[b"event", b"id", b"retry"]),
        of: Of::OpenAi,
        ..CONFORMING
    },
    Model { id: "bom-is-text", title: "a client that leaves a byte-order mark in", framing: Some(framing::with_bom), ..CONFORMING },
    Model { id: "comment-is-error", title: "a client that takes comment lines for data", stumbles: comment, ..CONFORMING },
    Model {
        id: "text-splitlines",
        title: "a client that ends lines at Unicode separators too",
        framing: Some(framing::by_split_lines),
        ..CONFORMING
    },
    Model { id: "line-64k", title: "a client that reads lines up to 64 KiB", stumbles: |wire| long_line(wire, 64 << 10), ..CONFORMING },
    Model { id: "line-1m", title: "a client that reads lines up to 1 MiB", stumbles: |wire| long_line(wire, 1 << 20), ..CONFORMING },
    Model { id: "strict-utf8", title: "a client that fails on bytes that are not UTF-8", stumbles: not_utf8, ..CONFORMING },
    Model {
        id: "chunk-utf8",
        title: "a client that decodes each network chunk on its own",
        framing: Some(framing::by_decoded_arrival),
        ..CONFORMING
    },
    Model { id: "strict-type", title: "a client that wants Content-Type text/event-stream", stumbles: wrong_type, ..CONFORMING },
    Model { id: "needs-done", title: "a client that waits for [DONE]", end: End::Done, of: Of::Chat, ..CONFORMING },
    Model { id: "needs-eof", title: "a client that reads on to the end of the connection", end: End::Closed, of: Of::Chat, ..CONFORMING },
    Model { id: "needs-finish", title: "a client that wants a finish_reason", end: End::Finish, of: Of::Chat, ..CONFORMING },
    Model {
        id: "first-choice",
        title: "a client that takes `choices[0]` for granted",
        stumbles: |wire| says(wire, "an empty `choices`", |speech| speech.no_choices),
        of: Of::Chat,
        ..CONFORMING
    },
    Model {
        id: "error-key",
        title: "a client that takes any member `error` for an error",
        stumbles: |wire| says(wire, "a member `error` that holds none", |speech| speech.error_key && !speech.error),
        of: Of::Chat,
        ..CONFORMING
    },
    Model {
        id: "strict-finish",
        title: "a client that knows its finish reasons by heart",
        stumbles: |wire| says(wire, "an unknown finish_reason", Speech::has_odd_finish),
        of: Of::Chat,
        ..CONFORMING
    },
    Model {
        id: "event-name",
        title: "a client that drops events without an `event:` line",
        framing: Some(framing::named),
        of: Of::Named,
        ..CONFORMING
    },
];

impl Model {
    /// Whether clients of this kind read streams of this dialect. A stream of no known dialect is taken for chat.
    pub(super) fn applies(&self, reading: &StreamReading) -> bool {
        let dialect = reading.dialect;
        match self.of {
            Of::All => true,
            Of::OpenAi => dialect.is_empty() || dialect.starts_with("openai-"),
            Of::Chat => dialect.is_empty() || dialect.starts_with("openai-c"),
            Of::Named => matches!(dialect, "anthropic-messages" | "openai-responses"),
        }
    }
}

impl Speech {
    fn has_odd_finish(&self) -> bool {
        const KNOWN: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];
        self.empty_finish || self.finish.as_ref().is_some_and(|reason| !KNOWN.contains(&reason.as_str()))
    }
}

/// The first event before `[DONE]` that says such a thing.
fn says(wire: &Wire, why: &'static str, such: fn(&Speech) -> bool) -> Option<Complaint> {
    let before = wire.plain.iter().take_while(|heard| heard.data != Data::Done);
    let found = before.into_iter().find(|heard| matches!(&heard.data, Data::Value(speech) if such(speech)))?;
    Some(Complaint { why, offset: found.offset })
}

fn empty_data(wire: &Wire) -> Option<Complaint> {
    let blank = wire.plain.iter().take_while(|heard| heard.data != Data::Done).find(|heard| heard.data == Data::Blank)?;
    Some(Complaint { why: "an empty `data:`", offset: blank.offset })
}

/// The first block without data that has one of these fields.
fn dataless(wire: &Wire, fields: &[&[u8]]) -> Option<Complaint> {
    let empty = wire.decoded.events.iter().filter(|event| event.terminated && event.data_lines == 0);
    let before = empty.take_while(|event| event.start < wire.done_at());
    let found = before.into_iter().find(|event| {
        let block = &wire.bytes[event.start..event.end];
        lines(block, 0).any(|line| fields.contains(&sse::split_field(&block[line.start..line.end]).0))
    })?;
    Some(Complaint { why: "an event without data", offset: found.start })
}

fn comment(wire: &Wire) -> Option<Complaint> {
    if wire.decoded.comments == 0 {
        return None;
    }
    let first = lines(wire.bytes, 0).find(|line| wire.bytes[line.start..line.end].starts_with(b":")).map_or(0, |line| line.start);
    (first < wire.done_at()).then_some(Complaint { why: "a comment line", offset: first })
}

fn long_line(wire: &Wire, limit: usize) -> Option<Complaint> {
    let found = lines(wire.bytes, 0).find(|line| line.end - line.start >= limit)?;
    Some(Complaint { why: "a very long line", offset: found.start })
}

fn not_utf8(wire: &Wire) -> Option<Complaint> {
    let wrong = std::str::from_utf8(wire.bytes).err().filter(|wrong| wrong.error_len().is_some())?;
    Some(Complaint { why: "bytes that are not UTF-8", offset: wrong.valid_up_to() })
}

fn wrong_type(wire: &Wire) -> Option<Complaint> {
    (wire.response.media_type() != "text/event-stream").then_some(Complaint { why: "the Content-Type", offset: 0 })
}
