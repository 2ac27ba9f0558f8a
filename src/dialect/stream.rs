//! Reading a streamed answer: what was said, when, how it ended, and what is wrong with its form.

mod chat;
mod end;
mod faults;
mod frames;
mod native;
mod tape;
mod typed;

use crate::evidence::{Exchange, Response};

use super::{ErrorFacts, Usage, sse};

/// A streamed answer, read with leniency: text that stands behind a fault of the framing is read all the same, and the fault is noted.
#[derive(Debug, Clone)]
pub struct StreamReading {
    /// What the bytes are.
    pub form: StreamForm,
    /// `openai-chat`, `openai-completions`, `openai-responses`, `anthropic-messages`, `ollama-chat`, `google-generate`, or empty.
    pub dialect: &'static str,
    /// Events with data that is not blank, `[DONE]` included.
    pub events: usize,
    /// Comment lines (keep-alives).
    pub comments: usize,
    /// The text of all deltas.
    pub text: String,
    /// The reasoning of all deltas.
    pub reasoning: String,
    /// Names of the tools that are called.
    pub tool_calls: Vec<String>,
    /// When each piece of content (text, reasoning or tool call) had arrived, in milliseconds after the request began; at most 20,000.
    pub content_ms: Vec<f64>,
    /// Byte offsets behind each event in the body, comments and extra blank lines included: wherever a writer may rightly flush. They rise;
    /// at most 20,000.
    pub event_ends: Vec<u32>,
    /// The models that the chunks name, each once.
    pub models: Vec<String>,
    /// The last `finish_reason` (or its like) that is neither null nor empty.
    pub finish_reason: Option<String>,
    /// Whether `[DONE]` (or the dialect's own last event) was seen.
    pub done: bool,
    /// How it ended.
    pub end: StreamEnd,
    /// Token counts, if a chunk carried them.
    pub usage: Usage,
    /// An error that came inside the stream.
    pub error: Option<Box<ErrorFacts>>,
    /// What is wrong with the form, each kind once, in order of appearance.
    pub faults: Vec<StreamFault>,
}

/// What the bytes of a stream are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamForm {
    /// Server-sent events.
    Sse,
    /// One JSON value a line.
    Ndjson,
    /// A JSON array, piece by piece.
    JsonArray,
}

/// How a stream ended, from the five facts: transport, sentinel, finish reason, leftover, our patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// Finish reason and sentinel, closed. (For dialects without a sentinel: the last event.)
    Complete,
    /// Finish reason, no sentinel, closed.
    NoDone,
    /// Sentinel, no finish reason, closed.
    NoFinish,
    /// Neither, although the transport ended cleanly.
    Silent,
    /// Neither, and the transport was cut or reset.
    Cut,
    /// Everything was said, but the connection stayed open.
    NotClosed,
    /// Finish reason, no sentinel, and the connection stayed open.
    NeverDone,
    /// Some content came, then nothing more within our patience.
    Stalled,
    /// Only comments or empty events came within our patience.
    HeartbeatOnly,
    /// The head came, and not one byte more within our patience.
    NoFirstByte,
}

/// Something wrong with a stream's form, with the place where it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamFault {
    /// Which (`event-name-missing` and `event-order` only for Anthropic's and OpenAI's typed events): `no-blank-line`, `split-json`, `two-objects`, `doubled-prefix`, `field-name`, `not-json`, `html`, `ndjson`, `json-array`,
    /// `whole-object`, `delta-shape`, `tool-index-missing`, `content-not-string`, `cumulative`, `twice`, `data-after-done`,
    /// `sentinel-variant`, `comment-as-data`, `invalid-utf8`, `unterminated-event`, `unprefixed-json`, `event-name-missing`, `event-order`.
    pub kind: &'static str,
    /// Offset of the first byte concerned in the body.
    pub offset: usize,
    /// Up to 80 characters around it.
    pub excerpt: String,
    /// True when a conforming client loses data over it; false for what is legal but known to break some.
    pub breaks: bool,
}

/// Reads a body of this form. What came before a clip, a cut or the end of our patience is read as far as it goes.
pub(super) fn read(exchange: &Exchange, response: &Response, form: StreamForm) -> StreamReading {
    let bytes = &response.body.bytes;
    let mut tape = tape::Tape::new(exchange, response, form);
    match form {
        StreamForm::Sse => {
            let decoded = sse::decode(bytes);
            frames::events(&mut tape, &decoded, bytes);
        }
        StreamForm::Ndjson => frames::lines(&mut tape, bytes),
        StreamForm::JsonArray => frames::elements(&mut tape, bytes),
    }
    tape.finish()
}

#[cfg(test)]
mod tests;
