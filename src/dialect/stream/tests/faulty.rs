//! Every kind of fault with its bytes, and what is read through it.

use super::*;

fn chunks() -> Vec<String> {
    let text = ["one", " two", " three", " four", " five"];
    let mut chunks = vec![ROLE.to_owned()];
    chunks.extend(text.iter().map(|text| said(text)));
    chunks.push(FINISH.to_owned());
    chunks
}

const TEXT: &str = "one two three four five";

fn framed(frame: impl Fn(&str) -> String) -> String {
    chunks().iter().map(|chunk| frame(chunk)).collect::<String>() + "data: [DONE]\n\n"
}

#[test]
fn faults_of_the_framing_are_named_and_read_through() {
    let pairs = |chunks: Vec<String>| chunks.chunks(2).map(|pair| event(&pair.concat())).collect::<String>() + "data: [DONE]\n\n";
    let glued = framed(event).replace("\n\n", "\n");
    let cases = [
        ("no-blank-line", glued.clone()),
        ("no-blank-line", glued + "\n"),
        ("split-json", framed(|chunk| [&chunk[..40], &chunk[40..]].map(event).concat())),
        (
            "split-json",
            framed(|chunk| chunk.split_once("\":").map(|(a, b)| event(&format!("{a}\"")) + &event(&format!(":{b}"))).expect("a colon")),
        ),
        ("two-objects", pairs(chunks())),
        ("doubled-prefix", framed(|chunk| format!("data: data: {chunk}\n\n"))),
        ("field-name", framed(|chunk| format!("Data: {chunk}\n\n"))),
        ("field-name", framed(|chunk| format!(" data: {chunk}\n\n"))),
        ("field-name", framed(|chunk| format!("data : {chunk}\n\n"))),
        ("unprefixed-json", framed(|chunk| event(&chunk.replacen('{', "{\n ", 1)))),
        ("unprefixed-json", framed(event).replace("data: {", "{").replacen('{', ": ping\n{", 1)),
        ("comment-as-data", framed(event) + &event(": OPENROUTER PROCESSING")),
        ("not-json", framed(event).replacen("data: ", "data: nonsense\n\ndata: ", 1)),
        ("comment-as-data", framed(event).replacen("data: ", "data: keep-alive\n\ndata: ", 1)),
        ("html", framed(event).replacen("data: ", "data: <html><body>busy</body></html>\n\ndata: ", 1)),
        ("twice", framed(|chunk| event(chunk) + &event(chunk))),
        ("data-after-done", framed(event) + &event(&said("more"))),
    ];
    for (kind, bytes) in cases {
        let reading = stream(&bytes);
        assert_eq!(faults(&reading), [format!("{kind}!")], "{bytes}");
        assert_eq!((reading.dialect, reading.end), ("openai-chat", StreamEnd::Complete), "{kind}");
        assert!(reading.text == TEXT || kind == "twice", "{kind}: {}", reading.text);
    }
}

#[test]
fn faults_of_the_chunks_are_named_and_read_through() {
    let tool = |rest: &str| delta(&format!(r#"{{"tool_calls":[{{{rest}}}]}}"#));
    let call = |id: &str| tool(&format!(r#""id":"{id}","type":"function","function":{{"name":"f","arguments":"{{}}"}}"#));
    let numbered = |id: &str| tool(&format!(r#""index":0,"id":"{id}","type":"function","function":{{"name":"f","arguments":"{{}}"}}"#));
    let whole =
        r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;
    let cases: Vec<(&str, Vec<String>)> = vec![
        ("whole-object!", vec![whole.to_owned()]),
        ("whole-object", vec![said("Hel"), said("lo"), whole.to_owned()]),
        ("delta-shape!", vec![said("Hello").replace("\"delta\"", "\"message\"")]),
        ("delta-shape!", vec![said("Hello").replace(r#""delta":{"content":"Hello"}"#, r#""text":"Hello""#)]),
        ("delta-shape!", vec![delta("\"Hello\"")]),
        ("delta-shape!", vec![r#"{"choices":{"delta":{"content":"x"}}}"#.to_owned()]),
        ("tool-arguments-not-string!", vec![tool(r#""index":0,"id":"a","function":{"name":"f","arguments":{}}"#)]),
        ("tool-arguments-not-string", vec![tool(r#""index":0,"id":"a","function":{"name":"f","arguments":null}"#)]),
        ("tool-id-missing", vec![tool(r#""index":0,"function":{"name":"f","arguments":"{}"}"#)]),
        ("tool-index-base", vec![tool(r#""index":1,"id":"a","function":{"name":"f","arguments":"{}"}"#)]),
        ("tool-arguments-broken", vec![numbered("a").replace("\"{}\"", "\"{\""), tool(r#""index":0,"function":{"arguments":"x}"}"#)]),
        (
            "tool-arguments-cumulative!",
            vec![
                numbered("a").replace("\"{}\"", "\"\""),
                tool(r#""index":0,"function":{"arguments":"{\"a\":"}"#),
                tool(r#""index":0,"function":{"arguments":"{\"a\":1}"}"#),
            ],
        ),
        ("delta-shape!", vec![delta(r#"{"tool_calls":{"index":0}}"#)]),
        ("tool-index-shared!", vec![numbered("a"), numbered("b")]),
        ("index-missing", vec![said("Hello").replace("\"index\":0,", "")]),
        ("index-missing", vec![said("Hello").replace("\"index\":0,", "\"index\":null,")]),
        ("finish-reason-empty", vec![said("Hello").replace("\"finish_reason\":null", "\"finish_reason\":\"\"")]),
        ("role-null", vec![delta(r#"{"role":null,"content":"Hello"}"#)]),
        ("created-not-number", vec![said("Hello").replacen('{', r#"{"created":"1700000000","#, 1)]),
        ("replacement-run", vec![said("H\u{fffd}\u{fffd}")]),
        ("long-line", vec![said(&"x".repeat(70_000))]),
        ("delta-shape", vec![r#"{"object":"chat.completion.chunk","choices":null}"#.to_owned(), said("Hello")]),
        ("tool-index-missing", vec![call("a")]),
        ("tool-index-missing!", vec![call("a"), call("b")]),
        ("content-not-string!", vec![delta(r#"{"content":[{"type":"text","text":"Hello"}]}"#)]),
        ("content-not-string!", vec![delta(r#"{"content":{"text":"Hello"}}"#)]),
        ("content-not-string!", vec![delta(r#"{"content":5}"#)]),
        ("cumulative!", ["Hel", "Hello", "Hello world"].map(said).to_vec()),
        ("cumulative!", ["x", "one", "one two", "one two three", "one two three four"].map(said).to_vec()),
        ("cumulative!", ["one", " two", " three", "one two three"].map(said).to_vec()),
    ];
    for (expected, chunks) in cases {
        let calls = chunks.iter().any(|chunk| chunk.contains("tool_calls"));
        let finish = if calls { FINISH.replace("stop", "tool_calls") } else { FINISH.to_owned() };
        let bytes = chunks.iter().map(|chunk| event(chunk)).collect::<String>() + &event(&finish) + &event("[DONE]");
        let reading = stream(&bytes);
        assert_eq!(faults(&reading), [expected], "{bytes}");
        assert_eq!((reading.dialect, reading.end), ("openai-chat", StreamEnd::Complete), "{expected}");
    }
}

#[test]
fn other_spellings_of_the_last_event_are_noted() {
    let end = |line: &str| stream(&format!("{}{line}", [ROLE, &said("Hello"), FINISH].map(event).concat()));
    for (line, done) in [
        ("data: [done]\n\n", false),
        ("data: \"[DONE]\"\n\n", false),
        ("data: DONE\n\n", false),
        ("[DONE]\n\n", false),
        ("data:  [DONE]\n\n", true),
        ("data: [DONE] \n\n", true),
    ] {
        let reading = end(line);
        assert_eq!((faults(&reading), reading.done), (vec!["sentinel-variant".to_owned()], done), "{line}");
    }
}

#[test]
fn bytes_that_are_no_text_are_placed() {
    let mut bytes = event(&said("Hello")).into_bytes();
    let at = bytes.windows(5).position(|part| part == b"Hello").expect("the text");
    bytes[at] = 0xff;
    let reading = stream_of(&streamed(&bytes));
    assert_eq!((faults(&reading), reading.faults[0].offset, reading.text.as_str()), (vec!["invalid-utf8!".to_owned()], at, "\u{fffd}ello"));
}

#[test]
fn a_last_event_without_its_blank_line_is_lost_to_clients() {
    let bytes = [ROLE, &said("Hello"), FINISH].map(event).concat();
    let reading = stream(bytes.trim_end());
    assert_eq!((faults(&reading), reading.end), (vec!["unterminated-event!".to_owned()], StreamEnd::NoDone));
    assert_eq!(faults(&stream_of(&cut(streamed(bytes.trim_end().as_bytes()), FaultKind::Reset))), Vec::<String>::new());
}

#[test]
fn text_in_events_has_no_dialect() {
    let reading = stream(&["one", "2", "three"].map(event).concat());
    assert_eq!((faults(&reading), reading.dialect, reading.events), (vec!["not-json!".to_owned()], "", 3));
}

#[test]
fn a_fault_shows_where_it_is() {
    let bytes = reference() + &event(&said("more"));
    let fault = &stream(&bytes).faults[0];
    assert_eq!(fault.offset, reference().len());
    assert!(fault.excerpt.contains("data: {\"id\"") && fault.excerpt.chars().count() <= 80, "{}", fault.excerpt);
}
