//! The same request passes and fails.

use super::timing::{is_contaminated, span, tells_of_time, was_dropped};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::{Reading, StreamEnd};
use crate::evidence::Ask;
use crate::facts::Cause;

/// The same request passes and fails.
pub const MODE: FailureMode = FailureMode {
    id: "intermittent-failure",
    title: "The same request passes and fails",
    family: "gateway",
    symptom: "Chat fails now and then without a pattern; trying again helps.",
    cause: "Byte for byte the same request is answered at one time and fails at another, and neither a limit, a cooldown, a timeout nor a \
            loading model explains it. Behind one name stand several backends of which one is broken, or connections are reused after \
            the other side has closed them.",
    fix: &[
        "Gateway: compare its log of a failed and a passed try; a header or the log names the backend of each. Take the failing one out.",
        "Gateway: keep its idle connections to the upstream for a shorter time than the upstream keeps them (uvicorn and Node: 5 s; gunicorn: 2 s).",
        "Client: retry 5xx and dropped connections once or twice with a pause.",
    ],
    references: &["https://github.com/BerriAI/litellm/issues/19091", "https://github.com/conbench/conbench/issues/1156"],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let tries: Vec<_> = case.all().filter(|shown| shown.ask != Ask::Connect).collect();
    let passed = |failed: &Shown| tries.iter().copied().find(|shown| is_same(failed, shown) && is_resolved(shown));
    let failed: Vec<_> = tries.iter().copied().filter(|shown| is_chance(shown) && passed(shown).is_some()).collect();
    match (failed.first(), tries.iter().filter(|shown| is_resolved(shown)).count()) {
        (None, 0) => Verdict::untested("nothing was answered, so nothing passed and failed"),
        (None, count) => {
            Verdict::absent(format!("{count} of {} passed, and none failed that passed at another time", requests(tries.len())))
        }
        (Some(first), _) => present(first, passed(first), &failed, tries.len()),
    }
}

/// Byte for byte the same request, as far as it is recorded.
fn is_same(a: &Shown, b: &Shown) -> bool {
    let (ours, theirs) = (&a.request, &b.request);
    a.ask == b.ask && ours.url == theirs.url && ours.credential == theirs.credential && ours.body == theirs.body
}

/// Answered, or refused for a reason that lies in the request.
fn is_resolved(shown: &Shown) -> bool {
    let refused = shown.status().is_some_and(|status| (400..500).contains(&status)) && shown.error().is_some();
    passes(shown) || shown.models().is_some() || (refused && !is_contaminated(shown) && !tells_of_time(shown))
}

/// Answered in full.
fn passes(shown: &Shown) -> bool {
    let whole = |stream: &crate::dialect::StreamReading| {
        !matches!(stream.end, StreamEnd::Cut | StreamEnd::Silent | StreamEnd::Stalled | StreamEnd::NoFirstByte)
    };
    shown.answered() && shown.streamed().is_none_or(whole)
}

/// A server error, a dropped connection or a broken stream that no other mode owns.
fn is_chance(shown: &Shown) -> bool {
    if is_contaminated(shown) || tells_of_time(shown) || is_owned(shown) {
        return false;
    }
    let server_error =
        matches!(shown.status(), Some(500..)) && matches!(shown.reading, Reading::Error(_) | Reading::Page(_) | Reading::Empty);
    server_error || (was_dropped(shown) && !passes(shown)) || shown.streamed().is_some_and(|stream| stream.end == StreamEnd::Silent)
}

/// The error has a name that belongs to another mode.
fn is_owned(shown: &Shown) -> bool {
    !matches!(shown.cause(), None | Some(Cause::InternalError | Cause::UpstreamUnavailable))
}

fn present(first: &Shown, control: Option<&Shown>, failed: &[&Shown], tries: usize) -> Verdict {
    let passed = control.map(|shown| format!("; the same request was answered in {}", span(shown.total_ms()))).unwrap_or_default();
    let because = format!("{} of {} failed ({}){passed}", failed.len(), requests(tries), first.account());
    let certainty = if failed.len() >= 2 { Certainty::Likely } else { Certainty::Possible };
    let severity = if failed.len() >= 2 { Severity::Error } else { Severity::Warning };
    Finding::new(severity, certainty, Blame::Gateway, because)
        .so("Clients that do not try again show an error now and then.")
        .cite(failed.iter().map(|shown| shown.exchange))
        .cite(control.map(|shown| shown.exchange))
        .detail("failed", failed.len())
        .detail("tries", tries)
        .present()
}

fn requests(count: usize) -> String {
    if count == 1 { "1 request".to_owned() } else { format!("{count} requests") }
}
