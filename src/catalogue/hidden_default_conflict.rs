//! A field that was not sent takes part through a default of the server.

use super::bodies;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, limits};
use crate::evidence::Ask;

/// A field that was not sent takes part via a server default: the fix is to add a neutral value.
pub const MODE: FailureMode = FailureMode {
    id: "hidden-default-conflict",
    title: "A default of the server conflicts with the request",
    family: "body",
    symptom: "400 about a field that the client never sent: \"enable_thinking must be set to false for non-streaming calls\", \"Function tools with \
              reasoning_effort are not supported\", \"Thinking mode does not support this tool_choice\".",
    cause: "The server fills in a value for a field that the request leaves out, and that value excludes something in the request. The refusal names \
            the field, and the request does not have it. Leaving fields out cannot find it; adding the field with a neutral value helps. \
            When the named field was sent, it is a plain combination.",
    fix: &[
        "Send the named field with its neutral value: enable_thinking: false, reasoning_effort: \"none\", thinking: {\"type\": \"disabled\"}.",
        "Clients and SDKs: extra_body or \"custom parameters\". LiteLLM: put the field into the model's `litellm_params`.",
        "Or avoid the partner: stream where only streaming is allowed, no tools, another tool_choice.",
        "Azure AI Foundry at times wants the opposite: leave the field out altogether.",
    ],
    references: &[
        "https://github.com/tencentmusic/supersonic/issues/2355",
        "https://github.com/OpenBMB/UltraRAG/issues/287",
        "https://github.com/infiniflow/ragflow/issues/8972",
        "https://github.com/laurent22/joplin/pull/16451",
        "https://github.com/BerriAI/litellm/pull/33738",
        "https://github.com/osaurus-ai/osaurus/pull/1940",
    ],
    explains: &["stream-required", "unsupported-field", "field-combination-rejected", "error-in-success"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.chat().asked() {
        return Verdict::untested("no chat was asked");
    }
    let met: Vec<&Shown> = case.all().filter(|shown| asks_chat(shown) && bodies::unsent(shown).is_some()).collect();
    match met.iter().min_by_key(|shown| (shown.ask != Ask::Chat, bodies::length(shown))) {
        Some(first) => present(case, &met, first),
        None => Verdict::absent("no refusal names a field that was not sent"),
    }
}

fn asks_chat(shown: &Shown) -> bool {
    matches!(shown.ask, Ask::Chat | Ask::ChatStream | Ask::ChatStreamFalse | Ask::Fields)
}

fn present(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let field = bodies::unsent(first).unwrap_or_default();
    let partners: Vec<String> = bodies::parts_of(first).into_iter().map(|part| part.pointer).collect();
    let request = if partners.is_empty() { "model and messages only".to_owned() } else { partners.join(", ") };
    let because = format!("A request with {request} was answered with {}. It did not have {field}.", first.account());
    let severity = limits::standing(case, met).max(Severity::Warning);
    let helped = with_it(case, first, &field);
    let certainty = if helped.is_some() { Certainty::Certain } else { limits::said_certainty(first) };
    let value = helped.and_then(|shown| shown.exchange.request.body.as_ref()?.pointer(&field)).map(ToString::to_string);
    let advice = match &value {
        Some(value) => format!("Send {field} with {value}: with that the same request was answered."),
        None => format!("Send {field} with its neutral value (false, \"none\" or disabled)."),
    };
    Finding::new(severity, certainty, Blame::Client, because)
        .so("Leaving fields out does not help; the named field must be sent with a neutral value.")
        .fix(advice)
        .cite([first.exchange])
        .cite(helped.map(|shown| shown.exchange))
        .cite(case.stream().answer().or_else(|| case.chat().answer()).map(|shown| shown.exchange))
        .detail("fields", vec![field])
        .detail("kind", "hidden-default")
        .present()
}

/// The answered request that had the field, and all that the refused one had.
fn with_it<'c, 'e>(case: &'c Case<'e>, refused: &Shown, field: &str) -> Option<&'c Shown<'e>> {
    let members = refused.exchange.request.body.as_ref()?.as_object()?;
    let has_all = |shown: &&Shown| {
        let body = shown.exchange.request.body.as_ref();
        body.is_some_and(|body| body.pointer(field).is_some() && members.iter().all(|(name, value)| body.get(name) == Some(value)))
    };
    case.asked(Ask::Fields).filter(|shown| shown.answered()).find(has_all)
}
