use super::super::fixture::{chat, cut, list, response, streamed};
use super::*;
use crate::dialect::{StreamEnd, read};

fn document(body: &str) -> Reading {
    read(&chat(200, "application/json", body.as_bytes()))
}

fn completion(body: &str) -> Completion {
    match document(body) {
        Reading::Completion(completion) => *completion,
        other => panic!("{body}: {other:?}"),
    }
}

/// The kind of reading, and its dialect.
fn kind(reading: &Reading) -> String {
    match reading {
        Reading::Completion(completion) => format!("completion {}", completion.dialect),
        Reading::Stream(stream) => format!("stream {:?} {}", stream.form, stream.dialect),
        Reading::Models(list) => format!("models {}", list.entries.len()),
        Reading::Error(error) => format!("error {}", error.message),
        Reading::Page(title) => format!("page {}", title.as_deref().unwrap_or_default()),
        Reading::Json(keys) => format!("json {}", keys.join(",")),
        Reading::Text(text) => format!("text {text}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

#[test]
fn bytes_decide_what_an_answer_is() {
    let cases = [
        (r#"{"object":"chat.completion","choices":[{"message":{"content":"hi"}}]}"#, "completion openai-chat"),
        (r#"{"object":"text_completion","choices":[{"text":"hi"}]}"#, "completion openai-completions"),
        (r#"{"object":"response","error":null,"output":[{"type":"message","content":[{"text":"hi"}]}]}"#, "completion openai-responses"),
        (r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"hi"}]}"#, "completion anthropic-messages"),
        (r#"{"model":"m","message":{"role":"assistant","content":"hi"},"done":true}"#, "completion ollama-chat"),
        (r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}"#, "completion google-generate"),
        (r#"{"error":{"message":"no"}}"#, "error no"),
        (r#"{"object":"list","data":[{"id":"m"}]}"#, "models 1"),
        (r#"{"object":"list","data":[{"object":"embedding","embedding":[1]}]}"#, "json object,data"),
        (r#"{"status":"ok"}"#, "json status"),
        ("<!DOCTYPE html><title>Hello</title>", "page Hello"),
        ("data: {\"choices\":[{\"index\":0,\"delta\":{}}]}\n\n", "stream Sse openai-chat"),
        (": ping\n\n", "stream Sse "),
        ("{\"model\":\"m\",\"done\":false}\n{\"model\":\"m\",\"done\":true}\n", "stream Ndjson ollama-chat"),
        ("{\"model\":\"m\",\"done\":false}\n", "stream Ndjson ollama-chat"),
        ("[{\"candidates\":[]}\n,\r\n{\"candidates\":[]}", "stream JsonArray google-generate"),
        ("[{\"error\":{\"message\":\"no\"}}]", "error no"),
        ("one two three", "text one two three"),
        ("{\"object\":\"chat.comple", "text {\"object\":\"chat.comple"),
        (" \n", "empty"),
        ("42", "json "),
    ];
    for (body, expected) in cases {
        for media_type in ["application/json", "text/event-stream", "text/html", ""] {
            assert_eq!(kind(&read(&chat(200, media_type, body.as_bytes()))), expected, "{body} as {media_type}");
        }
    }
}

#[test]
fn a_status_of_400_or_more_is_an_error_and_a_redirect_a_redirect() {
    for body in ["", "{}", "<html>", "data: x\n\n", r#"{"choices":[]}"#] {
        assert!(matches!(read(&chat(500, "", body.as_bytes())), Reading::Error(_)), "{body}");
    }
    let mut moved = chat(307, "", b"");
    assert!(matches!(read(&moved), Reading::Redirect(None)));
    response(&mut moved).headers.push(("location".to_owned(), "/x".to_owned()));
    assert!(matches!(read(&moved), Reading::Redirect(Some(to)) if to == "/x"));
}

#[test]
fn lists_are_believed_when_asked_for() {
    assert_eq!(kind(&read(&list(br#"{"data":[]}"#))), "models 0");
    assert_eq!(kind(&read(&list(br#"["a","b"]"#))), "models 2");
    assert_eq!(kind(&document(r#"{"data":[]}"#)), "json data");
}

#[test]
fn a_body_that_never_came_is_a_stream_only_when_one_was_awaited() {
    let nothing = |exchange| match read(&exchange) {
        Reading::Stream(stream) => Some(stream.end),
        _ => None,
    };
    assert_eq!(nothing(cut(streamed(b""), FaultKind::Stalled)), Some(StreamEnd::NoFirstByte));
    assert_eq!(nothing(cut(streamed(b""), FaultKind::Reset)), Some(StreamEnd::Cut));
    assert_eq!(nothing(streamed(b"")), None);
    assert_eq!(nothing(cut(chat(200, "application/json", b""), FaultKind::Stalled)), None);
}

#[test]
fn shapes_that_break_are_named() {
    let cases = [
        (r#"{"object":"chat.completion"}"#, "/choices is missing", ""),
        (r#"{"choices":null,"object":"chat.completion"}"#, "/choices is null, not an array", ""),
        (r#"{"choices":[]}"#, "/choices is empty", ""),
        (r#"{"choices":[{}]}"#, "/choices/0/message is missing", ""),
        (r#"{"choices":[{"message":null}]}"#, "/choices/0/message is null, not an object", ""),
        (
            r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]}"#,
            "/choices/0/message/content is an array of parts, not a text",
            "ab",
        ),
        (r#"{"choices":[{"message":{"content":7}}]}"#, "/choices/0/message/content is a number, not a text", ""),
    ];
    for (body, fault, text) in cases {
        let completion = completion(body);
        assert_eq!((completion.faults, completion.text.as_str()), (vec![fault.to_owned()], text), "{body}");
    }
    let glued = completion("{\"choices\":[{\"message\":{\"content\":\"x\"}}]}\n\ndata: [DONE]\n\n");
    assert_eq!((glued.faults.len(), glued.text.as_str()), (1, "x"));
}

#[test]
fn content_is_found_where_it_stands() {
    let fine = completion(
        r#"{"model":"m","choices":[{"message":{"content":null,"refusal":"no","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}],
           "usage":{"prompt_tokens":1,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":3}}}"#,
    );
    assert_eq!((fine.text.as_str(), fine.tool_calls, fine.faults), ("no", vec!["f".to_owned()], vec![]));
    assert_eq!(fine.usage, Usage { prompt: Some(1), completion: Some(2), reasoning: Some(3) });
    let thinking = completion(r#"{"choices":[{"message":{"content":"","reasoning_content":"hm"}}]}"#);
    assert_eq!((thinking.text.as_str(), thinking.reasoning.as_str()), ("", "hm"));
    let blocks = completion(
        r#"{"type":"message","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"hi"},{"type":"tool_use","name":"f"}]}"#,
    );
    assert_eq!((blocks.text.as_str(), blocks.reasoning.as_str(), blocks.tool_calls), ("hi", "hm", vec!["f".to_owned()]));
}

#[test]
fn deep_and_broken_json_is_text() {
    assert!(matches!(document(&"[".repeat(100_000)), Reading::Text(_)));
    assert!(matches!(document(&"{\"a\":".repeat(100_000)), Reading::Text(_)));
    assert!(matches!(read(&chat(200, "", b"\x1f\x8b\x08\x00\xff\xfe")), Reading::Text(_)));
}
