//! A client's own request, taken from what a user has of it: JSON, a curl command, a HAR file, a captured session, an SDK's debug log, a raw
//! request.
//!
//! Unlike a [`super::Sighting`], it is taken unchanged: it is going to be sent.

mod har;
mod log;
mod raw;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::input::command::{self, Command};
use crate::evidence::{Captured, Scheme, Session};
use crate::secret::Secret;

/// Larger requests, and files of one request (bytes), are no chat.
pub const LARGEST_BODY: usize = 16 << 20;
/// Larger recordings (bytes) are not searched for a request.
pub const LARGEST_FILE: usize = 256 << 20;

/// What a client sends.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientRequest {
    /// The JSON body.
    pub body: Value,
    /// The headers that are the client's own, with lower-case names: no credentials, nothing that a connection or a body brings along.
    pub headers: Vec<(String, String)>,
    /// Where it went, when that is known.
    pub url: Option<String>,
    /// The key that a curl command carries, and the header that carries it.
    pub key: Option<(Scheme, Secret)>,
}

/// There is no request to be had from a text; the message says why and what is accepted, without the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRequest {
    /// Nothing but blanks.
    #[error("is empty; expected {ACCEPTED}")]
    Empty,
    /// Not a text.
    #[error("is not UTF-8 (byte {0}); expected {ACCEPTED}")]
    NotUtf8(usize),
    /// More than is a chat: bytes, and the limit in MiB.
    #[error("has {0} bytes, more than the {1} MiB that are read; no chat is that large")]
    TooLarge(usize, usize),
    /// Begins as JSON and is none; the parser's words.
    #[error("is no JSON ({0}); expected {ACCEPTED}")]
    NotJson(String),
    /// JSON of another kind.
    #[error("has no `messages`, `input`, `prompt` or `contents`; expected {ACCEPTED}")]
    NoMessages,
    /// A HAR file without a request to an LLM; how many entries it has.
    #[error("is a HAR file whose {0} entries hold no POST of JSON with `messages`, `input`, `prompt` or `contents`")]
    NoEntry(usize),
    /// The wanted entry is not there or holds no such request; how many there are.
    #[error(
        "is a HAR file whose entry {0} is no POST of JSON with `messages`, `input`, `prompt` or `contents` (it has entries 1 to {1}; such requests: {2})"
    )]
    NotThatEntry(usize, usize, String),
    /// An entry was asked for, and this is no HAR file.
    #[error("is no HAR file, so it has no entry {0}")]
    NoEntries(usize),
    /// A captured session that cannot be read; why.
    #[error("is no captured session ({0})")]
    NotASession(String),
    /// A captured session without the wanted request; how many it has.
    #[error("is a captured session without that request (it has {0} of JSON with `messages`, `input`, `prompt` or `contents`)")]
    NothingCaptured(usize),
    /// A curl command without a JSON body.
    #[error("is a curl command without a JSON body that could be sent; `-d @FILE` must be given as --body FILE")]
    NoData,
    /// A debug log that shows parts of the body as `[Object]`.
    #[error("shows the body with parts left out (`[Object]`); let the client log JSON.stringify(body), or record it with a HAR file")]
    CutLog,
    /// Something else.
    #[error("holds no request that could be read; expected {ACCEPTED}")]
    Unknown,
}

const ACCEPTED: &str = "the JSON of a request, a curl command, a HAR file, a captured session or an SDK's debug log";

/// Reads the request out of a file's bytes; `entry` (from 1) picks one of a HAR file, else its last failed one is taken.
///
/// # Errors
/// When no request is found; the message says what was there instead.
pub fn read(bytes: &[u8], entry: Option<usize>) -> Result<ClientRequest, NoRequest> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| NoRequest::NotUtf8(error.valid_up_to()))?.trim();
    if text.is_empty() {
        return Err(NoRequest::Empty);
    }
    if Session::is_one(bytes) {
        return of_session(bytes, entry);
    }
    if har::is_har(text) {
        return har::read(text, entry);
    }
    if let Some(entry) = entry {
        return Err(NoRequest::NoEntries(entry));
    }
    if bytes.len() > LARGEST_BODY {
        return Err(NoRequest::TooLarge(bytes.len(), LARGEST_BODY >> 20));
    }
    match text.as_bytes()[0] {
        b'{' => of_json(text),
        // A list is no request, but lines of a log begin so.
        b'[' if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => Err(NoRequest::NoMessages),
        _ => of_text(text),
    }
}

/// The wanted exchange of a captured session, or its last refused one, or its last one.
fn of_session(bytes: &[u8], wanted: Option<usize>) -> Result<ClientRequest, NoRequest> {
    let session = Session::read(bytes).map_err(|error| NoRequest::NotASession(error.to_string()))?;
    let chats: Vec<&Captured> =
        session.requests().filter(|captured| captured.exchange.request.body.as_ref().is_some_and(is_chat)).collect();
    let found = match wanted {
        Some(number) => chats.iter().find(|captured| captured.number == number as u64),
        None => chats.iter().rev().find(|captured| captured.is_refused()).or(chats.last()),
    };
    let request = &found.ok_or(NoRequest::NothingCaptured(chats.len()))?.exchange.request;
    let body = request.body.clone().unwrap_or_default();
    Ok(ClientRequest { body, headers: own_headers(request.headers.iter().cloned()), url: Some(request.url.clone()), key: None })
}

fn of_json(text: &str) -> Result<ClientRequest, NoRequest> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            unwrapped(&value).map(|body| ClientRequest { body, headers: Vec::new(), url: None, key: None }).ok_or(NoRequest::NoMessages)
        }
        // What Python or JavaScript print of a body.
        Err(error) => match log::literal(text).and_then(|value| unwrapped(&value)) {
            Some(body) => Ok(ClientRequest { body, headers: Vec::new(), url: None, key: None }),
            None => Err(NoRequest::NotJson(error.to_string())),
        },
    }
}

fn of_text(text: &str) -> Result<ClientRequest, NoRequest> {
    let lines: Vec<&str> = text.lines().collect();
    if let Some(at) = lines.iter().position(|line| command::begins(line)) {
        return of_command(&lines[at..]);
    }
    log::read(text).or_else(|error| match raw::read(text) {
        Some(request) => Ok(request),
        None => Err(error),
    })
}

fn of_command(lines: &[&str]) -> Result<ClientRequest, NoRequest> {
    let command = command::read_whole(lines).ok_or(NoRequest::NoData)?;
    let key = key(&command);
    let asked = command.asked.ok_or(NoRequest::NoData)?;
    let body = unwrapped(&asked).ok_or(NoRequest::NoMessages)?;
    Ok(ClientRequest { body, headers: own_headers(command.headers.into_iter()), url: Some(command.url), key })
}

/// The key of a command: of its headers, else of its address. What only stands for one (a variable, asterisks, a placeholder) is none.
fn key(command: &Command) -> Option<(Scheme, Secret)> {
    let is_key = |value: &str| {
        let placeholder =
            value.contains(['$', '<', '>', '*', '[', '…', '%', '{']) || value.contains("...") || value.contains(char::is_whitespace);
        !value.is_empty() && !placeholder
    };
    let of_header = |(name, value): &(String, String)| {
        let value = value.trim();
        let bearer = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key.trim());
        let (scheme, key) = match name.trim().to_ascii_lowercase().as_str() {
            "authorization" => (Scheme::Bearer, bearer?),
            "x-api-key" => (Scheme::XApiKey, value),
            "api-key" => (Scheme::ApiKey, value),
            "x-goog-api-key" => (Scheme::XGoogApiKey, value),
            _ => return None,
        };
        is_key(key).then(|| (scheme, Secret::new(key)))
    };
    let of_query = || {
        let url = url::Url::parse(&command.url).ok()?;
        let (_, key) = url.query_pairs().find(|(name, _)| name == "key")?;
        is_key(&key).then(|| (Scheme::XGoogApiKey, Secret::new(key.as_ref())))
    };
    command.headers.iter().find_map(of_header).or_else(of_query)
}

/// The body itself, which some logs and exports wrap.
fn unwrapped(value: &Value) -> Option<Value> {
    const WRAPPERS: [&str; 7] = ["/body", "/json_data", "/request/body", "/json", "/data", "/options/body", "/requestBody"];
    if is_chat(value) {
        return Some(value.clone());
    }
    WRAPPERS.iter().filter_map(|at| value.pointer(at)).find_map(|inner| match inner {
        Value::String(text) => serde_json::from_str(text).ok().filter(is_chat),
        other => is_chat(other).then(|| other.clone()),
    })
}

fn is_chat(value: &Value) -> bool {
    value["messages"].is_array()
        || value["contents"].is_array()
        || value.is_object() && (!value["input"].is_null() || !value["prompt"].is_null())
}

/// Headers without credentials, and without those that a connection, a body or a browser brings along.
fn own_headers(headers: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    const BROUGHT: [&str; 26] = [
        "host",
        "connection",
        "content-length",
        "content-type",
        "transfer-encoding",
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "cookie",
        "origin",
        "referer",
        "pragma",
        "cache-control",
        "priority",
        "dnt",
        "te",
        "expect",
        "keep-alive",
        "upgrade-insecure-requests",
        "idempotency-key",
        "traceparent",
    ];
    let named = headers.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    let own = named.filter(|(name, _)| !BROUGHT.contains(&name.as_str()) && !name.starts_with(':') && !name.starts_with("sec-"));
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in own.filter(|(name, value)| !name.is_empty() && !value.is_empty()) {
        if !kept.iter().any(|(known, _)| *known == name) {
            kept.push((name, value));
        }
    }
    kept
}
