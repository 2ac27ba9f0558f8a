//! Exceptions of SDKs and HTTP libraries, with or without their tracebacks.

use std::sync::LazyLock;

use regex::Regex;

use super::{announced, record, text, words};
use crate::triage::{Form, Sighting};

/// A line that names an exception: `openai.BadRequestError: …`, `Caused by: java.net.ConnectException: …`, `Error: connect ECONNREFUSED`.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?m)^[ \t\r\n>|❌⨯✘⎿`"'0-9A-Za-z_@.-]*?(?:Caused by: |Uncaught |Unhandled exception\. |\[cause\]: |---> )?(?:[A-Za-z_$][0-9A-Za-z_$]*[.:/])*[0-9A-Za-z_]*(?:Error|Exception|Timeout|Failure|Err|RemoteProtocol|Panic)(?: \[[0-9A-Za-z_]+\])?(?:: |$| \{)"#,
    )
    .expect("a constant pattern")
});
/// One of these ends the name of an exception.
const NAMES: [&str; 6] = ["Err", "Exception", "Timeout", "Failure", "RemoteProtocol", "Panic"];
/// What HTTP libraries say when no answer came.
const UNANSWERED: [&str; 46] = [
    "fetch failed",
    "econnrefused",
    "econnreset",
    "enotfound",
    "etimedout",
    "ehostunreach",
    "eai_again",
    "epipe",
    "eproto",
    "und_err_",
    "socket hang up",
    "connection refused",
    "connection reset",
    "connection aborted",
    "connection error",
    "connection timed out",
    "connect timed out",
    "timed out",
    "timeout exceeded",
    "timeout of ",
    "deadline exceeded",
    "dial tcp",
    "no such host",
    "name or service not known",
    "temporary failure in name resolution",
    "getaddrinfo",
    "certificate",
    "x509:",
    "ssl:",
    "ssl_error",
    "wrong version number",
    "tls handshake",
    "unexpected eof",
    "incomplete chunked read",
    "incompleteread",
    "premature close",
    "terminated",
    "broken pipe",
    "error sending request",
    "error decoding response body",
    "server disconnected",
    "peer closed connection",
    "network error",
    "failed to fetch",
    "load failed",
    "request was aborted",
];
/// Where a traceback or an error object shows itself.
const TRACES: [&str; 12] = [
    "Traceback (most recent call last)",
    "During handling of the above exception",
    "Caused by: ",
    "\n    at ",
    "\n   at ",
    " ---> ",
    "[cause]:",
    "AI_APICallError",
    "AxiosError",
    "Unhandled exception",
    "unhandledRejection",
    "goroutine 1 [",
];

/// No more exceptions of a traceback, and no more lines of one, are kept.
const MAX_LINKS: usize = 6;
const MAX_LINK: usize = 8;

/// Reads a text that shows an exception; `None` when it shows none.
pub fn read(piece: &str, first_line: usize) -> Option<Sighting> {
    let head = crate::facts::head(piece, crate::facts::TEXT_LIMIT);
    let trace = TRACES.iter().any(|mark| head.contains(mark));
    let said = text::without_frames(head);
    let names = NAMES.iter().any(|name| said.contains(name)) && NAMED.is_match(&said);
    let found = announced::find(&said, has_inner_last(head));
    let unanswered = found.status.is_none() && found.body.is_none() && is_unanswered(&said);
    if !trace && !(names && (found.status.is_some() || found.body.is_some() || unanswered)) {
        return None;
    }
    let mut sighting = Sighting::new(Form::Exception, (first_line, first_line + head.lines().count().max(1) - 1), head);
    if !fill_printed(&mut sighting, head) {
        sighting.status = found.status;
        sighting.body = found.body.map(|body| with_members(body, head));
    }
    if sighting.body.is_none() && head.contains(text::TRACEBACK) {
        sighting.thrown = chain(&said);
    }
    words::fill(&mut sighting, &said);
    Some(sighting)
}

/// What the exceptions of a Python traceback say, without its frames: the last one, which the program saw, and then what caused it.
fn chain(said: &str) -> Option<String> {
    let mut links: Vec<String> = Vec::new();
    for trace in said.split(text::TRACEBACK).skip(1) {
        let lines = trace.lines().map(str::trim_end).skip_while(|line| !NAMED.is_match(line));
        let link: Vec<&str> = lines.take_while(|line| !line.is_empty()).take(MAX_LINK).collect();
        if !link.is_empty() && !links.contains(&link.join("\n")) {
            links.push(link.join("\n"));
        }
    }
    links.reverse();
    links.truncate(MAX_LINKS);
    let cut_short = || said.split(text::TRACEBACK).next().map(|before| before.trim().to_owned()).filter(|before| !before.is_empty());
    if links.is_empty() { cut_short() } else { Some(links.join("\n")) }
}

/// Node prints the members of the error, the answer's body among them.
fn fill_printed(sighting: &mut Sighting, text: &str) -> bool {
    let mut printed = sighting.clone();
    let filled = record::fill_printed(text, &mut printed) && printed.body.is_some();
    if filled {
        *sighting = printed;
    }
    filled
}

/// Whether a text says in a library's words that no answer came.
pub fn is_unanswered(text: &str) -> bool {
    // `ModuleNotFoundError` is no `ENOTFOUND`.
    let text = text.to_lowercase().replace("notfounderror", "");
    UNANSWERED.iter().any(|words| text.contains(words))
}

/// Java, .NET and Node print the cause after what it caused; Python before.
fn has_inner_last(text: &str) -> bool {
    ["Caused by: ", " ---> ", "[cause]:"].iter().any(|mark| text.contains(mark)) && !text.contains("Traceback (most recent call last)")
}

/// `code`, `type` and `param` that Node prints as members of the error, put together again with its message.
fn with_members(body: String, text: &str) -> String {
    if body.starts_with(['{', '[']) || !text.contains("\n    at ") {
        return body;
    }
    let mut error = serde_json::Map::new();
    for key in ["type", "param", "code"] {
        let value =
            text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": ")).map(|value| value.trim_end_matches(','));
        let value = value.filter(|value| value.starts_with(['\'', '"'])).map(|value| value.trim_matches(['\'', '"']));
        error.extend(value.map(|value| (key.to_owned(), value.into())));
    }
    if error.is_empty() {
        return body;
    }
    error.insert("message".to_owned(), body.into());
    serde_json::json!({ "error": error }).to_string()
}

#[cfg(test)]
mod tests;
