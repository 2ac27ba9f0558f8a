//! The events of a stream without its head: SSE lines as a capture, a log or a client's loop prints them, or one JSON value a line.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::part;
use crate::triage::{Form, Sighting};

/// A field of an event stream, whatever a log puts in front of it: a time, a level, an arrow, Python's `b'`.
static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"^(?P<before>\s*(?:[\[(]?[0-9]{2,4}[-/:.0-9TZ+, ]{3,34}[\])]?\s*[|>-]?\s*)?(?:\[?(?i:debug|info|trace|warn|error)\]?:?\s+)?(?:(?i:chunk|line|sse|recv|received|got|stream|raw)(?:\s?[0-9]{1,6})?\s*[:=]\s*|[<>|]+\s*)?)(?P<bytes>b['"])?(?P<field>(?:data|event):.*)$"#;
    Regex::new(pattern).expect("a constant pattern")
});

/// Members by which a JSON line is part of an answer.
const ANSWERS: [&str; 8] = ["choices", "done", "delta", "candidates", "response", "error", "message_stop", "content_block"];
/// Members by which a JSON line is a record of a log.
const RECORDS: [&str; 6] = ["level", "msg", "severity", "levelname", "logger", "timestamp"];

/// Reads a transcript of a stream; `None` when the text is none.
///
/// Streams begin under status 200, so that this is what the sighting says although the paste doesn't.
pub fn read(piece: &str, first_line: usize) -> Option<Sighting> {
    let text = part::clean(piece);
    let body = events(&text).or_else(|| json_lines(&text))?;
    let mut sighting = Sighting::new(Form::Events, part::lines(piece, first_line), part::head(&text, crate::facts::TEXT_LIMIT));
    (sighting.stream, sighting.status) = (Some(true), Some(200));
    sighting.body = Some(part::body(&body));
    Some(sighting)
}

/// One line of a transcript.
enum Line<'t> {
    Field(Cow<'t, str>),
    /// A field that something was put in front of: blank lines between events are lost then.
    Printed(Cow<'t, str>),
    Other(&'t str),
}

fn line(line: &str) -> Line<'_> {
    let plain = line.trim_end();
    if plain.starts_with("data:") || plain.starts_with("event:") || plain.starts_with(':') {
        return Line::Field(Cow::Borrowed(plain));
    }
    let Some(hit) = FIELD.captures(plain).filter(|_| plain.contains("data:") || plain.contains("event:")) else {
        return Line::Other(plain);
    };
    let field = hit.name("field").map_or("", |field| field.as_str());
    match (hit.name("bytes"), hit["before"].trim().is_empty()) {
        (Some(_), _) => Line::Printed(Cow::Owned(unquoted(field))),
        (None, true) => Line::Field(Cow::Borrowed(plain.trim_start())),
        (None, false) => Line::Printed(Cow::Borrowed(field)),
    }
}

/// Bytes as Python prints them.
fn unquoted(field: &str) -> String {
    let field = field.trim_end_matches(['\'', '"', ',', ')', ']']);
    let field = field.strip_suffix("\\n\\n").or(field.strip_suffix("\\r\\n\\r\\n")).unwrap_or(field);
    field.replace("\\\\", "\u{0}").replace("\\r\\n", "\n").replace("\\n", "\n").replace("\\'", "'").replace('\u{0}', "\\")
}

fn events(text: &str) -> Option<String> {
    let lines: Vec<Line> = text.lines().map(line).collect();
    let is_field = |line: &Line| matches!(line, Line::Field(_) | Line::Printed(_));
    let (first, last) = (lines.iter().position(is_field)?, lines.iter().rposition(is_field)?);
    if !lines.iter().any(carries) {
        return None;
    }
    let spaced = lines[first..=last].iter().any(|line| matches!(line, Line::Other("")));
    let mut body = String::new();
    for line in &lines[first..=last] {
        add(&mut body, line, spaced);
    }
    for line in lines[last + 1..].iter().map_while(behind) {
        part::push(&mut body, line);
    }
    Some(body)
}

/// A line whose data is an answer's, and no prose.
fn carries(line: &Line) -> bool {
    let (Line::Field(field) | Line::Printed(field)) = line else { return false };
    let data = field.strip_prefix("data:").map(str::trim_start);
    data.is_some_and(|data| data.starts_with(['{', '[', '"', '<']))
}

/// Adds a line of the transcript. Where no blank line stands between any events, whoever printed them left them out.
fn add(body: &mut String, line: &Line, spaced: bool) {
    match line {
        Line::Field(field) => {
            part::push(body, field);
            if !spaced && field.starts_with("data:") {
                part::push(body, "");
            }
        }
        Line::Printed(field) => {
            part::push(body, field);
            if field.starts_with("data:") {
                part::push(body, "");
            }
        }
        Line::Other(text) if is_left_out(text) => {}
        Line::Other(text) => part::push(body, text),
    }
}

/// What people write where they leave something out.
fn is_left_out(text: &str) -> bool {
    matches!(text.trim(), "..." | "…" | "[…]" | "[...]" | "(...)" | "// ..." | "# ...") || text.trim_start().starts_with("```")
}

/// What follows the last event and still belongs to the body: JSON without `data:`.
fn behind<'t>(line: &Line<'t>) -> Option<&'t str> {
    match line {
        Line::Other(text) if text.is_empty() || text.starts_with('{') => Some(text),
        _ => None,
    }
}

/// Lines of JSON that are parts of an answer and no records of a log.
fn json_lines(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with('{')).collect();
    let values = lines.iter().take(4).filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let parts = values.filter(|value| has(value, &ANSWERS) && !has(value, &RECORDS)).count();
    if lines.len() < 2 || parts < 2.min(lines.len()) {
        return None;
    }
    let mut body = String::new();
    lines.iter().for_each(|line| part::push(&mut body, line));
    Some(body)
}

fn has(value: &Value, names: &[&str]) -> bool {
    names.iter().any(|name| value.get(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{self, Reading};

    const A: &str = r#"data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}"#;
    const B: &str = r#"data: {"error":{"message":"overloaded","code":503}}"#;

    fn body(text: &str) -> Option<String> {
        read(text, 1)?.body
    }

    #[test]
    fn transcripts_of_many_looks() {
        let expected = format!("{A}\n\n{B}\n\n");
        for text in [
            format!("{A}\n\n{B}\n\n"),
            format!("{A}\n{B}"),
            format!("This is what I get:\n\n```\n{A}\n\n{B}\n```\nand then it hangs"),
            format!("[12:01:02.123] {A}\n[12:01:03.456] {B}"),
            format!("2025-01-02T03:04:05Z {A}\n2025-01-02 03:04:06,789 DEBUG {B}"),
            format!("12:01:02 | {A}\n12:01:03 | {B}"),
            format!("chunk: {A}\nchunk: {B}"),
            format!("b'{A}\\n\\n'\nb'{B}\\n\\n'"),
            format!("    {A}\r\n\r\n    {B}\r\n"),
            format!("{A}\n\n...\n{B}\n"),
        ] {
            assert_eq!(body(&text).as_deref(), Some(expected.as_str()), "{text}");
        }
    }

    #[test]
    fn comments_names_and_stray_lines_stay() {
        let text =
            format!(": OPENROUTER PROCESSING\n\nevent: error\n{B}\n\nupstream connect error\n{A}\n\n{{\"error\":\"gone\"}}\nthat is all");
        let expected = format!(": OPENROUTER PROCESSING\n\nevent: error\n{B}\n\nupstream connect error\n{A}\n\n{{\"error\":\"gone\"}}");
        assert_eq!(body(&text), Some(expected));
        assert_eq!(body("data: {\"choices\":[{\"delta\":{\"con").as_deref(), Some("data: {\"choices\":[{\"delta\":{\"con"));
    }

    #[test]
    fn lines_of_json() {
        let text = "{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":false}\n{\"model\":\"m\",\"done\":true}\n";
        assert_eq!(body(text).map(|body| body.lines().count()), Some(2));
        assert_eq!(body("{\"level\":30,\"msg\":\"x\",\"error\":\"y\"}\n{\"level\":30,\"msg\":\"x\",\"error\":\"y\"}"), None);
    }

    #[test]
    fn what_is_no_transcript() {
        for text in ["", "data: here is my data", "the event: a party\ndata: none", "{\"a\":1}", "model_list:\n  - model_name: x\n"] {
            assert_eq!(read(text, 1), None, "{text}");
        }
    }

    #[test]
    fn it_reads_as_a_stream() {
        let seen = read(&format!("{A}\n\n{B}\n"), 7).expect("a stream");
        assert_eq!((seen.lines, seen.form, seen.asks_stream()), ((7, 9), Form::Events, true));
        let exchange = seen.exchange("s1").expect("an answer");
        assert!(matches!(dialect::read(&exchange), Reading::Stream(stream) if stream.error.is_some() && stream.text == "Hi"));
    }
}
