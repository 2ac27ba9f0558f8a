//! The body is not read as JSON, so the model looks empty.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, naming};
use crate::facts::Cause;

/// The body is not read as JSON, so `model` looks empty.
pub const MODE: FailureMode = FailureMode {
    id: "content-type-lost",
    title: "The server does not read the body, so the model looks empty",
    family: "address",
    symptom: "\"Invalid model name passed in model=None\", \"对于模型  无可用渠道\" with two blanks, \"LLM route only supports llm chat type requests\", \
              \"you must provide a model parameter\" although the request has one.",
    cause: "The server looks for JSON by the Content-Type and finds another or none: the client sends none (curl -d says \
            application/x-www-form-urlencoded), or something in between drops the header or the body. Here application/json and a model were \
            sent, and the server still names none: so it is lost on the way.",
    fix: &[
        "Let the proxy in between pass Content-Type and the body on unchanged (no rewriting of POST, no redirect to http).",
        "In your own client: send `Content-Type: application/json`.",
        "Kong: the route type must fit the route (llm/v1/chat), and the client's Content-Type must be JSON.",
    ],
    references: &[
        "https://developer.konghq.com/support/llm-route-chat-type-error/",
        "https://developer.konghq.com/support/kong-gateway-ai-proxy-content-type-header-does-not-match-request-body/",
        "https://github.com/songquanpeng/one-api/issues/2223",
    ],
    explains: &["no-route-for-model", "model-name-mismatch", "unsupported-field"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.chat().asked() {
        return Verdict::untested("no chat was asked");
    }
    let Some(failure) = naming::failure(case) else { return Verdict::absent("the body was read: chat was answered") };
    let unread = failure.caused_by(&[Cause::ModelMissing, Cause::BodyUnread]);
    match (unread && sent_json(failure), naming::is_said(failure)) {
        (true, true) => present(failure, Certainty::Likely),
        (true, false) => present(failure, Certainty::Possible),
        _ => Verdict::absent(format!("the refusal does not say that the body was not read: {}", failure.account())),
    }
}

/// A model and the right Content-Type were sent.
fn sent_json(shown: &Shown) -> bool {
    let named = shown.model().is_some_and(|name| !name.trim().is_empty());
    let header = shown.exchange.request.headers.iter().find(|(name, _)| name == "content-type");
    named && header.is_some_and(|(_, value)| value.starts_with("application/json"))
}

fn present(failure: &Shown, certainty: Certainty) -> Verdict {
    let because = format!(
        "“{}” and Content-Type: application/json were sent, and the answer was {}.",
        failure.model().unwrap_or_default(),
        failure.account()
    );
    Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("Every chat looks empty to the server, whatever the client sends.")
        .cite([failure.exchange])
        .present()
}
