//! What an SDK takes from one event: strictly the members that its dialect puts there.

use serde_json::Value;

use super::super::json::{has, text};
use super::super::parts::{joined, reasoning, thoughts};
use super::Wire;
use super::framing::{Frame, Framing};

/// One event as a client understands it.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Offset of the event.
    pub offset: usize,
    /// What its data is.
    pub data: Data,
}

/// What the data of an event is.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Nothing, or blanks.
    Blank,
    /// `[DONE]`.
    Done,
    /// No JSON.
    Garbage,
    /// JSON.
    Value(Speech),
}

/// What a JSON value says to an SDK.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Speech {
    /// Text to show.
    pub text: String,
    /// Pieces of content: text, reasoning, tool calls.
    pub pieces: usize,
    /// Why the answer ends.
    pub finish: Option<String>,
    /// `finish_reason` is an empty text.
    pub empty_finish: bool,
    /// `choices` is an empty array.
    pub no_choices: bool,
    /// There is a member `error`, whatever it holds.
    pub error_key: bool,
    /// It is an error that SDKs raise.
    pub error: bool,
    /// The last event of a dialect that has no sentinel.
    pub last: bool,
}

/// Everything that comes out of a framing.
pub fn gather(wire: &Wire, framing: Framing) -> Vec<Heard> {
    let mut heard = Vec::new();
    let legacy = wire.reading.dialect == "openai-completions" && !wire.reading.faults.iter().any(|fault| fault.kind == "delta-shape");
    framing(wire, &mut |frame| heard.push(Heard { offset: frame.offset, data: hear(&frame, legacy) }));
    heard
}

fn hear(frame: &Frame, legacy: bool) -> Data {
    if frame.data.starts_with("[DONE]") {
        return Data::Done;
    }
    if frame.data.trim().is_empty() {
        return Data::Blank;
    }
    match serde_json::from_str::<Value>(frame.data) {
        Ok(value) => Data::Value(speech(&value, legacy)),
        Err(_) => Data::Garbage,
    }
}

fn speech(value: &Value, legacy: bool) -> Speech {
    let mut speech = Speech { error_key: value.get("error").is_some(), error: has(value, "error"), ..Speech::default() };
    let kind = text(value, "type").unwrap_or_default();
    if let Some(choices) = value.get("choices").and_then(Value::as_array) {
        speech.no_choices = choices.is_empty();
        let first = choices.iter().filter(|choice| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0);
        first.for_each(|choice| speech.choice(choice, legacy));
    } else if kind.starts_with("response.") || kind == "error" {
        speech.response(value, kind);
    } else if value.get("candidates").is_some() || value.get("promptFeedback").is_some() {
        speech.google(value);
    } else {
        speech.message(value, kind);
    }
    speech
}

impl Speech {
    fn say(&mut self, said: &str) {
        self.pieces += usize::from(!said.is_empty());
        self.text.push_str(said);
    }

    fn think(&mut self, thought: &str) {
        self.pieces += usize::from(!thought.is_empty());
    }

    fn finished(&mut self, reason: Option<&Value>) {
        let reason = reason.and_then(Value::as_str);
        self.empty_finish |= reason == Some("");
        self.finish = reason.filter(|reason| !reason.is_empty()).map(str::to_owned).or(self.finish.take());
    }

    fn choice(&mut self, choice: &Value, legacy: bool) {
        self.finished(choice.get("finish_reason"));
        if legacy {
            return self.say(text(choice, "text").unwrap_or_default());
        }
        let Some(delta) = choice.get("delta").filter(|delta| delta.is_object()) else { return };
        self.think(&reasoning(delta).unwrap_or_default());
        self.say(text(delta, "content").unwrap_or_default());
        self.say(text(delta, "refusal").unwrap_or_default());
        self.pieces += delta.get("tool_calls").and_then(Value::as_array).map_or(0, Vec::len);
        self.pieces += usize::from(delta.get("function_call").is_some_and(Value::is_object));
    }

    fn response(&mut self, value: &Value, kind: &str) {
        let delta = text(value, "delta").unwrap_or_default();
        match kind {
            "response.output_text.delta" | "response.refusal.delta" => self.say(delta),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => self.think(delta),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => self.pieces += 1,
            "response.output_item.added" => {
                let item = value.pointer("/item/type").and_then(Value::as_str).unwrap_or_default();
                self.pieces += usize::from(item.ends_with("_call"));
            }
            "response.completed" | "response.incomplete" | "response.failed" | "error" => {
                let reason = value.pointer("/response/incomplete_details/reason").or_else(|| value.pointer("/response/status"));
                self.finished(reason);
                self.last = true;
            }
            _ => {}
        }
    }

    fn google(&mut self, value: &Value) {
        if let Some(parts) = value.pointer("/candidates/0/content/parts") {
            self.think(&thoughts(parts));
            self.say(&joined(parts));
            self.pieces += parts.as_array().into_iter().flatten().filter(|part| part.get("functionCall").is_some()).count();
        }
        self.finished(value.pointer("/candidates/0/finishReason").or(value.pointer("/promptFeedback/blockReason")));
        self.last = self.finish.is_some();
    }

    fn message(&mut self, value: &Value, kind: &str) {
        let delta = value.get("delta").unwrap_or(&Value::Null);
        match (kind, text(delta, "type").unwrap_or_default()) {
            ("content_block_start", _) => self.block(value.get("content_block").unwrap_or(&Value::Null)),
            ("content_block_delta", "text_delta") => self.say(text(delta, "text").unwrap_or_default()),
            ("content_block_delta", "thinking_delta") => self.think(text(delta, "thinking").unwrap_or_default()),
            ("content_block_delta", "input_json_delta") => self.pieces += 1,
            ("message_delta", _) => self.finished(delta.get("stop_reason")),
            ("message_stop", _) => self.last = true,
            _ => {}
        }
    }

    fn block(&mut self, block: &Value) {
        if text(block, "type").is_some_and(|kind| kind.ends_with("tool_use")) {
            self.pieces += 1;
        } else {
            self.say(text(block, "text").unwrap_or_default());
        }
    }
}
