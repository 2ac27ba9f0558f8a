//! Any name is answered.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, naming};
use crate::evidence::Ask;

/// Any name is answered.
pub const MODE: FailureMode = FailureMode {
    id: "model-name-ignored",
    title: "Any model name is answered",
    family: "model",
    symptom: "Nothing fails; a misspelt name chats as well, and choosing another model in the client changes nothing.",
    cause: "Servers with one model (llama.cpp, LM Studio, many local ones) do not look at the name; some gateways send unknown names to a \
            default. The proof is a name that no server has: it was answered.",
    fix: &[
        "Nothing to do with one model. With several, make sure that the name is honoured before you compare models.",
        "On a gateway, turn the default route for unknown names off, so that a misspelt name is seen.",
    ],
    references: &[
        "https://github.com/Blackwellboy/model-serving-minefield/issues/71",
        "https://github.com/agentgateway/agentgateway/issues/1361",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let trial = case.trial(Ask::NonsenseModel);
    match (trial.answer(), naming::nonsense(case)) {
        (Some(answer), _) => present(answer),
        (None, Some(refusal)) => Verdict::absent(format!("a name that no server has was refused: {}", refusal.account())),
        (None, None) => {
            Verdict::untested(case.skipped(Ask::NonsenseModel).unwrap_or("a name that no server has was not tried, or not answered"))
        }
    }
}

fn present(answer: &Shown) -> Verdict {
    let name = answer.model().unwrap_or_default();
    let model = answer.completion().and_then(|completion| completion.model.clone());
    let by = model.as_ref().map(|model| format!(", by “{model}” as the answer says")).unwrap_or_default();
    let because = format!("“{name}”, a name that no server has, was answered with HTTP {}{by}.", answer.status().unwrap_or_default());
    let mut finding = Finding::new(Severity::Info, Certainty::Certain, Blame::Gateway, because)
        .so("A misspelt name is not noticed, and the name in the client does not decide which model answers.")
        .cite([answer.exchange]);
    if let Some(model) = model {
        finding = finding.detail("answered_model", model);
    }
    finding.present()
}
