//! Pieces of Ollama's and Google's own streams.

use serde_json::Value;

use super::super::json::text;
use super::super::parts::{joined, reasoning, thoughts};
use super::tape::Tape;

/// Takes one object of Ollama's.
pub fn ollama(tape: &mut Tape, value: &Value) {
    tape.model(value.get("model"));
    if let Some(message) = value.get("message") {
        tape.think(&reasoning(message).unwrap_or_default());
        tape.say(&message.get("content").map(joined).unwrap_or_default());
        let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
        calls.for_each(|call| tape.call(call.get("function").and_then(|function| text(function, "name"))));
    }
    tape.think(text(value, "thinking").unwrap_or_default());
    tape.say(text(value, "response").unwrap_or_default());
    if value.get("done") == Some(&Value::Bool(true)) {
        tape.usage(Some(value));
        tape.finish_reason(value.get("done_reason"));
        (tape.finished, tape.reading.done) = (true, true);
    }
}

/// Takes one object of Google's.
pub fn google(tape: &mut Tape, value: &Value) {
    tape.model(value.get("modelVersion"));
    tape.usage(value.get("usageMetadata"));
    if let Some(parts) = value.pointer("/candidates/0/content/parts") {
        tape.think(&thoughts(parts));
        tape.say(&joined(parts));
        let calls = parts.as_array().into_iter().flatten().filter_map(|part| part.get("functionCall"));
        calls.for_each(|call| tape.call(text(call, "name")));
    }
    let blocked = value.pointer("/promptFeedback/blockReason");
    tape.finish_reason(value.pointer("/candidates/0/finishReason").or(blocked));
    tape.reading.done |= tape.finished;
}
