//! There is no money left.

use super::{Blame, Case, FailureMode, Finding, Shown, Verdict, limits};
use crate::facts::{Cause, Speaker};

/// No money: a hard stop, retrying is useless.
pub const MODE: FailureMode = FailureMode {
    id: "credits-exhausted",
    title: "The account has no credit left",
    family: "limits",
    symptom: "402 \"requires more credits\", \"can only afford 0\"; 429 `insufficient_quota`; 400 \"You have reached your specified API usage \
              limits\"; 400 Arrearage; \"用户额度不足\". Clients show it as a rate limit and retry for ever.",
    cause: "The balance is zero or below the price of the request, or a spend cap was reached. Many stamp it 429; the text speaks of quota with \
            billing, balance or credit, and has no Retry-After. When a gateway forwards it, it is the operator's account that is empty.",
    fix: &[
        "Top the account up, or raise the spend limit of account, project and key.",
        "402 \"can only afford N\": lower max_tokens; the price of the longest possible answer is reserved first.",
        "If the text is a provider's and you pay the gateway, tell the gateway's operator: it is their account.",
    ],
    references: &[
        "https://github.com/Pythagora-io/gpt-pilot/issues/340",
        "https://github.com/ChatGPTNextWeb/NextChat/issues/1792",
        "https://github.com/anomalyco/opencode/issues/12219",
        "https://github.com/Gitlawb/openclaude/issues/1125",
        "https://github.com/QwenLM/qwen-code/issues/73",
        "https://github.com/HeyPuter/puter/issues/1977",
    ],
    explains: &[
        "rate-limited",
        "rate-limit-no-retry-after",
        "rate-limit-hidden",
        "no-healthy-deployment",
        "error-in-success",
        "intermittent-failure",
    ],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let mut met: Vec<&Shown> = limits::with_cause(case, &[Cause::CreditsExhausted]).collect();
    if met.is_empty() {
        met = limits::wordless(case, 402);
    }
    match met.first() {
        Some(first) => present(case, &met, first),
        None if case.chat().asked() => Verdict::absent("no answer speaks of credit, balance or billing"),
        None => Verdict::untested("no chat was asked"),
    }
}

fn present(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let because = format!("{} met {}.", limits::share(case, met), first.account());
    let behind = first.causes.first().is_some_and(|reading| matches!(reading.speaker, Speaker::Upstream(_)));
    let (blame, whose) = if behind { (Blame::Gateway, "the gateway operator's") } else { (Blame::Key, "the key's") };
    let finding = Finding::new(limits::hard_standing(case, met), limits::said_certainty(first), blame, because)
        .so(format!("Nothing is answered until {whose} account is paid up; no wait and no retry helps."))
        .cite([first.exchange]);
    limits::with_hint(case, first, finding).present()
}
