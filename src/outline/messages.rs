//! The conversation: turns, rounds of tool calls, content in parts. What is left alternates, has a message of the user, and no tool call
//! stays without its results.

use serde_json::Value;

use super::{Builder, Talk, escaped};

/// Members of a message that make it what it is.
const OWN: [&str; 4] = ["role", "content", "tool_calls", "tool_call_id"];

/// One message among the others.
#[derive(Clone, Copy)]
struct Message<'v> {
    index: usize,
    value: &'v Value,
}

impl Message<'_> {
    fn is(self, role: &str) -> bool {
        self.value["role"] == role
    }

    fn is_system(self) -> bool {
        self.is("system") || self.is("developer")
    }

    fn calls(&self) -> &[Value] {
        self.value["tool_calls"].as_array().filter(|_| self.is("assistant")).map_or(&[], Vec::as_slice)
    }

    fn pointer(self) -> String {
        format!("/messages/{}", self.index)
    }
}

impl Builder {
    /// Takes a conversation apart. The last message of the user stays.
    pub(super) fn messages(&mut self, list: &[Value]) {
        self.talk = Talk::new("/messages", list.len());
        let all: Vec<Message> = list.iter().enumerate().map(|(index, value)| Message { index, value }).collect();
        for message in all.iter().filter(|message| message.is_system() && list.len() > 1) {
            let node = self.node(None, message.pointer());
            self.show(*message, Some(node));
        }
        let talk: Vec<Message> = all.into_iter().filter(|message| !message.is_system()).collect();
        let last_user = talk.iter().rposition(|message| message.is("user")).unwrap_or(talk.len().saturating_sub(1));
        let mut start = 0;
        for end in 1..=talk.len() {
            let begins = end == talk.len() || talk[end].is("user") && !talk[end - 1].is("user");
            if begins {
                self.turn(&talk[start..end], last_user.checked_sub(start).filter(|at| *at < end - start));
                start = end;
            }
        }
    }

    /// One turn: a user's message and what came of it. The turn that holds the message that stays (at `kept`) is no node itself.
    fn turn(&mut self, turn: &[Message], kept: Option<usize>) {
        let closing = turn.iter().rposition(|message| message.is("assistant") && message.calls().is_empty()).filter(|_| kept.is_none());
        let answer = closing.or_else(|| turn.iter().position(|message| message.is("assistant"))).unwrap_or(0);
        let parent = if kept.is_none() { Some(self.node(None, turn[answer].pointer())) } else { None };
        let user = kept.unwrap_or(0);
        for (at, message) in turn.iter().enumerate() {
            if at == user || Some(at) == closing {
                self.show(*message, parent);
            } else if !message.calls().is_empty() {
                self.round(turn, *message, parent, kept.is_some() || closing.is_some());
            } else if !message.is("tool") || !self.is_answer(turn, message) {
                let node = self.node(parent, message.pointer());
                self.show(*message, Some(node));
            }
        }
    }

    fn is_answer(&self, turn: &[Message], result: &Message) -> bool {
        turn.iter().flat_map(|message| message.calls().to_vec()).any(|call| call["id"] == result.value["tool_call_id"])
    }

    /// Tool calls and their results; without them the whole message goes, if others hold the turn together.
    fn round(&mut self, turn: &[Message], message: Message, parent: Option<usize>, may_go: bool) {
        let tools = self.at("/tools");
        let pointer = format!("{}/tool_calls", message.pointer());
        let round = self.node(parent, pointer.clone());
        self.needs(round, tools);
        if may_go {
            self.show(message, Some(round));
        } else {
            self.show(message, parent);
            self.talk.shown[message.index].calls = Some(round);
        }
        for (at, call) in message.calls().iter().enumerate() {
            let place = format!("{pointer}/{at}");
            let node = self.node(Some(round), place.clone());
            self.any_of[round].push(node);
            let tool = call.pointer("/function/name").and_then(Value::as_str).and_then(|name| self.tools.get(name).copied());
            self.needs(node, tool);
            self.inside(Some(node), &place, call);
            for result in turn.iter().filter(|other| other.is("tool") && other.value["tool_call_id"] == call["id"]) {
                self.show(*result, Some(node));
            }
        }
    }

    /// Lets a message go with a node, and takes apart what it has beyond its own.
    fn show(&mut self, message: Message, with: Option<usize>) {
        self.talk.shown[message.index].with = with;
        let pointer = message.pointer();
        if let Value::Array(parts) = &message.value["content"] {
            self.content(message.index, with, &format!("{pointer}/content"), parts);
        }
        let empty = |name: &str| name == "tool_calls" && message.calls().is_empty();
        let others = message.value.as_object().into_iter().flatten().filter(|(name, _)| !OWN.contains(&name.as_str()) || empty(name));
        for (name, value) in others {
            let place = format!("{pointer}/{}", escaped(name));
            let node = self.node(with, place.clone());
            self.inside(Some(node), &place, value);
        }
    }

    /// Content in parts: its shape, and the parts, of which a text stays.
    pub(super) fn content(&mut self, index: usize, with: Option<usize>, pointer: &str, parts: &[Value]) {
        if parts.is_empty() {
            return;
        }
        let shape = self.node(with, pointer.to_owned());
        self.talk.shown[index].shape = Some(shape);
        self.array(Some(shape), pointer, parts);
        let text = parts.iter().position(|part| part["text"].is_string()).unwrap_or(0);
        self.any_of[shape][..=text].rotate_right(1);
    }
}
