//! Rules on evidence written by hand, for what a simulator on loopback cannot show: proxies, two address families, time that has passed.

mod support;

use llmdoctor::catalogue::{Certainty, Severity};
use llmdoctor::diagnosis::{Diagnosis, Found, diagnose};
use llmdoctor::evidence::{Ask, Body, Credential, Evidence, Exchange, Fault, FaultKind, Outcome, Request, Response, Scheme, Step, Subject};
use serde_json::json;
use support::recorded;

/// A run against this base that holds these exchanges, numbered in their order.
fn run(base: &str, exchanges: Vec<Exchange>) -> Evidence {
    let numbered = exchanges.into_iter().enumerate().map(|(index, exchange)| Exchange {
        at_ms: 100.0 * index as f64,
        request: Request { url: format!("{base}{}", exchange.request.url), ..exchange.request },
        ..exchange
    });
    let mut subject = Subject {
        typed_base_url: base.into(),
        base_url: base.into(),
        model: Some("m".into()),
        dialect: "openai-chat".into(),
        ..Subject::default()
    };
    subject.loopback = base.contains("//localhost") || base.contains("//127.");
    subject.key.present = true;
    subject.key.scheme = Some(Scheme::Bearer);
    recorded::evidence(subject, numbered)
}

fn exchange(ask: Ask, credential: Credential, outcome: Outcome) -> Exchange {
    let (method, route) = match ask {
        Ask::Connect => ("CONNECT", ""),
        Ask::Models | Ask::ModelsNoKey | Ask::ModelsGarbageKey => ("GET", "/models"),
        _ => ("POST", "/chat/completions"),
    };
    let body = (method == "POST").then(|| json!({ "model": "m", "messages": [] }));
    let request = Request { method: method.into(), url: route.into(), headers: Vec::new(), body, credential };
    recorded::exchange(ask, request, outcome)
}

fn given(ask: Ask, outcome: Outcome) -> Exchange {
    exchange(ask, Credential::Given(Scheme::Bearer), outcome)
}

fn fault(kind: FaultKind) -> Fault {
    Fault { kind, at_ms: 1.0, chain: vec!["the words".into()] }
}

fn answer(status: u16, media: &str, text: &str) -> Outcome {
    let headers = vec![("content-type".to_owned(), media.to_owned())];
    let body = Body { bytes: text.as_bytes().to_vec(), wire_bytes: text.len() as u64, ..Body::default() };
    Outcome::Response(Response {
        status,
        version: "HTTP/1.1".into(),
        headers,
        headers_ms: 5.0,
        body,
        cut: None,
        left_open: false,
        total_ms: 6.0,
    })
}

fn refusal(status: u16, message: &str) -> Outcome {
    answer(status, "application/json", &json!({ "error": { "message": message, "type": "invalid_request_error" } }).to_string())
}

fn completion() -> Outcome {
    let choice = json!({ "index": 0, "message": { "role": "assistant", "content": "one two" }, "finish_reason": "stop" });
    answer(200, "application/json", &json!({ "id": "c", "object": "chat.completion", "model": "m", "choices": [choice] }).to_string())
}

fn step(kind: &str, target: &str, took_ms: f64, broken: Option<FaultKind>) -> Step {
    Step { kind: kind.into(), target: target.into(), took_ms, gave: String::new(), fault: broken.map(fault) }
}

fn connect(steps: Vec<Step>, outcome: Outcome) -> Exchange {
    Exchange { steps, ..exchange(Ask::Connect, Credential::None, outcome) }
}

fn found<'d>(diagnosis: &'d Diagnosis, id: &str) -> &'d Found {
    let names: Vec<_> = diagnosis.findings.iter().map(|found| found.mode.id).collect();
    diagnosis.findings.iter().find(|found| found.mode.id == id).unwrap_or_else(|| panic!("{id} is not among {names:?}"))
}

/// What is found beyond information, by id.
fn accused(diagnosis: &Diagnosis) -> Vec<&'static str> {
    diagnosis.findings.iter().filter(|found| found.finding.severity > Severity::Info).map(|found| found.mode.id).collect()
}

#[test]
fn a_refused_port_is_not_blamed_on_a_proxy_and_a_refused_proxy_not_on_the_port() {
    let refused = || connect(vec![step("tcp", "10.0.0.9:4000", 0.4, Some(FaultKind::Refused))], Outcome::Fault(fault(FaultKind::Refused)));
    let mut evidence = run("http://10.0.0.9:4000/v1", vec![refused()]);
    assert_eq!(accused(&diagnose(&evidence)), ["connection-refused"]);
    evidence.subject.proxy = Some("http://127.0.0.1:7890".into());
    assert_eq!(accused(&diagnose(&evidence)), ["proxy-interference"]);
}

#[test]
fn a_proxy_that_refuses_the_tunnel_is_named() {
    let steps = vec![step("tcp", "10.0.0.1:3128", 0.4, None), step("proxy", "10.0.0.1:3128", 2.0, Some(FaultKind::Proxy))];
    let mut evidence = run("https://gateway.example/v1", vec![connect(steps, Outcome::Fault(fault(FaultKind::Proxy)))]);
    evidence.subject.proxy = Some("http://10.0.0.1:3128".into());
    assert_eq!(accused(&diagnose(&evidence)), ["proxy-interference"]);
}

#[test]
fn a_proxy_s_page_for_localhost_is_not_the_gateway_s() {
    let page = || answer(502, "text/html", "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>");
    let exchanges =
        vec![connect(Vec::new(), Outcome::Connected), given(Ask::Models, page()), given(Ask::Chat, page()), given(Ask::Chat, page())];
    let mut evidence = run("http://localhost:4000/v1", exchanges);
    assert!(!accused(&diagnose(&evidence)).contains(&"proxy-interference"));
    evidence.subject.proxy = Some("http://127.0.0.1:7890".into());
    assert_eq!(accused(&diagnose(&evidence))[0], "proxy-interference");
}

#[test]
fn localhost_on_ipv6_is_told_by_the_address_that_connected() {
    let both = |took_ms| vec![step("tcp", "[::1]:11434", took_ms, Some(FaultKind::Refused)), step("tcp", "127.0.0.1:11434", 0.2, None)];
    let quick = run("http://localhost:11434/v1", vec![connect(both(0.3), Outcome::Connected), given(Ask::Chat, completion())]);
    let slow = run("http://localhost:11434/v1", vec![connect(both(2000.0), Outcome::Connected), given(Ask::Chat, completion())]);
    let diagnosis = diagnose(&quick);
    let noted = &found(&diagnosis, "ipv6-localhost").finding;
    assert_eq!((noted.severity, noted.details["base_url"].as_str()), (Severity::Info, Some("http://127.0.0.1:11434/v1")));
    assert_eq!(accused(&diagnose(&slow)), ["ipv6-localhost"]);
}

#[test]
fn ipv4_first_is_silent() {
    let steps = vec![step("tcp", "127.0.0.1:11434", 0.2, None), step("tcp", "[::1]:11434", 0.3, Some(FaultKind::Refused))];
    let evidence = run("http://localhost:11434/v1", vec![connect(steps, Outcome::Connected), given(Ask::Chat, completion())]);
    assert!(diagnose(&evidence).findings.is_empty());
}

#[test]
fn a_token_that_dies_during_the_run_has_expired_for_certain() {
    let expired = || refusal(401, "IDE token expired: unauthorized: token expired");
    let garbage = exchange(Ask::ChatGarbageKey, Credential::Garbage(Scheme::Bearer), refusal(401, "bad token"));
    let late = vec![given(Ask::Chat, completion()), given(Ask::ChatStream, expired()), given(Ask::ChatStream, expired()), garbage.clone()];
    let diagnosis = diagnose(&run("https://gateway.example/v1", late));
    assert_eq!(found(&diagnosis, "token-expired").finding.certainty, Certainty::Certain);
    let early = vec![given(Ask::Chat, expired()), given(Ask::Chat, expired()), garbage];
    let diagnosis = diagnose(&run("https://gateway.example/v1", early));
    assert_eq!((diagnosis.findings[0].mode.id, diagnosis.findings[0].finding.certainty), ("token-expired", Certainty::Likely));
}

#[test]
fn what_a_garbage_key_hears_as_well_is_no_expiry() {
    let same = || refusal(401, "invalid access token or token expired");
    let garbage = exchange(Ask::ChatGarbageKey, Credential::Garbage(Scheme::Bearer), same());
    let bare = exchange(Ask::ChatNoKey, Credential::None, refusal(401, "You didn't provide an API key."));
    let exchanges = vec![given(Ask::Chat, same()), given(Ask::Chat, same()), bare, garbage];
    assert_eq!(accused(&diagnose(&run("https://gateway.example/v1", exchanges))), ["key-rejected"]);
}

#[test]
fn a_refused_address_is_not_a_refused_key() {
    let denied = || refusal(401, "Your IP address is not authorized to access this project (IP not authorized)");
    let exchanges = vec![given(Ask::Chat, denied()), given(Ask::Chat, denied())];
    assert_eq!(accused(&diagnose(&run("https://gateway.example/v1", exchanges))), ["ip-not-allowed"]);
}

#[test]
fn a_key_that_the_list_takes_is_not_rejected() {
    let list = answer(200, "application/json", r#"{"object":"list","data":[{"id":"m","object":"model"}]}"#);
    let refused = || refusal(401, "Invalid token");
    let exchanges = vec![
        given(Ask::Models, list),
        exchange(Ask::ModelsGarbageKey, Credential::Garbage(Scheme::Bearer), refused()),
        given(Ask::Chat, refusal(401, "Incorrect API key provided: sk-...abcd. You can find your API key at https://platform.openai.com.")),
        given(Ask::Chat, refusal(401, "Incorrect API key provided: sk-...abcd. You can find your API key at https://platform.openai.com.")),
        exchange(Ask::ChatGarbageKey, Credential::Garbage(Scheme::Bearer), refused()),
    ];
    assert!(!accused(&diagnose(&run("https://gateway.example/v1", exchanges))).contains(&"key-rejected"));
}

#[test]
fn a_key_that_is_quoted_though_none_was_sent_is_the_gateway_s_own() {
    let same = || {
        refusal(401, "Incorrect API key provided: sk-prod-****************9f3c. You can find your API key at https://platform.openai.com.")
    };
    let exchanges = vec![
        given(Ask::Chat, same()),
        given(Ask::Chat, same()),
        exchange(Ask::ChatNoKey, Credential::None, same()),
        exchange(Ask::ChatGarbageKey, Credential::Garbage(Scheme::Bearer), same()),
    ];
    assert_eq!(accused(&diagnose(&run("https://gateway.example/v1", exchanges))), ["upstream-auth-failed"]);
}

/// A refusal that Portkey passed on from behind it, or wrote itself.
fn through_portkey(text: &str) -> Outcome {
    let Outcome::Response(mut response) = answer(401, "application/json", text) else { unreachable!("an answer") };
    response.headers.push(("x-portkey-last-used-option-index".into(), "config".into()));
    Outcome::Response(response)
}

#[test]
fn a_key_called_invalid_behind_a_gateway_though_none_was_sent_may_be_the_gateway_s() {
    let behind = |ask, credential| exchange(ask, credential, through_portkey(r#"{"detail":"Invalid API key"}"#));
    let exchanges = vec![
        behind(Ask::Chat, Credential::Given(Scheme::Bearer)),
        behind(Ask::Chat, Credential::Given(Scheme::Bearer)),
        behind(Ask::ChatNoKey, Credential::None),
        behind(Ask::ChatGarbageKey, Credential::Garbage(Scheme::Bearer)),
    ];
    let diagnosis = diagnose(&run("http://127.0.0.1:1", exchanges));
    assert_eq!(found(&diagnosis, "upstream-auth-failed").finding.certainty, Certainty::Possible);
    assert_eq!(diagnosis.findings[0].mode.id, "upstream-auth-failed");
}
