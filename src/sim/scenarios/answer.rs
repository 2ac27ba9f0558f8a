//! Answers with status 200 that are none: empty, an error in disguise, another shape.

use crate::sim::completion::Completion;
use crate::sim::gateway::{Gateway, HEALTHY};
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    tells("content-null", "empty-completion", "The content is null", told_null, |c| sse(&silent(c, &[]), c)),
    tells(
        "reasoning-ate-budget",
        "empty-completion",
        "Reasoning uses up the budget; nothing is left for the text",
        |c| {
            let thinking = Completion { finish: "length", ..c.clone() };
            let message = r#"{"role":"assistant","content":"","reasoning_content":"The user wants numbers in words. Let me think about"}"#;
            let document = thinking.document_with(message).replace(r#""reasoning_tokens":0"#, r#""reasoning_tokens":64"#);
            after(c.units(), ok_json(document))
        },
        |c| {
            let thinking = Completion { finish: "length", ..c.clone() };
            sse(&silent(&thinking, &["The user ", "wants numbers ", "in words. "]), &thinking)
        },
    ),
    tells(
        "text-in-reasoning",
        "empty-completion",
        "The text comes in reasoning_content only",
        |c| {
            let message = format!(r#"{{"role":"assistant","content":null,"reasoning_content":{}}}"#, quoted(&c.text()));
            after(c.units(), ok_json(c.document_with(&message)))
        },
        |c| sse(&silent(c, &c.tokens.iter().map(String::as_str).collect::<Vec<_>>()), c),
    ),
    tells(
        "no-choices",
        "empty-completion",
        "The list of choices is empty",
        |c| {
            after(
                c.units(),
                ok_json(
                    r#"{"id":"","object":"chat.completion","created":1741569952,"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9}}"#,
                ),
            )
        },
        |c| sse(&[c.chunk_of("[]")], c),
    ),
    tells("chat-without-content", "empty-completion", "A proxy answers every chat with 204 and passes the list on", no_content, no_content),
    tells("error-as-200", "error-in-success", "An error object in a body with status 200", error_document, error_document),
    told_in_stream("error-event-first", "The stream's only event is an error", |c| {
        chunked(SSE, vec![piece(c.first, event(UPSTREAM_ERROR)), piece(0.0, done())])
    }),
    Scenario {
        id: "error-as-answer",
        title: "An error is told as the model's own words",
        mode: Some("error-in-success"),
        gateway: Gateway { tune: |c| c.tokens = vec!["[ERROR] upstream returned 429: rate limit exceeded".to_owned()], ..HEALTHY },
        ..USUAL
    },
    told_in_stream("error-as-streamed-answer", "A stream of which the text is an error, plain chat works", |c| {
        chunked(SSE, Completion { tokens: vec!["Error: 401 - Incorrect API key provided".to_owned()], ..c.clone() }.pieces())
    }),
    told_in_stream("finish-reason-error", "The stream breaks off with finish_reason error and says no more", |c| {
        let mut pieces = c.first_half();
        pieces.extend([piece(0.5, event(&c.chunk("{}", r#""error""#))), piece(0.0, done())]);
        chunked(SSE, pieces)
    }),
    Scenario {
        also: &["empty-completion", "stream-malformed", "stream-truncated", "stream-missing-done", "stream-ignored", "upstream-overloaded"],
        ..told_in_stream("error-event-midway", "An error event after half of the text", |c| {
            let mut pieces = c.first_half();
            pieces.push(piece(0.5, format!("event: error\ndata: {OVERLOADED}\n\n")));
            chunked(SSE, pieces)
        })
    },
    Scenario {
        also: &["empty-completion", "stream-malformed", "stream-truncated", "stream-missing-done", "stream-ignored", "concurrency-limited"],
        ..told_in_stream("error-finish-reason", "finish_reason says `error`, with an error beside the choices", |c| {
            let mut pieces = c.first_half();
            pieces.push(piece(0.5, event(FINISHED_WITH_ERROR)));
            pieces.push(piece(0.0, done()));
            chunked(SSE, pieces)
        })
    },
    tells(
        "html-as-200",
        "response-malformed",
        "The gateway passes on a web page with status 200",
        |_| html(200, super::pages::WEBSITE),
        |_| html(200, super::pages::WEBSITE),
    ),
    tells(
        "content-blocks",
        "response-malformed",
        "Plain answers carry blocks of another API in place of the text",
        |c| {
            after(
                c.units(),
                ok_json(format!(
                    r#"{{"role":"assistant","type":"message","content":[{{"type":"text","text":{}}}],"stop_reason":"end_turn"}}"#,
                    quoted(&c.text())
                )),
            )
        },
        HEALTHY.stream,
    ),
    tells(
        "json-cut-short",
        "response-malformed",
        "The JSON of plain answers breaks off",
        |c| after(c.units(), ok_json(&c.document()[..90])),
        HEALTHY.stream,
    ),
    tells("filtered-by-azure", "content-filtered", "Azure's filter refuses the prompt", |_| json(400, FILTERED), |_| json(400, FILTERED)),
    tells(
        "filtered-answer",
        "content-filtered",
        "The answer is withheld: finish_reason content_filter, no text",
        |c| after(c.units(), ok_json(Completion { finish: "content_filter", ..c.clone() }.document_with(NOTHING))),
        |c| {
            let withheld = Completion { finish: "content_filter", ..c.clone() };
            sse(&silent(&withheld, &[]), &withheld)
        },
    ),
];

type Tell = fn(&Completion) -> Script;

const fn tells(id: &'static str, mode: &'static str, title: &'static str, whole: Tell, stream: Tell) -> Scenario {
    Scenario { id, title, mode: Some(mode), also: ALSO, gateway: Gateway { whole, stream, ..HEALTHY }, ..USUAL }
}

/// What else may be said of an answer that is none.
const ALSO: &[&str] = &["empty-completion", "stream-malformed", "stream-truncated", "stream-missing-done", "stream-ignored"];

/// What else may be said of a stream that tells an error: what the error itself says is true as well.
const ALSO_TOLD: &[&str] =
    &["empty-completion", "stream-malformed", "stream-truncated", "stream-missing-done", "upstream-overloaded", "concurrency-limited"];

/// Plain answers are fine; streams carry an error.
const fn told_in_stream(id: &'static str, title: &'static str, stream: Tell) -> Scenario {
    Scenario { id, title, mode: Some("error-in-success"), also: ALSO_TOLD, gateway: Gateway { stream, ..HEALTHY }, ..USUAL }
}

fn told_null(completion: &Completion) -> Script {
    after(completion.units(), ok_json(completion.document_with(NOTHING)))
}

const NOTHING: &str = r#"{"role":"assistant","content":null}"#;

/// The chunks of a stream that thinks these thoughts and says nothing.
fn silent(completion: &Completion, thoughts: &[&str]) -> Vec<String> {
    let thought = |text: &&str| completion.chunk(&format!(r#"{{"reasoning_content":{}}}"#, quoted(text)), "null");
    let mut chunks = vec![completion.opening()];
    chunks.extend(thoughts.iter().map(thought));
    chunks.push(completion.ending());
    chunks
}

/// A stream of these chunks at the usual pace.
fn sse(chunks: &[String], completion: &Completion) -> Script {
    let mut pieces: Vec<Piece> = chunks.iter().map(|chunk| piece(completion.pace, event(chunk))).collect();
    pieces.push(piece(0.0, done()));
    chunked(SSE, pieces)
}

fn no_content(_: &Completion) -> Script {
    vec![Act::Send(head(204, ""))]
}

fn error_document(_: &Completion) -> Script {
    ok_json(UPSTREAM_ERROR)
}

const UPSTREAM_ERROR: &str =
    r#"{"error":{"message":"Provider returned error","type":"upstream_error","code":502,"metadata":{"provider_name":"Simulated"}}}"#;

const OVERLOADED: &str = r#"{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011Ce3HwQb6vtbs9LQVmh4oe"}"#;

const FINISHED_WITH_ERROR: &str = r#"{"id":"gen-1741569952","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4o-mini","provider":"Simulated","error":{"code":502,"message":"Worker local total request limit reached (33/32)"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#;

const FILTERED: &str = r#"{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":true,"detected":true},"violence":{"filtered":false,"severity":"safe"}}}}}"#;
