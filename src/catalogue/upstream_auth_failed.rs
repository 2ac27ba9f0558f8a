//! The gateway takes our key; its own key upstream is refused.

use super::timing::{boxes, seen};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, auth};
use crate::evidence::Ask;
use crate::facts::{self, Cause, Speaker, Strength};

/// The gateway takes our key; its own key upstream is refused.
pub const MODE: FailureMode = FailureMode {
    id: "upstream-auth-failed",
    title: "The gateway's own credential is refused by the provider behind it",
    family: "key",
    symptom: "The model list loads with your key, and chat says that the API key is wrong; a second try may speak of a rate limit.",
    cause: "Two credentials are at work: yours for the gateway, and the gateway's for the provider. Here the second one is refused or \
            missing. It is told from a wrong key of yours by who speaks in the error, and by a garbage key that gets another refusal. \
            Routers put such a deployment on cooldown, so that later tries get 429: only the first answer tells the truth.",
    fix: &[
        "Gateway: set or renew the provider's key for this model; your own key is fine.",
        "Gateway: check that the key's variable reaches the process (container, unit file), and that no caller's header is passed on in its place.",
    ],
    references: &[
        "https://docs.litellm.ai/docs/proxy/error_diagnosis",
        "https://github.com/continuedev/continue/issues/10196",
        "https://github.com/BerriAI/litellm/pull/38299",
        "https://github.com/promptfoo/promptfoo/pull/10536",
    ],
    explains: &[
        "no-healthy-deployment",
        "rate-limited",
        "rate-limit-no-retry-after",
        "rate-limit-hidden",
        "key-rejected",
        "intermittent-failure",
        "gateway-misconfigured",
    ],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let chat = case.chat();
    let Some(first) = chat.first() else { return Verdict::untested("no chat was sent") };
    if let Some(told) = chat.tries.iter().copied().find(|shown| is_about_upstream(shown)) {
        return named(case, told);
    }
    if chat.answer().is_some() {
        return Verdict::absent("chat was answered");
    }
    if let Some(bare) = auth::quotes_unsent_key(case).filter(|bare| auth::alike(first, bare)) {
        return unsent(case, first, bare);
    }
    if let Some(bare) = auth::passed_on_without_key(case).filter(|bare| auth::alike(first, bare)) {
        return passed_on(case, first, bare);
    }
    match another_refusal(case, first) {
        Some(garbage) => inferred(case, first, garbage),
        None => Verdict::untested(format!("nothing shows whose key the failure is about: {}", first.account())),
    }
}

/// The refusal is about the gateway's credential, or about a key and spoken by a provider behind the gateway.
fn is_about_upstream(shown: &Shown) -> bool {
    let spoken = |reading: &facts::Reading| {
        let about_keys = matches!(reading.cause, Cause::KeyRejected | Cause::KeyMissing);
        reading.cause == Cause::UpstreamAuth || (about_keys && matches!(reading.speaker, Speaker::Upstream(_)))
    };
    shown.status() != Some(200) && shown.causes.first().is_some_and(spoken)
}

/// The error itself says that the provider refuses the gateway.
fn named(case: &Case, told: &Shown) -> Verdict {
    let proofs = [accepts_key(case), another_refusal(case, told).is_some()];
    let certainty = if proofs.contains(&true) { Certainty::Certain } else { Certainty::Likely };
    let because = format!("chat was refused in the provider's name ({}){}{}", told.account(), list(case), later(case, told));
    finding(case, told, certainty, because).present()
}

/// Our key gets past the gateway's door, a garbage key does not.
fn inferred(case: &Case, first: &Shown, garbage: &Shown) -> Verdict {
    let because = format!("with the given key: {}; with a garbage key: {}{}", first.account(), garbage.account(), list(case));
    let certainty = if accepts_key(case) && first.cause().is_some() { Certainty::Likely } else { Certainty::Possible };
    finding(case, first, certainty, because).cite([garbage.exchange]).present()
}

/// Without any key the same is said, and a key is quoted that nobody sent.
fn unsent(case: &Case, first: &Shown, bare: &Shown) -> Verdict {
    let because = format!("with the given key: {}; without a key a key is quoted all the same: {}", first.account(), bare.account());
    finding(case, first, Certainty::Likely, because).cite([bare.exchange]).present()
}

/// Without any key the gateway asks what is behind it all the same, and that calls a key invalid.
fn passed_on(case: &Case, first: &Shown, bare: &Shown) -> Verdict {
    let because = format!(
        "with the given key: {}; without a key the gateway passed the request on all the same, and a key was called invalid: {}",
        first.account(),
        bare.account()
    );
    let finding = finding(case, first, Certainty::Possible, because).cite([bare.exchange]);
    finding
        .fix("If this gateway passes the caller's key on to the provider, that key is the one refused: use one of the provider's.")
        .present()
}

fn finding(case: &Case, told: &Shown, certainty: Certainty, because: String) -> Finding {
    let boxes = boxes(case);
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("No chat with this model works for anybody until the gateway's operator repairs its credential.")
        .cite([told.exchange])
        .cite(case.chat().tries.iter().map(|shown| shown.exchange))
        .detail("boxes", boxes.clone());
    if seen(&boxes, "litellm") {
        return finding.fix(
            "LiteLLM: check `api_key` of this model in `litellm_params` (`os.environ/NAME` needs the variable in the proxy's environment).",
        );
    }
    finding
}

/// The list is given to our key and refused to a garbage one.
fn accepts_key(case: &Case) -> bool {
    let garbage = case.trial(Ask::ModelsGarbageKey);
    case.models().is_some() && garbage.asked() && garbage.tries.iter().all(|shown| shown.models().is_none())
}

/// A refusal of our key, or a 401 without a reason, where a garbage key is refused in other words.
fn another_refusal<'c, 'e>(case: &'c Case<'e>, first: &Shown) -> Option<&'c Shown<'e>> {
    let reading = first.causes.first().filter(|reading| reading.strength < Strength::Weak);
    let about_keys = match (first.status(), reading.map(|reading| reading.cause)) {
        (Some(401), None) => matches!(first.cause(), None | Some(Cause::KeyRejected)),
        (Some(400..=403 | 500..), Some(cause)) => matches!(cause, Cause::KeyRejected | Cause::KeyMissing | Cause::UpstreamAuth),
        _ => false,
    };
    let garbage = case.trial(Ask::ChatGarbageKey).failure().filter(|shown| matches!(shown.status(), Some(400..=403)))?;
    let same_key = !matches!(first.request.credential, crate::evidence::Credential::None);
    (about_keys && same_key && words(first) != words(garbage)).then_some(garbage)
}

/// What a refusal says, without what it quotes of the key.
fn words(shown: &Shown) -> (Option<u16>, Option<String>, String) {
    let error = shown.error();
    let message = error.map(|error| error.message.as_str()).unwrap_or_default();
    let quotes_key = |word: &&str| !word.contains('*') && !word.contains('[') && !word.contains("sk-");
    let plain: Vec<_> = message.split_whitespace().filter(quotes_key).collect();
    (shown.status(), error.and_then(|error| error.code.clone()), plain.join(" "))
}

fn list(case: &Case) -> String {
    match (accepts_key(case), case.models()) {
        (true, Some(list)) => format!("; the same key gets a list of {} models, a garbage key does not", list.entries.len()),
        (false, Some(list)) => format!("; the list has {} models", list.entries.len()),
        (_, None) => String::new(),
    }
}

fn later(case: &Case, told: &Shown) -> String {
    let chat = case.chat();
    let other = chat.tries.iter().rfind(|shown| shown.account() != told.account());
    other.map(|shown| format!("; another try got {}", shown.account())).unwrap_or_default()
}
