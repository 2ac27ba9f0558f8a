//! What ends for one side ends for the other, and the record says who ended it.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::channel;

use llmdoctor::capture::RELAY_HEADER;
use llmdoctor::evidence::{Captured, Closer, FaultKind};
use llmdoctor::report::Passed;

use super::peers::{Between, PATIENCE, Peer, SSE, Upstream, chat, data, event, last_event, request, told, unchunked};

fn last_told(captured: &Captured) -> Passed {
    told(&[captured]).remove(0)
}

fn modes(passed: &Passed) -> Vec<&str> {
    passed.modes.iter().map(|mode| mode.mode.as_str()).collect()
}

#[test]
fn a_client_that_leaves_before_the_answer_cancels_it_upstream() {
    let (tell, asked) = channel();
    let upstream = Upstream::once(move |mut peer| {
        request(&mut peer);
        tell.send(()).expect("the client waits");
        // Only the client's leaving ends this read.
        assert!(peer.rest().0.is_empty());
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send(chat(between.addr, false).replace("Content-Type", "X-Stainless-Read-Timeout: 0.0001\r\nContent-Type"));
    asked.recv_timeout(PATIENCE).expect("the upstream has the request");
    drop(client);
    let captured = between.captured();
    assert_eq!((captured.closed.by, captured.exchange.status()), (Closer::Client, None));
    assert_eq!(captured.exchange.fault_kind(), Some(&FaultKind::Interrupted));
    assert!(modes(&last_told(&captured)).iter().all(|mode| *mode == "client-timeout-too-short"));
    upstream.finish(between);
}

#[test]
fn a_client_that_leaves_inside_a_stream_cancels_it_upstream() {
    let upstream = Upstream::once(|mut peer| {
        request(&mut peer);
        peer.send(format!("{SSE}{}", event("one")));
        assert!(peer.rest().0.is_empty());
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send(chat(between.addr, true));
    client.until(data("one"));
    drop(client);
    let captured = between.captured();
    assert_eq!((captured.closed.by, captured.exchange.status()), (Closer::Client, Some(200)));
    let passed = last_told(&captured);
    assert!(passed.modes.is_empty() && passed.remarks[0].contains("the client closed its connection"), "{passed:?}");
    upstream.finish(between);
}

#[test]
fn a_client_that_leaves_after_the_last_event_has_had_everything() {
    let (tell, left) = channel::<()>();
    let upstream = Upstream::once(move |mut peer| {
        request(&mut peer);
        peer.send(format!("{SSE}{}{}", event("one"), last_event()));
        left.recv_timeout(PATIENCE).expect("the client has left");
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send(chat(between.addr, true));
    client.until("data: [DONE]\n\n");
    drop(client);
    let captured = between.captured();
    tell.send(()).expect("the upstream waits");
    let response = captured.exchange.response().expect("an answer");
    assert!(captured.closed.by == Closer::Nobody && response.cut.is_none() && !response.left_open);
    assert!(!last_told(&captured).is_failed());
    upstream.finish(between);
}

#[test]
fn a_cut_of_the_upstream_is_a_cut_for_the_client_after_everything_before_it() {
    let upstream = Upstream::once(|mut peer| {
        request(&mut peer);
        peer.send(format!("{SSE}{}", event("one").repeat(500)));
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send(chat(between.addr, true));
    client.head();
    let (bytes, ended) = client.rest();
    ended.expect("the connection is closed, not reset");
    let (events, whole) = unchunked(&bytes);
    assert!(events == data("one").repeat(500) && !whole, "nothing that came before the cut is lost, and no last chunk hides it");
    let captured = between.captured();
    assert_eq!((captured.closed.by, captured.exchange.fault_kind()), (Closer::Upstream, Some(&FaultKind::CutBody)));
    let passed = last_told(&captured);
    assert!(modes(&passed).contains(&"stream-truncated"), "{passed:?}");
    upstream.finish(between);
}

/// Closes with bytes unread, which systems tell the peer by a reset.
fn reset(peer: Peer) {
    assert_eq!(peer.0.peek(&mut [0]).expect("the body of the request"), 1);
    drop(peer);
}

#[test]
fn a_reset_of_the_upstream_is_a_reset_for_the_client() {
    let (tell, seen) = channel::<()>();
    let upstream = Upstream::many(2, move |mut peer, number| {
        peer.head();
        if number == 1 {
            peer.send(format!("{SSE}{}", event("one")));
            seen.recv_timeout(PATIENCE).expect("the client has the event");
        }
        reset(peer);
    });
    let between = Between::to(upstream.addr);
    for begun in [false, true] {
        let mut client = between.client();
        client.send(chat(between.addr, true));
        if begun {
            client.until(data("one"));
            tell.send(()).expect("the upstream waits");
        }
        let (bytes, ended) = client.rest();
        assert!(ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset), "begun: {begun}, {bytes:?}");
        let captured = between.captured();
        assert_eq!((captured.closed.by, captured.exchange.fault_kind()), (Closer::Upstream, Some(&FaultKind::Reset)));
    }
    upstream.finish(between);
}

#[test]
fn an_upstream_that_closes_without_an_answer_leaves_the_client_without_one() {
    let upstream = Upstream::once(|mut peer| drop(request(&mut peer)));
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send(chat(between.addr, false));
    assert_eq!(client.text_to_the_end(), "");
    let captured = between.captured();
    assert_eq!((captured.closed.by, captured.exchange.fault_kind()), (Closer::Upstream, Some(&FaultKind::Closed)));
    upstream.finish(between);
}

/// An answer of the relay's own.
fn own(answer: &str, status: &str, reason: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")) && head.contains(&format!("{RELAY_HEADER}: {reason}\r\n")), "{answer}");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert!(body["error"]["message"].as_str().is_some_and(|message| message.starts_with("llmdoctor capture, not the upstream: ")));
}

#[test]
fn where_nobody_listens_the_relay_says_so_in_its_own_name() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address");
    let between = Between::to(closed);
    let mut client = between.client();
    client.send(chat(between.addr, false).replace("Content-Type", "Connection: close\r\nContent-Type"));
    own(&client.text_to_the_end(), "502", "upstream-unreachable");
    let captured = between.captured();
    assert_eq!((captured.exchange.status(), captured.exchange.fault_kind()), (None, Some(&FaultKind::Refused)));
    assert_eq!((captured.closed.by, captured.exchange.model()), (Closer::Upstream, Some("m")));
    assert_eq!(modes(&last_told(&captured)), ["connection-refused"]);
}

#[test]
fn words_that_are_no_http_are_not_passed_on() {
    let upstream = Upstream::once(|mut peer| {
        request(&mut peer);
        peer.send("SSH-2.0-OpenSSH_9.6\r\n");
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send(chat(between.addr, false).replace("Content-Type", "Connection: close\r\nContent-Type"));
    own(&client.text_to_the_end(), "502", "upstream-unreachable");
    assert_eq!(between.captured().exchange.fault_kind(), Some(&FaultKind::NotHttp));
    upstream.finish(between);
}

#[test]
fn connections_that_change_their_protocol_are_refused() {
    let upstream = Upstream::many(0, |_, _| {});
    let between = Between::to(upstream.addr);
    for (head, reason) in [
        ("GET /v1/realtime HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n", "no-upgrade"),
        ("CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\nConnection: close\r\n\r\n", "no-proxy"),
    ] {
        let mut client = between.client();
        client.send(head);
        let answer = client.text_to_the_end();
        own(&answer, "501", reason);
    }
    upstream.finish(between);
}

#[test]
fn what_is_under_way_when_the_relay_stops_is_recorded() {
    let (tell, seen) = channel::<()>();
    let upstream = Upstream::once(move |mut peer| {
        request(&mut peer);
        peer.send(format!("{SSE}{}", event("one")));
        seen.recv_timeout(PATIENCE).expect("the relay has stopped");
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send(chat(between.addr, true));
    client.until(data("one"));
    let left = between.stop();
    tell.send(()).expect("the upstream waits");
    assert_eq!(left.iter().map(|captured| captured.closed.by).collect::<Vec<_>>(), [Closer::Capture]);
    assert!(left[0].exchange.response().is_some_and(|response| response.body.text().contains("one")));
    assert!(last_told(&left[0]).modes.is_empty());
}
