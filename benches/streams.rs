//! The figures that reading streams promises, each measured in this run: `cargo bench --bench streams`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table")]

use std::hint::black_box;

use llmdoctor::dialect::{Reading, StreamEnd, read, sse};
use llmdoctor::evidence::{Arrival, Ask, Body, Credential, Exchange, Outcome, Request, Response, Via};
use nix::sys::resource::{UsageWho, getrusage};

/// Bytes that are read in one round.
const BODY: usize = 2 << 20;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{:<64} {:>10} {:>12}", "figure", "measured", "promised");
    let held = speed();
    if !held {
        eprintln!("a promise does not hold");
        std::process::exit(1);
    }
}

/// Prints a row; whether at least so much was reached.
fn at_least(figure: &str, measured: f64, promised: Option<f64>) -> bool {
    let told = promised.map_or_else(|| "-".to_owned(), |least| format!("≥ {least}"));
    println!("{figure:<64} {measured:>10.2} {told:>12}");
    promised.is_none_or(|least| measured >= least)
}

fn speed() -> bool {
    let mut held = true;
    for (name, dialect, size, promised) in [
        ("chat, events of 167 bytes", "chat", 167, Some(200.0)),
        ("chat, events of 4 KiB", "chat", 4096, Some(200.0)),
        ("messages, events of 167 bytes", "messages", 167, None),
        ("responses, events of 167 bytes", "responses", 167, None),
    ] {
        let exchange = streamed(dialect, size);
        held &= at_least(&format!("{name}, read and classified, MB/s"), rate(&exchange), promised);
    }
    let exchange = streamed("chat", 167);
    let bytes = &exchange.response().expect("an answer").body.bytes;
    let took = best(|| drop(black_box(sse::decode(black_box(bytes)))));
    at_least("chat, events of 167 bytes, only decoded, MB/s", bytes.len() as f64 / took / 1e6, None);
    held
}

fn rate(exchange: &Exchange) -> f64 {
    let Reading::Stream(reading) = read(exchange) else { panic!("no stream") };
    assert!(reading.end == StreamEnd::Complete && reading.faults.is_empty() && !reading.dialect.is_empty(), "{reading:?}");
    let took = best(|| drop(black_box(read(black_box(exchange)))));
    exchange.response().expect("an answer").body.bytes.len() as f64 / took / 1e6
}

/// What this thread has computed so far, in seconds: what else runs on the machine does not count.
fn cpu_seconds() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).expect("the system tells");
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// The best of 15 rounds, in seconds of one core.
fn best(mut round: impl FnMut()) -> f64 {
    let rounds = (0..15).map(|_| {
        let began = cpu_seconds();
        round();
        cpu_seconds() - began
    });
    rounds.fold(f64::INFINITY, f64::min)
}

/// A streamed answer of 2 MiB whose events have this size, with an arrival for each.
fn streamed(dialect: &str, size: usize) -> Exchange {
    let (route, first, event, last) = match dialect {
        "chat" => (
            "chat/completions",
            String::new(),
            r#"data: {"id":"chatcmpl-A1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"@"},"finish_reason":null}]}"#,
            r#"data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: [DONE]

"#,
        ),
        "messages" => (
            "messages",
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"content\":[],\"usage\":{}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n".to_owned(),
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"@\"}}",
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ),
        _ => (
            "responses",
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"object\":\"response\"}}\n\n".to_owned(),
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"i\",\"output_index\":0,\"content_index\":0,\"delta\":\"@\"}",
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n",
        ),
    };
    let (mut text, mut arrivals, mut number) = (first, Vec::new(), 0u64);
    while text.len() < BODY {
        let filler = size.saturating_sub(event.len() + 1);
        let width = filler.max(1);
        let said = format!("{number:0width$}");
        text.push_str(&event.replace('@', &said));
        text.push_str("\n\n");
        number += 1;
        arrivals.push(Arrival { at_ms: number as f64, end: u32::try_from(text.len()).expect("small") });
    }
    text.push_str(last);
    arrivals.push(Arrival { at_ms: number as f64 + 1.0, end: u32::try_from(text.len()).expect("small") });
    exchange(route, Body { bytes: text.into_bytes(), arrivals, ..Body::default() })
}

fn exchange(route: &str, body: Body) -> Exchange {
    let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
    let response =
        Response { status: 200, version: "HTTP/1.1".into(), headers, headers_ms: 1.0, body, cut: None, left_open: false, total_ms: 1e6 };
    let url = format!("http://gateway.test/v1/{route}");
    Exchange {
        id: "e1".into(),
        probe: "stream".into(),
        ask: Ask::ChatStream,
        via: Via::Gateway,
        attempt: 1,
        at_ms: 0.0,
        request: Request { method: "POST".into(), url, headers: Vec::new(), body: None, credential: Credential::None },
        steps: Vec::new(),
        outcome: Outcome::Response(response),
    }
}
