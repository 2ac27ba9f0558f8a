//! Answers that quote the request as it arrived: what somebody on the way added to it, took out of it, or changed in it.

use serde_json::{Map, Value};

use super::Shown;
use crate::dialect::{Reading, json};

/// A request that was quoted back, compared with the one that was sent. Places are JSON pointers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Echo {
    /// What is there and was not sent.
    pub added: Vec<String>,
    /// What was sent and is not there; known only of quotes that are whole.
    pub removed: Vec<String>,
    /// What is there with another value.
    pub changed: Vec<String>,
}

/// No more of a text than this is searched for a quoted request, in bytes.
const SEARCHED: usize = 64 * 1024;
/// No more opening braces of a text are tried.
const TRIED: usize = 24;
/// Texts that a model wrote, whatever they look like.
const WRITTEN: [&str; 5] = ["content", "text", "failed_generation", "reasoning", "reasoning_content"];
/// Whoever adds more than this writes out the defaults of a schema.
const ADDED: usize = 5;

impl Echo {
    /// Nothing differs.
    pub(super) fn is_faithful(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    /// Everything that differs.
    pub(super) fn places(&self) -> impl Iterator<Item = &String> {
        self.added.iter().chain(&self.removed).chain(&self.changed)
    }
}

/// The request that an answer quotes, if it is recognizably the one that was sent. What a model said is no quote.
pub(super) fn echo(shown: &Shown) -> Option<Echo> {
    let sent = shown.exchange.request.body.as_ref()?.as_object()?;
    let said = last_said(sent)?;
    let mut quoted = Vec::new();
    match &shown.reading {
        Reading::Error(error) => {
            texts_of(&error.raw, &mut quoted);
            quotes_in(&error.message, &mut quoted);
        }
        Reading::Json(_) => texts_of(&shown.response()?.body.text(), &mut quoted),
        _ => return None,
    }
    let ours = quoted.into_iter().find(|(quote, _)| turns(quote).iter().any(|(_, text)| text.contains(&said)))?;
    Some(compare(sent, &ours.0, ours.1))
}

/// Objects with messages in a document, or in texts inside it; with whether they are whole.
fn texts_of(document: &str, found: &mut Vec<(Map<String, Value>, bool)>) {
    match serde_json::from_str::<Value>(document) {
        Ok(value) => walk(value, found),
        Err(_) => quotes_in(document, found),
    }
}

fn walk(value: Value, found: &mut Vec<(Map<String, Value>, bool)>) {
    match value {
        Value::Object(members) if members.get("messages").is_some_and(Value::is_array) => found.push((members, true)),
        Value::Object(members) => {
            members.into_iter().filter(|(name, _)| !WRITTEN.contains(&name.as_str())).for_each(|(_, value)| walk(value, found));
        }
        Value::Array(values) => values.into_iter().for_each(|value| walk(value, found)),
        Value::String(text) => quotes_in(&text, found),
        _ => {}
    }
}

/// Objects with messages that are written out in a text, as JSON or as Python prints them.
fn quotes_in(text: &str, found: &mut Vec<(Map<String, Value>, bool)>) {
    let text = text.get(..SEARCHED).unwrap_or(text);
    if !text.contains("messages") || text.len() > SEARCHED {
        return;
    }
    for (at, _) in text.match_indices('{').take(TRIED) {
        let whole = json::first(&text.as_bytes()[at..]).map(|(value, _)| value);
        let is_whole = whole.is_some();
        let mut quote = whole.or_else(|| json::lenient(&text[at..]));
        // The last member of what may be cut off is not known.
        if let Some(members) = quote.as_mut().and_then(Value::as_object_mut).filter(|_| !is_whole)
            && let Some(last) = members.keys().next_back().cloned()
        {
            members.shift_remove(&last);
        }
        if let Some(Value::Object(members)) = quote
            && members.get("messages").is_some_and(Value::is_array)
        {
            return found.push((members, is_whole));
        }
    }
}

/// Role and text of each message.
fn turns(body: &Map<String, Value>) -> Vec<(String, String)> {
    let messages = body.get("messages").and_then(Value::as_array).into_iter().flatten();
    messages.map(|message| (message["role"].as_str().unwrap_or_default().to_owned(), text(&message["content"]))).collect()
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

fn last_said(sent: &Map<String, Value>) -> Option<String> {
    turns(sent).into_iter().rfind(|(role, text)| role == "user" && text.len() >= 8).map(|(_, text)| text)
}

fn compare(sent: &Map<String, Value>, quote: &Map<String, Value>, whole: bool) -> Echo {
    let mut echo = Echo::default();
    // Gateways map names on purpose.
    let own = |name: &str| !matches!(name, "model" | "messages");
    for (name, value) in quote.iter().filter(|(name, _)| own(name)) {
        match sent.get(name) {
            None if !is_default(value) => echo.added.push(pointer(name)),
            Some(other) if !alike(other, value) => echo.changed.push(pointer(name)),
            _ => {}
        }
    }
    if echo.added.len() > ADDED {
        echo.added.clear();
    }
    if whole {
        let lost = sent.iter().filter(|(name, value)| own(name) && !quote.contains_key(*name) && !is_default(value));
        echo.removed.extend(lost.map(|(name, _)| pointer(name)));
    }
    compare_turns(&turns(sent), &turns(quote), whole, &mut echo);
    echo
}

/// Turns that were put between ours; any other difference is a change.
fn compare_turns(sent: &[(String, String)], quote: &[(String, String)], whole: bool, echo: &mut Echo) {
    let mut ours = sent.iter().peekable();
    let mut more = Vec::new();
    for (index, turn) in quote.iter().enumerate() {
        if ours.next_if(|own| *own == turn).is_none() {
            more.push(format!("/messages/{index}"));
        }
    }
    match (ours.next().is_none(), more.is_empty()) {
        (true, false) => echo.added.extend(more),
        (false, _) if whole => echo.changed.push("/messages".to_owned()),
        _ => {}
    }
}

/// A value that says what would hold without it.
fn is_default(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64().is_some_and(|number| number == 0.0 || number == 1.0),
        Value::String(text) => matches!(text.as_str(), "" | "auto" | "none" | "text" | "default"),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.values().all(is_default),
        Value::Bool(true) => false,
    }
}

/// The same value, but for how a number is written and for members that say nothing.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other)),
        (Value::Object(one), Value::Object(other)) => {
            let none = Value::Null;
            let names = one.keys().chain(other.keys());
            names.into_iter().all(|name| {
                let (one, other) = (one.get(name).unwrap_or(&none), other.get(name).unwrap_or(&none));
                alike(one, other) || is_default(one) && is_default(other)
            })
        }
        // A list of one is often written as its element.
        (Value::Array(list), single) | (single, Value::Array(list)) if list.len() == 1 => alike(&list[0], single),
        _ => one == other,
    }
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compared(sent: &Value, quote: &str) -> Option<Echo> {
        let sent = sent.as_object().expect("an object");
        let mut found = Vec::new();
        texts_of(quote, &mut found);
        let said = last_said(sent).expect("a message");
        let (quote, whole) = found.into_iter().find(|(quote, _)| turns(quote).iter().any(|(_, text)| text.contains(&said)))?;
        Some(compare(sent, &quote, whole))
    }

    fn sent() -> Value {
        json!({"model": "m", "messages": [{"role": "user", "content": "Write the numbers"}], "temperature": 0.7, "stop": ["x"]})
    }

    #[test]
    fn a_faithful_quote_differs_in_nothing() {
        for quote in [
            r#"{"detail":[{"input":{"model":"other","messages":[{"role":"user","content":[{"type":"text","text":"Write the numbers"}]}],"temperature":0.70,"stop":"x","n":1,"stream":false,"logprobs":null}}]}"#,
            "Received={'model': 'm', 'messages': [{'role': 'user', 'content': 'Write the numbers'}], 'temperature': 0.7, 'stop': ['x'], 'user': None} (cut",
            "Received={'model': 'm', 'messages': [{'role': 'user', 'content': 'Write the numbers'}], 'temperature': 0.7, 'user': 'llmd",
        ] {
            assert!(compared(&sent(), quote).is_some_and(|echo| echo.is_faithful()), "{quote}: {:?}", compared(&sent(), quote));
        }
    }

    #[test]
    fn what_was_added_removed_and_changed_is_named() {
        let quote = r#"{"error":{"message":"bad","body":{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Write the numbers"}],"temperature":0.2,"metadata":{"team":"a"}}}}"#;
        let echo = compared(&sent(), quote).expect("a quote");
        assert_eq!(
            (echo.added, echo.removed, echo.changed),
            (vec!["/metadata".to_owned(), "/messages/0".to_owned()], vec!["/stop".to_owned()], vec!["/temperature".to_owned()])
        );
    }

    #[test]
    fn what_a_model_wrote_and_other_requests_are_no_quotes() {
        let written =
            r#"{"error":{"failed_generation":"{\"messages\":[{\"role\":\"user\",\"content\":\"Write the numbers\"}],\"tools\":[1]}"}}"#;
        let others = r#"{"messages":[{"role":"user","content":"Hello there, somebody else"}],"max_tokens":5}"#;
        assert_eq!((compared(&sent(), written), compared(&sent(), others)), (None, None));
    }
}
