//! Typed events: OpenAI's Responses and Anthropic's messages.

use serde_json::Value;

use super::super::json::{has, text};
use super::super::parts::joined;
use super::super::{error, parts};
use super::tape::Tape;

/// What the typed events said so far.
#[derive(Default)]
pub struct Turn {
    started: bool,
    /// The block that is open, and how many there were.
    open: Option<u64>,
    blocks: u64,
    /// The last sequence number of the Responses API.
    sequence: Option<u64>,
}

impl Turn {
    /// Whether the block of this index is open.
    pub fn is_open(&self, index: u64) -> bool {
        self.open == Some(index)
    }
}

/// True for the names of Anthropic's events, the keep-alive aside.
pub fn is_message_event(kind: &str) -> bool {
    const NAMES: [&str; 6] =
        ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"];
    NAMES.contains(&kind)
}

/// Takes one event of the Responses API.
pub fn response(tape: &mut Tape, value: &Value, name: &str) {
    if text(value, "object") == Some("response") && value.get("type").is_none() {
        return whole_response(tape, value);
    }
    let kind = text(value, "type").unwrap_or_else(|| {
        tape.fault("delta-shape", true);
        name
    });
    sequence(tape, value.get("sequence_number").and_then(Value::as_u64), kind, name);
    let response = value.get("response").unwrap_or(&Value::Null);
    tape.model(response.get("model"));
    tape.usage(response.get("usage"));
    let delta = text(value, "delta").unwrap_or_default();
    match kind {
        "response.output_text.delta" | "response.refusal.delta" | "response.text.delta" => tape.say(delta),
        "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => tape.think(delta),
        "response.function_call_arguments.delta" => {
            tape.calls.add(value.get("output_index").and_then(Value::as_u64), delta);
            tape.call(None);
        }
        "response.custom_tool_call_input.delta" => tape.call(None),
        "response.output_item.added" => item(tape, value),
        "response.completed" | "response.incomplete" | "response.failed" | "response.done" | "error" => {
            forgotten(tape, kind, response);
            terminal(tape, response);
        }
        _ => {}
    }
}

/// What the order and the names of events say.
pub fn sequence(tape: &mut Tape, number: Option<u64>, kind: &str, name: &str) {
    if name.is_empty() {
        tape.fault("event-name-missing", false);
    }
    if matches!(kind, "response.done" | "response.text.delta") {
        tape.fault("event-name-old", false);
    }
    let skips = number.zip(tape.turn.sequence).is_some_and(|(now, before)| now != before.saturating_add(1));
    let early = !tape.turn.started && kind != "response.created" && kind != "error";
    if skips || early {
        tape.fault("event-order", false);
    }
    tape.turn.started = true;
    tape.turn.sequence = number.or(tape.turn.sequence);
}

fn item(tape: &mut Tape, value: &Value) {
    let item = value.get("item").unwrap_or(&Value::Null);
    let kind = text(item, "type").unwrap_or_default();
    if kind.ends_with("_call") {
        if kind == "function_call" {
            let start = tape.start;
            tape.calls.open("", value.get("output_index").and_then(Value::as_u64), start);
        }
        tape.call(text(item, "name").or(Some(kind)));
    }
}

/// SDKs take the final text from the last event's output, not from the deltas.
fn forgotten(tape: &mut Tape, kind: &str, response: &Value) {
    let none = response.get("output").and_then(Value::as_array).is_some_and(Vec::is_empty);
    if kind == "response.completed" && none && !tape.reading.content_ms.is_empty() {
        tape.fault("output-empty", false);
    }
}

fn terminal(tape: &mut Tape, response: &Value) {
    let reason = response.pointer("/incomplete_details/reason").or_else(|| response.get("status"));
    tape.finish_reason(reason);
    (tape.finished, tape.reading.done) = (true, true);
    if has(response, "error") {
        tape.error(|status, form| error::from_value(status, response, form, response.to_string()));
    }
}

fn whole_response(tape: &mut Tape, value: &Value) {
    tape.fault("whole-object", tape.reading.content_ms.is_empty());
    tape.model(value.get("model"));
    tape.usage(value.get("usage"));
    if tape.reading.content_ms.is_empty() {
        let items = value.get("output").and_then(Value::as_array).into_iter().flatten();
        items.for_each(|item| tape.say(&item.get("content").map(joined).unwrap_or_default()));
    }
    terminal(tape, value);
}

/// Takes one event of Anthropic's messages.
pub fn message(tape: &mut Tape, value: &Value, name: &str) {
    let kind = text(value, "type").unwrap_or(name);
    if name.is_empty() && kind != "message" {
        tape.fault("event-name-missing", true);
    }
    match kind {
        "message_start" => start(tape, value.get("message").unwrap_or(&Value::Null)),
        "content_block_start" => block(tape, value),
        "content_block_delta" => delta(tape, value),
        "content_block_stop" => tape.turn.open = None,
        "message_delta" => {
            if !value.get("usage").is_some_and(Value::is_object) {
                tape.fault("message-shape", false);
            }
            tape.usage(value.get("usage"));
            tape.finish_reason(value.pointer("/delta/stop_reason"));
        }
        "message_stop" => tape.reading.done = true,
        _ => whole_message(tape, value),
    }
}

fn start(tape: &mut Tape, message: &Value) {
    if tape.turn.started {
        tape.fault("event-order", false);
    }
    tape.turn.started = true;
    if !message.get("usage").is_some_and(Value::is_object) || !message.get("content").is_some_and(Value::is_array) {
        tape.fault("message-shape", false);
    }
    tape.model(message.get("model"));
    tape.usage(message.get("usage"));
}

fn block(tape: &mut Tape, value: &Value) {
    let index = value.get("index").and_then(Value::as_u64);
    if !tape.turn.started || index != Some(tape.turn.blocks) {
        tape.fault("event-order", false);
    }
    tape.turn.blocks = index.unwrap_or(tape.turn.blocks).saturating_add(1);
    tape.turn.open = index;
    let block = value.get("content_block").unwrap_or(&Value::Null);
    if text(block, "type").is_some_and(|kind| kind.ends_with("tool_use")) {
        let start = tape.start;
        tape.calls.open(text(block, "id").unwrap_or_default(), index, start);
        tape.call(text(block, "name"));
    } else {
        tape.say(text(block, "text").unwrap_or_default());
    }
}

fn delta(tape: &mut Tape, value: &Value) {
    if tape.turn.open.is_none() || tape.turn.open != value.get("index").and_then(Value::as_u64) {
        tape.fault("event-order", false);
    }
    let delta = value.get("delta").unwrap_or(&Value::Null);
    match text(delta, "type").unwrap_or_default() {
        "text_delta" => tape.say(text(delta, "text").unwrap_or_default()),
        "thinking_delta" => tape.think(text(delta, "thinking").unwrap_or_default()),
        "input_json_delta" => {
            tape.calls.add(value.get("index").and_then(Value::as_u64), text(delta, "partial_json").unwrap_or_default());
            tape.call(None);
        }
        _ => {}
    }
}

fn whole_message(tape: &mut Tape, value: &Value) {
    tape.fault("whole-object", tape.reading.content_ms.is_empty());
    tape.model(value.get("model"));
    tape.usage(value.get("usage"));
    if tape.reading.content_ms.is_empty() {
        let content = value.get("content").unwrap_or(&Value::Null);
        tape.think(&parts::thoughts(content));
        tape.say(&joined(content));
    }
    tape.finish_reason(value.get("stop_reason"));
    tape.reading.done |= tape.finished;
}
