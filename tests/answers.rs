//! Rules about streams, answers and gateways on evidence written by hand: what no simulated gateway shows.

mod support;

use llmdoctor::catalogue::{Certainty, Severity};
use llmdoctor::diagnosis::{Diagnosis, Found, diagnose};
use llmdoctor::evidence::{Ask, Body, Credential, Evidence, Exchange, Fault, FaultKind, Outcome, Request, Response, Scheme, Subject};
use llmdoctor::report::{Format, Look, Report, render};
use serde_json::{Value, json};
use support::recorded;

const EVENTS: (&str, &str) = ("content-type", "text/event-stream");
const JSON: (&str, &str) = ("content-type", "application/json");
const LIST: &str = r#"{"object":"list","data":[{"id":"m","object":"model"}]}"#;

fn run(exchanges: Vec<Exchange>) -> Evidence {
    let subject = Subject { model: Some("m".into()), dialect: "openai-chat".into(), patience_s: 75.0, idle_s: 30.0, ..Subject::default() };
    recorded::evidence(subject, exchanges)
}

fn ask(ask: Ask, outcome: Outcome) -> Exchange {
    let get = matches!(ask, Ask::Models | Ask::ModelsGarbageKey);
    let body = (!get).then(|| json!({ "model": "m", "messages": [], "stream": ask == Ask::ChatStream }));
    let headers = vec![("accept-encoding".to_owned(), "gzip, deflate".to_owned())];
    let credential = Credential::Given(Scheme::Bearer);
    let request = Request { method: if get { "GET" } else { "POST" }.into(), url: "https://h/v1/x".into(), headers, body, credential };
    recorded::exchange(ask, request, outcome)
}

fn answer(status: u16, headers: &[(&str, &str)], text: &str) -> Outcome {
    response(status, headers, text, None, 500.0)
}

fn response(status: u16, headers: &[(&str, &str)], text: &str, cut: Option<FaultKind>, total_ms: f64) -> Outcome {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let body = Body { bytes: text.as_bytes().to_vec(), wire_bytes: text.len() as u64, ..Body::default() };
    let cut = cut.map(|kind| Fault { kind, at_ms: total_ms, chain: Vec::new() });
    Outcome::Response(Response { status, version: "HTTP/1.1".into(), headers, headers_ms: 40.0, body, cut, left_open: false, total_ms })
}

fn completion(text: &str) -> Outcome {
    let choice = json!({ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" });
    answer(200, &[JSON], &json!({ "id": "c", "object": "chat.completion", "model": "m", "choices": [choice] }).to_string())
}

fn events(chunks: &[(Value, Value)], end: &str) -> String {
    let event = |(delta, finish): &(Value, Value)| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        format!("data: {}\n\n", json!({ "id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice] }))
    };
    chunks.iter().map(event).collect::<String>() + end
}

fn stream(text: &str) -> Outcome {
    answer(200, &[EVENTS], &events(&[(json!({ "content": text }), Value::Null), (json!({}), json!("stop"))], "data: [DONE]\n\n"))
}

fn found<'d>(diagnosis: &'d Diagnosis, id: &str) -> Option<&'d Found> {
    diagnosis.findings.iter().find(|found| found.mode.id == id)
}

/// The names of all findings above information, in order.
fn names(exchanges: Vec<Exchange>) -> Vec<&'static str> {
    let diagnosis = diagnose(&run(exchanges));
    diagnosis.findings.iter().filter(|found| found.finding.severity > Severity::Info).map(|found| found.mode.id).collect()
}

#[test]
fn list_and_stream_that_fail_alike_are_the_gateways_own_fault() {
    let broken = || answer(500, &[JSON], r#"{"status":"failure","message":"Something went wrong"}"#);
    let chat = || ask(Ask::Chat, completion("one"));
    let both = vec![ask(Ask::Models, broken()), chat(), ask(Ask::ChatStream, broken()), ask(Ask::ChatStream, broken())];
    assert_eq!(names(both).first(), Some(&"gateway-misconfigured"));
    let streams_only =
        vec![ask(Ask::Models, answer(200, &[JSON], LIST)), chat(), ask(Ask::ChatStream, broken()), ask(Ask::ChatStream, broken())];
    assert_eq!(names(streams_only), ["stream-rejected"]);
}

#[test]
fn an_empty_stream_beside_a_good_answer_is_an_empty_completion() {
    let empty =
        answer(200, &[EVENTS], &events(&[(json!({ "role": "assistant" }), Value::Null), (json!({}), json!("stop"))], "data: [DONE]\n\n"));
    assert_eq!(names(vec![ask(Ask::Chat, completion("one, two")), ask(Ask::ChatStream, empty)]), ["empty-completion"]);
    let nothing = answer(200, &[EVENTS], "");
    let exchanges =
        vec![ask(Ask::Models, answer(200, &[JSON], LIST)), ask(Ask::Chat, completion("one, two")), ask(Ask::ChatStream, nothing)];
    assert_eq!(names(exchanges), ["empty-completion"]);
}

#[test]
fn reasoning_before_text_is_not_empty() {
    let chunks =
        [(json!({ "reasoning_content": "hm" }), Value::Null), (json!({ "content": "one" }), Value::Null), (json!({}), json!("stop"))];
    let thinking = answer(200, &[EVENTS], &events(&chunks, "data: [DONE]\n\n"));
    assert!(names(vec![ask(Ask::Chat, completion("one")), ask(Ask::ChatStream, thinking)]).is_empty());
}

#[test]
fn a_flow_that_outlasts_our_patience_is_no_stall() {
    let endless = events(&[(json!({ "content": "one" }), Value::Null)], "");
    let exchanges = vec![
        ask(Ask::Chat, completion("one")),
        ask(Ask::ChatStream, response(200, &[EVENTS], &endless, Some(FaultKind::Unfinished), 75_000.0)),
    ];
    assert!(names(exchanges).is_empty());
    let silent = vec![
        ask(Ask::Chat, completion("one")),
        ask(Ask::ChatStream, response(200, &[EVENTS], &endless, Some(FaultKind::Stalled), 31_000.0)),
    ];
    assert_eq!(names(silent), ["stream-stalled"]);
}

#[test]
fn a_stream_by_default_names_the_field_that_helps() {
    let exchanges = vec![ask(Ask::Chat, stream("one")), ask(Ask::ChatStream, stream("one")), ask(Ask::ChatStreamFalse, completion("one"))];
    let diagnosis = diagnose(&run(exchanges));
    let finding = &found(&diagnosis, "stream-unasked").expect("found").finding;
    assert_eq!((&finding.details["kind"], &finding.details["fields"]), (&json!("by-default"), &json!(["/stream"])));
}

#[test]
fn credentials_are_looked_for_where_the_server_speaks() {
    let told = answer(401, &[JSON], r#"{"error":{"message":"Received API Key = [SECRET]********, not known"}}"#);
    let diagnosis = diagnose(&run(vec![ask(Ask::Chat, told)]));
    assert_eq!(found(&diagnosis, "key-leaked").map(|found| found.finding.severity), Some(Severity::Error));
    let session = answer(200, &[JSON, ("set-cookie", "session=[SECRET]****************")], LIST);
    let chatty = completion("Your key is [KEY]*****.");
    assert!(names(vec![ask(Ask::Models, session), ask(Ask::Chat, chatty), ask(Ask::ChatStream, stream("[KEY]***"))]).is_empty());
}

#[test]
fn one_failure_among_many_is_only_possible() {
    let bad = || answer(502, &[JSON], r#"{"error":{"message":"bad gateway"}}"#);
    let diagnosis = diagnose(&run(vec![ask(Ask::Chat, bad()), ask(Ask::Chat, completion("one")), ask(Ask::ChatStream, stream("one"))]));
    let finding = &found(&diagnosis, "intermittent-failure").expect("found").finding;
    assert_eq!((finding.certainty, finding.severity), (Certainty::Possible, Severity::Warning));
    let limited = answer(429, &[JSON], r#"{"error":{"message":"Rate limit reached"}}"#);
    assert!(found(&diagnose(&run(vec![ask(Ask::Chat, limited), ask(Ask::Chat, completion("one"))])), "intermittent-failure").is_none());
}

#[test]
fn another_api_has_no_done_line_by_design() {
    let text = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"x\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"one\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let diagnosis = diagnose(&run(vec![ask(Ask::ChatStream, answer(200, &[EVENTS], text))]));
    assert!(found(&diagnosis, "stream-missing-done").is_none() && found(&diagnosis, "stream-truncated").is_none());
}

#[test]
fn no_two_modes_explain_each_other() {
    for mode in llmdoctor::catalogue::CATALOGUE {
        let explained = mode.explains.iter().filter_map(|id| llmdoctor::catalogue::mode(id));
        let mutual: Vec<_> = explained.filter(|other| other.explains.contains(&mode.id)).map(|other| other.id).collect();
        assert!(mutual.is_empty(), "{} and {mutual:?} explain each other", mode.id);
    }
}

#[test]
fn a_cooldown_after_a_lost_upstream_does_not_hide_it() {
    let lost = || {
        answer(500, &[JSON], r#"{"error":{"message":"litellm.InternalServerError: OpenAIException - Connection error..","code":"500"}}"#)
    };
    let cooling = r#"{"error":{"message":"No deployments available for selected model, Try again in 5 seconds.","type":"all_deployments_in_cooldown","code":"429"}}"#;
    let cooldown = || answer(429, &[JSON, ("retry-after", "5")], cooling);
    let list = ask(Ask::Models, answer(200, &[JSON], LIST));
    let exchanges =
        vec![list, ask(Ask::Chat, lost()), ask(Ask::Chat, cooldown()), ask(Ask::Chat, lost()), ask(Ask::ChatStream, cooldown())];
    assert_eq!(names(exchanges).first(), Some(&"upstream-unavailable"));
}

/// A sound stream of the numbers, with this put before its first event.
fn dressed(before: &str, change: impl Fn(String) -> String) -> Vec<Exchange> {
    let sound =
        events(&[(json!({ "role": "assistant", "content": "one, " }), Value::Null), (json!({ "content": "two" }), json!("stop"))], "");
    let text = change(format!("{before}{sound}data: [DONE]\n\n"));
    vec![ask(Ask::Chat, completion("one, two")), ask(Ask::ChatStream, answer(200, &[EVENTS], &text))]
}

#[test]
fn legal_streams_that_break_clients_are_a_note_that_names_them() {
    let cases = [
        ("\u{feff}", "bom"),
        (": ping\n\n", "keep-alive"),
        ("event: ping\n\n", "named-block"),
        ("retry: 3000\n\n", "dataless-block"),
        ("data:\n\n", "empty-data"),
        ("data: {\"choices\":[],\"object\":\"chat.completion.chunk\"}\n\n", "empty-choices"),
        ("data: {\"error\":null,\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{}}]}\n\n", "error-null"),
    ];
    for (before, kind) in cases {
        let diagnosis = diagnose(&run(dressed(before, |text| text)));
        assert!(names(dressed(before, |text| text)).is_empty(), "{kind}");
        let noted = found(&diagnosis, "stream-breaks-client").unwrap_or_else(|| panic!("{kind} is not noted"));
        assert_eq!((noted.finding.severity, &noted.finding.details["kind"]), (Severity::Info, &json!(kind)));
    }
}

#[test]
fn what_nearly_every_client_takes_is_no_note() {
    type Change = fn(String) -> String;
    let plain: [Change; 4] = [
        |text| text,
        |text| text.replace('\n', "\r\n"),
        |text| text.replace("data: ", "data:"),
        |text| text.replace("data: {", "id: 7\ndata: {"),
    ];
    for change in plain {
        let exchanges = dressed("", change);
        let diagnosis = diagnose(&run(exchanges));
        assert!(diagnosis.findings.is_empty(), "{:?}", diagnosis.findings.iter().map(|found| &found.finding.because).collect::<Vec<_>>());
    }
}

#[test]
fn a_finding_about_a_stream_says_whom_it_hits() {
    let lines = "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n";
    let untold = "data: {\"detail\":\"out of memory\"}\n\n";
    let told = "data: {\"error\":{\"message\":\"out of memory\"}}\n\n";
    let cases = [(lines, "stream-malformed", "silent"), (untold, "error-in-success", "silent"), (told, "error-in-success", "error")];
    for (text, mode, does) in cases {
        let evidence = run(vec![ask(Ask::Chat, completion("one")), ask(Ask::ChatStream, answer(200, &[EVENTS], text))]);
        let report = Report::new(&evidence, &diagnose(&evidence));
        let item = report.findings.iter().find(|item| item.mode == mode).unwrap_or_else(|| panic!("no {mode}"));
        let python = item.details["clients"].as_array().expect("clients").iter().find(|row| row["client"] == "openai-python");
        assert_eq!(python.map(|row| &row["does"]), Some(&json!(does)), "{mode}: {}", item.clients);
        let shown = render(&report, Format::Terminal, &Look::default());
        assert!(shown.contains("    Clients   ") && item.clients.contains("openai-python"), "{shown}");
    }
}

#[test]
fn what_readers_make_of_the_same_bytes_is_shown_where_they_differ() {
    let glued =
        events(&[(json!({ "content": "one" }), Value::Null), (json!({}), json!("stop"))], "data: [DONE]\n\n").replace("}\n\n", "}\n");
    let evidence = run(vec![ask(Ask::Chat, completion("one")), ask(Ask::ChatStream, answer(200, &[EVENTS], &glued))]);
    let report = Report::new(&evidence, &diagnose(&evidence));
    let shown = render(&report, Format::Terminal, &Look::default());
    assert!(shown.contains("Readers   by the standard: 0 events, 0 characters") && shown.contains("line by line: 2 events, 3 characters"));
    let sound = run(vec![ask(Ask::Chat, completion("one")), ask(Ask::ChatStream, stream("one"))]);
    let report = Report::new(&sound, &diagnose(&sound));
    assert!(!render(&report, Format::Terminal, &Look::default()).contains("Readers"));
    let all = render(&report, Format::Terminal, &Look { verbose: true, ..Look::default() });
    let all = all.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(all.contains("chunk by chunk alike: 2 events, 3 characters"), "{all}");
}

#[test]
fn the_table_of_clients_names_kinds_modes_and_readers_that_exist() {
    let kinds: Vec<&str> = llmdoctor::dialect::stream::KINDS.iter().map(|kind| kind.0).collect();
    for form in llmdoctor::facts::stream_forms() {
        for found in &form.found {
            let (mode, kind) = found.split_once('/').unwrap_or((found, ""));
            assert!(llmdoctor::catalogue::mode(mode).is_some(), "{}: {found}", form.kind);
            assert!(mode != "stream-malformed" || kinds.contains(&kind), "{}: {found}", form.kind);
        }
        let model = form.model.as_deref();
        assert!(model.is_none_or(|id| llmdoctor::dialect::views::MODELS.iter().any(|model| model.id == id)), "{}: {model:?}", form.kind);
    }
}
