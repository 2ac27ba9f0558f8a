//! A stream that ends in the middle.

use super::streams::{Agreement, Streamed, characters, ended, in_every_content, said, sound_streams};
use super::timing::{span, was_dropped};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::StreamEnd;
use crate::evidence::Ask;

/// A stream that ends in the middle.
pub const MODE: FailureMode = FailureMode {
    id: "stream-truncated",
    title: "The stream ends before the answer does",
    family: "stream",
    symptom: "Answers stop in the middle of a sentence; some clients call that a success, others a network error.",
    cause: "The response ends with neither a finish_reason nor [DONE]. Either a hop drops the connection, or it closes it as if all had \
            been said, which hides the loss. Some gateways even write the finish_reason and the \
            [DONE] that their upstream never sent: then only the same question, not streamed, shows what is missing. A missing [DONE] alone is harmless: then the finish_reason is there. A cut that comes after \
            the same time whatever was asked is a timeout.",
    fix: &[
        "Look in the gateway's log for the moment of the cut: an exception while it rewrites chunks, a worker that died, an upstream that closed.",
        "Ask the upstream directly with the same request, and add the hops back one at a time.",
        "Gateway: when the upstream breaks off, write an error event into the stream instead of closing it.",
        "Client: do not take the end of the connection without a finish_reason for success.",
    ],
    references: &[
        "https://github.com/Kong/kong/issues/14680",
        "https://github.com/2389-research/tracker/issues/544",
        "https://github.com/TriliumNext/Trilium/pull/11124",
        "https://github.com/anomalyco/opencode/issues/39968",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    in_every_content(case, of_one_content)
}

fn of_one_content(case: &Case) -> Verdict {
    match ended(case, &[StreamEnd::Cut, StreamEnd::Silent]) {
        Ok(found) if is_begun(&found) => truncated(case, &found),
        Ok(found) => Verdict::absent(format!("the stream ended cleanly without any content: {}", said(found.first()))),
        Err(verdict) => papered_over(case).or_else(|| dropped(case)).unwrap_or(verdict),
    }
}

/// Two streams that say they are complete, each with only the beginning of what plain chat said.
fn papered_over(case: &Case) -> Option<Verdict> {
    let control = case.chat().answer()?;
    let whole = control
        .completion()
        .filter(|completion| matches!(completion.finish_reason.as_deref(), Some("stop" | "end_turn" | "completed")))?
        .text
        .as_str();
    let asked_alike = |stream: &Streamed| stream.shown.ask != Ask::ChatStreamLong;
    let alike: Vec<Streamed> = sound_streams(case).into_iter().filter(asked_alike).collect();
    let short = alike.iter().filter(|stream| stream.reading.stops_short_of(whole)).count();
    if short < 2 || short < alike.len() {
        return None;
    }
    let first = alike[0];
    let because = format!(
        "{short} of {short} streams say that they are complete ({}) and hold only the beginning of the {} characters that the same question \
         brought when not streamed",
        said(first),
        whole.chars().count()
    );
    let finding = Finding::new(Severity::Error, Certainty::Likely, Blame::Gateway, because)
        .so("The gateway lost its upstream in the middle and closed the stream as if all had been said: clients take the part for the whole.")
        .cite(alike.iter().map(|stream| stream.shown.exchange))
        .cite([control.exchange])
        .detail("kind", "papered-over")
        .detail("characters", characters(first.reading));
    Some(finding.present())
}

/// A stream without a word that ended as if all was well is an empty answer, not a cut one.
fn is_begun(found: &Agreement) -> bool {
    let reading = found.first().reading;
    reading.end == StreamEnd::Cut || !reading.content_ms.is_empty()
}

fn truncated(case: &Case, found: &Agreement) -> Verdict {
    let first = found.first();
    let fault = first.shown.fault().map(|fault| format!(", then {} after {}", fault.kind, span(fault.at_ms)));
    let hidden = first.reading.end == StreamEnd::Silent;
    let because = format!("{} broke off: {}{}{}", found.count(), said(first), fault.unwrap_or_default(), control(case));
    let so = if hidden {
        "Clients take the partial text for the whole answer, because HTTP says that all is well."
    } else {
        "Clients get part of the text and then a network error."
    };
    Finding::new(Severity::Error, found.as_event(), Blame::Gateway, because)
        .so(so)
        .cite(found.exchanges())
        .cite(case.chat().answer().map(|shown| shown.exchange))
        .detail("kind", if hidden { "clean-end" } else { "dropped" })
        .detail("characters", characters(first.reading))
        .present()
}

fn control(case: &Case) -> String {
    let whole = case.chat().answer().and_then(Shown::completion).map(|completion| completion.text.chars().count());
    whole.map(|count| format!("; not streamed, the answer has {count} characters")).unwrap_or_default()
}

/// The connection was dropped before the stream's head, each time, while the same request without streaming passed.
fn dropped(case: &Case) -> Option<Verdict> {
    let (trial, chat) = (case.stream(), case.chat());
    let (first, control) = (trial.failure()?, chat.answer()?);
    if !trial.tries.iter().all(|shown| was_dropped(shown) && shown.response().is_none()) {
        return None;
    }
    let at = first.fault().map_or(0.0, |fault| fault.at_ms);
    let tries = trial.tries.len();
    let because = format!(
        "{tries} streamed requests were dropped without an answer, the first after {}; not streamed, the same request was answered in {}",
        span(at),
        span(control.total_ms())
    );
    let certainty = if trial.repeats() { Certainty::Likely } else { Certainty::Possible };
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("Clients that stream get a network error and no text.")
        .cite(trial.tries.iter().map(|shown| shown.exchange))
        .cite([control.exchange])
        .detail("kind", "no-head");
    Some(finding.present())
}
