use std::io::Write as _;

use super::*;
use crate::evidence::Encoding;

fn done(bytes: &[u8]) -> bool {
    bytes.windows(12).any(|window| window == b"data: [DONE]")
}

async fn streamed(acts: Vec<Act>) -> Response {
    let mut call = Call::new(Method::POST, peer(acts).await);
    call.stop_after = Some(done);
    match client(pace()).perform(call).await.outcome {
        Outcome::Response(response) => response,
        other => panic!("no answer: {other:?}"),
    }
}

#[tokio::test]
async fn arrivals_are_timed() {
    let head = b"HTTP/1.1 200 OK\r\nX-Zed: 1\r\n\r\none";
    let response = answer(pace(), vec![Write(head), Pause(80), Write(b"two")]).await;
    assert_eq!((response.status, response.version.as_str(), response.header("x-zed")), (200, "HTTP/1.1", Some("1")));
    assert_eq!(response.body.text(), "onetwo");
    let gap = response.body.arrived_ms(3).expect("two") - response.body.arrived_ms(0).expect("one");
    assert!(gap >= 70.0, "{gap}");
    assert!(response.cut.is_none() && response.headers_ms <= response.total_ms);
}

#[tokio::test]
async fn a_stream_that_stays_open_after_its_end_is_left() {
    let response = streamed(vec![Write(b"HTTP/1.1 200 OK\r\n\r\ndata: [DO"), Pause(30), Write(b"NE]\n\n"), Hang]).await;
    assert!(response.left_open && response.cut.is_none(), "{response:?}");
    assert_eq!(response.body.text(), "data: [DONE]\n\n");
    let chatty = streamed(vec![Write(b"HTTP/1.1 200 OK\r\n\r\ndata: [DONE]\n\n"), Forever(b": ping\n\n", 5)]).await;
    assert!(chatty.left_open && chatty.total_ms < 1500.0);
    let closed = streamed(vec![Write(b"HTTP/1.1 200 OK\r\n\r\ndata: [DONE]\n\n")]).await;
    assert!(!closed.left_open && closed.cut.is_none());
}

#[tokio::test]
async fn a_key_over_two_arrivals_is_scrubbed() {
    let head = format!("HTTP/1.1 401 No\r\nX-Echo: {KEY}\r\nLocation: /?k={KEY}\r\n\r\nno key {}", &KEY[..9]);
    let response = answer(pace(), vec![Bytes(head.into_bytes()), Pause(30), Bytes(format!("{}!", &KEY[9..]).into_bytes())]).await;
    assert!(!format!("{response:?}").contains(&KEY[3..]), "{response:?}");
    assert!(response.body.text().starts_with("no key [KEY]***") && response.body.text().ends_with('!'));
}

#[tokio::test]
async fn what_was_sent_is_shown_without_credentials() {
    let mut call = Call::new(Method::POST, peer(vec![Write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]).await);
    call.url.set_query(Some(&format!("k={KEY}")));
    call.headers = vec![header("authorization", &format!("Bearer {KEY}")), header("content-type", "application/json")];
    call.body = Some(b"{}".to_vec());
    let performed = client(pace()).perform(call).await;
    assert!(!format!("{performed:?}").contains(KEY));
    assert!(performed.headers.contains(&("content-type".to_owned(), "application/json".to_owned())));
    assert!(performed.headers.iter().all(|(name, _)| name != "authorization"));
}

#[tokio::test]
async fn an_endless_body_is_clipped() {
    let response = answer(pace(), vec![Write(b"HTTP/1.1 200 OK\r\n\r\n"), Forever(&[b'x'; 4096], 0)]).await;
    assert!(response.body.clipped && response.cut.is_none());
    assert_eq!(response.body.bytes.len(), 200_000);
}

#[tokio::test]
async fn endless_nothing_in_gzip_ends_with_our_patience() {
    // Empty stored blocks: the wire is busy and nothing is ever decoded.
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n";
    let quick = Pace { total: Duration::from_millis(300), ..pace() };
    let response = answer(quick, vec![Write(head), Forever(b"\0\0\0\xff\xff\0\0\0\xff\xff", 0)]).await;
    assert!(response.body.clipped || response.cut.is_some_and(|cut| cut.kind == FaultKind::Unfinished));
}

#[tokio::test]
async fn the_budget_of_the_run_bounds_later_bodies() {
    let frugal = Pace { max_kept: 50_000, ..pace() };
    let url = peer(vec![Write(b"HTTP/1.1 200 OK\r\n\r\n"), Bytes(vec![b'x'; 60_000])]).await;
    let client = client(frugal);
    let mut lengths = Vec::new();
    for _ in 0..2 {
        let performed = client.perform(Call::new(Method::GET, url.clone())).await;
        let Outcome::Response(response) = performed.outcome else { panic!("no answer") };
        lengths.push((response.body.bytes.len(), response.body.clipped));
    }
    assert_eq!(lengths, [(60_000, false), (Pace::TAIL_BODY, true)]);
}

#[tokio::test]
async fn encodings_are_undone_and_unknown_ones_kept() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"hello").expect("memory");
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    let response = answer(pace(), vec![Write(head), Bytes(packed.finish().expect("memory"))]).await;
    assert_eq!((response.body.text().as_ref(), response.body.encoding), ("hello", Some(Encoding::Gzip)));
    let response = answer(pace(), vec![Write(b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\nraw")]).await;
    assert_eq!((response.body.text().as_ref(), response.body.encoding, response.cut.is_none()), ("raw", None, true));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let response = answer(pace(), vec![Write(b"HTTP/1.1 301 Moved\r\nLocation: /v2\r\nContent-Length: 0\r\n\r\n")]).await;
    assert_eq!((response.status, response.header("location")), (301, Some("/v2")));
}

#[tokio::test]
async fn a_flood_of_tiny_chunks_stays_within_bounds() {
    let chunks = b"1\r\nx\r\n".repeat(60_000);
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut call = Call::new(Method::GET, peer(vec![Write(head), Bytes(chunks), Write(b"0\r\n\r\n")]).await);
    call.patience = Some(Duration::from_secs(20));
    call.stop_after = Some(done);
    let Outcome::Response(response) = client(pace()).perform(call).await.outcome else { panic!("no answer") };
    assert!(response.cut.is_none() && response.body.bytes.len() == 60_000, "{:?}", response.cut);
    assert_eq!(response.body.arrivals.len(), 50_000);
}
