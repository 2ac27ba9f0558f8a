//! Reading a model list, whatever its shape.

use serde_json::{Map, Value};

use super::json::{text, texts};

/// A model list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelList {
    /// Its entries in order; at most 10,000.
    pub entries: Vec<ModelEntry>,
    /// True for `{"object":"list","data":[{"id":…}]}` (extra members and a missing `object` are fine).
    pub standard: bool,
    /// `openai`, `bare-array`, `ollama`, `google`, `anthropic`, `strings`, `nested`, `models` or `map`.
    pub shape: &'static str,
}

/// One entry of a model list.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelEntry {
    /// The name to send; at most 200 characters.
    pub id: String,
    /// What the list itself says about its kind (`type`, `capabilities`, `task`, `object`), lower case.
    pub kind: Option<String>,
}

/// No more entries than these are read.
const MAX_ENTRIES: usize = 10_000;
/// No more characters of a name than these are kept.
const MAX_ID: usize = 200;

/// Reads a list; `None` when the value is none. An empty array of models is a list without entries.
pub fn read(value: &Value) -> Option<ModelList> {
    match value {
        Value::Array(items) => array(items, "bare-array"),
        Value::Object(map) => object(map),
        _ => None,
    }
}

fn object(map: &Map<String, Value>) -> Option<ModelList> {
    if let Some(Value::Array(items)) = map.get("data") {
        return data(map, items);
    }
    if let Some(Value::Array(items)) = map.get("models") {
        return array(items, shape_of_models(items));
    }
    match map.get("data").or_else(|| map.get("models")).or_else(|| map.get("result")) {
        Some(Value::Object(inner)) => {
            object(inner).or_else(|| keyed(inner)).map(|list| ModelList { shape: "nested", standard: false, ..list })
        }
        Some(Value::Array(items)) => array(items, "nested"),
        _ => keyed(map),
    }
}

fn data(map: &Map<String, Value>, items: &[Value]) -> Option<ModelList> {
    let anthropic = map.contains_key("has_more") && items.first().is_some_and(|item| text(item, "type") == Some("model"));
    let list = array(items, if anthropic { "anthropic" } else { "openai" })?;
    let named = items.iter().take(MAX_ENTRIES).all(|item| text(item, "id").is_some_and(|id| !id.is_empty()));
    Some(ModelList { standard: named, ..list })
}

fn array(items: &[Value], shape: &'static str) -> Option<ModelList> {
    let entries: Vec<_> = items.iter().filter_map(entry).take(MAX_ENTRIES).collect();
    if entries.is_empty() && !items.is_empty() {
        return None;
    }
    let strings = !items.is_empty() && items.iter().all(Value::is_string);
    Some(ModelList { entries, standard: false, shape: if strings { "strings" } else { shape } })
}

fn shape_of_models(items: &[Value]) -> &'static str {
    match items.first() {
        Some(item) if text(item, "name").is_some_and(|name| name.starts_with("models/")) => "google",
        Some(item) if item.get("modified_at").is_some() || item.get("digest").is_some() => "ollama",
        Some(_) => "models",
        None => "ollama",
    }
}

/// `{"model-a": {…}, "model-b": {…}}`, as some gateways write their list; every value must look like a model's description.
fn keyed(map: &Map<String, Value>) -> Option<ModelList> {
    const TELLING: [&str; 9] =
        ["id", "name", "owned_by", "object", "max_tokens", "context_length", "litellm_provider", "mode", "max_input_tokens"];
    let told = |value: &Value| value.is_object() && TELLING.iter().any(|key| value.get(key).is_some());
    if map.len() < 2 || !map.values().all(told) {
        return None;
    }
    let entries = map.iter().take(MAX_ENTRIES).map(|(key, value)| ModelEntry { id: bounded(key), kind: kind(value) }).collect();
    Some(ModelList { entries, standard: false, shape: "map" })
}

fn entry(item: &Value) -> Option<ModelEntry> {
    let name = match item {
        Value::String(name) => name.as_str(),
        _ => ["id", "model", "name", "model_name", "slug"].iter().find_map(|key| text(item, key).filter(|name| !name.is_empty()))?,
    };
    let name = name.strip_prefix("models/").filter(|_| item.get("id").is_none()).unwrap_or(name);
    (!name.is_empty()).then(|| ModelEntry { id: bounded(name), kind: kind(item) })
}

fn bounded(name: &str) -> String {
    name.chars().take(MAX_ID).collect()
}

/// What an entry says about its kind; `model` says nothing.
fn kind(item: &Value) -> Option<String> {
    const PLACES: [&str; 9] = [
        "type",
        "task",
        "mode",
        "model_type",
        "capabilities",
        "supportedGenerationMethods",
        "supported_generation_methods",
        "endpoints",
        "object",
    ];
    let said = PLACES.iter().filter_map(|place| words(item.get(place)?)).find(|said| !said.is_empty() && said != "model");
    said.map(|said| bounded(&said))
}

fn words(value: &Value) -> Option<String> {
    let said = match value {
        Value::String(said) => said.clone(),
        Value::Array(_) => texts(value).collect::<Vec<_>>().join(","),
        Value::Object(flags) => {
            let set = flags.iter().filter(|(_, flag)| **flag == Value::Bool(true));
            set.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",")
        }
        _ => return None,
    };
    Some(said.to_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn brief(value: Value) -> Option<(&'static str, bool, Vec<String>)> {
        read(&value).map(|list| (list.shape, list.standard, list.entries.into_iter().map(|entry| entry.id).collect()))
    }

    fn list(shape: &'static str, standard: bool, ids: &[&str]) -> Option<(&'static str, bool, Vec<String>)> {
        Some((shape, standard, ids.iter().map(|id| (*id).to_owned()).collect()))
    }

    #[test]
    fn every_shape_is_read() {
        let cases = [
            (json!({"object":"list","data":[{"id":"a","object":"model"},{"id":"b"}]}), list("openai", true, &["a", "b"])),
            (json!({"data":[]}), list("openai", true, &[])),
            (json!({"data":[{"id":"a"},{"id":7},{"id":null},"text"]}), list("openai", false, &["a", "text"])),
            (json!({"data":[{"type":"model","id":"claude"}],"has_more":false}), list("anthropic", true, &["claude"])),
            (json!([{"id":"a"}]), list("bare-array", false, &["a"])),
            (json!(["a", "b"]), list("strings", false, &["a", "b"])),
            (json!({"models":[{"name":"llama3:latest","model":"llama3:latest","digest":"x"}]}), list("ollama", false, &["llama3:latest"])),
            (json!({"models":[{"name":"models/gemini-2.5-pro"}]}), list("google", false, &["gemini-2.5-pro"])),
            (json!({"data":{"models":[{"id":"a"}]}}), list("nested", false, &["a"])),
            (json!({"gpt-4":{"mode":"chat"},"ada":{"mode":"embedding"}}), list("map", false, &["gpt-4", "ada"])),
            (json!({"data":[{"object":"embedding","embedding":[0.1]}]}), None),
            (json!({"message":"hello"}), None),
            (json!({}), None),
        ];
        for (value, expected) in cases {
            assert_eq!(brief(value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn kinds_are_what_the_list_says() {
        let cases = [
            (json!({"id":"a","type":"Chat"}), Some("chat")),
            (json!({"id":"a","object":"model"}), None),
            (json!({"id":"a","object":"embedding"}), Some("embedding")),
            (json!({"id":"a","type":"model","capabilities":["completion","vision"]}), Some("completion,vision")),
            (json!({"id":"a","capabilities":{"completion_chat":true,"vision":false}}), Some("completion_chat")),
            (json!({"name":"models/x","supportedGenerationMethods":["embedContent"]}), Some("embedcontent")),
        ];
        for (value, expected) in cases {
            assert_eq!(kind(&value).as_deref(), expected, "{value}");
        }
    }
}
