//! Bodies of every dialect: whatever is left out, what is left is a request that a server of the dialect takes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::*;

fn messages() -> Outline {
    let cached = json!({ "type": "ephemeral" });
    let body = json!({ "model": "m", "max_tokens": 9000, "thinking": { "type": "enabled", "budget_tokens": 2000 },
        "context_management": { "edits": [{ "type": "clear_thinking_20251015", "keep": "all" }] },
        "system": [{ "type": "text", "text": "s1" }, { "type": "text", "text": "s2", "cache_control": cached }],
        "tools": [{ "name": "f", "input_schema": { "$schema": "x", "type": "object", "properties": {} }, "cache_control": cached }, { "name": "g", "input_schema": { "type": "object" } }],
        "tool_choice": { "type": "auto", "disable_parallel_tool_use": true },
        "messages": [
            { "role": "user", "content": "u1" },
            { "role": "assistant", "content": [{ "type": "thinking", "thinking": "t", "signature": "s" }, { "type": "text", "text": "a1" },
                { "type": "tool_use", "id": "c1", "name": "f", "input": { "x": [1] } }, { "type": "tool_use", "id": "c2", "name": "g", "input": {} }] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "c1", "is_error": true, "content": [{ "type": "text", "text": "r1" }, { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "" } }] },
                { "type": "tool_result", "tool_use_id": "c2", "content": "r2" }] },
            { "role": "assistant", "content": [{ "type": "text", "text": "a2" }] },
            { "role": "user", "content": [{ "type": "text", "text": "u2", "cache_control": cached }, { "type": "text", "text": "u3" }] },
            { "role": "assistant", "content": [{ "type": "thinking", "thinking": "t", "signature": "s" }, { "type": "tool_use", "id": "c3", "name": "f", "input": {} }] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "c3", "content": "r3" }, { "type": "text", "text": "go on" }] }
        ] });
    Outline::of(body, &["model", "messages", "max_tokens"])
}

fn contents() -> Outline {
    let body = json!({ "contents": [
            { "role": "user", "parts": [{ "text": "u1" }, { "inlineData": { "mimeType": "image/png", "data": "" } }] },
            { "role": "model", "parts": [{ "functionCall": { "name": "f", "args": {} }, "thoughtSignature": "x" }, { "functionCall": { "name": "f", "args": { "x": 1 } } }] },
            { "role": "user", "parts": [{ "functionResponse": { "name": "f", "response": { "r": 1 } } }, { "functionResponse": { "name": "f", "response": { "r": 2 } } }] },
            { "role": "model", "parts": [{ "text": "a1" }] },
            { "role": "user", "parts": [{ "text": "u2" }] }
        ],
        "systemInstruction": { "role": "user", "parts": [{ "text": "s1" }, { "text": "s2" }] },
        "tools": [{ "functionDeclarations": [{ "name": "f", "description": "d", "parameters": { "type": "OBJECT", "properties": { "x": { "type": "INTEGER", "minimum": 1 } } } }, { "name": "g", "parametersJsonSchema": {} }] }, { "googleSearch": {} }],
        "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["f"] } },
        "generationConfig": { "temperature": 1, "responseMimeType": "application/json", "responseSchema": { "type": "OBJECT" }, "thinkingConfig": { "includeThoughts": true } },
        "safetySettings": [{ "category": "a", "threshold": "b" }, { "category": "c", "threshold": "d" }] });
    Outline::of(body, &["contents"])
}

fn items() -> Outline {
    let body = json!({ "model": "m", "input": [
            { "type": "message", "role": "developer", "content": [{ "type": "input_text", "text": "s" }] },
            { "role": "user", "content": "u1" },
            { "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x" },
            { "type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}", "status": "completed" },
            { "type": "function_call", "id": "fc_2", "call_id": "c2", "name": "f", "arguments": "{}" },
            { "type": "function_call_output", "call_id": "c1", "output": "r1" },
            { "type": "function_call_output", "call_id": "c2", "output": [{ "type": "input_text", "text": "r2" }, { "type": "input_image", "image_url": "data:" }] },
            { "type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [{ "type": "output_text", "text": "a1", "annotations": [] }] },
            { "type": "item_reference", "id": "msg_0" },
            { "role": "user", "content": [{ "type": "input_text", "text": "u2" }, { "type": "input_image", "image_url": "data:", "detail": "low" }, { "type": "input_file", "filename": "a.pdf", "file_data": "x" }] }
        ],
        "instructions": "i", "tools": [{ "type": "function", "name": "f", "strict": true, "parameters": { "type": "object", "properties": {}, "additionalProperties": false } }, { "type": "web_search", "search_context_size": "low" }],
        "tool_choice": { "type": "function", "name": "f" }, "parallel_tool_calls": true, "reasoning": { "effort": "low", "summary": "auto" },
        "text": { "verbosity": "low", "format": { "type": "json_schema", "name": "n", "strict": true, "schema": { "type": "object", "$schema": "x" } } } });
    Outline::of(body, &["model", "input"])
}

fn blocks<'v>(message: &'v Value, name: &str) -> &'v [Value] {
    message[name].as_array().map_or(&[], Vec::as_slice)
}

fn texts<'v>(blocks: &'v [Value], pointer: &str) -> Vec<&'v str> {
    blocks.iter().filter_map(|block| block.pointer(pointer)?.as_str()).collect()
}

/// Turns alternate, calls are answered at once, nothing is empty.
fn fault(body: &Value, list: &str, content: &str, call: &str, result: &str) -> Option<String> {
    let all = body[list].as_array()?;
    let mut open: Vec<&str> = Vec::new();
    for (at, message) in all.iter().enumerate() {
        let own = blocks(message, content);
        if message[content].as_array().is_some_and(Vec::is_empty) {
            return Some(format!("{at} is empty"));
        }
        let expected = if at % 2 == 0 { "user" } else { all[1]["role"].as_str().filter(|role| *role != "user").unwrap_or("assistant") };
        if message["role"] != expected {
            return Some(format!("{at} is not {expected}"));
        }
        let results = texts(own, result);
        if results != open {
            return Some(format!("{at} answers {results:?}, called was {open:?}"));
        }
        open = texts(own, call);
        let thinks = own.iter().any(|block| block["type"] == "thinking");
        let last_loop = all.iter().rposition(|message| message["role"] == "user" && texts(blocks(message, content), result).is_empty());
        if !open.is_empty() && !body["thinking"].is_null() && !thinks && Some(at) > last_loop {
            return Some(format!("{at} has calls without thoughts"));
        }
    }
    (!open.is_empty() || all.last()?["role"] != "user").then(|| "it does not end with the user".to_owned())
}

fn fault_of_items(body: &Value) -> Option<String> {
    let all = body["input"].as_array()?;
    let calls = all.iter().filter(|item| item["type"] == "function_call").map(|item| item["call_id"].as_str()).collect::<BTreeSet<_>>();
    let outputs = all.iter().filter(|item| item["type"] == "function_call_output").map(|item| item["call_id"].as_str()).collect();
    if calls != outputs {
        return Some(format!("calls {calls:?}, outputs {outputs:?}"));
    }
    let reasons = all.iter().position(|item| item["type"] == "reasoning");
    let led_to = reasons.map(|at| all.get(at + 1).is_some_and(|item| item["type"] == "function_call"));
    let stored = all.iter().any(|item| item["id"] == "fc_1");
    match (reasons, led_to) {
        (Some(_), Some(false)) => Some("reasoning without what it led to".to_owned()),
        (None, _) if stored => Some("a stored call without its reasoning".to_owned()),
        _ => all.iter().any(|item| item["content"].as_array().is_some_and(Vec::is_empty)).then(|| "empty content".to_owned()),
    }
}

fn every_body(outline: &Outline, fault: impl Fn(&Value) -> Option<String>) {
    assert_eq!(outline.with(&outline.all()), *outline.whole());
    assert_eq!(fault(outline.whole()), None);
    for node in 0..outline.len() {
        for other in 0..outline.len() {
            let least = outline.links().close(&Parts::from([node, other]));
            let most = outline.links().without(&outline.links().without(&outline.all(), node), other);
            for kept in [least, most] {
                let body = outline.with(&kept);
                let why = fault(&body);
                assert_eq!(why, None, "{} and {}: {body}", outline.pointer(node), outline.pointer(other));
                let sent = outline.sent(&body);
                assert_eq!(sent.changed.len(), 0, "{body}");
                let named = |parts: &Parts| parts.iter().map(|part| outline.pointer(*part).to_owned()).collect::<Vec<_>>();
                assert_eq!(named(&sent.kept), named(&kept), "{body}");
            }
        }
    }
}

#[test]
fn messages_stay_messages() {
    let outline = messages();
    every_body(&outline, |body| fault(body, "messages", "content", "/id", "/tool_use_id"));
    for place in [
        "/system/1/cache_control",
        "/tools/0/input_schema/$schema",
        "/messages/2/content/0/is_error",
        "/messages/1/content/0",
        "/messages/4/content/0/cache_control",
        "/tool_choice/disable_parallel_tool_use",
        "/context_management",
        "/messages/2/content/0/content/1",
    ] {
        assert!(outline.at(place).is_some(), "{place} is no node of {:?}", outline.pointers);
    }
    let least = outline.with(&Parts::new());
    assert_eq!(least["messages"], json!([{ "role": "user", "content": "u2u3" }]));
    // What was thought stays where thinking is on, and thinking goes with it.
    let thought = outline.at("/messages/5/content/0").expect("a node");
    assert!(outline.with(&outline.links().without(&outline.all(), thought)).get("thinking").is_none());
}

#[test]
fn contents_stay_contents() {
    let outline = contents();
    every_body(&outline, |body| fault(body, "contents", "parts", "/functionCall/name", "/functionResponse/name"));
    for place in [
        "/generationConfig/thinkingConfig/includeThoughts",
        "/tools/0/functionDeclarations/0/parameters/properties/x/minimum",
        "/contents/1/parts/0/thoughtSignature",
        "/contents/0/parts/1",
        "/tools/1",
        "/systemInstruction/parts/1",
    ] {
        assert!(outline.at(place).is_some(), "{place} is no node of {:?}", outline.pointers);
    }
    let schema = outline.at("/generationConfig/responseSchema").expect("a node");
    let body = outline.with(&outline.links().close(&Parts::from([schema])));
    assert_eq!(body["generationConfig"], json!({ "responseMimeType": "application/json", "responseSchema": { "type": "OBJECT" } }));
}

#[test]
fn items_stay_items() {
    let outline = items();
    every_body(&outline, fault_of_items);
    for place in [
        "/input/2",
        "/input/3/id",
        "/input/6/output/1",
        "/input/8",
        "/input/9/content/1/detail",
        "/input/7/content/0/annotations",
        "/text/format/schema/$schema",
        "/text/verbosity",
        "/reasoning/summary",
        "/tools/1/search_context_size",
        "/tools/0/strict",
    ] {
        assert!(outline.at(place).is_some(), "{place} is no node of {:?}", outline.pointers);
    }
    assert_eq!(outline.with(&Parts::new()), json!({ "model": "m", "input": [{ "role": "user", "content": "u2" }] }));
}

#[test]
fn a_legacy_prompt_stays_one() {
    let body = json!({ "model": "m", "prompt": ["a", "b"], "logprobs": 1, "stop": ["x", "y"] });
    let outline = Outline::of(body, &["model", "prompt"]);
    assert_eq!(outline.with(&Parts::new()), json!({ "model": "m", "prompt": ["a"] }));
    assert!(outline.at("/stop/1").is_some() && outline.at("/prompt/1").is_some());
}

#[test]
fn changes_are_recognized_where_they_stand() {
    let outline = messages();
    let changes = [
        Change::value("/messages/2/content/0/is_error", json!(false)),
        Change::name("/tools/0/input_schema/$schema", "$id", json!("x")),
        Change::value("/tool_choice", json!({ "type": "any" })),
    ];
    for change in &changes {
        let sent = outline.sent(&outline.changed(std::slice::from_ref(change)).with(&outline.all()));
        let places: Vec<&String> = sent.changed.keys().collect();
        assert!(places.len() == 1 && places[0].starts_with(&change.place()), "{change:?}: {places:?}");
        let gone: Vec<&str> = outline.all().difference(&sent.kept).map(|node| outline.pointer(*node)).collect();
        assert_eq!(gone[0], change.at, "{change:?}");
    }
    let body = json!({ "model": "m", "messages": [{ "role": "developer", "content": "d" }, { "role": "user", "content": "u" }] });
    let chat = Outline::of(body, &["model", "messages"]);
    let change = Change::value("/messages/0/role", json!("system"));
    let sent = chat.sent(&chat.changed(&[change]).with(&chat.all()));
    assert_eq!((sent.changed.len(), sent.kept.len(), sent.replaced.len()), (1, 0, 1));
}
