//! Other names and values in the place of what may be refused.

use serde_json::{Map, Value};

use super::{Outline, escaped};

/// Another name or value for a place of a body.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The place, as a JSON pointer; when it is not there, the change adds it.
    pub at: String,
    /// The name that it gets instead of its own; its own when `None`.
    pub name: Option<String>,
    /// The value that it gets.
    pub value: Value,
}

impl Change {
    /// Another value in the same place.
    pub fn value(at: impl Into<String>, value: Value) -> Self {
        Change { at: at.into(), name: None, value }
    }

    /// Another name for a member, with this value.
    pub fn name(at: impl Into<String>, name: &str, value: Value) -> Self {
        Change { at: at.into(), name: Some(name.to_owned()), value }
    }

    /// Where it stands when it is made.
    pub fn place(&self) -> String {
        match (&self.name, self.at.rsplit_once('/')) {
            (Some(name), Some((outer, _))) => format!("{outer}/{}", escaped(name)),
            _ => self.at.clone(),
        }
    }

    /// The body with the change.
    pub fn applied(&self, mut body: Value) -> Value {
        let (outer, own) = self.at.rsplit_once('/').unwrap_or_default();
        let own = own.replace("~1", "/").replace("~0", "~");
        match body.pointer_mut(outer) {
            Some(Value::Object(members)) => *members = renamed(std::mem::take(members), &own, self),
            Some(Value::Array(items)) => {
                if let Some(item) = own.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                    *item = self.value.clone();
                }
            }
            _ => {}
        }
        body
    }
}

/// The members with the changed one where it was, or at the end when it was not there.
fn renamed(members: Map<String, Value>, own: &str, change: &Change) -> Map<String, Value> {
    let name = change.name.as_deref().unwrap_or(own);
    let mut changed = Map::new();
    for (other, value) in members {
        match other == own {
            true => drop(changed.insert(name.to_owned(), change.value.clone())),
            false => drop(changed.insert(other, value)),
        }
    }
    changed.entry(name).or_insert_with(|| change.value.clone());
    changed
}

impl Outline {
    /// The same outline of a body with changes; its nodes are where they were.
    pub fn changed(&self, changes: &[Change]) -> Outline {
        let whole = changes.iter().fold(self.whole.clone(), |whole, change| change.applied(whole));
        Outline { whole, ..self.clone() }
    }
}
