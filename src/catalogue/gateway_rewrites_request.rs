//! The gateway changes the request, and the refusal is about what it added.

use super::{Blame, Case, FailureMode, Finding, Severity, Shown, Verdict, limits};
use crate::evidence::Ask;
use crate::facts::Cause;

/// The gateway drops or changes a field.
pub const MODE: FailureMode = FailureMode {
    id: "gateway-rewrites-request",
    title: "The gateway changes the request on its way",
    family: "body",
    symptom: "An error names a field that the client never sent, or contradicts what it sent; or a field or header works directly and does nothing \
              through the gateway.",
    cause: "The gateway adds defaults (`max_tokens`, `metadata`, `stream_options`), renames fields, or removes fields and headers that its \
            translation does not know. The refusal then is about its request and not the client's. A server's own default that conflicts with a \
            field is another mode: there the upstream refuses the same request directly as well.",
    fix: &[
        "Look at the request that leaves the gateway (LiteLLM: `--detailed_debug`; others: their request log).",
        "Remove the default that the gateway adds for this model, or update it.",
        "Let the gateway pass the request through as it is, where it can (pass-through routes, `allowed_openai_params`, header forwarding).",
    ],
    references: &[
        "https://docs.claude.com/pt/api/openai-sdk",
        "https://github.com/BerriAI/litellm/issues/15299",
        "https://github.com/BerriAI/litellm/pull/30803",
        "https://github.com/BerriAI/litellm/issues/8199",
        "https://github.com/vercel/ai/issues/13789",
        "https://github.com/antoinezambelli/forge/pull/94",
    ],
    explains: &["unsupported-field", "field-combination-rejected"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let asked: Vec<&Shown> = [Ask::Chat, Ask::ChatStream].into_iter().flat_map(|ask| case.asked(ask)).collect();
    if asked.is_empty() {
        return Verdict::untested("no chat was asked");
    }
    match asked.iter().find_map(|shown| Some((shown, added(shown)?))) {
        Some((shown, field)) => present(shown, &field),
        None => Verdict::absent(format!("none of {} answers names a field that was not sent", asked.len())),
    }
}

/// The field that a refusal names and the request lacks. A combination is another matter: the server's own default may be the partner.
fn added(shown: &Shown) -> Option<String> {
    use Cause::{FieldCombination, MaxTokensRenamed, UnknownField, UnsupportedField};
    let body = shown.exchange.request.body.as_ref().filter(|body| body["messages"].is_array())?;
    let reading = shown.causes.first()?;
    let field = reading.named.as_ref().filter(|named| named.starts_with('/'))?;
    let contradicts = field == "/stream_options" && body["stream"] == true;
    let foreign = body.get(field[1..].split('/').next()?).is_none();
    match reading.cause {
        FieldCombination => contradicts.then(|| field.clone()),
        UnknownField | UnsupportedField | MaxTokensRenamed => foreign.then(|| field.clone()),
        _ => None,
    }
}

fn present(shown: &Shown, field: &str) -> Verdict {
    let because = format!("The request did not have {field}, and was answered with {}.", shown.account());
    Finding::new(Severity::Error, limits::said_certainty(shown), Blame::Gateway, because)
        .so("What the client sends is not what the model's server gets; leaving fields out does not help.")
        .cite([shown.exchange])
        .detail("fields", vec![field])
        .present()
}
