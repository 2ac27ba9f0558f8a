//! From evidence and diagnosis to a report: the one place where foreign text is made neutral and bounded.

use serde_json::Value;

use super::neutral::{self, MESSAGE, NAME, PASSAGE};
use super::stream::Known;
use super::{
    Absent, Item, Outcome, Report, Row, SCHEMA, StreamMeasures, Subject, Tool, Untested, Upstream, clients, curl, groups, measure, redact,
    rungs, stream, words,
};
use crate::catalogue::{Details, Shown};
use crate::diagnosis::{Diagnosis, Found};
use crate::dialect;
use crate::evidence::{self, Ask, Evidence, Exchange};

impl Report {
    /// What the evidence and its diagnosis come to.
    pub fn new(evidence: &Evidence, diagnosis: &Diagnosis) -> Report {
        let shown: Vec<_> = evidence.exchanges.iter().map(read).collect();
        Report::of(evidence, &shown, diagnosis)
    }

    /// The same from exchanges that are read already.
    pub(super) fn of(evidence: &Evidence, shown: &[Shown], diagnosis: &Diagnosis) -> Report {
        let mut report = Report {
            schema: SCHEMA,
            tool: Tool { name: "llmdoctor", version: name(&evidence.version) },
            started_at: name(&evidence.started_at),
            duration_ms: words::rounded(evidence.duration_ms),
            target: subject(evidence),
            verdict: Outcome::Inconclusive,
            findings: diagnosis.findings.iter().map(|found| item(evidence, shown, found, &diagnosis.findings)).collect(),
            seen: None,
            captured: None,
            clients: clients::rows(evidence),
            absent: diagnosis.absent.iter().map(|(mode, because)| absent(mode.id, mode.family, because)).collect(),
            untested: diagnosis.untested.iter().map(|(mode, because)| untested(mode.id, because)).collect(),
            probes: rungs::read(evidence, shown, &diagnosis.findings),
            exchanges: shown.iter().map(|one| row(one, stream::control(one, shown))).collect(),
            cost: measure::cost(shown),
            speed: measure::speed(shown),
            interrupted: evidence.interrupted,
            hosts: redact::hosts(evidence),
        };
        report.findings = in_groups(&report.findings);
        report.verdict = report.outcome();
        report
    }
}

/// The findings with every consequence right below its root.
fn in_groups(items: &[Item]) -> Vec<Item> {
    groups::groups(items).into_iter().flat_map(|group| std::iter::once(group.root).chain(group.below)).cloned().collect()
}

fn behind(upstream: &evidence::Upstream) -> Upstream {
    Upstream { base_url: neutral::inline(&upstream.base_url, neutral::URL), model: upstream.model.as_deref().map(name) }
}

fn subject(evidence: &Evidence) -> Subject {
    let subject = &evidence.subject;
    Subject {
        base_url: neutral::inline(&subject.base_url, neutral::URL),
        model: subject.model.as_deref().map(name),
        model_was_chosen: subject.model_was_chosen,
        dialect: name(&subject.dialect),
        client: subject.client.as_deref().map(name),
        upstream: subject.upstream.as_ref().map(behind),
    }
}

/// What a mode advises for one program (`nginx: …`), when the finding says it better for the one that answered.
fn is_said(general: &str, own: &[String]) -> bool {
    general.split_once(':').is_some_and(|(program, _)| own.iter().any(|own| own.starts_with(&format!("{program} answered here:"))))
}

fn item(evidence: &Evidence, shown: &[Shown], found: &Found, all: &[Found]) -> Item {
    let Found { mode, finding, explained_by } = found;
    let shows = finding.cites.first().and_then(|id| shown.iter().find(|shown| &shown.id == id));
    let known = Known::of(mode.id, finding, shows, &evidence.subject.dialect);
    let mut details = details(&finding.details);
    if let Some((clients, reports)) = known.details() {
        details.extend([("clients".to_owned(), clients), ("reports".to_owned(), reports)]);
    }
    let general = mode.fix.iter().copied().filter(|action| !is_said(action, &finding.fix));
    let fix = finding.fix.iter().map(String::as_str).chain(general);
    Item {
        mode: mode.id.to_owned(),
        title: mode.title.to_owned(),
        severity: finding.severity,
        certainty: finding.certainty,
        blame: finding.blame,
        because: neutral::inline(&finding.because, PASSAGE),
        consequence: neutral::inline(&finding.consequence, PASSAGE),
        fix: fix.map(|action| neutral::inline(action, PASSAGE)).collect(),
        cites: finding.cites.iter().map(|id| name(id)).collect(),
        explains: all.iter().filter(|other| other.explained_by == Some(mode.id)).map(|other| other.mode.id.to_owned()).collect(),
        explained_by: explained_by.map(str::to_owned),
        reproduce: shows.map(|shown| curl(shown.exchange)),
        instead_of: None,
        settle: None,
        user_sees: clients::user_sees(evidence, shown, found),
        details,
        clients: known.in_words(),
    }
}

pub(super) fn details(details: &Details) -> Details {
    details.iter().map(|(key, value)| (name(key), neutralised(value))).collect()
}

fn neutralised(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(neutral::inline(text, MESSAGE)),
        Value::Array(values) => values.iter().map(neutralised).collect(),
        Value::Object(map) => Value::Object(details(map)),
        other => other.clone(),
    }
}

fn absent(mode: &str, family: &str, because: &str) -> Absent {
    Absent { mode: mode.to_owned(), family: family.to_owned(), because: neutral::inline(because, MESSAGE) }
}

fn untested(mode: &str, because: &str) -> Untested {
    Untested { mode: mode.to_owned(), because: neutral::inline(because, MESSAGE) }
}

/// An exchange, read for showing it: what its error means is not asked.
pub(super) fn read(exchange: &Exchange) -> Shown<'_> {
    Shown { exchange, ask: exchange.ask, reading: dialect::read(exchange), causes: Vec::new() }
}

/// An exchange as reports list it.
pub(super) fn row(shown: &Shown, control: Option<&Shown>) -> Row {
    let exchange = shown.exchange;
    let control = control.filter(|_| exchange.asks_stream());
    Row {
        id: name(&exchange.id),
        probe: name(&exchange.probe),
        label: label(exchange),
        via: words::name(&exchange.via),
        method: if exchange.ask == Ask::Connect { "CONNECT".to_owned() } else { name(&exchange.request.method) },
        url: neutral::inline(&exchange.request.url, neutral::URL),
        status: exchange.status(),
        fault: exchange.fault_kind().map(|kind| neutral::inline(&words::name(kind), MESSAGE)),
        at_ms: words::rounded(exchange.at_ms),
        ttfb_ms: exchange.ttfb_ms().map(words::rounded),
        total_ms: words::rounded(exchange.total_ms()),
        bytes: exchange.response().map_or(0, |response| response.body.wire_bytes),
        stream: shown.streamed().map(|reading| StreamMeasures::of(shown, reading, control)),
        trace: stream::Trace::of(shown, control),
        dumps: stream::Dump::of(shown),
        seeing: stream::Seeing::of(shown),
    }
}

/// `chat`, `chat, try 2`.
fn label(exchange: &Exchange) -> String {
    let ask = words::name(&exchange.ask);
    if exchange.attempt > 1 { format!("{ask}, try {}", exchange.attempt) } else { ask }
}

fn name(text: &str) -> String {
    neutral::inline(text, NAME)
}
