//! A rate limit that does not say how long to wait.

use super::rate_limited::{consequence, usable};
use super::{Blame, Case, Certainty, FailureMode, Finding, Shown, Verdict, limits};

/// 429 without a usable hint.
pub const MODE: FailureMode = FailureMode {
    id: "rate-limit-no-retry-after",
    title: "A rate limit does not say how long to wait",
    family: "limits",
    symptom: "429 after 429: clients retry after half a second, then one, then two, and give up while the window still lasts.",
    cause: "The 429 has no Retry-After and no wait in its body. Proxies answer so by themselves (nginx limit_req), and gateways lose the header of \
            their upstream (LiteLLM renames it to llm_provider-retry-after). At times the reset of a bucket stands in headers of the vendor.",
    fix: &[
        "Back off with growing pauses and some chance in them, starting at several seconds.",
        "nginx: `limit_req_status 429` with an error_page that adds Retry-After. Gateways: pass the upstream's Retry-After on.",
        "Read the vendor's headers: anthropic-ratelimit-…-reset, x-ratelimit-reset-…, llm_provider-….",
    ],
    references: &["https://github.com/anthropics/anthropic-sdk-typescript/issues/357", "https://github.com/lidge-jun/opencodex/pull/514"],
    explains: &["intermittent-failure"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let met = limits::rate_limits(case);
    if met.is_empty() {
        return Verdict::absent(format!("none of {} requests met a rate limit", case.all().count()));
    }
    let silent: Vec<&Shown> = met.iter().copied().filter(|shown| usable(case, shown).is_none()).collect();
    match silent.first() {
        Some(first) => present(case, &silent, first),
        None => Verdict::absent(format!("each of {} answers with 429 says how long to wait", met.len())),
    }
}

fn present(case: &Case, silent: &[&Shown], first: &Shown) -> Verdict {
    let elsewhere = match limits::hint(case, first) {
        Some(hint) => format!(" Only the vendor's own header tells: {}.", limits::in_words(&hint)),
        None => " Neither a header nor the body says how long to wait.".to_owned(),
    };
    let by = limits::speaker(first).map(|name| format!(" It was {name} that answered.")).unwrap_or_default();
    let because = format!("{} met {}.{elsewhere}{by}", limits::share(case, silent), first.account());
    let severity = limits::standing(case, silent);
    let later = limits::passed_later(case, first);
    let certainty = if later.is_some() && first.cause().is_some() { Certainty::Certain } else { Certainty::Likely };
    let finding = Finding::new(severity, certainty, Blame::Gateway, because)
        .so(format!("{} Clients can only guess how long to wait.", consequence(case, severity)))
        .cite([first.exchange])
        .cite(later.map(|shown| shown.exchange));
    limits::with_hint(case, first, finding).present()
}
