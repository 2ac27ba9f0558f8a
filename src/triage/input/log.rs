//! Lines of logs, of clients and of gateways: only what failed is taken, and what failed alike is counted.

mod scan;

pub use scan::is_stamped;

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{announced, exception, text, words};
use crate::triage::{Form, Sighting};

/// So much of a text (bytes) shows whether it is a log.
const SAMPLE: usize = 32 * 1024;

/// A level that says that something went wrong.
static BAD_LEVEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:^|[^0-9A-Za-z_.])(?:error|err|fatal|critical|crit|panic|emerg|severe|eror)(?:\]|:|"|\||[ \t\r\n]|$|=[^ \t\r\n"]|="[^"])"#,
    )
});
/// A level that says that nothing did.
static FINE_LEVEL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?i)(?:^|[^0-9A-Za-z_.])(?:info|debug|trace|notice|dbg|inf)(?:[\]:"|[ \t\r\n]]|$)"#));
/// Members that say that there was no error.
static NO_ERROR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:errors?|err|exception|failures?|failed)["']?[ \t\r\n]?[:=][ \t\r\n]?(?:null|nil|none|false|0|""|''|-|\[\]|\{\}|<nil>)(?:[ \t\r\n,}\])]|$)"#,
    )
});
/// HAProxy's timers (ms) before the status.
static HAPROXY: LazyLock<Regex> = LazyLock::new(|| pattern(r" -?[0-9]+/-?[0-9]+/-?[0-9]+/-?[0-9]+/\+?([0-9]+) ([1-5][0-9][0-9]) "));
/// `err_msg="…"`, `error=…`, `msg="…"` of logfmt, and of lines like it.
static MEMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?:^|[ \t\r\n])(err_msg|error_message|errorMessage|error|err|reason|message|msg)=(?:"((?:[^"\\]|\\.)+)"|([^ \t\r\n"']+))"#)
});
/// A level between the two.
static WARNING: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)(?:^|[^0-9A-Za-z_.])(?:warn|warning|wrn)(?:[^0-9A-Za-z_]|$)"));
/// Words that say by themselves that something failed, under whatever level.
const FAILED_ANYWAY: [&str; 10] = [
    "traceback (most recent call last)",
    "truncating input prompt",
    "timed out",
    "connection refused",
    "reset by peer",
    "prematurely closed",
    "exception:",
    "error:",
    "no live upstreams",
    "deadline exceeded",
];
/// Words that say so where no level says otherwise.
const FAILED: [&str; 4] = ["error -", "failed", "unable to", "could not"];
/// What programs say at their start, and of their own future.
const NOISE: [&str; 6] = ["deprecat", "userwarning", "futurewarning", "favicon.ico", "robots.txt", "model cost map"];

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

/// True for a text whose lines look like a log's.
pub fn looks_like(piece: &str) -> bool {
    let lines: Vec<&str> = crate::facts::head(piece, SAMPLE).lines().filter(|line| !line.trim().is_empty()).collect();
    let stamped = lines.iter().filter(|line| scan::is_stamped(line)).count();
    stamped >= 2 || stamped * 3 > lines.len()
}

/// The failures that the lines show, in their order; each the first time it stands there, with its count.
pub fn read(piece: &str, first_line: usize) -> Vec<Sighting> {
    scan::entries(piece, is_failing).into_iter().map(|entry| sighting(&entry, first_line)).collect()
}

fn sighting(entry: &scan::Entry, first_line: usize) -> Sighting {
    let lines = (first_line + entry.lines.0, first_line + entry.lines.1);
    let text = text::bare(entry.text);
    let mut sighting = told(&text, lines);
    sighting.times = entry.times;
    words::fill(&mut sighting, &text::without_frames(&text));
    if let Some(timers) = HAPROXY.captures(&text) {
        sighting.seconds = timers[1].parse::<f64>().ok().map(|ms| ms / 1000.0);
    }
    sighting
}

/// What one entry says of the answer.
fn told(text: &str, lines: (usize, usize)) -> Sighting {
    if let Some(object) = json_line(text) {
        return from_json(&object, text, lines);
    }
    let shown = text.contains("Traceback (most recent call last)") || text.contains("\n    at ");
    if let Some(mut exception) = shown.then(|| exception::read(text, lines.0)).flatten() {
        exception.lines = lines;
        return exception;
    }
    let found = announced::find(text, false);
    let mut sighting = Sighting::new(Form::Log, lines, text);
    sighting.status = found.status.or_else(|| haproxy(text));
    sighting.body = found.body.or_else(|| sighting.status.and_then(|_| member(text)));
    sighting
}

fn haproxy(text: &str) -> Option<u16> {
    HAPROXY.captures(text)?[2].parse().ok().filter(|status| *status >= 400)
}

fn member(text: &str) -> Option<String> {
    let rank = |name: &str| match name {
        "err_msg" | "error_message" | "errorMessage" => 0,
        "message" | "msg" => 2,
        _ => 1,
    };
    let members: Vec<_> = MEMBER.captures_iter(text).take(12).collect();
    let best = members.iter().min_by_key(|found| rank(&found[1]))?;
    let value = best.get(2).or(best.get(3))?.as_str().replace("\\\"", "\"");
    (!matches!(value.as_str(), "nil" | "null" | "None" | "<nil>")).then_some(value)
}

/// The object that a line of a JSON log is, perhaps after a prefix.
fn json_line(text: &str) -> Option<Value> {
    let line = text.lines().next()?.trim();
    let object = serde_json::from_str::<Value>(line).ok().filter(Value::is_object)?;
    let is_log = ["level", "severity", "lvl", "msg", "ts", "time", "timestamp", "status", "status_code", "response_code"];
    is_log.iter().any(|key| object.get(key).is_some()).then_some(object)
}

fn from_json(object: &Value, text: &str, lines: (usize, usize)) -> Sighting {
    let mut sighting = Sighting::new(Form::Log, lines, text);
    let find = |keys: &[&str]| keys.iter().find_map(|key| object.get(key).filter(|value| crate::dialect::json::truthy(value)).cloned());
    sighting.status = status(object);
    let said = find(&["error", "err", "exception", "error_message", "err_msg", "response_body", "message", "msg"]);
    let said = said.map(|said| said.as_str().map_or_else(|| said.to_string(), str::to_owned));
    let found = announced::find(said.as_deref().unwrap_or_default(), false);
    sighting.status = sighting.status.or(found.status);
    sighting.body = found.body.or(said).filter(|_| sighting.status.is_some());
    let word = |keys: &[&str]| find(keys).and_then(|value| value.as_str().map(str::to_owned));
    sighting.method = word(&["method", "request_method", "http_method"]);
    sighting.url = word(&["url", "uri", "path", "request_uri", "request_path"]);
    let seconds = find(&["duration", "request_time", "latency", "elapsed", "response_time"]);
    sighting.seconds =
        seconds.and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok())).filter(|seconds| *seconds < 86_400.0);
    sighting.asked = word(&["model"]).map(|model| serde_json::json!({ "model": model }));
    sighting
}

fn status(object: &Value) -> Option<u16> {
    let keys = ["status", "status_code", "statusCode", "http_status", "response_code", "code"];
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
    let in_object = |object: &Value| keys.iter().find_map(|key| number(object.get(key)?)).and_then(|status| u16::try_from(status).ok());
    in_object(object).or_else(|| in_object(object.get("response").or(object.get("res"))?)).filter(|status| (400..600).contains(status))
}

/// Whether a line tells of a failure; asked once for every kind of line.
fn is_failing(line: &str) -> bool {
    let line = text::bare(line);
    if announced::has_status(&line) || haproxy(&line).is_some() {
        return true;
    }
    let cleared = NO_ERROR.replace_all(&line, " ");
    let lower = cleared.to_lowercase();
    if lower.contains("truncating input prompt") || json_line(&line).is_some_and(|object| status(&object).is_some()) {
        return true;
    }
    let head = crate::facts::head(&cleared, 120);
    match (BAD_LEVEL.find(head), FINE_LEVEL.find(head)) {
        (Some(bad), Some(fine)) => bad.start() < fine.start(),
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) if NOISE.iter().any(|words| lower.contains(words)) => false,
        // A warning says `failed` of whatever it goes on without.
        (None, None) if WARNING.is_match(head) => FAILED_ANYWAY.iter().any(|words| lower.contains(words)),
        (None, None) => FAILED_ANYWAY.iter().chain(&FAILED).any(|words| lower.contains(words)),
    }
}

#[cfg(test)]
mod tests;
