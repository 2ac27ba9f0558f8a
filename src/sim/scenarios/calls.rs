//! Tool calls and structured output that suffer when they are streamed, while text does not; and odd ones that are fine.

use super::healthy::replaced;
use super::stream::faulty;
use crate::sim::completion::Completion;
use crate::sim::gateway::{Gateway, HEALTHY};
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    odd("tool-index-missing-once", "The deltas of one tool call have no index", |c| in_deltas(c, &[(0, TOOL, &arguments(c))], unnumbered)),
    odd("tool-call-in-one-delta", "One delta carries the whole tool call", |c| in_deltas(c, &[(0, TOOL, &arguments(c))], |delta| delta)),
    odd("tool-call-finishes-with-stop", "A streamed tool call ends with finish_reason stop", |c| {
        let stopped = Completion { finish: "stop", ..c.clone() };
        chunked(SSE, stopped.pieces())
    }),
    Scenario {
        gateway: Gateway { tune: talks, ..HEALTHY },
        ..odd("tool-never-called", "The model answers with text where a call is demanded, streamed or not", HEALTHY.stream)
    },
    Scenario {
        gateway: Gateway { tune: fenced, ..HEALTHY },
        ..odd("json-in-fences", "The model wraps its JSON into Markdown, streamed or not", HEALTHY.stream)
    },
    calls("tool-index-missing", "stream-malformed", "The deltas of two tool calls have no index", |c| {
        let arguments = arguments(c);
        in_deltas(c, &[(0, TOOL, &arguments), (1, "call_2", &arguments)], unnumbered)
    }),
    calls("tool-index-shared", "stream-malformed", "Two tool calls have the same index", |c| {
        let arguments = arguments(c);
        in_deltas(c, &[(0, TOOL, &arguments), (0, "call_2", &arguments)], |delta| delta)
    }),
    calls("tool-arguments-torn", "stream-malformed", "The last piece of a streamed call's arguments is dropped", |c| {
        let arguments = arguments(c);
        in_deltas(c, &[(0, TOOL, &arguments[..arguments.len() - 3])], |delta| delta)
    }),
    calls("tool-call-lost", "stream-malformed", "A tool call is dropped from the stream, which is empty then", |c| {
        let start = piece(c.first, event(&c.opening()));
        chunked(SSE, vec![start, piece(0.0, event(&c.chunk("{}", r#""stop""#))), piece(0.0, done())])
    }),
    calls("tool-stream-cut", "stream-truncated", "The stream ends in the middle of a call's arguments", |c| {
        let mut pieces = c.events();
        pieces.truncate(2);
        chunked(SSE, pieces)
    }),
    calls("tool-error-inside", "error-in-success", "A tool call turns into an error event in mid-stream", |c| {
        let mut pieces = c.events();
        pieces.truncate(2);
        let error = r#"{"error":{"message":"list index out of range","type":"server_error","param":null,"code":500}}"#;
        pieces.extend([piece(0.5, event(error)), piece(0.0, done())]);
        chunked(SSE, pieces)
    }),
    calls("tool-never-finishes", "stream-no-finish-reason", "A streamed tool call has no finish_reason", |c| {
        let unfinished = |bytes: Vec<u8>| replaced(&bytes, r#""finish_reason":"tool_calls""#, r#""finish_reason":null"#);
        chunked(SSE, rewritten(c.pieces(), unfinished))
    }),
    structured("json-stream-cut", "stream-truncated", "Streamed JSON ends in the middle, in order", |c| {
        let half = halves(c).0;
        chunked(SSE, vec![piece(c.first, event(&c.opening())), piece(c.pace, event(&c.content(&half)))])
    }),
    structured("json-stream-torn", "stream-malformed", "The end of streamed JSON is dropped", |c| {
        let torn = Completion { tokens: vec![halves(c).0], ..c.clone() };
        chunked(SSE, torn.pieces())
    }),
    structured("json-objects-glued", "stream-malformed", "Streamed JSON comes with two chunks in one event", |c| {
        let (start, end) = halves(c);
        let glued = format!("{}{}", c.content(&start), c.content(&end));
        let mut pieces = vec![piece(c.first, event(&c.opening())), piece(c.pace, event(&glued))];
        pieces.extend([piece(0.0, event(&c.ending())), piece(0.0, done())]);
        chunked(SSE, pieces)
    }),
];

const TOOL: &str = "call_R8sQ2vT1";

/// A gateway that does this to streamed tool calls, and streams text as it should.
const fn calls(id: &'static str, mode: &'static str, title: &'static str, call: fn(&Completion) -> Script) -> Scenario {
    Scenario { gateway: Gateway { call: Some(call), ..HEALTHY }, ..faulty(id, mode, title, HEALTHY.stream) }
}

/// A gateway that does this to streamed JSON, and streams text as it should.
const fn structured(id: &'static str, mode: &'static str, title: &'static str, structured: fn(&Completion) -> Script) -> Scenario {
    Scenario { gateway: Gateway { structured: Some(structured), ..HEALTHY }, ..faulty(id, mode, title, HEALTHY.stream) }
}

/// A gateway whose tool calls are odd, and legal or the model's own affair.
const fn odd(id: &'static str, title: &'static str, call: fn(&Completion) -> Script) -> Scenario {
    Scenario { id, title, also: &["stream-breaks-client"], gateway: Gateway { call: Some(call), ..HEALTHY }, ..USUAL }
}

/// The whole arguments of the call.
fn arguments(completion: &Completion) -> String {
    completion.call.as_ref().map(|(_, arguments)| arguments.clone()).unwrap_or_default()
}

/// A stream in which each call, with this index and id, comes in one delta, which is then rewritten.
fn in_deltas(completion: &Completion, calls: &[(u8, &str, &str)], rewrite: fn(String) -> String) -> Script {
    let name = completion.call.as_ref().map(|(name, _)| quoted(name)).unwrap_or_default();
    let delta = |(index, id, arguments): &(u8, &str, &str)| {
        let function = format!(r#"{{"name":{name},"arguments":{}}}"#, quoted(arguments));
        let call = format!(r#"{{"tool_calls":[{{"index":{index},"id":"{id}","type":"function","function":{function}}}]}}"#);
        piece(completion.pace, event(&completion.chunk(&rewrite(call), "null")))
    };
    let mut pieces = vec![piece(completion.first, event(&completion.opening()))];
    pieces.extend(calls.iter().map(delta));
    pieces.extend([piece(0.0, event(&completion.ending())), piece(0.0, done())]);
    chunked(SSE, pieces)
}

fn unnumbered(delta: String) -> String {
    delta.replace(r#""index":0,"#, "").replace(r#""index":1,"#, "")
}

/// Text where a call is demanded.
fn talks(completion: &mut Completion) {
    if completion.call.take().is_some() {
        (completion.tokens, completion.finish) = (vec!["It is".to_owned(), " sunny.".to_owned()], "stop");
    }
}

fn fenced(completion: &mut Completion) {
    if completion.structured {
        completion.tokens = vec!["```json\n".to_owned(), completion.text(), "\n```".to_owned()];
    }
}

/// The two halves of the text.
fn halves(completion: &Completion) -> (String, String) {
    let text = completion.text();
    let (start, end) = text.split_at(text.len() / 2);
    (start.to_owned(), end.to_owned())
}
