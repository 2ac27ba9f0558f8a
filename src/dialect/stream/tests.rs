mod bank;
mod faulty;
mod legal;
mod random;

use super::super::fixture::{cut, response, streamed};
use super::super::{Reading, read};
use super::*;
use crate::evidence::FaultKind;

const ROLE: &str = r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
const FINISH: &str = r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const USAGE: &str =
    r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;

/// A chunk with this delta.
fn delta(delta: &str) -> String {
    format!(r#"{{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
}

fn said(text: &str) -> String {
    delta(&format!(r#"{{"content":"{text}"}}"#))
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

/// The reference stream of OpenAI's chat: `Hello`, its end, and `[DONE]`.
fn reference() -> String {
    [ROLE, &said("Hel"), &said("lo"), FINISH, USAGE, "[DONE]"].map(event).concat()
}

fn stream_of(exchange: &Exchange) -> StreamReading {
    match read(exchange) {
        Reading::Stream(stream) => *stream,
        other => panic!("no stream: {other:?}"),
    }
}

fn stream(text: &str) -> StreamReading {
    stream_of(&streamed(text.as_bytes()))
}

/// The same as the answer of another route.
fn routed(route: &str, text: &str) -> StreamReading {
    let mut exchange = streamed(text.as_bytes());
    exchange.request.url = format!("http://gateway.test/v1/{route}");
    stream_of(&exchange)
}

/// Kinds of the faults, those that lose data with an exclamation mark.
fn faults(reading: &StreamReading) -> Vec<String> {
    reading.faults.iter().map(|fault| format!("{}{}", fault.kind, if fault.breaks { "!" } else { "" })).collect()
}

fn plain(reading: &StreamReading) -> (&str, &str, Option<&str>, bool, StreamEnd, Vec<String>) {
    (reading.dialect, &reading.text, reading.finish_reason.as_deref(), reading.done, reading.end, faults(reading))
}

#[test]
fn chat_chunks_are_read() {
    let reading = stream(&reference());
    assert_eq!(plain(&reading), ("openai-chat", "Hello", Some("stop"), true, StreamEnd::Complete, vec![]));
    assert_eq!((reading.events, reading.models, reading.usage.completion), (6, vec!["m".to_owned()], Some(2)));
    assert_eq!((reading.content_ms, reading.event_ends.len()), (vec![2.0, 2.0], 6));
}

#[test]
fn legacy_completions_are_read() {
    let chunk = |text: &str, reason: &str| {
        event(&format!(r#"{{"object":"text_completion","choices":[{{"text":"{text}","index":0,"finish_reason":{reason}}}]}}"#))
    };
    let bytes = [chunk("Hel", "null"), chunk("lo", "\"stop\""), event("[DONE]")].concat();
    let mut exchange = streamed(bytes.as_bytes());
    assert_eq!(faults(&stream_of(&exchange)), ["foreign-dialect!"]);
    exchange.request.url = "http://gateway.test/v1/completions".into();
    assert_eq!(plain(&stream_of(&exchange)), ("openai-completions", "Hello", Some("stop"), true, StreamEnd::Complete, vec![]));
}

#[test]
fn responses_are_read() {
    let numbers = std::cell::Cell::new(0);
    let named = |kind: &str, rest: &str| {
        let number = numbers.replace(numbers.get() + 1);
        format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number}{rest}}}\n\n")
    };
    let stream = |text: &str| routed("responses", text);
    let start = [
        named("response.created", r#","response":{"object":"response","model":"m","status":"in_progress","output":[]}"#),
        named("response.output_item.added", r#","item":{"type":"function_call","name":"f"}"#),
        named("response.reasoning_summary_text.delta", r#","delta":"hm""#),
        named("response.output_text.delta", r#","delta":"Hel""#),
        named("response.output_text.delta", r#","delta":"lo""#),
        named("response.output_text.done", r#","text":"Hello""#),
    ]
    .concat();
    let end = named(
        "response.completed",
        r#","response":{"object":"response","status":"completed","error":null,"usage":{"input_tokens":1,"output_tokens":5}}"#,
    );
    let reading = stream(&format!("{start}{end}"));
    assert_eq!(plain(&reading), ("openai-responses", "Hello", Some("completed"), true, StreamEnd::Complete, vec![]));
    assert_eq!((reading.reasoning.as_str(), reading.tool_calls.len(), reading.usage.completion), ("hm", 1, Some(5)));
    assert_eq!(stream(&start).end, StreamEnd::Silent);
    let failed = named(
        "response.failed",
        r#","response":{"object":"response","status":"failed","error":{"code":"server_error","message":"broke"}}"#,
    );
    let error = stream(&format!("{start}{failed}")).error.expect("an error");
    assert_eq!((error.message.as_str(), error.code.as_deref()), ("broke", Some("server_error")));
}

const MESSAGE: &[(&str, &str)] = &[
    (
        "message_start",
        r#","message":{"type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}"#,
    ),
    ("content_block_start", r#","index":0,"content_block":{"type":"thinking","thinking":""}"#),
    ("content_block_delta", r#","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}"#),
    ("content_block_stop", r#","index":0"#),
    ("ping", ""),
    ("content_block_start", r#","index":1,"content_block":{"type":"text","text":""}"#),
    ("content_block_delta", r#","index":1,"delta":{"type":"text_delta","text":"Hello"}"#),
    ("content_block_stop", r#","index":1"#),
    ("message_delta", r#","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}"#),
    ("message_stop", ""),
];

fn message(named: bool, events: &[(&str, &str)]) -> String {
    let name = |kind: &str| if named { format!("event: {kind}\n") } else { String::new() };
    events.iter().map(|(kind, rest)| format!("{}data: {{\"type\":\"{kind}\"{rest}}}\n\n", name(kind))).collect()
}

#[test]
fn messages_are_read() {
    let reading = routed("messages", &message(true, MESSAGE));
    assert_eq!(plain(&reading), ("anthropic-messages", "Hello", Some("end_turn"), true, StreamEnd::Complete, vec![]));
    assert_eq!((reading.reasoning.as_str(), reading.usage.prompt, reading.usage.completion), ("hm", Some(3), Some(5)));
    assert_eq!(routed("messages", &message(true, &MESSAGE[..9])).end, StreamEnd::NoDone);
    assert_eq!(routed("messages", &message(true, &MESSAGE[..8])).end, StreamEnd::Silent);
    assert_eq!(faults(&routed("messages", &message(false, MESSAGE))), ["event-name-missing!"]);
    assert_eq!(faults(&routed("messages", &message(true, &MESSAGE[5..]))), ["event-order"]);
}

#[test]
fn ollama_is_read() {
    let lines = "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"done\":false}\n{\"model\":\"m\",\"message\":{\"content\":\"lo\"},\"done\":false}\n{\"model\":\"m\",\"done\":true,\"done_reason\":\"stop\",\"eval_count\":2}\n";
    let mut exchange = streamed(lines.as_bytes());
    assert_eq!(plain(&stream_of(&exchange)), ("ollama-chat", "Hello", Some("stop"), true, StreamEnd::Complete, vec!["ndjson!".to_owned()]));
    exchange.request.url = "http://gateway.test/api/chat".into();
    let reading = stream_of(&exchange);
    assert_eq!((reading.form, faults(&reading), reading.usage.completion), (StreamForm::Ndjson, vec![], Some(2)));
    let error = stream_of(&streamed(b"{\"model\":\"m\",\"done\":false}\n{\"error\":\"broke\"}\n")).error.expect("an error");
    assert_eq!((error.message.as_str(), error.form), ("broke", "json"));
}

#[test]
fn google_is_read() {
    let part =
        |text: &str, rest: &str| format!(r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}]}}{rest}}}],"modelVersion":"m"}}"#);
    let pieces = [part("Hel", ""), part("lo", r#","finishReason":"STOP""#)];
    let sse = pieces.clone().map(|piece| format!("data: {piece}\r\n\r\n")).concat();
    assert_eq!(
        plain(&routed("models/m:streamGenerateContent", &sse)),
        ("google-generate", "Hello", Some("STOP"), true, StreamEnd::Complete, vec![])
    );
    let array = format!("[{}\n,\r\n{}\n]", pieces[0], pieces[1]);
    let mut exchange = streamed(array.as_bytes());
    assert_eq!(faults(&stream_of(&exchange)), ["json-array!"]);
    exchange.request.url = "http://gateway.test/v1beta/models/m:streamGenerateContent".into();
    let reading = stream_of(&exchange);
    assert_eq!((reading.form, reading.text.as_str(), faults(&reading)), (StreamForm::JsonArray, "Hello", vec![]));
    assert_eq!(stream_of(&streamed(&array.as_bytes()[..array.len() - 60])).end, StreamEnd::Silent);
    assert_eq!(stream(&event(r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#)).finish_reason.as_deref(), Some("SAFETY"));
}

/// Everything that decides an end: the bytes, the fault, whether the connection stayed open.
#[test]
fn the_end_follows_the_table() {
    let part = |finish: bool, done: bool| {
        let pieces = [Some(event(&said("Hello"))), finish.then(|| event(FINISH)), done.then(|| event("[DONE]"))];
        pieces.into_iter().flatten().collect::<String>()
    };
    let end = |bytes: &str, fault: Option<FaultKind>| {
        let exchange = streamed(bytes.as_bytes());
        stream_of(&fault.map_or(exchange.clone(), |kind| cut(exchange, kind))).end
    };
    use StreamEnd::*;
    for (finish, done, clean, broken, open) in [
        (true, true, Complete, Complete, NotClosed),
        (true, false, NoDone, NoDone, NeverDone),
        (false, true, NoFinish, Cut, NotClosed),
        (false, false, Silent, Cut, Stalled),
    ] {
        assert_eq!(end(&part(finish, done), None), clean);
        for kind in [FaultKind::CutBody, FaultKind::Reset, FaultKind::H2Reset("CANCEL".into()), FaultKind::Closed, FaultKind::BadChunk] {
            assert_eq!(end(&part(finish, done), Some(kind)), broken);
        }
        for kind in [FaultKind::Stalled, FaultKind::Unfinished] {
            assert_eq!(end(&part(finish, done), Some(kind)), open);
        }
    }
    assert_eq!(end(": ping\n\n: ping\n\n", Some(FaultKind::Stalled)), HeartbeatOnly);
    assert_eq!(end("data: {}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n", Some(FaultKind::Unfinished)), HeartbeatOnly);
    assert_eq!(end("", Some(FaultKind::Stalled)), NoFirstByte);
}

#[test]
fn what_we_left_or_clipped_is_not_held_against_anybody() {
    let mut left = streamed(reference().as_bytes());
    response(&mut left).left_open = true;
    assert_eq!(stream_of(&left).end, StreamEnd::NotClosed);
    let mut clipped = cut(streamed(&reference().as_bytes()[..300]), FaultKind::Unfinished);
    response(&mut clipped).body.clipped = true;
    assert_eq!((stream_of(&clipped).end, faults(&stream_of(&clipped))), (StreamEnd::Complete, vec![]));
}

#[test]
fn errors_inside_are_found_in_every_shape() {
    let cases = [
        (r#"data: {"error":{"message":"broke","code":429}}"#, "broke"),
        (r#"data: {"error":"broke"}"#, "broke"),
        (r#"data: {"error":{"object":"error","message":"broke","code":400}}"#, "broke"),
        (r#"data: {"object":"error","message":"broke","type":"T","code":404}"#, "broke"),
        (r#"data: {"detail":"broke"}"#, "broke"),
        (r#"data: {"code":1001,"msg":"broke"}"#, "broke"),
        (r#"data: {"base_resp":{"status_code":1004,"status_msg":"broke"}}"#, "broke"),
        (r#"data: {"id":"c","choices":[],"error":{"message":"broke"}}"#, "broke"),
        (r#"data: {"error":{"message":"broke"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#, "broke"),
        ("event: error\ndata: {\"message\":\"broke\"}", "broke"),
        ("event: error\ndata: broke", "broke"),
        (r#"data: {"type":"error","error":{"type":"overloaded_error","message":"broke"}}"#, "broke"),
        (r#"error: {"message":"broke"}"#, "broke"),
        ("{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"broke\"\n  }\n}", "broke"),
    ];
    for (bytes, message) in cases {
        for before in [String::new(), event(ROLE) + &event(&said("Hel"))] {
            let bytes = format!("{before}{bytes}\n\n");
            if bytes.starts_with('{') {
                continue;
            }
            let reading = stream(&bytes);
            let error = reading.error.unwrap_or_else(|| panic!("{bytes}"));
            assert_eq!((error.message.as_str(), error.form, reading.faults.len()), (message, "sse", 0), "{bytes}");
        }
    }
    let two = [r#"{"error":"first"}"#, r#"{"error":"second"}"#].map(event).concat();
    assert_eq!(stream(&two).error.expect("an error").message, "first");
    assert_eq!(stream(&event(&ROLE.replacen('{', r#"{"error":null,"#, 1))).error, None);
}

#[test]
fn reasoning_and_tools_are_content() {
    let tool = delta(r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}"#);
    let more = delta(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#);
    let bytes = [
        ROLE,
        &delta(r#"{"reasoning_content":"hm"}"#),
        &delta(r#"{"reasoning":"m"}"#),
        &tool,
        &more,
        &FINISH.replace("stop", "tool_calls"),
        "[DONE]",
    ]
    .map(event)
    .concat();
    let reading = stream(&bytes);
    assert_eq!((reading.reasoning.as_str(), reading.tool_calls, reading.content_ms.len()), ("hmm", vec!["f".to_owned()], 4));
    assert_eq!(reading.faults, []);
}

#[test]
fn a_complete_stream_with_the_beginning_of_the_answer_stops_short_of_it() {
    let says = |text: &str, finish: &str| stream(&[&said(text), finish, "[DONE]"].map(event).concat());
    let short = |text: &str, whole: &str| says(text, FINISH).stops_short_of(whole);
    assert!(short("one, two, three,", "one, two, three, four, five") && short("one, two, thr", "one, two, three, four"));
    // Other words, the whole, nearly the whole, too little to tell, and an end that says why.
    assert!(!short("One - two - three", "one, two, three, four, five") && !short("one, two, three", "one, two, three"));
    assert!(!short("one, two, three, four, fiv", "one, two, three, four, five") && !short("one", "one, two, three"));
    assert!(!says("one, two, three,", &FINISH.replace("stop", "length")).stops_short_of("one, two, three, four, five"));
}
