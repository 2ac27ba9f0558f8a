//! Chunks of OpenAI's chat and legacy completions.

use serde_json::Value;

use super::super::error;
use super::super::json::{has, text};
use super::super::parts::{joined, reasoning};
use super::calls;
use super::tape::Tape;

/// True for choices with `text`, as legacy completions have them.
pub fn is_legacy(value: &Value, object: &str) -> bool {
    let choice = value.pointer("/choices/0");
    let texts =
        choice.is_some_and(|choice| choice.get("text").is_some() && choice.get("delta").is_none() && choice.get("message").is_none());
    object == "text_completion" || (texts && !object.starts_with("chat.completion"))
}

/// Takes one chunk.
pub fn take(tape: &mut Tape, value: &Value) {
    tape.model(value.get("model"));
    tape.usage(value.get("usage"));
    if value.get("created").is_some_and(Value::is_string) {
        tape.fault("created-not-number", false);
    }
    match value.get("choices") {
        Some(Value::Array(choices)) => choices.iter().for_each(|choice| self::choice(tape, value, choice)),
        None | Some(Value::Null) if has(value, "usage") || has(value, "error") => {}
        None | Some(Value::Null) => tape.fault("delta-shape", false),
        Some(_) => tape.fault("delta-shape", true),
    }
}

fn choice(tape: &mut Tape, chunk: &Value, choice: &Value) {
    if !choice.is_object() {
        return tape.fault("delta-shape", true);
    }
    tape.finish_reason(choice.get("finish_reason"));
    if text(choice, "finish_reason") == Some("error") && !has(chunk, "error") {
        tape.error(|status, form| error::from_text(status, form, "finish_reason is error".to_owned()));
    }
    if choice.get("index").is_some_and(|index| index.as_u64().is_some_and(|index| index > 0)) {
        return;
    }
    if !choice.get("index").is_some_and(Value::is_u64) {
        tape.fault("index-missing", false);
    }
    if text(choice, "finish_reason") == Some("") {
        tape.fault("finish-reason-empty", false);
    }
    match choice.get("delta") {
        Some(delta @ Value::Object(_)) => self::delta(tape, delta),
        None | Some(Value::Null) => undelta(tape, chunk, choice),
        Some(_) => tape.fault("delta-shape", true),
    }
}

/// A choice without `delta`: legal when it only says the end, otherwise another shape.
fn undelta(tape: &mut Tape, chunk: &Value, choice: &Value) {
    if let Some(message) = choice.get("message").filter(|message| message.is_object()) {
        return self::message(tape, chunk, message);
    }
    let Some(said) = choice.get("text") else { return };
    if text(chunk, "object") == Some("chat.completion.chunk") {
        tape.fault("delta-shape", true);
    }
    content(tape, said);
}

/// A whole message where a delta should stand. Behind deltas it only repeats them.
fn message(tape: &mut Tape, chunk: &Value, message: &Value) {
    let said = tape.reading.content_ms.len();
    let piecewise =
        text(chunk, "object") == Some("chat.completion.chunk") || tape.reading.faults.iter().any(|fault| fault.kind == "delta-shape");
    if piecewise {
        tape.fault("delta-shape", true);
        return delta(tape, message);
    }
    let known = tape.reading.faults.iter().any(|fault| fault.kind == "whole-object");
    tape.fault("whole-object", said == 0);
    if said == 0 || known {
        delta(tape, message);
    }
}

fn delta(tape: &mut Tape, delta: &Value) {
    match delta.get("role") {
        None => {}
        Some(Value::String(role)) if !role.is_empty() => tape.role = Some(true),
        Some(_) => tape.role = tape.role.or(Some(false)),
    }
    if let Some(thought) = reasoning(delta) {
        tape.think(&thought);
    }
    if let Some(said) = delta.get("content") {
        content(tape, said);
    }
    if let Some(refusal) = text(delta, "refusal") {
        tape.say(refusal);
    }
    match delta.get("tool_calls") {
        Some(Value::Array(calls)) => calls.iter().for_each(|call| calls::take(tape, call)),
        None | Some(Value::Null) => {}
        Some(_) => tape.fault("delta-shape", true),
    }
    if let Some(call) = delta.get("function_call").filter(|call| call.is_object()) {
        tape.call(text(call, "name"));
    }
}

fn content(tape: &mut Tape, content: &Value) {
    match content {
        Value::String(said) => tape.say(said),
        Value::Null => {}
        other => {
            tape.fault("content-not-string", true);
            let said = if other.is_number() || other.is_boolean() { other.to_string() } else { joined(other) };
            tape.say(&said);
        }
    }
}
