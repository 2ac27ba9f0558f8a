//! A stream was asked for, and one JSON document came.

use super::timing::span;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::evidence::Ask;

/// A stream was asked for, and one JSON document came.
pub const MODE: FailureMode = FailureMode {
    id: "stream-ignored",
    title: "A stream is asked for and one JSON document comes",
    family: "stream",
    symptom: "With streaming on, the answer is empty or an error about JSON or events; with streaming off it is fine.",
    cause: "The gateway, or what stands behind it, drops or overwrites `stream: true` and answers with a whole completion. The body tells: \
            it is one `chat.completion` object, not a stream that was held back.",
    fix: &[
        "Gateway: pass `stream` on unchanged; check plugins, cost guards and model settings that force it to false.",
        "Gateway: when the model cannot stream, refuse the request or turn the whole answer into events.",
        "Client: turn streaming off for this endpoint.",
    ],
    references: &["https://github.com/sankalp-happy/switchboard/issues/22", "https://github.com/tinyhumansai/tinyagents/pull/56"],
    explains: &["stream-buffered", "stream-wrong-content-type", "stream-malformed", "stream-missing-done", "stream-truncated"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let trial = case.trial(Ask::ChatStream);
    let answered: Vec<_> = trial.tries.iter().copied().filter(|shown| shown.answered()).collect();
    let ignored: Vec<_> = answered.iter().copied().filter(|shown| shown.completion().is_some()).collect();
    match (ignored.first(), answered.first()) {
        (Some(first), _) => present(first, &ignored, answered.len()),
        (None, Some(_)) => Verdict::absent(format!("{} streamed requests were answered with streams", answered.len())),
        (None, None) => super::streams::no_stream(case),
    }
}

fn present(first: &Shown, ignored: &[&Shown], answered: usize) -> Verdict {
    let response = first.response();
    let media = response.map(crate::evidence::Response::media_type).unwrap_or_default();
    let because = format!(
        "{} of {answered} requests with stream: true brought one JSON completion under Content-Type {media}, after {}",
        ignored.len(),
        span(first.total_ms())
    );
    let certainty = if ignored.len() == answered { Certainty::Certain } else { Certainty::Likely };
    Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("SDKs find no event in it and show an empty answer, mostly without an error.")
        .cite(ignored.iter().map(|shown| shown.exchange))
        .present()
}
