//! The items of Responses: messages, calls with their outputs, reasoning with what it led to. The user's last message stays.

use serde_json::Value;

use super::{Builder, Talk, escaped};

/// Members that make an item what it is.
const OWN: [&str; 16] = [
    "type",
    "role",
    "content",
    "call_id",
    "name",
    "arguments",
    "input",
    "output",
    "action",
    "operation",
    "summary",
    "encrypted_content",
    "tools",
    "queries",
    "results",
    "namespace",
];

/// One item among the others.
#[derive(Clone, Copy)]
struct Item<'v> {
    index: usize,
    value: &'v Value,
}

impl<'v> Item<'v> {
    fn is_role(self, roles: &[&str]) -> bool {
        self.value["role"].as_str().is_some_and(|role| roles.contains(&role))
    }

    fn kind(self) -> &'v str {
        self.value["type"].as_str().unwrap_or("message")
    }

    fn is_user(self) -> bool {
        self.is_role(&["user"])
    }

    /// What it calls, and is not the output of.
    fn calls(self) -> Option<&'v str> {
        self.value["call_id"].as_str().filter(|_| !self.is_output())
    }

    fn is_output(self) -> bool {
        self.kind().ends_with("_output")
    }

    fn pointer(self) -> String {
        format!("/input/{}", self.index)
    }
}

impl Builder {
    /// Takes a list of items apart.
    pub(super) fn items(&mut self, list: &[Value]) {
        self.talk = Talk::new("/input", list.len());
        let all: Vec<Item> = list.iter().enumerate().map(|(index, value)| Item { index, value }).collect();
        let (system, talk): (Vec<Item>, Vec<Item>) = all.into_iter().partition(|item| item.is_role(&["system", "developer"]));
        let Some(last) = talk.iter().rposition(|item| item.is_user()).or_else(|| talk.len().checked_sub(1)) else { return };
        for item in system {
            let node = self.node(None, item.pointer());
            self.item(item, Some(node));
        }
        let mut start = 0;
        for end in 1..=talk.len() {
            if end == talk.len() || talk[end].is_user() && !talk[end - 1].is_user() {
                self.turn_of_items(&talk[start..end], last.checked_sub(start).filter(|at| *at < end - start));
                start = end;
            }
        }
    }

    fn turn_of_items(&mut self, turn: &[Item], kept: Option<usize>) {
        let closing = turn.iter().rposition(|item| item.is_role(&["assistant"])).filter(|_| kept.is_none());
        let answer = closing.or_else(|| turn.iter().position(|item| !item.is_user())).unwrap_or(0);
        let parent = if kept.is_none() { Some(self.node(None, turn[answer].pointer())) } else { None };
        let user = kept.unwrap_or(0);
        for (at, item) in turn.iter().enumerate().filter(|(_, item)| item.kind() != "reasoning") {
            let is_own = at == user || Some(at) == closing || self.at(&item.pointer()).is_some();
            let call = turn[..at].iter().find(|other| item.is_output() && other.calls().is_some_and(|id| item.value["call_id"] == id));
            let with = match call {
                _ if is_own => parent,
                Some(call) => self.talk.shown[call.index].with,
                None => Some(self.node(parent, item.pointer())),
            };
            if let (Some(node), Some(_)) = (with, item.calls()) {
                let tool = item.value["name"].as_str().and_then(|name| self.tools.get(name).copied());
                self.needs(node, tool);
            }
            self.item(*item, with);
        }
        for (at, item) in turn.iter().enumerate().filter(|(_, item)| item.kind() == "reasoning") {
            self.reasoning(*item, turn[at + 1..].iter().find(|item| item.kind() != "reasoning"), parent);
        }
    }

    /// Reasoning stands before what it led to, and neither of the two, once stored, may be sent under its id without the other.
    fn reasoning(&mut self, item: Item, led_to: Option<&Item>, parent: Option<usize>) {
        let with = led_to.map_or(parent, |led_to| self.talk.shown[led_to.index].with);
        let node = if self.at(&item.pointer()).is_none() { Some(self.node(with, item.pointer())) } else { parent };
        self.item(item, node);
        let id = led_to.and_then(|led_to| self.at(&format!("{}/id", led_to.pointer())));
        if let (Some(id), Some(node)) = (id, node) {
            self.needs[id].push(node);
        }
    }

    /// Shows an item with a node, and takes apart what it has beyond its own.
    fn item(&mut self, item: Item, with: Option<usize>) {
        self.talk.shown[item.index].with = with;
        let pointer = item.pointer();
        let is_stored = item.value["id"].is_string() || item.value["status"].is_string();
        let holds_id = matches!(item.kind(), "reasoning" | "item_reference");
        for (name, value) in item.value.as_object().into_iter().flatten() {
            let place = format!("{pointer}/{}", escaped(name));
            match value {
                Value::Array(parts) if name == "content" && !parts.is_empty() && !is_stored && !holds_id => {
                    self.content(item.index, with, &place, parts);
                }
                Value::Array(parts) if matches!(name.as_str(), "content" | "output") && !holds_id => {
                    self.all_but_words(with, &place, parts);
                }
                _ if OWN.contains(&name.as_str()) || name == "id" && holds_id => {}
                _ => {
                    let node = self.node(with, place.clone());
                    self.inside(Some(node), &place, value);
                }
            }
        }
    }
}
