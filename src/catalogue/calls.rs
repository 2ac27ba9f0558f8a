//! Tool calls and structured output that come whole when they are not streamed, and do not when they are.

use serde_json::Value;

use super::streams::share;
use super::{Blame, Case, Certainty, Finding, Severity, Shown, Verdict};
use crate::dialect::{StreamEnd, StreamReading};
use crate::evidence::Ask;

/// What is lost or torn by streaming alone. The comparison is needed: what a model calls, and how well it writes JSON, is its own affair.
pub(super) fn lost_by_streaming(case: &Case) -> Option<Verdict> {
    calls(case).or_else(|| structured_output(case))
}

/// The whole streams of this question, and the same question's answer not streamed.
fn compared<'c>(case: &'c Case, streamed: Ask, plain: Ask) -> Option<(Vec<(&'c Shown<'c>, &'c StreamReading)>, &'c Shown<'c>)> {
    let whole = |stream: &StreamReading| stream.error.is_none() && matches!(stream.end, StreamEnd::Complete | StreamEnd::NoDone);
    let streams = case.asked(streamed).filter_map(|shown| Some((shown, shown.streamed()?)));
    let streams: Vec<_> = streams.filter(|(_, stream)| whole(stream) && stream.finish_reason.as_deref() != Some("length")).collect();
    let plain = case.trial(plain).answer().filter(|shown| shown.completion().is_some())?;
    (!streams.is_empty()).then_some((streams, plain))
}

fn calls(case: &Case) -> Option<Verdict> {
    let (streams, plain) = compared(case, Ask::ChatStreamTools, Ask::ChatTools)?;
    if plain.completion()?.tool_calls.is_empty() {
        return None;
    }
    let name = plain.completion()?.tool_calls.first()?;
    if streams.iter().all(|(_, stream)| stream.tool_calls.is_empty()) {
        let silent = streams.iter().all(|(_, stream)| stream.text.is_empty());
        let (severity, instead) = if silent { (Severity::Error, "nothing") } else { (Severity::Warning, "text") };
        let because = format!(
            "Not streamed, the question was answered with a call of {name}; {} brought {instead} in its place.",
            share(streams.len(), streams.len())
        );
        return Some(finding(severity, &streams, plain, because, "call-lost", "Agents that stream never see the model call a tool."));
    }
    let torn: Vec<_> = streams.iter().copied().filter(|(_, stream)| has(stream, "tool-arguments-broken")).collect();
    if torn.is_empty() || !arguments_are_json(plain) {
        return None;
    }
    let because = format!(
        "{}: the pieces of a call's arguments do not add up to JSON; not streamed, the arguments of the same call are JSON.",
        share(torn.len(), streams.len())
    );
    Some(finding(Severity::Error, &torn, plain, because, "tool-arguments-broken", "Tool calls fail while streaming; plain text is fine."))
}

fn structured_output(case: &Case) -> Option<Verdict> {
    let (streams, plain) = compared(case, Ask::ChatStreamJson, Ask::ChatJson)?;
    let torn: Vec<_> = streams.iter().copied().filter(|(_, stream)| !is_json(&stream.text)).collect();
    if torn.len() < streams.len() || !is_json(&plain.completion()?.text) {
        return None;
    }
    let because = format!(
        "{}: asked for JSON, the pieces of text add up to {} characters that are not JSON; not streamed, the answer is JSON.",
        share(torn.len(), streams.len()),
        torn[0].1.text.chars().count()
    );
    Some(finding(Severity::Error, &torn, plain, because, "json-broken", "Clients that stream structured output cannot parse it."))
}

fn finding(
    severity: Severity,
    streams: &[(&Shown, &StreamReading)],
    plain: &Shown,
    because: String,
    kind: &'static str,
    so: &'static str,
) -> Verdict {
    let certainty = if streams.len() >= 2 { Certainty::Likely } else { Certainty::Possible };
    Finding::new(severity, certainty, Blame::Gateway, because)
        .so(so)
        .fix("Gateway: forward the upstream's tool-call deltas and text as they are, or look at what its parser for streamed tool calls drops.")
        .cite(streams.iter().map(|(shown, _)| shown.exchange))
        .cite([plain.exchange])
        .detail("kind", kind)
        .present()
}

fn has(stream: &StreamReading, kind: &str) -> bool {
    stream.faults.iter().any(|fault| fault.kind == kind)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text.trim()).is_ok()
}

/// The arguments of the first call of a whole answer.
fn arguments_are_json(plain: &Shown) -> bool {
    let body = plain.response().and_then(|response| serde_json::from_slice::<Value>(&response.body.bytes).ok()).unwrap_or_default();
    body.pointer("/choices/0/message/tool_calls/0/function/arguments").and_then(Value::as_str).is_some_and(is_json)
}
