//! Streams that break the grammar of server-sent events or of chat chunks.

use super::healthy::replaced;
use super::stream::faulty;
use crate::sim::Scenario;
use crate::sim::completion::Completion;
use crate::sim::script::*;

pub(super) static TABLE: &[Scenario] = &[
    malformed("ndjson", "Lines of JSON instead of events", |c| {
        chunked("Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n", lines(c))
    }),
    malformed("ndjson-labelled-sse", "Lines of JSON under the name of an event stream", |c| chunked(SSE, lines(c))),
    malformed("no-blank-lines", "No blank line between events", |c| {
        chunked(SSE, rewritten(c.pieces(), |bytes| replaced(&bytes, "\n\n", "\n")))
    }),
    malformed("doubled-prefix", "`data:` stands twice", |c| chunked(SSE, rewritten(c.pieces(), |bytes| [b"data: ", &bytes[..]].concat()))),
    malformed("capital-data", "The field is called `Data`", |c| {
        chunked(SSE, rewritten(c.pieces(), |bytes| replaced(&bytes, "data: ", "Data: ")))
    }),
    malformed("split-json", "Each chunk is split over two events", |c| {
        let split = |(wait, chunk): (f32, String)| {
            let (start, end) = chunk.split_at(chunk.len() / 2);
            [piece(wait, event(start)), piece(0.0, event(end))]
        };
        ended(c.chunks().into_iter().flat_map(split).collect())
    }),
    malformed("two-objects-per-event", "Two chunks stand in one event", |c| {
        let pairs = c.chunks();
        ended(pairs.chunks(2).map(glued).collect())
    }),
    malformed("plain-text", "The bare text instead of events", |c| {
        let tokens = c.tokens.iter().map(|token| piece(c.pace, token.as_bytes())).collect();
        chunked("Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n", tokens)
    }),
    malformed("text-in-data", "The bare text in the events", |c| ended(c.tokens.iter().map(|token| piece(c.pace, event(token))).collect())),
    malformed("comment-as-data", "Keep-alive comments are framed as data", |c| {
        let mut pieces = c.pieces();
        pieces.insert(1, piece(0.5, event(": OPENROUTER PROCESSING")));
        pieces.insert(3, piece(0.5, event(": OPENROUTER PROCESSING")));
        chunked(SSE, pieces)
    }),
    malformed("content-is-number", "The delta's content is a number", |c| {
        let numbers = (1..=c.tokens.len()).map(|n| (c.pace, c.chunk(&format!(r#"{{"content":{n}}}"#), "null")));
        ended(with_end(c, numbers.collect()))
    }),
    malformed("content-is-array", "The delta's content is an array of parts", |c| {
        let part = |token: &String| c.chunk(&format!(r#"{{"content":[{{"type":"text","text":{}}}]}}"#, quoted(token)), "null");
        ended(with_end(c, c.tokens.iter().map(|token| (c.pace, part(token))).collect()))
    }),
    malformed("delta-missing", "`message` stands where `delta` should", |c| {
        chunked(SSE, rewritten(c.pieces(), |bytes| replaced(&bytes, r#""delta":"#, r#""message":"#)))
    }),
    malformed("cumulative-deltas", "Each delta repeats all that came before", |c| {
        let grown = (1..=c.tokens.len()).map(|n| (c.pace, c.content(&c.tokens[..n].concat())));
        ended(with_end(c, grown.collect()))
    }),
    malformed("invalid-utf-8", "A byte in the text is not UTF-8", |c| {
        let spoiled = |bytes: Vec<u8>| match bytes.windows(12).position(|part| part == br#"{"content":""#) {
            Some(at) => [&bytes[..at + 12], b"\xff", &bytes[at + 12..]].concat(),
            None => bytes,
        };
        chunked(SSE, rewritten(c.pieces(), spoiled))
    }),
];

const fn malformed(id: &'static str, title: &'static str, stream: fn(&Completion) -> Script) -> Scenario {
    let also = &["stream-wrong-content-type", "stream-missing-done", "stream-no-finish-reason", "stream-truncated", "empty-completion"];
    Scenario { also, ..faulty(id, "stream-malformed", title, stream) }
}

/// Every chunk as a line of its own, no `[DONE]`.
fn lines(completion: &Completion) -> Vec<Piece> {
    completion.chunks().into_iter().map(|(wait, chunk)| piece(wait, format!("{chunk}\n"))).collect()
}

fn glued(chunks: &[(f32, String)]) -> Piece {
    let wait = chunks.iter().map(|(wait, _)| wait).sum();
    piece(wait, event(&chunks.iter().map(|(_, chunk)| chunk.as_str()).collect::<String>()))
}

fn ended(mut pieces: Vec<Piece>) -> Script {
    pieces.push(piece(0.0, done()));
    chunked(SSE, pieces)
}

/// The opening and the finish chunk around these.
fn with_end(completion: &Completion, chunks: Vec<(f32, String)>) -> Vec<Piece> {
    let start = (completion.first, completion.opening());
    let all = std::iter::once(start).chain(chunks).chain([(0.0, completion.ending())]);
    all.map(|(wait, chunk)| piece(wait, event(&chunk))).collect()
}
