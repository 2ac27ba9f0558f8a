//! The budget of a day, a window, a key or a team is used up.

use super::{Blame, Case, FailureMode, Finding, Shown, Verdict, limits};
use crate::facts::{Cause, Speaker};

/// Day, window, key or team budget used up.
pub const MODE: FailureMode = FailureMode {
    id: "quota-exhausted",
    title: "A quota or budget is used up",
    family: "limits",
    symptom: "429, 400, 401, 402 or 412 \"free-models-per-day\", \"Budget has been exceeded\", \"usage limit reached\", \"per day per user\"; \
              waiting for seconds does not help, another key may.",
    cause: "A budget with a window (day, month, plan) or a sum (key, team, user) is spent. The text names the window or the budget; a \
            rate limit names requests or tokens per minute, and an empty account speaks of credits, balance or billing.",
    fix: &[
        "Wait for the reset that the message or the plan names, or use another key or plan.",
        "LiteLLM: raise `max_budget` of key, team or user, or shorten `budget_duration`. Portkey: raise the key's budget.",
        "Stop automatic retries: they cannot succeed before the reset.",
    ],
    references: &[
        "https://github.com/google-gemini/gemini-cli/issues/10513",
        "https://github.com/google-gemini/gemini-cli/issues/8437",
        "https://github.com/BerriAI/litellm/pull/40002",
        "https://github.com/BerriAI/litellm/issues/27735",
        "https://github.com/langgenius/dify/issues/19838",
        "https://docs.llmgateway.io/resources/error-handling",
        "https://portkey.ai/docs/api-reference/inference-api/error-codes",
    ],
    explains: &[
        "rate-limited",
        "rate-limit-no-retry-after",
        "rate-limit-hidden",
        "no-healthy-deployment",
        "key-rejected",
        "error-in-success",
        "intermittent-failure",
    ],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let met: Vec<&Shown> = limits::with_cause(case, &[Cause::QuotaExhausted]).collect();
    match met.first() {
        Some(first) => present(case, &met, first),
        None if case.chat().asked() => Verdict::absent("no answer speaks of a quota or a budget"),
        None => Verdict::untested("no chat was asked"),
    }
}

fn present(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let because = format!("{} met {}.", limits::share(case, met), first.account());
    let finding = Finding::new(limits::hard_standing(case, met), limits::said_certainty(first), blame(first), because)
        .so("Nothing more is answered until the quota is reset or raised; retrying is useless.")
        .cite([first.exchange]);
    limits::with_hint(case, first, finding).present()
}

fn blame(shown: &Shown) -> Blame {
    let behind = shown.causes.first().is_some_and(|reading| matches!(reading.speaker, Speaker::Upstream(_)));
    if behind { Blame::Gateway } else { Blame::Key }
}
