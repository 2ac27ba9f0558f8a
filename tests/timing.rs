//! Rules about time on evidence written by hand, at the pace of the field: seconds, real boxes, links far away.

mod support;

use llmdoctor::catalogue::Certainty;
use llmdoctor::diagnosis::{Diagnosis, Found, diagnose};
use llmdoctor::evidence::{
    Arrival, Ask, Body, Credential, Evidence, Exchange, Fault, FaultKind, Outcome, Request, Response, Scheme, Subject,
};
use serde_json::{Value, json};
use support::recorded;

const EVENTS: &[(&str, &str)] = &[("content-type", "text/event-stream")];
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// A run that holds these exchanges, numbered in their order, behind a model list that took 90 ms.
fn run(exchanges: Vec<Exchange>) -> Evidence {
    let list = json!({ "object": "list", "data": [{ "id": "m", "object": "model" }] }).to_string();
    let list = Exchange {
        request: Request { method: "GET".into(), body: None, ..request(Ask::Models) },
        ..exchange(Ask::Models, whole(200, JSON, &list, 90.0))
    };
    let exchanges = std::iter::once(list).chain(exchanges);
    let subject = Subject { model: Some("m".into()), dialect: "openai-chat".into(), patience_s: 75.0, idle_s: 30.0, ..Subject::default() };
    recorded::evidence(subject, exchanges)
}

fn request(ask: Ask) -> Request {
    let streams = matches!(ask, Ask::ChatStream | Ask::ChatStreamLong | Ask::ChatStreamIdentity | Ask::SweepStream);
    let body = json!({ "model": "m", "messages": [], "stream": streams });
    let headers = vec![("accept-encoding".to_owned(), "gzip, deflate".to_owned())];
    Request {
        method: "POST".into(),
        url: "https://h/v1/x".into(),
        headers,
        body: Some(body),
        credential: Credential::Given(Scheme::Bearer),
    }
}

fn exchange(ask: Ask, outcome: Outcome) -> Exchange {
    let request = request(ask);
    recorded::exchange(ask, request, outcome)
}

fn response(status: u16, headers: &[(&str, &str)], headers_ms: f64, body: Body, cut: Option<Fault>, total_ms: f64) -> Outcome {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Outcome::Response(Response { status, version: "HTTP/1.1".into(), headers, headers_ms, body, cut, left_open: false, total_ms })
}

fn whole(status: u16, headers: &[(&str, &str)], text: &str, at_ms: f64) -> Outcome {
    let arrivals = vec![Arrival { at_ms, end: text.len() as u32 }];
    let body = Body { bytes: text.as_bytes().to_vec(), arrivals, wire_bytes: text.len() as u64, ..Body::default() };
    response(status, headers, at_ms, body, None, at_ms)
}

fn completion(ask: Ask, at_ms: f64) -> Exchange {
    let choice = json!({ "index": 0, "message": { "role": "assistant", "content": words(60) }, "finish_reason": "stop" });
    let document = json!({ "id": "c", "object": "chat.completion", "model": "m", "choices": [choice] }).to_string();
    exchange(ask, whole(200, JSON, &document, at_ms))
}

fn words(count: usize) -> String {
    (0..count).map(word).collect()
}

fn word(number: usize) -> String {
    format!("n{number}, ")
}

fn chunk(delta: &Value, finish: &Value) -> String {
    let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish });
    let padding = "fp_0123456789abcdef0123456789abcdef0123456789abcdef";
    format!(
        "data: {}\n\n",
        json!({ "id": "c", "object": "chat.completion.chunk", "model": "m", "system_fingerprint": padding, "choices": [choice] })
    )
}

/// A stream of so many words: the first at one time, the others after it at this pace, each arriving by itself.
struct Flow {
    words: usize,
    first_ms: f64,
    pace_ms: f64,
}

impl Flow {
    /// Events with the time at which each was written.
    fn events(&self) -> Vec<(f64, String)> {
        let at = |index: usize| self.first_ms + self.pace_ms * index as f64;
        let said = (0..self.words).map(|index| (at(index), chunk(&json!({ "content": word(index) }), &Value::Null)));
        let last = at(self.words.saturating_sub(1));
        said.chain([(last, chunk(&json!({}), &json!("stop"))), (last, "data: [DONE]\n\n".to_owned())]).collect()
    }

    /// Each event as it is written.
    fn body(&self) -> Body {
        let mut body = Body::default();
        for (at_ms, event) in self.events() {
            body.bytes.extend_from_slice(event.as_bytes());
            body.arrivals.push(Arrival { at_ms, end: body.bytes.len() as u32 });
        }
        body
    }

    /// Handed on in pieces of this size, each when its last byte was written.
    fn in_blocks(&self, size: usize) -> Body {
        let whole = self.body();
        let ends = (size..whole.bytes.len()).step_by(size).chain([whole.bytes.len()]);
        let arrivals = ends.map(|end| Arrival { at_ms: whole.arrived_ms(end - 1).expect("inside"), end: end as u32 }).collect();
        Body { arrivals, ..whole }
    }

    fn asked(&self, ask: Ask) -> Exchange {
        streamed(ask, self.body(), 60.0)
    }
}

fn streamed(ask: Ask, body: Body, headers_ms: f64) -> Exchange {
    let total_ms = body.last_ms().unwrap_or(headers_ms);
    exchange(ask, response(200, EVENTS, headers_ms, body, None, total_ms))
}

fn found<'d>(diagnosis: &'d Diagnosis, id: &str) -> Option<&'d Found> {
    diagnosis.findings.iter().find(|found| found.mode.id == id)
}

/// The certainty with which this mode is found, if it is.
fn certainty(exchanges: Vec<Exchange>, id: &str) -> Option<Certainty> {
    found(&diagnose(&run(exchanges)), id).map(|found| found.finding.certainty)
}

fn buffered(exchanges: Vec<Exchange>) -> Option<Certainty> {
    certainty(exchanges, "stream-buffered")
}

#[test]
fn a_release_that_waits_for_the_end_is_buffering() {
    let held = |words, first_ms| Flow { words, first_ms, pace_ms: 0.05 };
    let control = || completion(Ask::Chat, 4100.0);
    let (main, long) = (held(60, 4000.0), held(180, 12_000.0));
    assert_eq!(buffered(vec![control(), main.asked(Ask::ChatStream), long.asked(Ask::ChatStreamLong)]), Some(Certainty::Certain));
    assert_eq!(buffered(vec![control(), main.asked(Ask::ChatStream)]), Some(Certainty::Likely));
}

#[test]
fn a_slow_beginning_and_a_fast_model_are_no_buffering() {
    let flow = |words| Flow { words, first_ms: 4000.0, pace_ms: 0.25 };
    let exchanges = vec![completion(Ask::Chat, 4030.0), flow(60).asked(Ask::ChatStream), flow(180).asked(Ask::ChatStreamLong)];
    assert_eq!(buffered(exchanges), None);
}

#[test]
fn silent_thought_of_any_length_is_no_buffering() {
    let (main, long) = (Flow { words: 60, first_ms: 2000.0, pace_ms: 2.0 }, Flow { words: 180, first_ms: 5000.0, pace_ms: 2.0 });
    assert_eq!(buffered(vec![completion(Ask::Chat, 2200.0), main.asked(Ask::ChatStream), long.asked(Ask::ChatStreamLong)]), None);
}

#[test]
fn a_cached_or_quick_answer_tells_nothing() {
    let quick = Flow { words: 60, first_ms: 95.0, pace_ms: 0.02 };
    assert_eq!(buffered(vec![completion(Ask::Chat, 97.0), quick.asked(Ask::ChatStream)]), None);
    assert_eq!(buffered(vec![completion(Ask::Chat, 3000.0), quick.asked(Ask::ChatStream)]), None);
}

#[test]
fn a_stream_that_waits_while_the_plain_answer_is_there_at_once_is_held_back() {
    let held = Flow { words: 60, first_ms: 4000.0, pace_ms: 0.001 };
    let streams = |flow: &Flow| vec![completion(Ask::Chat, 1.5), flow.asked(Ask::ChatStream), flow.asked(Ask::ChatStreamLong)];
    assert_eq!(buffered(streams(&held)), Some(Certainty::Likely));
    let slow = Flow { words: 60, first_ms: 4000.0, pace_ms: 20.0 };
    assert_eq!(buffered(streams(&slow)), None, "a cached plain answer beside a stream that flows");
    assert_eq!(buffered(vec![completion(Ask::Chat, 1.5), held.asked(Ask::ChatStream)]), None, "once may be a cold start");
}

#[test]
fn two_large_pieces_alone_are_no_buffering() {
    let flow = Flow { words: 2, first_ms: 900.0, pace_ms: 10.0 };
    assert_eq!(buffered(vec![completion(Ask::Chat, 950.0), flow.asked(Ask::ChatStream)]), None);
}

#[test]
fn blocks_of_a_proxy_show_and_packets_of_a_link_do_not() {
    let flow = Flow { words: 180, first_ms: 300.0, pace_ms: 20.0 };
    let control = || completion(Ask::Chat, 1500.0);
    for size in [4096, 8192] {
        let diagnosis = diagnose(&run(vec![control(), streamed(Ask::ChatStream, flow.in_blocks(size), 300.0)]));
        let finding = &found(&diagnosis, "stream-buffered").expect("blocks").finding;
        assert_eq!((finding.certainty, &finding.details["block_bytes"]), (Certainty::Certain, &json!(size)));
    }
    for size in [536, 1400, 1448, 2896] {
        assert_eq!(buffered(vec![control(), streamed(Ask::ChatStream, flow.in_blocks(size), 300.0)]), None, "{size}");
    }
}

#[test]
fn two_blocks_far_apart_are_likely_a_proxy() {
    let flow = Flow { words: 120, first_ms: 300.0, pace_ms: 20.0 };
    assert_eq!(
        buffered(vec![completion(Ask::Chat, 2600.0), streamed(Ask::ChatStream, flow.in_blocks(16_384), 300.0)]),
        Some(Certainty::Likely)
    );
}

#[test]
fn events_bundled_on_their_way_are_no_buffering() {
    let flow = Flow { words: 60, first_ms: 300.0, pace_ms: 20.0 };
    let mut body = flow.body();
    body.arrivals = body.arrivals.chunks(6).map(|bundle| bundle[bundle.len() - 1]).collect();
    assert_eq!(buffered(vec![completion(Ask::Chat, 1600.0), streamed(Ask::ChatStream, body, 60.0)]), None);
}

const NGINX_504: &str = "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway Time-out</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";

fn nginx_504(ask: Ask, at_ms: f64) -> Exchange {
    exchange(ask, whole(504, &[("server", "nginx/1.22.1"), ("content-type", "text/html")], NGINX_504, at_ms))
}

fn lost(ask: Ask, kind: FaultKind, at_ms: f64) -> Exchange {
    exchange(ask, Outcome::Fault(Fault { kind, at_ms, chain: Vec::new() }))
}

#[test]
fn a_minute_of_nginx_is_named_with_its_setting() {
    let long = Flow { words: 400, first_ms: 300.0, pace_ms: 180.0 };
    let cuts = [nginx_504(Ask::SweepChat, 60_080.0), nginx_504(Ask::SweepChat, 60_110.0)];
    let exchanges = [completion(Ask::Chat, 1500.0), long.asked(Ask::SweepStream)].into_iter().chain(cuts).collect();
    let diagnosis = diagnose(&run(exchanges));
    let finding = &found(&diagnosis, "timeout-boundary").expect("a boundary").finding;
    let details = &finding.details;
    assert_eq!((finding.certainty, &details["boundary_s"], &details["clock"]), (Certainty::Certain, &json!(60.0), &json!("first-byte")));
    assert_eq!((&details["boxes"][0], &details["setting"]), (&json!("nginx"), &json!("proxy_read_timeout")), "{:?}", finding.fix);
}

#[test]
fn all_cut_at_one_time_is_likely_a_boundary() {
    let cut = |ask, at_ms| exchange(ask, whole(524, &[("server", "cloudflare"), ("content-type", "text/html")], "error code: 524", at_ms));
    let exchanges = vec![cut(Ask::Chat, 125_300.0), cut(Ask::Chat, 125_100.0)];
    assert_eq!(certainty(exchanges, "timeout-boundary"), Some(Certainty::Likely));
}

#[test]
fn a_silence_of_a_minute_is_an_idle_clock() {
    let cut = |first_ms: f64| {
        let flow = Flow { words: 20, first_ms, pace_ms: 100.0 };
        let mut body = flow.body();
        body.arrivals.truncate(20);
        body.bytes.truncate(body.arrivals[19].end as usize);
        let at_ms = flow.first_ms + 1900.0 + 60_000.0;
        let fault = Fault { kind: FaultKind::CutBody, at_ms, chain: Vec::new() };
        exchange(Ask::SweepStream, response(200, EVENTS, 60.0, body, Some(fault), at_ms))
    };
    let whole = Flow { words: 60, first_ms: 300.0, pace_ms: 20.0 };
    let exchanges = vec![completion(Ask::Chat, 1500.0), whole.asked(Ask::ChatStream), cut(500.0), cut(4000.0)];
    let diagnosis = diagnose(&run(exchanges));
    let finding = &found(&diagnosis, "timeout-boundary").expect("a boundary").finding;
    assert_eq!((&finding.details["boundary_s"], &finding.details["clock"]), (&json!(60.0), &json!("idle")));
}

#[test]
fn our_own_patience_is_no_boundary() {
    for kind in [FaultKind::NoAnswer, FaultKind::Unfinished, FaultKind::Stalled] {
        let exchanges =
            vec![completion(Ask::Chat, 1500.0), lost(Ask::SweepChat, kind.clone(), 75_000.0), lost(Ask::SweepChat, kind, 75_000.0)];
        assert_eq!(certainty(exchanges, "timeout-boundary"), None);
    }
}

#[test]
fn failures_that_take_their_time_are_no_boundary() {
    let refused = |at_ms| exchange(Ask::Chat, whole(500, JSON, r#"{"error":{"message":"connect ECONNREFUSED 10.0.0.7:8000"}}"#, at_ms));
    let diagnosis = diagnose(&run(vec![refused(1010.0), refused(1020.0), refused(1015.0)]));
    assert!(found(&diagnosis, "timeout-boundary").is_none() && found(&diagnosis, "upstream-unavailable").is_some());
    let broken = |at_ms| exchange(Ask::Chat, whole(500, JSON, r#"{"error":{"message":"boom"}}"#, at_ms));
    assert_eq!(certainty(vec![broken(2010.0), broken(2020.0), broken(2015.0)], "timeout-boundary"), None);
}

#[test]
fn cuts_at_different_times_are_no_boundary() {
    let exchanges = vec![
        completion(Ask::Chat, 1500.0),
        lost(Ask::SweepChat, FaultKind::Reset, 20_000.0),
        lost(Ask::SweepChat, FaultKind::Reset, 31_000.0),
    ];
    assert_eq!(certainty(exchanges, "timeout-boundary"), None);
}

#[test]
fn a_longer_answer_that_passed_clears_the_boundary() {
    let exchanges = vec![nginx_504(Ask::SweepChat, 30_000.0), nginx_504(Ask::SweepChat, 30_020.0), completion(Ask::SweepChat, 64_000.0)];
    assert_eq!(certainty(exchanges, "timeout-boundary"), None);
}

#[test]
fn a_stream_cut_twice_at_the_same_word_is_truncated_and_no_boundary() {
    let cut = || {
        let mut body = Flow { words: 20, first_ms: 300.0, pace_ms: 100.0 }.body();
        body.arrivals.truncate(10);
        body.bytes.truncate(body.arrivals[9].end as usize);
        let fault = Fault { kind: FaultKind::Reset, at_ms: 1300.0, chain: Vec::new() };
        exchange(Ask::ChatStream, response(200, EVENTS, 60.0, body, Some(fault), 1300.0))
    };
    let diagnosis = diagnose(&run(vec![completion(Ask::Chat, 2300.0), cut(), cut()]));
    assert!(found(&diagnosis, "timeout-boundary").is_none());
    assert_eq!(found(&diagnosis, "stream-truncated").map(|found| found.finding.certainty), Some(Certainty::Certain));
}
