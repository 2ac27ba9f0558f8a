//! Gateways that speak Anthropic's Messages, OpenAI's Responses or legacy completions: healthy, odd and broken.

use super::healthy::replaced;
use crate::sim::completion::Completion;
use crate::sim::dialects::{COMPLETIONS, MESSAGES, RESPONSES, message_events, named, response, response_events};
use crate::sim::gateway::{Gateway, HEALTHY};
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    Scenario { id: "healthy-messages", title: "Anthropic's Messages; nothing is broken", gateway: MESSAGES, ..MESSAGING },
    Scenario { id: "healthy-responses", title: "OpenAI's Responses; nothing is broken", gateway: RESPONSES, ..RESPONDING },
    Scenario { id: "healthy-completions", title: "Legacy completions; nothing is broken", gateway: COMPLETIONS, ..COMPLETING },
    Scenario {
        id: "messages-with-pings-and-thought",
        title: "Pings, events of later versions and a block of thought before the text",
        gateway: Gateway { stream: |c| chunked(SSE, thoughtful(c)), ..MESSAGES },
        ..MESSAGING
    },
    Scenario {
        id: "messages-then-done",
        title: "A gateway appends [DONE], without a name, to Anthropic's events",
        gateway: Gateway { stream: |c| chunked(SSE, with(message_events(c), piece(0.0, done()))), ..MESSAGES },
        ..MESSAGING
    },
    Scenario {
        id: "responses-then-done",
        title: "A gateway appends [DONE] to the events of a response",
        gateway: Gateway { stream: |c| chunked(SSE, with(response_events(c), piece(0.0, done()))), ..RESPONSES },
        ..RESPONDING
    },
    Scenario {
        id: "responses-without-event-names",
        title: "The events of a response have a type and no name",
        gateway: Gateway { stream: |c| chunked(SSE, unnamed(response_events(c))), ..RESPONSES },
        ..RESPONDING
    },
    foreign(
        "chat-stream-on-messages",
        "Plain messages are fine, streams are chat completions",
        MESSAGING,
        Gateway { stream: HEALTHY.stream, ..MESSAGES },
    ),
    foreign(
        "messages-stream-on-chat",
        "Plain chat is fine, streams are Anthropic's",
        USUAL,
        Gateway { stream: MESSAGES.stream, ..HEALTHY },
    ),
    foreign(
        "chat-stream-on-responses",
        "Plain responses are fine, streams are chat completions",
        RESPONDING,
        Gateway { stream: HEALTHY.stream, ..RESPONSES },
    ),
    foreign(
        "chat-stream-on-completions",
        "Plain completions are fine, streams are chat completions",
        COMPLETING,
        Gateway { stream: HEALTHY.stream, ..COMPLETIONS },
    ),
    Scenario {
        id: "chat-on-messages",
        title: "The Messages route answers as chat completions, streamed or not",
        mode: Some("wrong-dialect"),
        also: &["stream-malformed", "empty-completion"],
        gateway: Gateway { whole: HEALTHY.whole, stream: HEALTHY.stream, ..MESSAGES },
        ..MESSAGING
    },
    Scenario {
        id: "messages-on-chat",
        title: "The chat route answers as Anthropic's Messages, streamed or not",
        mode: Some("wrong-dialect"),
        also: &["stream-malformed", "empty-completion"],
        gateway: Gateway { whole: MESSAGES.whole, stream: MESSAGES.stream, ..HEALTHY },
        ..USUAL
    },
    messages("messages-without-event-names", "stream-malformed", "Anthropic's events lack their names", |c| {
        chunked(SSE, unnamed(message_events(c)))
    }),
    messages("messages-block-unopened", "stream-malformed", "The text comes in a block that was never opened", |c| {
        let mut pieces = message_events(c);
        pieces.remove(1);
        chunked(SSE, pieces)
    }),
    messages("messages-started-twice", "stream-malformed", "message_start comes twice", |c| {
        let mut pieces = message_events(c);
        pieces.insert(1, pieces[0].clone());
        chunked(SSE, pieces)
    }),
    messages("messages-done-with-a-name", "stream-malformed", "A gateway appends [DONE] as an event with a name", |c| {
        chunked(SSE, with(message_events(c), piece(0.0, named("done", "[DONE]"))))
    }),
    messages("messages-without-stop", "stream-missing-done", "message_stop never comes", |c| {
        let mut pieces = message_events(c);
        pieces.pop();
        chunked(SSE, pieces)
    }),
    messages("messages-cut", "stream-truncated", "The stream ends in order in the middle of the text", |c| {
        let mut pieces = message_events(c);
        pieces.truncate(pieces.len() / 2);
        chunked(SSE, pieces)
    }),
    Scenario {
        also: &["stream-truncated", "upstream-overloaded", "stream-malformed"],
        ..messages("messages-error-midway", "error-in-success", "An error event ends the stream in the middle of the text", |c| {
            let mut pieces = message_events(c);
            pieces.truncate(pieces.len() / 2);
            pieces.push(piece(0.5, named("error", r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#)));
            chunked(SSE, pieces)
        })
    },
    responses("responses-without-end", "stream-truncated", "All of the text, and no event that ends the response", |c| {
        let mut pieces = response_events(c);
        pieces.pop();
        chunked(SSE, pieces)
    }),
    responses("responses-cut", "stream-truncated", "The connection breaks in the middle of the text", |c| {
        let mut pieces = response_events(c);
        pieces.truncate(pieces.len() / 2);
        then_fin(unended(SSE, pieces))
    }),
    responses("responses-without-types", "stream-malformed", "The events have names and no type in their data", |c| {
        let untyped = |bytes: Vec<u8>| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let start = text.find(r#""type":"response."#).unwrap_or(text.len());
            let end = text[start..].find(',').map_or(text.len(), |comma| start + comma + 1);
            format!("{}{}", &text[..start], &text[end..]).into_bytes()
        };
        chunked(SSE, rewritten(response_events(c), untyped))
    }),
    Scenario {
        also: &["stream-truncated", "stream-malformed"],
        ..responses("responses-failed", "error-in-success", "response.failed ends the stream in the middle of the text", |c| {
            let mut pieces = response_events(c);
            pieces.truncate(pieces.len() / 2);
            let failed = response(c, "failed", "[]")
                .replace(r#""error":null"#, r#""error":{"code":"server_error","message":"The model failed to generate a response."}"#);
            let data = format!(r#"{{"type":"response.failed","sequence_number":99,"response":{failed}}}"#);
            pieces.push(piece(0.5, named("response.failed", &data)));
            chunked(SSE, pieces)
        })
    },
];

const MESSAGING: Scenario = Scenario { dialect: "anthropic-messages", ..USUAL };
const RESPONDING: Scenario = Scenario { dialect: "openai-responses", ..USUAL };
const COMPLETING: Scenario = Scenario { dialect: "openai-completions", ..USUAL };

const fn messages(id: &'static str, mode: &'static str, title: &'static str, stream: fn(&Completion) -> Script) -> Scenario {
    Scenario { id, title, mode: Some(mode), gateway: Gateway { stream, ..MESSAGES }, ..MESSAGING }
}

const fn responses(id: &'static str, mode: &'static str, title: &'static str, stream: fn(&Completion) -> Script) -> Scenario {
    Scenario { id, title, mode: Some(mode), gateway: Gateway { stream, ..RESPONSES }, ..RESPONDING }
}

/// A stream of another dialect than the route's.
const fn foreign(id: &'static str, title: &'static str, user: Scenario, gateway: Gateway) -> Scenario {
    let also = &["empty-completion", "wrong-dialect", "stream-missing-done"];
    Scenario { id, title, mode: Some("stream-malformed"), also, details: r#"{"kind":"other-dialect"}"#, gateway, ..user }
}

fn with(mut pieces: Vec<Piece>, last: Piece) -> Vec<Piece> {
    pieces.push(last);
    pieces
}

fn unnamed(pieces: Vec<Piece>) -> Vec<Piece> {
    let unnamed = |bytes: Vec<u8>| {
        let line = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        bytes[line..].to_vec()
    };
    rewritten(pieces, unnamed)
}

/// Thought in a block of its own, pings, and an event that nobody knows yet.
fn thoughtful(completion: &Completion) -> Vec<Piece> {
    let mut pieces = rewritten(message_events(completion), |bytes| replaced(&bytes, r#""index":0"#, r#""index":1"#));
    let ping = || piece(0.5, named("ping", r#"{"type": "ping"}"#));
    let thought = [
        named("content_block_start", r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#),
        named(
            "content_block_delta",
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Numbers. "}}"#,
        ),
        named(
            "content_block_delta",
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQBCgIYAhIM"}}"#,
        ),
        named("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
    ];
    let later = piece(0.0, named("message_progress", r#"{"type":"message_progress","share":0.5}"#));
    let inserted = thought.map(|bytes| piece(0.5, bytes)).into_iter().chain([ping(), later, ping()]);
    pieces.splice(1..1, inserted.collect::<Vec<_>>());
    pieces
}
