//! The ladder as it went: status, time and a note for every rung.

use super::neutral::{self, MESSAGE, NAME};
use super::{Rung, Status, words};
use crate::catalogue::{Case, Severity, Shown};
use crate::diagnosis::Found;
use crate::dialect::{Reading, StreamEnd};
use crate::evidence::{Ask, Evidence, Exchange, FaultKind, Outcome, Via};
use crate::probes::{LADDER, Probe};

/// The rungs whose answer the verdict needs.
pub const NEEDED: [&str; 2] = ["chat", "stream"];

/// Rungs that ask one question, whose own answer says how it went.
const CONTROLS: [&str; 4] = ["address", "models", "chat", "stream"];

/// The rung that asks another endpoint than the target.
const BYPASS: &str = "bypass";

/// Every rung, also those that were not asked.
pub fn read(evidence: &Evidence, shown: &[Shown], found: &[Found]) -> Vec<Rung> {
    let rung = |probe: &Probe| {
        let (id, title) = (probe.id, probe.title);
        let asked: Vec<_> = shown.iter().filter(|shown| shown.probe == id).collect();
        let blamed: Vec<_> = found.iter().filter(|found| accuses(found, id, &asked)).map(|found| found.mode.id).collect();
        Rung {
            id: id.to_owned(),
            title: title.to_owned(),
            status: status(id, &asked, !blamed.is_empty()),
            took_ms: took(&asked),
            exchanges: asked.iter().map(|shown| neutral::inline(&shown.id, NAME)).collect(),
            note: neutral::inline(&note(evidence, id, &asked, &blamed), MESSAGE),
        }
    };
    LADDER.iter().map(rung).collect()
}

/// A finding points at the rung of its most telling exchange. A control that was answered is not failed by a mere warning.
fn accuses(found: &Found, id: &str, asked: &[&Shown]) -> bool {
    let enough = if CONTROLS.contains(&id) { Severity::Error } else { Severity::Warning };
    let first = found.finding.cites.first();
    found.finding.severity >= enough && asked.iter().any(|shown| Some(&shown.id) == first)
}

fn status(id: &str, asked: &[&Shown], blamed: bool) -> Status {
    if asked.is_empty() {
        return Status::Skipped;
    }
    let answered = match id {
        "address" => asked.iter().any(|shown| matches!(shown.outcome, Outcome::Connected)),
        "models" => asked.iter().any(|shown| shown.models().is_some()),
        "chat" => asked.iter().any(|shown| shown.ask == Ask::Chat && shown.answered()),
        "stream" => asked.iter().any(|shown| shown.ask == Ask::ChatStream && shown.answered()),
        BYPASS => asked.iter().any(|shown| shown.via == Via::Upstream && shown.answered()),
        _ => every_question_decided(asked),
    };
    let control = CONTROLS.contains(&id) && !asked.iter().any(|shown| shown.fault_kind() == Some(&FaultKind::Interrupted));
    match (blamed, answered, control) {
        (true, ..) | (_, false, true) => Status::Failed,
        (_, true, _) => Status::Passed,
        _ => Status::Inconclusive,
    }
}

/// Every question of the rung has a try that neither a limit nor a fault spoiled.
fn every_question_decided(asked: &[&Shown]) -> bool {
    let decided = |shown: &&&Shown| shown.fault().is_none() && shown.status() != Some(429);
    asked.iter().all(|question| asked.iter().filter(|other| other.ask == question.ask).any(|other| decided(&other)))
}

/// From the first request to the last answer.
fn took(asked: &[&Shown]) -> f64 {
    let from = asked.iter().map(|shown| shown.at_ms).fold(f64::INFINITY, f64::min);
    let to = asked.iter().map(|shown| shown.at_ms + shown.total_ms()).fold(0.0, f64::max);
    if asked.is_empty() { 0.0 } else { (to - from).max(0.0) }
}

fn note(evidence: &Evidence, id: &str, asked: &[&Shown], blamed: &[&str]) -> String {
    let what = match (id, asked.first()) {
        (_, None) => return left_out(evidence, id),
        ("address", Some(first)) => connection(first),
        ("models" | "chat" | "stream", Some(first)) => answer(evidence, control(asked).unwrap_or(first)),
        (BYPASS, Some(_)) => Case::new(evidence).bypass().err().unwrap_or_else(|| tally(asked)),
        _ => tally(asked),
    };
    [blamed.join(", "), what].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

fn left_out(evidence: &Evidence, id: &str) -> String {
    let skip = evidence.skips.iter().find(|skip| skip.probe == id);
    let other = if evidence.interrupted { "the run was interrupted first" } else { "not part of this run" };
    skip.map_or(other, |skip| &skip.because).to_owned()
}

/// The try that tells how a control went: the first one with an answer of its kind.
fn control<'a, 'e>(asked: &[&'a Shown<'e>]) -> Option<&'a Shown<'e>> {
    asked.iter().copied().find(|shown| shown.answered() || shown.models().is_some())
}

fn connection(exchange: &Exchange) -> String {
    let failed = exchange.fault().map(|fault| words::name(&fault.kind));
    let reached = exchange.steps.iter().rfind(|step| step.kind == "tcp" && step.fault.is_none());
    let secured = exchange.steps.iter().rfind(|step| step.kind == "tls" && step.fault.is_none()).map(|step| step.gave.clone());
    [reached.map(|step| step.target.clone()), secured, failed].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn answer(evidence: &Evidence, shown: &Shown) -> String {
    match &shown.reading {
        Reading::Models(list) => {
            let model = evidence.subject.model.as_deref();
            let listed = model.map(|model| list.entries.iter().any(|entry| entry.id == model));
            let place =
                listed.map_or("", |listed| if listed { ", the wanted one among them" } else { ", the wanted one is not among them" });
            format!("{}{place}", words::count(list.entries.len(), "model"))
        }
        Reading::Completion(completion) => {
            let finish = completion.finish_reason.as_ref().map(|reason| format!("finish_reason {reason}"));
            let tokens = completion.usage.completion.map(|tokens| words::count(tokens as usize, "token"));
            [Some(status_line(shown)), finish, tokens].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        Reading::Stream(stream) if stream.error.is_none() => {
            let first =
                stream.content_ms.first().map_or("no content".to_owned(), |at| format!("first content after {}", words::duration(*at)));
            format!("{}, {first}, {}", words::count(stream.events, "event"), ending(stream.end))
        }
        _ => account(shown),
    }
}

fn status_line(shown: &Shown) -> String {
    shown.status().map_or("no answer".to_owned(), |status| format!("HTTP {status}"))
}

fn ending(end: StreamEnd) -> &'static str {
    match end {
        StreamEnd::Complete => "complete",
        StreamEnd::NoDone => "no [DONE]",
        StreamEnd::NoFinish => "no finish_reason",
        StreamEnd::Silent => "ends without finish_reason and [DONE]",
        StreamEnd::Cut => "cut",
        StreamEnd::NotClosed => "complete, not closed",
        StreamEnd::NeverDone => "no [DONE], not closed",
        StreamEnd::Stalled => "stalled",
        StreamEnd::HeartbeatOnly => "only heartbeats",
        StreamEnd::NoFirstByte => "no first byte",
    }
}

/// Status, fault and message of a failure, or what came in place of an answer.
fn account(shown: &Shown) -> String {
    let fault = shown.fault().map(|fault| format!("{} after {}", words::name(&fault.kind), words::duration(fault.at_ms)));
    let status = shown.status().map(|status| format!("HTTP {status}"));
    let said = shown.error().map(|error| &error.message).filter(|message| !message.is_empty());
    let said = said.map_or_else(|| instead(&shown.reading), |message| Some(format!("“{}”", neutral::inline(message, 160))));
    [status, fault, said].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What came where a completion, a stream or a list was wanted.
fn instead(reading: &Reading) -> Option<String> {
    match reading {
        Reading::Page(Some(title)) => Some(format!("a web page “{}”", neutral::inline(title, 80))),
        Reading::Page(None) => Some("a web page".to_owned()),
        Reading::Redirect(to) => Some(format!("a redirect to {}", neutral::inline(to.as_deref().unwrap_or("nowhere"), 160))),
        Reading::Json(keys) => Some(format!("JSON with {}", neutral::inline(&keys.join(", "), 80))),
        Reading::Text(text) => Some(format!("text “{}”", neutral::inline(text, 80))),
        Reading::Empty => Some("an empty body".to_owned()),
        _ => None,
    }
}

/// What came of each kind of question: `chat-no-key: HTTP 401; chat-garbage-key: HTTP 401`.
fn tally(asked: &[&Shown]) -> String {
    let mut rows: Vec<(Ask, String, usize)> = Vec::new();
    for shown in asked {
        let result = shown.fault_kind().map_or_else(|| status_line(shown), words::name);
        match rows.iter_mut().find(|row| row.0 == shown.ask && row.1 == result) {
            Some(row) => row.2 += 1,
            None => rows.push((shown.ask, result, 1)),
        }
    }
    let row = |(ask, result, times): &(Ask, String, usize)| {
        let times = if *times > 1 { format!(" ×{times}") } else { String::new() };
        format!("{} {result}{times}", words::name(ask))
    };
    rows.iter().map(row).collect::<Vec<_>>().join(", ")
}
