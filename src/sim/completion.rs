//! What the simulated model says: an answer whose length follows from the request, told whole or token by token.

use serde_json::{Value, json};

use super::google;
use super::script::{Piece, done, event, piece, quoted};

/// Units until the first token.
const FIRST_TOKEN: f32 = 1.0;
/// Units from one token to the next.
const PER_TOKEN: f32 = 0.5;
/// No answer is longer, in tokens.
const LONGEST: usize = 2000;

/// A generated answer and how long each part of it takes.
#[derive(Clone, Debug)]
pub(super) struct Completion {
    /// The model's name as the answer gives it.
    pub(super) model: String,
    /// The text, token by token.
    pub(super) tokens: Vec<String>,
    /// The `finish_reason`.
    pub(super) finish: &'static str,
    /// Units until the first token.
    pub(super) first: f32,
    /// Units from one token to the next.
    pub(super) pace: f32,
    /// Whether a stream ends with a usage chunk.
    pub(super) usage: bool,
    /// Whether the client takes gzip.
    pub(super) gzip: bool,
    /// Whether the client asks proxies not to buffer (`X-Accel-Buffering: no`).
    pub(super) unbuffered: bool,
    /// The function called instead of text: its name and arguments.
    pub(super) call: Option<(String, String)>,
    /// Whether JSON was demanded in place of free text.
    pub(super) structured: bool,
    /// How many choices were asked for; a stream gives one.
    pub(super) choices: u64,
    /// The prompt's length, counted roughly.
    pub(super) prompt_tokens: usize,
}

impl Completion {
    /// The answer to a chat request's body, told by `model`.
    pub(super) fn of(body: &Value, model: &str) -> Completion {
        let mut tokens = stopped(answer(body), &body["stop"]);
        let cap = cap(body).min(LONGEST);
        let finish = if tokens.len() > cap { "length" } else { "stop" };
        tokens.truncate(cap);
        let call = forced_call(body);
        Completion {
            model: model.to_owned(),
            tokens,
            finish: if call.is_some() { "tool_calls" } else { finish },
            first: FIRST_TOKEN,
            pace: PER_TOKEN,
            usage: body["stream_options"]["include_usage"] == true,
            gzip: false,
            unbuffered: false,
            call,
            structured: body["response_format"].is_object(),
            choices: body["n"].as_u64().unwrap_or(1).clamp(1, 8),
            prompt_tokens: prompt(body).split_whitespace().count() + 8 + PICTURE_TOKENS * pictures(body).len(),
        }
    }

    /// The whole text.
    pub(super) fn text(&self) -> String {
        self.tokens.concat()
    }

    /// Units that the whole answer takes.
    pub(super) fn units(&self) -> f32 {
        self.first + self.pace * self.tokens.len() as f32
    }

    /// The usage object, with this many tokens spent on reasoning.
    pub(super) fn usage_object(&self, reasoning: usize) -> String {
        let (prompt, completion) = (self.prompt_tokens, self.tokens.len().max(1) + reasoning);
        format!(
            r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{},"completion_tokens_details":{{"reasoning_tokens":{reasoning}}}}}"#,
            prompt + completion
        )
    }

    /// The answer to a request that asked for no stream.
    pub(super) fn document(&self) -> String {
        let message = match &self.call {
            Some((name, arguments)) => format!(
                r#"{{"role":"assistant","content":null,"tool_calls":[{{"id":"{CALL_ID}","type":"function","function":{{"name":{},"arguments":{}}}}}]}}"#,
                quoted(name),
                quoted(arguments)
            ),
            None => format!(r#"{{"role":"assistant","content":{},"refusal":null}}"#, quoted(&self.text())),
        };
        self.document_with(&message)
    }

    /// The same with another message object.
    pub(super) fn document_with(&self, message: &str) -> String {
        let finish = self.finish;
        let choice = |index| format!(r#"{{"index":{index},"message":{message},"logprobs":null,"finish_reason":"{finish}"}}"#);
        let choices: Vec<String> = (0..self.choices).map(choice).collect();
        format!(
            r#"{{"id":"{ID}","object":"chat.completion","created":{CREATED},"model":{},"choices":[{}],"usage":{},"service_tier":"default","system_fingerprint":"fp_0c1a2b3d4e"}}"#,
            quoted(&self.model),
            choices.join(","),
            self.usage_object(0)
        )
    }

    /// One chunk of a stream; `delta` and `finish` are JSON.
    pub(super) fn chunk(&self, delta: &str, finish: &str) -> String {
        self.chunk_of(&format!(r#"[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]"#))
    }

    /// One chunk with this array of choices.
    pub(super) fn chunk_of(&self, choices: &str) -> String {
        let usage = if self.usage { r#","usage":null"# } else { "" };
        format!(
            r#"{{"id":"{ID}","object":"chat.completion.chunk","created":{CREATED},"model":{},"service_tier":"default","system_fingerprint":"fp_0c1a2b3d4e","choices":{choices}{usage}}}"#,
            quoted(&self.model)
        )
    }

    /// The chunk that carries one token.
    pub(super) fn content(&self, token: &str) -> String {
        self.chunk(&format!(r#"{{"content":{}}}"#, quoted(token)), "null")
    }

    /// The first chunk, which names the role.
    pub(super) fn opening(&self) -> String {
        self.chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null")
    }

    /// The chunk that gives the reason for the end.
    pub(super) fn ending(&self) -> String {
        self.chunk("{}", &quoted(self.finish))
    }

    /// The chunk with the usage object.
    pub(super) fn usage_chunk(&self) -> String {
        self.chunk_of("[]")
            .replace(r#","usage":null"#, "")
            .replace(r#""choices":[]"#, &format!(r#""choices":[],"usage":{}"#, self.usage_object(0)))
    }

    /// All chunks of the stream, each after so many units.
    pub(super) fn chunks(&self) -> Vec<(f32, String)> {
        let mut chunks = vec![(self.first, self.opening())];
        match &self.call {
            Some((name, arguments)) => chunks.extend(self.call_chunks(name, arguments)),
            None => chunks.extend(self.tokens.iter().map(|token| (self.pace, self.content(token)))),
        }
        chunks.push((0.0, self.ending()));
        if self.usage {
            chunks.push((0.0, self.usage_chunk()));
        }
        chunks
    }

    fn call_chunks(&self, name: &str, arguments: &str) -> [(f32, String); 2] {
        let opening = format!(
            r#"{{"tool_calls":[{{"index":0,"id":"{CALL_ID}","type":"function","function":{{"name":{},"arguments":""}}}}]}}"#,
            quoted(name)
        );
        let rest = format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":{}}}}}]}}"#, quoted(arguments));
        [(self.pace, self.chunk(&opening, "null")), (self.pace, self.chunk(&rest, "null"))]
    }

    /// The stream's body: an event for each chunk, then `[DONE]`.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let mut pieces = self.events();
        pieces.push(piece(0.0, done()));
        pieces
    }

    /// The stream's body without `[DONE]`.
    pub(super) fn events(&self) -> Vec<Piece> {
        self.chunks().iter().map(|(wait, chunk)| piece(*wait, event(chunk))).collect()
    }

    /// The events up to about the middle of the text: no finish, no `[DONE]`.
    pub(super) fn first_half(&self) -> Vec<Piece> {
        let mut pieces = self.events();
        pieces.truncate(1 + self.tokens.len().div_ceil(2));
        pieces
    }
}

const ID: &str = "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT";
const CALL_ID: &str = "call_R8sQ2vT1";
const CREATED: u32 = 1_741_569_952;

/// The last user message's text, or what stands for it in other dialects; text parts are joined.
pub(super) fn prompt(body: &Value) -> String {
    if let Some(said) = ["prompt", "input"].iter().find_map(|member| body[*member].as_str()) {
        return said.to_owned();
    }
    if let Some(said) = google::prompt(body) {
        return said;
    }
    let messages = ["messages", "input"].iter().find_map(|member| body[*member].as_array());
    let last = messages.into_iter().flatten().rfind(|message| message["role"] == "user");
    match last.map(|message| &message["content"]) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// What the prompt counts for a picture.
const PICTURE_TOKENS: usize = 85;

/// The URLs of the pictures that the conversation shows.
pub(super) fn pictures(body: &Value) -> Vec<&str> {
    let turns = body["messages"].as_array().into_iter().flatten();
    let parts = turns.flat_map(|turn| turn["content"].as_array().into_iter().flatten());
    parts.filter_map(|part| part["image_url"]["url"].as_str()).collect()
}

/// The text up to the first of the stop words.
fn stopped(tokens: Vec<String>, stop: &Value) -> Vec<String> {
    let words = stop.as_str().into_iter().chain(stop.as_array().into_iter().flatten().filter_map(Value::as_str));
    let text = tokens.concat();
    match words.filter_map(|word| text.find(word)).min() {
        Some(end) => vec![text[..end].to_owned()],
        None => tokens,
    }
}

/// The bytes by which the pixels of a red PNG and of a blue one differ, as base64 has them.
const COLOURS: [(&str, &str); 2] = [("sAtx/ZMZxgi+hcEKLNO+", "Red"), ("sAthCPvnMYwRfAuDFViq", "Blue")];

/// The colour of the last picture.
fn colour(body: &Value) -> Option<&'static str> {
    let last = *pictures(body).last()?;
    COLOURS.iter().find(|(pixels, _)| last.contains(pixels)).map(|(_, colour)| *colour)
}

fn answer(body: &Value) -> Vec<String> {
    if let Some(colour) = colour(body) {
        return vec![colour.to_owned()];
    }
    if let Some(word) = code_word(&prompt(body)) {
        return vec![word];
    }
    match body["response_format"]["type"].as_str() {
        Some("json_object") => vec![r#"{"answer":"#.to_owned(), r#""ok"}"#.to_owned()],
        Some("json_schema") => vec![instance(&body["response_format"]["json_schema"]["schema"]).to_string()],
        _ => count(last_integer(&prompt(body))),
    }
}

/// The code word that the prompt asks for: the one that it gives, if it does.
fn code_word(prompt: &str) -> Option<String> {
    if !prompt.contains("Which code word was given") {
        return None;
    }
    let given = prompt.split_once("this code word: ").and_then(|(_, rest)| rest.split(['.', '\n']).next());
    Some(given.unwrap_or("There is no code word in the list.").to_owned())
}

fn count(upto: Option<usize>) -> Vec<String> {
    let Some(upto) = upto.filter(|upto| *upto > 0) else { return vec!["ok".to_owned()] };
    let rest = (2..=upto.min(LONGEST)).map(|n| format!(", {}", in_words(n)));
    std::iter::once("one".to_owned()).chain(rest).collect()
}

fn last_integer(text: &str) -> Option<usize> {
    text.split(|c: char| !c.is_ascii_digit()).rfind(|digits| !digits.is_empty())?.parse().ok()
}

fn cap(body: &Value) -> usize {
    const CAPS: [&str; 4] = ["/max_tokens", "/max_completion_tokens", "/max_output_tokens", "/generationConfig/maxOutputTokens"];
    let caps = CAPS.iter().filter_map(|name| body.pointer(name)?.as_u64());
    caps.min().map_or(LONGEST, |cap| cap as usize)
}

fn forced_call(body: &Value) -> Option<(String, String)> {
    let choice = &body["tool_choice"];
    let tools = body["tools"].as_array()?;
    let tool = match choice["function"]["name"].as_str() {
        Some(name) => tools.iter().find(|tool| tool["function"]["name"] == name)?,
        None if choice == "required" => tools.first()?,
        None => return None,
    };
    let function = &tool["function"];
    Some((function["name"].as_str()?.to_owned(), instance(&function["parameters"]).to_string()))
}

/// The smallest sensible value that a JSON schema allows.
fn instance(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("string") => json!("ok"),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([instance(&schema["items"])]),
        Some("null") => Value::Null,
        _ => object(&schema["properties"]),
    }
}

fn object(properties: &Value) -> Value {
    let properties = properties.as_object().into_iter().flatten();
    properties.map(|(name, schema)| (name.clone(), instance(schema))).collect()
}

fn in_words(n: usize) -> String {
    const ONES: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    match (n, n % 10, n % 100, n % 1000) {
        (0..20, ..) => ONES[n].to_owned(),
        (20..100, 0, ..) => TENS[n / 10].to_owned(),
        (20..100, one, ..) => format!("{}-{}", TENS[n / 10], ONES[one]),
        (100..1000, _, 0, _) => format!("{} hundred", ONES[n / 100]),
        (100..1000, _, rest, _) => format!("{} hundred {}", ONES[n / 100], in_words(rest)),
        (_, _, _, 0) => format!("{} thousand", in_words(n / 1000)),
        (_, _, _, rest) => format!("{} thousand {}", in_words(n / 1000), in_words(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_follows_the_last_integer_and_the_cap() {
        let body = json!({"messages":[{"role":"user","content":"Write the numbers from 1 to 3 in words."}]});
        assert_eq!(Completion::of(&body, "m").text(), "one, two, three");
        let body = json!({"max_tokens":2,"messages":[{"role":"user","content":"Count from 1 to 3"}]});
        let short = Completion::of(&body, "m");
        assert_eq!((short.text().as_str(), short.finish), ("one, two", "length"));
        assert_eq!(Completion::of(&Value::Null, "m").text(), "ok");
    }

    #[test]
    fn numbers_are_words() {
        assert_eq!(in_words(342), "three hundred forty-two");
        assert_eq!(in_words(1019), "one thousand nineteen");
    }
}
