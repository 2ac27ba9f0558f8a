//! Members of the body and what stands inside them.

use serde_json::Value;

use super::{Builder, NEEDS, escaped};

/// Members that are sent whole or not at all.
const WHOLE: [&str; 12] = [
    "function_call",
    "thinking",
    "allowed_tools",
    "grammar",
    "audio",
    "prediction",
    "logit_bias",
    "web_search_options",
    "modalities",
    "cache_control",
    "const",
    "default",
];

/// Names that stand for what their object is: without them it is not a valid one.
const FIXED: [&str; 35] = [
    "type",
    "function",
    "name",
    "json_schema",
    "schema",
    "properties",
    "items",
    "$ref",
    "$defs",
    "definitions",
    "id",
    "arguments",
    "text",
    "image_url",
    "url",
    "input_audio",
    "data",
    "file",
    "input_schema",
    "refusal",
    "mode",
    "source",
    "media_type",
    "parts",
    "mimeType",
    "inlineData",
    "fileData",
    "fileUri",
    "file_id",
    "file_data",
    "filename",
    "file_url",
    "category",
    "threshold",
    "syntax",
];

/// Members inside others that are sent only together with one beside them.
const NEEDS_BESIDE: [(&str, &str); 4] = [
    ("responseSchema", "responseMimeType"),
    ("responseJsonSchema", "responseMimeType"),
    ("response_schema", "response_mime_type"),
    ("logprobs", "responseLogprobs"),
];

impl Builder {
    /// A member of the body.
    pub(super) fn member(&mut self, name: &str, value: &Value) {
        let node = self.node(None, format!("/{}", escaped(name)));
        let base = NEEDS.iter().find(|(part, _)| *part == name).and_then(|(_, base)| self.at(&format!("/{base}")));
        self.needs(node, base);
        let chosen = value.pointer("/function/name").or_else(|| value.get("name")).and_then(Value::as_str);
        if let Some(tool) = chosen.and_then(|tool| self.tools.get(tool).copied()) {
            self.needs(node, Some(tool));
        }
        if name == "thinking" {
            std::mem::take(&mut self.thoughts).into_iter().for_each(|thought| self.needs(node, Some(thought)));
        }
        if name == "tool_choice" && value["type"] == "allowed_tools" {
            return;
        }
        self.inside(Some(node), &format!("/{}", escaped(name)), value);
    }

    /// What stands inside a value.
    pub(super) fn inside(&mut self, parent: Option<usize>, pointer: &str, value: &Value) {
        if pointer.rsplit('/').next().is_some_and(|name| WHOLE.contains(&name)) {
            return;
        }
        match value {
            Value::Object(members) => self.object(parent, pointer, members),
            Value::Array(items) => self.array(parent, pointer, items),
            _ => {}
        }
    }

    fn object(&mut self, parent: Option<usize>, pointer: &str, members: &serde_json::Map<String, Value>) {
        let names = pointer.ends_with("/properties");
        let defined = pointer.ends_with("/$defs") || pointer.ends_with("/definitions");
        let mut members: Vec<(&String, &Value)> = members.iter().collect();
        // A list of required properties needs them, and strictness needs both.
        members.sort_by_key(|(name, _)| match name.as_str() {
            "required" => 1,
            "additionalProperties" => 2,
            "strict" => 3,
            name if NEEDS_BESIDE.iter().any(|(part, _)| *part == name) => 1,
            _ => 0,
        });
        let mut added = Vec::new();
        let mut fixed = false;
        for (name, value) in members {
            let place = format!("{pointer}/{}", escaped(name));
            if defined || !names && FIXED.contains(&name.as_str()) {
                fixed = true;
                self.inside(parent, &place, value);
                continue;
            }
            let node = self.node(parent, place.clone());
            added.push(node);
            let beside = NEEDS_BESIDE.iter().find(|(part, _)| !names && part == name);
            let beside = beside.and_then(|(_, base)| self.at(&format!("{pointer}/{base}")));
            self.needs(node, beside);
            match name.as_str() {
                "required" if !names => self.required(node, &place, value),
                _ => self.inside(Some(node), &place, value),
            }
            if name == "strict" && *value == Value::Bool(true) {
                self.strict(node, pointer);
            }
        }
        if let Some(parent) = parent.filter(|parent| !fixed && !names && self.pointers[*parent] == pointer) {
            self.any_of[parent] = added;
        }
    }

    /// Each required property, which needs to be there.
    fn required(&mut self, list: usize, pointer: &str, value: &Value) {
        let properties = format!("{}/properties", pointer.trim_end_matches("/required"));
        let Value::Array(names) = value else { return };
        for (index, name) in names.iter().enumerate() {
            let node = self.node(Some(list), format!("{pointer}/{index}"));
            let property = name.as_str().and_then(|name| self.at(&format!("{properties}/{}", escaped(name))));
            self.needs(node, property);
            self.any_of[list].push(node);
        }
    }

    /// A strict schema says which properties are required and that there are no others.
    fn strict(&mut self, node: usize, pointer: &str) {
        let inside = |place: &str| place.strip_prefix(pointer).is_some_and(|rest| rest.starts_with('/'));
        let of_schema =
            |place: &str| place.contains("/required/") || place.ends_with("/required") || place.ends_with("/additionalProperties");
        let wanted: Vec<usize> = (0..node).filter(|other| inside(&self.pointers[*other]) && of_schema(&self.pointers[*other])).collect();
        wanted.into_iter().for_each(|other| self.needs(node, Some(other)));
    }

    /// The elements of a list, of which one stays: any, or the first where the list itself cannot go.
    pub(super) fn array(&mut self, parent: Option<usize>, pointer: &str, items: &[Value]) {
        if pointer.ends_with("/type") {
            return;
        }
        let may_go = self.at(pointer).is_some();
        for (index, item) in items.iter().enumerate() {
            let place = format!("{pointer}/{index}");
            if index == 0 && !may_go {
                self.inside(parent, &place, item);
                continue;
            }
            let node = self.node(parent, place.clone());
            if ["/tools", "/functions", "/functionDeclarations", "/function_declarations"].iter().any(|list| pointer.ends_with(list)) {
                let name = item.pointer("/function/name").or_else(|| item.get("name")).and_then(Value::as_str);
                name.map(|name| self.tools.insert(name.to_owned(), node));
            }
            self.inside(Some(node), &place, item);
            if let Some(parent) = parent.filter(|parent| self.pointers[*parent] == pointer) {
                self.any_of[parent].push(node);
            }
        }
    }
}
