//! The gateway has no channel for this model and group.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, naming};
use crate::evidence::Ask;
use crate::facts::Cause;

/// The gateway has no channel for this name and group.
pub const MODE: FailureMode = FailureMode {
    id: "no-route-for-model",
    title: "The gateway has no channel for this model and group",
    family: "model",
    symptom: "503 \"当前分组 default 下对于模型 … 无可用渠道\" or \"No available channel for model … under group …\"; SDKs take the 503 for an overload \
              and retry in vain.",
    cause: "one-api, new-api and their kin map a name and the user's group to channels. None fits: the model stands in no enabled \
            channel of this group, or the channel was switched off after errors. A 503 whose text names group and model is routing, not load, and a \
            name that no server has gets the same. A name that the list does not have and a close one that answers make it a wrong name. \
            Two blanks where the name should stand mean that no model was read from the body.",
    fix: &[
        "one-api, new-api: add the model to a channel that is enabled and belongs to the key's group; then test that channel with this model.",
        "Choose a model of the list that is answered, or a key of the group that has the channel.",
        "Look whether the channel was disabled automatically, and why.",
    ],
    references: &[
        "https://github.com/popjane/free_chatgpt_api/issues/110",
        "https://github.com/QuantumNous/new-api/pull/6310",
        "https://github.com/songquanpeng/one-api/issues/2340",
    ],
    explains: &["models-list-unusable", "upstream-unavailable", "upstream-overloaded"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.chat().asked() {
        return Verdict::untested("no chat was asked");
    }
    let Some(failure) = naming::failure(case) else { return Verdict::absent("the model was answered") };
    if !failure.caused_by(&[Cause::NoRoute]) {
        return Verdict::absent(format!("the refusal does not speak of channels or routes: {}", failure.account()));
    }
    if misnamed(case, failure) {
        return Verdict::absent("the list does not have the name, and a close one is answered");
    }
    present(case, failure)
}

/// The name is the fault: see model-name-mismatch.
fn misnamed(case: &Case, failure: &Shown) -> bool {
    let unlisted = naming::listed(case, naming::wanted(case)) == Some(false);
    unlisted && naming::like_nonsense(case, failure) == Some(true) && case.trial(Ask::NearModel).answer().is_some()
}

fn present(case: &Case, failure: &Shown) -> Verdict {
    let siblings = naming::siblings(case);
    let certainty = match (naming::is_said(failure), !siblings.is_empty() && case.chat().repeats()) {
        (true, true) => Certainty::Certain,
        (true, false) => Certainty::Likely,
        _ => Certainty::Possible,
    };
    let because = format!("{} was answered with {}.{}", naming::chat(case), failure.account(), naming::controls(case, failure));
    let answered: Vec<String> = siblings.iter().filter_map(|shown| shown.model()).map(str::to_owned).collect();
    Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("No chat with this model and key can work until the gateway has a channel for them; retrying is useless.")
        .cite([failure.exchange])
        .cite(siblings.first().map(|shown| shown.exchange))
        .cite(naming::nonsense(case).map(|shown| shown.exchange))
        .detail("suggestions", answered.clone())
        .detail("answered", answered)
        .present()
}
