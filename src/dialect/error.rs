//! Unwrapping an error, however nested, stringified or doubled, to what its innermost speaker said.

mod html;
mod unwrap;

use serde_json::{Map, Value};

use super::json::{self, has, text, truthy};
use super::sse;

pub(crate) use html::{is_page, title};

/// What an error says once everything around it is taken off.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ErrorFacts {
    /// The HTTP status it came with.
    pub status: u16,
    /// A status written inside the body, when it differs (`{"error":{"code":404}}` under 200).
    pub inner_status: Option<u16>,
    /// `code`, as text.
    pub code: Option<String>,
    /// `type`.
    pub kind: Option<String>,
    /// `param`, or FastAPI's `loc` joined by dots without `body`.
    pub param: Option<String>,
    /// The innermost message; at most 4 KiB. A page's title and text for HTML, the text itself for plain text, empty when there is nothing.
    pub message: String,
    /// The outermost message, when the innermost one was found inside it.
    pub outer_message: Option<String>,
    /// The way to the innermost message, such as `error.message › json › error.message`.
    pub path: Vec<String>,
    /// `json`, `html`, `text`, `sse` or `empty`.
    pub form: &'static str,
    /// The whole body as text, at most 64 KiB.
    pub raw: String,
}

/// No more bytes of a body than these are kept as [`ErrorFacts::raw`], and searched.
const MAX_RAW: usize = 64 * 1024;
/// No more bytes of a message than these are kept.
const MAX_MESSAGE: usize = 4 * 1024;

/// Reads an error out of a body of any form.
pub fn read(status: u16, media_type: &str, bytes: &[u8]) -> ErrorFacts {
    let bytes = bytes.strip_prefix(sse::BOM).unwrap_or(bytes);
    let raw = raw(bytes);
    let trimmed = raw.trim_start();
    if trimmed.is_empty() {
        return ErrorFacts { status, form: "empty", raw, ..ErrorFacts::default() };
    }
    if let Some(value) = document(bytes) {
        return from_value(status, &value, "json", raw);
    }
    if html::is_page(trimmed) || media_type.ends_with("/html") {
        return ErrorFacts { status, form: "html", message: bounded(&html::message(trimmed)), raw, ..ErrorFacts::default() };
    }
    from_events(status, bytes, &raw).unwrap_or_else(|| from_text(status, "text", raw))
}

/// A body that is a JSON object or array, whatever follows it; one that is cut short as far as it goes.
fn document(bytes: &[u8]) -> Option<Value> {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let container = |value: &Value| value.is_object() || value.is_array() || value.is_string();
    let whole = json::first(&bytes[start..]).map(|(value, _)| value).filter(container);
    whole.or_else(|| begins_a_container(&bytes[start..]).then(|| json::lenient(&raw(&bytes[start..]))).flatten())
}

/// Whether a text begins as a JSON object or array does; `[ERR] …` and `[2024-01-11 …` are a log's.
fn begins_a_container(text: &[u8]) -> bool {
    let next = || text[1..].iter().find(|byte| !byte.is_ascii_whitespace());
    match text.first() {
        Some(b'{') => true,
        Some(b'[') => next().is_none_or(|byte| matches!(byte, b'{' | b'[' | b'"' | b'\'' | b']')),
        _ => false,
    }
}

fn from_events(status: u16, bytes: &[u8], raw: &str) -> Option<ErrorFacts> {
    let decoded = sse::decode(&bytes[..bytes.len().min(MAX_RAW)]);
    let event = decoded.events.iter().find(|event| !event.data.trim().is_empty() && event.data.trim() != "[DONE]")?;
    let facts = match json::lenient(event.data.trim()) {
        Some(value) => from_value(status, &value, "sse", raw.to_owned()),
        None => ErrorFacts { raw: raw.to_owned(), ..from_text(status, "sse", event.data.clone().into_owned()) },
    };
    Some(facts)
}

/// The error that a text is, or that stands inside it.
pub(super) fn from_text(status: u16, form: &'static str, raw: String) -> ErrorFacts {
    unwrap::text(ErrorFacts { status, form, raw: raw.clone(), ..ErrorFacts::default() }, &raw)
}

/// The error that a JSON value is; `raw` is what it was read from.
pub(super) fn from_value(status: u16, value: &Value, form: &'static str, raw: String) -> ErrorFacts {
    unwrap::value(ErrorFacts { status, form, raw: bounded_to(&raw, MAX_RAW), ..ErrorFacts::default() }, value)
}

/// The error inside a JSON value that may come under status 200: `error` not null, false, empty; `{"detail":…}`, `{"code":…,"msg":…}`
/// without any of an answer's own members.
pub fn in_value(status: u16, value: &Value) -> Option<ErrorFacts> {
    is_error(value).then(|| from_value(status, value, "json", value.to_string()))
}

/// True when a JSON value says by its shape that it is an error and no answer.
pub(super) fn is_error(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.len() == 1 && items[0].get("error").is_some_and(truthy),
        Value::Object(map) => speaks_of_error(value) || (!is_answer(value) && looks_like_error(value, map)),
        _ => false,
    }
}

/// Shapes that are errors whatever else stands beside them.
fn speaks_of_error(value: &Value) -> bool {
    let named = |key| text(value, key).is_some_and(|name| name == "error");
    has(value, "error") || named("type") || named("object") || value.pointer("/base_resp/status_code").is_some_and(truthy)
}

fn is_answer(value: &Value) -> bool {
    const OWN: [&str; 9] = ["choices", "candidates", "output", "content", "response", "embedding", "models", "text", "delta"];
    OWN.iter().any(|key| has(value, key)) || value.get("message").is_some_and(Value::is_object) || is_dated(value)
}

/// Payloads under `data`, unless the value says itself that it failed.
fn is_dated(value: &Value) -> bool {
    has(value, "data") && !failed(value)
}

fn failed(value: &Value) -> bool {
    let status = text(value, "status").is_some_and(|status| matches!(status, "failure" | "error" | "fail" | "failed"));
    value.get("success") == Some(&Value::Bool(false)) || status || numeric(value).is_some_and(|code| (400..600).contains(&code))
}

fn looks_like_error(value: &Value, map: &Map<String, Value>) -> bool {
    let says = ["message", "msg", "detail", "html-message", "error_msg", "errorMessage", "errors"].iter().any(|key| has(value, key));
    let coded = map.get("code").is_some_and(|code| truthy(code) && !is_fine(code));
    has(value, "detail") || (says && (coded || failed(value))) || (has(value, "errors") && !has(value, "id"))
}

fn is_fine(code: &Value) -> bool {
    match code {
        Value::Number(number) => number.as_u64().is_some_and(|code| code < 300),
        Value::String(word) => matches!(word.to_ascii_lowercase().as_str(), "0" | "200" | "ok" | "success" | "00000"),
        Value::Bool(_) => true,
        _ => false,
    }
}

/// The first number among the members that may carry a status.
fn numeric(value: &Value) -> Option<u64> {
    ["code", "status", "statusCode", "status_code", "http_status"].iter().find_map(|key| match value.get(key)? {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    })
}

fn raw(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_RAW)]).into_owned()
}

fn bounded(message: &str) -> String {
    bounded_to(message.trim(), MAX_MESSAGE)
}

/// The beginning of a text, at most so many bytes.
fn bounded_to(text: &str, limit: usize) -> String {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests;
