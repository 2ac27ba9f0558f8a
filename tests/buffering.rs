//! What proves that a stream is held back, and what only looks like it: evidence with the times of measured paths, no clock.

mod support;

use llmdoctor::catalogue::{Blame, Certainty, Finding};
use llmdoctor::diagnosis::diagnose;
use llmdoctor::evidence::{Arrival, Ask, Body, Credential, Exchange, Outcome, Request, Response, Scheme, Subject};
use serde_json::{Value, json};
use support::recorded;

/// A stream as it arrives.
#[derive(Clone)]
struct Path {
    /// Time and text of each event, as it was written.
    events: Vec<(f64, String)>,
    headers: Vec<(&'static str, String)>,
    head_ms: f64,
    version: &'static str,
}

impl Path {
    /// So many words, the first at one time and the others after it at a pace, each in an event of about 250 bytes.
    fn new(words: usize, first_ms: f64, pace_ms: f64) -> Self {
        let event = |index: usize| {
            let choice = json!({ "index": 0, "delta": { "content": format!("n{index}, ") }, "logprobs": null, "finish_reason": null });
            (first_ms + pace_ms * index as f64, chunk(&choice))
        };
        let mut events: Vec<_> = (0..words).map(event).collect();
        let last = events[words - 1].0;
        events.push((last, chunk(&json!({ "index": 0, "delta": {}, "finish_reason": "stop" }))));
        events.push((last, "data: [DONE]\n\n".to_owned()));
        Path { events, headers: vec![("content-type", "text/event-stream".to_owned())], head_ms: 60.0, version: "HTTP/1.1" }
    }

    /// All of it in one event, at the time of the last.
    fn in_one_delta(words: usize, at_ms: f64) -> Self {
        let text: String = (0..words).map(|index| format!("n{index}, ")).collect();
        let choice = json!({ "index": 0, "delta": { "role": "assistant", "content": text }, "finish_reason": "stop" });
        Path { events: vec![(at_ms, chunk(&choice)), (at_ms, "data: [DONE]\n\n".to_owned())], ..Path::new(1, at_ms, 0.0) }
    }

    /// The same, let go when the last event was written.
    fn held(words: usize, last_ms: f64) -> Self {
        let mut path = Path::new(words, last_ms, 0.0);
        path.head_ms = last_ms;
        path
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        self.events.iter().flat_map(|(_, event)| event.as_bytes()).copied().collect()
    }

    /// When the byte in front of this offset was written.
    fn written_ms(&self, end: usize) -> f64 {
        let mut length = 0;
        let event = self.events.iter().find(|(_, event)| {
            length += event.len();
            length >= end
        });
        event.map_or(0.0, |(at_ms, _)| *at_ms)
    }

    /// Each event as it is written.
    fn direct(&self, ask: Ask) -> Exchange {
        let mut end = 0;
        let ends = self.events.iter().map(|(_, event)| {
            end += event.len();
            end
        });
        self.arriving(ask, ends.collect())
    }

    /// Blocks of this size, the first one smaller by what the head took of the buffer.
    fn in_blocks(&self, ask: Ask, size: usize, head: usize) -> Exchange {
        let length = self.bytes().len();
        self.arriving(ask, (size - head..length).step_by(size).chain([length]).collect())
    }

    fn arriving(&self, ask: Ask, ends: Vec<usize>) -> Exchange {
        let bytes = self.bytes();
        let arrivals: Vec<_> = ends.iter().map(|end| Arrival { at_ms: self.written_ms(*end), end: *end as u32 }).collect();
        let total_ms = arrivals.last().map_or(self.head_ms, |last| last.at_ms);
        let body = Body { wire_bytes: bytes.len() as u64, bytes, arrivals, ..Body::default() };
        let headers = self.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let response = Response {
            status: 200,
            version: self.version.into(),
            headers,
            headers_ms: self.head_ms,
            body,
            cut: None,
            left_open: false,
            total_ms,
        };
        recorded::exchange(ask, request(ask), Outcome::Response(response))
    }
}

fn chunk(choice: &Value) -> String {
    let padding = "fp_0123456789abcdef0123456789abcdef0123456789abcdef";
    let chunk = json!({ "id": "c", "object": "chat.completion.chunk", "model": "m", "system_fingerprint": padding, "choices": [choice] });
    format!("data: {chunk}\n\n")
}

fn request(ask: Ask) -> Request {
    let encoding = if ask == Ask::ChatStreamIdentity { "identity" } else { "gzip, deflate" };
    Request {
        method: "POST".into(),
        url: "https://h/v1/chat/completions".into(),
        headers: vec![("accept-encoding".to_owned(), encoding.to_owned())],
        body: Some(json!({ "model": "m", "messages": [], "stream": ask != Ask::Chat })),
        credential: Credential::Given(Scheme::Bearer),
    }
}

fn document(ask: Ask, value: &Value, at_ms: f64) -> Exchange {
    let bytes = value.to_string().into_bytes();
    let arrivals = vec![Arrival { at_ms, end: bytes.len() as u32 }];
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let body = Body { wire_bytes: bytes.len() as u64, bytes, arrivals, ..Body::default() };
    let response = Response {
        status: 200,
        version: "HTTP/1.1".into(),
        headers,
        headers_ms: at_ms,
        body,
        cut: None,
        left_open: false,
        total_ms: at_ms,
    };
    recorded::exchange(ask, request(ask), Outcome::Response(response))
}

/// The finding of a run in which the plain answer took so long, and these streams came.
fn found(control_ms: f64, streams: Vec<Exchange>) -> Option<Finding> {
    let text: String = (0..60).map(|index| format!("n{index}, ")).collect();
    let choice = json!({ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" });
    let control = document(Ask::Chat, &json!({ "id": "c", "object": "chat.completion", "model": "m", "choices": [choice] }), control_ms);
    let mut list = document(Ask::Models, &json!({ "object": "list", "data": [{ "id": "m", "object": "model", "owned_by": "me" }] }), 40.0);
    (list.request.method, list.request.body) = ("GET".to_owned(), None);
    let subject = Subject { model: Some("m".into()), dialect: "openai-chat".into(), patience_s: 75.0, idle_s: 30.0, ..Subject::default() };
    let evidence = recorded::evidence(subject, [list, control].into_iter().chain(streams));
    diagnose(&evidence).findings.into_iter().find(|found| found.mode.id == "stream-buffered").map(|found| found.finding)
}

fn certainty(control_ms: f64, streams: Vec<Exchange>) -> Option<Certainty> {
    found(control_ms, streams).map(|finding| finding.certainty)
}

#[test]
fn a_stream_whose_length_is_known_before_is_not_written_as_it_is_made() {
    let held = Path::held(60, 2000.0).with("content-length", 12_345).direct(Ask::ChatStream);
    let finding = found(2050.0, vec![held]).expect("a finding");
    assert_eq!((finding.certainty, &finding.details["kind"]), (Certainty::Certain, &json!("content-length")));
    let cached = Path::held(60, 45.0).with("content-length", 12_345).direct(Ask::ChatStream);
    assert_eq!(certainty(2050.0, vec![cached.clone()]), None, "a cached stream");
    assert_eq!(certainty(47.0, vec![cached]), None, "both are quick");
}

#[test]
fn a_header_that_helps_is_the_proof_and_the_remedy() {
    let held = |ask| Path::held(60, 2000.0).direct(ask);
    let long = || Path::held(180, 6000.0).direct(Ask::ChatStreamLong);
    let flows = |ask| Path::new(60, 300.0, 30.0).direct(ask);
    let run = vec![held(Ask::ChatStream), held(Ask::ChatStreamIdentity), flows(Ask::ChatStreamUnbuffered), long()];
    let finding = found(2050.0, run).expect("a finding");
    assert!(finding.certainty == Certainty::Certain && finding.fix.iter().any(|fix| fix.contains("X-Accel-Buffering")), "{finding:?}");
    // One stream in a heap beside three that flow is a busy machine.
    let chance = vec![held(Ask::ChatStream), flows(Ask::ChatStreamIdentity), flows(Ask::ChatStreamUnbuffered)];
    let long = Path::new(180, 300.0, 30.0).direct(Ask::ChatStreamLong);
    assert_eq!(certainty(2050.0, chance.into_iter().chain([long]).collect()), None);
}

#[test]
fn an_old_hop_is_named() {
    let mut old = Path::held(60, 2000.0);
    old.version = "HTTP/1.0";
    let long = Path::held(180, 6000.0).direct(Ask::ChatStreamLong);
    let finding = found(2050.0, vec![old.direct(Ask::ChatStream), long.clone()]).expect("a finding");
    assert_eq!(finding.details["http_1_0"], "the answer itself");
    let via = Path::held(60, 2000.0).with("via", "1.1 edge, 1.0 squid").direct(Ask::ChatStream);
    assert_eq!(found(2050.0, vec![via, long.clone()]).expect("a finding").details["http_1_0"], "a hop in `Via`");
    let new = Path::held(60, 2000.0).with("via", "1.1 varnish, 2 cdn").direct(Ask::ChatStream);
    assert!(!found(2050.0, vec![new, long]).expect("a finding").details.contains_key("http_1_0"));
}

#[test]
fn one_event_with_everything_is_the_upstream_s_doing() {
    let stream = Path::in_one_delta(60, 2000.0).direct(Ask::ChatStream);
    let long = Path::in_one_delta(300, 9000.0).direct(Ask::ChatStreamLong);
    let finding = found(2050.0, vec![stream, long]).expect("a finding");
    assert_eq!((finding.certainty, finding.blame, &finding.details["kind"]), (Certainty::Certain, Blame::Upstream, &json!("single-delta")));
}

#[test]
fn blocks_are_named_whatever_the_model_s_speed() {
    for (size, pace) in [(4096, 20.0), (4096, 1.0), (8192, 20.0), (16_384, 20.0), (32_768, 10.0)] {
        let words = 6 * size / 200;
        let blocks = Path::new(words, 300.0, pace).in_blocks(Ask::ChatStream, size, 108);
        let finding = found(300.0 + pace * words as f64, vec![blocks]).unwrap_or_else(|| panic!("{size} at {pace}"));
        assert_eq!((finding.certainty, &finding.details["block_bytes"]), (Certainty::Certain, &json!(size)), "at {pace}");
    }
}

#[test]
fn blocks_show_in_the_longer_answer_when_the_short_one_fits_into_one() {
    let (short, long) = (Path::new(20, 300.0, 20.0), Path::new(240, 300.0, 20.0));
    let short = short.in_blocks(Ask::ChatStream, 8192, 108);
    assert_eq!(certainty(720.0, vec![short, long.in_blocks(Ask::ChatStreamLong, 8192, 108)]), Some(Certainty::Certain));
}

#[test]
fn what_only_looks_like_blocks_is_silent() {
    let flow = Path::new(400, 300.0, 12.0);
    for size in [536, 1380, 1448, 2896, 5792] {
        assert_eq!(certainty(5100.0, vec![flow.in_blocks(Ask::ChatStream, size, 0)]), None, "a link with packets of {size}");
    }
    let quick = Path::new(800, 300.0, 0.2);
    assert_eq!(certainty(470.0, vec![quick.in_blocks(Ask::ChatStream, 16_384, 0)]), None, "a fast model in records of TLS");
    let batched = |every: usize| {
        let ends: Vec<usize> = flow
            .events
            .iter()
            .scan(0, |end, (_, event)| {
                *end += event.len();
                Some(*end)
            })
            .collect();
        flow.arriving(Ask::ChatStream, ends.chunks(every).map(|batch| batch[batch.len() - 1]).collect())
    };
    for every in [2, 8, 25] {
        assert_eq!(certainty(5100.0, vec![batched(every)]), None, "{every} events at a time");
    }
}

#[test]
fn a_beginning_that_takes_its_time_is_no_buffering() {
    for pace in [0.2, 2.0, 20.0] {
        let (main, long) = (Path::new(60, 4000.0, pace), Path::new(600, 4000.0, pace));
        let run = vec![
            main.direct(Ask::ChatStream),
            main.direct(Ask::ChatStreamIdentity),
            main.direct(Ask::ChatStreamUnbuffered),
            long.direct(Ask::ChatStreamLong),
        ];
        assert_eq!(certainty(4000.0 + 60.0 * pace, run), None, "prefill of 4 s, then a token every {pace} ms");
    }
    let thinks = vec![Path::new(60, 4000.0, 1.0).direct(Ask::ChatStream), Path::new(600, 9000.0, 1.0).direct(Ask::ChatStreamLong)];
    assert_eq!(certainty(4100.0, thinks), None, "hidden thought of different length");
}
