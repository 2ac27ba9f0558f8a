//! Passes alone, refused side by side.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, limits, naming};
use crate::facts::Cause;

/// Passes alone, refused side by side.
pub const MODE: FailureMode = FailureMode {
    id: "concurrency-limited",
    title: "Requests side by side are refused",
    family: "limits",
    symptom: "429 or 403 \"Too many concurrent requests\", 402 with Retry-After, or \"timed out waiting for a concurrent request slot\"; one chat \
              at a time works. Chat programs that make titles, tags or agents beside the chat fail.",
    cause: "The key, plan or server allows only so many requests at a time. The text says so, and the same question passes when nothing else \
            is on its way. A limit per minute would also strike one after the other.",
    fix: &[
        "Send one after the other: turn off title, tag and follow-up generation, and limit parallel agents.",
        "LiteLLM: raise `max_parallel_requests` of key or team; Ollama: OLLAMA_NUM_PARALLEL and OLLAMA_MAX_QUEUE; llama.cpp: --parallel.",
        "Have the gateway queue instead of refusing.",
    ],
    references: &[
        "https://github.com/Wei-Shaw/claude-relay-service/pull/773",
        "https://github.com/BerriAI/litellm/issues/2218",
        "https://github.com/QwenLM/qwen-code/issues/3409",
        "https://github.com/ros-claw/rosclaw/pull/560",
        "https://github.com/Wei-Shaw/sub2api/pull/6204",
        "https://github.com/devops-thiago/ThrillhouseBot/issues/838",
    ],
    explains: &["rate-limited", "rate-limit-no-retry-after", "rate-limit-hidden", "intermittent-failure"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let met: Vec<&Shown> = limits::with_cause(case, &[Cause::ConcurrencyLimited]).collect();
    match met.first() {
        Some(first) => present(case, &met, first),
        None => Verdict::absent("no answer speaks of too many requests at a time"),
    }
}

fn present(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let beside = met.iter().filter(|shown| case.all().any(|other| limits::overlaps(shown, other))).count();
    let alone = case.all().find(|shown| shown.answered() && !case.all().any(|other| limits::overlaps(shown, other)));
    let passed = alone.map(|shown| format!(" Alone, chat was answered after {:.0} ms.", shown.total_ms())).unwrap_or_default();
    let because = format!(
        "{} met {}; {beside} of the refused were sent while another was on its way.{passed}",
        limits::share(case, met),
        first.account()
    );
    let told_apart = alone.is_some() && beside == met.len();
    let certainty = match (naming::is_said(first), told_apart) {
        (true, true) => Certainty::Certain,
        (true, false) => Certainty::Likely,
        _ => Certainty::Possible,
    };
    let severity = limits::standing(case, met).max(Severity::Warning);
    let finding = Finding::new(severity, certainty, Blame::Gateway, because)
        .so("Clients that send a second request beside the chat (titles, tags, agents) see it refused.")
        .cite([first.exchange])
        .cite(alone.map(|shown| shown.exchange));
    limits::with_hint(case, first, finding).present()
}
