//! Random chat bodies.

use serde_json::{Map, Value, json};

/// A xorshift generator: the same seed draws the same bodies everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Another one that goes its own way.
    pub fn fork(&mut self) -> Dice {
        Dice::new(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end.max(1)
    }

    pub fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last + 1 - first)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Members that some client sends, with a value that servers know.
fn members() -> Vec<(&'static str, Value)> {
    vec![
        ("temperature", json!(0.7)),
        ("top_p", json!(0.95)),
        ("max_tokens", json!(4096)),
        ("presence_penalty", json!(0)),
        ("frequency_penalty", json!(0)),
        ("user", json!("user-17")),
        ("n", json!(1)),
        ("seed", json!(7)),
        ("stop", json!(["\n\n", "END"])),
        ("logprobs", json!(true)),
        ("top_logprobs", json!(2)),
        ("store", json!(true)),
        ("metadata", json!({ "app": "chat", "user": "17" })),
        ("reasoning_effort", json!("low")),
        ("service_tier", json!("auto")),
        ("logit_bias", json!({ "50256": -100 })),
        ("stream", json!(true)),
        ("stream_options", json!({ "include_usage": true, "include_obfuscation": false })),
        ("enable_thinking", json!(true)),
        ("thinking_budget", json!(1024)),
        ("prompt_cache_key", json!("k17")),
        ("safety_identifier", json!("s17")),
    ]
}

/// A body of about so many nodes: what is not members is tools, turns and schemas.
pub fn body(dice: &mut Dice, nodes: usize) -> Value {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!("m"));
    let share = dice.between(20, 90);
    let mut left = nodes as isize;
    let with_tools = dice.chance(70) && nodes > 20;
    let for_tools = left * dice.between(30, 70) as isize / 100;
    let tools = if with_tools { tools(dice, for_tools) } else { Vec::new() };
    left -= tools.iter().map(size).sum::<isize>();
    for (name, value) in members() {
        let base_is_missing = name == "stream_options" && !body.contains_key("stream")
            || name == "thinking_budget" && !body.contains_key("enable_thinking")
            || name == "top_logprobs" && !body.contains_key("logprobs")
            || name == "metadata" && !body.contains_key("store");
        if dice.chance(share) && left > 0 && !base_is_missing {
            left -= 1;
            body.insert(name.to_owned(), value);
        }
    }
    if dice.chance(30) && left > 12 {
        let schema = schema(dice, "r", left.min(40));
        left -= size(&schema);
        body.insert(
            "response_format".to_owned(),
            json!({ "type": "json_schema", "json_schema": { "name": "answer", "strict": dice.chance(50), "schema": schema } }),
        );
    }
    body.insert("messages".to_owned(), messages(dice, left, &tools));
    if !tools.is_empty() {
        if dice.chance(50) {
            body.insert("tool_choice".to_owned(), json!("auto"));
        }
        if dice.chance(40) {
            body.insert("parallel_tool_calls".to_owned(), json!(true));
        }
        body.insert("tools".to_owned(), Value::Array(tools));
    }
    Value::Object(body)
}

/// About how many nodes a value has.
fn size(value: &Value) -> isize {
    match value {
        Value::Object(members) => members.values().map(|value| 1 + size(value)).sum(),
        Value::Array(items) => items.iter().map(|item| 1 + size(item)).sum(),
        _ => 0,
    }
}

fn tools(dice: &mut Dice, mut room: isize) -> Vec<Value> {
    let mut tools = Vec::new();
    while room > 4 && tools.len() < 40 {
        let name = format!("tool_{}", tools.len());
        let mut function = json!({ "name": name, "description": "does it" });
        let wanted = dice.between(4, 30) as isize;
        let parameters = schema(dice, &name, wanted.min(room));
        function["parameters"] = parameters;
        if dice.chance(20) {
            function["strict"] = Value::Bool(dice.chance(50));
        }
        let tool = json!({ "type": "function", "function": function });
        room -= size(&tool);
        tools.push(tool);
    }
    tools
}

fn schema(dice: &mut Dice, prefix: &str, mut room: isize) -> Value {
    let mut properties = Map::new();
    while room > 3 && properties.len() < 12 {
        let name = format!("{prefix}_p{}", properties.len());
        let property = match dice.below(5) {
            0 => json!({ "type": "string", "description": "d", "enum": [format!("{name}a"), format!("{name}b"), format!("{name}c")] }),
            1 => json!({ "type": "integer", "minimum": 1, "maximum": 9, "default": 2 }),
            2 => json!({ "type": "array", "items": { "type": "string", "pattern": "^x" }, "maxItems": 4 }),
            3 if room > 20 => schema(dice, &name, room / 2),
            _ => json!({ "type": "string", "format": "date", "minLength": 1 }),
        };
        room -= 1 + size(&property);
        properties.insert(name, property);
    }
    let required: Vec<String> = properties.keys().filter(|_| dice.chance(60)).cloned().collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if dice.chance(50) {
        schema["additionalProperties"] = Value::Bool(false);
    }
    schema
}

fn messages(dice: &mut Dice, mut room: isize, tools: &[Value]) -> Value {
    let mut list = Vec::new();
    if dice.chance(70) {
        list.push(json!({ "role": "system", "content": "m-system" }));
    }
    let mut number = 0;
    while room > 6 && number < 60 {
        number += 1;
        let before = list.len();
        list.push(user(dice, number));
        if !tools.is_empty() && dice.chance(40) {
            round(dice, number, tools, &mut list);
        }
        let mut answer = json!({ "role": "assistant", "content": format!("m{number}-answer") });
        if dice.chance(30) {
            answer["reasoning_content"] = json!("because");
        }
        if dice.chance(15) {
            answer["refusal"] = Value::Null;
        }
        list.push(answer);
        room -= 2 + list[before..].iter().map(|message| size(message) - 2).sum::<isize>().max(0);
    }
    list.push(user(dice, 99));
    Value::Array(list)
}

fn user(dice: &mut Dice, number: usize) -> Value {
    let text = format!("m{number}-user");
    if dice.chance(40) {
        let mut parts = vec![json!({ "type": "text", "text": text })];
        if dice.chance(50) {
            parts.push(json!({ "type": "image_url", "image_url": { "url": format!("m{number}-picture"), "detail": "low" } }));
        }
        if dice.chance(30) {
            parts[0]["cache_control"] = json!({ "type": "ephemeral" });
        }
        return json!({ "role": "user", "content": parts });
    }
    let mut message = json!({ "role": "user", "content": text });
    if dice.chance(15) {
        message["name"] = json!("ann");
    }
    message
}

fn round(dice: &mut Dice, number: usize, tools: &[Value], list: &mut Vec<Value>) {
    let ids: Vec<String> = (0..dice.between(1, 3)).map(|call| format!("call_{number}_{call}")).collect();
    let call = |id: &String| {
        let name = tools[id.len() % tools.len()]["function"]["name"].clone();
        json!({ "id": id, "type": "function", "function": { "name": name, "arguments": "{}" } })
    };
    let calls: Vec<Value> = ids.iter().map(call).collect();
    list.push(json!({ "role": "assistant", "content": null, "tool_calls": calls }));
    list.extend(ids.iter().map(|id| json!({ "role": "tool", "tool_call_id": id, "content": format!("result of {id}") })));
}
