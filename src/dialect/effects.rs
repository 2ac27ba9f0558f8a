//! Requests with a field whose effect shows in the answer whatever the model is like, and how to see it.

use serde_json::{Value, json};

use super::Reading;
use super::openai_chat::{CONTROL_COUNT, chat, count_prompt, tool, with};

/// A field whose effect shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A tool that must be called.
    ForcedTool,
    /// Two answers at once.
    TwoChoices,
    /// An answer in the form of a JSON schema, of which the prompt says nothing.
    Schema,
    /// A word at which the answer stops.
    StopWord,
}

/// The word at which the answer stops, and the one that would have followed.
const STOP: (&str, &str) = ("seven", "eight");
/// The member that the schema demands.
const MEMBER: &str = "greeting";

impl Effect {
    /// Every effect.
    pub const ALL: [Effect; 4] = [Effect::ForcedTool, Effect::TwoChoices, Effect::Schema, Effect::StopWord];

    /// The field, as a JSON pointer.
    pub fn field(self) -> &'static str {
        match self {
            Effect::ForcedTool => "/tool_choice",
            Effect::TwoChoices => "/n",
            Effect::Schema => "/response_format",
            Effect::StopWord => "/stop",
        }
    }

    /// A chat with this field.
    pub fn request(self, model: &str) -> Value {
        const HELLO: &str = "Say hello to me in one short sentence.";
        match self {
            Effect::ForcedTool => {
                let name = tool()["function"]["name"].clone();
                let body = with(chat(model, HELLO), "tools", json!([tool()]));
                with(body, "tool_choice", json!({ "type": "function", "function": { "name": name } }))
            }
            Effect::TwoChoices => with(chat(model, HELLO), "n", 2.into()),
            Effect::Schema => with(chat(model, HELLO), "response_format", schema()),
            Effect::StopWord => with(chat(model, &count_prompt(CONTROL_COUNT)), "stop", json!([STOP.0])),
        }
    }

    /// The effect that a request's body asks for.
    pub fn of(body: &Value) -> Option<Effect> {
        Effect::ALL.into_iter().find(|effect| body.pointer(effect.field()).is_some())
    }

    /// Whether the answer shows it, as a completion or as a stream; `None` when the answer says nothing either way.
    pub fn shows(self, answer: &Reading) -> Option<bool> {
        match answer {
            Reading::Completion(whole) => self.shown_by(&whole.text, !whole.tool_calls.is_empty(), whole.choices),
            Reading::Stream(stream) => self.shown_by(&stream.text, !stream.tool_calls.is_empty(), None),
            _ => None,
        }
    }

    fn shown_by(self, text: &str, calls: bool, choices: Option<usize>) -> Option<bool> {
        let said = !text.trim().is_empty();
        match self {
            Effect::ForcedTool => (said || calls).then_some(calls),
            Effect::TwoChoices => choices.map(|choices| choices >= 2),
            Effect::Schema => said.then(|| is_greeting(text)),
            Effect::StopWord => said.then(|| !text.to_lowercase().contains(STOP.1)),
        }
    }
}

fn schema() -> Value {
    json!({
        "type": "json_schema",
        "json_schema": {
            "name": "hello",
            "strict": true,
            "schema": { "type": "object", "properties": { MEMBER: { "type": "string" } }, "required": [MEMBER], "additionalProperties": false }
        }
    })
}

/// JSON with the demanded member; a fence around it is the model's, and the form is the field's all the same.
fn is_greeting(text: &str) -> bool {
    let inner = text.find('{').and_then(|from| text.get(from..=text.rfind('}')?)).unwrap_or_default();
    serde_json::from_str::<Value>(inner).is_ok_and(|value| value.get(MEMBER).is_some())
}

/// A picture of one colour, and the words for it.
pub struct Picture {
    /// A PNG of 64 × 64 pixels, base64.
    pub png: &'static str,
    /// What whoever sees it may call it, lower case.
    pub names: &'static [&'static str],
}

/// Two pictures: who guesses right twice has seen them.
pub const PICTURES: [Picture; 2] = [
    Picture {
        png: "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAT0lEQVR42u3PQQkAAAgEsAtx/ZMZxgi+hcEKLNO+FgEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQGBywKqxUDxqh7TUQAAAABJRU5ErkJggg==",
        names: &["red", "crimson", "scarlet"],
    },
    Picture {
        png: "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAUElEQVR42u3PQQkAAAgEsAthCPvnMYwRfAuDFViq57UICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICFwWbcSBAMU++S8AAAAASUVORK5CYII=",
        names: &["blue", "navy", "azure"],
    },
];

/// What is asked about a picture.
const WHICH_COLOUR: &str = "Which colour fills this picture? Answer with one word.";

impl Picture {
    /// The question about it, with it.
    pub fn request(&self, model: &str) -> Value {
        let url = format!("data:image/png;base64,{}", self.png);
        let parts = json!([{ "type": "text", "text": WHICH_COLOUR }, { "type": "image_url", "image_url": { "url": url } }]);
        json!({ "model": model, "messages": [{ "role": "user", "content": parts }] })
    }

    /// The picture that a request's body shows.
    pub fn of(body: &Value) -> Option<&'static Picture> {
        let text = body["messages"].to_string();
        PICTURES.iter().find(|picture| text.contains(picture.png))
    }

    /// Whether an answer names its colour.
    pub fn is_named(&self, answer: &str) -> bool {
        let answer = answer.to_lowercase();
        self.names.iter().any(|name| answer.contains(name))
    }
}

/// The question about a picture without any, for its count of tokens.
pub fn no_picture(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": [{ "type": "text", "text": WHICH_COLOUR }] }] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Completion;

    #[test]
    fn a_request_is_known_by_its_field() {
        for effect in Effect::ALL {
            assert_eq!(Effect::of(&effect.request("m")), Some(effect));
        }
        assert!(Picture::of(&PICTURES[1].request("m")).is_some_and(|picture| picture.names[0] == "blue"));
        assert!(Picture::of(&no_picture("m")).is_none());
    }

    #[test]
    fn an_effect_shows_or_does_not_or_nobody_can_say() {
        let said = |text: &str| {
            let answer = Completion { text: text.to_owned(), choices: Some(1), ..Completion::default() };
            Reading::Completion(Box::new(answer))
        };
        assert_eq!(Effect::Schema.shows(&said("```json\n{\"greeting\": \"hi\"}\n```")), Some(true));
        assert_eq!(Effect::Schema.shows(&said("Hello!")), Some(false));
        assert_eq!(Effect::StopWord.shows(&said("one, two, six, ")), Some(true));
        assert_eq!(Effect::StopWord.shows(&said("six, seven, eight")), Some(false));
        assert_eq!((Effect::TwoChoices.shows(&said("hi")), Effect::ForcedTool.shows(&said(""))), (Some(false), None));
    }
}
