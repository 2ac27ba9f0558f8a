//! The chunks that nearly all streams consist of, read without building a tree.
//!
//! What is read here is read strictly: one choice, known members, their usual types. Anything else, however legal, is left to the reader of
//! any JSON, which notes what is odd about it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::tape::Tape;

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

/// Takes data that is a regular chunk; false, and nothing taken, when it is not.
pub fn take(tape: &mut Tape, data: &str) -> bool {
    if tape.sentinel || !data.starts_with('{') {
        return false;
    }
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
    if let Some(thought) = choice.delta.reasoning_content {
        tape.think(&thought.0);
    }
    if let Some(said) = choice.delta.content {
        tape.say(&said.0);
    }
    true
}
