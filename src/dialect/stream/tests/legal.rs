//! What is legal, however odd, loses nothing and is called no fault that does.

use super::*;

/// Streams that say `Hello` in odd ways.
fn odd() -> Vec<(&'static str, String)> {
    let fine = reference();
    let events = |list: &[&str]| list.iter().map(|data| event(data)).collect::<String>();
    let (hel, lo) = (said("Hel"), said("lo"));
    vec![
        ("plain", fine.clone()),
        ("crlf", fine.replace('\n', "\r\n")),
        ("cr", fine.replace('\n', "\r")),
        ("mixed ends", fine.replacen('\n', "\r\n", 3).replacen("\n\n", "\r\r", 1)),
        ("no blank", fine.replace("data: ", "data:")),
        ("byte-order mark", format!("\u{feff}{fine}")),
        ("comments", fine.replace("data: ", ": ping\n\n:\ndata: ")),
        ("multi-line data", fine.replace("\"choices\"", "\ndata: \"choices\"")),
        ("event names", fine.replace("data: ", "event: message\ndata: ")),
        ("other event names", fine.replace("data: ", "event: anything\ndata: ")),
        ("ids and retry", fine.replace("data: ", "id: 7\nretry: 3000\ndata: ")),
        ("extra blank lines", fine.replace("\n\n", "\n\n\n\n")),
        ("data-less events", format!("retry: 3000\n\nevent: ping\n\n{fine}")),
        ("empty data", format!("data:\n\ndata: {{}}\n\n{fine}")),
        ("separators in strings", fine.replace("\"m\"", "\"m\u{2028}\u{85}\"")),
        ("done without line end", fine.trim_end().to_owned()),
        ("done twice", format!("{fine}data: [DONE]\n\n")),
        ("no object, id or model", fine.replace(r#""id":"c","object":"chat.completion.chunk","model":"m","#, "")),
        (
            "role in every chunk",
            events(&[&hel, &lo, FINISH, "[DONE]"]).replace(r#""delta":{"#, r#""delta":{"role":"assistant","#).replace(",}", "}"),
        ),
        ("empty finish reasons", fine.replace("\"finish_reason\":null", "\"finish_reason\":\"\"")),
        ("unknown finish reason", fine.replace("\"stop\"", "\"eos\"")),
        ("empty choices first", event(r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[]}"#) + &fine),
        ("filter results without delta", event(r#"{"choices":[{"index":0,"finish_reason":null,"content_filter_results":{}}]}"#) + &fine),
        ("last delta missing", fine.replace(r#""delta":{},"#, "")),
        ("last delta null", fine.replace(r#""delta":{},"#, r#""delta":null,"#)),
        ("one delta", events(&[ROLE, &said("Hello"), FINISH, "[DONE]"])),
        ("content with the finish", events(&[ROLE, &said("Hello").replace("null}]", "\"stop\"}]"), "[DONE]"])),
        ("usage behind the end", events(&[ROLE, &hel, &lo, FINISH, "[DONE]", USAGE])),
        ("error null", fine.replace("\"id\":\"c\"", "\"id\":\"c\",\"error\":null")),
        ("null content", events(&[ROLE, &delta(r#"{"content":null}"#), &hel, &lo, FINISH, "[DONE]"])),
        ("characters escaped", fine.replace("Hel", "\\u0048el")),
    ]
}

#[test]
fn odd_and_legal_streams_are_silent() {
    for (name, bytes) in odd() {
        let reading = stream(&bytes);
        let notes: &[&str] = match name {
            "done twice" => &["done-twice"],
            "usage behind the end" => &["usage-after-done"],
            "empty finish reasons" => &["finish-reason-empty"],
            _ => &[],
        };
        assert_eq!(faults(&reading), notes, "{name}");
        assert_eq!((reading.text.as_str(), reading.end, reading.done), ("Hello", StreamEnd::Complete, true), "{name}");
        assert_eq!((reading.dialect, reading.error), ("openai-chat", None), "{name}");
    }
}

#[test]
fn no_done_after_a_finish_is_only_that() {
    let bytes = [ROLE, &said("Hello"), FINISH].map(event).concat();
    let reading = stream(&bytes);
    assert_eq!((reading.end, faults(&reading)), (StreamEnd::NoDone, vec![]));
}

#[test]
fn repetition_in_the_text_is_no_repetition_of_deltas() {
    let texts: [&[&str]; 5] = [
        &["ha", "ha", "ha", "ha", "ha", "ha", "ha", "ha"],
        &["\\n", "\\n", "\\n\\n", "\\n"],
        &["th", "the", " cat"],
        &["a", "ab", "abc", "x"],
        &["one", " two", " three", "one two three four"],
    ];
    for texts in texts {
        let bytes: String = texts.iter().map(|text| event(&said(text))).collect();
        assert_eq!(faults(&stream(&bytes)), Vec::<String>::new(), "{texts:?}");
    }
}

#[test]
fn a_character_split_over_arrivals_is_whole() {
    let bytes = event(&said("日本語"));
    let mut exchange = streamed(bytes.as_bytes());
    let ends = 1..=u32::try_from(bytes.len()).expect("short");
    response(&mut exchange).body.arrivals = ends.map(|end| crate::evidence::Arrival { at_ms: f64::from(end), end }).collect();
    let reading = stream_of(&exchange);
    assert_eq!((reading.text.as_str(), faults(&reading), reading.content_ms), ("日本語", vec![], vec![bytes.len() as f64]));
}

#[test]
fn a_cut_in_the_middle_of_an_event_is_only_a_cut() {
    let whole = reference();
    let bytes = &whole.as_bytes()[..whole.find("lo\"").expect("its text")];
    for (exchange, end) in [(streamed(bytes), StreamEnd::Silent), (cut(streamed(bytes), FaultKind::Reset), StreamEnd::Cut)] {
        let reading = stream_of(&exchange);
        assert_eq!((faults(&reading), reading.end, reading.text.as_str()), (vec![], end, "Hel"));
    }
}
