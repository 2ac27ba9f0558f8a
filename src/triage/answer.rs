//! What a paste shows of an answer: whether it is a whole one, and what of it the rules of live checks can judge.

use serde_json::Value;

use crate::dialect::{self, Reading};
use crate::evidence::{Ask, Body, Exchange, Outcome};
use crate::facts::{self, Strength};

use super::{Form, Sighting};

/// Whether the body is a whole answer with a text of its own: what a model says is no error.
pub fn is_answer(sighting: &Sighting) -> bool {
    let Ok(body) = serde_json::from_str::<Value>(sighting.said().trim()) else { return false };
    if body.pointer("/choices/0/delta").is_some_and(Value::is_object) && body.get("error").is_none_or(Value::is_null) {
        return true;
    }
    let texts = ["/choices/0/message/content", "/content/0/text", "/message/content", "/candidates/0/content/parts/0/text"];
    body.get("error").is_none_or(Value::is_null)
        && sighting.status.is_none_or(|status| status < 300)
        && texts.iter().any(|place| body.pointer(place).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty()))
}

/// Whether a stream is there from its beginning to its end, and nothing is wrong with it: its pieces are no signs then.
pub fn is_sound(exchange: Option<&Exchange>) -> bool {
    let Some(mut exchange) = exchange.cloned() else { return false };
    end_line(&mut exchange);
    let Reading::Stream(stream) = dialect::read(&exchange) else { return false };
    stream.done && stream.finish_reason.is_some() && stream.error.is_none() && !stream.faults.iter().any(|fault| fault.breaks)
}

/// What a paste shows of an answer, ready for the rules.
pub struct Answer {
    pub exchange: Exchange,
    /// Whether it seems to be cut out of a longer stream.
    pub partial: bool,
    /// Whether only lines of a stream were pasted: whoever copied them may have stopped anywhere.
    pub copied: bool,
    /// Whether it is an HTML page, or nothing at all in an answer's place.
    pub page: bool,
    /// Whether it is JSON that no dialect has as an answer to a chat.
    pub shapeless: bool,
    /// How much an error under a success status weighs here.
    pub spoken: f64,
}

/// Modes that are told from how a stream ends: an excerpt doesn't show that.
pub const NEEDS_THE_END: [&str; 5] =
    ["stream-truncated", "stream-missing-done", "stream-no-finish-reason", "empty-completion", "stream-stalled"];
/// No stream of so few events is taken for a whole one, unless it has its last line.
const EXCERPT: usize = 3;

/// The answer that the rules can judge: one whose body is there, or a body alone that only a success has. A blank body was left out by
/// whoever pasted it, and prose in its place is told by words and signs.
pub fn answer(sighting: &Sighting, exchange: Option<Exchange>, causes: &[facts::Reading]) -> Option<Answer> {
    let bare = exchange.is_none();
    let mut exchange = exchange.or_else(|| assumed(sighting))?;
    let mut reading = dialect::read(&exchange);
    if let Some(framed) = framed(&exchange) {
        exchange = framed;
        reading = dialect::read(&exchange);
    }
    let mut answer = Answer {
        exchange,
        partial: false,
        copied: sighting.form == Form::Events,
        page: false,
        shapeless: false,
        spoken: disguise(sighting, causes),
    };
    match &reading {
        // A paste may lack what was there; what passed by is all there was.
        Reading::Empty | Reading::Text(_) if sighting.form == Form::Captured && asks_chat(&answer.exchange) => answer.page = true,
        Reading::Empty | Reading::Text(_) | Reading::Nothing => return None,
        Reading::Error(_) if sighting.said().trim().is_empty() => return None,
        Reading::Stream(stream) => {
            answer.spoken = IN_A_STREAM;
            if sighting.form != Form::Captured {
                answer.partial = !stream.done && stream.events < EXCERPT;
                end_line(&mut answer.exchange);
            }
            if sighting.asked.is_none() && sighting.stream.is_none() {
                asks_stream(&mut answer.exchange);
            }
        }
        Reading::Error(_) | Reading::Json(_) if bare => return None,
        Reading::Page(_) if bare && !causes.is_empty() => return None,
        Reading::Page(_) => answer.page = true,
        Reading::Json(_) if is_chat(sighting) => answer.shapeless = true,
        _ => {}
    }
    Some(answer)
}

/// How much an error inside a stream weighs: more than what it says, because nobody who goes by the status sees it.
const IN_A_STREAM: f64 = 12.0;

/// How much an error under a success status weighs: less than what it says when it says enough, most when a stream was asked for.
pub fn disguise(sighting: &Sighting, causes: &[facts::Reading]) -> f64 {
    use facts::Cause::{InternalError, InvalidRequest, MethodNotAllowed, RouteMissing, UpstreamTimeout, UpstreamUnavailable, WrongDialect};
    match causes.first().map(|reading| (reading.cause, reading.strength)) {
        Some((RouteMissing | MethodNotAllowed | WrongDialect, _)) => 3.0,
        _ if sighting.asks_stream() => IN_A_STREAM,
        Some((InternalError | InvalidRequest | UpstreamTimeout | UpstreamUnavailable, _)) => 9.5,
        Some((_, Strength::Strong)) => 7.5,
        _ => 9.5,
    }
}

fn asks_chat(exchange: &Exchange) -> bool {
    matches!(exchange.ask, Ask::Chat | Ask::ChatStream)
}

fn is_chat(sighting: &Sighting) -> bool {
    sighting.url.as_deref().is_some_and(|url| url.contains("/chat/completions"))
}

/// A body without a status, as the answer of a success.
fn assumed(sighting: &Sighting) -> Option<Exchange> {
    let body = sighting.said().trim_start();
    let looks_whole = body.starts_with(['{', '[', '<', ':']) || ["data:", "event:", "id:"].iter().any(|field| body.starts_with(field));
    let alone = Sighting { status: Some(200), body: Some(body.to_owned()), ..sighting.clone() };
    looks_whole.then(|| alone.exchange("s1")).flatten()
}

/// A single chunk of a stream without its `data:`, put back into its frame.
fn framed(exchange: &Exchange) -> Option<Exchange> {
    let response = exchange.response().filter(|response| response.status < 300)?;
    let chunk = whole_chunk(serde_json::from_slice(&response.body.bytes).ok()?);
    let choice = chunk.pointer("/choices/0");
    let streamed = response.media_type() == "text/event-stream" && chunk["choices"].is_array();
    let is_chunk = chunk["object"] == "chat.completion.chunk" || choice.is_some_and(|choice| choice["delta"].is_object());
    if choice.is_some_and(|choice| choice["message"].is_object()) || !(is_chunk || streamed) {
        return None;
    }
    let event = format!("data: {chunk}\n\n").into_bytes();
    let mut framed = exchange.clone();
    asks_stream(&mut framed);
    if let Outcome::Response(response) = &mut framed.outcome {
        response.body = Body::whole(event, response.total_ms);
    }
    Some(framed)
}

/// The chunk that a delta was cut out of.
fn whole_chunk(json: Value) -> Value {
    if json["delta"].is_object() && json["type"].is_null() && json["choices"].is_null() {
        let choice = serde_json::json!({ "index": 0, "delta": json["delta"] });
        return serde_json::json!({ "object": "chat.completion.chunk", "choices": [choice] });
    }
    json
}

/// What the pieces of tool calls in a stream of chunks lack: clients put them together by `index`, and answer them by `id`.
pub fn lack_of_a_call(events: &[u8]) -> Option<&'static str> {
    let data = events.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data:"));
    let chunks = data.filter_map(|data| serde_json::from_slice::<Value>(data).ok());
    chunks.filter_map(|chunk| chunk.pointer("/choices/0/delta/tool_calls")?.as_array().cloned()).flatten().find_map(|call| {
        let begins = call.pointer("/function/name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
        match (call["index"].is_u64(), call["id"].is_string()) {
            (false, _) => Some("a piece of a tool call has no index"),
            (_, false) if begins => Some("a tool call begins without an id"),
            _ => None,
        }
    })
}

/// Whoever copies events seldom copies the blank line behind the last one.
pub fn end_line(exchange: &mut Exchange) {
    let Outcome::Response(response) = &mut exchange.outcome else { return };
    let bytes = response.body.bytes.trim_ascii_end();
    if !bytes.is_empty() {
        response.body = Body::whole([bytes, b"\n\n"].concat(), response.total_ms);
    }
}

/// An exchange whose request isn't shown, and whose answer is a stream.
fn asks_stream(exchange: &mut Exchange) {
    exchange.ask = Ask::ChatStream;
    exchange.request.body = Some(serde_json::json!({ "stream": true }));
}
