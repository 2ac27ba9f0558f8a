//! Which nodes the words of a refusal mean.

use serde_json::Value;

use super::{Outline, escaped};
use crate::minimize::Parts;

/// Shorter values than this say too little to be recognized.
const TELLING: usize = 3;
/// Values are recognized up to this length, in bytes.
const LONGEST: usize = 80;

impl Outline {
    /// The nodes that the words of a refusal name, when a body with the nodes `kept` was sent: by their place (`messages[0].role`, `body.tools.0.function`), by their last name
    /// (`strict`), or, when no place is named, by their value. Of several, the most deeply nested.
    pub fn named(&self, words: &[String], kept: &Parts) -> Parts {
        let mut found: Vec<usize> = words.iter().flat_map(|word| self.by_place(&self.original(steps(word), kept))).collect();
        if found.is_empty() {
            found = words.iter().flat_map(|word| self.by_value(word)).collect();
        }
        let depth = |node: &usize| self.pointers[*node].matches('/').count();
        let deepest = found.iter().map(depth).max().unwrap_or_default();
        found.into_iter().filter(|node| depth(node) == deepest).collect()
    }

    /// The place in the whole body that a place in the sent one was before others were left out.
    fn original(&self, mut path: Vec<String>, kept: &Parts) -> Vec<String> {
        let mut pointer = String::new();
        for step in &mut path {
            let length = self.whole.pointer(&pointer).and_then(Value::as_array).map(Vec::len);
            if let Some((length, sent)) = length.zip(step.parse::<usize>().ok()) {
                let shown = (0..length).filter(|index| self.is_shown(&pointer, *index, kept)).nth(sent);
                shown.inspect(|index| *step = index.to_string());
            }
            pointer = format!("{pointer}/{}", escaped(step));
        }
        path
    }

    /// Whether an element of a list is there in a body with these nodes.
    fn is_shown(&self, list: &str, index: usize, kept: &Parts) -> bool {
        let node = match list {
            _ if list == self.talk.list => self.talk.shown.get(index).and_then(|shown| shown.with),
            _ => self.at(&format!("{list}/{index}")).or_else(|| self.riders.get(&format!("{list}/{index}")).copied()),
        };
        node.is_none_or(|node| kept.contains(&node))
    }

    fn by_place(&self, path: &[String]) -> Vec<usize> {
        let Some(last) = path.last() else { return Vec::new() };
        let all = || self.pointers.iter().enumerate();
        if self.whole.get(&path[0]).is_some() && (path.len() > 1 || self.talk.list != format!("/{}", path[0])) {
            // The place itself, else what holds it, else what it holds.
            let whole = format!("/{}", path.join("/"));
            let holds = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            let holder = all().filter(|(_, pointer)| holds(pointer, &whole)).max_by_key(|(_, pointer)| pointer.len());
            let nearest = |pointer: &str| pointer.matches('/').count();
            let held = all().filter(|(_, pointer)| holds(&whole, pointer)).min_by_key(|(_, pointer)| nearest(pointer));
            return holder.or(held).map(|(node, _)| node).into_iter().collect();
        }
        if last.parse::<usize>().is_ok() {
            return Vec::new();
        }
        all().filter(|(_, pointer)| pointer.rsplit('/').next() == Some(last)).map(|(node, _)| node).collect()
    }

    /// The innermost nodes that hold this very text.
    fn by_value(&self, word: &str) -> Vec<usize> {
        if !(TELLING..=LONGEST).contains(&word.len()) {
            return Vec::new();
        }
        let mut found = Vec::new();
        self.holding(&self.whole, "", word, &mut found);
        found
    }

    fn holding(&self, value: &Value, pointer: &str, word: &str, found: &mut Vec<usize>) {
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| self.holding(value, &format!("{pointer}/{}", escaped(name)), word, found));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.holding(item, &format!("{pointer}/{index}"), word, found));
            }
            Value::String(text) if text == word => found.extend(self.innermost(pointer)),
            _ => {}
        }
    }

    /// The innermost node that holds a place.
    pub fn innermost(&self, pointer: &str) -> Option<usize> {
        let mut place = pointer;
        loop {
            if let Some(node) = self.at(place) {
                return Some(node);
            }
            place = place.rsplit_once('/')?.0;
        }
    }
}

/// `body.messages[0].role` and `/messages/0/role` as steps.
fn steps(word: &str) -> Vec<String> {
    let word = word.trim().trim_start_matches("body.").trim_start_matches("$.").trim_start_matches('/');
    let path = word.replace(['[', '/'], ".").replace(']', "");
    path.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}
