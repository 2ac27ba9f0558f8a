//! A content filter or guardrail refuses.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, limits};
use crate::evidence::Ask;
use crate::facts::Cause;

/// A content filter or guardrail refuses.
pub const MODE: FailureMode = FailureMode {
    id: "content-filtered",
    title: "A content filter refuses harmless text",
    family: "edge",
    symptom: "400 `content_filter`, \"content management policy\", 403 for flagged input, 446 or 246 from a guardrail; or an answer that stops with \
              finish_reason `content_filter` and no text.",
    cause: "A filter of the provider or a guardrail of the gateway judges prompt or answer. What was asked here is counting in words, so a \
            refusal means that the filter is set too tight or misfires; in daily use the prompt itself may be the reason.",
    fix: &[
        "Loosen the filter or guardrail for this deployment or key, and read in its log which category struck.",
        "Look at the system prompt that the gateway adds: it is judged as well.",
        "In daily use: rephrase the prompt; a retry of the same text gives the same.",
    ],
    references: &[
        "https://github.com/openai/openai-dotnet/issues/55",
        "https://github.com/UniversityOfHelsinkiCS/gptwrapper/issues/285",
        "https://github.com/BerriAI/litellm/pull/16231",
        "https://openrouter.ai/docs/api/reference/errors-and-debugging",
        "https://portkey.ai/docs/api-reference/inference-api/error-codes",
    ],
    explains: &["empty-completion", "error-in-success", "stream-truncated"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let refused: Vec<&Shown> = limits::with_cause(case, &[Cause::ContentFiltered]).collect();
    if let Some(first) = refused.first() {
        return refusal(case, &refused, first);
    }
    match [Ask::Chat, Ask::ChatStream].into_iter().flat_map(|ask| case.asked(ask)).find(|shown| stopped(shown)) {
        Some(shown) => cut(shown),
        None if case.chat().asked() => Verdict::absent("neither a refusal nor a finish_reason speaks of a filter"),
        None => Verdict::untested("no chat was asked"),
    }
}

fn refusal(case: &Case, refused: &[&Shown], first: &Shown) -> Verdict {
    let because = format!("{} met {}. The prompt asked for numbers in words.", limits::share(case, refused), first.account());
    Finding::new(limits::standing(case, refused).max(Severity::Warning), limits::said_certainty(first), Blame::Gateway, because)
        .so("Ordinary prompts are refused; sending the same again does not help.")
        .cite([first.exchange])
        .present()
}

fn finish_reason<'c>(shown: &'c Shown) -> Option<&'c str> {
    let whole = shown.completion().and_then(|completion| completion.finish_reason.as_deref());
    whole.or_else(|| shown.streamed().and_then(|stream| stream.finish_reason.as_deref()))
}

fn stopped(shown: &Shown) -> bool {
    finish_reason(shown) == Some("content_filter")
}

fn text_length(shown: &Shown) -> usize {
    let whole = shown.completion().map(|completion| completion.text.chars().count());
    whole.or_else(|| shown.streamed().map(|stream| stream.text.chars().count())).unwrap_or_default()
}

fn cut(shown: &Shown) -> Verdict {
    let length = text_length(shown);
    let because =
        format!("The answer ended with finish_reason “content_filter” after {length} characters; it was asked for numbers in words.");
    let severity = if length == 0 { Severity::Error } else { Severity::Warning };
    Finding::new(severity, Certainty::Likely, Blame::Gateway, because)
        .so("Answers to ordinary prompts are cut off or empty.")
        .cite([shown.exchange])
        .present()
}
