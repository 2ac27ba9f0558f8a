//! Streams that come late, not at all, or do not end as they should.

use serde_json::Value;

use super::healthy::has;
use super::packing::{self, GZIP_SSE};
use crate::sim::completion::Completion;
use crate::sim::gateway::{Gateway, HEALTHY, Moment};
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    buffered("buffered-to-the-end", "The head comes at once, all events with the end", |c| chunked(SSE, collected(&c.pieces()))),
    buffered("nginx-buffers-stream", "nginx collects blocks of 4096 bytes and holds the head back", |c| {
        head_held_back(chunked(&format!("Server: nginx/1.22.1\r\n{SSE}"), blocks(&c.pieces(), 4096)))
    }),
    buffered("nginx-buffers-all", "nginx collects the whole answer, head included", |c| {
        head_held_back(chunked(&format!("Server: nginx/1.22.1\r\n{SSE}"), collected(&c.pieces())))
    }),
    buffered("buffered-with-length", "The stream is collected and sent with its Content-Length", |c| {
        after(c.units(), response(200, "Content-Type: text/event-stream\r\n", joined(&c.pieces())))
    }),
    buffered("fake-stream", "One delta carries the whole answer, after the time that it took", in_one_delta),
    Scenario {
        gateway: Gateway { tune: greeting, stream: |c| head_held_back(chunked(SSE, collected(&c.pieces()))), ..HEALTHY },
        ..buffered("buffered-greeting", "Every answer is the same five words, collected to the end", HEALTHY.stream)
    },
    Scenario {
        gateway: Gateway { tune: |c| c.tokens = vec!["All of it is always the same. ".into(); 20], stream: in_one_delta, ..HEALTHY },
        ..buffered("fake-stream-of-fixed-text", "One delta carries a long text that is the same for every question", in_one_delta)
    },
    buffered("gzip-buffers-stream", "A compressor collects everything, but only for clients that take gzip", |c| {
        if c.gzip { chunked(GZIP_SSE, packing::unflushed(&c.pieces())) } else { chunked(SSE, c.pieces()) }
    }),
    buffered("apache-collects-8k", "A proxy collects blocks of 8192 bytes; the head comes at once", |c| {
        chunked(&format!("Server: Apache/2.4.57\r\n{SSE}"), blocks(&c.pieces(), 8192))
    }),
    buffered("buffered-in-16k", "A proxy collects blocks of 16384 bytes and holds the head back", |c| {
        head_held_back(chunked(SSE, blocks(&c.pieces(), 16_384)))
    }),
    Scenario {
        details: r#"{"http_1_0":"the answer itself"}"#,
        ..buffered("buffered-over-http-1.0", "An old hop speaks HTTP/1.0 and collects the whole answer", |c| {
            let headers = "Content-Type: text/event-stream\r\nConnection: close\r\n";
            head_held_back(old(close_delimited(headers, collected(&c.pieces()))))
        })
    },
    Scenario {
        details: r#"{"http_1_0":"a hop in `Via`"}"#,
        ..buffered("buffered-behind-via", "A hop that calls itself HTTP/1.0 in Via collects the whole answer", |c| {
            chunked(&format!("Via: 1.0 cache-7, 1.1 edge\r\n{SSE}"), collected(&c.pieces()))
        })
    },
    Scenario {
        details: r#"{"kind":"compressor"}"#,
        ..buffered("gzip-in-clumps", "A compressor hands on what it has whenever its buffer is full", |c| {
            if c.gzip { chunked(GZIP_SSE, packing::flushed(&packing::clumps(&c.pieces()))) } else { chunked(SSE, c.pieces()) }
        })
    },
    buffered("buffered-unless-asked", "A proxy collects everything, but not for those who send X-Accel-Buffering: no", |c| {
        if c.unbuffered { chunked(SSE, c.pieces()) } else { chunked(SSE, collected(&c.pieces())) }
    }),
    Scenario {
        details: r#"{"kind":"single-delta"}"#,
        ..buffered("fake-stream-with-keep-alives", "Keep-alives while the whole answer is made, then one delta with all of it", |c| {
            let beats = (c.units() / 4.0) as usize;
            let mut pieces: Vec<Piece> = (0..beats).map(|_| piece(4.0, ": keep-alive\n\n")).collect();
            let one = Completion { tokens: vec![c.text()], first: c.units() - 4.0 * beats as f32, pace: 0.0, ..c.clone() };
            pieces.extend(one.pieces());
            chunked(SSE, pieces)
        })
    },
    faulty("stream-ignored", "stream-ignored", "A stream is asked for, one JSON document comes", |c| {
        after(c.units(), ok_json(c.document()))
    }),
    Scenario {
        also: &["stream-wrong-content-type", "stream-malformed"],
        ..faulty("stream-ignored-labelled", "stream-ignored", "One JSON document comes under the name of an event stream", |c| {
            after(c.units(), response(200, "Content-Type: text/event-stream\r\n", c.document()))
        })
    },
    faulty("stream-unverified", "stream-rejected", "The organisation must be verified before it may stream", |_| {
        json(
            400,
            r#"{"error":{"message":"Your organization must be verified to stream this model. Please go to: https://platform.openai.com/settings/organization/general and click on Verify Organization. If you just verified, it can take up to 15 minutes for access to propagate.","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}"#,
        )
    }),
    faulty("stream-forbidden", "stream-rejected", "A policy forbids streams", |_| {
        json(403, r#"{"message":"Streaming requests are not yet allowed."}"#)
    }),
    faulty("stream-fails-opaquely", "stream-rejected", "Every stream gets 500, plain chat works", |_| {
        json(500, r#"{"status":"failure","message":"Something went wrong"}"#)
    }),
    Scenario {
        gateway: Gateway { refuse: stream_only, ..HEALTHY },
        ..faulty("stream-required", "stream-required", "The model answers in streams only", HEALTHY.stream)
    },
    Scenario {
        gateway: Gateway { refuse: stream_only_in_a_word, ..HEALTHY },
        ..faulty("stream-must-be-true", "stream-required", "A backend for one client of its own takes streams only", HEALTHY.stream)
    },
    Scenario {
        gateway: Gateway { whole: |c| (HEALTHY.stream)(c), ..HEALTHY },
        ..faulty("stream-unasked", "stream-unasked", "No stream is asked for, and one comes", HEALTHY.stream)
    },
    Scenario {
        gateway: Gateway { refuse: sse_unless_told, ..HEALTHY },
        ..faulty("stream-by-default", "stream-unasked", "A stream comes unless stream is false in so many letters", HEALTHY.stream)
    },
    faulty("stalled-midway", "stream-stalled", "After half of the text nothing more comes", |c| hanging(unended(SSE, c.first_half()))),
    faulty("stalled-before-first", "stream-stalled", "The head comes, and then nothing", |_| hanging(unended(SSE, vec![]))),
    faulty("keep-alives-only", "stream-stalled", "Nothing but keep-alive comments", |_| {
        hanging(unended(SSE, (0..2000).map(|_| piece(4.0, ": keep-alive\n\n")).collect()))
    }),
    faulty("keep-alives-after-half", "stream-stalled", "After half of the text nothing but keep-alive comments", |c| {
        let mut pieces = c.first_half();
        pieces.extend((0..2000).map(|_| piece(4.0, ": keep-alive\n\n")));
        hanging(unended(SSE, pieces))
    }),
    faulty("cut-without-finish", "stream-truncated", "The stream ends in order, in the middle of the text", |c| {
        chunked(SSE, c.first_half())
    }),
    faulty("cut-inside-chunk", "stream-truncated", "The connection closes inside a chunk", |c| {
        let mut script = unended(SSE, c.first_half());
        script.extend([Act::Wait(0.5), Act::Send(b"ff\r\ndata: {\"id\":\"chatcmpl-".to_vec()), Act::Fin]);
        script
    }),
    faulty("reset-midway", "stream-truncated", "A reset ends the stream in the middle of the text", |c| {
        let mut script = unended(SSE, c.first_half());
        script.extend([Act::Wait(1.0), Act::Reset]);
        script
    }),
    faulty("cut-papered-over", "stream-truncated", "Half of the text, and then the end as if all had been said", |c| {
        chunked(SSE, papered_over(c))
    }),
    Scenario {
        also: &["stream-missing-done"],
        ..faulty("cut-papered-over-early", "stream-truncated", "A few words and finish_reason stop, without [DONE]", |c| {
            chunked(SSE, Completion { tokens: c.tokens[..c.tokens.len() / 4].to_vec(), ..c.clone() }.events())
        })
    },
    faulty("no-finish-reason", "stream-no-finish-reason", "finish_reason stays null to the end", |c| chunked(SSE, without_finish(c))),
    faulty("finish-reason-empty", "stream-no-finish-reason", "finish_reason is an empty text to the end", |c| {
        let empty = |bytes: Vec<u8>| super::healthy::replaced(&bytes, r#""finish_reason":null"#, r#""finish_reason":"""#);
        chunked(SSE, rewritten(without_finish(c), empty))
    }),
    faulty("no-done", "stream-missing-done", "The stream ends without [DONE]", |c| chunked(SSE, c.events())),
    faulty("done-in-small-letters", "stream-missing-done", "The last event says [done]", |c| {
        let mut pieces = c.events();
        pieces.push(piece(0.0, event("[done]")));
        chunked(SSE, pieces)
    }),
    faulty("sse-as-json", "stream-wrong-content-type", "Events under the name of application/json", |c| {
        chunked("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", c.pieces())
    }),
    faulty("sse-unlabelled", "stream-wrong-content-type", "Events without a content type", |c| {
        chunked("Transfer-Encoding: chunked\r\n", c.pieces())
    }),
    faulty("sse-as-text", "stream-wrong-content-type", "Events under the name of text/plain", |c| {
        chunked("Content-Type: text/plain; charset=utf-8\r\nTransfer-Encoding: chunked\r\n", c.pieces())
    }),
    Scenario {
        also: &["stream-buffered"],
        ..faulty("gzip-unasked", "stream-compressed", "gzip comes whether it was asked for or not", |c| {
            chunked(GZIP_SSE, packing::flushed(&c.pieces()))
        })
    },
    faulty("gzip-header-stale", "stream-compressed", "The header says gzip and the events are plain", |c| chunked(GZIP_SSE, c.pieces())),
    Scenario {
        also: &["stream-malformed"],
        ..faulty("gzip-unlabelled", "stream-compressed", "gzip comes without the header that says so", |c| {
            chunked(SSE, packing::flushed(&c.pieces()))
        })
    },
    faulty("open-after-done", "stream-not-closed", "After [DONE] the stream stays open", |c| hanging(unended(SSE, c.pieces()))),
    faulty("open-with-keep-alives", "stream-not-closed", "After [DONE] keep-alive comments go on", |c| {
        let mut pieces = c.pieces();
        pieces.extend((0..2000).map(|_| piece(4.0, ": keep-alive\n\n")));
        hanging(unended(SSE, pieces))
    }),
];

/// A gateway whose plain answers are fine and whose streams are these.
pub(super) const fn faulty(id: &'static str, mode: &'static str, title: &'static str, stream: fn(&Completion) -> Script) -> Scenario {
    let also = &["stream-breaks-client", "stream-missing-done", "stream-no-finish-reason"];
    Scenario { id, title, mode: Some(mode), also, gateway: Gateway { stream, ..HEALTHY }, ..USUAL }
}

/// Streams that are held back. Generation takes its time, as it does in the field: what is compared here are times, and a busy machine
/// adds to them.
const fn buffered(id: &'static str, title: &'static str, stream: fn(&Completion) -> Script) -> Scenario {
    let faulty = faulty(id, "stream-buffered", title, stream);
    Scenario { gateway: Gateway { tune: slowly, ..faulty.gateway }, ..faulty }
}

fn slowly(completion: &mut Completion) {
    completion.pace = 1.2;
}

/// The script as a hop sends it that speaks HTTP/1.0.
fn old(script: Script) -> Script {
    let replaced = |act| match act {
        Act::Send(bytes) if bytes.starts_with(b"HTTP/1.1") => Act::Send([b"HTTP/1.0", &bytes[8..]].concat()),
        other => other,
    };
    script.into_iter().map(replaced).collect()
}

fn in_one_delta(completion: &Completion) -> Script {
    let one = Completion { tokens: vec![completion.text()], first: completion.units(), pace: 0.0, ..completion.clone() };
    head_held_back(chunked(SSE, one.pieces()))
}

/// A short text that does not depend on the question.
fn greeting(completion: &mut Completion) {
    completion.tokens = ["Hello", " from", " the", " same", " text"].map(str::to_owned).to_vec();
    completion.pace = 8.0;
}

/// What a gateway writes that takes its upstream's death for its end.
fn papered_over(completion: &Completion) -> Vec<Piece> {
    Completion { tokens: completion.tokens[..completion.tokens.len() / 2].to_vec(), ..completion.clone() }.pieces()
}

fn hanging(mut script: Script) -> Script {
    script.push(Act::Hang);
    script
}

/// The whole text and `[DONE]`, without the chunk that gives the reason.
fn without_finish(completion: &Completion) -> Vec<Piece> {
    let mut pieces = completion.pieces();
    pieces.remove(1 + completion.tokens.len());
    pieces
}

fn stream_only_in_a_word(body: &Value, _: &Moment) -> Option<Script> {
    (body["stream"] != true).then(|| json(400, r#"{"detail":"Stream must be set to true"}"#))
}

fn stream_only(body: &Value, _: &Moment) -> Option<Script> {
    (body["stream"] != true).then(|| {
        let message = "This model only support stream mode, please enable the stream parameter to access the model. ";
        openai_error(400, message, "invalid_request_error", r#""invalid_parameter_error""#)
    })
}

fn sse_unless_told(body: &Value, _: &Moment) -> Option<Script> {
    let model = body["model"].as_str().unwrap_or_default();
    (!has(body, "stream")).then(|| (HEALTHY.stream)(&Completion::of(body, model)))
}
