//! Any bytes, under any route, in any arrivals, with any end: read, and looked at through every other reader's eyes.
//!
//! The first four bytes of an input decide route, end and arrivals; the rest is the body.
#![no_main]

#[allow(dead_code, reason = "runs of several exchanges are for tests")]
#[path = "../../tests/support/recorded.rs"]
mod recorded;

use libfuzzer_sys::fuzz_target;
use llmdoctor::dialect::views::Views;
use llmdoctor::dialect::{Reading, StreamReading, read};
use llmdoctor::evidence::{Arrival, Ask, Body, Credential, Exchange, Fault, FaultKind, Outcome, Request, Response};

const ROUTES: [&str; 5] = ["chat/completions", "completions", "responses", "messages", "../api/chat"];

fuzz_target!(|input: &[u8]| {
    let Some((control, bytes)) = input.split_at_checked(4) else { return };
    let whole = Body::whole(bytes.to_vec(), 2.0);
    let split = Body { arrivals: arrivals(bytes.len(), u16::from_le_bytes([control[2], control[3]])), ..whole.clone() };
    let (one, other) = (look(control, whole), look(control, split));
    assert_eq!(one, other, "arrivals change what is read");
});

/// What is read, without the times.
fn look(control: &[u8], body: Body) -> Option<String> {
    let exchange = exchange(control, body);
    let Reading::Stream(reading) = read(&exchange) else { return None };
    let response = exchange.response()?;
    let length = response.body.bytes.len();
    assert!(reading.faults.iter().all(|fault| fault.offset <= length && fault.excerpt.chars().count() <= 80));
    assert!(reading.event_ends.is_sorted() && reading.text.len() <= 3 * length && reading.leftover <= length);
    for seen in Views::of(response, &reading).seen {
        assert!(seen.text.len() <= 4096);
        assert!(seen.loses.is_none_or(|loss| loss.offset <= length), "{seen:?}");
        assert!(seen.error.is_none_or(|error| error.offset <= length), "{seen:?}");
    }
    Some(format!("{:?}", StreamReading { content_ms: Vec::new(), ..*reading }))
}

/// Ends that rise, from a number.
fn arrivals(length: usize, seed: u16) -> Vec<Arrival> {
    let mut state = u32::from(seed) | 1;
    let mut ends: Vec<usize> = (0..seed % 12)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % (length + 1)
        })
        .chain([length])
        .collect();
    ends.sort_unstable();
    ends.into_iter().enumerate().map(|(at, end)| Arrival { at_ms: at as f64, end: end as u32 }).collect()
}

fn exchange(control: &[u8], body: Body) -> Exchange {
    let media_type = if control[0] & 0x80 == 0 { "text/event-stream" } else { "application/json" };
    let cut = [None, None, Some(FaultKind::CutBody), Some(FaultKind::Stalled), Some(FaultKind::Reset), Some(FaultKind::Unfinished)];
    let response = Response {
        status: 200,
        version: "HTTP/1.1".into(),
        headers: vec![("content-type".into(), media_type.into())],
        headers_ms: 1.0,
        body,
        cut: cut[usize::from(control[1]) % cut.len()].clone().map(|kind| Fault { kind, at_ms: 3.0, chain: Vec::new() }),
        left_open: control[1] & 0x80 != 0,
        total_ms: 20.0,
    };
    let url = format!("http://gateway.test/v1/{}", ROUTES[usize::from(control[0] & 0x7f) % ROUTES.len()]);
    let request = Request { method: "POST".into(), url, headers: Vec::new(), body: None, credential: Credential::None };
    recorded::exchange(Ask::ChatStream, request, Outcome::Response(response))
}
