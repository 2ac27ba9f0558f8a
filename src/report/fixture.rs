//! Reports for tests: evidence and readings written by hand, so that nothing here depends on how answers are parsed.

use serde_json::{Value, json};

use super::Report;
use crate::catalogue::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::diagnosis::{Diagnosis, Found};
use crate::dialect::{Completion, ErrorFacts, ModelEntry, ModelList, Reading, StreamEnd, StreamForm, StreamReading, Usage};
use crate::evidence::*;

/// A run that is being put together.
pub struct Run {
    pub evidence: Evidence,
    pub readings: Vec<Reading>,
    pub diagnosis: Diagnosis,
}

impl Run {
    /// A run against `https://gw.corp.example/v1` in which nothing was asked yet.
    pub fn new() -> Run {
        let subject = Subject {
            typed_base_url: "https://gw.corp.example/v1".into(),
            base_url: "https://gw.corp.example/v1".into(),
            model: Some("gpt-4o-mini".into()),
            dialect: "openai-chat".into(),
            ..Subject::default()
        };
        let evidence = Evidence {
            schema: SCHEMA.into(),
            version: "0.1.0".into(),
            started_at: "2026-01-02T03:04:05Z".into(),
            started_unix: 1_767_323_045.0,
            duration_ms: 4_120.0,
            subject,
            exchanges: Vec::new(),
            skips: Vec::new(),
            interrupted: false,
        };
        Run { evidence, readings: Vec::new(), diagnosis: Diagnosis { findings: Vec::new(), absent: Vec::new(), untested: Vec::new() } }
    }

    /// A run in which the whole ladder went well.
    pub fn healthy() -> Run {
        let mut run = Run::new().connected().models(&["gpt-4o-mini", "gpt-4o"]).chat(200, completion()).stream(stream(StreamEnd::Complete));
        run.ask("names", Ask::NonsenseModel, 404, refusal("The model `nope` does not exist"));
        run.ask("keys", Ask::ChatNoKey, 401, refusal("Missing key"));
        run.ask("keys", Ask::ChatGarbageKey, 401, refusal("Incorrect API key provided"));
        run.ask("fields", Ask::Fields, 200, completion());
        run.skip("bases", "the base URL leads to an API");
        run.skip("sweep", "left out by --quick");
        run.skip("burst", "asked for with --burst only");
        run.ruled_out()
    }

    pub fn connected(mut self) -> Run {
        let step = |kind: &str, target: &str, gave: &str| Step {
            kind: kind.into(),
            target: target.into(),
            took_ms: 6.0,
            gave: gave.into(),
            fault: None,
        };
        self.ask("address", Ask::Connect, 0, Reading::Nothing);
        let exchange = self.evidence.exchanges.last_mut().expect("just asked");
        exchange.outcome = Outcome::Connected;
        exchange.steps = vec![
            step("dns", "gw.corp.example", "192.0.2.7"),
            step("tcp", "192.0.2.7:443", ""),
            step("tls", "gw.corp.example", "TLSv1.3, h2"),
        ];
        self
    }

    pub fn models(mut self, names: &[&str]) -> Run {
        let entries = names.iter().map(|id| ModelEntry { id: id.to_string(), kind: None }).collect();
        self.ask("models", Ask::Models, 200, Reading::Models(ModelList { entries, standard: true, shape: "openai" }));
        self
    }

    pub fn chat(mut self, status: u16, reading: Reading) -> Run {
        self.ask("chat", Ask::Chat, status, reading);
        self
    }

    pub fn stream(mut self, reading: Reading) -> Run {
        self.ask("stream", Ask::ChatStream, 200, reading);
        self
    }

    /// Gives the last exchange the arrivals of its body: when, and how many bytes. It ends at `total_ms`.
    pub fn arriving(mut self, arrivals: &[(f64, u32)], total_ms: f64) -> Run {
        let exchange = self.evidence.exchanges.last_mut().expect("just asked");
        let Outcome::Response(response) = &mut exchange.outcome else { panic!("an answer") };
        let mut end = 0;
        let arrival = |&(at_ms, bytes): &(f64, u32)| {
            end += bytes;
            Arrival { at_ms, end }
        };
        response.body.arrivals = arrivals.iter().map(arrival).collect();
        response.headers_ms = response.headers_ms.min(arrivals.first().map_or(response.headers_ms, |first| first.0));
        response.total_ms = total_ms;
        self
    }

    /// Makes the last answer end with a reset.
    pub fn cut(mut self) -> Run {
        let exchange = self.evidence.exchanges.last_mut().expect("just asked");
        let Outcome::Response(response) = &mut exchange.outcome else { panic!("an answer") };
        response.cut = Some(Fault { kind: FaultKind::Reset, at_ms: response.total_ms, chain: Vec::new() });
        self
    }

    pub fn skip(&mut self, probe: &str, because: &str) {
        self.evidence.skips.push(Skip { probe: probe.into(), ask: None, because: because.into() });
    }

    /// Adds an exchange and what its answer is.
    pub fn ask(&mut self, probe: &str, ask: Ask, status: u16, reading: Reading) {
        let number = self.evidence.exchanges.len() + 1;
        let garbage = matches!(ask, Ask::ChatGarbageKey | Ask::ModelsGarbageKey);
        let credential = match ask {
            Ask::ChatNoKey | Ask::ModelsNoKey => Credential::None,
            _ if garbage => Credential::Garbage(Scheme::Bearer),
            _ => Credential::Given(Scheme::Bearer),
        };
        self.evidence.exchanges.push(Exchange {
            id: format!("e{number}"),
            probe: probe.into(),
            ask,
            via: Via::Gateway,
            attempt: 1,
            at_ms: number as f64 * 400.0,
            request: request(ask, credential),
            steps: Vec::new(),
            outcome: Outcome::Response(response(status)),
        });
        self.readings.push(reading);
    }

    /// Adds a finding that cites this exchange.
    pub fn find(mut self, mode: &'static FailureMode, cites: &str, finding: Finding) -> Run {
        let finding = Finding { cites: vec![cites.to_owned()], ..finding };
        self.diagnosis.findings.push(Found { mode, finding, explained_by: None });
        self
    }

    /// Makes the last finding a consequence of this mode.
    pub fn because_of(mut self, mode: &'static str) -> Run {
        self.diagnosis.findings.last_mut().expect("a finding").explained_by = Some(mode);
        self
    }

    fn ruled_out(mut self) -> Run {
        self.diagnosis.absent = ABSENT.iter().map(|mode| (*mode, format!("{} was looked for in 9 exchanges", mode.id))).collect();
        self.diagnosis.untested = vec![
            (&SWEEP, "no long answer was asked for (--quick)".into()),
            (&BYPASS, "the upstream was not asked (--upstream-url)".into()),
        ];
        self
    }

    pub fn report(&self) -> Report {
        let pairs = self.evidence.exchanges.iter().zip(&self.readings);
        let shown: Vec<_> =
            pairs.map(|(exchange, reading)| Shown { exchange, ask: exchange.ask, reading: reading.clone(), causes: Vec::new() }).collect();
        Report::of(&self.evidence, &shown, &self.diagnosis)
    }
}

fn request(ask: Ask, credential: Credential) -> Request {
    let models = matches!(ask, Ask::Models | Ask::ModelsNoKey | Ask::ModelsGarbageKey | Ask::Connect);
    let streamed = matches!(ask, Ask::ChatStream);
    let mut body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Write the numbers 1 to 20 in words."}]});
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    if streamed {
        body["stream"] = Value::Bool(true);
        headers = vec![("accept".into(), "text/event-stream".into()), ("accept-encoding".into(), "gzip, deflate".into())];
    }
    if !models {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let route = if models { "models" } else { "chat/completions" };
    Request {
        method: if models { "GET" } else { "POST" }.into(),
        url: format!("https://gw.corp.example/v1/{route}"),
        headers,
        body: (!models).then_some(body),
        credential,
    }
}

fn response(status: u16) -> Response {
    Response {
        status,
        version: "HTTP/1.1".into(),
        headers: Vec::new(),
        headers_ms: 212.4,
        body: Body { wire_bytes: 640, ..Body::default() },
        cut: None,
        left_open: false,
        total_ms: 812.0,
    }
}

pub fn completion() -> Reading {
    let usage = Usage { prompt: Some(24), completion: Some(41), reasoning: None };
    Reading::Completion(Box::new(Completion { dialect: "openai-chat", finish_reason: Some("stop".into()), usage, ..Completion::default() }))
}

pub fn refusal(message: &str) -> Reading {
    Reading::Error(Box::new(ErrorFacts { message: message.into(), form: "json", ..ErrorFacts::default() }))
}

pub fn stream(end: StreamEnd) -> Reading {
    Reading::Stream(Box::new(StreamReading {
        form: StreamForm::Sse,
        dialect: "openai-chat",
        events: 42,
        comments: 0,
        leftover: 0,
        text: "one, two, three".into(),
        reasoning: String::new(),
        tool_calls: Vec::new(),
        content_ms: vec![312.0, 500.0, 812.0],
        event_ends: Vec::new(),
        models: Vec::new(),
        finish_reason: Some("stop".into()),
        done: true,
        end,
        usage: Usage { prompt: Some(24), completion: Some(41), reasoning: None },
        error: None,
        faults: Vec::new(),
    }))
}

/// A finding with everything that a report shows.
pub fn finding(severity: Severity, because: &str) -> Finding {
    Finding::new(severity, Certainty::Certain, Blame::Gateway, because).so("Clients show half an answer, or an error after it.")
}

fn silent(_: &Case) -> Verdict {
    Verdict::absent("")
}

pub const fn mode(id: &'static str, family: &'static str, title: &'static str, fix: &'static [&'static str]) -> FailureMode {
    FailureMode { id, title, family, symptom: "", cause: "", fix, references: &[], explains: &[], diagnose: silent }
}

pub static TRUNCATED: FailureMode = mode(
    "stream-truncated",
    "stream",
    "The stream ends before the answer does",
    &[
        "Raise the read timeout of the proxy in front of the model server (nginx: proxy_read_timeout).",
        "Look for restarts or memory kills of the model server at the time of the cut.",
    ],
);
pub static NO_DONE: FailureMode = mode("stream-missing-done", "stream", "The stream has no [DONE]", &[]);
pub static PUBLIC: FailureMode = mode("models-list-public", "address", "The model list needs no key", &[]);
pub static REJECTED: FailureMode = mode("key-rejected", "key", "The key is refused", &["Check the key at whoever issued it."]);
static SWEEP: FailureMode = mode("timeout-boundary", "time", "", &[]);
static BYPASS: FailureMode = mode("gateway-latency", "time", "", &[]);

macro_rules! modes {
    ($($family:literal: $($id:literal)+;)+) => { &[$($(&mode($id, $family, "", &[])),+),+] };
}

static ABSENT: &[&FailureMode] = modes! {
    "reach": "dns-failure" "connection-refused" "connection-timeout" "tls-failure" "scheme-mismatch" "insecure-transport" "proxy-interference" "localhost-in-container" "ipv6-localhost";
    "address": "wrong-base-url" "not-an-api" "redirect-drops-post" "endpoint-missing" "wrong-dialect" "content-type-lost" "models-list-unusable";
    "key": "key-missing" "key-malformed" "key-rejected" "wrong-auth-scheme" "wrong-region-host" "token-expired" "oidc-token-rejected" "ip-not-allowed" "upstream-auth-failed" "auth-not-enforced";
    "model": "model-name-mismatch" "model-retired" "model-access-denied" "model-task-mismatch" "model-substituted" "model-name-ignored" "model-loading" "no-healthy-deployment";
    "body": "unsupported-field" "field-combination-rejected" "hidden-default-conflict" "header-rejected" "field-ignored";
    "edge": "waf-blocked" "region-blocked" "content-filtered";
    "limits": "rate-limited" "rate-limit-no-retry-after" "rate-limit-hidden" "quota-exhausted" "credits-exhausted" "upstream-overloaded";
    "stream": "stream-buffered" "stream-ignored" "stream-rejected" "stream-required" "stream-malformed" "stream-wrong-content-type" "stream-not-closed";
    "answer": "empty-completion" "error-in-success" "response-malformed";
    "gateway": "upstream-unavailable" "intermittent-failure" "gateway-hides-error";
};
