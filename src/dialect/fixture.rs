//! Exchanges for the tests of this room.

use serde_json::{Value, json};

use crate::evidence::{Arrival, Ask, Body, Credential, Exchange, Fault, FaultKind, Outcome, Request, Response, Via};

/// A chat's exchange with this answer: all bytes came 2 ms after the request, and the body ended in order.
pub fn chat(status: u16, media_type: &str, bytes: &[u8]) -> Exchange {
    let arrivals = vec![Arrival { at_ms: 2.0, end: u32::try_from(bytes.len()).expect("a short body") }];
    let body = Body { bytes: bytes.to_vec(), arrivals, ..Body::default() };
    let headers = vec![("content-type".to_owned(), media_type.to_owned())];
    let response =
        Response { status, version: "HTTP/1.1".into(), headers, headers_ms: 1.0, body, cut: None, left_open: false, total_ms: 3.0 };
    exchange("POST", "http://gateway.test/v1/chat/completions", Some(json!({"model":"m","messages":[]})), response)
}

/// A streamed chat with these bytes.
pub fn streamed(bytes: &[u8]) -> Exchange {
    let mut exchange = chat(200, "text/event-stream", bytes);
    exchange.request.body = Some(json!({"model":"m","messages":[],"stream":true}));
    exchange
}

/// The same exchange with a GET for the model list.
pub fn list(bytes: &[u8]) -> Exchange {
    let mut exchange = chat(200, "application/json", bytes);
    (exchange.request.method, exchange.request.body) = ("GET".to_owned(), None);
    exchange
}

/// The same exchange with a cut body.
pub fn cut(mut exchange: Exchange, kind: FaultKind) -> Exchange {
    response(&mut exchange).cut = Some(Fault { kind, at_ms: 3.0, chain: Vec::new() });
    exchange
}

/// The answer, to be changed.
pub fn response(exchange: &mut Exchange) -> &mut Response {
    match &mut exchange.outcome {
        Outcome::Response(response) => response,
        _ => unreachable!("fixtures have an answer"),
    }
}

fn exchange(method: &str, url: &str, body: Option<Value>, response: Response) -> Exchange {
    Exchange {
        id: "e1".into(),
        probe: "chat".into(),
        ask: Ask::Chat,
        via: Via::Gateway,
        attempt: 1,
        at_ms: 0.0,
        request: Request { method: method.into(), url: url.into(), headers: Vec::new(), body, credential: Credential::None },
        steps: Vec::new(),
        outcome: Outcome::Response(response),
    }
}
