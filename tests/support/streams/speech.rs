//! What a stream says, in the words of its dialect.

use serde_json::{Map, Value, json};

use super::Dice;

/// One event before it is framed.
#[derive(Clone)]
pub struct Piece {
    /// Its name, where the dialect has names.
    pub name: Option<String>,
    /// Its data.
    pub data: Data,
}

/// The data of an event.
#[derive(Clone)]
pub enum Data {
    /// JSON.
    Json(Value),
    /// Anything.
    Raw(String),
}

/// A whole answer.
#[derive(Clone)]
pub struct Spoken {
    /// Its dialect.
    pub dialect: &'static str,
    /// The route that was asked.
    pub route: &'static str,
    /// Its events.
    pub pieces: Vec<Piece>,
    /// Its text.
    pub text: String,
    /// Tools are called.
    pub calls: bool,
}

const WORDS: [&str; 40] = [
    "one",
    " two",
    " three",
    "日本",
    "語",
    "é",
    "ß",
    "😀",
    "👩‍👧",
    "ha",
    "ha",
    "\n",
    "\n\n",
    "…",
    " \u{2028}",
    "\u{85}",
    "{",
    "}",
    "data: x",
    "\\",
    "\"",
    "[DONE]",
    "a\tb",
    "error",
    " the",
    " quick",
    " brown",
    " fox",
    " jumps",
    " over",
    " lazy",
    " dogs",
    "<html>",
    ": c",
    "null",
    " 42",
    "event: x",
    "\u{feff}",
    "،",
    " fin",
];

impl Piece {
    pub fn json(value: Value) -> Self {
        Piece { name: None, data: Data::Json(value) }
    }

    pub fn raw(text: &str) -> Self {
        Piece { name: None, data: Data::Raw(text.to_owned()) }
    }

    fn typed(value: Value) -> Self {
        Piece { name: value["type"].as_str().map(str::to_owned), data: Data::Json(value) }
    }

    /// The JSON, if it is any.
    pub fn value(&mut self) -> Option<&mut Value> {
        match &mut self.data {
            Data::Json(value) => Some(value),
            Data::Raw(_) => None,
        }
    }
}

/// Words of any kind, as many as an answer has pieces.
fn words(dice: &mut Dice) -> Vec<String> {
    let count = 8 + dice.below(30);
    (0..count).map(|at| if at % 5 == 4 { format!(" {at}") } else { dice.one(&WORDS).to_owned() }).collect()
}

impl Spoken {
    /// An answer in one of the four dialects.
    pub fn any(dice: &mut Dice) -> Self {
        match dice.below(10) {
            0..=4 => Self::chat(dice),
            5 => Self::legacy(dice),
            6 | 7 => Self::responses(dice),
            _ => Self::messages(dice),
        }
    }

    /// A chat completion with text, or with tool calls.
    pub fn chat(dice: &mut Dice) -> Self {
        let calls = dice.percent(25);
        Self::chat_of(dice, calls)
    }

    /// The same, one or the other.
    pub fn chat_of(dice: &mut Dice, calls: bool) -> Self {
        let words = words(dice);
        let habit = Habit::any(dice);
        let mut pieces = Vec::new();
        if habit.filter_first {
            pieces
                .push(Piece::json(json!({"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": []})));
        }
        pieces.push(
            habit.chunk(json!({"role": "assistant", "content": if habit.null_content { Value::Null } else { json!("") }}), Value::Null),
        );
        for thought in words.iter().take(habit.thoughts) {
            pieces.push(habit.chunk(json!({"reasoning_content": thought}), Value::Null));
        }
        let (mut text, mut finish) = (String::new(), dice.one(&["stop", "length", "eos"]).to_owned());
        if calls {
            pieces.extend(tools(dice, &habit));
            finish = "tool_calls".to_owned();
        } else {
            text = words.concat();
            pieces.extend(words.iter().map(|word| habit.chunk(habit.delta(word), Value::Null)));
        }
        pieces.push(habit.chunk(if habit.last_word { json!({"content": ""}) } else { json!({}) }, json!(finish)));
        if habit.usage {
            pieces.push(Piece::json(json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": words.len(), "total_tokens": 3 + words.len()}})));
        }
        pieces.push(Piece::raw("[DONE]"));
        Spoken { dialect: "openai-chat", route: "chat/completions", pieces, text, calls }
    }

    fn legacy(dice: &mut Dice) -> Self {
        let words = words(dice);
        let chunk = |text: &str, finish: Value| {
            Piece::json(
                json!({"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [{"text": text, "index": 0, "logprobs": null, "finish_reason": finish}]}),
            )
        };
        let mut pieces: Vec<_> = words.iter().map(|word| chunk(word, Value::Null)).collect();
        pieces.extend([chunk("", json!("stop")), Piece::raw("[DONE]")]);
        Spoken { dialect: "openai-completions", route: "completions", pieces, text: words.concat(), calls: false }
    }

    /// A turn of the Responses API.
    pub fn responses(dice: &mut Dice) -> Self {
        let words = words(dice);
        let text = words.concat();
        let item = json!({"id": "i", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]});
        let mut list = vec![
            json!({"type": "response.created", "response": {"id": "r", "object": "response", "model": "m", "status": "in_progress", "output": []}}),
            json!({"type": "response.in_progress", "response": {"id": "r", "object": "response", "status": "in_progress", "output": []}}),
            json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "i", "type": "message", "status": "in_progress", "role": "assistant", "content": []}}),
            json!({"type": "response.content_part.added", "item_id": "i", "output_index": 0, "content_index": 0, "part": {"type": "output_text", "text": "", "annotations": []}}),
        ];
        list.extend(words.iter().map(
            |word| json!({"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": word}),
        ));
        list.push(json!({"type": "response.output_text.done", "item_id": "i", "output_index": 0, "content_index": 0, "text": text}));
        list.push(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
        list.push(json!({"type": "response.completed", "response": {"id": "r", "object": "response", "status": "completed", "error": null, "output": [item], "usage": {"input_tokens": 3, "output_tokens": words.len()}}}));
        if dice.percent(80) {
            list.iter_mut().enumerate().for_each(|(number, event)| event["sequence_number"] = json!(number));
        }
        let mut pieces: Vec<_> = list.into_iter().map(Piece::typed).collect();
        if dice.percent(20) {
            pieces.push(Piece::raw("[DONE]"));
        }
        Spoken { dialect: "openai-responses", route: "responses", pieces, text, calls: false }
    }

    /// One of Anthropic's messages.
    pub fn messages(dice: &mut Dice) -> Self {
        let words = words(dice);
        let mut list = vec![
            json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": null, "usage": {"input_tokens": 3, "output_tokens": 1}}}),
        ];
        let (mut index, calls) = (0, dice.percent(30));
        if dice.percent(30) {
            list.push(
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
            );
            list.push(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}));
            list.push(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}}));
            list.push(json!({"type": "content_block_stop", "index": 0}));
            index = 1;
        }
        list.push(json!({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}));
        for word in &words {
            list.push(json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": word}}));
            if dice.percent(5) {
                list.push(json!({"type": dice.one(&["ping", "later_addition"])}));
            }
        }
        list.push(json!({"type": "content_block_stop", "index": index}));
        if calls {
            list.push(json!({"type": "content_block_start", "index": index + 1, "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}}}));
            list.extend(["", "{\"a\":", "1}"].map(|part| json!({"type": "content_block_delta", "index": index + 1, "delta": {"type": "input_json_delta", "partial_json": part}})));
            list.push(json!({"type": "content_block_stop", "index": index + 1}));
        }
        let reason = if calls { "tool_use" } else { "end_turn" };
        list.push(json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": words.len()}}));
        list.push(json!({"type": "message_stop"}));
        Spoken {
            dialect: "anthropic-messages",
            route: "messages",
            pieces: list.into_iter().map(Piece::typed).collect(),
            text: words.concat(),
            calls,
        }
    }
}

/// The habits of one gateway, all legal.
struct Habit {
    role_everywhere: bool,
    null_content: bool,
    filter_first: bool,
    last_word: bool,
    usage: bool,
    thoughts: usize,
    bare: bool,
    more: Map<String, Value>,
    choice: Map<String, Value>,
}

impl Habit {
    fn any(dice: &mut Dice) -> Self {
        let extras = [
            ("system_fingerprint", json!("fp")),
            ("service_tier", json!("default")),
            ("usage", Value::Null),
            ("error", Value::Null),
            ("provider", json!("x")),
            ("obfuscation", json!("aaa")),
            ("citations", json!([])),
            ("timings", json!({"predicted_ms": 1.5})),
        ];
        let choices = [
            ("logprobs", Value::Null),
            ("content_filter_results", json!({})),
            ("stop_reason", Value::Null),
            ("native_finish_reason", Value::Null),
        ];
        let pick = |dice: &mut Dice, list: &[(&str, Value)]| {
            list.iter().filter(|_| dice.percent(15)).map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
        };
        Habit {
            role_everywhere: dice.percent(25),
            null_content: dice.percent(25),
            filter_first: dice.percent(15),
            last_word: dice.percent(30),
            usage: dice.percent(50),
            thoughts: if dice.percent(20) { dice.below(8) } else { 0 },
            bare: dice.percent(10),
            more: pick(dice, &extras),
            choice: pick(dice, &choices),
        }
    }

    fn delta(&self, word: &str) -> Value {
        if self.role_everywhere { json!({"role": "assistant", "content": word}) } else { json!({"content": word}) }
    }

    fn chunk(&self, delta: Value, finish: Value) -> Piece {
        let mut choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        choice.as_object_mut().expect("an object").extend(self.choice.clone());
        let mut chunk = if self.bare {
            json!({"object": "chat.completion.chunk"})
        } else {
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m"})
        };
        chunk.as_object_mut().expect("an object").extend(self.more.clone());
        chunk["choices"] = json!([choice]);
        Piece::json(chunk)
    }
}

/// One to three calls, each with its own index, id and arguments in pieces.
fn tools(dice: &mut Dice, habit: &Habit) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for index in 0..1 + dice.below(3) {
        let call = |rest: Value| habit.chunk(json!({"tool_calls": [rest]}), Value::Null);
        pieces.push(call(json!({"index": index, "id": format!("call_{index}"), "type": "function", "function": {"name": format!("f{index}"), "arguments": ""}})));
        let arguments = format!("{{\"city\":\"Køln {index}\",\"n\":[1,{{\"x\":null}}]}}");
        let mut rest: &str = &arguments;
        while !rest.is_empty() {
            let length = rest.char_indices().nth(1 + dice.below(6)).map_or(rest.len(), |(at, _)| at);
            pieces.push(call(json!({"index": index, "function": {"arguments": &rest[..length]}})));
            rest = &rest[length..];
        }
    }
    pieces
}
