//! A bank of cases, the bytes beside what must be said of them: the faults with an exclamation mark are those that lose data.

use super::*;

/// A case: its name, the route, the bytes, the text, the end, the faults.
type Case = (&'static str, &'static str, String, &'static str, StreamEnd, &'static [&'static str]);

const CHAT: &str = "chat/completions";

fn check(cases: Vec<Case>) {
    for (name, route, bytes, text, end, expected) in cases {
        let reading = routed(route, &bytes);
        assert_eq!(faults(&reading), expected, "{name}");
        assert_eq!((reading.text.as_str(), reading.end), (text, end), "{name}");
    }
}

fn chat(chunks: &[&str]) -> String {
    chunks.iter().map(|chunk| event(chunk)).collect()
}

#[test]
fn framing() {
    use StreamEnd::Complete;
    let fine = reference();
    let odd = |change: &str| fine.replacen("data: {", &format!("{change}data: {{"), 2);
    check(vec![
        ("a named keep-alive", CHAT, odd("event: ping\ndata: {}\n\n"), "Hello", Complete, &[]),
        ("a named block", CHAT, odd("event: ping\n\n"), "Hello", Complete, &[]),
        ("an id and a blank line", CHAT, odd("id: 1\n\n"), "Hello", Complete, &[]),
        ("a tab behind the colon", CHAT, fine.replace("data: {", "data:\t{"), "Hello", Complete, &[]),
        ("two spaces", CHAT, fine.replace("data: {", "data:  {"), "Hello", Complete, &[]),
        ("a comment between the lines of an event", CHAT, fine.replace("data: {", "id: 1\n: c\ndata: {"), "Hello", Complete, &[]),
        (
            "a byte-order mark in the middle",
            CHAT,
            fine.replacen("\n\ndata: {", "\n\n\u{feff}data: {", 1),
            "Hello",
            Complete,
            &["field-name!"],
        ),
        ("raw control characters", CHAT, fine.replace("Hel", "H\u{b}l"), "lo", Complete, &["not-json!"]),
        ("no number", CHAT, fine.replace("\"id\":\"c\"", "\"id\":NaN"), "", StreamEnd::NoFinish, &["not-json!"]),
        ("single quotes", CHAT, odd("data: {'a': 1}\n\n"), "Hello", Complete, &["not-json!"]),
        ("a word as data", CHAT, odd("data: ping\n\n"), "Hello", Complete, &["comment-as-data!"]),
        ("a comment as data", CHAT, odd("data: : OPENROUTER PROCESSING\n\n"), "Hello", Complete, &["comment-as-data!"]),
        ("null as data", CHAT, odd("data: null\n\n"), "Hello", Complete, &["not-json!"]),
        ("an array as data", CHAT, odd("data: [{\"choices\":[]}]\n\n"), "Hello", Complete, &["delta-shape!"]),
        ("retry with a sign", CHAT, odd("retry: +5\n"), "Hello", Complete, &[]),
        ("unknown fields", CHAT, odd("x-note: 1\n"), "Hello", Complete, &[]),
    ]);
}

#[test]
fn ends() {
    use StreamEnd::{Complete, NoDone, NoFinish, Silent};
    let (start, said) = (event(ROLE), event(&said("Hello")));
    let body = |rest: &[&str]| format!("{start}{said}{}", rest.concat());
    let (finish, done, usage) = (event(FINISH), event("[DONE]"), event(USAGE));
    check(vec![
        ("neither", CHAT, body(&[]), "Hello", Silent, &[]),
        ("no finish", CHAT, body(&[&done]), "Hello", NoFinish, &[]),
        ("no sentinel", CHAT, body(&[&finish]), "Hello", NoDone, &[]),
        ("usage last", CHAT, body(&[&finish, &usage, &done]), "Hello", Complete, &[]),
        ("a sentinel twice", CHAT, body(&[&finish, &done, &done]), "Hello", Complete, &["done-twice"]),
        ("usage behind", CHAT, body(&[&finish, &done, &usage]), "Hello", Complete, &["usage-after-done"]),
        ("content behind", CHAT, body(&[&finish, &done, &said]), "Hello", Complete, &["data-after-done!"]),
        ("a last event without its end", CHAT, body(&["data: "]) + FINISH, "Hello", NoDone, &["unterminated-event!"]),
        ("only a sentinel", CHAT, done.clone(), "", NoFinish, &[]),
        ("only comments", CHAT, ": ping\n\n: ping\n\n".into(), "", Silent, &[]),
    ]);
    let half = body(&["data: {\"id\":"]);
    let (mid, between) = (cut(streamed(half.as_bytes()), FaultKind::CutBody), cut(streamed(body(&[]).as_bytes()), FaultKind::CutBody));
    assert_eq!((stream_of(&mid).leftover, stream_of(&between).leftover), ("data: {\"id\":".len(), 0));
}

/// A body of nothing has four causes, and they are not mixed up.
#[test]
fn nothing_is_four_things() {
    let mut bare = streamed(b"");
    assert!(matches!(read(&bare), Reading::Empty));
    response(&mut bare).headers.push(("content-length".into(), "0".into()));
    assert!(matches!(read(&bare), Reading::Empty));
    let (comments, done) = (stream(": ping\n\n"), stream("data: [DONE]\n\n"));
    assert_eq!((comments.events, comments.comments, comments.done), (0, 1, false));
    assert_eq!((done.events, done.comments, done.done), (1, 0, true));
}

#[test]
fn tools() {
    use StreamEnd::Complete;
    let call = |rest: &str| delta(&format!(r#"{{"tool_calls":[{{{rest}}}]}}"#));
    let first =
        |index: u8, id: &str| call(&format!(r#""index":{index},"id":"{id}","type":"function","function":{{"name":"f","arguments":""}}"#));
    let more = |index: u8, part: &str| call(&format!(r#""index":{index},"function":{{"arguments":"{part}"}}"#));
    let finish = FINISH.replace("stop", "tool_calls");
    let stream = |chunks: &[&str], finish: &str| chat(chunks) + &chat(&[finish, "[DONE]"]);
    let two = [first(0, "a"), more(0, r#"{\"x\":"#), first(1, "b"), more(1, "{}"), more(0, "1}")];
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("two calls, their pieces mixed", stream(&two.each_ref().map(String::as_str), &finish), &[]),
        ("no arguments at all", stream(&[&first(0, "a")], &finish), &[]),
        (
            "named in every piece",
            stream(&[&first(0, "a"), &call(r#""index":0,"id":"a","function":{"name":"f","arguments":"{}"}"#)], &finish),
            &[],
        ),
        ("cut short by its budget", stream(&[&first(0, "a"), &more(0, "{")], &FINISH.replace("stop", "length")), &[]),
        ("arguments that are no JSON", stream(&[&first(0, "a"), &more(0, "{")], &finish), &["tool-arguments-broken"]),
        ("finish_reason stop", stream(&[&first(0, "a"), &more(0, "{}")], FINISH), &["tool-finish-stop"]),
        ("one index for two", stream(&[&first(0, "a"), &more(0, "{}"), &first(0, "b"), &more(0, "{}")], &finish), &["tool-index-shared!"]),
        ("counted from one", stream(&[&first(1, "a"), &more(1, "{}")], &finish), &["tool-index-base"]),
    ];
    for (name, bytes, expected) in cases {
        let reading = routed(CHAT, &bytes);
        assert_eq!((faults(&reading), reading.end), (expected.iter().map(|kind| (*kind).to_owned()).collect(), Complete), "{name}");
    }
}

#[test]
fn structured_output() {
    for (text, expected) in [(r#"{\"a\":1}"#, vec![]), ("```json", vec!["text-not-json".to_owned()])] {
        let bytes = chat(&[ROLE, &said(text), FINISH, "[DONE]"]);
        let mut exchange = streamed(bytes.as_bytes());
        exchange.request.body = Some(serde_json::json!({"stream": true, "response_format": {"type": "json_object"}}));
        assert_eq!(faults(&stream_of(&exchange)), expected);
    }
}

/// The events of one message, `kind` left out or replaced.
fn message_with(change: impl Fn(usize, &str, String) -> String) -> String {
    let mut bytes = String::new();
    for (at, (kind, rest)) in MESSAGE.iter().enumerate() {
        bytes += &change(at, kind, format!("event: {kind}\ndata: {{\"type\":\"{kind}\"{rest}}}\n\n"));
    }
    bytes
}

#[test]
fn messages() {
    use StreamEnd::{Complete, NoDone, NoFinish};
    let without = |kind: &'static str| message_with(move |_, name, event| if name == kind { String::new() } else { event });
    let fine = message_with(|_, _, event| event);
    let swapped = |from: &str, to: &str| fine.replace(from, to);
    let route = "messages";
    check(vec![
        ("as it should be", route, fine.clone(), "Hello", Complete, &[]),
        (
            "pings",
            route,
            fine.replace("event: content", "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: content"),
            "Hello",
            Complete,
            &[],
        ),
        (
            "unknown events",
            route,
            fine.replace("event: content", "event: new\ndata: {\"type\":\"new\"}\n\nevent: content"),
            "Hello",
            Complete,
            &[],
        ),
        ("a nameless sentinel", route, fine.clone() + &event("[DONE]"), "Hello", Complete, &[]),
        ("a named sentinel", route, fine.clone() + "event: done\ndata: [DONE]\n\n", "Hello", Complete, &["sentinel-foreign!"]),
        ("no start", route, without("message_start"), "Hello", Complete, &["event-order"]),
        ("no block start", route, without("content_block_start"), "Hello", Complete, &["event-order"]),
        ("no block stop", route, without("content_block_stop"), "Hello", Complete, &[]),
        ("no delta of the message", route, without("message_delta"), "Hello", NoFinish, &[]),
        ("no stop", route, without("message_stop"), "Hello", NoDone, &[]),
        (
            "no names",
            route,
            message_with(|_, kind, event| event.replace(&format!("event: {kind}\n"), "")),
            "Hello",
            Complete,
            &["event-name-missing!"],
        ),
        (
            "started twice",
            route,
            message_with(|at, _, event| if at == 0 { event.repeat(2) } else { event }),
            "Hello",
            Complete,
            &["event-order"],
        ),
        ("no usage", route, swapped(r#""usage":{"input_tokens":3,"output_tokens":1}"#, r#""x":0"#), "Hello", Complete, &["message-shape"]),
        ("no content", route, swapped(r#""content":[],"#, ""), "Hello", Complete, &["message-shape"]),
        ("on the route of another API", CHAT, fine.clone(), "Hello", Complete, &["foreign-dialect!"]),
    ]);
    let failed = message_with(|at, _, event| if at < 4 { event } else { String::new() });
    for (name, expected) in [("event: error\n", vec![]), ("", vec!["error-unnamed".to_owned()])] {
        let bytes = format!(
            "{failed}{name}data: {{\"type\":\"error\",\"error\":{{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}}}\n\n"
        );
        let reading = routed(route, &bytes);
        assert_eq!((faults(&reading), reading.error.expect("an error").message.as_str()), (expected, "Overloaded"));
    }
}

fn response_events(list: &[(&str, &str)]) -> String {
    let events = list.iter().enumerate();
    events
        .map(|(number, (kind, rest))| format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number}{rest}}}\n\n"))
        .collect()
}

#[test]
fn responses() {
    use StreamEnd::{Complete, Silent};
    let output = r#","response":{"object":"response","status":"completed","output":[{"type":"message"}]}"#;
    let list = [
        ("response.created", r#","response":{"object":"response","status":"in_progress","output":[]}"#),
        ("response.in_progress", ""),
        ("response.output_item.added", r#","output_index":0,"item":{"type":"message"}"#),
        ("response.output_text.delta", r#","delta":"Hel""#),
        ("response.output_text.delta", r#","delta":"lo""#),
        ("response.output_text.done", r#","text":"Hello""#),
        ("response.completed", output),
    ];
    let fine = response_events(&list);
    let nameless: String = fine.lines().filter(|line| !line.starts_with("event:")).flat_map(|line| [line, "\n"]).collect();
    let typeless = fine.lines().map(|line| {
        if line.starts_with("data") {
            format!("data: {{{}\n", &line[line.find(",\"seq").map_or(0, |at| at + 1)..])
        } else {
            format!("{line}\n")
        }
    });
    let route = "responses";
    check(vec![
        ("as it should be", route, fine.clone(), "Hello", Complete, &[]),
        ("a sentinel", route, fine.clone() + &event("[DONE]"), "Hello", Complete, &[]),
        ("no last event", route, response_events(&list[..6]), "Hello", Silent, &[]),
        ("no first event", route, response_events(&list[1..]), "Hello", Complete, &["event-order"]),
        ("a number left out", route, fine.replace("\"sequence_number\":3", "\"sequence_number\":33"), "Hello", Complete, &["event-order"]),
        (
            "no numbers",
            route,
            (0..7).fold(fine.clone(), |fine, n| fine.replace(&format!(",\"sequence_number\":{n}"), "")),
            "Hello",
            Complete,
            &[],
        ),
        ("no names", route, nameless, "Hello", Complete, &["event-name-missing"]),
        ("no types", route, typeless.collect(), "Hello", Complete, &["delta-shape!"]),
        ("an old name", route, fine.replace("response.completed", "response.done"), "Hello", Complete, &["event-name-old"]),
        (
            "an empty output",
            route,
            fine.replace(r#""output":[{"type":"message"}]"#, r#""output":[]"#),
            "Hello",
            Complete,
            &["output-empty"],
        ),
        ("on the route of another API", CHAT, fine.clone(), "Hello", Complete, &["foreign-dialect!"]),
    ]);
    let error = r#","code":"server_error","message":"broke""#;
    let reading = routed(route, &response_events(&[list[0], list[3], ("error", error)]));
    assert_eq!((reading.error.expect("an error").message.as_str(), reading.end), ("broke", Complete));
}

#[test]
fn legacy_completions() {
    use StreamEnd::Complete;
    let chunk = |text: &str, reason: &str| {
        event(&format!(
            r#"{{"object":"text_completion","choices":[{{"text":"{text}","index":0,"logprobs":null,"finish_reason":{reason}}}]}}"#
        ))
    };
    let fine = chunk("Hel", "null") + &chunk("lo", "null") + &chunk("", "\"stop\"") + &event("[DONE]");
    check(vec![
        ("as it should be", "completions", fine.clone(), "Hello", Complete, &[]),
        ("on chat's route", CHAT, fine.clone(), "Hello", Complete, &["foreign-dialect!"]),
        ("chat's chunks on its route", "completions", reference(), "Hello", Complete, &["foreign-dialect!"]),
        (
            "each piece repeats",
            "completions",
            ["a b", "a b c", "a b c d"].map(|text| chunk(text, "null")).concat() + &fine,
            "a ba b ca b c dHello",
            Complete,
            &[],
        ),
    ]);
}
