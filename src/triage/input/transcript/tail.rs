//! What curl, `-w`, a shell, a server and people write around an answer.

use std::sync::LazyLock;

use regex_lite::Regex;

/// What curl says about a transfer that failed.
static FAILED: LazyLock<Regex> = LazyLock::new(|| pattern(r"curl: \(([0-9]{1,3})\)[^\r\n]*"));
/// A status that `-w` or a person wrote under the body.
static STATUS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^[\s#]*(?:(?:→|->|=>)\s*)?(?:(?:http[ _-]?(?:status|response)?[ _-]?(?:code)?|status(?:[ _-]?code)?|response[ _-]?code)\s*[:=]?\s*)?\[?([1-5][0-9]{2})\b\]?(.*)$",
    )
});
/// A server's own line about the request, pasted under the command.
static LOGGED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"HTTP/[0-9.]{1,3}"\s+([1-5][0-9]{2})\b|\[GIN\][^|]{0,60}\|\s*([1-5][0-9]{2})\s*\|"#));
/// A shell's prompt behind the last line.
static PROMPT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:\([a-z0-9_.-]{1,40}\) ?)?[A-Za-z0-9_-]{1,64}@[A-Za-z0-9_.-]{1,64}[: ][^\s#$%]{0,80} ?[#$%]\s*$"));
/// A time that `-w`, `time` or a person wrote.
static SECONDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\W*(?:time[ _]?total|total[ _]?time|time|total|elapsed|duration|real)\s*[:=]?\s*(?:([0-9]{1,4})m)?([0-9]{1,7}(?:[.,][0-9]{1,9})?)\s*(ms|s|sec|seconds)?\b",
    )
});
/// The progress meter, with the time spent.
static METER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*[0-9]{1,3}\s+[0-9.kMG]+\s.*(?:[0-9:]{7,8}|--:--:--)\s+(?:([0-9]{1,3}):([0-9]{2}):([0-9]{2})|--:--:--)\s+(?:[0-9:]{7,8}|--:--:--)\s+[0-9.kMG]+\s*",
    )
});
/// How long curl waited, in its own words.
static WAITED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:after|timed out after) ([0-9]{1,9}) (?:ms|milliseconds)"));
/// What curl tells between the lines when a transfer breaks.
const BREAKS: [&str; 9] = [
    "was not closed cleanly",
    "transfer closed with",
    "Empty reply from server",
    "Connection reset by peer",
    "SSL certificate problem",
    "Could not resolve host",
    "Failed to connect to",
    "Operation timed out",
    "Recv failure",
];

/// How curl's remarks begin once an answer has begun.
const REMARKS: [&str; 20] = [
    "Connection #",
    "Closing",
    "closing",
    "transfer closed",
    "HTTP/",
    "Recv failure",
    "Send failure",
    "OpenSSL",
    "Operation timed out",
    "Issue another",
    "Ignoring the response",
    "Excess",
    "TLS",
    "SSL",
    "ALPN",
    "  Trying",
    "Trying",
    "Connected to",
    "Re-using",
    "old SSL session",
];

/// Whether what stands behind `* ` is curl's, and no item of a list in a body.
pub fn is_remark(words: &str) -> bool {
    REMARKS.iter().any(|remark| words.starts_with(remark)) || is_break(words)
}

/// Whether a remark tells that the transfer broke.
pub fn is_break(words: &str) -> bool {
    BREAKS.iter().any(|sign| words.contains(sign))
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// What curl says when it gives up, and its number.
pub fn failure(line: &str) -> Option<(&str, &str)> {
    let hit = FAILED.captures(line)?;
    Some((hit.get(0)?.as_str().trim_end(), hit.get(1)?.as_str()))
}

/// The status that a line under an answer tells.
pub fn written_status(line: &str) -> Option<u16> {
    if let Some(hit) = LOGGED.captures(line) {
        return hit.get(1).or(hit.get(2))?.as_str().parse().ok();
    }
    let hit = STATUS.captures(line)?;
    let code = hit.get(1)?;
    let labelled = line[..code.start()].chars().any(char::is_alphabetic);
    let rest = hit.get(2).map_or("", |rest| rest.as_str()).trim();
    (labelled || rest.is_empty()).then(|| code.as_str().parse().ok())?
}

/// The seconds that a line under an answer tells.
pub fn seconds(line: &str) -> Option<f64> {
    let hit = SECONDS.captures(line)?;
    let minutes = hit.get(1).map_or(0.0, |digits| digits.as_str().parse().unwrap_or_default());
    let number: f64 = hit[2].replace(',', ".").parse().ok()?;
    let factor = if hit.get(3).is_some_and(|unit| unit.as_str().eq_ignore_ascii_case("ms")) { 0.001 } else { 1.0 };
    Some(minutes * 60.0 + number * factor)
}

/// The seconds after which curl gave up, as its words say.
pub fn waited(words: &str) -> Option<f64> {
    let ms: f64 = WAITED.captures(words)?[1].parse().ok()?;
    Some(ms / 1000.0)
}

/// Whether a line is one of the progress meter's.
pub fn is_meter(line: &str) -> bool {
    line.contains("Average Speed") || line.trim_start().starts_with("Dload") || METER.is_match(line)
}

/// The seconds that the progress meter shows as spent, and what follows it on its line.
pub fn meter(line: &str) -> (Option<f64>, &str) {
    let Some(hit) = METER.captures_iter(line).last() else { return (None, "") };
    let part = |at: usize| hit.get(at)?.as_str().parse::<f64>().ok();
    let spent = || Some(part(1)? * 3600.0 + part(2)? * 60.0 + part(3)?);
    let end = hit.get(0).map_or(line.len(), |hit| hit.end());
    (spent().filter(|seconds| *seconds > 0.0), &line[end..])
}

/// Where a shell's prompt begins behind a text.
pub fn before_prompt(text: &str) -> usize {
    PROMPT.find(text).map_or(text.len(), |prompt| prompt.start())
}
