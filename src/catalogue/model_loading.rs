//! The model is still being loaded.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, limits};
use crate::evidence::Ask;
use crate::facts::Cause;

/// The first call loads the model.
pub const MODE: FailureMode = FailureMode {
    id: "model-loading",
    title: "The model is still being loaded",
    family: "model",
    symptom: "The first message after a pause fails or times out, a second try works; 503 \"Loading model\", \"is currently loading\" with \
              `estimated_time`, \"timed out waiting for llama runner\".",
    cause: "The server loads the weights when they are first asked for, or has just started. It says so in its refusal. Clients that give up \
            cancel the load at some servers, so that every try begins anew.",
    fix: &[
        "Wait and try again; send one short request to warm the model up before people use it.",
        "Ollama: raise OLLAMA_KEEP_ALIVE (or `keep_alive`) so that the model stays in memory. Hugging Face: send x-wait-for-model: true.",
        "Give the client a longer time for the first byte, and let a gateway's health check ask for a token, not only for the port.",
    ],
    references: &[
        "https://github.com/danny-avila/LibreChat/issues/3330",
        "https://github.com/cline/cline/pull/12839",
        "https://github.com/kevinhermawan/Ollamac/issues/68",
    ],
    explains: &["upstream-unavailable", "intermittent-failure", "upstream-overloaded"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.chat().asked() {
        return Verdict::untested("no chat was asked");
    }
    let refused: Vec<&Shown> = limits::with_cause(case, &[Cause::ModelLoading]).filter(|shown| is_wanted(case, shown)).collect();
    match refused.first() {
        Some(first) => present(case, first, &refused),
        None => Verdict::absent("no answer spoke of a model being loaded"),
    }
}

/// Another model of the list may load as it likes.
fn is_wanted(case: &Case, shown: &Shown) -> bool {
    !matches!(shown.ask, Ask::NearModel | Ask::OtherModel | Ask::NonsenseModel) && shown.model() == case.subject().model.as_deref()
}

fn present(case: &Case, first: &Shown, refused: &[&Shown]) -> Verdict {
    let later = case.all().find(|shown| shown.answered() && shown.at_ms > first.at_ms && is_wanted(case, shown));
    let after = match later {
        Some(shown) => format!(" {:.0} ms later it was answered.", shown.at_ms - first.at_ms),
        None => {
            format!(" {} tries in {:.0} ms heard the same.", refused.len(), refused.last().map_or(0.0, |last| last.at_ms - first.at_ms))
        }
    };
    let severity = if later.is_some() { Severity::Warning } else { Severity::Error };
    let certainty = if later.is_some() { Certainty::Certain } else { Certainty::Likely };
    let because = format!("Chat was answered with {}.{after}", first.account());
    let finding = Finding::new(severity, certainty, Blame::Upstream, because)
        .so("The first messages after a start or a pause fail; clients that do not wait and try again show an error.")
        .cite([first.exchange])
        .cite(later.map(|shown| shown.exchange));
    limits::with_hint(case, first, finding).present()
}
