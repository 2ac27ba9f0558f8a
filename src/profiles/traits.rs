//! What about a body can make a server refuse it, as a set: a body whose traits are all in an answered one would be answered as well.

use std::collections::BTreeSet;

use serde_json::Value;

/// What a body has, as pointers: `/tools/*/function/strict`, `/messages/user/content[]`, `/tool_choice=auto`, `/max_tokens>=4096`.
pub type Traits = BTreeSet<String>;

/// Members whose short text is one of a few words, so that the word itself may be refused.
const CLOSED: [&str; 17] = [
    "type",
    "role",
    "tool_choice",
    "mode",
    "effort",
    "reasoning_effort",
    "summary",
    "detail",
    "truncation",
    "verbosity",
    "format",
    "syntax",
    "display",
    "media_type",
    "responseMimeType",
    "thinkingLevel",
    "prompt_cache_retention",
];
/// Members whose inner names are the caller's own.
const OWN_NAMES: [&str; 7] = ["properties", "$defs", "definitions", "metadata", "client_metadata", "arguments", "args"];
/// Bounds of an answer's length that servers refuse for being too high.
const BOUNDS: [usize; 8] = [256, 1024, 4096, 8192, 16_384, 32_000, 64_000, 128_000];
/// Numbers of tools that servers refuse for being too many.
const TOOLS: [usize; 7] = [2, 5, 10, 16, 20, 25, 32];

/// The traits of a request's body; the model's name and what is said are none.
pub fn traits(body: &Value) -> Traits {
    let mut found = Traits::new();
    for (name, value) in body.as_object().into_iter().flatten().filter(|(name, _)| *name != "model") {
        match (name.as_str(), value) {
            ("messages" | "input" | "contents", Value::Array(turns)) => turns.iter().for_each(|turn| of_turn(turn, &mut found)),
            // A question that is not in a list of turns is the user's.
            ("input", Value::String(_)) => found.extend(["/messages/user", "/messages/user/content"].map(str::to_owned)),
            _ => walk(&format!("/{name}"), name, value, &mut found),
        }
    }
    found
}

/// A turn of the conversation, by who speaks: what a server takes of a user it need not take of a system message.
fn of_turn(turn: &Value, found: &mut Traits) {
    let who = turn["role"].as_str().or_else(|| turn["type"].as_str()).unwrap_or("turn");
    let at = format!("/messages/{who}");
    found.insert(at.clone());
    for (name, value) in turn.as_object().into_iter().flatten().filter(|(name, _)| *name != "role") {
        walk(&format!("{at}/{name}"), name, value, found);
    }
    if who == "assistant" && turn.get("content").is_none() {
        found.insert(format!("{at}/content=absent"));
    }
}

fn walk(at: &str, name: &str, value: &Value, found: &mut Traits) {
    found.insert(at.to_owned());
    match value {
        Value::Object(_) if at.ends_with("/input") => {}
        Value::Object(members) => members.iter().for_each(|(inner, value)| {
            let step = if OWN_NAMES.contains(&name) { "*" } else { inner };
            walk(&format!("{at}/{step}"), if step == "*" { "*" } else { inner }, value, found);
        }),
        Value::Array(items) => of_items(at, name, items, found),
        Value::Bool(_) | Value::Null => drop(found.insert(format!("{at}={value}"))),
        Value::Number(number) => of_number(at, name, number.as_f64().unwrap_or_default(), found),
        Value::String(text) => {
            if text.is_empty() {
                found.insert(format!("{at}=\"\""));
            }
            if CLOSED.contains(&name) && text.len() < 32 {
                found.insert(format!("{at}={text}"));
            }
        }
    }
}

fn of_items(at: &str, name: &str, items: &[Value], found: &mut Traits) {
    found.insert(format!("{at}{}", if items.is_empty() { "=[]" } else { "[]" }));
    if name == "tools" {
        found.extend(TOOLS.iter().filter(|many| items.len() >= **many).map(|many| format!("{at}>={many}")));
    }
    items.iter().for_each(|item| walk(&format!("{at}/*"), "*", item, found));
}

fn of_number(at: &str, name: &str, number: f64, found: &mut Traits) {
    match name {
        "temperature" | "top_p" if number != 1.0 => drop(found.insert(format!("{at}!=1"))),
        "max_tokens" | "max_completion_tokens" | "max_output_tokens" => {
            found.extend(BOUNDS.iter().filter(|bound| number >= **bound as f64).map(|bound| format!("{at}>={bound}")));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_makes_no_difference_and_what_is_sent_does() {
        let one = json!({ "model": "a", "messages": [{ "role": "user", "content": "ping" }], "max_tokens": 4096, "temperature": 0 });
        let other = json!({ "model": "b", "messages": [{ "role": "user", "content": "pong" }], "max_tokens": 32000, "temperature": 0.5 });
        assert!(traits(&one).is_subset(&traits(&other)) && !traits(&other).is_subset(&traits(&one)));
        let parts = json!({ "messages": [{ "role": "user", "content": [{ "type": "text", "text": "ping" }] }] });
        assert!(traits(&parts).contains("/messages/user/content[]") && !traits(&one).contains("/messages/user/content[]"));
    }

    #[test]
    fn a_schema_is_its_keywords() {
        let schema = |property: &str| json!({ "tools": [{ "function": { "parameters": { "type": "object", "properties": { property: { "type": "string" } } } } }] });
        assert_eq!(traits(&schema("city")), traits(&schema("place")));
        assert!(traits(&schema("city")).contains("/tools/*/function/parameters/properties/*/type=string"));
    }
}
