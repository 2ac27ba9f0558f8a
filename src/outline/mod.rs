//! A chat body taken apart: what can be left out of it, one by one or together, so that it stays a valid request.
//!
//! A node is a member, a member inside a member, an element of a list, a message, a tool call with its results, or the shape of content
//! (parts instead of text). Every dialect's conversation has a file of its own: chat completions, blocks (Messages, Gemini), items (Responses). Nodes hang together ([`Links`]): what stands inside another node, what is sent only together with another
//! (`tool_choice` with `tools`), and lists that may not be empty. What no request can lack is no node.

mod blocks;
mod changes;
mod items;
mod members;
mod messages;
mod render;
mod sent;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashMap;

use serde_json::Value;

use crate::minimize::{Links, Parts};
use render::{NO_WORDS, joined_text, no_words};

pub use changes::Change;
pub use sent::Sent;

/// A body taken apart.
#[derive(Debug, Clone)]
pub struct Outline {
    whole: Value,
    pointers: Vec<String>,
    places: HashMap<String, usize>,
    links: Links,
    talk: Talk,
    riders: HashMap<String, usize>,
}

/// The conversation of a body.
#[derive(Debug, Clone, Default)]
struct Talk {
    /// Where it stands; empty when the body has none that is taken apart.
    list: &'static str,
    /// Its messages.
    shown: Vec<Shown>,
}

impl Talk {
    fn new(list: &'static str, messages: usize) -> Self {
        Talk { list, shown: vec![Shown::default(); messages] }
    }
}

/// Whether and how a message is shown.
#[derive(Debug, Clone, Default)]
struct Shown {
    /// It goes with this node; always there without one.
    with: Option<usize>,
    /// The node of its tool calls, when the message stays without them.
    calls: Option<usize>,
    /// The node of its content's shape: text without it.
    shape: Option<usize>,
}

/// Members that are sent only together with another one, when the body has that.
const NEEDS: [(&str, &str); 12] = [
    ("stream_options", "stream"),
    ("tool_choice", "tools"),
    ("parallel_tool_calls", "tools"),
    ("function_call", "functions"),
    ("top_logprobs", "logprobs"),
    ("thinking_budget", "enable_thinking"),
    ("metadata", "store"),
    ("audio", "modalities"),
    ("tool_stream", "tools"),
    ("toolConfig", "tools"),
    ("max_tool_calls", "tools"),
    // Its strategies are about thinking (https://docs.claude.com/en/docs/build-with-claude/context-editing).
    ("context_management", "thinking"),
];

impl Outline {
    /// Takes a body apart; members named in `fixed` are never left out.
    pub fn of(whole: Value, fixed: &[&str]) -> Self {
        let mut builder = Builder::default();
        for (name, value) in in_order(&whole, fixed) {
            match (name, value) {
                ("messages", Value::Array(list)) if list.iter().any(blocks::is_bound) => builder.blocks(blocks::MESSAGES, list),
                ("messages", Value::Array(list)) => builder.messages(list),
                ("contents", Value::Array(list)) => builder.blocks(blocks::CONTENTS, list),
                ("input", Value::Array(list)) if fixed.contains(&name) => builder.items(list),
                _ if fixed.contains(&name) => builder.inside(None, &format!("/{}", escaped(name)), value),
                _ => builder.member(name, value),
            }
        }
        builder.into_outline(whole)
    }

    /// The body as it was.
    pub fn whole(&self) -> &Value {
        &self.whole
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.pointers.len()
    }

    /// True when nothing can be left out.
    pub fn is_empty(&self) -> bool {
        self.pointers.is_empty()
    }

    /// How the nodes hang together.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Where a node stands in the whole body, as a JSON pointer. A turn is named by its assistant's message.
    pub fn pointer(&self, node: usize) -> &str {
        &self.pointers[node]
    }

    /// The node that stands at this place.
    pub fn at(&self, pointer: &str) -> Option<usize> {
        self.places.get(pointer).copied()
    }

    /// Every node.
    pub fn all(&self) -> Parts {
        (0..self.len()).collect()
    }

    /// The places that a body with these nodes lacks, without those inside a place that it lacks as well.
    pub fn left_out(&self, kept: &Parts) -> Vec<String> {
        let gone = |node: &usize| !kept.contains(node);
        let outermost =
            |node: &usize| self.links.needs[*node].iter().all(|needed| kept.contains(needed) || !self.is_inside(*node, *needed));
        (0..self.len()).filter(gone).filter(outermost).map(|node| self.pointers[node].clone()).collect()
    }

    /// Whether a node stands inside another one that cannot be without one of several.
    pub fn is_element_of(&self, node: usize, other: usize) -> bool {
        !self.links.any_of[other].is_empty() && self.is_inside(node, other)
    }

    fn is_inside(&self, node: usize, other: usize) -> bool {
        self.pointers[node].strip_prefix(self.pointers[other].as_str()).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// The members with those first that others need, then the messages.
fn in_order<'v>(whole: &'v Value, fixed: &[&str]) -> Vec<(&'v str, &'v Value)> {
    let mut members: Vec<(&str, &Value)> = whole.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value)).collect();
    members.sort_by_key(|(name, _)| match *name {
        "messages" | "contents" => 2,
        "input" if fixed.contains(name) => 2,
        _ if fixed.contains(name) => 0,
        // It needs the thoughts that were thought with it.
        "thinking" => 3,
        _ if NEEDS.iter().any(|(_, base)| base == name) => 1,
        _ => 4,
    });
    members
}

/// Collects nodes; what a node needs is always there before it.
#[derive(Default)]
struct Builder {
    pointers: Vec<String>,
    places: HashMap<String, usize>,
    needs: Vec<Vec<usize>>,
    any_of: Vec<Vec<usize>>,
    talk: Talk,
    /// Places that are shown with a node that stands elsewhere.
    riders: HashMap<String, usize>,
    /// Nodes of tools, by the tool's name.
    tools: HashMap<String, usize>,
    /// Thoughts of the turn that is not over.
    thoughts: Vec<usize>,
}

impl Builder {
    /// Adds a node inside another one, or inside the body itself.
    fn node(&mut self, parent: Option<usize>, pointer: String) -> usize {
        self.places.insert(pointer.clone(), self.pointers.len());
        self.pointers.push(pointer);
        self.needs.push(parent.into_iter().collect());
        self.any_of.push(Vec::new());
        self.pointers.len() - 1
    }

    /// Notes that a node makes no sense without another, which came before.
    fn needs(&mut self, node: usize, other: Option<usize>) {
        self.needs[node].extend(other.filter(|other| *other < node));
    }

    fn at(&self, pointer: &str) -> Option<usize> {
        self.places.get(pointer).copied()
    }

    fn into_outline(self, whole: Value) -> Outline {
        let mut kinds: HashMap<String, usize> = HashMap::new();
        let kind = |pointer: &String| {
            let next = kinds.len();
            *kinds.entry(kind(pointer)).or_insert(next)
        };
        let kind = self.pointers.iter().map(kind).collect();
        let links = Links { needs: self.needs, any_of: self.any_of, kind };
        Outline { whole, pointers: self.pointers, places: self.places, links, talk: self.talk, riders: self.riders }
    }
}

/// What nodes of one kind share: the member that they stand in, and their last name, whatever the index.
fn kind(pointer: &str) -> String {
    let last = pointer.rsplit('/').next().unwrap_or_default();
    let last = if last.bytes().all(|byte| byte.is_ascii_digit()) { "*" } else { last };
    let depth = pointer.matches('/').count().min(4);
    format!("{}/{depth}/{last}", pointer.split('/').nth(1).unwrap_or_default())
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
