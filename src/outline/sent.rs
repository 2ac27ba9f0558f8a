//! Which nodes of the whole body a smaller one has: read off the body itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{NO_WORDS, Outline, escaped, joined_text};

/// What a body has of another one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// The nodes that it has as the whole body has them, or with less inside.
    pub kept: BTreeSet<usize>,
    /// Members that it has with another value, by name; among them those that the whole body lacks.
    pub changed: BTreeMap<String, Value>,
}

impl Outline {
    /// Which nodes a body has. Elements of lists are recognized by what is in them.
    pub fn sent(&self, body: &Value) -> Sent {
        let mut sent = Sent::default();
        for (name, value) in body.as_object().into_iter().flatten() {
            match self.whole.get(name) {
                Some(whole) if fits(whole, value) => self.note(&format!("/{}", escaped(name)), whole, value, &mut sent.kept),
                _ => drop(sent.changed.insert(name.clone(), value.clone())),
            }
        }
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
                for (index, item) in aligned(whole, items).unwrap_or_default() {
                    self.note_element(pointer, index, &whole[index], item, kept);
                }
            }
            _ => {}
        }
    }

    fn note_element(&self, list: &str, index: usize, whole: &Value, sent: &Value, kept: &mut BTreeSet<usize>) {
        if list == "/messages" {
            // A message is there with its node, which may stand elsewhere: at the turn's answer, at the call that it answers.
            kept.extend(self.messages.get(index).and_then(|shown| shown.with));
        }
        self.note(&format!("{list}/{index}"), whole, sent, kept);
    }
}

/// Where the elements of a shortened list stood in the whole one; `None` when one of them was not there.
fn aligned<'v>(whole: &[Value], sent: &'v [Value]) -> Option<Vec<(usize, &'v Value)>> {
    let mut from = 0;
    let place = |item: &'v Value| {
        let index = from + whole[from..].iter().position(|whole| fits(whole, item))?;
        from = index + 1;
        Some((index, item))
    };
    sent.iter().map(place).collect()
}

/// Whether a value can be what is left of another one.
fn fits(whole: &Value, sent: &Value) -> bool {
    match (whole, sent) {
        (Value::Object(whole), Value::Object(sent)) => sent.iter().all(|(name, value)| {
            let stub = name == "content" && value == NO_WORDS && sent.contains_key("role");
            stub || whole.get(name).is_some_and(|whole| fits(whole, value))
        }),
        (Value::Array(whole), Value::Array(sent)) => aligned(whole, sent).is_some(),
        // Content in parts that became text.
        (Value::Array(_), Value::String(text)) => joined_text(whole) == *text,
        _ => whole == sent,
    }
}
