//! Answers take longer than the client waits.

use super::clients;
use super::timing::span;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::stream_timing::Timing;
use crate::evidence::FaultKind;

/// Answers take longer than the client waits.
pub const MODE: FailureMode = FailureMode {
    id: "client-timeout-too-short",
    title: "The client gives up before the answer comes",
    family: "time",
    symptom: "The client reports a timeout of its own (`fetch failed`, `Headers Timeout Error`, `ReadTimeout`); the server logs 499 or a cancelled request.",
    cause: "The answer takes longer than the client's own timeout. No hop cuts it: with more patience the same request passes. Some engines \
            abort the work when the client leaves, so that each retry begins anew.",
    fix: &[
        "Raise the client's timeout above the longest answer; for Node's fetch that is `headersTimeout` and `bodyTimeout` (300 s each), not an AbortSignal.",
        "Stream: most clients then count the silence between events and not the whole answer.",
        "Keep the model loaded (Ollama: `OLLAMA_KEEP_ALIVE`), so that the first answer does not wait for it.",
    ],
    references: &[
        "https://github.com/rsynnot/magic-lists-for-navidrome/issues/34",
        "https://github.com/openclaw/openclaw/issues/69390",
        "https://github.com/vercel/ai/issues/4224",
        "https://github.com/THU-MAIC/OpenMAIC/issues/1403",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let Some(limit_s) = case.subject().client_timeout_s else {
        return Verdict::untested("how long the client waits was not said (--client-timeout)");
    };
    let (limit_s, limit_ms) = ((limit_s * 1000.0).round() / 1000.0, limit_s * 1000.0);
    // A client that always streams sees life with the first text, however long a plain answer takes.
    let client = clients::named(case);
    let streams = client.as_ref().is_some_and(|client| client.prompts().next().is_some_and(crate::profiles::Recorded::streamed));
    let (plain, first) = (plain_ms(case).filter(|_| !streams || case.stream().answer().is_none()), first_text_ms(case));
    let verdict = match (plain.filter(|(_, ms)| *ms > limit_ms), first.filter(|(_, ms)| *ms > limit_ms)) {
        (Some(slow), late) => too_slow(slow, limit_s, late.is_some(), first),
        (None, Some(late)) => too_slow(late, limit_s, true, None),
        (None, None) => return within(plain.or(first), limit_s),
    };
    let setting = client.and_then(|client| Some(format!("{}: {}.", client.name, client.setting?)));
    setting.into_iter().fold(verdict, Finding::fix).present()
}

fn within(longest: Option<(&Shown, f64)>, limit_s: f64) -> Verdict {
    match longest {
        Some((_, ms)) => Verdict::absent(format!("the plain question took {}, and the client waits {limit_s} s", span(ms))),
        None => Verdict::untested("no chat was answered, so nothing could be timed"),
    }
}

/// The plain question without streaming: its whole time, or our own patience when that ran out first.
fn plain_ms<'c, 'e>(case: &'c Case<'e>) -> Option<(&'c Shown<'e>, f64)> {
    let chat = case.chat();
    let hung = chat.first().filter(|shown| matches!(shown.fault_kind(), Some(FaultKind::NoAnswer)));
    let whole = |shown: &&Shown| shown.completion().is_some() && shown.fault().is_none();
    chat.answer().filter(whole).or(hung).map(|shown| (shown, shown.total_ms()))
}

/// The stream's first text: from then on clients see life.
fn first_text_ms<'c, 'e>(case: &'c Case<'e>) -> Option<(&'c Shown<'e>, f64)> {
    let answer = case.stream().answer()?;
    Some((answer, Timing::of(answer.streamed()?)?.first_ms))
}

fn too_slow(slow: (&Shown, f64), limit_s: f64, streams_too: bool, first: Option<(&Shown, f64)>) -> Finding {
    let (shown, ms) = slow;
    let answered = shown.fault().is_none();
    let what = if answered { "was answered after" } else { "was not answered within" };
    let stream = first.map(|(_, ms)| format!("; streamed, its first text came after {}", span(ms))).unwrap_or_default();
    let because = format!("the plain question {what} {}, and the client waits {limit_s} s{stream}", span(ms));
    let (severity, so) = match streams_too || first.is_none() {
        true => (Severity::Error, "The client gives up on every answer."),
        false => (Severity::Warning, "The client gives up on answers that it does not stream."),
    };
    let certainty = if answered { Certainty::Certain } else { Certainty::Possible };
    Finding::new(severity, certainty, Blame::Client, because)
        .so(so)
        .fix(format!("Raise the client's timeout from {limit_s} s to more than {}.", span(ms * 1.5)))
        .cite([shown.exchange])
        .cite(first.map(|(shown, _)| shown.exchange))
        .detail("client_timeout_s", limit_s)
}
