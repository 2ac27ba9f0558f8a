//! Parts that whole answers and streamed pieces have in common: content, reasoning, tool calls, token counts.

use serde_json::Value;

use super::Usage;
use super::json::text;

/// The text of a content member: a string, or an array of parts.
pub fn joined(content: &Value) -> String {
    match content {
        Value::String(said) => said.clone(),
        Value::Array(parts) => parts.iter().filter_map(part).collect(),
        Value::Object(_) => part(content).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

/// The text of one part; parts that hold reasoning have none.
fn part(part: &Value) -> Option<&str> {
    if is_thought(part) {
        return None;
    }
    part.as_str().or_else(|| text(part, "text")).or_else(|| text(part, "refusal")).or_else(|| text(part, "content"))
}

/// True for parts that hold reasoning (Anthropic's `thinking`, Google's `thought: true`).
fn is_thought(part: &Value) -> bool {
    part.get("thought") == Some(&Value::Bool(true))
        || text(part, "type").is_some_and(|kind| kind.contains("thinking") || kind == "reasoning")
}

/// The reasoning among the parts of a content array.
pub fn thoughts(content: &Value) -> String {
    let parts = content.as_array().into_iter().flatten().filter(|part| is_thought(part));
    parts.filter_map(|part| text(part, "thinking").or_else(|| text(part, "text"))).collect()
}

/// The reasoning of a message or delta: the first field in use that is not empty.
pub fn reasoning(message: &Value) -> Option<String> {
    let plain = ["reasoning_content", "reasoning", "thinking", "reasoning_text"].iter().filter_map(|key| text(message, key));
    let plain = plain.filter(|thought| !thought.is_empty()).map(str::to_owned).next();
    plain.or_else(|| {
        let details = message.get("reasoning_details")?.as_array()?;
        let said: String = details.iter().filter_map(|detail| text(detail, "text").or_else(|| text(detail, "summary"))).collect();
        (!said.is_empty()).then_some(said)
    })
}

/// The names of the tools that a message calls.
pub fn tool_names(message: &Value) -> Vec<String> {
    let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    let names = calls.filter_map(|call| text(call.get("function")?, "name"));
    let legacy = message.get("function_call").and_then(|call| text(call, "name"));
    names.chain(legacy).filter(|name| !name.is_empty()).map(bounded).collect()
}

/// A name as it is kept: at most 200 characters.
pub fn bounded(name: &str) -> String {
    name.chars().take(200).collect()
}

/// Token counts of any dialect's usage object.
pub fn usage(value: &Value) -> Usage {
    let count = |keys: &[&str]| keys.iter().find_map(|key| value.pointer(key)?.as_u64());
    Usage {
        prompt: count(&["/prompt_tokens", "/input_tokens", "/promptTokenCount", "/prompt_eval_count"]),
        completion: count(&["/completion_tokens", "/output_tokens", "/candidatesTokenCount", "/eval_count"]),
        reasoning: count(&[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
            "/reasoning_tokens",
            "/thoughtsTokenCount",
        ]),
    }
}

impl Usage {
    /// These counts, and where one is missing, the earlier one.
    pub(super) fn or(self, earlier: Usage) -> Usage {
        Usage {
            prompt: self.prompt.or(earlier.prompt),
            completion: self.completion.or(earlier.completion),
            reasoning: self.reasoning.or(earlier.reasoning),
        }
    }
}
