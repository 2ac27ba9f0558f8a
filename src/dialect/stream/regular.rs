//! The chunks that nearly all streams consist of, read without building a tree.
//!
//! What is read here is read strictly: one choice, known members, their usual types. Anything else, however legal, is left to the reader of
//! any JSON, which notes what is odd about it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::tape::Tape;
use super::typed;

/// A text that is borrowed where it holds no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;
        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;

            fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
                out.write_str("a text")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrowing)
    }
}

/// A chunk of a chat completion.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Chunk<'a> {
    #[serde(borrow)]
    object: Text<'a>,
    choices: [Choice<'a>; 1],
    #[serde(default)]
    model: Option<Text<'a>>,
    #[serde(default, rename = "id")]
    _id: Option<Text<'a>>,
    #[serde(default, rename = "created")]
    _created: Option<u64>,
    #[serde(default, rename = "system_fingerprint")]
    _fingerprint: Option<Text<'a>>,
    #[serde(default, rename = "service_tier")]
    _tier: Option<Text<'a>>,
    #[serde(default, rename = "obfuscation")]
    _obfuscation: Option<Text<'a>>,
    #[serde(default, rename = "provider")]
    _provider: Option<Text<'a>>,
    #[serde(default, rename = "usage")]
    _usage: (),
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice<'a> {
    index: u64,
    #[serde(borrow)]
    delta: Delta<'a>,
    #[serde(default, rename = "finish_reason")]
    _finish_reason: (),
    #[serde(default, rename = "logprobs")]
    _logprobs: (),
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Delta<'a> {
    #[serde(borrow, default, deserialize_with = "named")]
    role: Option<Text<'a>>,
    #[serde(default)]
    content: Option<Text<'a>>,
    #[serde(default)]
    reasoning_content: Option<Text<'a>>,
    #[serde(default, rename = "refusal")]
    _refusal: (),
    #[serde(default, rename = "tool_calls")]
    _tool_calls: (),
    #[serde(default, rename = "function_call")]
    _function_call: (),
}

/// A member that is missing or a text, but not null.
fn named<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text<'a>>, D::Error> {
    Text::deserialize(deserializer).map(Some)
}

/// A piece of text in Anthropic's words.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    index: u64,
    delta: Piece<'a>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Piece<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    text: Text<'a>,
}

/// A piece of text in the words of the Responses API.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    delta: Text<'a>,
    #[serde(default)]
    sequence_number: Option<u64>,
    #[serde(default, rename = "item_id")]
    _item: Option<Text<'a>>,
    #[serde(default, rename = "output_index")]
    _output: Option<u64>,
    #[serde(default, rename = "content_index")]
    _content: Option<u64>,
    #[serde(default, rename = "logprobs")]
    _logprobs: Option<[u8; 0]>,
    #[serde(default, rename = "obfuscation")]
    _obfuscation: Option<Text<'a>>,
}

/// Takes data that is a regular chunk or piece; false, and nothing taken, when it is not.
pub fn take(tape: &mut Tape, data: &str, name: &str) -> bool {
    if tape.sentinel || !data.starts_with('{') {
        return false;
    }
    match name {
        "error" => false,
        "content_block_delta" => block(tape, data),
        "response.output_text.delta" => part(tape, data, name),
        _ => again(tape, data) || first(tape, data),
    }
}

fn block(tape: &mut Tape, data: &str) -> bool {
    let Ok(block) = serde_json::from_str::<Block>(data) else { return false };
    let regular = block.kind.0 == "content_block_delta" && block.delta.kind.0 == "text_delta" && tape.turn.is_open(block.index);
    if regular {
        tape.speaks("anthropic-messages");
        tape.say(&block.delta.text.0);
    }
    regular
}

fn part(tape: &mut Tape, data: &str, name: &str) -> bool {
    let Ok(part) = serde_json::from_str::<Part>(data) else { return false };
    let regular = part.kind.0 == name;
    if regular {
        tape.speaks("openai-responses");
        typed::sequence(tape, part.sequence_number, name, name);
        tape.say(&part.delta.0);
    }
    regular
}

/// A regular chunk around its content: what comes before the text's quote, and what comes behind it.
#[derive(Default)]
pub struct Mould {
    before: String,
    behind: String,
}

impl Mould {
    /// The content, with its quotes, of data that differs in nothing else.
    fn content<'d>(&self, data: &'d str) -> Option<&'d str> {
        let content = data.strip_prefix(&*self.before)?.strip_suffix(&*self.behind)?;
        (!self.before.is_empty() && content.len() >= 2).then_some(content)
    }

    fn keep(&mut self, before: &str, behind: &str) {
        self.before.clear();
        self.before.push_str(before);
        self.behind.clear();
        self.behind.push_str(behind);
    }
}

/// A chunk like the one before, but for its content.
fn again(tape: &mut Tape, data: &str) -> bool {
    let Some(content) = tape.mould.content(data) else { return false };
    let inner = content.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let plain = |inner: &&str| memchr::memchr2(b'"', b'\\', inner.as_bytes()).is_none() && inner.bytes().all(|byte| byte >= b' ');
    if let Some(inner) = inner.filter(plain) {
        tape.say(inner);
    } else {
        let Ok(text) = serde_json::from_str::<Text>(content) else { return false };
        tape.say(&text.0);
    }
    true
}

/// A chunk of which nothing is known yet.
fn first(tape: &mut Tape, data: &str) -> bool {
    let Ok(chunk) = serde_json::from_str::<Chunk>(data) else { return false };
    let Chunk { object, choices: [choice], model, .. } = chunk;
    let role = choice.delta.role.as_ref().map(|role| &*role.0);
    if object.0 != "chat.completion.chunk" || choice.index != 0 || role == Some("") {
        return false;
    }
    tape.speaks("openai-chat");
    if let Some(model) = model {
        tape.named(&model.0);
    }
    if role.is_some() {
        tape.role = Some(true);
    }
    let silent = choice.delta.reasoning_content.is_none();
    if let Some(thought) = choice.delta.reasoning_content {
        tape.think(&thought.0);
    }
    if let Some(said) = choice.delta.content {
        if let (true, Cow::Borrowed(text)) = (silent, &said.0) {
            let start = text.as_ptr() as usize - data.as_ptr() as usize;
            tape.mould.keep(&data[..start - 1], &data[start + text.len() + 1..]);
        }
        tape.say(&said.0);
    }
    true
}
