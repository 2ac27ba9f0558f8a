//! Other values and names for what is refused, and neutral ones for what was never sent.

use serde_json::{Value, json};

use crate::outline::Change;

/// What to try in place of a part whose name or value may be refused, the likelier first; changes of one try belong together. `pointer` is
/// where the part stands in `body`.
pub fn instead(body: &Value, pointer: &str) -> Vec<Vec<Change>> {
    let ids = other_ids(body, pointer);
    let single = of_value(body, pointer).into_iter().map(|change| vec![change]);
    single.chain((!ids.is_empty()).then_some(ids)).collect()
}

fn of_value(body: &Value, pointer: &str) -> Vec<Change> {
    let Some(value) = body.pointer(pointer) else { return Vec::new() };
    let (outer, name) = pointer.rsplit_once('/').unwrap_or_default();
    let same = |other: Value| vec![Change::value(pointer, other)];
    let changes = match name {
        _ if outer.ends_with("/properties") => Vec::new(),
        _ if value["role"] == "developer" => vec![Change::value(format!("{pointer}/role"), json!("system"))],
        _ if value["role"] == "assistant" && is_empty(&value["content"]) && value["tool_calls"].is_null() => {
            vec![Change::value(format!("{pointer}/content"), json!("(no answer)"))]
        }
        "max_tokens" | "max_completion_tokens" | "max_output_tokens" if outer.is_empty() => caps(body, name, value),
        "maxOutputTokens" => same(json!(64)),
        "temperature" | "top_p" | "topP" | "n" | "candidateCount" | "best_of" => same(json!(1)),
        "presence_penalty" | "frequency_penalty" | "presencePenalty" | "frequencyPenalty" => same(json!(0)),
        "top_k" | "topK" => same(json!(40)),
        "tool_choice" if body["messages"].is_array() && value["type"].is_string() && value["function"].is_null() => {
            same(json!({ "type": "auto" }))
        }
        "tool_choice" => same(json!("auto")),
        "service_tier" | "truncation" | "detail" => same(json!("auto")),
        "response_format" if value["type"] == "json_schema" => same(json!({ "type": "json_object" })),
        "response_format" => same(json!({ "type": "text" })),
        "format" if outer == "/text" && value["type"] == "json_schema" => same(json!({ "type": "json_object" })),
        "reasoning_effort" | "effort" | "verbosity" => same(json!("medium")),
        "reasoning" if !value["effort"].is_null() => vec![Change::value(format!("{pointer}/effort"), json!("medium"))],
        "thinking" if outer.is_empty() => thinking(body, value),
        "parallel_tool_calls" => same(json!(value != &json!(true))),
        "cache_control" => same(json!({ "type": "ephemeral" })),
        "strict" => same(json!(false)),
        "const" => vec![Change::name(pointer, "enum", json!([value]))],
        "system" if value.is_array() => same(words(value).into()),
        _ => Vec::new(),
    };
    changes.into_iter().filter(|change| change.name.is_some() || body.pointer(&change.at) != Some(&change.value)).collect()
}

fn is_empty(content: &Value) -> bool {
    content.is_null() || content == "" || content.as_array().is_some_and(Vec::is_empty)
}

/// Where calls and their results keep the id that they share.
const IDS: [&str; 4] = ["id", "tool_call_id", "tool_use_id", "call_id"];
/// The length of ids that every server takes: Mistral wants nine letters or digits (<https://github.com/run-llama/llama_index/issues/14701>).
const ID_LENGTH: usize = 9;

/// Other ids for the calls in a part, wherever the body repeats them.
fn other_ids(body: &Value, pointer: &str) -> Vec<Change> {
    let Some(part) = body.pointer(pointer).filter(|_| is_conversation(pointer)) else { return Vec::new() };
    let mut places = Vec::new();
    strings(part, &mut String::new(), &mut places);
    let is_call_id = |place: &str| place.ends_with("call_id") || place.ends_with("tool_use_id") || place.ends_with("/id");
    let odd = |id: &str| id.len() != ID_LENGTH || !id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let ids: Vec<String> = places.into_iter().filter(|(place, id)| is_call_id(place) && odd(id)).map(|(_, id)| id).collect();
    let mut everywhere = Vec::new();
    strings(body, &mut String::new(), &mut everywhere);
    let is_id = |place: &str| IDS.contains(&place.rsplit('/').next().unwrap_or_default());
    let uses = everywhere.into_iter().filter(|(place, id)| is_id(place) && ids.contains(id));
    uses.filter_map(|(place, id)| Some(Change::value(place, json!(format!("call{:05}", ids.iter().position(|known| *known == id)?)))))
        .collect()
}

fn is_conversation(pointer: &str) -> bool {
    ["/messages/", "/input/"].iter().any(|list| pointer.starts_with(list))
}

/// Every text inside a value, with its place.
fn strings(value: &Value, place: &mut String, found: &mut Vec<(String, String)>) {
    let length = place.len();
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                place.extend(["/", &name.replace('~', "~0").replace('/', "~1")]);
                strings(value, place, found);
                place.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                place.push_str(&format!("/{index}"));
                strings(value, place, found);
                place.truncate(length);
            }
        }
        Value::String(text) => found.push((place.clone(), text.clone())),
        _ => {}
    }
}

/// The bound on an answer's length under the names that it has elsewhere, and a small one.
fn caps(body: &Value, name: &str, value: &Value) -> Vec<Change> {
    let others: &[&str] = if body["messages"].is_array() { &["max_completion_tokens", "max_tokens"] } else { &["max_output_tokens"] };
    let others = others.iter().filter(|other| **other != name && body.get(**other).is_none());
    let others = others.map(|other| Change::name(format!("/{name}"), other, value.clone()));
    others.chain([Change::value(format!("/{name}"), json!(64))]).collect()
}

/// The least that may be thought (<https://docs.claude.com/en/docs/build-with-claude/extended-thinking>), where the answer has room for it, and nothing.
fn thinking(body: &Value, value: &Value) -> Vec<Change> {
    const LEAST: u64 = 1024;
    let has_room = body["max_tokens"].as_u64().is_some_and(|tokens| tokens > LEAST) && value["type"] == "enabled";
    let least = has_room.then(|| Change::value("/thinking", json!({ "type": "enabled", "budget_tokens": LEAST })));
    least.into_iter().chain([Change::value("/thinking", json!({ "type": "disabled" }))]).collect()
}

fn words(blocks: &Value) -> String {
    let texts: Vec<&str> = blocks.as_array().into_iter().flatten().filter_map(|block| block["text"].as_str()).collect();
    texts.join("\n")
}

/// The value with which a member that was not sent takes no part.
pub fn neutral(name: &str) -> Option<Value> {
    match name {
        "enable_thinking" => Some(json!(false)),
        "reasoning_effort" => Some(json!("none")),
        "reasoning" => Some(json!({ "effort": "none" })),
        "thinking" => Some(json!({ "type": "disabled" })),
        "stream" | "parallel_tool_calls" | "store" | "logprobs" => Some(json!(false)),
        "tool_choice" => Some(json!("auto")),
        "temperature" | "top_p" | "n" => Some(json!(1)),
        "max_tokens" | "max_completion_tokens" | "max_output_tokens" => Some(json!(256)),
        _ => None,
    }
}

/// Members whose default may exclude this one of a body, for refusals that do not say which: those that servers are known to fill in. Whoever
/// sends one of several that mean the same has no default of the others.
pub fn may_exclude(body: &Value, name: &str) -> Vec<&'static str> {
    const SAME: [&str; 4] = ["reasoning_effort", "reasoning", "enable_thinking", "thinking"];
    let thinks = SAME.iter().any(|name| body.get(*name).is_some());
    let names: &[&str] = match name {
        _ if body["contents"].is_array() => &[],
        "tools" | "functions" | "tool_choice" if body["input"].is_array() || body["input"].is_string() => {
            &["parallel_tool_calls", "reasoning"]
        }
        "tools" | "functions" => &["reasoning_effort", "parallel_tool_calls", "enable_thinking"],
        "tool_choice" => &["parallel_tool_calls", "enable_thinking", "thinking"],
        "response_format" | "text" => &["enable_thinking", "reasoning_effort"],
        "stream" | "temperature" | "top_p" | "logprobs" => &["n", "enable_thinking", "reasoning_effort"],
        _ => &[],
    };
    names.iter().copied().filter(|name| body.get(*name).is_none() && !(thinks && SAME.contains(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(body: Value, pointer: &str) -> Vec<(String, Value)> {
        instead(&body, pointer).into_iter().flatten().map(|change| (change.place(), change.value)).collect()
    }

    #[test]
    fn the_same_again_is_not_tried() {
        assert!(tried(json!({ "temperature": 1 }), "/temperature").is_empty());
        assert_eq!(tried(json!({ "temperature": 0.7 }), "/temperature"), [("/temperature".to_owned(), json!(1))]);
        let body = json!({ "messages": [], "max_tokens": 64 });
        assert_eq!(tried(body, "/max_tokens"), [("/max_completion_tokens".to_owned(), json!(64))]);
        assert!(tried(json!({ "user": "u" }), "/user").is_empty());
    }

    #[test]
    fn a_name_means_what_its_place_says() {
        let body =
            json!({ "input": "x", "max_tokens": 64, "tools": [{ "parameters": { "properties": { "temperature": { "const": 3 } } } }] });
        assert_eq!(tried(body.clone(), "/max_tokens")[0].0, "/max_output_tokens");
        let property = "/tools/0/parameters/properties/temperature";
        assert!(tried(body.clone(), property).is_empty(), "a property of that name is no sampling parameter");
        assert_eq!(tried(body, &format!("{property}/const")), [(format!("{property}/enum"), json!([3]))]);
        let body = json!({ "messages": [{ "role": "developer", "content": "x" }] });
        assert_eq!(tried(body, "/messages/0"), [("/messages/0/role".to_owned(), json!("system"))]);
    }

    #[test]
    fn thinking_gets_room_or_ends() {
        let body = json!({ "max_tokens": 4000, "thinking": { "type": "enabled", "budget_tokens": 16000 } });
        let budget = |change: &Change| change.value["budget_tokens"].as_u64();
        assert_eq!(instead(&body, "/thinking").iter().flatten().map(budget).collect::<Vec<_>>(), [Some(1024), None]);
    }

    #[test]
    fn a_call_and_its_result_get_the_same_id() {
        let body = json!({ "messages": [{ "role": "assistant", "tool_calls": [{ "id": "call_abc", "function": { "name": "f" } }] },
            { "role": "tool", "tool_call_id": "call_abc", "content": "r" }] });
        let expected = ["/messages/0/tool_calls/0/id", "/messages/1/tool_call_id"].map(|place| (place.to_owned(), json!("call00000")));
        assert_eq!(tried(body, "/messages/0/tool_calls"), expected);
    }
}
