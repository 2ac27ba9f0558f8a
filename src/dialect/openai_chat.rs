//! OpenAI chat completions: building requests.

use serde_json::{Value, json};

/// The route of the model list under a base.
pub const MODELS: &str = "/models";
/// How far the control's answer counts: long enough to show how it arrives, short enough to cost little.
pub const CONTROL_COUNT: u32 = 20;

/// Asks for the numbers from 1 to `last` in words: an answer whose length is known beforehand and that never repeats itself.
pub fn count_prompt(last: u32) -> String {
    format!("Write the numbers from 1 to {last} in words, separated by commas.")
}

/// A prompt whose answer is one word.
pub const SHORT_PROMPT: &str = "Reply with one word: ok";

/// The least that a chat needs: `model` and `messages`.
pub fn chat(model: &str, prompt: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": prompt }] })
}

/// The same, streamed.
pub fn chat_stream(model: &str, prompt: &str) -> Value {
    with(chat(model, prompt), "stream", Value::Bool(true))
}

/// The body with one more member.
pub fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// What typical clients send beyond `model` and `messages`, all at once: every member is sent by default by at least three known clients.
pub fn typical(model: &str, streamed: bool) -> Value {
    let mut body = json!({
        "model": model,
        "messages": [
            { "role": "system", "content": "You are a helpful assistant." },
            { "role": "user", "content": [{ "type": "text", "text": SHORT_PROMPT }] }
        ],
        "temperature": 0.7,
        "top_p": 1,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "max_tokens": 64,
        "user": "llmdoctor",
        "tools": [tool()],
        "tool_choice": "auto",
        "parallel_tool_calls": true
    });
    if streamed {
        body["stream"] = Value::Bool(true);
        body["stream_options"] = json!({ "include_usage": true });
    }
    body
}

/// What some clients send, or all of them in some settings: structured output, the newer names, and what only OpenAI itself defines.
pub fn occasional(model: &str, streamed: bool) -> Value {
    let body = json!({
        "model": model,
        "messages": [
            { "role": "developer", "content": "You are a helpful assistant." },
            { "role": "user", "content": JSON_PROMPT }
        ],
        "max_completion_tokens": 64,
        "response_format": answer_schema(),
        "n": 1,
        "seed": 7,
        "stop": ["\n\n\n"],
        "metadata": { "tool": "llmdoctor" },
        "store": false
    });
    if streamed { with(body, "stream", Value::Bool(true)) } else { body }
}

/// A prompt whose answer is a small JSON object.
const JSON_PROMPT: &str = "Give the word ok as JSON with the member `answer`.";

/// Demands an object with one text, as structured output has it.
fn answer_schema() -> Value {
    json!({
        "type": "json_schema",
        "json_schema": {
            "name": "answer",
            "strict": true,
            "schema": {
                "type": "object",
                "properties": { "answer": { "type": "string" } },
                "required": ["answer"],
                "additionalProperties": false
            }
        }
    })
}

/// The tool that typical clients are made to offer.
pub(super) fn tool() -> Value {
    json!({
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Tells the weather in a city.",
            "parameters": { "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] }
        }
    })
}

/// The form in which a model takes an upper bound on its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    /// `max_tokens`
    MaxTokens,
    /// `max_completion_tokens`
    MaxCompletionTokens,
    /// `max_output_tokens`
    MaxOutputTokens,
    /// `maxOutputTokens` in `generationConfig`
    GenerationConfig,
}

impl Cap {
    /// The body with this bound on the answer, in tokens.
    pub fn put(self, mut body: Value, tokens: u64) -> Value {
        match self {
            Cap::GenerationConfig => body["generationConfig"]["maxOutputTokens"] = tokens.into(),
            _ => body[&self.pointer()[1..]] = tokens.into(),
        }
        body
    }

    /// True when the body has it.
    pub fn stands_in(self, body: &Value) -> bool {
        body.pointer(self.pointer()).is_some()
    }

    fn pointer(self) -> &'static str {
        match self {
            Cap::MaxTokens => "/max_tokens",
            Cap::MaxCompletionTokens => "/max_completion_tokens",
            Cap::MaxOutputTokens => "/max_output_tokens",
            Cap::GenerationConfig => "/generationConfig/maxOutputTokens",
        }
    }
}
