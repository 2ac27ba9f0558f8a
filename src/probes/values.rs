//! Other values and names for what is refused, and neutral ones for what was never sent.

use serde_json::{Value, json};

/// What to try in place of a member whose name or value may be refused: a name and a value each, the likelier first.
pub fn instead(name: &str, value: &Value) -> Vec<(&'static str, Value)> {
    match name {
        "max_tokens" => vec![("max_completion_tokens", value.clone()), ("max_tokens", json!(64))],
        "max_completion_tokens" => vec![("max_tokens", value.clone()), ("max_completion_tokens", json!(64))],
        "max_output_tokens" => vec![("max_output_tokens", json!(64))],
        "temperature" => vec![("temperature", json!(1))],
        "top_p" => vec![("top_p", json!(1))],
        "presence_penalty" => vec![("presence_penalty", json!(0))],
        "frequency_penalty" => vec![("frequency_penalty", json!(0))],
        "n" => vec![("n", json!(1))],
        "tool_choice" => vec![("tool_choice", json!("auto"))],
        "response_format" if value["type"] == "json_schema" => vec![("response_format", json!({ "type": "json_object" }))],
        "response_format" => vec![("response_format", json!({ "type": "text" }))],
        "reasoning_effort" => vec![("reasoning_effort", json!("medium"))],
        "parallel_tool_calls" => vec![("parallel_tool_calls", json!(value != &json!(true)))],
        _ => Vec::new(),
    }
    .into_iter()
    .filter(|(other, changed)| *other != name || changed != value)
    .collect()
}

/// The value with which a member that was not sent takes no part.
pub fn neutral(name: &str) -> Option<Value> {
    match name {
        "enable_thinking" => Some(json!(false)),
        "reasoning_effort" => Some(json!("none")),
        "thinking" => Some(json!({ "type": "disabled" })),
        "stream" | "parallel_tool_calls" | "store" | "logprobs" => Some(json!(false)),
        "tool_choice" => Some(json!("auto")),
        "temperature" | "top_p" | "n" => Some(json!(1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_again_is_not_tried() {
        assert!(instead("temperature", &json!(1)).is_empty());
        assert_eq!(instead("temperature", &json!(0.7)), [("temperature", json!(1))]);
        assert_eq!(instead("max_tokens", &json!(64)), [("max_completion_tokens", json!(64))]);
        assert!(instead("user", &json!("u")).is_empty());
    }
}
