//! The key is valid and may not use this model.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, naming};
use crate::evidence::Ask;
use crate::facts::{Cause, Speaker};

/// The key is valid, this model is not allowed for it.
pub const MODE: FailureMode = FailureMode {
    id: "model-access-denied",
    title: "The key may not use this model",
    family: "model",
    symptom: "403 \"key not allowed to access model\", \"Project … does not have access to model\", 404 \"does not exist or you do not have \
              access to it\" for a model of the list, or 429 with `limit: 0`. Other models work with the same key.",
    cause: "The key, its team, project or plan does not include the model. Told from a bad key by the words (a garbage key is refused in \
            others) and by other models that the same key reaches; told from a wrong name by the list, which has the name. One text serves both \
            at OpenAI and its like: then only list and siblings speak, and the finding says how sure it is.",
    fix: &[
        "Use a model that this key may use.",
        "LiteLLM: add the model to the key's and to the team's `models`. OpenAI: allow it in the project's limits, or verify the organisation. \
         Azure and Bedrock: request access to the model in this region.",
        "Free plans: `limit: 0` means that the plan does not include the model at all; waiting does not help.",
    ],
    references: &[
        "https://github.com/BerriAI/litellm/issues/38629",
        "https://github.com/BerriAI/litellm/pull/39660",
        "https://github.com/BerriAI/litellm/pull/39867",
        "https://github.com/openai/codex/issues/1982",
        "https://github.com/theopenco/llmgateway/pull/909",
    ],
    explains: &[
        "no-healthy-deployment",
        "rate-limited",
        "rate-limit-no-retry-after",
        "models-list-unusable",
        "endpoint-missing",
        "error-in-success",
    ],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.chat().asked() {
        return Verdict::untested("no chat was asked, so no name was tried");
    }
    let Some(failure) = naming::failure(case) else { return Verdict::absent("the key was allowed to use the model") };
    match certainty(case, failure) {
        Some(certainty) => present(case, failure, certainty),
        None => Verdict::absent(format!("nothing shows that this key is kept from this model: {}", failure.account())),
    }
}

fn certainty(case: &Case, failure: &Shown) -> Option<Certainty> {
    let siblings = !naming::siblings(case).is_empty();
    match failure.cause() {
        Some(Cause::ModelDenied) if like_garbage_key(case, failure) => Some(Certainty::Possible),
        Some(Cause::ModelDenied) if siblings && case.chat().repeats() => Some(Certainty::Certain),
        Some(Cause::ModelDenied) => Some(if naming::is_said(failure) { Certainty::Likely } else { Certainty::Possible }),
        Some(Cause::ModelOrAccess) if in_list_and_own_words(case, failure) => {
            Some(if siblings { Certainty::Likely } else { Certainty::Possible })
        }
        _ => (siblings && bare_403(case, failure)).then_some(Certainty::Possible),
    }
}

/// A garbage key hears the very same: then the text does not prove that this key is known.
fn like_garbage_key(case: &Case, failure: &Shown) -> bool {
    case.asked(Ask::ChatGarbageKey).any(|shown| naming::alike(failure, shown))
}

/// The list has the name, and the text speaks about that very name: unknown it is not.
fn in_list_and_own_words(case: &Case, failure: &Shown) -> bool {
    let behind = naming::speaks_from_behind(failure) && naming::like_nonsense(case, failure) == Some(false);
    naming::listed(case, naming::wanted(case)) == Some(true) && !behind
}

/// A 403 in JSON without telling words, which neither a nonsense name nor a garbage key hears.
fn bare_403(case: &Case, failure: &Shown) -> bool {
    let json = failure.error().is_some_and(|error| error.form == "json");
    let open = !naming::is_said(failure) || failure.caused_by(&[Cause::InvalidRequest]);
    let own = naming::like_nonsense(case, failure) == Some(false) && !like_garbage_key(case, failure);
    failure.status() == Some(403) && json && open && own && case.chat().repeats()
}

fn present(case: &Case, failure: &Shown, certainty: Certainty) -> Verdict {
    let because = format!("{} was answered with {}.{}", naming::chat(case), failure.account(), naming::controls(case, failure));
    let siblings = naming::siblings(case);
    let answered: Vec<String> = siblings.iter().filter_map(|shown| shown.model()).map(str::to_owned).collect();
    let mut finding = Finding::new(Severity::Error, certainty, blame(failure), because)
        .so("Every chat with this model is refused under this key; other models are not affected.")
        .cite([failure.exchange])
        .cite(siblings.first().map(|shown| shown.exchange))
        .detail("suggestions", answered.clone())
        .detail("answered", answered.clone());
    if let Some(name) = answered.first() {
        finding = finding.fix(format!("With this key “{name}” is answered: use it, or ask for access to “{}”.", naming::wanted(case)));
    }
    finding.present()
}

/// When a provider behind the gateway says so, it is the gateway's key that lacks access.
fn blame(failure: &Shown) -> Blame {
    let upstream = failure.causes.first().is_some_and(|reading| matches!(reading.speaker, Speaker::Upstream(_)));
    if upstream { Blame::Gateway } else { Blame::Key }
}
