//! What the rules about request bodies share: parts of a body, and the words for them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Shown;
use crate::dialect::requests;
use crate::evidence::{Ask, Dialect};
use crate::facts::Cause;

/// One part of a body beyond `model` and plain messages of the user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// What it is called: a member's name, `role=system`, `content[]`, `message.name`; for deeper places their path.
    pub name: String,
    /// Where it stands in the whole body, as a JSON pointer.
    pub pointer: String,
}

impl Part {
    /// The part at a place of a body's outline; a message is known by its role.
    pub(super) fn at(body: &Value, pointer: &str) -> Self {
        let steps: Vec<&str> = pointer.split('/').skip(1).collect();
        let role = body.pointer(pointer).and_then(|value| value["role"].as_str());
        match (steps.as_slice(), role) {
            (["messages", _], Some(role)) => Part { name: format!("role={role}"), pointer: format!("{pointer}/role") },
            (["messages", _, "content", ..], _) => Part { name: "content[]".to_owned(), pointer: pointer.to_owned() },
            (["messages", _, name, ..], _) => Part { name: format!("message.{name}"), pointer: pointer.to_owned() },
            _ => Part { name: pointer[1..].replace("~1", "/").replace("~0", "~"), pointer: pointer.to_owned() },
        }
    }
}

/// The parts of a request's body, without what stands inside them.
pub(super) fn parts_of(shown: &Shown) -> BTreeSet<Part> {
    let Some(Value::Object(body)) = &shown.exchange.request.body else { return BTreeSet::new() };
    let asked = Dialect::of(&shown.exchange.request.url).unwrap_or_default();
    let members = body.keys().filter(|name| !requests::needed(asked).contains(&name.as_str()));
    let members = members.map(|name| Part { name: name.clone(), pointer: format!("/{}", name.replace('~', "~0").replace('/', "~1")) });
    let messages = body.get("messages").and_then(Value::as_array).into_iter().flatten().enumerate();
    members.chain(messages.flat_map(|(index, message)| parts_of_message(index, message))).collect()
}

fn parts_of_message(index: usize, message: &Value) -> Vec<Part> {
    let part = |name: String, member: &str| Part { name, pointer: format!("/messages/{index}/{member}") };
    let role = message["role"].as_str().filter(|role| *role != "user").map(|role| part(format!("role={role}"), "role"));
    let content = match &message["content"] {
        Value::Array(_) => Some("content[]"),
        Value::Null => Some("content=null"),
        _ => None,
    };
    let content = content.map(|name| part(name.to_owned(), "content"));
    let others = message.as_object().into_iter().flat_map(|members| members.keys());
    let others = others.filter(|name| *name != "role" && *name != "content").map(|name| part(format!("message.{name}"), name));
    role.into_iter().chain(content).chain(others).collect()
}

/// True for parts of an earlier turn: what the assistant or a tool said, and what hangs on it.
pub(super) fn is_history(part: &Part) -> bool {
    part.name.starts_with("message.") || matches!(part.name.as_str(), "role=assistant" | "role=tool" | "role=function" | "content=null")
}

/// What clients send in this part, as the table of clients writes it.
pub(super) fn habit(part: &Part) -> String {
    match part.name.as_str() {
        "content[]" => "/messages/*/content/*".to_owned(),
        "content=null" => "/messages/*/content=null".to_owned(),
        name if name.starts_with("role=") => format!("/messages/*/{name}"),
        name if name.starts_with("message.") => format!("/messages/*/{}", &name[8..]),
        _ => part.pointer.clone(),
    }
}

/// What a refusal names that was not sent: a default of the server takes part. As a JSON pointer. `stream_options` has no default;
/// when that was not sent, somebody in between added it.
pub(super) fn unsent(shown: &Shown) -> Option<String> {
    let body = shown.exchange.request.body.as_ref()?;
    let about_both = shown.causes.first().filter(|reading| reading.cause == Cause::FieldCombination)?;
    let named = about_both.named.as_ref().filter(|named| named.starts_with('/') && *named != "/stream_options")?;
    body.pointer(named).is_none().then(|| named.clone())
}

/// True for requests as clients send them: plain, streamed, or with typical fields; not for those that are long on purpose.
pub(super) fn is_ordinary(shown: &Shown) -> bool {
    matches!(
        shown.ask,
        Ask::Chat | Ask::ChatStream | Ask::ChatStreamIdentity | Ask::ChatStreamFalse | Ask::Fields | Ask::FullSize | Ask::Burst
    )
}

/// The length of a request's body in bytes.
pub(super) fn length(shown: &Shown) -> usize {
    shown.exchange.request.body.as_ref().map_or(0, |body| body.to_string().len())
}
