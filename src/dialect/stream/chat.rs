//! Chunks of OpenAI's chat and legacy completions.

use serde_json::Value;

use super::super::error;
use super::super::json::{has, text};
use super::super::parts::{joined, reasoning};
use super::tape::Tape;

/// Tool calls whose deltas were seen.
#[derive(Default)]
pub struct Calls {
    /// Id and index of the call in hand.
    last: Option<(String, Option<u64>)>,
    /// Calls that began without an index.
    unnumbered: usize,
    /// The arguments of each call, joined, with its index and where it began.
    arguments: Vec<(Option<u64>, usize, String)>,
}

impl Calls {
    /// Where a call begins whose arguments are not JSON.
    pub fn torn(&self) -> Option<usize> {
        let torn = |text: &str| !text.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err();
        self.arguments.iter().find(|(_, _, text)| torn(text)).map(|(_, start, _)| *start)
    }
}

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
        tape.fault("delta-shape", false);
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
    if tape.asked_chat || text(chunk, "object") == Some("chat.completion.chunk") {
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
        Some(Value::Array(calls)) => calls.iter().for_each(|call| self::call(tape, call)),
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

fn call(tape: &mut Tape, call: &Value) {
    let function = call.get("function").unwrap_or(&Value::Null);
    let index = call.get("index").and_then(Value::as_u64);
    let id = text(call, "id").filter(|id| !id.is_empty());
    let begins = begins(tape, id, index, has(function, "name"));
    if index.is_none() {
        tape.calls.unnumbered += usize::from(begins);
        tape.fault("tool-index-missing", tape.calls.unnumbered > 1);
    }
    if function.get("arguments").is_some_and(|arguments| !arguments.is_string() && !arguments.is_null()) {
        tape.fault("delta-shape", true);
    }
    if begins {
        let start = tape.start;
        tape.calls.arguments.push((index, start, String::new()));
    }
    if let (Some(fragment), Some(call)) = (text(function, "arguments"), tape.calls.arguments.iter_mut().rfind(|call| call.0 == index)) {
        call.2.push_str(fragment);
    }
    tape.call(text(function, "name").filter(|_| begins));
}

/// True for the first delta of a call. Two ids under one index are merged by every client.
fn begins(tape: &mut Tape, id: Option<&str>, index: Option<u64>, named: bool) -> bool {
    let Some(id) = id else {
        let fresh = tape.calls.last.as_ref().is_none_or(|(_, last)| index.is_some() && *last != index);
        if fresh && named {
            tape.calls.last = Some((String::new(), index));
        }
        return fresh && named;
    };
    let known = tape.calls.last.as_ref().is_some_and(|(last, _)| last == id);
    let shared = index.is_some() && tape.calls.last.as_ref().is_some_and(|(last, at)| !last.is_empty() && last != id && *at == index);
    if shared && named {
        tape.fault("delta-shape", true);
    }
    tape.calls.last = Some((id.to_owned(), index));
    !known
}
