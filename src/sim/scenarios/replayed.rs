//! Refusals that only a known client's own requests meet: their size, their number of tools, the form of its streams.

use serde_json::Value;

use super::pages::BLOCKED;
use crate::sim::completion::Completion;
use crate::sim::gateway::{Gateway, HEALTHY, Moment};
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    agent("agent-tools-capped", "too-many-tools", "cline-cli", "At most 20 tools, and the client has 25", |body, _| {
        let count = body["tools"].as_array().map_or(0, Vec::len);
        (count > 20).then(|| {
            let message = format!(
                "Invalid 'tools': array too long. Expected an array with maximum length 20, but got an array with length {count} instead."
            );
            openai_error(400, &message, "invalid_request_error", r#""array_above_max_length""#)
        })
    }),
    agent("tools-capped-in-words", "too-many-tools", "open-webui", "At most 16 tools, and the client has 28", |body, _| {
        let count = body["tools"].as_array().map_or(0, Vec::len);
        (count > 16).then(|| bad(&format!("tools: may not include more than 16 tools, got {count}")))
    }),
    agent("nginx-caps-bodies", "body-too-large", "opencode", "nginx takes 16 kB, and the client sends 31", |body, _| {
        (size(body) > 16_000).then(|| {
            response(
                413,
                "Server: nginx\r\nContent-Type: text/html\r\n",
                "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
            )
        })
    }),
    agent("express-caps-bodies", "body-too-large", "qwen-code", "A proxy's parser takes 40 kB, and the client sends 63", |body, _| {
        (size(body) > 40_000).then(|| json(413, r#"{"error":{"message":"request entity too large","type":"entity.too.large"}}"#))
    }),
    agent(
        "small-window",
        "context-window-exceeded",
        "opencode",
        "A window of 4096 tokens, and the client's first request has more",
        |body, _| {
            let tokens = size(body) / 4;
            (tokens > 4096).then(|| {
            let message = format!("This model's maximum context length is 4096 tokens. However, your messages resulted in {tokens} tokens. Please reduce the length of the messages.");
            openai_error(400, &message, "invalid_request_error", r#""context_length_exceeded""#)
        })
        },
    ),
    agent(
        "small-slot",
        "context-window-exceeded",
        "copilot-cli",
        "llama.cpp's slot is smaller than the client's first request",
        |body, _| {
            let tokens = size(body) / 4;
            (tokens > 8192).then(|| {
            let message = format!("request ({tokens} tokens) exceeds the available context size (8192 tokens), try increasing it");
            json(400, format!(r#"{{"error":{{"code":400,"message":{},"type":"exceed_context_size_error","n_prompt_tokens":{tokens},"n_ctx":8192}}}}"#, quoted(&message)))
        })
        },
    ),
    Scenario {
        id: "library-names-blocked",
        title: "A firewall blocks the names of Python's libraries on POST, and no others",
        gateway: Gateway {
            before: |request, _| {
                let agent = request.header("user-agent").unwrap_or_default().to_ascii_lowercase();
                let library = ["openai/python", "python-requests"].iter().any(|name| agent.contains(name));
                (request.method == "POST" && library).then(|| response(403, "Server: cloudflare\r\nContent-Type: text/html\r\n", BLOCKED))
            },
            ..HEALTHY
        },
        ..USUAL
    },
    far("localhost-from-afar", "Cursor's servers are to call localhost", "http://127.0.0.1:{port}/v1", None),
    far(
        "intranet-from-afar",
        "Cursor's servers are to call a name of the company's network",
        "http://llm.corp:{port}/v1",
        Some("llm.corp"),
    ),
    unread("crlf-to-dify", "dify", "Lines end with CR LF, of which Dify makes an empty answer", |c| {
        chunked(SSE, c.pieces().into_iter().map(|part| Piece { bytes: crlf(&part.bytes), ..part }).collect())
    }),
    unread("pings-to-opencode", "opencode", "A ping as data between the chunks, which opencode does not take", |c| {
        let mut pieces = c.pieces();
        pieces.insert(2, piece(0.0, event(r#"{"type":"ping"}"#)));
        chunked(SSE, pieces)
    }),
];

/// A healthy gateway, to a client whose maker's servers make the call.
const fn far(id: &'static str, title: &'static str, base: &'static str, host: Option<&'static str>) -> Scenario {
    let also = &["insecure-transport"];
    Scenario { id, title, mode: Some("client-runs-elsewhere"), also, client: Some("cursor"), base, host, ..USUAL }
}

/// A user of this client does not see an answer that comes in this form.
const fn unread(id: &'static str, client: &'static str, title: &'static str, stream: fn(&Completion) -> Script) -> Scenario {
    let mode = Some("stream-breaks-client");
    Scenario { id, title, mode, client: Some(client), gateway: Gateway { stream, ..HEALTHY }, ..USUAL }
}

type Refuse = fn(&Value, &Moment) -> Option<Script>;

/// A user of this client meets a refusal.
const fn agent(id: &'static str, mode: &'static str, client: &'static str, title: &'static str, refuse: Refuse) -> Scenario {
    Scenario { id, title, mode: Some(mode), client: Some(client), gateway: Gateway { refuse, ..HEALTHY }, ..USUAL }
}

/// The same text with the line ends of the network.
fn crlf(bytes: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(bytes).replace('\n', "\r\n").into_bytes()
}

/// Bytes of a request's body.
fn size(body: &Value) -> usize {
    body.to_string().len()
}

fn bad(message: &str) -> Script {
    openai_error(400, message, "invalid_request_error", "null")
}
