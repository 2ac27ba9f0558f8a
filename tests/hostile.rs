//! Servers that mean harm: bounded time, bounded memory, and nothing of theirs reaches the reader as it was.

mod support;

use std::time::{Duration, Instant};

use llmdoctor::catalogue::Severity;
use llmdoctor::pace::Pace;
use llmdoctor::report::{Format, Look, Report, render};
use llmdoctor::sim::hostile;
use support::{block_on, examine};

/// What is kept of all bodies and heads together, at most.
const KEPT: usize = 24 << 20;

#[test]
fn every_hostile_server_is_survived_in_bounded_time_and_space() {
    for scenario in hostile() {
        let pace = Pace { total: Duration::from_secs(3), sweep: None, ..Pace::simulated() };
        let begin = Instant::now();
        let examined = block_on(examine(scenario, pace.clone()));
        let bound = pace.total * u32::try_from(pace.max_requests).expect("small");
        assert!(begin.elapsed() < bound, "{} took {:?}", scenario.id, begin.elapsed());
        let kept: usize = examined.evidence.exchanges.iter().filter_map(|exchange| exchange.response()).map(kept).sum();
        assert!(kept <= KEPT, "{}: {kept} bytes are kept", scenario.id);
        let report = Report::new(&examined.evidence, &examined.diagnosis());
        for format in [Format::Terminal, Format::Json, Format::Markdown] {
            let look = Look { width: 100, color: false, ascii: false, verbose: true, redact_host: false };
            harmless(scenario.id, format, &render(&report, format, &look));
        }
    }
}

fn kept(response: &llmdoctor::evidence::Response) -> usize {
    let headers: usize = response.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    response.body.bytes.len() + 16 * response.body.arrivals.len() + headers
}

/// No control character but line ends, no bidirectional override, no raw HTML in Markdown, and no report without end.
fn harmless(id: &str, format: Format, text: &str) {
    let bad = text
        .chars()
        .find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c) || ('\u{2066}'..='\u{2069}').contains(c));
    assert_eq!(bad, None, "{id}, {format:?}");
    assert!(text.len() < 400_000, "{id}, {format:?}: {} bytes", text.len());
    if format == Format::Markdown {
        let prose: String = text.split("```").step_by(2).collect();
        assert!(!prose.contains("<script") && !prose.contains("<img"), "{id}: {prose}");
    }
}

#[test]
fn spiteful_text_still_leads_to_a_finding() {
    let scenario = hostile().iter().find(|scenario| scenario.id == "spiteful-text").expect("a scenario");
    let examined = block_on(examine(scenario, Pace { sweep: None, ..Pace::simulated() }));
    let worst = examined.diagnosis().findings.iter().map(|found| found.finding.severity).max();
    assert!(worst >= Some(Severity::Warning) || scenario.mode.is_none());
}
