//! Servers that try to hurt the client: no end, no limit, text that is more than text.

use crate::sim::completion::Completion;
use crate::sim::gateway::{Gateway, HEALTHY, KEY, Moment};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    told("endless-body", "A JSON document that never ends", |_| {
        vec![Act::Send(head(200, "Content-Type: application/json\r\n")), Act::Send(b"{\"pad\":\"".to_vec()), endless(b"x")]
    }),
    told("endless-line", "An event whose line never ends", |_| {
        vec![Act::Send(head(200, SSE_TO_CLOSE)), Act::Send(b"data: {\"pad\":\"".to_vec()), endless(b"x")]
    }),
    told("endless-comments", "Comments without end and without a pause", |_| {
        vec![Act::Send(head(200, SSE_TO_CLOSE)), endless(b": still here\n\n")]
    }),
    told("byte-per-unit", "The answer comes a byte at a time", |c| {
        let bytes = (HEALTHY.stream)(&Completion { pace: 0.0, ..c.clone() }).into_iter().flat_map(|act| match act {
            Act::Send(bytes) => bytes,
            _ => vec![],
        });
        bytes.flat_map(|byte| [Act::Send(vec![byte]), Act::Wait(1.0)]).collect()
    }),
    told("gzip-bomb", "Two megabytes that unpack to two gigabytes", |_| {
        let headers = "Content-Type: application/json\r\nContent-Encoding: gzip\r\nConnection: close\r\n";
        let [start, middle, end] = super::packing::bomb();
        vec![Act::Send(head(200, headers)), Act::Send(start), Act::Repeat(middle, 256), Act::Send(end), Act::Fin]
    }),
    told("million-events", "A million empty deltas", |c| {
        let event = chunk(&event(&c.content("")));
        let mut script = vec![Act::Send(head(200, SSE)), Act::Repeat(event, 1_000_000)];
        script.push(Act::Send(b"0\r\n\r\n".to_vec()));
        script
    }),
    told("megabyte-header", "One header of a megabyte", |c| {
        let headers = format!("Content-Type: application/json\r\nX-Pad: {}\r\n", "x".repeat(1 << 20));
        response(200, &headers, c.document())
    }),
    told("ten-thousand-headers", "Ten thousand headers", |c| {
        let pad: String = (0..10_000).map(|n| format!("X-Pad-{n}: x\r\n")).collect();
        response(200, &format!("Content-Type: application/json\r\n{pad}"), c.document())
    }),
    told("endless-head", "A head that never ends", |_| vec![Act::Send(b"HTTP/1.1 200 OK\r\n".to_vec()), endless(b"X-Pad: x\r\n")]),
    told("false-length", "A Content-Length of sixteen exabytes", |_| {
        vec![
            Act::Send(head(200, "Content-Type: application/json\r\nContent-Length: 18446744073709551615\r\n")),
            Act::Send(b"{}".to_vec()),
            Act::Fin,
        ]
    }),
    told("deep-json", "A hundred thousand nested arrays", |_| ok_json("[".repeat(100_000))),
    Scenario {
        gateway: Gateway { list: |_| ok_json(SPITEFUL_LIST), ..HEALTHY },
        ..told("spiteful-text", "Terminal escapes, Markdown and HTML in errors and model names", |_| {
            openai_error(400, SPITE, "spite", "null")
        })
    },
    Scenario {
        gateway: Gateway { list: |_| ok_json(long_list()), ..HEALTHY },
        ..told("hundred-thousand-models", "A list of a hundred thousand models", HEALTHY.whole)
    },
    Scenario {
        gateway: Gateway { before: echo, ..HEALTHY },
        ..told("key-everywhere", "The key is repeated in every header, body and reason", HEALTHY.whole)
    },
    Scenario {
        gateway: Gateway { before: |request, _| Some(redirect(307, &format!("{}?again", request.path))), ..HEALTHY },
        ..told("redirect-loop", "Every request is sent on, for ever", HEALTHY.whole)
    },
];

/// A gateway that answers every chat like this; what a report says of it is not fixed, only that there is one.
const fn told(id: &'static str, title: &'static str, tell: fn(&Completion) -> Script) -> Scenario {
    Scenario { id, title, gateway: Gateway { whole: tell, stream: tell, ..HEALTHY }, ..USUAL }
}

/// These bytes over and over, in writes of at least 8 KiB.
fn endless(bytes: &[u8]) -> Act {
    Act::Repeat(bytes.repeat(8192_usize.div_ceil(bytes.len())), u64::MAX)
}

fn echo(request: &Received, _: &Moment) -> Option<Script> {
    let sent = request.bearer().unwrap_or(KEY);
    let reason = format!("HTTP/1.1 400 Key {sent}\r\nX-Key: {sent}\r\nSet-Cookie: key={sent}\r\nLocation: /?key={sent}\r\n");
    let body = format!(r#"{{"error":{{"message":"Your key {sent} is {sent}","type":"{sent}","param":"{sent}","code":"{sent}"}}}}"#);
    let head = format!("{reason}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    Some(vec![Act::Send(head.into_bytes())])
}

fn long_list() -> String {
    let models: Vec<String> = (0..100_000).map(|n| format!(r#"{{"id":"model-{n}","object":"model"}}"#)).collect();
    format!(r#"{{"object":"list","data":[{}]}}"#, models.join(","))
}

const SSE_TO_CLOSE: &str = "Content-Type: text/event-stream\r\n";

const SPITE: &str = "\u{1b}[2J\u{1b}[31mowned\u{1b}[0m \u{1b}]0;title\u{7} \u{1b}]8;;http://evil.example\u{1b}\\click\u{1b}]8;;\u{1b}\\ \
    <script>alert(1)</script> ]]> &amp; | a | b |\n# heading\n```\n::error::injected\n[x](javascript:alert(1)) \u{202e}desrever\u{0}";

const SPITEFUL_LIST: &str = r#"{"object":"list","data":[{"id":"gpt-4o-mini","object":"model"},{"id":"\u001b[31mred\u001b[0m","object":"model"},{"id":"<img src=x onerror=alert(1)>","object":"model"},{"id":"a|b`c`\n# d","object":"model"},{"id":"::error::injected","object":"model"},{"id":7,"object":"model"},{"id":null},"text"]}"#;
