//! Streams that are empty, stay open, or are shorter than they say; labels and encodings that do not fit.

use super::packing;
use super::stream::faulty;
use crate::sim::Scenario;
use crate::sim::completion::Completion;
use crate::sim::script::*;

pub(super) static TABLE: &[Scenario] = &[
    empty("stream-of-no-bytes", r#"{"kind":"no-bytes"}"#, "The stream ends in order before its first byte", |_| chunked(SSE, vec![])),
    empty("stream-of-length-0", r#"{"kind":"content-length-0"}"#, "The stream's head says Content-Length: 0", |_| {
        response(200, "Content-Type: text/event-stream\r\n", "")
    }),
    empty("stream-of-comments", r#"{"kind":"comments-only"}"#, "Comments, and then an end in order", |_| {
        chunked(SSE, (0..3).map(|_| piece(1.0, ": PROCESSING\n\n")).collect())
    }),
    empty("stream-of-done", r#"{"kind":"done-only"}"#, "[DONE] is all that comes", |c| chunked(SSE, vec![piece(c.units(), done())])),
    empty("stream-of-an-opening", r#"{"kind":"empty-stream"}"#, "The role, the end and [DONE], and no text between them", |c| {
        let pieces = [event(&c.opening()), event(&c.ending()), done()];
        chunked(SSE, pieces.into_iter().map(|bytes| piece(1.0, bytes)).collect())
    }),
    Scenario {
        details: r#"{"kind":"content-length-too-short"}"#,
        ..faulty("length-too-short", "stream-truncated", "Content-Length is that of half the stream", |c| {
            let whole = joined(&c.pieces());
            short(c, whole.len() / 2)
        })
    },
    Scenario {
        details: r#"{"kind":"content-length-too-short"}"#,
        ..faulty(
            "length-counts-characters",
            "stream-truncated",
            "Content-Length counts less than the bytes: the last events are lost",
            |c| {
                let whole = joined(&c.pieces());
                short(c, whole.len() - 300)
            },
        )
    },
    Scenario {
        details: r#"{"kind":"open"}"#,
        ..faulty("open-without-done", "stream-missing-done", "After finish_reason neither [DONE] nor an end comes", |c| {
            hanging(unended(SSE, c.events()))
        })
    },
    Scenario {
        details: r#"{"kind":"open"}"#,
        ..faulty("beating-without-done", "stream-missing-done", "After finish_reason keep-alives go on, and [DONE] never comes", |c| {
            let mut pieces = c.events();
            pieces.extend((0..2000).map(|_| piece(4.0, ": keep-alive\n\n")));
            hanging(unended(SSE, pieces))
        })
    },
    Scenario {
        details: r#"{"kind":"heartbeat-only"}"#,
        ..faulty("empty-events-only", "stream-stalled", "Nothing but events without data", |_| {
            hanging(unended(SSE, (0..2000).map(|_| piece(4.0, "event: ping\n\n")).collect()))
        })
    },
    Scenario {
        details: r#"{"kind":"verification"}"#,
        ..faulty("stream-unverified-behind-litellm", "stream-rejected", "LiteLLM passes on that the organisation must be verified", |_| {
            json(400, UNVERIFIED)
        })
    },
    faulty("sse-as-bytes", "stream-wrong-content-type", "Events under the name of application/octet-stream", |c| {
        chunked("Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n", c.pieces())
    }),
    Scenario {
        also: &["stream-malformed"],
        details: r#"{"kind":"undeclared"}"#,
        ..faulty("deflate-unlabelled", "stream-compressed", "deflate comes without the header that says so", |c| {
            chunked(SSE, packing::deflated(&c.pieces()))
        })
    },
    Scenario {
        details: r#"{"kind":"stale-header"}"#,
        ..faulty("deflate-header-stale", "stream-compressed", "The header says deflate and the events are plain", |c| {
            chunked("Content-Type: text/event-stream\r\nContent-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n", c.pieces())
        })
    },
];

/// A gateway whose plain answers have text, and whose streams have none.
const fn empty(id: &'static str, details: &'static str, title: &'static str, stream: fn(&Completion) -> Script) -> Scenario {
    Scenario {
        details,
        also: &["stream-truncated", "stream-no-finish-reason", "stream-malformed"],
        ..faulty(id, "empty-completion", title, stream)
    }
}

fn hanging(mut script: Script) -> Script {
    script.push(Act::Hang);
    script
}

/// All events at their times under a Content-Length that is too small.
fn short(completion: &Completion, length: usize) -> Script {
    close_delimited(&format!("Content-Type: text/event-stream\r\nContent-Length: {length}\r\n"), completion.pieces())
}

const UNVERIFIED: &str = r#"{"error":{"message":"litellm.BadRequestError: OpenAIException - Your organization must be verified to stream this model. Please go to: https://platform.openai.com/settings/organization/general and click on Verify Organization.. Received Model Group=gpt-4o-mini\nAvailable Model Group Fallbacks=None","type":"invalid_request_error","param":"stream","code":"400"}}"#;
