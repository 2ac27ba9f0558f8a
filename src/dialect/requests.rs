//! Building requests: the same question in every dialect that a run may speak.

use serde_json::{Value, json};

use crate::evidence::Dialect;

use super::openai_chat::{self, Cap, SHORT_PROMPT, count_prompt, tool, with};

/// Tokens that an answer of one word is granted where the dialect wants a bound.
const SHORT_CAP: u32 = 32;
/// Tokens granted per number of the control's answer where the dialect wants a bound: twice what numbers in words take.
const PER_NUMBER: u32 = 12;
/// Tokens granted on top, for models that think first.
const FOR_THOUGHT: u32 = 512;

// Google's bodies have `model` and `stream` here, as all others; they go into the path when a request is made of them.

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

/// A prompt whose answer is a few words, with nothing that the dialect does not demand.
pub fn saying(dialect: Dialect, model: &str, prompt: &str) -> Value {
    bare(dialect, model, prompt, SHORT_CAP + FOR_THOUGHT)
}

/// The least that the dialect needs. Only those that cannot do without a bound on the answer get one: Anthropic demands it, and legacy
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
            "generationConfig": { "temperature": 0.7, "topP": 1, "maxOutputTokens": 512 },
            "tools": [{ "functionDeclarations": [declared(&tool())] }],
            "toolConfig": { "functionCallingConfig": { "mode": "AUTO" } }
        }),
    };
    if stream { streamed(body) } else { body }
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

/// A tool as Google declares it.
fn declared(tool: &Value) -> Value {
    let function = &tool["function"];
    json!({ "name": function["name"], "description": function["description"], "parameters": function["parameters"] })
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
    match dialect {
        Dialect::OpenaiResponses => Cap::MaxOutputTokens,
        Dialect::GoogleGenerate => Cap::GenerationConfig,
        _ => Cap::MaxTokens,
    }
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
    fn the_control_of_chat_completions_carries_nothing_else() {
        let body = count(Dialect::OpenaiChat, "m", 20);
        assert_eq!(body.as_object().expect("an object").keys().collect::<Vec<_>>(), ["model", "messages"]);
    }
}
