//! What the readers share: bounds, bodies, and JSON that stands somewhere in a text.

use serde_json::Value;

use crate::dialect::json;
use crate::facts::TEXT_LIMIT;
pub(crate) use crate::facts::head;

/// No more of a piece than this (bytes) is read, HAR files excepted.
pub const MAX_PIECE: usize = 1 << 20;

/// A piece as readers want it: bounded and without credentials.
pub fn clean(piece: &str) -> String {
    super::scrub::scrub(head(piece, MAX_PIECE))
}

/// Whether one of these stands in a text, in any case of letters: most patterns need not be compiled for most texts.
pub fn holds(text: &str, words: &[&str]) -> bool {
    let held = |word: &&str| {
        let [low, high] = [word.as_bytes()[0], word.as_bytes()[0].to_ascii_uppercase()];
        memchr::memchr2_iter(low, high, text.as_bytes())
            .any(|at| text.as_bytes()[at..].get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes())))
    };
    words.iter().any(held)
}

/// First and last line of a piece.
pub fn lines(piece: &str, first_line: usize) -> (usize, usize) {
    (first_line, first_line + piece.lines().count().max(1) - 1)
}

/// Adds a line, while there is room.
pub fn push(text: &mut String, line: &str) {
    let room = TEXT_LIMIT.saturating_sub(text.len() + 1);
    if room > 0 {
        text.push_str(head(line.trim_end_matches('\r'), room));
        text.push('\n');
    }
}

/// A body without the blanks that pasting leaves around it. Of an event stream, the blank line that ends the last event is put back: pastes
/// lose it, so that its absence says nothing.
pub fn body(text: &str) -> String {
    let body = head(text.trim_start_matches(['\r', '\n']).trim_end(), TEXT_LIMIT - 2).to_owned();
    let last = body.lines().next_back().unwrap_or_default().trim();
    let is_event = last.strip_prefix("data:").is_some_and(|data| is_whole(data.trim())) || last.starts_with(':');
    if is_event { body + "\n\n" } else { body }
}

/// Whether an event's data is not cut short.
fn is_whole(data: &str) -> bool {
    !data.starts_with(['{', '[']) || data == "[DONE]" || serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok()
}

/// The first JSON object or array of a text, exact or nearly so.
pub fn json_within(text: &str) -> Option<Value> {
    let text = head(text, TEXT_LIMIT);
    let start = text.find(['{', '['])?;
    let exact = json::first(&text.as_bytes()[start..]).map(|(value, _)| value);
    exact.filter(is_container).or_else(|| json::lenient(&text[start..])).filter(is_container)
}

/// The status of an answer that shows none: streams, completions and lists come under 200, and refusals of these shapes don't exist.
pub fn implied_status(body: &str) -> Option<u16> {
    let streams = ["data:", "event:", ":"].iter().any(|field| body.starts_with(field));
    let answers = || {
        json_within(body)
            .is_some_and(|value| ["choices", "candidates", "data"].iter().any(|name| value.get(name).is_some_and(Value::is_array)))
    };
    (streams || (body.starts_with('{') && answers())).then_some(200)
}

/// Whether a request asks for a stream; frameworks take `"true"` for true.
pub fn stream_of(asked: Option<&Value>) -> Option<bool> {
    match asked?.get("stream")? {
        Value::Bool(flag) => Some(*flag),
        Value::String(word) => word.to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

fn is_container(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_end_as_they_were_sent() {
        assert_eq!(body("\r\n{\"a\":1}\r\n\r\n"), "{\"a\":1}");
        assert_eq!(body("data: {}\n"), "data: {}\n\n");
        assert_eq!(body("data: {\"cut"), "data: {\"cut");
        assert_eq!(body("data: {}\n\ndata: [DONE]"), "data: {}\n\ndata: [DONE]\n\n");
        assert_eq!(body("äöü".repeat(TEXT_LIMIT).as_str()).len(), TEXT_LIMIT - 2);
    }

    #[test]
    fn answers_imply_their_status() {
        let cases =
            [("data: {}", true), (": ping\n\ndata: 1", true), ("{\"choices\":[]}", true), ("{\"object\":\"list\",\"data\":[", true)];
        for (body, fine) in cases.into_iter().chain([("{\"error\":{}}", false), ("Bad Gateway", false), ("", false), ("[]", false)]) {
            assert_eq!(implied_status(body).is_some(), fine, "{body}");
        }
    }

    #[test]
    fn json_anywhere() {
        assert_eq!(json_within("got {'a': None} back"), Some(serde_json::json!({"a": null})));
        assert_eq!(json_within("nothing"), None);
    }
}
