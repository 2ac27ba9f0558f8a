//! Which completion a JSON document is, and what is wrong with its shape.

use serde_json::Value;

use super::super::json::{has, text};
use super::super::parts::{bounded, joined, reasoning, thoughts, tool_names, usage};
use super::Completion;

/// True for a piece of a stream that stands alone as a document.
pub fn is_chunk(value: &Value) -> bool {
    let unfinished = value.get("done") == Some(&Value::Bool(false));
    text(value, "object") == Some("chat.completion.chunk") || unfinished || value.pointer("/choices/0/delta").is_some_and(Value::is_object)
}

/// The completion that a document is; `None` when it is none.
pub fn completion(value: &Value) -> Option<Completion> {
    let object = text(value, "object").unwrap_or_default();
    if value.get("choices").is_some() || matches!(object, "chat.completion" | "text_completion") {
        return Some(chat(value, object));
    }
    if object == "response" || value.get("output").is_some_and(Value::is_array) {
        return Some(responses(value));
    }
    if value.get("candidates").is_some() || value.get("promptFeedback").is_some() {
        return Some(google(value));
    }
    if text(value, "type") == Some("message") || (value.get("stop_reason").is_some() && value.get("content").is_some()) {
        return Some(anthropic(value));
    }
    let ollama = value.get("done").is_some_and(Value::is_boolean) || value.pointer("/message/role").is_some();
    ollama.then(|| self::ollama(value))
}

fn base(dialect: &'static str, value: &Value) -> Completion {
    let counts = value.get("usage").or_else(|| value.get("usageMetadata")).map(usage).unwrap_or_default();
    let model = ["model", "modelVersion"].iter().find_map(|key| text(value, key)).filter(|model| !model.is_empty());
    Completion { dialect, model: model.map(bounded), usage: counts, ..Completion::default() }
}

fn chat(value: &Value, object: &str) -> Completion {
    let first = value.pointer("/choices/0");
    let legacy = object == "text_completion" || first.is_some_and(|choice| choice.get("text").is_some() && choice.get("message").is_none());
    let mut completion = base(if legacy { "openai-completions" } else { "openai-chat" }, value);
    completion.choices = value.get("choices").and_then(Value::as_array).map(Vec::len);
    match value.get("choices") {
        None => completion.faults.push("/choices is missing".to_owned()),
        Some(Value::Array(choices)) if choices.is_empty() => completion.faults.push("/choices is empty".to_owned()),
        Some(Value::Array(choices)) => choice(&mut completion, &choices[0], legacy),
        Some(other) => completion.faults.push(format!("/choices is {}, not an array", name(other))),
    }
    completion
}

fn choice(completion: &mut Completion, choice: &Value, legacy: bool) {
    completion.finish_reason = text(choice, "finish_reason").filter(|reason| !reason.is_empty()).map(bounded);
    if legacy {
        return content(completion, choice.get("text"), "/choices/0/text");
    }
    match choice.get("message") {
        Some(message @ Value::Object(_)) => self::message(completion, message, "/choices/0/message"),
        None => completion.faults.push("/choices/0/message is missing".to_owned()),
        Some(other) => completion.faults.push(format!("/choices/0/message is {}, not an object", name(other))),
    }
}

fn message(completion: &mut Completion, message: &Value, place: &str) {
    content(completion, message.get("content"), &format!("{place}/content"));
    if let Some(refusal) = text(message, "refusal") {
        completion.text.push_str(refusal);
    }
    completion.reasoning = reasoning(message).unwrap_or_else(|| message.get("content").map(thoughts).unwrap_or_default());
    completion.tool_calls = tool_names(message);
    if message.get("tool_calls").is_some_and(|calls| !calls.is_array() && !calls.is_null()) {
        completion.faults.push(format!("{place}/tool_calls is no array"));
    }
}

fn content(completion: &mut Completion, content: Option<&Value>, place: &str) {
    let Some(content) = content else { return };
    completion.text = joined(content);
    match content {
        Value::String(_) | Value::Null => {}
        Value::Array(_) => completion.faults.push(format!("{place} is an array of parts, not a text")),
        other => completion.faults.push(format!("{place} is {}, not a text", name(other))),
    }
}

fn responses(value: &Value) -> Completion {
    let mut completion = base("openai-responses", value);
    let output = value.get("output").and_then(Value::as_array);
    if output.is_none() {
        completion.faults.push("/output is missing".to_owned());
    }
    for item in output.into_iter().flatten() {
        match text(item, "type") {
            Some("reasoning") => completion
                .reasoning
                .push_str(&["summary", "content"].iter().filter_map(|key| item.get(key)).map(joined).collect::<String>()),
            Some(kind) if kind.ends_with("_call") => completion.tool_calls.push(bounded(text(item, "name").unwrap_or(kind))),
            _ => completion.text.push_str(&item.get("content").map(joined).unwrap_or_default()),
        }
    }
    let reason = value.pointer("/incomplete_details/reason").and_then(Value::as_str).or_else(|| text(value, "status"));
    completion.finish_reason = reason.map(bounded);
    completion
}

fn anthropic(value: &Value) -> Completion {
    let mut completion = base("anthropic-messages", value);
    completion.finish_reason = text(value, "stop_reason").map(bounded);
    match value.get("content") {
        Some(content @ Value::Array(parts)) => {
            (completion.text, completion.reasoning) = (joined(content), thoughts(content));
            let calls = parts.iter().filter(|part| text(part, "type") == Some("tool_use"));
            completion.tool_calls = calls.filter_map(|call| text(call, "name")).map(bounded).collect();
        }
        Some(other) => {
            completion.text = joined(other);
            completion.faults.push(format!("/content is {}, not an array of blocks", name(other)));
        }
        None => completion.faults.push("/content is missing".to_owned()),
    }
    completion
}

fn google(value: &Value) -> Completion {
    let mut completion = base("google-generate", value);
    completion.choices = value.get("candidates").and_then(Value::as_array).map(Vec::len);
    let blocked = value.pointer("/promptFeedback/blockReason");
    let reason = value.pointer("/candidates/0/finishReason").or(blocked).and_then(Value::as_str);
    completion.finish_reason = reason.map(bounded);
    let Some(parts) = value.pointer("/candidates/0/content/parts") else {
        if blocked.is_none() && !has(value, "candidates") {
            completion.faults.push("/candidates is missing or empty".to_owned());
        }
        return completion;
    };
    (completion.text, completion.reasoning) = (joined(parts), thoughts(parts));
    let calls = parts.as_array().into_iter().flatten().filter_map(|part| text(part.get("functionCall")?, "name"));
    completion.tool_calls = calls.map(bounded).collect();
    completion
}

fn ollama(value: &Value) -> Completion {
    let mut completion = base("ollama-chat", value);
    completion.usage = usage(value).or(completion.usage);
    completion.finish_reason = text(value, "done_reason").map(bounded);
    match (value.get("message"), value.get("response")) {
        (Some(message), _) if message.is_object() => self::message(&mut completion, message, "/message"),
        (_, Some(response)) => content(&mut completion, Some(response), "/response"),
        _ => completion.faults.push("/message is missing".to_owned()),
    }
    completion
}

fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
