//! The model's name is not one that the answering side knows.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, naming};
use crate::evidence::Ask;
use crate::facts::Cause;

/// Unknown, misspelt, with the wrong prefix, a deployment's name, or listed by the gateway and unknown behind it.
pub const MODE: FailureMode = FailureMode {
    id: "model-name-mismatch",
    title: "The model's name is not known to the side that answers",
    family: "model",
    symptom: "404 \"The model `…` does not exist or you do not have access to it\", 400 \"Invalid model name\", \"is not a valid model ID\", \
              \"DeploymentNotFound\", \"LLM Provider NOT provided\". Some clients turn it into \"not found, verify your API base\".",
    cause: "The name is misspelt, differs in case, has a blank, lacks a prefix or has one too many, is a model's name where a deployment's is \
            wanted, or stands in the gateway's list while the upstream behind it knows no such model. The proof is a name that no server has: \
            it is refused just like the wanted one, while a name from the list is answered. If the nonsense name is answered too, names are \
            not looked at. If the name is in the list and the text also speaks of access, it is a matter of access; a text that \
            says \"decommissioned\" means a retired model.",
    fix: &[
        "Copy the name from /v1/models of this very base and key: case, prefix, date and tag included.",
        "LiteLLM: the name is `model_name` of the config, not the provider's; `litellm_params.model` must be one that the upstream knows.",
        "Azure: use the deployment's name. Bedrock: use the inference profile (us.…, eu.…). OpenRouter: vendor/model. vLLM: --served-model-name.",
        "one-api, new-api: the name must stand in a channel's model list; a mapping there sends another name upstream.",
    ],
    references: &[
        "https://github.com/BerriAI/litellm/issues/8821",
        "https://github.com/rksm/org-ai/issues/110",
        "https://github.com/nanbingxyz/5ire/issues/354",
        "https://github.com/RightNow-AI/openfang/issues/108",
        "https://github.com/vllm-project/vllm/issues/3486",
        "https://github.com/rashadphz/farfalle/issues/79",
        "https://github.com/aws-samples/bedrock-access-gateway/issues/73",
        "https://github.com/HeyPuter/puter/issues/3168",
        "https://github.com/nhaouari/obsidian-textgenerator-plugin/issues/304",
    ],
    explains: &[
        "no-healthy-deployment",
        "no-route-for-model",
        "upstream-unavailable",
        "models-list-unusable",
        "endpoint-missing",
        "rate-limited",
        "rate-limit-no-retry-after",
        "error-in-success",
    ],
    diagnose,
};

/// Causes whose text leaves open what is wrong: the nonsense name may still decide.
const OPEN: &[Cause] = &[
    Cause::InvalidRequest,
    Cause::RouteMissing,
    Cause::InternalError,
    Cause::ModelMissing,
    Cause::UpstreamUnavailable,
    Cause::GatewayConfig,
];

/// In which way the name does not fit.
#[derive(Clone, Copy, PartialEq)]
enum Misfit {
    /// Nobody knows it.
    Unknown,
    /// The gateway knows it, and what stands behind it does not.
    NotServed,
}

fn diagnose(case: &Case) -> Verdict {
    if !case.chat().asked() {
        return Verdict::untested("no chat was asked, so no name was tried");
    }
    let Some(failure) = naming::failure(case) else {
        return Verdict::absent(format!("“{}” was answered", naming::wanted(case)));
    };
    if naming::ignored(case).is_some() {
        return Verdict::absent("a name that no server has is answered, so names do not matter here");
    }
    match misfit(case, failure) {
        Some(Misfit::Unknown) => unknown(case, failure),
        Some(Misfit::NotServed) => not_served(case, failure),
        None => Verdict::absent(format!("the refusal is not about the name: {}", failure.account())),
    }
}

fn misfit(case: &Case, failure: &Shown) -> Option<Misfit> {
    let listed = naming::listed(case, naming::wanted(case)) == Some(true);
    let behind = naming::like_nonsense(case, failure) == Some(false) && naming::speaks_from_behind(failure);
    match failure.cause() {
        Some(Cause::ModelUnknown) if listed || behind => Some(Misfit::NotServed),
        Some(Cause::ModelUnknown) => Some(Misfit::Unknown),
        Some(Cause::ModelOrAccess) if behind => Some(Misfit::NotServed),
        Some(Cause::ModelOrAccess) => (!listed).then_some(Misfit::Unknown),
        Some(Cause::NoRoute) => (!listed && proven_close(case, failure)).then_some(Misfit::Unknown),
        Some(cause) if !OPEN.contains(&cause) && naming::is_said(failure) => None,
        _ => undecided(case, failure, listed),
    }
}

/// Refused like a name that no server has, while a close name is answered.
fn proven_close(case: &Case, failure: &Shown) -> bool {
    naming::like_nonsense(case, failure) == Some(true) && case.trial(Ask::NearModel).answer().is_some()
}

/// The text decides nothing: then other names must be answered, and the nonsense name must be refused as well.
fn undecided(case: &Case, failure: &Shown, listed: bool) -> Option<Misfit> {
    let own = failure.error().is_some() && !naming::siblings(case).is_empty() && case.chat().repeats();
    match naming::like_nonsense(case, failure) {
        Some(true) if own && listed => Some(Misfit::NotServed),
        Some(true) if own => Some(Misfit::Unknown),
        Some(false) if own && listed && matches!(failure.status(), Some(400 | 404)) => Some(Misfit::NotServed),
        _ => None,
    }
}

fn unknown(case: &Case, failure: &Shown) -> Verdict {
    let proof = naming::like_nonsense(case, failure) == Some(true) && !naming::siblings(case).is_empty();
    let certainty = match (proof && case.chat().repeats(), proof || naming::is_said(failure)) {
        (true, _) => Certainty::Certain,
        (_, true) => Certainty::Likely,
        _ => Certainty::Possible,
    };
    let finding = Finding::new(Severity::Error, certainty, Blame::Client, because(case, failure))
        .so("Every chat under this name is refused, whatever the client does.");
    named(case, failure, finding)
}

fn not_served(case: &Case, failure: &Shown) -> Verdict {
    let told_apart = naming::like_nonsense(case, failure) == Some(false) && case.chat().repeats();
    let said = failure.caused_by(&[Cause::ModelUnknown, Cause::ModelOrAccess]) && naming::is_said(failure);
    let certainty = match (said && told_apart && !naming::siblings(case).is_empty(), said) {
        (true, _) => Certainty::Certain,
        (_, true) => Certainty::Likely,
        _ => Certainty::Possible,
    };
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because(case, failure))
        .so("The gateway offers a name that nothing behind it serves; no client setting helps but another name.")
        .fix(format!(
            "On the gateway, look up what “{}” is sent upstream as, and correct it or take it out of the list.",
            naming::wanted(case)
        ))
        .detail("kind", "listed-not-served");
    named(case, failure, finding)
}

fn because(case: &Case, failure: &Shown) -> String {
    format!("{} was answered with {}.{}", naming::chat(case), failure.account(), naming::controls(case, failure))
}

/// With the names to use instead.
fn named(case: &Case, failure: &Shown, mut finding: Finding) -> Verdict {
    let suggested = naming::suggestions(case);
    let proven = naming::proven(case, &suggested);
    if let Some(best) = suggested.first() {
        finding = finding.fix(instead(naming::wanted(case), best, proven.contains(best)));
    }
    finding
        .cite([failure.exchange])
        .cite(naming::siblings(case).first().map(|shown| shown.exchange))
        .cite(naming::nonsense(case).map(|shown| shown.exchange))
        .detail("suggestions", suggested)
        .detail("answered", proven)
        .present()
}

fn instead(wanted: &str, right: &str, proven: bool) -> String {
    let how = match naming::difference(wanted, right) {
        "" => String::new(),
        difference => format!(" In “{wanted}”, {difference}."),
    };
    let proof = if proven { "it was answered" } else { "it stands in the list" };
    format!("Use “{right}” as the model's name: {proof}.{how}")
}
