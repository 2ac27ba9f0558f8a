//! What a stream has said so far.

use serde_json::Value;

use crate::evidence::{Exchange, Response};

use super::super::json::{has, text};
use super::super::parts::{bounded, usage};
use super::super::{ErrorFacts, Usage, error};
use super::faults::{self, Growth};
use super::{StreamEnd, StreamFault, StreamForm, StreamReading, calls, chat, end, native, regular, typed, whole};

/// No more times and offsets than these are kept.
const MAX_MARKS: usize = 20_000;
/// No more names than these are kept.
const MAX_NAMES: usize = 100;

/// What a stream has said so far, and what the next piece is judged by.
pub struct Tape<'r> {
    /// What is being filled.
    pub reading: StreamReading,
    /// The dialect of the route that was asked; empty when it is not known.
    pub asked: &'static str,
    /// True when the address demands events of a route that else has its own form (Google's `alt=sse`).
    pub asked_events: bool,
    /// True when the text was asked to be JSON.
    pub asked_json: bool,
    /// The dialect's own last word was seen: a finish reason, or what stands for one.
    pub finished: bool,
    /// Some piece was more than a keep-alive.
    pub substance: bool,
    /// `[DONE]` was seen.
    pub sentinel: bool,
    /// Where the piece in hand begins.
    pub start: usize,
    /// Tool calls so far.
    pub calls: calls::Calls,
    /// Whether deltas that speak of a role name one.
    pub role: Option<bool>,
    /// What the typed events said so far.
    pub turn: typed::Turn,
    /// The regular chunk before.
    pub mould: regular::Mould,
    /// Where the first piece of a known dialect stands.
    pub spoke_at: usize,
    /// The answer whose body is read.
    pub response: &'r Response,
    stop: usize,
    growth: Growth,
}

impl<'r> Tape<'r> {
    /// Nothing said yet.
    pub fn new(exchange: &Exchange, response: &'r Response, form: StreamForm) -> Self {
        Tape {
            reading: blank(form),
            asked: whole::asked(&exchange.request.url),
            asked_events: exchange.request.url.contains("alt=sse"),
            asked_json: exchange.request.body.as_ref().is_some_and(whole::asks_json),
            finished: false,
            substance: false,
            sentinel: false,
            start: 0,
            calls: calls::Calls::default(),
            role: None,
            turn: typed::Turn::default(),
            mould: regular::Mould::default(),
            spoke_at: 0,
            response,
            stop: 0,
            growth: Growth::default(),
        }
    }

    /// The piece in hand stands here.
    pub fn at(&mut self, start: usize, stop: usize) {
        (self.start, self.stop) = (start, stop);
    }

    /// `[DONE]`.
    pub fn say_done(&mut self) {
        if self.sentinel {
            self.fault("done-twice", false);
        }
        (self.reading.done, self.sentinel, self.substance) = (true, true, true);
    }

    /// A flush point.
    pub fn ends_at(&mut self, offset: usize) {
        if self.reading.event_ends.len() < MAX_MARKS {
            self.reading.event_ends.push(u32::try_from(offset).unwrap_or(u32::MAX));
        }
    }

    /// Text arrived.
    pub fn say(&mut self, said: &str) {
        if !said.is_empty() {
            self.growth.observe(said, self.start);
            self.reading.text.push_str(said);
            self.mark();
        }
    }

    /// Reasoning arrived.
    pub fn think(&mut self, thought: &str) {
        if !thought.is_empty() {
            self.reading.reasoning.push_str(thought);
            self.mark();
        }
    }

    /// A piece of a tool call arrived, its name if it has one.
    pub fn call(&mut self, name: Option<&str>) {
        if let Some(name) = name.filter(|name| !name.is_empty() && self.reading.tool_calls.len() < MAX_NAMES) {
            self.reading.tool_calls.push(bounded(name));
        }
        self.mark();
    }

    /// Content arrived with the piece in hand.
    fn mark(&mut self) {
        if self.reading.content_ms.len() < MAX_MARKS {
            let at = self.response.body.arrived_ms(self.stop.saturating_sub(1)).unwrap_or(self.response.total_ms);
            self.reading.content_ms.push(at);
        }
    }

    /// A piece names its model.
    pub fn model(&mut self, name: Option<&Value>) {
        if let Some(name) = name.and_then(Value::as_str) {
            self.named(name);
        }
    }

    /// The same, as a text.
    pub fn named(&mut self, name: &str) {
        if name.is_empty() {
            return;
        }
        let models = &mut self.reading.models;
        if models.len() < MAX_NAMES && models.last().is_none_or(|last| last != name) {
            let name = bounded(name);
            if !models.contains(&name) {
                models.push(name);
            }
        }
    }

    /// A piece carries token counts.
    pub fn usage(&mut self, counts: Option<&Value>) {
        if let Some(counts) = counts.filter(|counts| counts.is_object()) {
            self.reading.usage = usage(counts).or(std::mem::take(&mut self.reading.usage));
        }
    }

    /// A piece says why the answer ends.
    pub fn finish_reason(&mut self, reason: Option<&Value>) {
        if let Some(reason) = reason.and_then(Value::as_str).filter(|reason| !reason.is_empty()) {
            self.reading.finish_reason = Some(bounded(reason));
            self.finished = true;
        }
    }

    /// Notes a fault at the piece in hand: each kind once, but one that loses data overrules one that does not.
    pub fn fault(&mut self, kind: &'static str, breaks: bool) {
        self.fault_at(kind, self.start, breaks);
    }

    /// The same at another place.
    pub fn fault_at(&mut self, kind: &'static str, offset: usize, breaks: bool) {
        if self.reading.faults.iter().any(|fault| fault.kind == kind && (fault.breaks || !breaks)) {
            return;
        }
        self.reading.faults.retain(|fault| fault.kind != kind);
        let excerpt = faults::excerpt(&self.response.body.bytes, offset);
        self.reading.faults.push(StreamFault { kind, offset, excerpt, breaks });
    }

    /// Notes an error, unless there is one already.
    pub fn error(&mut self, make: impl FnOnce(u16, &'static str) -> ErrorFacts) {
        self.substance = true;
        if self.reading.error.is_none() {
            let form = if self.reading.form == StreamForm::Sse { "sse" } else { "json" };
            self.reading.error = Some(Box::new(make(self.response.status, form)));
        }
    }

    /// Takes one JSON value with the name of its event.
    pub fn value(&mut self, value: &Value, name: &str) {
        let is_error = error::is_error(value) || (name == "error" && !is_piece(value));
        if is_error {
            if self.reading.dialect == "anthropic-messages" && name != "error" {
                self.fault("error-unnamed", false);
            }
            self.error(|status, form| error::from_value(status, value, form, value.to_string()));
        }
        if self.sentinel {
            return self.late(value);
        }
        let Some(dialect) = dialect(value, name) else { return };
        self.speaks(dialect);
        match dialect {
            "openai-chat" | "openai-completions" => chat::take(self, value),
            "openai-responses" => typed::response(self, value, name),
            "anthropic-messages" => typed::message(self, value, name),
            "ollama-chat" => native::ollama(self, value),
            _ => native::google(self, value),
        }
    }

    /// The piece in hand speaks a dialect; the first one is the stream's.
    pub fn speaks(&mut self, dialect: &'static str) {
        self.substance = true;
        if self.reading.dialect.is_empty() {
            self.reading.dialect = dialect;
            self.spoke_at = self.start;
        }
    }

    /// A value behind the last word: token counts are harmless, content is not.
    fn late(&mut self, value: &Value) {
        self.usage(value.get("usage"));
        if faults::has_content(value) {
            self.fault("data-after-done", true);
        } else if has(value, "usage") {
            self.fault("usage-after-done", false);
        }
    }

    /// The reading, with everything that only the whole shows.
    pub fn finish(mut self) -> StreamReading {
        if let Some(offset) = self.growth.verdict(&self.reading.text) {
            self.fault_at("cumulative", offset, true);
        }
        if let Err(wrong) = std::str::from_utf8(&self.response.body.bytes)
            && wrong.error_len().is_some()
        {
            self.fault_at("invalid-utf8", wrong.valid_up_to(), true);
        }
        whole::judge(&mut self);
        self.reading.faults.sort_by_key(|fault| fault.offset);
        self.reading.end = end::end(self.response, &self.reading, self.finished, self.substance);
        self.reading
    }

    /// True for lines or an array of JSON where the asked route speaks so.
    pub fn asked_native(&self) -> bool {
        matches!(self.asked, "ollama-chat" | "google-generate") && !self.asked_events
    }

    /// True when the transport ended the body in order, so that what is missing was never sent.
    pub fn is_whole(&self) -> bool {
        self.response.cut.is_none() && !self.response.left_open && !self.response.body.clipped
    }
}

fn blank(form: StreamForm) -> StreamReading {
    StreamReading {
        form,
        dialect: "",
        events: 0,
        comments: 0,
        leftover: 0,
        text: String::new(),
        reasoning: String::new(),
        tool_calls: Vec::new(),
        content_ms: Vec::new(),
        event_ends: Vec::new(),
        models: Vec::new(),
        finish_reason: None,
        done: false,
        end: StreamEnd::Silent,
        usage: Usage::default(),
        error: None,
        faults: Vec::new(),
    }
}

/// True for values that are a piece of an answer even inside an event named `error`.
fn is_piece(value: &Value) -> bool {
    value.get("choices").is_some_and(|choices| choices.as_array().is_some_and(|choices| !choices.is_empty()))
}

/// The dialect that a value speaks.
fn dialect(value: &Value, name: &str) -> Option<&'static str> {
    let object = text(value, "object").unwrap_or_default();
    let kind = text(value, "type").unwrap_or(name);
    if kind.starts_with("response.") || object == "response" || (kind == "error" && value.get("sequence_number").is_some()) {
        return Some("openai-responses");
    }
    if typed::is_message_event(kind) || (kind == "message" && value.get("content").is_some()) {
        return Some("anthropic-messages");
    }
    if value.get("choices").is_some() || object.starts_with("chat.completion") || object == "text_completion" {
        return Some(if chat::is_legacy(value, object) { "openai-completions" } else { "openai-chat" });
    }
    if value.get("candidates").is_some() || value.get("promptFeedback").is_some() || value.get("usageMetadata").is_some() {
        return Some("google-generate");
    }
    let ollama =
        value.get("done").is_some_and(Value::is_boolean) && ["message", "response", "model"].iter().any(|key| value.get(key).is_some());
    ollama.then_some("ollama-chat")
}
