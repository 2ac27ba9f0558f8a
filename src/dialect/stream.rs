//! Reading a streamed answer: what was said, when, how it ended, and what is wrong with its form.

mod calls;
mod chat;
mod end;
mod faults;
mod frames;
mod native;
mod regular;
mod tape;
mod typed;
mod whole;

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
    /// Bytes behind the last blank line that belong to an event: a conforming reader drops them.
    pub leftover: usize,
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

/// Characters that a text must have before being the beginning of another one means anything.
const SHORTEST_BEGINNING: usize = 8;

impl StreamReading {
    /// True for a stream that says it is complete (`finish_reason` `stop` or its like) with a text that is only the beginning of `whole`,
    /// by at least a tenth too short: somebody on the way took the end of a connection for the end of the answer.
    pub fn stops_short_of(&self, whole: &str) -> bool {
        let text = self.text.trim_end_matches(|last: char| last.is_whitespace() || last.is_ascii_punctuation());
        let says_so = matches!(self.end, StreamEnd::Complete | StreamEnd::NoDone)
            && matches!(self.finish_reason.as_deref(), Some("stop" | "end_turn" | "completed"));
        says_so && text.chars().count() >= SHORTEST_BEGINNING && 10 * text.len() <= 9 * whole.trim_end().len() && whole.starts_with(text)
    }
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
    /// Which; see [`KINDS`].
    pub kind: &'static str,
    /// Offset of the first byte concerned in the body.
    pub offset: usize,
    /// Up to 80 characters around it.
    pub excerpt: String,
    /// True when a conforming client loses data over it; false for what is legal but known to break some.
    pub breaks: bool,
}

/// The kinds of faults, each with what it means. Those that never lose a conforming client data are `false`; the others may.
pub const KINDS: &[(&str, bool, &str)] = &[
    ("no-blank-line", true, "events follow each other without the blank line that ends them"),
    ("split-json", true, "one JSON value is torn over two events"),
    ("two-objects", true, "two JSON values stand in one event"),
    ("doubled-prefix", true, "`data:` stands twice on one line"),
    ("field-name", true, "the field is not named `data` as readers expect"),
    ("not-json", true, "an event's data is not JSON"),
    ("html", true, "an HTML page stands where events should"),
    ("ndjson", true, "lines of JSON without `data:` in place of events"),
    ("json-array", true, "a JSON array in place of events"),
    ("whole-object", true, "one event holds a whole completion (`message`, no `delta`)"),
    ("delta-shape", true, "a delta has another shape than chat chunks have"),
    ("content-not-string", true, "a delta's content is not a string"),
    ("cumulative", true, "each delta repeats the text so far"),
    ("twice", true, "every event is sent twice"),
    ("data-after-done", true, "content follows after [DONE]"),
    ("comment-as-data", true, "a keep-alive is framed as data"),
    ("invalid-utf8", true, "bytes that are not UTF-8"),
    ("unterminated-event", true, "the last event lacks its blank line"),
    ("unprefixed-json", true, "JSON lines without `data:`"),
    ("foreign-dialect", true, "the events are those of another API than the one that was asked"),
    ("sentinel-foreign", true, "[DONE] stands where this API has none, and SDKs parse it as JSON"),
    ("event-name-missing", true, "events lack the `event:` line that readers go by"),
    ("tool-index-missing", true, "a tool call's delta has no `index`"),
    ("tool-index-shared", true, "two tool calls have one `index`"),
    ("tool-arguments-not-string", true, "a tool call's arguments are not a string"),
    ("tool-arguments-cumulative", true, "each piece of a tool call's arguments repeats those before"),
    ("tool-arguments-broken", false, "a tool call's arguments do not add up to JSON"),
    ("tool-id-missing", false, "a tool call has no `id`"),
    ("tool-index-base", false, "the first tool call's `index` is not 0"),
    ("tool-finish-stop", false, "tools are called, and finish_reason is `stop`"),
    ("index-missing", false, "choices have no `index`"),
    ("finish-reason-empty", false, "finish_reason is an empty text where it should be null"),
    ("role-null", false, "no delta names the role that it speaks of"),
    ("created-not-number", false, "`created` is a text"),
    ("sentinel-variant", false, "the last event is not written as [DONE]"),
    ("done-twice", false, "[DONE] comes twice"),
    ("usage-after-done", false, "token counts follow after [DONE]"),
    ("long-line", false, "a line is longer than 64 KiB"),
    ("replacement-run", false, "replacement characters in a row: a character was split on its way"),
    ("text-not-json", false, "JSON was asked for, and the text is none"),
    ("event-order", false, "events come in another order than the API's"),
    ("event-name-old", false, "events have names of another version of the API"),
    ("error-unnamed", false, "an error comes without `event: error`"),
    ("message-shape", false, "an event lacks members that SDKs take for granted"),
    ("output-empty", false, "the last event repeats none of the output"),
];

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
