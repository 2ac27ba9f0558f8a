//! Gateways in which nothing is broken, however odd they look: no error and no warning may appear.

use std::time::Duration;

use serde_json::Value;

use super::packing;
use crate::sim::completion::{Completion, pictures};
use crate::sim::gateway::{Gateway, HEALTHY, Moment};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::server::Front;
use crate::sim::{Scenario, USUAL, tls};

/// Legal, and some clients break on it all the same.
const BREAKS_CLIENTS: &[&str] = &["stream-breaks-client"];

pub(super) static TABLE: &[Scenario] = &[
    Scenario { id: "healthy", title: "Nothing is broken", ..USUAL },
    Scenario {
        id: "healthy-tls",
        title: "HTTPS with a certificate of the company's own authority, which the user trusts",
        base: "https://{addr}/v1",
        front: Front::Https(&tls::GOOD, b""),
        ..USUAL
    },
    streams("crlf-events", "Event lines end with CR LF", |c| chunked(SSE, rewritten(c.pieces(), |bytes| replaced(&bytes, "\n", "\r\n")))),
    streams("no-blank-after-data", "No blank after `data:`", |c| {
        chunked(SSE, rewritten(c.pieces(), |bytes| replaced(&bytes, "data: ", "data:")))
    }),
    streams("keep-alive-comments", "Comments keep the stream alive before and between events", |c| {
        let mut pieces = vec![piece(0.0, ": PROCESSING\n\n"), piece(0.5, ": PROCESSING\n\n")];
        pieces.extend(rewritten(c.pieces(), |bytes| [b": keep-alive\n\n", &bytes[..]].concat()));
        chunked(SSE, pieces)
    }),
    streams("extra-blank-lines", "Two blank lines after each event", |c| {
        chunked(SSE, rewritten(c.pieces(), |bytes| [&bytes[..], b"\n"].concat()))
    }),
    streams("named-events", "Each event has the name `message`", |c| {
        chunked(SSE, rewritten(c.pieces(), |bytes| [b"event: message\n", &bytes[..]].concat()))
    }),
    streams("azure-filter-chunk", "The first chunk has no choices and reports on the prompt's filter", |c| {
        let mut pieces = c.pieces();
        pieces.insert(0, piece(0.5, event(FILTER_CHUNK)));
        chunked(SSE, pieces)
    }),
    streams("empty-finish-reasons", "finish_reason is an empty string until the last chunk", |c| {
        let empty = |bytes: Vec<u8>| replaced(&bytes, r#""finish_reason":null"#, r#""finish_reason":"""#);
        chunked(SSE, rewritten(c.pieces(), empty))
    }),
    streams("close-delimited-stream", "The stream has no chunked coding and ends with the connection", |c| {
        close_delimited("Content-Type: text/event-stream\r\nConnection: close\r\n", c.pieces())
    }),
    streams("gzip-flushed", "gzip when the client takes it, flushed after each event", |c| {
        if c.gzip { chunked(packing::GZIP_SSE, packing::flushed(&c.pieces())) } else { chunked(SSE, c.pieces()) }
    }),
    streams("usage-unasked", "A usage chunk ends the stream although nobody asked", |c| {
        let mut pieces = c.events();
        if !c.usage {
            pieces.push(piece(0.0, event(&c.usage_chunk())));
        }
        pieces.push(piece(0.0, done()));
        chunked(SSE, pieces)
    }),
    streams("two-tokens-per-event", "Each event carries two tokens", |c| {
        let pairs = c.tokens.chunks(2).map(<[String]>::concat).collect();
        chunked(SSE, Completion { tokens: pairs, pace: 2.0 * c.pace, ..c.clone() }.pieces())
    }),
    Scenario {
        id: "utf8-split",
        title: "Characters of several bytes are cut in two by chunk ends",
        gateway: Gateway {
            tune: |c| c.tokens.iter_mut().for_each(|token| token.push('、')),
            stream: |c| chunked(SSE, c.pieces().iter().flat_map(cut_in_character).collect()),
            ..HEALTHY
        },
        ..USUAL
    },
    streams("slow-link", "A slow link delivers packets of 1448 bytes, wherever events end", |c| packets(chunked(SSE, c.pieces()), 1448)),
    streams("batched-by-a-timer", "Whatever was written in twelve units comes together", |c| chunked(SSE, batched(&c.pieces(), 12.0))),
    streams("http-1.0-unbuffered", "HTTP/1.0 on the way, and every event passes at once", |c| {
        let headers = "Content-Type: text/event-stream\r\nVia: 1.0 proxy\r\nConnection: close\r\n";
        close_delimited(headers, c.pieces())
    }),
    streams("events-of-4096-bytes", "Each event is padded to 4096 bytes", |c| {
        let padded = |bytes: Vec<u8>| {
            let padding = "x".repeat(4094_usize.saturating_sub(bytes.len() + 1));
            [format!(":{padding}\n").as_bytes(), &bytes[..], b"\n"].concat()
        };
        chunked(SSE, rewritten(c.pieces(), padded))
    }),
    streams("reasoning-first", "reasoning_content comes before content", |c| {
        let thought = |_| piece(0.5, event(&c.chunk(r#"{"reasoning_content":"hm, "}"#, "null")));
        let mut pieces = c.pieces();
        pieces.splice(1..1, (0..6).map(thought));
        chunked(SSE, pieces)
    }),
    streams("odd-header-names", "Header names in odd case, more headers than usual", |c| {
        chunked(
            "content-TYPE: text/event-stream\r\nTRANSFER-encoding: chunked\r\nx-Request-ID: 7f3a\r\nVary: Origin\r\n\
             Vary: Accept-Encoding\r\n",
            c.pieces(),
        )
    }),
    Scenario {
        id: "chunked-documents",
        title: "Plain answers come in chunks, too, without Content-Length",
        gateway: Gateway {
            whole: |c| {
                let headers = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
                after(c.units(), chunked(headers, vec![piece(0.0, c.document())]))
            },
            ..HEALTHY
        },
        ..USUAL
    },
    tuned("fast-local-model", "All tokens within three milliseconds", |c| (c.first, c.pace) = (0.2, 0.0)),
    tuned("slow-first-token", "The first token takes 60 units, with and without stream", |c| c.first = 60.0),
    tuned("greeting-after-long-thought", "Five words, one after the other, after 60 units", |c| {
        c.tokens = ["Hello", " from", " the", " same", " text"].map(str::to_owned).to_vec();
        (c.first, c.pace) = (60.0, 1.0);
    }),
    Scenario {
        id: "weak-eyes",
        title: "The model takes pictures and never knows their colours",
        gateway: Gateway { refuse: |body, _| shows_picture(body).then(|| says(body, "Pink")), ..HEALTHY },
        ..USUAL
    },
    Scenario {
        id: "careless-model",
        title: "The model forgets the form that was wanted at times, and not always",
        gateway: Gateway { refuse: careless, ..HEALTHY },
        ..USUAL
    },
    tuned("thinks-long-and-writes-fast", "Nothing for 60 units, then a token every fiftieth of a unit", |c| {
        (c.first, c.pace) = (60.0, 0.02);
    }),
    Scenario {
        gateway: Gateway {
            tune: |c| (c.first, c.pace) = (0.2, 0.0),
            stream: |c| response(200, "Content-Type: text/event-stream\r\n", joined(&c.pieces())),
            ..HEALTHY
        },
        ..tuned("cached-stream-with-length", "A cached answer comes at once, with its length", |_| {})
    },
    tuned("dated-model", "The answer names the dated snapshot of the model", |c| c.model += "-2024-07-18"),
    tuned("prefixed-model", "The answer names the model with its provider", |c| {
        c.model.insert_str(0, "openai/");
    }),
    Scenario {
        id: "public-model-list",
        title: "The model list needs no key, chat does",
        also: &["models-list-public"],
        gateway: Gateway { before: open_list, ..HEALTHY },
        ..USUAL
    },
    Scenario {
        id: "odd-model-list",
        title: "The model list has more fields than usual, and no `object`",
        gateway: Gateway { list: |_| ok_json(ODD_LIST), ..HEALTHY },
        ..USUAL
    },
    Scenario {
        id: "keyless-local",
        title: "A local server that wants no key and knows one model by any name",
        also: &["models-list-public", "auth-not-enforced", "model-name-ignored"],
        gateway: Gateway {
            admit: |_, _| None,
            list: |_| ok_json(r#"{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","owned_by":"me"}]}"#),
            serve: |name| Ok(name.to_owned()),
            ..HEALTHY
        },
        ..USUAL
    },
    Scenario {
        id: "redirect-same-origin",
        title: "307 leads to another path of the same origin, method and key intact",
        gateway: Gateway {
            root: "/gateway/v1",
            before: |request, _| request.path.starts_with("/v1").then(|| redirect(307, &format!("/gateway{}", request.path))),
            ..HEALTHY
        },
        ..USUAL
    },
    Scenario {
        id: "rate-limit-headers",
        title: "Headers announce how much is left; nothing is refused",
        gateway: Gateway {
            whole: |c| after(c.units(), response(200, &format!("Content-Type: application/json\r\n{LEFT}"), c.document())),
            stream: |c| chunked(&format!("{SSE}{LEFT}"), c.pieces()),
            ..HEALTHY
        },
        ..USUAL
    },
    Scenario {
        id: "one-429-then-fine",
        title: "One request in a while is turned away for a second; it then works",
        also: &["rate-limited"],
        gateway: Gateway { before: one_in_a_while, ..HEALTHY },
        ..USUAL
    },
];

/// A healthy gateway with its own way to stream.
const fn streams(id: &'static str, title: &'static str, stream: fn(&Completion) -> Script) -> Scenario {
    Scenario { id, title, also: BREAKS_CLIENTS, gateway: Gateway { stream, ..HEALTHY }, ..USUAL }
}

/// A healthy gateway with its own generation.
const fn tuned(id: &'static str, title: &'static str, tune: fn(&mut Completion)) -> Scenario {
    Scenario { id, title, gateway: Gateway { tune, ..HEALTHY }, ..USUAL }
}

const FILTER_CHUNK: &str = r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}]}"#;

const ODD_LIST: &str = r#"{"data":[{"id":"gpt-4o-mini","name":"GPT-4o mini","context_length":128000,"pricing":{"prompt":"0.00000015","completion":"0.0000006"},"architecture":{"modality":"text->text"}},{"id":"llama-3.1-8b-instruct","name":"Llama 3.1 8B","context_length":131072,"pricing":null}]}"#;

const LEFT: &str = "x-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: 9998\r\n\
    x-ratelimit-reset-requests: 8.64s\r\nx-ratelimit-limit-tokens: 200000\r\n\
    x-ratelimit-remaining-tokens: 199977\r\nx-ratelimit-reset-tokens: 6ms\r\n";

/// Whether a picture is among what was said.
pub(super) fn shows_picture(body: &Value) -> bool {
    !pictures(body).is_empty()
}

/// The answer to this body, with other words.
pub(super) fn says(body: &Value, words: &str) -> Script {
    let said = Completion { tokens: vec![words.to_owned()], call: None, finish: "stop", ..Completion::of(body, "gpt-4o-mini") };
    after(said.units(), ok_json(said.document()))
}

/// Every other answer to a schema is prose.
fn careless(body: &Value, moment: &Moment) -> Option<Script> {
    let schema = body["response_format"]["type"] == "json_schema" && body["stream"] != true;
    (schema && !moment.memory.cools(Duration::from_secs(60))).then(|| says(body, "Hello there!"))
}

/// Gives the model list to everybody.
pub(super) fn open_list(request: &Received, _: &Moment) -> Option<Script> {
    request.is_list().then(|| (HEALTHY.list)(request))
}

/// Turns away a chat that sets more than the plainest fields, but never two within three seconds.
fn one_in_a_while(request: &Received, moment: &Moment) -> Option<Script> {
    let body = request.json();
    let side_question = request.is_chat() && body.as_object().is_some_and(|body| body.keys().any(|key| !plain(key)));
    let turned_away = side_question && !moment.memory.cools(Duration::from_secs(3));
    turned_away.then(|| {
        let headers = "Content-Type: application/json\r\nRetry-After: 1\r\n";
        response(
            429,
            headers,
            r#"{"error":{"message":"Rate limit reached, try again in 1s.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
        )
    })
}

fn plain(field: &str) -> bool {
    ["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"].contains(&field)
}

/// The bytes with each `from` written as `to`.
pub(super) fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    String::from_utf8_lossy(bytes).replace(from, to).into_bytes()
}

/// The event in two pieces, cut inside its last character of several bytes.
fn cut_in_character(whole: &Piece) -> Vec<Piece> {
    match whole.bytes.iter().rposition(|byte| !byte.is_ascii()) {
        Some(last) => vec![piece(whole.wait, &whole.bytes[..last]), piece(0.1, &whole.bytes[last..])],
        None => vec![whole.clone()],
    }
}

/// What was written in each span of so many units, together at its end.
fn batched(pieces: &[Piece], span: f32) -> Vec<Piece> {
    let (mut out, mut due) = (Vec::<Piece>::new(), 0.0);
    for part in pieces {
        due += part.wait;
        let spans = (due / span).ceil() * span;
        let sent: f32 = out.iter().map(|piece| piece.wait).sum();
        match out.last_mut() {
            Some(last) if spans - sent < 0.5 => last.bytes.extend_from_slice(&part.bytes),
            _ => out.push(piece(spans - sent, &part.bytes[..])),
        }
    }
    out
}

/// The same bytes over the same time, cut into packets without regard to what is in them.
fn packets(script: Script, size: usize) -> Script {
    let pieces: Vec<Piece> = script
        .into_iter()
        .map(|act| match act {
            Act::Wait(units) => piece(units, []),
            Act::Send(bytes) => piece(0.0, bytes),
            other => unreachable!("a healthy stream only waits and sends, not {other:?}"),
        })
        .collect();
    blocks(&pieces, size).into_iter().flat_map(|block| [Act::Wait(block.wait), Act::Send(block.bytes)]).collect()
}

/// Whether a request's body has this field at all.
pub(super) fn has(body: &Value, field: &str) -> bool {
    body.get(field).is_some()
}
