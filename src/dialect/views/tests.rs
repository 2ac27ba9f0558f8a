//! What each model makes of streams that differ in one thing.

mod random;

use super::super::fixture::{cut, response, streamed};
use super::super::{Reading, StreamReading, read};
use super::*;
use crate::evidence::{Arrival, Exchange, FaultKind};

const ROLE: &str = r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
const FINISH: &str = r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

fn said(text: &str) -> String {
    ROLE.replace(r#""role":"assistant","content":"""#, &format!(r#""content":"{text}""#))
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

fn reference() -> String {
    [ROLE, &said("Hel"), &said("lö"), FINISH, "[DONE]"].map(event).concat()
}

fn reading(exchange: &Exchange) -> StreamReading {
    match read(exchange) {
        Reading::Stream(stream) => *stream,
        other => panic!("no stream: {other:?}"),
    }
}

fn views_of(exchange: &Exchange) -> Views {
    Views::of(exchange.response().expect("an answer"), &reading(exchange))
}

/// The models that lose something, and how, as `id kind`.
fn losses(exchange: &Exchange) -> Vec<String> {
    let views = views_of(exchange);
    views.losing().map(|seen| format!("{} {}", seen.model.id, seen.loses.expect("a loss").kind.name())).collect()
}

/// The same exchange with an arrival at each of these offsets.
fn arriving(bytes: &str, ends: impl IntoIterator<Item = usize>) -> Exchange {
    let mut exchange = streamed(bytes.as_bytes());
    let arrivals = ends.into_iter().chain([bytes.len()]);
    response(&mut exchange).body.arrivals = arrivals.map(|end| Arrival { at_ms: 2.0, end: end as u32 }).collect();
    exchange
}

#[test]
fn nobody_loses_anything_of_the_reference() {
    let exchange = streamed(reference().as_bytes());
    assert_eq!(losses(&exchange), Vec::<String>::new());
    let views = views_of(&exchange);
    let standard = views.standard().expect("the standard's view");
    assert_eq!((standard.events, standard.pieces, standard.text.as_str(), standard.chars), (4, 2, "Hellö", 5));
    assert_eq!((standard.error, standard.ends), (None, true));
    assert_eq!(views.seen.len(), MODELS.len() - 1, "all but the one for events with names");
}

#[test]
fn what_is_legal_and_odd_costs_those_that_are_known_for_it() {
    let fine = reference();
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("crlf", fine.replace('\n', "\r\n"), &["lf-only silent"]),
        ("cr", fine.replace('\n', "\r"), &["lf-only silent"]),
        ("no space", fine.replace("data: ", "data:"), &["data-space silent"]),
        ("byte-order mark", format!("\u{feff}{}", &fine[event(ROLE).len()..]), &["bom-is-text part"]),
        ("comments", format!(": ping\n\n{fine}"), &["comment-is-error error"]),
        ("a named block", format!("event: ping\n\n{fine}"), &["parses-named-blocks error", "parses-all-blocks error"]),
        ("a retry time", format!("retry: 3000\n\n{fine}"), &["parses-all-blocks error"]),
        ("empty data", format!("data:\n\n{fine}"), &["parses-empty error"]),
        ("separators", fine.replace("Hel", "H\u{2028}l"), &["text-splitlines error"]),
        ("long line", fine.replace("Hel", &"x".repeat(70_000)), &["line-64k error"]),
        ("very long line", fine.replace("Hel", &"x".repeat(1 << 20)), &["line-64k error", "line-1m error"]),
        ("no [DONE]", fine.replace("data: [DONE]\n\n", ""), &["needs-done error"]),
        ("more behind [DONE]", format!("{fine}{}", event(&said("x"))), &["needs-eof extra"]),
        ("empty choices", event(r#"{"choices":[],"usage":null}"#) + &fine, &["first-choice error"]),
        ("error null", fine.replace("\"id\":\"c\"", "\"error\":null"), &["error-key error"]),
        ("empty finish reasons", fine.replace("\"finish_reason\":null", "\"finish_reason\":\"\""), &["strict-finish error"]),
        (
            "many lines of data",
            fine.replace(",\"choices\"", "\ndata: ,\"choices\""),
            &["lenient-lines silent", "chunk-as-event silent", "data-space error"],
        ),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(losses(&streamed(bytes.as_bytes())), expected, "{name}");
    }
}

#[test]
fn network_chunks_matter_to_those_that_take_them_for_something() {
    let fine = reference();
    let inside = fine.find("Hel").expect("its text");
    assert_eq!(losses(&arriving(&fine, [inside])), ["chunk-as-event part"]);
    assert_eq!(losses(&arriving(&fine, [fine.find("data: [").expect("its end")])), Vec::<String>::new());
    let seam = fine.find('ö').expect("its character") + 1;
    assert_eq!(losses(&arriving(&fine, [seam])), ["chunk-as-event part", "chunk-utf8 part"]);
}

#[test]
fn the_end_matters_to_those_that_wait_for_it() {
    let fine = reference();
    let unfinished = [ROLE, &said("Hello")].map(event).concat();
    let mut open = streamed(fine.as_bytes());
    response(&mut open).left_open = true;
    assert_eq!(losses(&open), ["needs-eof hang"]);
    assert_eq!(losses(&cut(streamed(fine.as_bytes()), FaultKind::CutBody)), ["needs-eof error"]);
    assert_eq!(losses(&streamed(unfinished.as_bytes())), ["needs-done error", "needs-finish error"]);
    let stalled = views_of(&cut(streamed(unfinished.as_bytes()), FaultKind::Stalled));
    assert!(stalled.seen.iter().all(|seen| seen.loses.is_some_and(|loss| loss.kind == LossKind::Hang)), "{stalled:?}");
}

#[test]
fn faults_cost_everybody_who_reads_by_the_rules() {
    let fine = reference();
    let standard = |bytes: &str| {
        let views = views_of(&streamed(bytes.as_bytes()));
        let seen = views.standard().expect("the standard's view");
        (seen.loses.map(|loss| loss.kind), seen.text.clone())
    };
    assert_eq!(standard(&fine.replace("data: ", "Data: ")), (Some(LossKind::Silent), String::new()));
    assert_eq!(standard(&fine.replace("\n\n", "\n")), (Some(LossKind::Silent), String::new()));
    assert_eq!(standard(&format!("{}\n", fine.replace("\n\n", "\n"))), (Some(LossKind::Error), String::new()));
    assert_eq!(standard(&fine.replace("\"delta\"", "\"message\"")), (Some(LossKind::Silent), String::new()));
    assert_eq!(standard(&fine.replace(&event(FINISH), "data: keep-alive\n\n")), (Some(LossKind::Error), "Hellö".into()));
    let lines = format!("{ROLE}\n{}\n{FINISH}\n", said("Hello"));
    assert_eq!(standard(&lines), (Some(LossKind::Silent), String::new()));
}

#[test]
fn an_error_that_the_stream_carries_is_nobodys_loss() {
    let bytes = [ROLE, &said("Hel"), r#"{"error":{"message":"broke"}}"#].map(event).concat();
    let seen = views_of(&streamed(bytes.as_bytes())).by("standard").expect("a view").clone();
    assert_eq!((seen.loses, seen.ends), (None, true));
}

#[test]
fn names_of_events_are_wanted_where_sdks_want_them() {
    let events = [
        ("message_start", r#"{"type":"message_start","message":{"model":"m","usage":{"input_tokens":3}}}"#),
        ("content_block_start", r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#),
        ("content_block_delta", r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}"#),
        ("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
        ("message_delta", r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}"#),
        ("message_stop", r#"{"type":"message_stop"}"#),
    ];
    let named: String = events.iter().map(|(name, data)| format!("event: {name}\n{}", event(data))).collect();
    let nameless: String = events.iter().map(|(_, data)| event(data)).collect();
    assert_eq!(losses(&streamed(named.as_bytes())), Vec::<String>::new());
    assert_eq!(losses(&streamed(nameless.as_bytes())), ["event-name silent"]);
}
