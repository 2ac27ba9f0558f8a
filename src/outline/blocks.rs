//! Conversations whose calls and results stand among the blocks of the messages: Anthropic's Messages and Gemini. A call never stays
//! without its result, what is left alternates, and the last words of the user stay.

use serde_json::Value;

use super::{Builder, Talk, escaped};

/// Where a dialect writes its blocks.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// The conversation.
    list: &'static str,
    /// The member of a message that holds its blocks.
    content: &'static str,
}

/// Anthropic's Messages.
pub(super) const MESSAGES: Form = Form { list: "/messages", content: "content" };
/// Gemini.
pub(super) const CONTENTS: Form = Form { list: "/contents", content: "parts" };

/// Members that make a block what it is.
const OWN: [&str; 25] = [
    "type",
    "text",
    "thinking",
    "thought",
    "signature",
    "data",
    "id",
    "name",
    "input",
    "tool_use_id",
    "content",
    "source",
    "functionCall",
    "function_call",
    "functionResponse",
    "function_response",
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "executableCode",
    "codeExecutionResult",
    "image_url",
    "input_audio",
    "file",
];

/// One message among the others.
#[derive(Clone, Copy)]
struct Message<'v> {
    form: Form,
    index: usize,
    value: &'v Value,
}

impl<'v> Message<'v> {
    fn is(self, role: &str) -> bool {
        self.value["role"] == role
    }

    /// Gemini may leave out the role of the user.
    fn is_user(self) -> bool {
        self.is("user") || self.is("function") || self.value["role"].is_null()
    }

    fn blocks(self) -> &'v [Value] {
        self.value[self.form.content].as_array().map_or(&[], Vec::as_slice)
    }

    fn calls(self) -> bool {
        self.blocks().iter().any(|block| call(block).is_some())
    }

    fn results(self) -> bool {
        self.is_user() && self.blocks().iter().any(|block| result(block).is_some())
    }

    fn pointer(self) -> String {
        format!("{}/{}", self.form.list, self.index)
    }

    fn place(self, block: usize) -> String {
        format!("{}/{}/{block}", self.pointer(), self.form.content)
    }
}

/// What a block calls: what its result names it by, and the tool.
fn call(block: &Value) -> Option<(&str, &str)> {
    if block["type"] == "tool_use" {
        return Some((block["id"].as_str()?, block["name"].as_str()?));
    }
    let call = block.get("functionCall").or_else(|| block.get("function_call")).filter(|call| call.is_object())?;
    let name = call["name"].as_str()?;
    Some((call["id"].as_str().unwrap_or(name), name))
}

/// What a block is the result of.
fn result(block: &Value) -> Option<&str> {
    if block["type"] == "tool_result" {
        return block["tool_use_id"].as_str();
    }
    let response = block.get("functionResponse").or_else(|| block.get("function_response"))?;
    response["id"].as_str().or_else(|| response["name"].as_str())
}

/// Whether a message of a chat is written in bound blocks.
pub(super) fn is_bound(message: &Value) -> bool {
    let bound = |block: &Value| matches!(block["type"].as_str(), Some("tool_use" | "tool_result" | "thinking" | "redacted_thinking"));
    message["content"].as_array().is_some_and(|blocks| blocks.iter().any(bound))
}

impl Builder {
    /// Takes a conversation in blocks apart.
    pub(super) fn blocks(&mut self, form: Form, list: &[Value]) {
        self.talk = Talk::new(form.list, list.len());
        let all: Vec<Message> = list.iter().enumerate().map(|(index, value)| Message { form, index, value }).collect();
        let (system, talk): (Vec<Message>, Vec<Message>) =
            all.into_iter().partition(|message| message.is("system") || message.is("developer"));
        let Some(last_user) = talk.iter().rposition(|message| message.is_user() && !message.results()) else { return };
        for message in system {
            let node = self.node(None, message.pointer());
            self.words(message, Some(node));
        }
        let mut start = 0;
        for end in 1..=talk.len() {
            let begins = |at: usize| talk[at].is_user() && !talk[at].results() && !talk[at - 1].is_user();
            if end == talk.len() || begins(end) {
                self.turn_in_blocks(&talk[start..end], last_user.checked_sub(start).filter(|at| *at < end - start));
                start = end;
            }
        }
    }

    /// One turn; the one that holds the message that stays (at `kept`) is no node itself.
    fn turn_in_blocks(&mut self, turn: &[Message], kept: Option<usize>) {
        let closing = turn.iter().rposition(|message| !message.is_user() && !message.calls()).filter(|_| kept.is_none());
        let answer = closing.or_else(|| turn.iter().position(|message| !message.is_user())).unwrap_or(0);
        let parent = if kept.is_none() { Some(self.node(None, turn[answer].pointer())) } else { None };
        let user = kept.unwrap_or(0);
        let mut at = 0;
        while at < turn.len() {
            let message = turn[at];
            at += 1;
            if at - 1 == user || Some(at - 1) == closing {
                self.words(message, parent);
            } else if message.calls() {
                let results = turn[at..].iter().take_while(|message| message.results()).count();
                self.exchange(message, &turn[at..at + results], parent, kept.is_some() || closing.is_some());
                at += results;
            } else {
                let node = if self.at(&message.pointer()).is_none() { Some(self.node(parent, message.pointer())) } else { parent };
                self.words(message, node);
            }
        }
        if kept.is_none() {
            self.thoughts.clear();
        }
    }

    /// Calls and their results, which come and go together; without them both messages go, if others hold the turn together.
    fn exchange(&mut self, message: Message, results: &[Message], parent: Option<usize>, may_go: bool) {
        let tools = self.at("/tools");
        let round = if may_go { Some(self.node(parent, message.pointer())) } else { None };
        let with = round.or(parent);
        round.into_iter().for_each(|round| self.needs(round, tools));
        self.rides(message, with);
        results.iter().for_each(|result| self.rides(*result, with));
        let mut answers: Vec<(String, &Value)> =
            results.iter().flat_map(|message| message.blocks().iter().enumerate().map(|(at, block)| (message.place(at), block))).collect();
        for (at, block) in message.blocks().iter().enumerate() {
            let place = message.place(at);
            let node = self.node(with, place.clone());
            self.block(node, &place, block);
            match call(block) {
                Some((id, name)) => {
                    let tool = self.tools.get(name).copied();
                    self.needs(node, tools);
                    self.needs(node, tool);
                    round.into_iter().for_each(|round| self.any_of[round].push(node));
                    if let Some(found) = answers.iter().position(|(_, block)| result(block) == Some(id)) {
                        let (place, block) = answers.remove(found);
                        self.riders.insert(place.clone(), node);
                        self.block(node, &place, block);
                    }
                }
                None if is_thought(block) => self.thoughts.push(node),
                None => {}
            }
        }
        for (place, block) in answers {
            let node = self.node(with, place.clone());
            self.block(node, &place, block);
        }
    }

    /// A message that is shown with a node, and its members beyond role and content.
    fn rides(&mut self, message: Message, with: Option<usize>) {
        self.talk.shown[message.index].with = with;
        let others = message.value.as_object().into_iter().flatten();
        for (name, value) in others.filter(|(name, _)| !matches!(name.as_str(), "role" | "content" | "parts")) {
            let place = format!("{}/{}", message.pointer(), escaped(name));
            let node = self.node(with, place.clone());
            self.inside(Some(node), &place, value);
        }
    }

    /// A message that says something: its first words stay, in the shape that they have or, where that may be, as text.
    fn words(&mut self, message: Message, with: Option<usize>) {
        self.rides(message, with);
        let blocks = message.blocks();
        let place = format!("{}/{}", message.pointer(), message.form.content);
        if message.form.content == "content" && !blocks.is_empty() && !is_bound(message.value) {
            return self.content(message.index, with, &place, blocks);
        }
        self.all_but_words(with, &place, blocks);
    }

    /// The elements of a list that cannot be empty: the first words stay, else the first element.
    pub(super) fn all_but_words(&mut self, with: Option<usize>, list: &str, blocks: &[Value]) {
        let stays = blocks.iter().position(|block| block["text"].is_string() && block["thought"] != true).unwrap_or(0);
        for (at, block) in blocks.iter().enumerate() {
            let place = format!("{list}/{at}");
            if at == stays {
                self.members_of_block(with, &place, block);
            } else {
                let node = self.node(with, place.clone());
                self.block(node, &place, block);
            }
        }
    }

    /// What a block has beyond what makes it one.
    fn block(&mut self, node: usize, place: &str, block: &Value) {
        self.members_of_block(Some(node), place, block);
    }

    fn members_of_block(&mut self, parent: Option<usize>, place: &str, block: &Value) {
        for (name, value) in block.as_object().into_iter().flatten() {
            let inner = format!("{place}/{}", escaped(name));
            match value {
                Value::Array(parts) if name == "content" => self.all_but_words(parent, &inner, parts),
                Value::Object(_) if name == "image_url" => self.inside(parent, &inner, value),
                _ if OWN.contains(&name.as_str()) => {}
                _ => {
                    let node = self.node(parent, inner.clone());
                    self.inside(Some(node), &inner, value);
                }
            }
        }
    }
}

fn is_thought(block: &Value) -> bool {
    matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking"))
}
