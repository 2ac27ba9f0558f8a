//! The model was taken out of service.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Verdict, naming};
use crate::facts::Cause;

/// The name was valid once.
pub const MODE: FailureMode = FailureMode {
    id: "model-retired",
    title: "The model was taken out of service",
    family: "model",
    symptom: "An app that worked for months says 400 `model_decommissioned`, \"has been deprecated\", \"is no longer supported\", or 404.",
    cause: "Providers retire models, and apps carry names in their code or in a stale list of their own. The server says so itself; \
            a name that never existed is refused in other words. Without such a text a retired name cannot be told from an unknown one.",
    fix: &[
        "Switch to the successor that the message or the provider's deprecation page names.",
        "Use an alias such as …-latest where the provider has one, and watch its deprecation page.",
        "On a gateway, map the old name to a current model (LiteLLM: `model_name` stays, `litellm_params.model` changes).",
    ],
    references: &[
        "https://github.com/rashadphz/farfalle/issues/107",
        "https://github.com/RightNow-AI/openfang/issues/60",
        "https://github.com/The-AgenticFlow/openflows/issues/129",
    ],
    explains: &["no-healthy-deployment", "rate-limited", "rate-limit-no-retry-after", "models-list-unusable", "error-in-success"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.chat().asked() {
        return Verdict::untested("no chat was asked, so no name was tried");
    }
    let Some(failure) = naming::failure(case) else { return Verdict::absent("the model was answered") };
    if !failure.caused_by(&[Cause::ModelRetired]) {
        return Verdict::absent(format!("the refusal does not speak of a retired model: {}", failure.account()));
    }
    let told_apart = naming::like_nonsense(case, failure) == Some(false);
    let certainty = match (naming::is_said(failure), told_apart && case.chat().repeats() && !naming::siblings(case).is_empty()) {
        (true, true) => Certainty::Certain,
        (true, false) => Certainty::Likely,
        _ => Certainty::Possible,
    };
    let because = format!("{} was answered with {}.{}", naming::chat(case), failure.account(), naming::controls(case, failure));
    let suggested = naming::suggestions(case);
    let mut finding = Finding::new(Severity::Error, certainty, Blame::Client, because)
        .so("This name will not come back; every chat under it fails until another is set.");
    if let Some(name) = suggested.first() {
        finding = finding.fix(format!("Of the list here, “{name}” is worth a try."));
    }
    finding.cite([failure.exchange]).detail("answered", naming::proven(case, &suggested)).detail("suggestions", suggested).present()
}
