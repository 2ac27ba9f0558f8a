//! What passes by is the same on both sides, and comes when it comes.

use std::sync::mpsc::channel;

use llmdoctor::evidence::{Ask, Closer, Credential, Outcome, Scheme};

use super::peers::{Between, PATIENCE, SSE, Upstream, chat, chunk, data, event, last_event, post, request};

#[test]
fn heads_and_bodies_pass_byte_for_byte() {
    // Bytes under a content encoding that is not even true: nobody on the way may care.
    let body: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let sent = body.clone();
    let upstream = Upstream::once(move |mut peer| {
        let head = peer.head();
        let got = peer.exactly(sent.len());
        assert_eq!(
            head,
            format!(
                "PUT /v1/x%20y/%C3%A9?a=1&b=%2F&key HTTP/1.1\r\nHost: {}\r\nX-ODD-Case: 1\r\nx-again: a\r\nx-again: b\r\nAccept-Encoding: gzip, br\r\nContent-Length: 70000\r\n\r\n",
                peer.0.local_addr().expect("an address")
            )
        );
        assert!(got == sent, "the body changed on its way up");
        peer.send("HTTP/1.1 299 Quite Fine\r\nServer: someone\r\nX-ODD-Case: 2\r\nContent-Encoding: gzip\r\nContent-Length: 70000\r\n\r\n");
        peer.send(&sent);
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    let head = "PUT /v1/x%20y/%C3%A9?a=1&b=%2F&key HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX-ODD-Case: 1\r\nConnection: keep-alive, X-Hop\r\nX-Hop: stays\r\nx-again: a\r\nx-again: b\r\nAccept-Encoding: gzip, br\r\nContent-Length: 70000\r\n\r\n";
    client.send(head);
    client.send(&body);
    assert_eq!(
        client.head(),
        "HTTP/1.1 299 Quite Fine\r\nServer: someone\r\nX-ODD-Case: 2\r\nContent-Encoding: gzip\r\nContent-Length: 70000\r\n\r\n"
    );
    assert!(client.exactly(body.len()) == body, "the body changed on its way down");
    let captured = between.captured();
    assert_eq!((captured.sent.body.wire_bytes, captured.closed.by), (70_000, Closer::Nobody));
    let response = captured.exchange.response().expect("an answer");
    assert!(response.body.bytes == body && response.cut.is_some(), "what is not gzip is kept as it came, with the fault");
    upstream.finish(between);
}

#[test]
fn every_event_passes_before_the_next_one_is_written() {
    let (tell, seen) = channel();
    let upstream = Upstream::once(move |mut peer| {
        request(&mut peer);
        peer.send(SSE);
        for text in ["one", "two", "three"] {
            peer.send(event(text));
            assert_eq!(seen.recv_timeout(PATIENCE).expect("the client got it"), text);
        }
        peer.send(last_event());
        peer.send("0\r\n\r\n");
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send(chat(between.addr, true));
    assert!(client.head().contains("text/event-stream"));
    for text in ["one", "two", "three"] {
        client.until(data(text));
        tell.send(text).expect("the upstream waits");
    }
    client.until("0\r\n\r\n");
    let captured = between.captured();
    assert_eq!((captured.exchange.ask, captured.closed.by), (Ask::ChatStream, Closer::Nobody));
    let response = captured.exchange.response().expect("an answer");
    assert!(response.body.arrivals.len() >= 4 && response.cut.is_none());
    upstream.finish(between);
}

#[test]
fn an_upload_passes_piece_by_piece() {
    let (tell, seen) = channel();
    let upstream = Upstream::once(move |mut peer| {
        assert!(peer.head().to_ascii_lowercase().contains("transfer-encoding: chunked"));
        peer.until("first half");
        tell.send(()).expect("the client waits");
        peer.until("second half\r\n0\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send(format!("POST /v1/files HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunk("first half")));
    seen.recv_timeout(PATIENCE).expect("the upstream got the first half");
    client.send(format!("{}0\r\n\r\n", chunk("second half")));
    client.until("\r\n\r\n{}");
    let captured = between.captured();
    assert_eq!((captured.sent.body.bytes.as_slice(), captured.exchange.request.body), (&b"first halfsecond half"[..], None));
    upstream.finish(between);
}

#[test]
fn errors_pass_with_their_heads_and_are_recorded_as_evidence() {
    let answer = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Type: application/json\r\nContent-Length: 52\r\n\r\n{\"error\":{\"message\":\"Rate limit reached\",\"code\":\"x\"}}";
    let upstream = Upstream::once(move |mut peer| {
        request(&mut peer);
        peer.send(answer.replace("52", "53"));
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send(chat(between.addr, false));
    assert_eq!(client.head() + &String::from_utf8_lossy(&client.exactly(53)), answer.replace("52", "53"));
    let captured = between.captured();
    assert!(captured.is_refused() && captured.exchange.model() == Some("m"));
    assert_eq!(captured.exchange.request.credential, Credential::Given(Scheme::Bearer));
    assert_eq!(captured.exchange.response().and_then(|response| response.header("retry-after")), Some("7"));
    upstream.finish(between);
}

#[test]
fn an_answer_that_ends_with_its_connection_ends_for_an_old_client_too() {
    let upstream = Upstream::many(2, |mut peer, _| {
        let head = peer.head();
        assert!(head.starts_with("GET /v1/models HTTP/1.1\r\n"), "{head}");
        peer.send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end");
        peer.finish();
    });
    let between = Between::to(upstream.addr);
    for version in ["1.0", "1.1"] {
        let mut client = between.client();
        client.send(format!("GET /v1/models HTTP/{version}\r\nHost: h\r\n\r\n"));
        let answer = client.text_to_the_end();
        assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.ends_with("\r\n\r\nto the end"), "{version}: {answer}");
        assert_eq!(between.captured().closed.by, Closer::Nobody);
    }
    upstream.finish(between);
}

#[test]
fn an_old_client_gets_a_stream_without_chunks() {
    let upstream = Upstream::once(|mut peer| {
        request(&mut peer);
        peer.send(format!("{SSE}{}{}0\r\n\r\n", event("one"), last_event()));
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send(chat(between.addr, true).replace("HTTP/1.1", "HTTP/1.0"));
    let answer = client.text_to_the_end();
    assert!(!answer.to_ascii_lowercase().contains("chunked") && answer.ends_with("data: [DONE]\n\n"), "{answer}");
    upstream.finish(between);
}

#[test]
fn a_connection_is_used_again_and_replaced_when_the_upstream_let_it_go() {
    let (tell, let_go) = channel();
    let upstream = Upstream::many(2, move |mut peer, number| {
        for _ in 0..2 {
            request(&mut peer);
            peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}"));
        }
        drop(peer);
        tell.send(()).expect("somebody waits");
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    for number in [0, 1] {
        for _ in 0..2 {
            client.send(chat(between.addr, false));
            assert!(client.head().starts_with("HTTP/1.1 200"));
            assert_eq!(client.exactly(1), number.to_string().as_bytes());
            assert_eq!(between.captured().connection, 1);
        }
        let_go.recv_timeout(PATIENCE).expect("the connection is gone");
    }
    upstream.finish(between);
}

#[test]
fn two_clients_do_not_wait_for_each_other() {
    let (tell, answered) = channel::<()>();
    let (tell_open, open) = channel::<()>();
    let slow = std::sync::Mutex::new(Some(answered));
    let upstream = Upstream::many(2, move |mut peer, number| {
        let slow = (number == 0).then(|| slow.lock().expect("a lock").take().expect("one slow client"));
        let tell_open = tell_open.clone();
        let serve = move || {
            request(&mut peer);
            match slow {
                Some(answered) => {
                    peer.send(format!("{SSE}{}", event("one")));
                    tell_open.send(()).expect("the client waits");
                    answered.recv_timeout(PATIENCE).expect("the other client was answered meanwhile");
                    peer.send(format!("{}0\r\n\r\n", last_event()));
                    peer.rest().1.expect("an end");
                }
                None => peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
            }
        };
        drop(std::thread::spawn(serve));
    });
    let between = Between::to(upstream.addr);
    let (mut first, mut second) = (between.client(), between.client());
    first.send(chat(between.addr, true));
    open.recv_timeout(PATIENCE).expect("the first stream is open");
    second.send(chat(between.addr, false));
    second.until("\r\n\r\n{}");
    tell.send(()).expect("the upstream waits");
    first.until("0\r\n\r\n");
    let ended = [between.captured().number, between.captured().number];
    assert_eq!(ended, [2, 1], "the second began later and ended first");
    upstream.finish(between);
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let upstream = Upstream::once(|mut peer| {
        let (head, body) = request(&mut peer);
        assert!(head.contains("Expect: 100-continue\r\n") && body == b"{}");
        peer.send("HTTP/1.1 204 No Content\r\n\r\n");
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send("POST /v1/x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("{}");
    assert_eq!(client.head(), "HTTP/1.1 204 No Content\r\n\r\n");
    upstream.finish(between);
}

#[test]
fn any_method_passes() {
    let upstream = Upstream::once(|mut peer| {
        assert!(peer.head().starts_with("HEAD /v1/models HTTP/1.1\r\n"));
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
        assert!(peer.head().starts_with("OPTIONS /v1/chat/completions HTTP/1.1\r\n"));
        peer.send("HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n\r\n");
        assert!(peer.head().starts_with("PROPFIND / HTTP/1.1\r\n"));
        peer.send("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n");
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    client.send("HEAD /v1/models HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    client.send("OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: h\r\nOrigin: http://app\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n\r\n");
    client.send("PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(client.head().starts_with("HTTP/1.1 405 "));
    for _ in 0..3 {
        assert!(matches!(between.captured().exchange.outcome, Outcome::Response(response) if response.cut.is_none()));
    }
    upstream.finish(between);
}

#[test]
fn what_is_too_large_to_keep_passes_all_the_same() {
    const LENGTH: usize = 20 << 20;
    let upstream = Upstream::once(|mut peer| {
        let (_, body) = request(&mut peer);
        assert!(body.len() == LENGTH && body.iter().all(|byte| *byte == b'x'));
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"));
        peer.send(&body);
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    let sending = {
        let mut writer = super::peers::Peer(client.0.try_clone().expect("a second end"));
        let request = post(between.addr, &"x".repeat(LENGTH));
        std::thread::spawn(move || writer.send(request))
    };
    client.head();
    assert!(client.exactly(LENGTH).iter().all(|byte| *byte == b'x'));
    sending.join().expect("all was sent");
    let captured = between.captured();
    let kept = [&captured.sent.body, &captured.exchange.response().expect("an answer").body];
    assert!(kept.iter().all(|body| body.clipped && body.bytes.len() <= 2 << 20 && body.wire_bytes == LENGTH as u64));
    upstream.finish(between);
}

#[test]
fn what_is_no_request_is_no_trouble() {
    let upstream = Upstream::once(|mut peer| {
        request(&mut peer);
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    });
    let between = Between::to(upstream.addr);
    for garbage in [&b"\x16\x03\x01\x02\x00hello"[..], b"\0\0\0\0", b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b""] {
        let mut client = between.client();
        client.send(garbage);
        client.finish();
        client.rest().1.expect("an end");
    }
    let mut client = between.client();
    client.send(chat(between.addr, false));
    client.until("\r\n\r\n{}");
    assert_eq!(between.captured().number, 1);
    upstream.finish(between);
}
