//! A field that was not sent takes part through a default of the server.

use std::collections::BTreeSet;

use serde_json::Value;

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
    if let Some(added) = added(case) {
        return shown_by_adding(case, &added);
    }
    let met: Vec<&Shown> = case.all().filter(|shown| asks_chat(shown) && bodies::unsent(shown).is_some()).collect();
    match met.iter().min_by_key(|shown| (shown.ask != Ask::Chat, bodies::length(shown))) {
        Some(first) => present(case, &met, first),
        None => Verdict::absent("no refusal names a field that was not sent, and none is answered with a field more"),
    }
}

/// A refused request that was answered with one member more.
struct Added<'c, 'e> {
    refused: &'c Shown<'e>,
    answered: &'c Shown<'e>,
    name: String,
}

/// The smallest such pair. What the request without the member is refused for must stand: it was not answered either.
fn added<'c, 'e>(case: &'c Case<'e>) -> Option<Added<'c, 'e>> {
    let body = |shown: &Shown<'e>| shown.exchange.request.body.clone().unwrap_or_default();
    let refused: Vec<&Shown> = case.all().filter(|shown| asks_chat(shown) && shown.error().is_some() && is_refusal(shown)).collect();
    let answered = case.asked(Ask::Fields).filter(|shown| shown.answered());
    let pairs = answered.flat_map(|answered| refused.iter().map(move |refused| (*refused, answered)));
    let pairs = pairs.filter_map(|(refused, answered)| {
        let name = one_more(&body(refused), &body(answered)).filter(|_| headers(refused) == headers(answered))?;
        let passed = case.all().any(|shown| shown.answered() && shown.exchange.request.body == refused.exchange.request.body);
        (!passed).then_some(Added { refused, answered, name })
    });
    pairs.min_by_key(|added| (added.refused.ask != Ask::Chat, bodies::length(added.refused)))
}

fn headers<'s>(shown: &'s Shown) -> BTreeSet<&'s str> {
    shown.exchange.request.headers.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "content-length").collect()
}

fn is_refusal(shown: &Shown) -> bool {
    shown.status().is_some_and(|status| (400..500).contains(&status) && !matches!(status, 401 | 402 | 403 | 408 | 429))
}

/// The member that the second body has and the first lacks, when they have everything else in common. What stands for a refused member
/// under another name is none, and streaming is a way to ask.
fn one_more(less: &Value, more: &Value) -> Option<String> {
    let (less, more) = (less.as_object()?, more.as_object()?);
    let same = less.len() + 1 == more.len() && less.iter().all(|(name, value)| more.get(name) == Some(value));
    let name = more.keys().find(|name| !less.contains_key(*name)).filter(|name| *name != "stream")?;
    same.then(|| name.clone())
}

fn shown_by_adding(case: &Case, added: &Added) -> Verdict {
    let field = format!("/{}", added.name);
    let value = added.answered.exchange.request.body.as_ref().and_then(|body| body.get(&added.name)).map(ToString::to_string);
    let value = value.unwrap_or_default();
    let request = partners(added.refused);
    let because = format!(
        "A request with {request} was answered with {}; the same with {field} as {value} was answered after {:.0} ms.",
        added.refused.account(),
        added.answered.total_ms()
    );
    let is_own = case.subject().own_body && added.refused.ask == Ask::Fields;
    let severity = if is_own { Severity::Error } else { limits::standing(case, &[added.refused]).max(Severity::Warning) };
    Finding::new(severity, Certainty::Certain, Blame::Client, because)
        .so("Leaving fields out does not help; the field must be sent with a neutral value.")
        .fix(format!("Send {field} with {value}: with that the same request was answered."))
        .cite([added.refused.exchange, added.answered.exchange])
        .detail("fields", vec![field])
        .detail("kind", "hidden-default")
        .present()
}

fn partners(shown: &Shown) -> String {
    let partners: Vec<String> = bodies::parts_of(shown).into_iter().map(|part| part.pointer).collect();
    if partners.is_empty() { "model and messages only".to_owned() } else { partners.join(", ") }
}

fn asks_chat(shown: &Shown) -> bool {
    matches!(shown.ask, Ask::Chat | Ask::ChatStream | Ask::ChatStreamFalse | Ask::Fields)
}

fn present(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let field = bodies::unsent(first).unwrap_or_default();
    let request = partners(first);
    let because = format!("A request with {request} was answered with {}. It did not have {field}.", first.account());
    let severity = limits::standing(case, met).max(Severity::Warning);
    let advice = format!("Send {field} with its neutral value (false, \"none\" or disabled).");
    Finding::new(severity, limits::said_certainty(first), Blame::Client, because)
        .so("Leaving fields out does not help; the named field must be sent with a neutral value.")
        .fix(advice)
        .cite([first.exchange])
        .cite(case.stream().answer().or_else(|| case.chat().answer()).map(|shown| shown.exchange))
        .detail("fields", vec![field])
        .detail("kind", "hidden-default")
        .present()
}
