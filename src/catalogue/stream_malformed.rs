//! A stream that breaks the rules of event streams or of chat chunks.

use super::streams::{Streamed, in_every_content, no_stream, plural, share, streams};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, calls};
use crate::dialect::stream::KINDS;
use crate::dialect::{Reading, StreamFault, StreamForm};
use crate::evidence::Ask;

/// A stream that breaks the rules of event streams or of chat chunks.
pub const MODE: FailureMode = FailureMode {
    id: "stream-malformed",
    title: "The stream breaks the rules of event streams or of chat chunks",
    family: "stream",
    symptom: "Empty answers, JSON errors, doubled or garbled text, as soon as streaming is on.",
    cause: "The bytes are not what a conforming reader can take: lines of bare JSON, events without the blank line between them, JSON \
            torn over two events, keep-alives framed as data, deltas of another shape or repeating what was said. Legal but unusual \
            bytes (CRLF, comments, no blank after `data:`, an empty `choices`) are not meant here.",
    fix: &[
        "Gateway: forward the upstream's events byte by byte, or re-frame them with a real event-stream writer.",
        "Until this is repaired, turn streaming off in the client.",
    ],
    references: &[
        "https://github.com/decolua/9router/issues/2386",
        "https://github.com/mnfst/llm-gateway/issues/2053",
        "https://github.com/theopenco/llmgateway/pull/2334",
        "https://github.com/openai/openai-python/issues/2806",
        "https://github.com/chenyme/grok2api/issues/239",
    ],
    explains: &["stream-truncated", "stream-no-finish-reason", "stream-missing-done", "empty-completion", "stream-wrong-content-type"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    match in_every_content(case, of_one_content) {
        Verdict::Present(finding) => Verdict::Present(finding),
        other => calls::lost_by_streaming(case).unwrap_or(other),
    }
}

fn of_one_content(case: &Case) -> Verdict {
    let all = streams(case);
    if let Some(verdict) = other_dialect(case, &all) {
        return verdict;
    }
    let broken: Vec<_> = all.iter().copied().filter(|stream| fault(case, *stream).is_some()).collect();
    if let Some(first) = broken.first() {
        return malformed(case, *first, &broken, all.len());
    }
    other_document(case).unwrap_or_else(|| match all.first() {
        Some(first) => Verdict::absent(format!("{} of {}, each legal", first.reading.events, plural(all.len(), "stream"))),
        None => no_stream(case),
    })
}

/// Sound events of another dialect than the route's, while plain chat is answered in the right one. Where plain chat is foreign as well,
/// it is the route that speaks another dialect.
fn other_dialect(case: &Case, all: &[Streamed]) -> Option<Verdict> {
    let asked = case.subject().dialect.as_str();
    let control = case.chat().answer().filter(|shown| shown.completion().is_some_and(|completion| completion.dialect == asked));
    if control.is_none() && case.chat().asked() {
        return None;
    }
    let foreign: Vec<_> = all.iter().copied().filter(|stream| is_foreign(asked, stream)).collect();
    let first = foreign.first()?;
    let spoken = first.reading.dialect;
    let plain = control.map(|_| format!("; not streamed, the same route answered as {asked}")).unwrap_or_default();
    let because = format!("{}: the events are {spoken}'s, and {asked} was asked{plain}", share(foreign.len(), all.len()));
    let certainty = if foreign.len() == all.len() && control.is_some() { Certainty::Certain } else { Certainty::Likely };
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("Clients find no event that they know: they show an empty answer, mostly without an error.")
        .fix(format!(
            "Gateway: translate the upstream's stream into {asked}, as it does for whole answers, or route it past the translation."
        ))
        .cite(foreign.iter().map(|stream| stream.shown.exchange))
        .cite(control.map(|shown| shown.exchange))
        .detail("kind", "other-dialect")
        .detail("dialect", spoken);
    Some(finding.present())
}

/// Another dialect's events. Ollama's own objects are lines of JSON, which has a name of its own.
fn is_foreign(asked: &str, stream: &Streamed) -> bool {
    let spoken = stream.reading.dialect;
    let sound = stream.reading.form == StreamForm::Sse && stream.reading.error.is_none();
    sound && !spoken.is_empty() && spoken != asked
}

/// The first fault that costs a conforming client data. Lines of JSON are how Ollama's own route speaks, and a misspelt [DONE] is
/// a missing one.
fn fault<'c>(case: &Case, stream: Streamed<'c, '_>) -> Option<&'c StreamFault> {
    let own = matches!((case.subject().dialect.as_str(), stream.reading.form), ("ollama-chat", StreamForm::Ndjson));
    stream.reading.faults.iter().find(|fault| loses(fault) && !own)
}

/// Faults over which a conforming client loses data. A wrong order of typed events costs the official helpers the message; a foreign
/// dialect is told from a foreign route before.
fn loses(fault: &StreamFault) -> bool {
    match fault.kind {
        "sentinel-variant" | "foreign-dialect" => false,
        "event-order" => true,
        _ => fault.breaks,
    }
}

fn malformed(case: &Case, first: Streamed, broken: &[Streamed], all: usize) -> Verdict {
    let Some(fault) = fault(case, first) else { return no_stream(case) };
    let because = format!("{}: {} at byte {}: “{}”", share(broken.len(), all), meaning(fault.kind), fault.offset, fault.excerpt.trim());
    let certainty = if broken.len() == all { Certainty::Certain } else { Certainty::Likely };
    let kinds: Vec<_> = first.reading.faults.iter().filter(|fault| loses(fault)).map(|fault| fault.kind).collect();
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so(consequence(fault.kind))
        .cite(broken.iter().map(|stream| stream.shown.exchange))
        .detail("kind", fault.kind)
        .detail("kinds", kinds)
        .detail("offset", fault.offset);
    match action(fault.kind) {
        Some(action) => finding.fix(action).present(),
        None => finding.present(),
    }
}

fn meaning(kind: &str) -> &str {
    KINDS.iter().find(|(name, ..)| *name == kind).map_or(kind, |(_, _, meaning)| meaning)
}

fn consequence(kind: &str) -> &'static str {
    match kind {
        "ndjson" | "json-array" | "html" | "whole-object" | "field-name" | "unprefixed-json" => {
            "SDKs find no event that they know and show an empty answer, mostly without an error."
        }
        "foreign-dialect" => "SDKs find no event that they know and show an empty answer, mostly without an error.",
        "cumulative" | "twice" | "data-after-done" => "Clients show text two or more times.",
        "tool-index-missing" | "tool-index-shared" => "Tool calls are lost or merged while streaming; plain text is fine.",
        "tool-arguments-not-string" | "tool-arguments-cumulative" => {
            "Tool calls come with arguments that no client can parse; plain text is fine."
        }
        "event-name-missing" => "Both of Anthropic's SDKs drop every event without its name, and show an empty answer.",
        "event-order" => "Raw readers get the text; the official helpers that assemble a message fail or lose it.",
        "sentinel-foreign" => "SDKs raise a JSON error after the whole text.",
        _ => "Clients stop with a JSON error or lose text as soon as they stream.",
    }
}

fn action(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "ndjson" => "Gateway: point the upstream at Ollama's OpenAI-compatible base (…:11434/v1) and not at /api/chat.",
        "comment-as-data" => "Gateway: forward lines that begin with `:` as they are, or drop them; never wrap them in `data:`.",
        "cumulative" => "Gateway: send only the new part of the text in each delta (DashScope: `incremental_output`).",
        "tool-index-missing" => "Gateway: number tool-call deltas with `index`; Gemini's compatible route leaves it out.",
        "tool-index-shared" => "Gateway: give every tool call of one answer its own `index`, counted from 0.",
        "foreign-dialect" => "Gateway: translate the upstream's events for this route, or point the client at the route that speaks so.",
        "event-name-missing" => "Gateway: send each event with its `event:` line, as the API does.",
        "event-order" => {
            "Gateway: message_start, then for each block start, deltas and stop, counted from 0, then message_delta and message_stop."
        }
        "sentinel-foreign" => "Gateway: do not append [DONE] to streams of APIs that have none.",
        "invalid-utf8" => "Gateway: do not decode the upstream's pieces one by one; a character may be split between two.",
        _ => return None,
    })
}

/// Each streamed request brought a 200 with neither a stream nor a completion, while plain chat was answered.
fn other_document(case: &Case) -> Option<Verdict> {
    let (trial, chat) = (case.trial(Ask::ChatStream), case.chat());
    let (first, control) = (trial.failure()?, chat.answer()?);
    if !trial.tries.iter().all(|shown| is_other_document(shown)) {
        return None;
    }
    let (kind, name) = document(first);
    let because =
        format!("{} streamed requests brought HTTP 200 and {name}; not streamed, the same request was answered", trial.tries.len());
    let certainty = if trial.tries.len() >= 2 { Certainty::Certain } else { Certainty::Likely };
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("SDKs find no event in it and show an empty answer, mostly without an error.")
        .cite(trial.tries.iter().map(|shown| shown.exchange))
        .cite([control.exchange])
        .detail("kind", kind);
    Some(finding.present())
}

fn is_other_document(shown: &Shown) -> bool {
    let fine = shown.status().is_some_and(|status| (200..300).contains(&status));
    fine && matches!(shown.reading, Reading::Page(_) | Reading::Json(_) | Reading::Text(_)) && !super::stream_compressed::is_garbled(shown)
}

/// Its kind and its name.
fn document(shown: &Shown) -> (&'static str, &'static str) {
    match shown.reading {
        Reading::Page(_) => ("html", "an HTML page"),
        Reading::Json(_) => ("json", "JSON of another kind"),
        _ => ("text", "text that is no event stream"),
    }
}
