//! The model is of another kind than the route.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, naming};
use crate::dialect::Reading;
use crate::evidence::Ask;
use crate::facts::Cause;

/// An embedding, completion-only or image model on the chat route.
pub const MODE: FailureMode = FailureMode {
    id: "model-task-mismatch",
    title: "The model is not one for chat",
    family: "model",
    symptom: "404 \"This is not a chat model\", 400 \"The chatCompletion operation does not work with the specified model\", 500 \"embedding \
              models do not support chat\", or a bare 500 for one model while others chat.",
    cause: "The name is that of an embedding, image, speech or completion-only model; lists do not say which is which, and clients offer all \
            of them. Or a base model has no chat template, so that only /completions works. The proof is the same name on another route: \
            it is answered there. If no model chats here, the route is missing instead.",
    fix: &[
        "Choose a chat model; names with embed, whisper, tts, image, rerank or moderation are none.",
        "Completion-only models: use a client for /v1/completions, or the chat or instruct variant.",
        "vLLM, SGLang: start a base model with --chat-template, or serve its instruct variant.",
    ],
    references: &[
        "https://github.com/microsoft/graphrag/issues/1557",
        "https://github.com/sugarforever/chat-ollama/pull/67",
        "https://github.com/sgl-project/sglang/issues/2431",
        "https://github.com/truefoundry/models/pull/846",
    ],
    explains: &["endpoint-missing", "wrong-dialect", "models-list-unusable", "error-in-success", "model-name-mismatch"],
    diagnose,
};

/// Causes after which another route of the same model proves nothing about the model.
const ABOUT_ROUTE: &[Cause] = &[Cause::RouteMissing, Cause::MethodNotAllowed, Cause::WrongDialect];

fn diagnose(case: &Case) -> Verdict {
    if !case.chat().asked() {
        return Verdict::untested("no chat was asked");
    }
    let Some(failure) = naming::failure(case) else { return Verdict::absent("the model chats") };
    let elsewhere = case.asked(Ask::OtherRoute).find(|shown| task_route(shown).is_some());
    let said = failure.caused_by(&[Cause::ModelTask]);
    match (said, elsewhere) {
        (true, _) => present(case, failure, elsewhere, said_certainty(failure, elsewhere.is_some() && case.chat().repeats())),
        (false, Some(_)) if other_models_chat(case, failure) => present(case, failure, elsewhere, Certainty::Likely),
        _ => Verdict::absent(format!("nothing shows a model of another kind: {}", failure.account())),
    }
}

fn said_certainty(failure: &Shown, proven: bool) -> Certainty {
    match (proven, naming::is_said(failure)) {
        (true, _) => Certainty::Certain,
        (_, true) => Certainty::Likely,
        _ => Certainty::Possible,
    }
}

/// Another model is answered on the chat route, so the route is there and takes this key.
fn other_models_chat(case: &Case, failure: &Shown) -> bool {
    let open = !naming::is_said(failure) || failure.caused_by(&[Cause::InternalError, Cause::InvalidRequest, Cause::RouteMissing]);
    !naming::siblings(case).is_empty() && open && !failure.caused_by(ABOUT_ROUTE) && case.chat().repeats()
}

/// `/embeddings` or `/completions`, when the model did its work there.
fn task_route(shown: &Shown) -> Option<&'static str> {
    let fine = shown.status().is_some_and(|status| (200..300).contains(&status));
    let vectors = matches!(shown.reading, Reading::Json(_) | Reading::Models(_));
    let path = shown.request.url.split('?').next().unwrap_or_default();
    match path {
        _ if path.ends_with("/embeddings") && fine && vectors => Some("/embeddings"),
        _ if path.ends_with("/chat/completions") => None,
        _ if path.ends_with("/completions") && shown.answered() => Some("/completions"),
        _ => None,
    }
}

fn present(case: &Case, failure: &Shown, elsewhere: Option<&Shown>, certainty: Certainty) -> Verdict {
    let route = elsewhere.and_then(task_route);
    let there = route.map(|route| format!(" The same name was answered at {route}.")).unwrap_or_default();
    let because = format!("{} was answered with {}.{there}{}", naming::chat(case), failure.account(), naming::controls(case, failure));
    let answered: Vec<String> = naming::siblings(case).iter().filter_map(|shown| shown.model()).map(str::to_owned).collect();
    let mut finding = Finding::new(Severity::Error, certainty, Blame::Client, because)
        .so("No chat client can use this model, whatever its settings.")
        .cite([failure.exchange])
        .cite(elsewhere.map(|shown| shown.exchange))
        .detail("suggestions", answered.clone())
        .detail("answered", answered.clone());
    if let Some(route) = route {
        finding = finding.detail("route", route);
    }
    if let Some(name) = answered.first() {
        finding = finding.fix(format!("Use “{name}”: it was answered on the chat route."));
    }
    finding.present()
}
