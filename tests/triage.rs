//! What a live check and a pasted text say of the same answer agree, and a healthy answer is silent when it is pasted.

mod support;

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use llmdoctor::catalogue::{Certainty, Severity, mode};
use llmdoctor::evidence::{Ask, Exchange, Outcome};
use llmdoctor::pace::Pace;
use llmdoctor::sim::{Scenario, scenario, scenarios};
use llmdoctor::triage::{Grounds, Triage};
use support::{block_on, examine};

/// Scenarios that no single pasted answer tells: each needs a clock, a second request, or bytes that a paste loses.
const NEED_MORE: &[&str] = &[
    // Their time tells, not their words.
    "apache-collects-8k",
    "beating-without-done",
    "empty-events-only",
    "open-without-done",
    "buffered-behind-via",
    "buffered-in-16k",
    "buffered-over-http-1-0",
    "buffered-unless-asked",
    "fake-stream-with-keep-alives",
    "gzip-in-clumps",
    "buffered-greeting",
    "buffered-to-the-end",
    "buffered-with-length",
    "empty-reset",
    "every-chat-reset",
    "every-plain-chat-reset",
    "fake-stream",
    "fake-stream-of-fixed-text",
    "gzip-buffers-stream",
    "keep-alives-after-half",
    "nginx-buffers-all",
    "nginx-buffers-stream",
    "open-after-done",
    "open-with-keep-alives",
    "slow-first-token-client",
    "slow-whole-answer",
    "stalled-before-first",
    "stalled-midway",
    // Without the plain answer beside it, nothing is missing; a copy has no lengths, and no bytes that are no text.
    "deflate-header-stale",
    "deflate-unlabelled",
    "length-counts-characters",
    "stream-of-comments",
    "stream-of-length-0",
    "stream-of-no-bytes",
    // Only the upstream's own answer tells, or the control of a long prompt.
    "alias-leads-elsewhere",
    "alias-to-a-slower-model",
    "context-shift-uncounted",
    "gateway-adds-latency",
    "gateway-bounds-answers",
    "gateway-breaks-streams",
    "gateway-breaks-upstream-fine",
    "gateway-drops-n",
    "gateway-drops-three-fields",
    "gateway-holds-streams-back",
    "gateway-inserts-prompt",
    "gateway-says-500",
    "ollama-window-2048",
    // The same question not streamed tells, or the end, which a copy may lack.
    "json-stream-cut",
    "json-stream-torn",
    "tool-arguments-torn",
    "tool-call-lost",
    "tool-stream-cut",
    // Another try or another request tells.
    "any-key-will-do",
    "chat-unguarded",
    "chat-without-content",
    "content-blocks",
    "empty-ok",
    "every-second-fails",
    "every-third-resets",
    "field-as-500",
    "field-as-500-numbered",
    "field-as-502-page",
    "field-hangs",
    "field-no-endpoint",
    "html-as-200",
    "json-cut-short",
    "key-in-quotes",
    "key-unknown-empty-403",
    "key-with-bearer",
    "key-with-blanks",
    "key-with-header-name",
    "key-with-newline",
    "larger-body-fails-twice",
    "login-portal",
    "missing-scheme",
    "models-null",
    "no-key-litellm",
    "opaque-pair",
    "other-json-api",
    "routing-header-refused",
    "static-website",
    "stream-fails-opaquely",
    "upstream-504-at-once",
    "wants-api-key",
    "website-404",
    // Which client is in question tells.
    "crlf-to-dify",
    "pings-to-opencode",
    // The connection or the bytes tell.
    "cut-inside-chunk",
    "gzip-header-stale",
    "gzip-unasked",
    "gzip-unlabelled",
    "http-to-bare-tls-port",
    "https-to-plain-port",
    "insecure-intranet",
    "insecure-remote",
    "invalid-utf-8",
    "plain-text",
    // Only the other requests show it: what passes beside it, and the same question not streamed.
    "own-header-refused",
    "effort-with-long-list",
    "tools-capped-silently",
    "budget-by-default",
    "cap-by-default",
    "parallel-by-default",
    "choices-by-default",
    "reasoning-item-refused",
    "name-in-history",
    "three-properties-refused",
    "cut-papered-over",
    "cut-papered-over-early",
];

/// The exchange as raw HTTP, as somebody would paste it.
fn paste(exchange: &Exchange) -> Option<String> {
    let Outcome::Response(response) = &exchange.outcome else { return None };
    let request = &exchange.request;
    let asked = request.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut text =
        format!("{} {} HTTP/1.1\ncontent-type: application/json\n\n{asked}\n\nHTTP/1.1 {}\n", request.method, request.url, response.status);
    for (name, value) in &response.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    Some(format!("{text}\n{}", response.body.text()))
}

fn named(exchange: &Exchange) -> Vec<&'static str> {
    let Some(paste) = paste(exchange) else { return Vec::new() };
    // A compressed body is no text.
    Triage::of(paste.as_bytes()).map_or_else(|_| Vec::new(), |triage| triage.named().iter().map(|named| named.mode.id).collect())
}

/// Runs something for every scenario, many at once: most of them wait most of their time.
fn of_every(wanted: impl Fn(&Scenario) -> bool, complaint: impl Fn(&'static Scenario) -> Option<String> + Sync) -> Vec<String> {
    let all: Vec<&'static Scenario> = scenarios().iter().copied().filter(|scenario| wanted(scenario)).collect();
    let (next, complaints) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some(scenario) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let complaint = complaint(scenario);
                    complaints.lock().expect("unpoisoned").extend(complaint);
                }
            });
        }
    });
    complaints.into_inner().expect("unpoisoned")
}

#[test]
fn a_healthy_answer_is_silent() {
    let complaints = of_every(
        |scenario| scenario.mode.is_none(),
        |scenario| {
            let examined = block_on(examine(scenario, Pace::simulated()));
            // What our own patience cut on a busy machine is no whole answer, and rightly looks broken.
            let control = |exchange: &&Exchange| {
                let asked = matches!(exchange.ask, Ask::Chat | Ask::ChatStream | Ask::Models);
                asked && exchange.status() == Some(200) && exchange.fault().is_none()
            };
            let loud: Vec<_> = examined.evidence.exchanges.iter().filter(control).map(|exchange| (exchange.ask, named(exchange))).collect();
            let loud: Vec<_> = loud.into_iter().filter(|(_, named)| !named.is_empty()).collect();
            (!loud.is_empty()).then(|| format!("{}: {loud:?}", scenario.id))
        },
    );
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_answer_that_a_finding_cites_names_the_same_mode_when_it_is_pasted() {
    let complaints = of_every(
        |scenario| scenario.mode.is_some_and(|id| mode(id).is_some()) && !NEED_MORE.contains(&scenario.id),
        |scenario| {
            let examined = block_on(examine(scenario, Pace::simulated()));
            let diagnosis = examined.diagnosis();
            let found =
                diagnosis.findings.iter().find(|found| Some(found.mode.id) == scenario.mode && found.finding.severity > Severity::Info)?;
            let cited: Vec<&Exchange> =
                found.finding.cites.iter().filter_map(|id| examined.evidence.exchange(id)).filter(|cited| paste(cited).is_some()).collect();
            let named: Vec<_> = cited.iter().map(|exchange| named(exchange)).collect();
            let agrees = cited.is_empty() || named.iter().any(|named| named.contains(&found.mode.id));
            (!agrees).then(|| {
                format!(
                    "{} wants {}, gets {named:?} from {}",
                    scenario.id,
                    found.mode.id,
                    paste(cited[0]).unwrap_or_default().replace('\n', "\\n").chars().take(900).collect::<String>()
                )
            })
        },
    );
    assert!(complaints.is_empty(), "{} disagree:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn the_scenarios_that_need_more_exist() {
    let missing: Vec<_> = NEED_MORE.iter().filter(|id| scenario(id).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What is pasted by mistake, or to see what happens: none of it is about a chat that fails.
const INNOCENT: [&str; 6] = [
    "It works fine now, thanks for the quick help!",
    "The stream runs past the old mill, and the model of the bridge stands in the town hall. Entry is free, children get a token.",
    "2026-01-01 10:00:00 INFO gateway: POST /v1/chat/completions 200 in 412 ms, model gpt-4o\n\
     2026-01-01 10:00:01 INFO gateway: GET /v1/models 200 in 9 ms\n",
    "203.0.113.7 - - [01/Jan/2026:10:00:00 +0000] \"GET /favicon.ico HTTP/1.1\" 404 153 \"-\" \"Mozilla/5.0\"\n",
    "## 1.4.0\n\n- Faster parsing of tables\n- `Buffer::split` returns an error instead of a panic when the index is too large\n\
     - Dropped support for Rust 1.70\n",
    "fn main() {\n    let model = Model::load(\"mesh.obj\").unwrap_or_else(|error| panic!(\"cannot load: {error}\"));\n    model.render();\n}\n",
];

#[test]
fn what_tells_of_no_failing_chat_is_silent() {
    let named = |text: &str| -> Vec<_> { Triage::of(text.as_bytes()).expect("a text").named().iter().map(|named| named.mode.id).collect() };
    let licence = |name: &str| std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a licence");
    let licences = ["LICENSE-APACHE", "LICENSE-MIT", "Cargo.lock", "rustfmt.toml"].map(licence);
    let loud: Vec<_> = INNOCENT.into_iter().chain(licences.iter().map(String::as_str)).map(|text| (text, named(text))).collect();
    let loud: Vec<_> = loud.into_iter().filter(|(_, named)| !named.is_empty()).map(|(text, named)| (&text[..40], named)).collect();
    assert!(loud.is_empty(), "{loud:#?}");
}

#[test]
fn a_status_alone_is_ranked_by_what_real_ones_turned_out_to_be() {
    let triage = Triage::of(b"POST /v1/chat/completions HTTP/1.1\n\nHTTP/1.1 404 Not Found\n\n").expect("a text");
    let named = triage.named();
    assert!(named.len() > 1, "several things answer so");
    for named in &named {
        assert_eq!((named.certainty, named.grounds), (Certainty::Possible, Grounds::Alike), "{}", named.mode.id);
        assert!(named.reasons[0].contains("turned out to be this (https://"), "{:?}", named.reasons);
    }
    let bare = Triage::of(b"POST /v1/chat/completions HTTP/1.1\n\nHTTP/1.1 200 OK\n\n").expect("a text");
    assert!(bare.named().is_empty(), "a success says nothing against anybody");
}

#[test]
fn every_real_failure_has_a_known_mode_and_a_source_and_holds_no_key() {
    for file in ["failures.jsonl", "more.jsonl"] {
        let text = std::fs::read_to_string(format!("{}/benches/corpus/{file}", env!("CARGO_MANIFEST_DIR"))).expect("a corpus");
        for line in text.lines() {
            let case: serde_json::Value = serde_json::from_str(line).expect("a case");
            let (id, source) = (&case["id"], case["source"].as_str().expect("a source"));
            assert!(case["mode"].as_str().and_then(mode).is_some() && source.starts_with("https://"), "{id}");
            let has_key = line.match_indices("sk-").any(|(at, _)| {
                let rest = line[at + 3..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'-').count();
                rest >= 32
            });
            assert!(!has_key, "{id} shows a key");
        }
    }
}
