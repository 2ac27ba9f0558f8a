//! Exchanges that passed by a relay, judged as a paste is, with what only a relay can know: when it happened, who ended it, and what the
//! same session showed before.

mod closing;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

use super::weigh::weigh_shown;
use super::{Candidate, Form, Grounds, Sighting, Weighed};
use crate::catalogue::{self, FailureMode};
use crate::dialect;
use crate::evidence::{Captured, Closer, Fault, FaultKind, Header, Outcome, Session};
use crate::facts::TEXT_LIMIT;

/// Distinct requests of a session that are remembered.
const REMEMBERED: usize = 4096;
/// What a fault that is known by its type weighs.
const BY_TYPE: f64 = 8.0;
/// What a connection that ended without a word weighs: there are many reasons.
const UNSPOKEN: f64 = 4.0;

/// An exchange and what it comes to.
pub struct Judged {
    /// What it shows, and what that points at.
    pub seen: (Sighting, Weighed),
    /// The exchange of the session that showed the very same before.
    pub same_as: Option<u64>,
    /// What else is worth knowing: who ended it, and what the session showed before. Sentences without a full stop.
    pub remarks: Vec<String>,
}

/// Judges the exchanges of a session in the order in which they end.
pub struct Watch {
    base_url: String,
    base_path: String,
    answered: HashMap<u64, u64>,
    /// Seconds after which the client left, exchange by exchange.
    left: Vec<f64>,
    /// Seconds after which the upstream cut.
    cut: Vec<f64>,
    /// Which exchange was the first to point at this mode with these words.
    first: HashMap<(&'static str, String), u64>,
}

impl Watch {
    /// Watches the session that this header begins.
    pub fn new(header: &Header) -> Self {
        let upstream = url::Url::parse(&header.upstream).ok();
        let base_path = upstream.map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
        Watch {
            base_url: header.base_url.clone(),
            base_path,
            answered: HashMap::new(),
            left: Vec::new(),
            cut: Vec::new(),
            first: HashMap::new(),
        }
    }

    /// What an exchange comes to, after those that were judged before.
    pub fn judge(&mut self, captured: &Captured) -> Judged {
        let sighting = sighting(captured);
        let mut remarks = Vec::new();
        let weighed = match captured.closed.by {
            Closer::Nobody => self.answered(captured, &sighting, &mut remarks),
            Closer::Upstream => self.failed(captured, &sighting, &mut remarks),
            Closer::Client => {
                let (candidates, told) = closing::by_client(captured, &mut self.left);
                remarks.extend(told);
                silent(candidates)
            }
            Closer::Capture => {
                remarks.push(format!("still under way after {} when the capture was stopped", closing::span(captured.closed.at_ms)));
                silent(Vec::new())
            }
        };
        self.compare(captured, !weighed.candidates.is_empty(), &mut remarks);
        remarks.extend(self.astray(captured));
        let same_as = self.seen_before(captured.number, &weighed);
        remarks.extend(divisible(captured, &weighed).filter(|_| same_as.is_none()));
        Judged { same_as, seen: (sighting, weighed), remarks }
    }

    fn seen_before(&mut self, number: u64, weighed: &Weighed) -> Option<u64> {
        let mode = weighed.candidates.first()?.mode.id;
        let words = (mode, weighed.error.message.clone());
        if self.first.len() >= REMEMBERED && !self.first.contains_key(&words) {
            return None;
        }
        Some(*self.first.entry(words).or_insert(number)).filter(|first| *first != number)
    }

    fn answered(&mut self, captured: &Captured, sighting: &Sighting, remarks: &mut Vec<String>) -> Weighed {
        let mut weighed = weigh_shown(sighting, Some(captured.exchange.clone()));
        weighed
            .candidates
            .retain(|candidate| candidate.mode.id != "wrong-dialect" || captured.is_refused() || asks_in_chat_s_dialect(captured));
        if captured.is_refused() {
            closing::by_clock(captured, &mut weighed.candidates, &mut self.cut);
        }
        if captured.exchange.response().is_some_and(|response| response.left_open) {
            remarks.push("the stream had announced its end, and the connection stayed open until the client closed it".to_owned());
        }
        weighed
    }

    fn failed(&mut self, captured: &Captured, sighting: &Sighting, remarks: &mut Vec<String>) -> Weighed {
        let mut weighed = match &captured.exchange.outcome {
            Outcome::Fault(fault) => silent(by_type(fault).into_iter().collect()),
            _ => weigh_shown(sighting, Some(captured.exchange.clone())),
        };
        closing::by_clock(captured, &mut weighed.candidates, &mut self.cut);
        let cut = captured.exchange.response().and_then(|response| response.cut.as_ref()).filter(|_| weighed.candidates.is_empty());
        remarks.extend(cut.map(|fault| format!("ended by the upstream: {} after {}", fault.kind, closing::span(fault.at_ms))));
        weighed
    }

    /// A refused request that doesn't go where the base URL points.
    fn astray(&self, captured: &Captured) -> Option<String> {
        let url = url::Url::parse(&captured.exchange.request.url).ok()?;
        let below = url.path().strip_prefix(&self.base_path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let astray = captured.is_refused() && !below;
        astray.then(|| format!("its path does not begin with {}: the base URL for the client is {}", self.base_path, self.base_url))
    }

    /// What the same request came to before, where this one failed.
    fn compare(&mut self, captured: &Captured, accused: bool, remarks: &mut Vec<String>) {
        let Some(body) = &captured.exchange.request.body else { return };
        let (whole, plain) = (digest(captured, body, false), digest(captured, body, true));
        let failed = accused || captured.is_refused() || captured.closed.by != Closer::Nobody;
        if failed {
            if let Some(number) = self.answered.get(&whole) {
                remarks.push(format!("the same request was answered in #{number}"));
            } else if let Some(number) = self.answered.get(&plain) {
                remarks.push(format!("but for `stream`, the same request was answered in #{number}"));
            }
        } else if self.answered.len() < REMEMBERED {
            self.answered.insert(whole, captured.number);
            self.answered.insert(plain, captured.number);
        }
    }
}

/// The exchanges of a whole session, judged one after the other.
pub fn judged(session: &Session) -> Vec<Judged> {
    let mut watch = Watch::new(&session.header);
    session.captured.iter().map(|captured| watch.judge(captured)).collect()
}

/// Whether the route is the one of chat completions: others answer in dialects of their own.
fn asks_in_chat_s_dialect(captured: &Captured) -> bool {
    url::Url::parse(&captured.exchange.request.url).is_ok_and(|url| url.path().trim_end_matches('/').ends_with("/chat/completions"))
}

fn digest(captured: &Captured, body: &Value, plain: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&captured.exchange.request.method, &captured.exchange.request.url, plain).hash(&mut hasher);
    match body.as_object() {
        Some(map) => map.iter().filter(|(name, _)| !plain || !name.starts_with("stream")).for_each(|(name, value)| {
            (name, value.to_string()).hash(&mut hasher);
        }),
        None => body.to_string().hash(&mut hasher),
    }
    hasher.finish()
}

/// What is weighed without a word of an error.
/// How to find the part of a request that is refused, where a part of it may be.
fn divisible(captured: &Captured, weighed: &Weighed) -> Option<String> {
    let is_body = weighed.candidates.first().is_some_and(|candidate| candidate.mode.family == "body");
    let has_body = captured.is_refused() && captured.exchange.request.body.is_some();
    let number = captured.number;
    (is_body && has_body)
        .then(|| format!("which part of it: llmdoctor bisect --body SESSION --entry {number}, SESSION being the file of `capture --save`"))
}

fn silent(candidates: Vec<Candidate>) -> Weighed {
    Weighed { error: dialect::error::read(0, "", b""), causes: Vec::new(), candidates }
}

fn candidate(mode: &str, weight: f64, reason: String) -> Option<Candidate> {
    let mode: &'static FailureMode = catalogue::mode(mode)?;
    Some(Candidate { mode, weight, reasons: vec![reason], grounds: Grounds::Shown })
}

/// The mode of a fault that kept an answer from beginning.
fn by_type(fault: &Fault) -> Option<Candidate> {
    let (mode, weight) = match fault.kind {
        FaultKind::Dns => ("dns-failure", BY_TYPE),
        FaultKind::Refused => ("connection-refused", BY_TYPE),
        FaultKind::Unreachable | FaultKind::ConnectTimeout => ("connection-timeout", BY_TYPE),
        FaultKind::NotTls | FaultKind::NotHttp => ("scheme-mismatch", BY_TYPE),
        FaultKind::Certificate(_) | FaultKind::Handshake => ("tls-failure", BY_TYPE),
        FaultKind::Proxy => ("proxy-interference", BY_TYPE),
        FaultKind::Reset | FaultKind::Closed => ("upstream-unavailable", UNSPOKEN),
        _ => return None,
    };
    let words = fault.chain.last().map(|word| format!(" ({word})")).unwrap_or_default();
    candidate(mode, weight, format!("no answer began: {} after {}{words}", fault.kind, closing::span(fault.at_ms)))
}

/// What an exchange shows, in the shape of a paste's pieces.
fn sighting(captured: &Captured) -> Sighting {
    let exchange = &captured.exchange;
    let number = usize::try_from(captured.number).unwrap_or(usize::MAX);
    let body = exchange.response().map(|response| head(&response.body.text()));
    let status = exchange.status();
    // What the client sent is no sign of what came of it: a key in its URL has leaked to nobody new.
    let first_line = status.map(|status| format!("HTTP {status}")).unwrap_or_default();
    let text = format!("{first_line}\n{}", body.as_deref().unwrap_or_default());
    let mut sighting = Sighting::new(Form::Captured, (number, number), text);
    sighting.method = Some(exchange.request.method.clone());
    sighting.url = Some(exchange.request.url.clone());
    sighting.asked = exchange.request.body.clone();
    sighting.stream = exchange.request.body.as_ref().map(|_| exchange.asks_stream());
    sighting.status = status;
    sighting.headers = exchange.response().map(|response| response.headers.clone()).unwrap_or_default();
    sighting.body = body;
    sighting.seconds = Some((exchange.total_ms() / 10.0).round() / 100.0);
    sighting.fault = exchange.fault().map(|fault| fault.kind.to_string());
    sighting
}

fn head(text: &str) -> String {
    let end = (0..=text.len().min(TEXT_LIMIT)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text[..end].to_owned()
}
