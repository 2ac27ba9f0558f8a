//! Reading an answer: what it is, by its bytes; and completions that are not streamed.

mod shape;

use serde_json::Value;

use crate::evidence::{Exchange, FaultKind, Response};

use super::{Reading, StreamForm, error, json, models, sse, stream};

/// A whole completion.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// `openai-chat`, `openai-completions`, `openai-responses`, `anthropic-messages`, `ollama-chat`, `google-generate`.
    pub dialect: &'static str,
    /// The model that the answer names.
    pub model: Option<String>,
    /// The text; empty when there is none.
    pub text: String,
    /// What stands in reasoning fields.
    pub reasoning: String,
    /// Names of the tools that are called.
    pub tool_calls: Vec<String>,
    /// `finish_reason`, `stop_reason` or the like.
    pub finish_reason: Option<String>,
    /// How many choices there are; `None` when the member is missing or null.
    pub choices: Option<usize>,
    /// Token counts.
    pub usage: Usage,
    /// What breaks the dialect's shape, in words, each with its JSON pointer.
    pub faults: Vec<String>,
}

/// Token counts as an answer reports them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt: Option<u64>,
    /// Tokens of the answer, reasoning included.
    pub completion: Option<u64>,
    /// Tokens spent on reasoning.
    pub reasoning: Option<u64>,
}

/// No more characters of a text without a form are kept.
const MAX_TEXT: usize = 2000;
/// No more keys of a JSON object without a known shape are kept.
const MAX_KEYS: usize = 40;
/// No more lines are looked at to tell what a body is.
const SNIFFED_LINES: usize = 40;

/// Reads an answer by its bytes; status and content type only break ties.
pub fn read(exchange: &Exchange, response: &Response) -> Reading {
    match response.status {
        301 | 302 | 303 | 307 | 308 => Reading::Redirect(response.header("location").map(str::to_owned)),
        400.. => Reading::Error(Box::new(error::read(response.status, &response.media_type(), &response.body.bytes))),
        _ => Answer { exchange, response, bytes: content(&response.body.bytes) }.read(),
    }
}

/// The bytes without a byte-order mark and blanks in front.
fn content(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(sse::BOM).unwrap_or(bytes).trim_ascii_start()
}

struct Answer<'a> {
    exchange: &'a Exchange,
    response: &'a Response,
    /// The body from its first byte that is not blank.
    bytes: &'a [u8],
}

impl Answer<'_> {
    fn read(&self) -> Reading {
        match self.bytes.first() {
            None => self.nothing(),
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'<') if error::is_page(&self.beginning()) => Reading::Page(error::title(&self.beginning())),
            Some(_) if is_sse(self.bytes) || self.is_labelled_error() => self.stream(StreamForm::Sse),
            Some(_) => self.other(),
        }
    }

    /// A line `error: …`, which is no field of an event stream, under the name of one.
    fn is_labelled_error(&self) -> bool {
        self.bytes.starts_with(b"error:") && self.response.media_type() == "text/event-stream"
    }

    fn stream(&self, form: StreamForm) -> Reading {
        Reading::Stream(Box::new(stream::read(self.exchange, self.response, form)))
    }

    /// No content: a stream of which nothing came, or an empty body.
    fn nothing(&self) -> Reading {
        let cut = self.response.cut.as_ref().map(|fault| &fault.kind);
        let labelled = self.response.media_type() == "text/event-stream";
        let waited = matches!(cut, Some(FaultKind::Stalled | FaultKind::Unfinished | FaultKind::Interrupted));
        let begun = (labelled && cut.is_some()) || (waited && self.exchange.asks_stream());
        if begun { self.stream(StreamForm::Sse) } else { Reading::Empty }
    }

    fn object(&self) -> Reading {
        let Some((value, length)) = json::first(self.bytes) else { return self.broken() };
        let rest = content(&self.bytes[length..]);
        match rest.first() {
            None => self.document(&value),
            Some(b'{') => self.stream(StreamForm::Ndjson),
            Some(_) if is_done(rest) => glued(self.document(&value)),
            Some(_) if is_sse(rest) => self.stream(StreamForm::Sse),
            Some(_) => self.other(),
        }
    }

    /// An object that is cut short or no JSON at all. Lines of JSON may still follow it.
    fn broken(&self) -> Reading {
        let later = sse::lines(self.bytes, 0).take(SNIFFED_LINES).skip(1).map(|line| &self.bytes[line.start..line.end]);
        let mut later = later.filter(|line| line.starts_with(b"{"));
        if later.any(|line| json::first(line).is_some()) {
            return self.stream(StreamForm::Ndjson);
        }
        self.other()
    }

    fn document(&self, value: &Value) -> Reading {
        if error::is_error(value) {
            let raw = String::from_utf8_lossy(self.bytes).into_owned();
            return Reading::Error(Box::new(error::from_value(self.response.status, value, "json", raw)));
        }
        if shape::is_chunk(value) {
            return self.stream(StreamForm::Ndjson);
        }
        if let Some(completion) = shape::completion(value) {
            return Reading::Completion(Box::new(completion));
        }
        match models::read(value).filter(|list| self.is_list(list)) {
            Some(list) => Reading::Models(list),
            None => Reading::Json(keys(value)),
        }
    }

    /// A list is believed when one was asked for, or when it is not empty and has the standard shape.
    fn is_list(&self, list: &models::ModelList) -> bool {
        let asked = self.exchange.request.method == "GET";
        asked || (!list.entries.is_empty() && list.standard)
    }

    fn array(&self) -> Reading {
        match json::first(self.bytes) {
            Some((value, _)) if is_pieces(&value) => self.stream(StreamForm::JsonArray),
            Some((value, _)) => self.document(&value),
            None => match json::first(content(&self.bytes[1..])) {
                Some((value, _)) if is_piece(&value) => self.stream(StreamForm::JsonArray),
                _ => self.other(),
            },
        }
    }

    fn other(&self) -> Reading {
        match json::first(self.bytes) {
            Some((value, length)) if content(&self.bytes[length..]).is_empty() => Reading::Json(keys(&value)),
            _ => Reading::Text(self.beginning().chars().take(MAX_TEXT).collect()),
        }
    }

    fn beginning(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(64 * 1024)])
    }
}

/// True when what follows a document is `[DONE]`, framed or not.
fn is_done(rest: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&rest[..rest.len().min(64)]);
    rest.len() < 64 && text.trim().trim_start_matches("data:").trim() == "[DONE]"
}

fn glued(reading: Reading) -> Reading {
    match reading {
        Reading::Completion(mut completion) => {
            completion.faults.push("the document is followed by `data: [DONE]` (at the end, outside of the JSON)".to_owned());
            Reading::Completion(completion)
        }
        other => other,
    }
}

/// True when one of the first lines is a comment or a field of an event stream, or nearly so.
fn is_sse(bytes: &[u8]) -> bool {
    let lines = sse::lines(bytes, 0).take(SNIFFED_LINES).map(|line| &bytes[line.start..line.end]);
    lines.filter(|line| !line.is_empty()).any(is_field)
}

fn is_field(line: &[u8]) -> bool {
    if line.starts_with(b":") {
        return true;
    }
    let (name, _) = sse::split_field(line);
    let known: [&[u8]; 4] = [b"data", b"event", b"id", b"retry"];
    let trimmed = name.strip_prefix(sse::BOM).unwrap_or(name).trim_ascii();
    (name.len() < line.len() || name == b"data") && known.iter().any(|field| trimmed.eq_ignore_ascii_case(field))
}

/// True for an array of streamed pieces, as Google sends without `alt=sse`.
fn is_pieces(value: &Value) -> bool {
    value.as_array().and_then(|items| items.first()).is_some_and(is_piece)
}

fn is_piece(value: &Value) -> bool {
    value.get("candidates").is_some() || shape::is_chunk(value)
}

fn keys(value: &Value) -> Vec<String> {
    let keys = value.as_object().into_iter().flat_map(|map| map.keys());
    keys.take(MAX_KEYS).map(|key| super::parts::bounded(key)).collect()
}

#[cfg(test)]
mod tests;
