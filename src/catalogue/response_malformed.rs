//! Status 200 and a body that is no chat completion.

use super::stream_compressed::is_garbled;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::{Completion, Reading};

/// Status 200 and a body that is no chat completion.
pub const MODE: FailureMode = FailureMode {
    id: "response-malformed",
    title: "The answer is a success in a shape that chat clients cannot read",
    family: "answer",
    symptom: "The client reports a missing field, a wrong type, or JSON that it cannot parse, although the server says 200.",
    cause: "The status is 200 and the body is not a chat completion as the route promises: JSON of another shape or another API, broken \
            JSON, a page or plain text. When the route speaks another API in streams as well, the dialect is wrong, not the answer. The model list of the same base is fine, so the base leads to an API. Without that, the address \
            is to be doubted first.",
    fix: &[
        "Gateway: check which upstream route it calls for this model, and whether it translates the answer back.",
        "Client: choose the provider type whose shape this is, or upgrade.",
    ],
    references: &["https://github.com/vercel/ai/pull/17779", "https://github.com/Mintplex-Labs/anything-llm/issues/3441"],
    explains: &["stream-malformed", "stream-ignored", "empty-completion"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let chat = case.chat();
    let fine: Vec<_> = chat.tries.iter().copied().filter(|shown| shown.status() == Some(200)).collect();
    let odd: Vec<_> = fine.iter().filter_map(|shown| Some((*shown, oddity(case, shown)?))).collect();
    match (odd.first(), fine.first()) {
        (Some((first, oddity)), _) => present(case, first, oddity, odd.len(), fine.len()),
        (None, Some(_)) => Verdict::absent("plain chat was answered with a chat completion"),
        (None, None) => Verdict::untested("no plain chat was answered with status 200"),
    }
}

/// What is odd, and its kind.
struct Oddity {
    kind: &'static str,
    account: String,
}

fn oddity(case: &Case, shown: &Shown) -> Option<Oddity> {
    let found = match &shown.reading {
        Reading::Completion(completion) => return shape(case, completion),
        Reading::Json(keys) => Oddity { kind: "other-json", account: format!("JSON with the members {}", keys.join(", ")) },
        Reading::Page(title) => Oddity { kind: "page", account: format!("a web page, “{}”", title.as_deref().unwrap_or_default()) },
        Reading::Text(text) if !is_garbled(shown) => {
            Oddity { kind: "text", account: format!("text: “{}”", text.chars().take(80).collect::<String>()) }
        }
        _ => return None,
    };
    let leads_to_api = case.models().is_some() && shown.fault().is_none();
    leads_to_api.then_some(found)
}

/// Another API's completion, or one that breaks its shape where its text should be. Without any choice it is an empty one.
fn shape(case: &Case, completion: &Completion) -> Option<Oddity> {
    let asked = case.subject().dialect.as_str();
    if !completion.dialect.is_empty() && completion.dialect != asked && streams_as(case, asked) {
        return Some(Oddity { kind: "other-dialect", account: format!("a completion of {} where {asked} was asked", completion.dialect) });
    }
    let nothing = completion.text.trim().is_empty() && matches!(completion.choices, None | Some(0));
    let first = completion.faults.first().filter(|_| !nothing)?;
    Some(Oddity { kind: "shape", account: format!("{} faults of shape, the first: {first}", completion.faults.len()) })
}

/// The same route streams in the asked dialect: so it is not the route that speaks another one.
fn streams_as(case: &Case, asked: &str) -> bool {
    case.stream().answer().and_then(Shown::streamed).is_some_and(|stream| stream.dialect == asked)
}

fn present(case: &Case, first: &Shown, oddity: &Oddity, odd: usize, fine: usize) -> Verdict {
    let list =
        case.models().map(|list| format!("; the model list of the same base has {} entries", list.entries.len())).unwrap_or_default();
    let because = format!("{odd} of {fine} plain chats with status 200 brought {}{list}", oddity.account);
    let certainty = if odd == fine && odd >= 2 || oddity.kind == "shape" { Certainty::Certain } else { Certainty::Likely };
    Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("Clients fail while they read the answer, although the server calls it a success.")
        .cite([first.exchange])
        .detail("kind", oddity.kind)
        .present()
}
