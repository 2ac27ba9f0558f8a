//! A server that refuses some places of a body. It looks at the JSON alone, not at what the search meant to send.

use std::collections::BTreeSet;

use llmdoctor::minimize::Parts;
use llmdoctor::outline::Outline;
use serde_json::Value;

use crate::bodies::Dice;

/// Of so many answers in a hundred, something else fails.
const UNRELATED: usize = 10;

/// What comes back.
#[derive(PartialEq)]
pub enum Answer {
    Fine,
    /// 400, with the words that it names.
    Refused(Vec<String>),
    /// 400, because this is no valid chat.
    Invalid,
    /// 429.
    Limit,
    /// 502, or nothing in time.
    Break,
}

/// A place in a body, by names: elements of lists by what is unmistakable in them.
type Place = Vec<String>;

pub struct Server {
    causes: Vec<Vec<(Place, String)>>,
    names: bool,
    dice: Dice,
    pub requests: usize,
    pub invalid: usize,
}

impl Server {
    pub fn new(outline: &Outline, causes: &[Parts], names: bool, dice: Dice) -> Self {
        let place = |node: &usize| (place(outline.whole(), outline.pointer(*node)), outline.pointer(*node).to_owned());
        let causes = causes.iter().map(|cause| cause.iter().map(place).collect()).collect();
        Server { causes, names, dice, requests: 0, invalid: 0 }
    }

    pub fn answer(&mut self, body: &Value) -> Answer {
        self.requests += 1;
        if self.dice.chance(UNRELATED) {
            return if self.dice.chance(50) { Answer::Limit } else { Answer::Break };
        }
        if let Some(why) = fault(body) {
            self.invalid += 1;
            if std::env::var_os("VERBOSE").is_some() {
                println!("invalid: {why}");
            }
            return Answer::Invalid;
        }
        let places = places(body);
        let met = self.causes.iter().find(|cause| cause.iter().all(|(place, _)| places.contains(place)));
        match met {
            None => Answer::Fine,
            Some(cause) => {
                // A name as servers give it: where it stands in what was sent.
                let words = cause.iter().filter_map(|(place, _)| pointer_of(body, place)).map(|pointer| pointer[1..].replace('/', "."));
                Answer::Refused(words.filter(|_| self.names).collect())
            }
        }
    }
}

/// What is unmistakable in an element: a name, an id, a text; in a message, the number that its words begin with.
fn step(item: &Value) -> String {
    let found = ["/tool_call_id", "/tool_calls/0/id", "/id", "/function/name", "/text", "/image_url/url"]
        .iter()
        .find_map(|at| item.pointer(at)?.as_str());
    match (found, item.get("role").and_then(Value::as_str)) {
        // Which call of a round comes first may change.
        (Some(id), Some("assistant")) => format!("round {}", id.rsplit_once('_').map_or(id, |(round, _)| round)),
        (Some(name), _) => name.to_owned(),
        (None, Some(role)) => format!("{role} {}", numbered(&item["content"])),
        (None, None) => item.to_string(),
    }
}

/// The number of a message, wherever it stands in its content.
fn numbered(content: &Value) -> String {
    let texts = content.as_array().into_iter().flatten().chain([content]);
    let text = texts
        .filter_map(|part| part["text"].as_str().or_else(|| part.pointer("/image_url/url")?.as_str()).or_else(|| part.as_str()))
        .next();
    text.unwrap_or_default().split('-').next().unwrap_or_default().to_owned()
}

/// The place of a pointer, by names.
fn place(whole: &Value, pointer: &str) -> Place {
    let mut value = whole;
    let mut place = Place::new();
    for name in pointer[1..].split('/') {
        let (inner, name) = match value {
            Value::Array(items) => {
                let index: usize = name.parse().expect("an index");
                (&items[index], step(&items[index]))
            }
            other => (&other[name], name.to_owned()),
        };
        value = inner;
        place.push(name);
    }
    // Content that may also be text: its shape is the place.
    if place.len() == 3 && place[0] == "messages" && place[2] == "content" {
        place.push("[]".to_owned());
    }
    place
}

/// Every place that a body has.
fn places(body: &Value) -> BTreeSet<Place> {
    let mut found = BTreeSet::new();
    walk(body, &mut Place::new(), &mut |place, value| {
        found.insert(place.clone());
        if value.is_array() && place.len() == 3 && place[0] == "messages" && place[2] == "content" {
            found.insert(place.iter().cloned().chain(["[]".to_owned()]).collect());
        }
    });
    found
}

fn walk(value: &Value, at: &mut Place, visit: &mut impl FnMut(&Place, &Value)) {
    visit(at, value);
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().map(|item| (step(item), item)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        at.push(name);
        walk(child, at, visit);
        at.pop();
    }
}

/// Where a place stands in this body, as a pointer.
fn pointer_of(body: &Value, place: &Place) -> Option<String> {
    let mut value = body;
    let mut pointer = String::new();
    for name in place.iter().filter(|name| *name != "[]") {
        let next = match value {
            Value::Array(items) => {
                items.iter().enumerate().find(|(_, item)| step(item) == *name).map(|(index, item)| (index.to_string(), item))
            }
            other => other.get(name).map(|value| (name.clone(), value)),
        };
        let (name, inner) = next?;
        pointer.push('/');
        pointer.push_str(&name);
        value = inner;
    }
    Some(pointer)
}

/// Why no server would take this body.
fn fault(body: &Value) -> Option<String> {
    const NEEDS: [(&str, &str); 6] = [
        ("stream_options", "stream"),
        ("tool_choice", "tools"),
        ("parallel_tool_calls", "tools"),
        ("top_logprobs", "logprobs"),
        ("metadata", "store"),
        ("thinking_budget", "enable_thinking"),
    ];
    let alone = NEEDS.iter().find(|(name, base)| body.get(name).is_some() && body.get(base).is_none());
    let alone = alone.map(|(name, base)| format!("{name} without {base}"));
    alone.or_else(|| conversation(body)).or_else(|| empty(body)).or_else(|| schemas(body, false))
}

fn conversation(body: &Value) -> Option<String> {
    let messages = body["messages"].as_array()?;
    let mut before = "system";
    let mut open: BTreeSet<String> = BTreeSet::new();
    for message in messages {
        let role = message["role"].as_str().unwrap_or_default();
        let fits = match role {
            "system" => before == "system",
            "user" => (before == "assistant" || before == "system") && open.is_empty(),
            "assistant" => (before == "user" || before == "tool") && open.is_empty(),
            "tool" => open.remove(message["tool_call_id"].as_str().unwrap_or_default()),
            _ => false,
        };
        if !fits {
            return Some(format!("{role} after {before}"));
        }
        let calls = message["tool_calls"].as_array();
        if role == "assistant" && calls.is_none() && message["content"].as_str().is_none_or(str::is_empty) {
            return Some("an assistant without words".to_owned());
        }
        if calls.is_some() && body.get("tools").is_none() {
            return Some("calls without tools".to_owned());
        }
        open.extend(calls.into_iter().flatten().filter_map(|call| call["id"].as_str().map(str::to_owned)));
        before = role;
    }
    (before != "user" || !open.is_empty()).then(|| format!("it ends with {before}"))
}

/// Lists that servers want filled, and objects that say nothing.
fn empty(body: &Value) -> Option<String> {
    let mut found = None;
    walk(body, &mut Place::new(), &mut |place, value| {
        let nothing = value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
        if nothing && place.last().is_some_and(|name| name != "properties") {
            found.get_or_insert_with(|| format!("{place:?} is empty"));
        }
    });
    found
}

type Map = serde_json::Map<String, Value>;

/// Required properties are there, and strict schemas require all of them.
fn schemas(value: &Value, strict: bool) -> Option<String> {
    let strict = strict || value["strict"] == true;
    if let Some(properties) = value["properties"].as_object() {
        let required: Vec<&str> = value["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if let Some(name) = required.iter().find(|name| !properties.contains_key(**name)) {
            return Some(format!("{name} is required and not there"));
        }
        if value["type"] != "object" {
            return Some("a schema without its type".to_owned());
        }
    }
    match value {
        Value::Object(members) => members.values().find_map(|value| schemas(value, strict)),
        Value::Array(items) => items.iter().find_map(|value| schemas(value, strict)),
        _ => None,
    }
}
