//! The gateway itself takes longer than the network explains.

use super::timing::span;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};

/// The gateway adds more than the network explains.
pub const MODE: FailureMode = FailureMode {
    id: "gateway-latency",
    title: "The gateway itself makes answers slow",
    family: "gateway",
    symptom: "Through the gateway every answer begins later than from the upstream directly, often by the same number of seconds.",
    cause: "Blocking callbacks and logging, a database or cache that does not answer, name resolution that waits for a dead server (a constant \
            5 s), too few workers, or a fail-over that tries a dead deployment first. Long prompts and cold models make the upstream \
            itself slow: that is no matter of the gateway.",
    fix: &[
        "Compare the time to the first byte with the upstream's, several times each: one slow answer shows nothing.",
        "LiteLLM: look at `x-litellm-overhead-duration-ms`; switch callbacks off one by one, and give the proxy more workers.",
        "A constant 5 s points at name resolution or at an outgoing connection that times out.",
    ],
    references: &[
        "https://github.com/BerriAI/litellm/issues/38689",
        "https://github.com/BerriAI/litellm/issues/26699",
        "https://github.com/BerriAI/litellm/issues/9491",
        "https://github.com/BerriAI/litellm/issues/8671",
    ],
    explains: &[],
    diagnose,
};

/// Below this many milliseconds nobody notices.
const NOTICED_MS: f64 = 500.0;

fn diagnose(case: &Case) -> Verdict {
    let told: Vec<(&Shown, f64)> =
        case.all().filter(|shown| shown.answered()).filter_map(|shown| Some((shown, overhead(shown)?))).collect();
    let Some(least) = told.iter().min_by(|a, b| a.1.total_cmp(&b.1)) else {
        return Verdict::untested("the upstream was not asked directly, and no header tells what the gateway adds");
    };
    let heavy = told.iter().all(|(shown, ms)| *ms >= NOTICED_MS && *ms * 2.0 >= shown.total_ms());
    if heavy { present(least, told.len()) } else { Verdict::absent(format!("LiteLLM counts {} of its own", span(least.1))) }
}

/// Milliseconds that LiteLLM says it took itself.
fn overhead(shown: &Shown) -> Option<f64> {
    shown.response()?.header("x-litellm-overhead-duration-ms")?.trim().parse().ok().filter(|ms: &f64| ms.is_finite())
}

fn present(least: &(&Shown, f64), count: usize) -> Verdict {
    let (shown, ms) = least;
    let because =
        format!("LiteLLM took {} or more itself, of {} in all, in {count} of {count} answers.", span(*ms), span(shown.total_ms()));
    let certainty = if count > 1 { Certainty::Certain } else { Certainty::Likely };
    Finding::new(Severity::Warning, certainty, Blame::Gateway, because)
        .so("Most of the wait is the gateway's and not the model's.")
        .cite([shown.exchange])
        .detail("overhead_ms", ms.round())
        .present()
}
