//! The provider has no capacity.

use super::{Blame, Case, FailureMode, Finding, Shown, Verdict, limits};
use crate::facts::Cause;

/// Provider capacity.
pub const MODE: FailureMode = FailureMode {
    id: "upstream-overloaded",
    title: "The provider is overloaded",
    family: "limits",
    symptom: "529 `overloaded_error`, 503 \"server is overloaded\", 429 \"The engine is currently overloaded\", 498; it comes and goes with the \
              hour, also when you send little.",
    cause: "The provider (or the engine) has no capacity for this model. The text speaks of load, not of your limit; your own rate does not matter. \
            A 503 that names group and model is routing, and one that speaks of loading passes once the model is in memory.",
    fix: &[
        "Back off with growing pauses; give the client a fallback model or provider.",
        "Other models of the same provider are often free: try a smaller or older one.",
        "Own engine: more slots (vLLM --max-num-seqs, llama.cpp --parallel) or a queue in front.",
    ],
    references: &[
        "https://docs.claude.com/en/api/errors",
        "https://github.com/apify/tester-mcp-client/issues/16",
        "https://github.com/cline/cline/issues/440",
        "https://github.com/mahonzhan/awesome-coding-plan/issues/20",
        "https://console.groq.com/docs/flex-processing",
    ],
    explains: &["rate-limited", "rate-limit-no-retry-after", "upstream-unavailable", "intermittent-failure"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let mut met: Vec<&Shown> = limits::with_cause(case, &[Cause::Overloaded]).collect();
    if met.is_empty() {
        met = limits::wordless(case, 529);
    }
    match met.first() {
        Some(first) => present(case, &met, first),
        None => Verdict::absent("no answer speaks of overload"),
    }
}

fn present(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let later = limits::passed_later(case, first);
    let after = later.map(|shown| format!(" Asked again {:.0} ms later, it was answered.", shown.at_ms - first.at_ms)).unwrap_or_default();
    let because = format!("{} met {}.{after}", limits::share(case, met), first.account());
    let finding = Finding::new(limits::standing(case, met), limits::said_certainty(first), Blame::Upstream, because)
        .so("Requests are refused as long as the provider lacks capacity; it passes without a change on this side.")
        .cite([first.exchange])
        .cite(later.map(|shown| shown.exchange));
    limits::with_hint(case, first, finding).present()
}
