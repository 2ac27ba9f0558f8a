//! An error object where the status says success.

use super::streams::{in_every_content, plural};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::Reading;
use crate::evidence::Ask;
use crate::facts::Cause;

/// An error object where the status says success.
pub const MODE: FailureMode = FailureMode {
    id: "error-in-success",
    title: "An error comes under status 200",
    family: "answer",
    symptom: "An empty or half answer without any error message, or an error about a missing field such as `choices`.",
    cause: "The answer's status is 200, and its body, or one of its events, is an error object. A stream that had begun cannot change its \
            status any more; a whole answer could have. Clients that go by the status take it for success.",
    fix: &[
        "Read the error's own text: it names the real cause. Send the request without streaming to see the status that belongs to it.",
        "Gateway: answer with the upstream's status as long as no byte was sent; afterwards write an error event that SDKs know (`{\"error\":{\"message\":…}}`).",
        "Client: look for `error` in the body and in every event before anything else.",
    ],
    references: &[
        "https://openrouter.ai/docs/api/reference/errors-and-debugging",
        "https://docs.claude.com/en/api/errors",
        "https://github.com/apache/rocketmq-dashboard/issues/2178",
        "https://github.com/diegosouzapw/OmniRoute/pull/8210",
        "https://github.com/BerriAI/litellm/issues/6629",
    ],
    explains: &[
        "stream-truncated",
        "empty-completion",
        "stream-missing-done",
        "stream-no-finish-reason",
        "stream-malformed",
        "stream-wrong-content-type",
        "response-malformed",
    ],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    in_every_content(case, of_one_content)
}

fn of_one_content(case: &Case) -> Verdict {
    let asked: Vec<_> = [Ask::Chat, Ask::ChatStream, Ask::ChatStreamIdentity, Ask::ChatStreamUnbuffered, Ask::ChatStreamLong]
        .into_iter()
        .flat_map(|ask| case.asked(ask))
        .collect();
    let fine: Vec<_> = asked.into_iter().filter(|shown| shown.status().is_some_and(|status| status < 300)).collect();
    let told: Vec<_> = fine.iter().copied().filter(|shown| shown.error().is_some()).collect();
    match (told.first(), fine.is_empty()) {
        (Some(first), _) => present(case, first, &told, fine.len()),
        (None, true) => Verdict::untested("no chat was answered with a success status"),
        (None, false) => Verdict::absent(format!("{}, and no error inside", plural(fine.len(), "successful answer"))),
    }
}

fn present(case: &Case, first: &Shown, told: &[&Shown], looked_at: usize) -> Verdict {
    let place = place(first);
    let because = format!("{} of {}: {place}: {}", told.len(), plural(looked_at, "successful answer"), first.account());
    let finding = Finding::new(severity(case, first), certainty(case, told), Blame::Gateway, because)
        .so("Clients that go by the status show an empty or half answer and no error.")
        .cite(told.iter().map(|shown| shown.exchange))
        .detail("kind", if first.streamed().is_some() { "stream" } else { "body" });
    match first.error().and_then(|error| error.inner_status) {
        Some(status) => finding.detail("inner_status", status),
        None => finding,
    }
    .present()
}

fn place(first: &Shown) -> String {
    match &first.reading {
        Reading::Stream(stream) if stream.content_ms.is_empty() => "an error event before any text".to_owned(),
        Reading::Stream(stream) => format!("an error event after {} characters of text", stream.text.chars().count()),
        _ => "an error object as the whole body".to_owned(),
    }
}

/// When chat fails at all with an error that has a name of its own, the disguise is the smaller part of the trouble.
fn severity(case: &Case, first: &Shown) -> Severity {
    use Cause::{InternalError, UpstreamTimeout, UpstreamUnavailable};
    let nameless = matches!(first.cause(), None | Some(InternalError | UpstreamUnavailable | UpstreamTimeout));
    if nameless || case.chat().answer().is_some() { Severity::Error } else { Severity::Warning }
}

/// An error object is a fact; that it comes each time is shown by a second one of the same question.
fn certainty(case: &Case, told: &[&Shown]) -> Certainty {
    let passes = told.iter().any(|shown| case.trial(shown.ask).answer().is_some());
    match (passes, told.len()) {
        (false, 2..) => Certainty::Certain,
        _ => Certainty::Likely,
    }
}
