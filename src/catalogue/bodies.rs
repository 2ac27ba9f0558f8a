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
    /// What it is called: a member's name, `role=system`, `content[]`, `message.name`, `block=image`; for deeper places their path.
    pub name: String,
    /// Where it stands in the whole body, as a JSON pointer.
    pub pointer: String,
    /// True for what the assistant or a tool said before, and what hangs on it.
    pub is_history: bool,
}

impl Part {
    /// The part at a place of a body's outline; a message is known by its role.
    pub(super) fn at(body: &Value, pointer: &str) -> Self {
        let steps: Vec<&str> = pointer.split('/').skip(1).collect();
        let value = body.pointer(pointer).unwrap_or(&Value::Null);
        let (name, pointer) = match (steps.as_slice(), value["role"].as_str()) {
            (["messages" | "input" | "contents", _], Some(role)) => (format!("role={role}"), format!("{pointer}/role")),
            (["input", _], None) => (format!("item={}", kind_of(value)), pointer.to_owned()),
            (["messages" | "input", _, "content"], _) => ("content[]".to_owned(), pointer.to_owned()),
            (["messages" | "input", _, "content" | "output", _] | ["contents", _, "parts", _], _) => {
                (format!("block={}", kind_of(value)), pointer.to_owned())
            }
            (["messages" | "input", _, "content" | "output", ..] | ["contents", _, "parts", ..], _) => {
                ("block".to_owned(), pointer.to_owned())
            }
            (["messages" | "input" | "contents", _, name, ..], _) => (format!("message.{name}"), pointer.to_owned()),
            _ => (pointer[1..].replace("~1", "/").replace("~0", "~"), pointer.to_owned()),
        };
        let is_history = is_history(body, &steps) || steps[0] == "messages" && name.starts_with("message.");
        Part { name, pointer, is_history }
    }
}

fn kind_of(value: &Value) -> &str {
    let member = || value.as_object().and_then(|members| members.keys().next()).map_or("", String::as_str);
    value["type"].as_str().unwrap_or_else(member)
}

/// What the model or a tool said in an earlier turn: a message of theirs, a block that calls, answers or thinks, an item.
fn is_history(body: &Value, steps: &[&str]) -> bool {
    let (list, index, block) = match steps {
        [list @ ("messages" | "input" | "contents"), index] => (list, index, None),
        [list @ ("messages" | "input" | "contents"), index, content, rest @ ..] => (list, index, rest.first().map(|at| (content, at))),
        _ => return false,
    };
    let message = &body[*list][index.parse::<usize>().unwrap_or_default()];
    let block = block.and_then(|(content, at)| message[*content].get(at.parse::<usize>().ok()?));
    let bound = ["tool_use", "tool_result", "thinking", "redacted_thinking"];
    let is_bound = block.is_some_and(|block| bound.contains(&kind_of(block)) || kind_of(block).starts_with("function"));
    match message["role"].as_str() {
        Some("assistant" | "model" | "tool" | "function") => true,
        Some(_) => is_bound,
        None => *list == "input",
    }
}

/// The parts of a request's body, without what stands inside them.
pub(super) fn parts_of(shown: &Shown) -> BTreeSet<Part> {
    let Some(Value::Object(body)) = &shown.exchange.request.body else { return BTreeSet::new() };
    let asked = Dialect::of(&shown.exchange.request.url).unwrap_or_default();
    let members = body.keys().filter(|name| !requests::needed(asked).contains(&name.as_str()));
    let members = members.map(|name| Part {
        name: name.clone(),
        pointer: format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        is_history: false,
    });
    members.chain(["messages", "input", "contents"].iter().flat_map(|list| parts_of_list(body.get(*list), list))).collect()
}

fn parts_of_list(list: Option<&Value>, name: &str) -> Vec<Part> {
    let messages = list.and_then(Value::as_array).into_iter().flatten().enumerate();
    messages.flat_map(|(index, message)| parts_of_message(&format!("/{name}/{index}"), message)).collect()
}

fn parts_of_message(pointer: &str, message: &Value) -> Vec<Part> {
    let by_model = matches!(message["role"].as_str(), Some("assistant" | "model" | "tool" | "function"));
    let part = |name: String, member: &str, is_history: bool| Part { name, pointer: format!("{pointer}/{member}"), is_history };
    let role = message["role"].as_str().filter(|role| *role != "user").map(|role| part(format!("role={role}"), "role", by_model));
    let content = match &message["content"] {
        Value::Array(_) => Some("content[]"),
        Value::Null if by_model && message["parts"].is_null() => Some("content=null"),
        _ => None,
    };
    let content = content.map(|name| part(name.to_owned(), "content", by_model || has_results(&message["content"])));
    let others = message.as_object().into_iter().flat_map(|members| members.keys());
    let others = others.filter(|name| !matches!(name.as_str(), "role" | "content" | "parts" | "type"));
    role.into_iter().chain(content).chain(others.map(|name| part(format!("message.{name}"), name, true))).collect()
}

fn has_results(content: &Value) -> bool {
    content.as_array().is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "tool_result"))
}

/// What clients send in this part, as the table of clients writes it.
pub(super) fn habit(part: &Part) -> String {
    match part.name.as_str() {
        "content[]" => format!("{}/*", part.pointer),
        "content=null" => "/messages/*/content=null".to_owned(),
        name if name.starts_with("role=") => format!("{}{}", part.pointer, &name[4..]),
        name if name.starts_with("block=") => format!("{}/type={}", part.pointer, &name[6..]),
        name if name.starts_with("item=") => format!("{}/type={}", part.pointer, &name[5..]),
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
