//! The base is right and the route is not there, or speaks another dialect; model lists that are of no use.

use serde_json::Value;

use super::healthy::open_list;
use crate::sim::completion::prompt;
use crate::sim::gateway::{Gateway, HEALTHY, KEY, MODEL, MODELS, Moment, bearer};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    no_chat("chat-missing-responses-there", "Only the Responses route is served", |request, moment| match request.route() {
        "/v1/chat/completions" => Some(json(404, r#"{"detail":"Not Found"}"#)),
        _ => guarded(request, moment, "/v1/responses", |_| ok_json(RESPONSE)),
    }),
    no_chat("chat-missing-messages-there", "Only the Anthropic Messages route is served", |request, moment| match request.route() {
        "/v1/chat/completions" => Some(text(404, "404 page not found\n")),
        _ => guarded(request, moment, "/v1/messages", |_| ok_json(MESSAGE)),
    }),
    no_chat("chat-missing-completions-there", "A base model without a chat template: only plain completions", |request, moment| {
        match request.route() {
            "/v1/chat/completions" => Some(json(405, r#"{"detail":"Method Not Allowed"}"#)),
            _ => guarded(request, moment, "/v1/completions", |_| ok_json(TEXT_COMPLETION)),
        }
    }),
    no_chat("chat-not-implemented", "The chat route answers 501", |request, _| {
        request.is_chat().then(|| json(501, r#"{"error":{"message":"chat/completions is not implemented by this provider","type":"not_supported_error","code":"not_implemented"}}"#))
    }),
    no_chat("chat-cannot-post", "Express says that it cannot POST there", |request, _| request.is_chat().then(|| html(404, CANNOT_POST))),
    Scenario {
        id: "anthropic-only",
        title: "A server that speaks Anthropic's dialect only",
        mode: Some("wrong-dialect"),
        also: &["endpoint-missing", "wrong-auth-scheme"],
        gateway: Gateway { before: anthropic, ..HEALTHY },
        ..USUAL
    },
    Scenario {
        id: "ollama-native-only",
        title: "Ollama's own API without its OpenAI routes",
        mode: Some("wrong-dialect"),
        also: &["endpoint-missing", "models-list-unusable"],
        gateway: Gateway { before: |request, _| Some(ollama(request)), ..HEALTHY },
        ..USUAL
    },
    list("models-404", "There is no model list; chat works", |_| json(404, r#"{"error":"Route not found: GET /v1/models"}"#)),
    list("models-empty", "The model list is empty; chat works", |_| ok_json(r#"{"object":"list","data":[]}"#)),
    list("models-bare-array", "The model list is an array without `data`", |_| ok_json(BARE_ARRAY)),
    list("models-500", "The model list fails; chat works", |_| json(500, r#"{"status":"failure","message":"Something went wrong"}"#)),
    list("models-null", "The list's `data` is null", |_| ok_json(r#"{"object":"list","data":null}"#)),
    list("wanted-model-unlisted", "The list lacks the wanted model, which works all the same", |_| {
        ok_json(r#"{"object":"list","data":[{"id":"llama-3.1-8b-instruct","object":"model","created":1721692800,"owned_by":"meta"}]}"#)
    }),
    Scenario {
        id: "list-needs-no-key",
        title: "Anybody gets the model list",
        mode: Some("models-list-public"),
        gateway: Gateway { before: open_list, ..HEALTHY },
        ..USUAL
    },
    Scenario {
        id: "list-takes-any-key",
        title: "Any key gets the model list",
        mode: Some("models-list-public"),
        gateway: Gateway { before: |request, _| (request.is_list() && request.bearer().is_some()).then(|| ok_json(MODELS)), ..HEALTHY },
        ..USUAL
    },
];

const fn no_chat(id: &'static str, title: &'static str, before: fn(&Received, &Moment) -> Option<Script>) -> Scenario {
    let also = &["wrong-dialect"];
    Scenario { id, title, mode: Some("endpoint-missing"), also, gateway: Gateway { before, ..HEALTHY }, ..USUAL }
}

const fn list(id: &'static str, title: &'static str, list: fn(&Received) -> Script) -> Scenario {
    Scenario { id, title, mode: Some("models-list-unusable"), gateway: Gateway { list, ..HEALTHY }, ..USUAL }
}

/// A POST route beside the chat route, for those who hold the key.
fn guarded(request: &Received, _: &Moment, route: &str, answer: fn(&Value) -> Script) -> Option<Script> {
    let here = request.method == "POST" && request.route() == route;
    here.then(|| {
        let bearer_or_x = if request.header("x-api-key") == Some(KEY) { None } else { bearer(request, KEY) };
        bearer_or_x.unwrap_or_else(|| known_model(&request.json(), answer))
    })
}

fn known_model(body: &Value, answer: fn(&Value) -> Script) -> Script {
    let name = body["model"].as_str().unwrap_or_default();
    (HEALTHY.serve)(name).map_or_else(|refusal| refusal, |_| answer(body))
}

/// Everything as api.anthropic.com would: other key header, other list, other errors.
fn anthropic(request: &Received, _: &Moment) -> Option<Script> {
    let fault = |status, kind, message| json(status, format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#));
    let admitted = request.header("x-api-key") == Some(KEY) || request.bearer() == Some(KEY);
    Some(match (request.method.as_str(), request.route()) {
        _ if !admitted => fault(401, "authentication_error", "invalid x-api-key"),
        ("GET", "/v1/models") => ok_json(ANTHROPIC_LIST),
        ("POST", "/v1/messages") if request.json()["model"] == MODEL => ok_json(MESSAGE),
        ("POST", "/v1/messages") => fault(404, "not_found_error", "model not found"),
        _ => fault(404, "not_found_error", "Not Found"),
    })
}

/// Ollama without `/v1`: any key, its own routes, NDJSON when it streams.
fn ollama(request: &Received) -> Script {
    match (request.method.as_str(), request.route()) {
        ("GET", "/") => text(200, "Ollama is running"),
        ("GET", "/api/tags") => ok_json(r#"{"models":[{"name":"gpt-4o-mini","model":"gpt-4o-mini","size":4661224676}]}"#),
        ("POST", "/api/chat") if prompt(&request.json()).is_empty() => json(400, r#"{"error":"missing request body"}"#),
        ("POST", "/api/chat") => response(200, "Content-Type: application/x-ndjson\r\n", OLLAMA_CHAT),
        _ => text(404, "404 page not found"),
    }
}

const RESPONSE: &str = r#"{"id":"resp_67ccd2bed1ec8190","object":"response","created_at":1741476542,"status":"completed","error":null,"model":"gpt-4o-mini","output":[{"type":"message","id":"msg_67ccd2bf17f08190","status":"completed","role":"assistant","content":[{"type":"output_text","text":"ok","annotations":[]}]}],"usage":{"input_tokens":9,"output_tokens":1,"total_tokens":10}}"#;

const MESSAGE: &str = r#"{"id":"msg_013Zva2CMHLNnXjNJJKqJ2EF","type":"message","role":"assistant","model":"gpt-4o-mini","content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}"#;

const TEXT_COMPLETION: &str = r#"{"id":"cmpl-7c1d","object":"text_completion","created":1741569952,"model":"gpt-4o-mini","choices":[{"index":0,"text":" ok","logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}"#;

const CANNOT_POST: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n\
    <body>\n<pre>Cannot POST /v1/chat/completions</pre>\n</body>\n</html>\n";

const ANTHROPIC_LIST: &str = r#"{"data":[{"type":"model","id":"gpt-4o-mini","display_name":"Simulated","created_at":"2025-05-14T00:00:00Z"}],"has_more":false,"first_id":"gpt-4o-mini","last_id":"gpt-4o-mini"}"#;

const OLLAMA_CHAT: &str = "{\"model\":\"gpt-4o-mini\",\"created_at\":\"2025-03-10T01:25:52Z\",\"message\":{\"role\":\"assistant\",\
    \"content\":\"ok\"},\"done\":true,\"done_reason\":\"stop\",\"eval_count\":1}\n";

const BARE_ARRAY: &str = r#"[{"id":"gpt-4o-mini","object":"model","created":1677649963,"owned_by":"openai"},{"id":"llama-3.1-8b-instruct","object":"model","created":1677649963,"owned_by":"meta"}]"#;
