//! Building requests: the same question in every dialect that a run may speak.

use serde_json::{Value, json};
use url::Url;

use crate::evidence::Dialect;

use super::openai_chat::{self, Cap, SHORT_PROMPT, count_prompt, tool, with};

/// Tokens that an answer of one word is granted where the dialect wants a bound.
const SHORT_CAP: u32 = 32;
/// Tokens granted per number of the control's answer where the dialect wants a bound: twice what numbers in words take.
const PER_NUMBER: u32 = 12;
/// Tokens granted on top, for models that think first.
const FOR_THOUGHT: u32 = 512;

/// The question with a one-word answer, with nothing that the dialect does not demand.
pub fn short(dialect: Dialect, model: &str) -> Value {
    bare(dialect, model, SHORT_PROMPT, SHORT_CAP)
}

/// The control: the numbers from 1 to `upto` in words, with nothing that the dialect does not demand.
pub fn count(dialect: Dialect, model: &str, upto: u32) -> Value {
    let cap = match dialect {
        // Nobody thinks on the legacy route, and what does not follow instructions writes on to the bound.
        Dialect::OpenaiCompletions => upto * PER_NUMBER,
        _ => upto * PER_NUMBER + FOR_THOUGHT,
    };
    bare(dialect, model, &count_prompt(upto), cap)
}

/// The least that the dialect needs. What Gemini has in its address stands here in `model` and `stream`, as elsewhere (see [`addressed`]). Only those that cannot do without a bound on the answer get one: Anthropic demands it, and legacy
/// completions stop after 16 tokens.
fn bare(dialect: Dialect, model: &str, prompt: &str, cap: u32) -> Value {
    match dialect {
        Dialect::OpenaiChat => openai_chat::chat(model, prompt),
        Dialect::OpenaiCompletions => json!({ "model": model, "prompt": prompt, "max_tokens": cap }),
        Dialect::OpenaiResponses => json!({ "model": model, "input": prompt }),
        Dialect::AnthropicMessages => {
            json!({ "model": model, "max_tokens": cap, "messages": [{ "role": "user", "content": prompt }] })
        }
        Dialect::GoogleGenerate => json!({ "model": model, "contents": [{ "role": "user", "parts": [{ "text": prompt }] }] }),
    }
}

/// The same question, streamed.
pub fn streamed(body: Value) -> Value {
    with(body, "stream", Value::Bool(true))
}

/// What typical clients of the dialect send, all at once.
pub fn typical(dialect: Dialect, model: &str, stream: bool) -> Value {
    let body = match dialect {
        Dialect::OpenaiChat => return openai_chat::typical(model, stream),
        Dialect::OpenaiCompletions => json!({
            "model": model,
            "prompt": SHORT_PROMPT,
            "max_tokens": 64,
            "temperature": 0.7,
            "top_p": 1,
            "presence_penalty": 0,
            "frequency_penalty": 0,
            "stop": ["\n\n\n"]
        }),
        Dialect::OpenaiResponses => json!({
            "model": model,
            "instructions": "You are a helpful assistant.",
            "input": [{ "role": "user", "content": [{ "type": "input_text", "text": SHORT_PROMPT }] }],
            "max_output_tokens": 64,
            "tools": [flat(&tool())],
            "tool_choice": "auto",
            "parallel_tool_calls": true,
            "store": false
        }),
        Dialect::AnthropicMessages => json!({
            "model": model,
            "max_tokens": 64,
            "system": [{ "type": "text", "text": "You are a helpful assistant." }],
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": SHORT_PROMPT }] }],
            "temperature": 0.7,
            "tools": [described(&tool())],
            "tool_choice": { "type": "auto" },
            "metadata": { "user_id": "llmdoctor" }
        }),
        Dialect::GoogleGenerate => json!({
            "model": model,
            "systemInstruction": { "parts": [{ "text": "You are a helpful assistant." }] },
            "contents": [{ "role": "user", "parts": [{ "text": SHORT_PROMPT }] }],
            "tools": [{ "functionDeclarations": [tool()["function"]] }],
            "toolConfig": { "functionCallingConfig": { "mode": "AUTO" } },
            "generationConfig": { "temperature": 1, "topP": 0.95, "topK": 64, "maxOutputTokens": 64 }
        }),
    };
    if stream { streamed(body) } else { body }
}

/// The address and the body of a request: Gemini wants the model and whether to stream in the address, below `url`, and not in the body.
pub fn addressed(dialect: Dialect, url: &Url, mut body: Value) -> (Url, Value) {
    let mut url = url.clone();
    if dialect != Dialect::GoogleGenerate {
        return (url, body);
    }
    let Some(members) = body.as_object_mut() else { return (url, body) };
    let streamed = members.shift_remove("stream").is_some_and(|streamed| streamed == true);
    let model = members.shift_remove("model").and_then(|model| model.as_str().map(str::to_owned));
    if let Some(model) = model {
        let (route, query) = Dialect::of_model(&model, streamed);
        let base = url.path().rsplit_once(Dialect::GoogleGenerate.route()).map_or("", |(base, _)| base).to_owned();
        url.set_path(&format!("{base}{route}"));
        url.set_query(query);
    }
    (url, body)
}

/// A tool as Responses describe it: name and parameters beside the type.
fn flat(tool: &Value) -> Value {
    let function = &tool["function"];
    json!({ "type": "function", "name": function["name"], "description": function["description"], "parameters": function["parameters"] })
}

/// A tool as Messages describe it.
fn described(tool: &Value) -> Value {
    let function = &tool["function"];
    json!({ "name": function["name"], "description": function["description"], "input_schema": function["parameters"] })
}

/// Members without which the dialect has no request: they are never left out to see whether the rest passes.
pub fn needed(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::OpenaiChat => &["model", "messages"],
        Dialect::OpenaiCompletions => &["model", "prompt"],
        Dialect::OpenaiResponses => &["model", "input"],
        Dialect::AnthropicMessages => &["model", "messages", "max_tokens"],
        Dialect::GoogleGenerate => &["model", "contents"],
    }
}

/// The member that bounds an answer's length.
pub fn cap(dialect: Dialect) -> Cap {
    if dialect == Dialect::OpenaiResponses { Cap::MaxOutputTokens } else { Cap::MaxTokens }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_what_its_dialect_cannot_do_without() {
        for dialect in Dialect::ALL {
            for body in [short(dialect, "m"), streamed(count(dialect, "m", 20)), typical(dialect, "m", true)] {
                let lacking = needed(dialect).iter().find(|member| body[**member].is_null());
                assert_eq!((lacking, &body["model"]), (None, &json!("m")), "{}", dialect.name());
            }
            assert_eq!(streamed(short(dialect, "m"))["stream"], true);
        }
    }

    #[test]
    fn gemini_is_addressed_by_its_model() {
        let base = Url::parse("https://h.example/v1beta/models").expect("a URL");
        let (url, body) = addressed(Dialect::GoogleGenerate, &base, streamed(short(Dialect::GoogleGenerate, "m-1")));
        assert_eq!(url.as_str(), "https://h.example/v1beta/models/m-1:streamGenerateContent?alt=sse");
        assert_eq!(body.as_object().expect("an object").keys().collect::<Vec<_>>(), ["contents"]);
        assert_eq!((Dialect::of(url.as_str()), Dialect::model_of(url.as_str())), (Some(Dialect::GoogleGenerate), Some(("m-1", true))));
        let (url, body) = addressed(Dialect::OpenaiChat, &base, short(Dialect::OpenaiChat, "m"));
        assert!(url == base && body["model"] == "m");
    }

    #[test]
    fn the_control_of_chat_completions_carries_nothing_else() {
        let body = count(Dialect::OpenaiChat, "m", 20);
        assert_eq!(body.as_object().expect("an object").keys().collect::<Vec<_>>(), ["model", "messages"]);
    }
}
