//! From what passed by to evidence: decoded, bounded, without credentials.

use serde_json::Value;
use url::Url;

use super::record::{End, Flow, Head, Passed};
use super::secrets::Secrets;
use crate::dialect;
use crate::evidence::{
    Ask, Body, Captured, Closed, Closer, Credential, Exchange, Fault, FaultKind, Outcome, Request, Response, Scheme, Sent, Via,
};
use crate::http;
use crate::pace::Pace;

/// Makes evidence of what passed by. It remembers the credentials of the session, so that an answer that repeats an earlier one is caught.
#[derive(Default)]
pub struct Keeper {
    secrets: Secrets,
}

impl Keeper {
    /// What is kept of an exchange.
    pub fn keep(&mut self, passed: Passed) -> Captured {
        let url = Url::parse(&passed.url).unwrap_or_else(|_| Url::parse("http://unreadable.invalid/").expect("a constant URL"));
        let sent = http::undone(&passed.up.bytes, &passed.up.arrivals, &passed.headers, Pace::default().max_body, true).0;
        let whole = !passed.up.clipped && !sent.clipped;
        let mut json: Option<Value> = serde_json::from_slice(&sent.bytes).ok().filter(|_| whole);
        self.secrets.learn(&passed.headers, &url, json.as_ref());
        json.iter_mut().for_each(|json| self.secrets.scrub(json));
        let sent = self.sent(&passed, sent, json.is_some());
        let request = self.request(&passed, &url, json);
        let (outcome, closed) = self.outcome(&passed);
        let exchange = Exchange {
            id: format!("e{}", passed.number),
            probe: "captured".to_owned(),
            ask: ask(&request, &outcome),
            via: Via::Gateway,
            attempt: 1,
            at_ms: passed.since_ms,
            request,
            steps: Vec::new(),
            outcome,
        };
        let (number, connection, at) = (passed.number, passed.connection, format!("{:.3}", passed.at));
        satisfied(Captured { number, connection, at, exchange, sent, closed })
    }

    fn sent(&self, passed: &Passed, mut body: Body, is_json: bool) -> Sent {
        body.wire_bytes = passed.up.wire;
        body.clipped |= passed.up.clipped;
        if is_json {
            body.bytes = Vec::new();
        } else {
            self.secrets.scrubber().scrub(&mut body.bytes);
        }
        Sent { credentials: self.secrets.blanked(&passed.headers), body }
    }

    fn request(&self, passed: &Passed, url: &Url, body: Option<Value>) -> Request {
        let scheme = Scheme::ALL.into_iter().find(|scheme| passed.headers.contains_key(scheme.header()));
        Request {
            method: passed.method.as_str().to_owned(),
            url: http::shown_url(url, self.secrets.scrubber()),
            headers: http::shown_headers(&passed.headers, self.secrets.scrubber()),
            body,
            credential: scheme.map_or(Credential::None, Credential::Given),
        }
    }

    fn outcome(&self, passed: &Passed) -> (Outcome, Closed) {
        let closed = |by| Closed { by, at_ms: passed.end_ms };
        let (fault, by) = match &passed.end {
            End::Complete => (None, Closer::Nobody),
            End::ClientGone => (Some(broken_off(passed, "the client closed its connection")), Closer::Client),
            End::Stopped => (Some(broken_off(passed, "the capture was stopped")), Closer::Capture),
            End::Failed(fault) => (Some(self.neutral(fault)), Closer::Upstream),
        };
        let Some(head) = &passed.head else {
            let fault = fault.unwrap_or_else(|| broken_off(passed, "no answer began"));
            return (Outcome::Fault(fault), closed(by));
        };
        let mut response = self.response(passed, head);
        response.cut = response.cut.or(fault);
        (Outcome::Response(response), closed(by))
    }

    fn response(&self, passed: &Passed, head: &Head) -> Response {
        let Flow { bytes, arrivals, wire, clipped, .. } = &passed.down;
        let clean = passed.end == End::Complete && !clipped;
        let (mut body, cut) = http::undone(bytes, arrivals, &head.headers, Pace::default().max_body, clean);
        body.wire_bytes = *wire;
        body.clipped |= clipped;
        self.secrets.scrubber().scrub(&mut body.bytes);
        Response {
            status: head.status.as_u16(),
            version: format!("{:?}", head.version),
            headers: http::kept_headers(&head.headers, self.secrets.scrubber()),
            headers_ms: head.at_ms,
            body,
            cut,
            left_open: false,
            total_ms: passed.end_ms,
        }
    }

    fn neutral(&self, fault: &Fault) -> Fault {
        let chain = fault.chain.iter().map(|word| self.secrets.scrubber().text(word)).collect();
        Fault { chain, ..fault.clone() }
    }
}

/// Whoever leaves after the last event of a stream has had everything; only a long wait for the connection's end is worth a word.
fn satisfied(mut captured: Captured) -> Captured {
    let done = || matches!(dialect::read(&captured.exchange), dialect::Reading::Stream(stream) if stream.done);
    if captured.closed.by != Closer::Client || !done() {
        return captured;
    }
    captured.closed.by = Closer::Nobody;
    if let Outcome::Response(response) = &mut captured.exchange.outcome {
        let waited_ms = response.total_ms - response.body.last_ms().unwrap_or(response.total_ms);
        response.left_open = waited_ms >= Pace::default().close.as_secs_f64() * 1e3;
        response.cut = None;
    }
    captured
}

fn broken_off(passed: &Passed, why: &str) -> Fault {
    Fault { kind: FaultKind::Interrupted, at_ms: passed.end_ms, chain: vec![why.to_owned()] }
}

/// What a client's request looks like, in the words of the ladder. A refusal of more than the smallest chat says nothing of that one.
fn ask(request: &Request, outcome: &Outcome) -> Ask {
    let path = request.url.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    // Ollama's own routes stream unless told otherwise, and not as events: rules about chats do not fit them.
    let chats = ["/chat/completions", "/completions", "/messages", "/responses"];
    let streams = request.body.as_ref().and_then(|body| body["stream"].as_bool()).unwrap_or(false);
    let refused = matches!(outcome, Outcome::Response(response) if response.status >= 400);
    match request.method.as_str() {
        "GET" if path.ends_with("/models") || path.ends_with("/api/tags") => Ask::Models,
        "POST" if chats.iter().any(|end| path.ends_with(end)) => match streams {
            _ if refused && has_more(request) => Ask::Fields,
            true => Ask::ChatStream,
            false => Ask::Chat,
        },
        _ => Ask::OtherRoute,
    }
}

/// Whether the body has more than every chat needs.
fn has_more(request: &Request) -> bool {
    let members = request.body.as_ref().and_then(Value::as_object);
    members.is_some_and(|members| members.keys().any(|name| !matches!(name.as_str(), "model" | "messages" | "input" | "stream")))
}
