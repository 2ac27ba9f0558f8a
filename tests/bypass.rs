//! The upstream, asked directly beside the gateway: whose fault a failure is, and that neither side ever sees the other's key.

mod support;

use llmdoctor::catalogue::{Blame, Case, Certainty};
use llmdoctor::diagnosis::{Diagnosis, diagnose};
use llmdoctor::evidence::{Evidence, Via};
use llmdoctor::pace::Pace;
use llmdoctor::report::{Format, Look, Report, render};
use llmdoctor::sim::scenario;
use support::{Examined, block_on, examine};

fn examined(id: &str) -> Examined {
    block_on(examine(scenario(id).expect("a scenario"), Pace { sweep: None, ..Pace::simulated() }))
}

/// With the questions of a full check, without their waits.
fn in_full(id: &str) -> Examined {
    let pace = Pace { sweep: Some(std::time::Duration::from_millis(200)), ..Pace::simulated() };
    block_on(examine(scenario(id).expect("a scenario"), pace))
}

fn directly(evidence: &Evidence) -> usize {
    evidence.exchanges.iter().filter(|exchange| exchange.via == Via::Upstream).count()
}

/// The finding of this mode: who must act, how sure it is, and what was measured.
fn found(diagnosis: &Diagnosis, mode: &str) -> (Blame, Certainty, String) {
    let found = diagnosis.findings.iter().find(|found| found.mode.id == mode).unwrap_or_else(|| panic!("{mode} is not found"));
    (found.finding.blame, found.finding.certainty, found.finding.because.clone())
}

/// The JSON report keeps to its schema.
fn valid(report: &str) {
    let schema = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/report.schema.json")).expect("the schema");
    let schema = serde_json::from_str(&schema).expect("JSON");
    let json = serde_json::from_str(report).expect("JSON");
    let wrong: Vec<_> = jsonschema::validator_for(&schema).expect("a schema").iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn the_comparison_says_who_must_act() {
    for (id, mode, blame, words) in [
        ("strict-gateway", "unsupported-field", Blame::Gateway, "asked directly, answered the same request with 200"),
        ("unreachable-for-the-gateway", "upstream-unavailable", Blame::Gateway, "asked directly, answered the same request with 200"),
        ("down-for-everybody", "upstream-unavailable", Blame::Upstream, "asked directly, failed over the same request"),
        ("gateway-sends-another-key", "upstream-auth-failed", Blame::Gateway, "the gateway sends another one"),
        ("same-dead-key", "upstream-auth-failed", Blame::Key, "refuses the key that was given for it as well"),
        ("gateway-cuts-streams", "stream-truncated", Blame::Gateway, "There the fault does not show"),
        ("gateway-holds-streams-back", "stream-buffered", Blame::Gateway, "There the fault does not show"),
        ("upstream-cuts-streams", "stream-truncated", Blame::Upstream, "asked directly, does the same"),
        ("gateway-says-null", "gateway-hides-error", Blame::Gateway, "the batch window only"),
    ] {
        let (to_act, _, because) = found(&examined(id).diagnosis(), mode);
        assert_eq!((to_act, because.contains(words)), (blame, true), "{id}: {because}");
    }
}

#[test]
fn a_field_that_both_ignore_is_the_upstream_s() {
    let (blame, certainty, because) = found(&in_full("bypass-both-ignore-n").diagnosis(), "field-ignored");
    assert_eq!((blame, certainty), (Blame::Upstream, Certainty::Certain), "{because}");
}

#[test]
fn neither_side_sees_the_other_s_key_and_nobody_shows_either() {
    for id in ["bypass-healthy", "bypass-wrong-key", "strict-gateway", "same-dead-key"] {
        let examined = in_full(id);
        let upstream = examined.server.upstream().expect("an upstream");
        let own = scenario(id).and_then(|scenario| scenario.key).expect("a key");
        let theirs = upstream.scenario().key.expect("a key");
        let sent = |server: &llmdoctor::sim::Server, key: &str| {
            let holds = |text: &str| text.contains(key);
            server.requests().iter().any(|request| {
                request.headers.iter().any(|(_, value)| holds(value))
                    || holds(&request.path)
                    || holds(&String::from_utf8_lossy(&request.body))
            })
        };
        assert!(sent(&examined.server, own) && sent(upstream, theirs), "{id}: each gets its own");
        assert!(!sent(&examined.server, theirs) && !sent(upstream, own), "{id}: and not the other's");
        valid(&render(&Report::new(&examined.evidence, &examined.diagnosis()), Format::Json, &Look::default()));
        let saved = serde_json::to_string(&examined.evidence).expect("JSON");
        let report = Report::new(&examined.evidence, &examined.diagnosis());
        let texts = Format::ALL.map(|format| render(&report, format, &Look { verbose: true, ..Look::default() }));
        for text in texts.iter().chain([&saved]) {
            assert!(!text.contains(own) && !text.contains(theirs), "{id}: a key is shown");
        }
    }
}

#[test]
fn a_healthy_upstream_costs_three_requests() {
    let examined = examined("bypass-healthy");
    assert_eq!(directly(&examined.evidence), 3);
    assert_eq!(examined.server.upstream().map(|upstream| upstream.requests().len()), Some(3));
    assert!(examined.diagnosis().findings.is_empty());
}

#[test]
fn an_upstream_of_no_use_accuses_nobody_and_is_said() {
    for (id, words) in [("bypass-wrong-key", "refused the key that was given for it"), ("bypass-unreachable", "was not reached from here")]
    {
        let examined = examined(id);
        let diagnosis = examined.diagnosis();
        assert!(diagnosis.findings.is_empty(), "{id}");
        let untested = diagnosis.untested.iter().find(|(mode, _)| mode.id == "gateway-latency").map(|(_, because)| because.as_str());
        let told = untested.unwrap_or_default();
        assert!(told.starts_with("the bypass could not be used: the upstream") && told.contains(words), "{id}: {told}");
        let report = render(&Report::new(&examined.evidence, &diagnosis), Format::Terminal, &Look { width: 400, ..Look::default() });
        assert!(report.contains("the bypass could not be used"), "{id}: {report}");
    }
}

#[test]
fn without_an_upstream_the_option_is_named() {
    let diagnosis = examined("healthy").diagnosis();
    for mode in ["gateway-latency", "gateway-rewrites-request"] {
        let untested = diagnosis.untested.iter().find(|(other, _)| other.id == mode).map(|(_, because)| because.as_str());
        assert!(untested.is_some_and(|because| because.contains("--upstream-url")), "{mode}: {untested:?}");
    }
}

#[test]
fn saved_evidence_says_the_same_again() {
    for id in ["gateway-drops-n", "upstream-cuts-streams", "bypass-wrong-key"] {
        let evidence = in_full(id).evidence;
        let again: Evidence = serde_json::from_str(&serde_json::to_string(&evidence).expect("JSON")).expect("evidence");
        let [first, second] = [&evidence, &again].map(|evidence| {
            let report = Report::new(evidence, &diagnose(evidence));
            render(&report, Format::Json, &Look::default())
        });
        assert_eq!(first, second, "{id}");
    }
}

#[test]
fn what_the_upstream_answers_is_never_taken_for_the_gateway_s() {
    let evidence = examined("unreachable-for-the-gateway").evidence;
    let case = Case::new(&evidence);
    assert!(case.chat().failed() && case.chat().tries.iter().all(|shown| shown.via == Via::Gateway));
    assert!(case.bypass().is_ok_and(|bypass| bypass.answer().is_some()));
    let upstream = evidence.of_upstream().expect("an upstream");
    assert!(diagnose(&upstream).findings.is_empty() && upstream.subject.base_url != evidence.subject.base_url);
}
