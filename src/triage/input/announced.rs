//! An HTTP error as a program or a person announces it inside a text: the status, and what the answer said.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::dialect;

/// No more of a text than this (bytes) is searched.
const LIMIT: usize = 64 * 1024;
/// No more objects of a text are tried, and no more broken ones.
const MAX_OBJECTS: usize = 24;
const MAX_BROKEN: usize = 8;
/// The body begins within so many bytes of its status.
const REACH: usize = 260;
/// No more of a message is kept than this (bytes).
const MAX_SAID: usize = 4096;

/// An error as a text announces it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Announced {
    /// The status.
    pub status: Option<u16>,
    /// What the answer said: JSON, a repr of it, or words.
    pub body: Option<String>,
}

/// How surely a number is a status, by the words before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trust {
    /// `returns 404`: the words after it are somebody's own.
    Told,
    /// `Error code: 404 - `: what follows is the answer's.
    Quoted,
}

struct Number {
    status: u16,
    at: usize,
    end: usize,
    trust: Trust,
}

/// Words after which a status is quoted together with its answer.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:error[ _]?code|(?:http[ _]?)?status(?:[ _]?code)?|(?-u:\b)http(?:/[0-9.]+)?"?|error|exception|request failed|状态码|请求失败)["'’`*_)!\]]{0,4}[ \t]*(?:error)?[!]?[ \t]*(?:status(?: code)?)?[ \t]*[-–:：=]{0,2}>?[ \t]*["'`(\[*]{0,3}(?:http )?$"#,
    )
});
/// Words after which somebody tells a status.
static TOLD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:(?-u:\b)(?:code|response|responded|responds|result|returns?|returned|returning|got|gets?|getting|gives?|throws?|answers?|answered|received?|with|an?|the|is|by|reports?|fails?|failed|failure|unexpected|rewriting)|→|=>|->|返回|回复我|收到|响应|报错?|回复|错误|\||"|(?:GET|POST|PUT|DELETE|PATCH)[ \t\r\n]+[^ \t\r\n]+(?: [^ \t\r\n]+)?)["'’`*_)\]]{0,3}[ \t]*[-–:：=]{0,2}>?[ \t]*["'`(\[*]{0,3}(?:HTTP )?$"#,
    )
});
/// Words of a gateway before what it quotes: `litellm.BadRequestError: AnthropicException - `.
static WRAPPER: LazyLock<regex_lite::Regex> = LazyLock::new(|| {
    short(
        r"(?:litellm(?:\.exceptions)?\.[A-Za-z.]+: )*(?:[A-Za-z_]+Error: )*(?:[A-Za-z_]*[a-zA-Z]Exception(?: [A-Za-z]+Error)? -|Error from provider[^{}]{0,60}:) ?(?:b['\x22]|Error code: [0-9]{3} - |[0-9]{3} )?$",
    )
});
/// What follows a number that is no status.
static UNIT: LazyLock<regex_lite::Regex> = LazyLock::new(|| {
    short(
        r"(?i)^[ \t\r\n]?(?:ms|s|sec|secs|seconds?|minutes?|tokens?|requests?|calls?|chars?|characters?|[kmg]i?b|bytes|words|lines|users?|times|k|m|gb|vram|个|字|次|秒|毫秒|条)(?:[^0-9A-Za-z_]|$)",
    )
});
/// Labels between a status and what the answer said.
static LABEL: LazyLock<regex_lite::Regex> = LazyLock::new(|| {
    short(
        r#"(?i)^(?:[ \t\r\n:：,;|)\]"'*>-]|\. |status(?:[ _]code)?[:=] ?(?:[45][0-9][0-9])?|(?:error )?(?:message|response|response body|body|reason|content|detail|text|err_msg|msg)["']?[ \t\r\n]?[:=][ \t\r\n]?|response from [^ \t\r\n]+:|\((?:url|model|account)[^)]*\):|from (?:GET|POST) https?:[^{]+|响应[:：]|错误信息[:：])"#,
    )
});

/// The reason phrases that servers and libraries write after a status.
const REASONS: [&str; 27] = [
    "bad request",
    "unauthorized",
    "payment required",
    "forbidden",
    "not found",
    "method not allowed",
    "not acceptable",
    "request timeout",
    "conflict",
    "gone",
    "length required",
    "payload too large",
    "request entity too large",
    "content too large",
    "unsupported media type",
    "unprocessable entity",
    "unprocessable content",
    "too many requests",
    "internal server error",
    "internal error",
    "not implemented",
    "bad gateway",
    "service unavailable",
    "service temporarily unavailable",
    "gateway timeout",
    "gateway time-out",
    "site is overloaded",
];

/// Words with which somebody goes on who only tells the status.
const CONNECTIVES: [&str; 22] = [
    "with",
    "when",
    "for",
    "on",
    "from",
    "because",
    "and",
    "but",
    "if",
    "after",
    "in",
    "at",
    "while",
    "or",
    "is",
    "was",
    "as",
    "to",
    "errors",
    "error",
    "response",
    "responses",
];

/// A pattern that is asked of a few words only, and compiled faster than it would be searched for.
fn short(pattern: &str) -> regex_lite::Regex {
    regex_lite::Regex::new(pattern).expect("a constant pattern")
}

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

/// The error that a text announces: of several, the one that shows most of its answer; of those, the first, or with `last` the last.
pub fn find(text: &str, last: bool) -> Announced {
    let text = crate::facts::head(text, LIMIT);
    let objects = objects(text);
    let numbers: Vec<Number> = numbers(text);
    let mut found: Vec<(u8, Announced)> = numbers.iter().map(|number| announced(text, number, &objects)).collect();
    let alone = objects.iter().filter_map(|object| Some((alone(text, object)?, said(None, quoted(text, object)))));
    found.extend(alone);
    let best = found.iter().map(|(score, _)| *score).max().unwrap_or_default();
    let mut of_best = found.iter().filter(|(score, _)| *score == best).map(|(_, announced)| announced);
    let Some(mut core) = (if last { of_best.next_back() } else { of_best.next() }).cloned() else { return Announced::default() };
    // The status may stand in another sentence than the body.
    core.status = core.status.or_else(|| found.iter().find_map(|(_, announced)| announced.status));
    core
}

/// Whether a text announces a status of a failure.
pub fn has_status(text: &str) -> bool {
    memchr::memchr2_iter(b'4', b'5', text.as_bytes()).any(|at| number(text, at).is_some())
}

/// An object with the words of a gateway that quotes it: they tell whose error it is. A client's own words are left out.
fn quoted<'t>(text: &'t str, object: &Object) -> &'t str {
    let before = lead(text, object.range.start);
    let words = WRAPPER.find(before).map_or(0, |found| before.len() - found.start());
    &text[object.range.start - words..object.range.end]
}

/// What an object is worth beside which no status stands.
fn alone(text: &str, object: &Object) -> Option<u8> {
    let after_error = || lead(text, object.range.start).to_ascii_lowercase().contains("error");
    object.is_error.then_some(3).or_else(|| (object.speaks && after_error()).then_some(2))
}

fn said(status: Option<u16>, body: &str) -> Announced {
    Announced { status, body: Some(body.trim().to_owned()) }
}

/// What belongs to a status, and how much that is worth.
fn announced(text: &str, number: &Number, objects: &[Object]) -> (u8, Announced) {
    let around = objects.iter().find(|object| object.range.contains(&number.at));
    if let Some(around) = around {
        return match &around.answer {
            _ if around.is_error => (4, said(Some(number.status), &text[around.range.clone()])),
            Some(answer) => (4, said(Some(number.status), answer)),
            None => inside(&text[number.end..around.range.end], number.status),
        };
    }
    let next = objects.iter().find(|object| object.range.start >= number.end && object.speaks);
    if let Some(object) = next.filter(|object| is_near(text, number, object)) {
        return (5, said(Some(number.status), quoted(text, object)));
    }
    match words(text, number) {
        Some(body) => (if number.trust == Trust::Quoted { 4 } else { 2 }, said(Some(number.status), &body)),
        None => (1, Announced { status: Some(number.status), body: None }),
    }
}

/// What a status quotes in the text of a member of some larger object.
fn inside(rest: &str, status: u16) -> (u8, Announced) {
    match objects(rest).iter().find(|object| object.speaks && object.range.start < REACH) {
        Some(object) => (4, said(Some(status), &rest[object.range.clone()])),
        None => (0, Announced { status: Some(status), body: None }),
    }
}

/// True when nothing but labels stands between a status and an object.
fn is_near(text: &str, number: &Number, object: &Object) -> bool {
    let between = &text[number.end..object.range.start];
    let apart = between.contains("\n\n") && !between.trim_end().ends_with("Content:");
    between.len() <= REACH && !apart && between.trim_end().matches('\n').count() <= 2 && (object.is_error || between.len() < 80)
}

/// A JSON object, or a repr of one, in a text.
struct Object {
    range: Range<usize>,
    /// It is an error by its shape.
    is_error: bool,
    /// It has a message of some kind.
    speaks: bool,
    /// The answer's body, in an object around it.
    answer: Option<String>,
}

/// The outermost objects of a text, in their order.
fn objects(text: &str) -> Vec<Object> {
    let (mut objects, mut broken, mut at) = (Vec::new(), 0, 0);
    while let Some(start) = memchr::memchr2(b'{', b'[', &text.as_bytes()[at..]).map(|found| at + found) {
        if objects.len() >= MAX_OBJECTS || broken >= MAX_BROKEN {
            break;
        }
        at = start + 1;
        if !opens(&text[start..]) {
            continue;
        }
        let whole = extent(&text[start..]);
        let range = start..whole.map_or(text.len(), |length| start + length);
        match dialect::json::lenient(&text[range.clone()]).filter(Value::is_object) {
            Some(value) => {
                // An object that is cut short ends where the sentence does, at the latest.
                let end = if whole.is_some() { range.end } else { range.start + text[range.clone()].find("\n\n").unwrap_or(range.len()) };
                objects.push(object(range.start..end, &value));
                at = end.max(at);
            }
            None => broken += usize::from(whole.is_none()),
        }
    }
    objects
}

/// True where an object with a quoted or bare first key opens.
fn opens(text: &str) -> bool {
    let mut rest = text[1..].trim_start().chars();
    text.starts_with('{') && matches!(rest.next(), Some('"' | '\'' | '\\' | 'a'..='z'))
}

fn object(range: Range<usize>, value: &Value) -> Object {
    let told = |key: &&str| value.get(key).is_some_and(|said| dialect::json::truthy(said) && !said.is_number() && !said.is_boolean());
    let is_error = dialect::error::in_value(0, value).is_some();
    let speaks = is_error || ["message", "msg", "detail", "error", "errors", "Message"].iter().any(told);
    let answer = ["responseBody", "response_body", "body", "data"].iter().find_map(|key| value.get(key));
    let answer = answer.filter(|answer| answer.is_object() || answer.as_str().is_some_and(|text| text.starts_with('{')));
    let answer = answer.map(|answer| answer.as_str().map_or_else(|| answer.to_string(), str::to_owned));
    Object { range, is_error, speaks, answer }
}

/// The length of the object that a text begins with; `None` when it doesn't end.
fn extent(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0usize, None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) => quote = (byte != open).then_some(open),
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{' | b'[' | b'(') => depth += 1,
            (None, b'}' | b']' | b')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && quote.is_none() {
            return Some(at + 1);
        }
    }
    None
}

/// The numbers of a text that are statuses of failures.
fn numbers(text: &str) -> Vec<Number> {
    memchr::memchr2_iter(b'4', b'5', text.as_bytes()).filter_map(|at| number(text, at)).take(64).collect()
}

fn number(text: &str, at: usize) -> Option<Number> {
    let bytes = text.as_bytes();
    let digits = bytes.get(at..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let end = at + 3;
    if !stands_alone(bytes, at, end) || UNIT.is_match(crate::facts::head(&text[end..], 24)) {
        return None;
    }
    let status = digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    if !is_status(status) {
        return None;
    }
    let trust = trust(lead(text, at), &text[end..])?;
    Some(Number { status, at, end, trust })
}

/// The statuses that anybody answers with: the registry's, nginx's, AWS's and Cloudflare's.
fn is_status(status: u16) -> bool {
    matches!(status, 400..=431 | 440 | 444 | 449..=451 | 460..=464 | 494..=511 | 520..=530 | 561 | 598 | 599)
}

fn stands_alone(bytes: &[u8], at: usize, end: usize) -> bool {
    let before = at.checked_sub(1).map(|before| bytes[before]);
    let glued = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"./-_#$%&+,;@\\".contains(&byte));
    let after = bytes.get(end).copied();
    let continued = after.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"%_/-".contains(&byte));
    let decimal = after.is_some_and(|byte| b".,:".contains(&byte)) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    !glued && !continued && !decimal
}

/// The words before a number, on its line.
fn lead(text: &str, at: usize) -> &str {
    let mut start = at.saturating_sub(100);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let before = &text[start..at];
    before.rsplit('\n').next().unwrap_or(before)
}

fn trust(lead: &str, after: &str) -> Option<Trust> {
    let reason = reason(after.trim_start_matches([' ', ':', '('])).is_some();
    // After the request line of an access log, sizes and times follow.
    if lead.trim_end().ends_with('"') && lead.contains(" HTTP/") {
        return Some(Trust::Told);
    }
    // aiohttp writes `404, message='Not Found', url='http://…'`: the reason phrase, and nothing of the body.
    if after.starts_with(", message=") {
        return Some(Trust::Told);
    }
    // Alibaba writes `<400> InternalError.Algo…`, LM Studio's client `(404): No models loaded`.
    let bracketed = (lead.ends_with('<') && after.starts_with("> ")) || (lead.trim() == "(" && after.starts_with("): "));
    if bracketed || QUOTED.is_match(lead) {
        return Some(Trust::Quoted);
    }
    let opens = lead.trim().trim_end_matches(['`', '"', '\'', '(', '[', '*']).trim_end();
    let quoted = lead.ends_with(['`', '"', '\'']);
    let begins = opens.is_empty() || opens.chars().all(|c| !c.is_alphanumeric()) || quoted;
    let begins =
        begins || lead.ends_with("] ") || lead.strip_suffix(": ").is_some_and(|lead| is_type(lead) || is_sentence(after.trim_start()));
    let says = after.starts_with(": ") || after.starts_with(" {") || after.starts_with(" (no body)");
    let speaks =
        after.strip_prefix(' ').is_some_and(|rest| rest.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || !c.is_ascii()));
    if (begins && (says || speaks || reason || after.starts_with(" status code"))) || reason && says {
        return Some(Trust::Quoted);
    }
    (reason || TOLD.is_match(lead)).then_some(Trust::Told)
}

/// `google.api_core.exceptions.InvalidArgument`, at the end of what stands before.
fn is_type(lead: &str) -> bool {
    let name = lead.rsplit([' ', '.']).next().unwrap_or(lead);
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().filter(char::is_ascii_uppercase).count() > 1
}

/// The length of the reason phrase that a text begins with.
fn reason(text: &str) -> Option<usize> {
    REASONS
        .iter()
        .filter(|reason| text.get(..reason.len()).is_some_and(|head| head.eq_ignore_ascii_case(reason)))
        .map(|reason| reason.len())
        .max()
}

/// What the answer said, in the words after its status.
fn words(text: &str, number: &Number) -> Option<String> {
    let rest = &text[number.end..];
    let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
    let line = within_quotes(lead(text, number.at), line);
    let own = after_labels(line);
    let own = own.split("; retrying").next().unwrap_or(own);
    let no_words = ["\\", "None", "status code (no body)"].iter().any(|start| own.starts_with(start));
    if no_words || CONNECTIVES.iter().any(|word| own.strip_prefix(word).is_some_and(|rest| rest.starts_with(' '))) {
        return None;
    }
    if number.trust == Trust::Told && !(is_sentence(own) && own.len() + 3 >= line.len()) {
        return None;
    }
    // .NET writes the kind in brackets, and the message in a paragraph of its own.
    let is_kind = own.starts_with('(') && own.trim_end().ends_with([')', ':']);
    let below_only = is_kind || (own.is_empty() && is_alone(lead(text, number.at)));
    let message = match below_only {
        true => paragraph(below.trim_start()).to_owned(),
        false if own.split_whitespace().next().is_none_or(|word| word.contains('=') && !word.starts_with('{')) => return None,
        false => with_continuation(own, below),
    };
    let message = crate::facts::head(message.trim().trim_end_matches(['`', '"', '*', '\'']), MAX_SAID).trim();
    (message.chars().any(char::is_alphabetic) && (!own.is_empty() || is_sentence(message))).then(|| message.to_owned())
}

/// What of the line stands in the same quotes or backticks as the number.
fn within_quotes<'t>(lead: &str, line: &'t str) -> &'t str {
    let code = (lead.matches('`').count() % 2 == 1).then_some('`');
    let mark = code.or_else(|| lead.chars().next_back().filter(|mark| matches!(mark, '"' | '\'')));
    mark.and_then(|mark| line.find(mark)).map_or(line, |end| &line[..end])
}

/// `HTTP` and nothing else stands before the number.
fn is_alone(lead: &str) -> bool {
    lead.trim().trim_start_matches(['<', '>', '*', '#', '-', ' ']).eq_ignore_ascii_case("http")
}

fn after_labels(line: &str) -> &str {
    let mut rest = line;
    loop {
        let next = LABEL.find(rest).map_or(rest, |label| &rest[label.end()..]);
        let next = reason(next).filter(|length| !continues(&next[*length..])).map_or(next, |length| &next[length..]);
        if next.len() == rest.len() {
            return rest;
        }
        rest = next;
    }
}

/// A reason phrase that is the beginning of a longer sentence is part of it.
fn continues(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_alphanumeric())
        || rest.strip_prefix(' ').is_some_and(|rest| rest.starts_with(|c: char| c.is_lowercase()))
}

fn is_sentence(text: &str) -> bool {
    text.starts_with(|c: char| c.is_uppercase() || (!c.is_ascii() && c.is_alphanumeric())) && text.contains([' ', '，', '。'])
}

/// The first paragraph of a text.
fn paragraph(text: &str) -> &str {
    text.split("\n\n").next().and_then(|part| part.split("\n   at ").next()).unwrap_or_default()
}

/// A message that a terminal wrapped goes on in the indented lines below.
fn with_continuation<'t>(own: &'t str, below: &'t str) -> String {
    let goes_on = |line: &&str| line.starts_with("  ") && !is_frame(line.trim_start());
    let more = below.lines().take_while(goes_on).take(12).map(str::trim);
    std::iter::once(own).chain(more).collect::<Vec<_>>().join(" ")
}

/// True for lines of a stack, and for members of an object that is printed after it.
pub fn is_frame(line: &str) -> bool {
    let member =
        line.split_once(": ").is_some_and(|(key, _)| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_[]'\"".contains(c)));
    line.starts_with("at ") || line.starts_with("File \"") || line.starts_with(['^', '}', '|']) || member
}

#[cfg(test)]
mod tests;
