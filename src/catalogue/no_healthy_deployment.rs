//! The gateway has no backend left for the model.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, limits, naming};
use crate::facts::Cause;

/// All backends of the name are down, cooling or filtered out.
pub const MODE: FailureMode = FailureMode {
    id: "no-healthy-deployment",
    title: "The gateway has no backend left for this model",
    family: "model",
    symptom: "429 \"No deployments available for selected model, Try again in 5 seconds\", 500 \"No healthy deployment available\", \
              503 \"no available model provider\"; it looks like a rate limit, and waiting helps for one request at most.",
    cause: "A router takes a backend out after failures (LiteLLM: cooldown) or by its rules (region, data policy, required parameters). The \
            reason stands in an earlier error, often a wrong key or model name upstream. LiteLLM stamps it 429, yet it is no rate limit: \
            the text speaks of deployments, not of requests per minute. When an earlier try showed another error, that one is the cause.",
    fix: &[
        "Look for the first error in the gateway's log: what put the backend into cooldown?",
        "LiteLLM: check `api_key`, `api_base` and `model` of every deployment of the name; `allowed_fails` and `cooldown_time` in router_settings; \
         `disable_cooldowns: true` while diagnosing.",
        "OpenRouter: relax `provider` rules (only, order, require_parameters, data policy).",
        "Do not retry faster than the cooldown: each failure begins a new one.",
    ],
    references: &[
        "https://github.com/BerriAI/litellm/pull/2493",
        "https://github.com/BerriAI/litellm/issues/2487",
        "https://github.com/BerriAI/litellm/issues/20867",
        "https://openrouter.ai/docs/api/reference/errors-and-debugging",
    ],
    explains: &["rate-limited", "rate-limit-no-retry-after", "rate-limit-hidden", "intermittent-failure"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let chat = case.chat();
    if !chat.asked() {
        return Verdict::untested("no chat was asked");
    }
    if chat.answer().is_some() {
        return Verdict::absent("a backend answered the control");
    }
    let Some(cooling) = chat.tries.iter().copied().find(|shown| shown.caused_by(&[Cause::NoDeployment])) else {
        return Verdict::absent("no refusal of chat spoke of backends");
    };
    match chat.first().filter(|first| first.id != cooling.id && !first.caused_by(limits::PASSING)) {
        Some(first) => consequence(case, first, cooling),
        None => root(case, cooling),
    }
}

fn root(case: &Case, cooling: &Shown) -> Verdict {
    let certainty = if naming::is_said(cooling) { Certainty::Likely } else { Certainty::Possible };
    let because = format!(
        "{} of {} chats were answered with {}.{}",
        count(case),
        case.chat().tries.len(),
        cooling.account(),
        naming::controls(case, cooling)
    );
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("Every chat with this model is refused by the gateway itself, and the true reason is not told to clients.")
        .cite([cooling.exchange])
        .cite(naming::siblings(case).first().map(|shown| shown.exchange));
    limits::with_hint(case, cooling, finding).present()
}

/// The router hides an earlier error: worth knowing, and not the cause.
fn consequence(case: &Case, first: &Shown, cooling: &Shown) -> Verdict {
    let because = format!("The first chat was answered with {}; after it came {}.", first.account(), cooling.account());
    let finding = Finding::new(Severity::Info, Certainty::Likely, Blame::Gateway, because)
        .so("Clients that show the last error only report a rate limit, and the first error is the true one.")
        .cite([cooling.exchange, first.exchange]);
    limits::with_hint(case, cooling, finding).present()
}

fn count(case: &Case) -> usize {
    case.chat().tries.iter().filter(|shown| shown.caused_by(&[Cause::NoDeployment])).count()
}
