//! What a live check and a pasted text say of the same answer agree, and a healthy answer is silent when it is pasted.

mod support;

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use llmdoctor::catalogue::{Severity, mode};
use llmdoctor::evidence::{Ask, Exchange, Outcome};
use llmdoctor::pace::Pace;
use llmdoctor::sim::{Scenario, scenario, scenarios};
use llmdoctor::triage::Triage;
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
    "three-properties-refused",
    "cap-by-default",
    "parallel-by-default",
    "choices-by-default",
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
