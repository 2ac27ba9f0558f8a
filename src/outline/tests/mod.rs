mod dialects;

use serde_json::json;

use super::*;

/// Members that stay.
const FIXED: [&str; 2] = ["model", "messages"];

fn outline(whole: Value) -> Outline {
    Outline::of(whole, &FIXED)
}

fn only(outline: &Outline, pointer: &str) -> Value {
    let node = outline.at(pointer).unwrap_or_else(|| panic!("{pointer} is no node of {:?}", outline.pointers));
    outline.with(&outline.links().close(&Parts::from([node])))
}

fn without(outline: &Outline, pointer: &str) -> Value {
    let node = outline.at(pointer).unwrap_or_else(|| panic!("{pointer} is no node of {:?}", outline.pointers));
    outline.with(&outline.links().without(&outline.all(), node))
}

fn talk() -> Value {
    json!({ "model": "m", "tools": [{ "type": "function", "function": { "name": "f" } }], "messages": [
        { "role": "system", "content": "s" },
        { "role": "user", "content": "u1" },
        { "role": "assistant", "content": null, "tool_calls": [
            { "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } },
            { "id": "c2", "type": "function", "function": { "name": "f", "arguments": "{}" } }
        ] },
        { "role": "tool", "tool_call_id": "c1", "content": "r1" },
        { "role": "tool", "tool_call_id": "c2", "content": "r2" },
        { "role": "assistant", "content": "a1", "reasoning_content": "because" },
        { "role": "user", "content": [{ "type": "text", "text": "u2" }, { "type": "image_url", "image_url": { "url": "data:", "detail": "low" } }] }
    ] })
}

#[test]
fn nothing_and_everything() {
    let outline = outline(talk());
    assert_eq!(outline.with(&outline.all()), talk());
    assert_eq!(outline.with(&Parts::new()), json!({ "model": "m", "messages": [{ "role": "user", "content": "u2" }] }));
    assert_eq!(outline.left_out(&outline.all()), Vec::<String>::new());
}

#[test]
fn a_conversation_stays_one() {
    let outline = outline(talk());
    let roles = |body: &Value| {
        let roles = body["messages"].as_array().expect("messages").iter().map(|message| message["role"].as_str().unwrap_or_default());
        roles.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(roles(&only(&outline, "/messages/5/reasoning_content")), "user assistant user");
    let one_call = without(&outline, "/messages/2/tool_calls/0");
    assert_eq!(roles(&one_call), "system user assistant tool assistant user");
    assert_eq!(roles(&without(&outline, "/messages/2/tool_calls")), "system user assistant user");
    assert_eq!(roles(&without(&outline, "/messages/5")), "system user");
    let calls = only(&outline, "/messages/2/tool_calls");
    assert!(calls.get("tools").is_some() && roles(&calls) == "user assistant tool assistant user");
    assert!(without(&outline, "/tools")["messages"].to_string().find("tool_calls").is_none());
}

#[test]
fn what_was_sent_is_read_off_the_body() {
    let mut body = talk();
    body["temperature"] = json!(0.5);
    let outline = outline(body);
    for node in 0..outline.len() {
        for kept in [outline.links().close(&Parts::from([node])), outline.links().without(&outline.all(), node)] {
            let sent = outline.sent(&outline.with(&kept));
            assert_eq!((sent.kept, sent.changed.len()), (kept, 0), "{}", outline.pointer(node));
        }
    }
    let other = outline.sent(&json!({ "model": "m", "messages": [{ "role": "user", "content": "u2" }], "temperature": 1, "n": 2 }));
    assert_eq!((other.kept.len(), other.changed.len()), (0, 2));
}

#[test]
fn content_in_parts() {
    let outline = outline(talk());
    let parts = |body: &Value| body["messages"].as_array().and_then(|all| all.last()).map_or(Value::Null, |last| last["content"].clone());
    assert_eq!(parts(&only(&outline, "/messages/6/content")), json!([{ "type": "text", "text": "u2" }]));
    assert_eq!(parts(&without(&outline, "/messages/6/content/1/image_url/detail"))[1]["image_url"], json!({ "url": "data:" }));
    assert_eq!(parts(&without(&outline, "/messages/6/content")), "u2");
}

#[test]
fn a_round_at_the_end_of_an_earlier_turn_leaves_words() {
    let mut body = talk();
    body["messages"].as_array_mut().expect("messages").remove(5);
    let outline = outline(body);
    let left = without(&outline, "/messages/2/tool_calls");
    assert_eq!(left["messages"][2], json!({ "role": "assistant", "content": "ok" }));
}

#[test]
fn schemas_stay_valid() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string", "format": "date" }, "b": { "type": ["string", "null"] } },
        "required": ["a", "b"], "additionalProperties": false });
    let tool = json!({ "type": "function", "function": { "name": "f", "strict": true, "parameters": schema } });
    let outline = outline(
        json!({ "model": "m", "messages": [{ "role": "user", "content": "u" }], "tools": [tool], "tool_choice": { "type": "function", "function": { "name": "f" } } }),
    );
    let parameters = "/tools/0/function/parameters";
    let left = without(&outline, &format!("{parameters}/properties/a"));
    assert_eq!(left.pointer(&format!("{parameters}/required")), Some(&json!(["b"])));
    assert!(left.pointer("/tools/0/function/strict").is_none(), "strict needs every property to be required");
    let strict = only(&outline, "/tools/0/function/strict");
    assert_eq!(strict.pointer(&format!("{parameters}/required")), Some(&json!(["a", "b"])));
    assert!(only(&outline, "/tool_choice")["tools"][0]["function"]["name"] == "f");
    assert!(without(&outline, "/tools").get("tool_choice").is_none());
}

#[test]
fn a_refusal_s_words_lead_to_the_node() {
    let mut body = talk();
    body["max_tokens"] = json!(5);
    body["stream"] = json!(true);
    body["stream_options"] = json!({ "include_usage": true });
    let outline = outline(body);
    let named = |word: &str| {
        outline.named(&[word.to_owned()], &outline.all()).into_iter().map(|node| outline.pointer(node).to_owned()).collect::<Vec<_>>()
    };
    for (word, pointer) in [
        ("max_tokens", "/max_tokens"),
        ("body.max_tokens", "/max_tokens"),
        ("messages[0].role", "/messages/0"),
        ("messages.6.content", "/messages/6/content"),
        ("messages[6]", "/messages/6/content"),
        ("tools.0.function.name", "/tools/0"),
        ("reasoning_content", "/messages/5/reasoning_content"),
        ("include_usage", "/stream_options/include_usage"),
        ("system", "/messages/0"),
    ] {
        assert_eq!(named(word), [pointer], "{word}");
    }
    // Without the system message and the first turn, what was the seventh message is the first.
    let kept = outline.links().close(&outline.at("/messages/6/content/1").into_iter().collect());
    let named_in = outline.named(&["messages[0].content[1]".to_owned()], &kept);
    assert_eq!(named_in, outline.at("/messages/6/content/1").into_iter().collect());
    assert!(named("max_tokens_to_sample").is_empty() && named("messages").is_empty() && named("").is_empty());
}
