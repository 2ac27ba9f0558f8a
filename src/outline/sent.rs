//! Which nodes of the whole body a smaller one has: read off the body itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{NO_WORDS, Outline, escaped, joined_text, no_words};

/// Values of one member that may differ before it is taken for another one.
const FEW: usize = 2;

/// What a body has of another one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// The nodes that it has as the whole body has them, or with less inside.
    pub kept: BTreeSet<usize>,
    /// The nodes that it has with another value, or with one inside.
    pub replaced: BTreeSet<usize>,
    /// What it has otherwise, by the JSON pointer in the whole body; among it what the whole body lacks.
    pub changed: BTreeMap<String, Value>,
}

impl Outline {
    /// Which nodes a body has. Elements of lists are recognized by what is in them.
    pub fn sent(&self, body: &Value) -> Sent {
        let mut sent = Sent::default();
        for (name, value) in body.as_object().into_iter().flatten() {
            let pointer = format!("/{}", escaped(name));
            let Some(whole) = self.whole.get(name) else {
                sent.changed.insert(pointer, value.clone());
                continue;
            };
            match differences(&pointer, whole, value, FEW) {
                Some(changes) => {
                    self.note(&pointer, whole, value, &mut sent.kept);
                    sent.changed.extend(changes);
                }
                None => drop(sent.changed.insert(pointer, value.clone())),
            }
        }
        let had = sent.changed.keys().filter(|pointer| self.whole.pointer(pointer).is_some());
        sent.replaced = had.filter_map(|pointer| self.innermost(pointer)).collect();
        sent.kept = &sent.kept - &sent.replaced;
        sent
    }

    fn note(&self, pointer: &str, whole: &Value, sent: &Value, kept: &mut BTreeSet<usize>) {
        kept.extend(self.at(pointer).filter(|_| whole.is_array() == sent.is_array()));
        match (whole, sent) {
            (Value::Object(whole), Value::Object(members)) => {
                for (name, value) in members {
                    if let Some(whole) = whole.get(name) {
                        self.note(&format!("{pointer}/{}", escaped(name)), whole, value, kept);
                    }
                }
            }
            (Value::Array(whole), Value::Array(items)) => {
                for (index, item) in aligned(whole, items, FEW).unwrap_or_default() {
                    self.note_element(pointer, index, &whole[index], item, kept);
                }
            }
            _ => {}
        }
    }

    fn note_element(&self, list: &str, index: usize, whole: &Value, sent: &Value, kept: &mut BTreeSet<usize>) {
        if list == self.talk.list {
            // A message is there with its node, which may stand elsewhere: at the turn's answer, at the call that it answers.
            kept.extend(self.talk.shown.get(index).and_then(|shown| shown.with));
        }
        self.note(&format!("{list}/{index}"), whole, sent, kept);
    }
}

/// Where the elements of a shortened list stood in the whole one; `None` when one of them was not there, give or take some changes.
fn aligned<'v>(whole: &[Value], sent: &'v [Value], room: usize) -> Option<Vec<(usize, &'v Value)>> {
    let mut from = 0;
    let place = |item: &'v Value| {
        let rest = &whole[from..];
        let like = |room: usize| rest.iter().position(|whole| differences("", whole, item, room).is_some());
        let index = from + (0..=room).find_map(like)?;
        from = index + 1;
        Some((index, item))
    };
    sent.iter().map(place).collect()
}

/// What a value has otherwise than the one that it is left of; `None` when that is more than `room` things.
fn differences(pointer: &str, whole: &Value, sent: &Value, room: usize) -> Option<Vec<(String, Value)>> {
    let mut found = Vec::new();
    match (whole, sent) {
        _ if whole == sent => {}
        (Value::Object(whole), Value::Object(members)) => {
            for (name, value) in members {
                let place = || format!("{pointer}/{}", escaped(name));
                let is_stub = matches!(name.as_str(), "content" | "parts") && members.contains_key("role") && *value == no_words(name);
                match whole.get(name) {
                    _ if is_stub => {}
                    Some(whole) => found.extend(differences(&place(), whole, value, room - found.len())?),
                    None => found.push((place(), value.clone())),
                }
                if found.len() > room {
                    return None;
                }
            }
        }
        (Value::Array(whole), Value::Array(items)) => {
            for (index, item) in aligned(whole, items, room)? {
                found.extend(differences(&format!("{pointer}/{index}"), &whole[index], item, room)?);
            }
        }
        // Content in parts that became text.
        (Value::Array(_), Value::String(text)) if joined_text(whole) == *text || text == NO_WORDS => {}
        _ => found.push((pointer.to_owned(), sent.clone())),
    }
    (found.len() <= room).then_some(found)
}
