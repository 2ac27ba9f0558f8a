//! The body with some of its nodes.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{Outline, Shown, escaped};
use crate::minimize::Parts;

/// What stands where a message would be left without any words.
pub(super) const NO_WORDS: &str = "ok";

impl Outline {
    /// The body with these nodes and no others; `kept` holds with each node what it needs (see [`crate::minimize::Links::close`]).
    pub fn with(&self, kept: &Parts) -> Value {
        let nodes = (0..self.len()).filter(|node| !kept.contains(node)).map(|node| self.pointers[node].as_str());
        let riders = self.riders.iter().filter(|(_, node)| !kept.contains(node)).map(|(place, _)| place.as_str());
        let gone: HashSet<&str> = nodes.chain(riders).collect();
        let mut body = Map::new();
        for (name, value) in self.whole.as_object().into_iter().flatten() {
            let pointer = format!("/{}", escaped(name));
            match value {
                Value::Array(list) if pointer == self.talk.list => {
                    let shown = list.iter().zip(&self.talk.shown).enumerate();
                    let messages = shown.filter_map(|(index, (message, shown))| of_message(&pointer, index, message, shown, kept, &gone));
                    body.insert(name.clone(), messages.collect());
                }
                _ if gone.contains(pointer.as_str()) => {}
                _ => drop(body.insert(name.clone(), pruned(&pointer, value, &gone))),
            }
        }
        Value::Object(body)
    }
}

fn of_message(list: &str, index: usize, message: &Value, shown: &Shown, kept: &Parts, gone: &HashSet<&str>) -> Option<Value> {
    if shown.with.is_some_and(|node| !kept.contains(&node)) {
        return None;
    }
    let mut left = pruned(&format!("{list}/{index}"), message, gone);
    if shown.shape.is_some_and(|node| !kept.contains(&node)) {
        left["content"] = joined_text(&message["content"]).into();
    }
    if shown.calls.is_some_and(|node| !kept.contains(&node)) {
        left.as_object_mut()?.shift_remove("tool_calls");
        if left["content"].as_str().is_none_or(str::is_empty) {
            left["content"] = NO_WORDS.into();
        }
    }
    said(message, left)
}

/// What is left of a message whose blocks may all have gone: the assistant's gets words, so that the turns alternate; others go.
fn said(message: &Value, mut left: Value) -> Option<Value> {
    for name in ["content", "parts"] {
        let had = message[name].as_array().is_some_and(|blocks| !blocks.is_empty());
        if had && left[name].as_array().is_some_and(Vec::is_empty) {
            let by_model = matches!(message["role"].as_str(), Some("assistant" | "model"));
            *left.get_mut(name)? = if by_model { no_words(name) } else { return None };
        }
    }
    Some(left)
}

/// What stands for the words of a message that lost them, in its member of this name.
pub(super) fn no_words(name: &str) -> Value {
    if name == "parts" { json!([{ "text": NO_WORDS }]) } else { NO_WORDS.into() }
}

/// The value without the places that are gone.
fn pruned(pointer: &str, value: &Value, gone: &HashSet<&str>) -> Value {
    let stays = |name: &str| {
        let place = format!("{pointer}/{}", escaped(name));
        (!gone.contains(place.as_str())).then_some(place)
    };
    match value {
        Value::Object(members) => {
            members.iter().filter_map(|(name, value)| stays(name).map(|place| (name.clone(), pruned(&place, value, gone)))).collect()
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.filter_map(|(index, item)| stays(&index.to_string()).map(|place| pruned(&place, item, gone))).collect()
        }
        other => other.clone(),
    }
}

/// The words of content in parts.
pub(super) fn joined_text(content: &Value) -> String {
    let words: Vec<&str> = content.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect();
    if words.is_empty() { NO_WORDS.to_owned() } else { words.concat() }
}
