//! What clients send in dialects other than chat completions, and what of it is refused: earlier turns, nested keywords, defaults that the
//! server fills in.

use serde_json::{Value, json as value};

use super::healthy::has;
use crate::sim::completion::Completion;
use crate::sim::dialects::{MESSAGES, RESPONSES};
use crate::sim::gateway::{Gateway, HEALTHY, KEY, Moment};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    messages(
        "signature-in-history",
        "history-rejected",
        "A thought of another provider is sent back",
        r#"{"kind":"signature"}"#,
        |body, _| {
            let at = position(body, "/content/0/type", "thinking")?;
            Some(messages_error(&format!("messages.{at}.content.0: Invalid `signature` in `thinking` block")))
        },
    ),
    messages(
        "result-flag-refused",
        "history-rejected",
        "A flag on a tool's result is refused, and nothing says which",
        r#"{"fields":["/messages/2/content/0/is_error"]}"#,
        |body, _| body["messages"].to_string().contains("is_error").then(|| messages_error("Bad Request")),
    ),
    messages(
        "cache-mark-refused",
        "unsupported-field",
        "cache_control is refused in the system prompt, and nothing says where",
        r#"{"fields":["/system/1/cache_control"]}"#,
        |body, _| body["system"].to_string().contains("cache_control").then(|| messages_error("Bad Request")),
    ),
    Scenario {
        body: None,
        ..messages(
            "budget-by-default",
            "hidden-default-conflict",
            "Thinking is on by default, with more tokens than the answer may have",
            r#"{"fields":["/thinking"]}"#,
            |body, _| {
                let conflict = body["thinking"]["type"] != "disabled" && body["max_tokens"].as_u64() < Some(16_000);
                conflict.then(|| {
                    messages_error("`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation.")
                })
            },
        )
    },
    responses(
        "reasoning-item-refused",
        "history-rejected",
        "A reasoning item is refused, and nothing says so",
        r#"{"kind":"reasoning"}"#,
        |body, _| position(body, "/type", "reasoning").map(|_| json(400, r#"{"message":"Bad Request"}"#)),
    ),
    responses(
        "orphan-output",
        "history-rejected",
        "A call's output is sent back without the call",
        r#"{"kind":"orphan-result"}"#,
        |body, _| {
            let items = body["input"].as_array()?;
            let called = |id: &Value| items.iter().any(|item| item["type"] == "function_call" && item["call_id"] == *id);
            let orphan = items.iter().find(|item| item["type"] == "function_call_output" && !called(&item["call_id"]))?;
            let id = orphan["call_id"].as_str()?;
            Some(openai_error(
                400,
                &format!("No tool call found for function call output with call_id {id}."),
                "invalid_request_error",
                "null",
            ))
        },
    ),
    responses(
        "nested-verbosity-refused",
        "unsupported-field",
        "One member of `text` is refused",
        r#"{"fields":["/text/verbosity"]}"#,
        |body, _| (!body["text"]["verbosity"].is_null()).then(|| json(400, r#"{"message":"Bad Request"}"#)),
    ),
    chat(
        "long-call-id",
        "history-rejected",
        "Ids of tool calls must have nine letters",
        r#"{"kind":"tool-call-id"}"#,
        CALLED,
        |body, _| {
            let mut ids = body["messages"].as_array()?.iter().filter_map(|message| message.pointer("/tool_calls/0/id")?.as_str());
            let id = ids.find(|id| id.len() != 9)?;
            let message = format!("Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9.");
            Some(openai_error(400, &message, "invalid_request_error", "null"))
        },
    ),
    chat(
        "empty-answer-sent-back",
        "history-rejected",
        "An empty answer is sent back",
        r#"{"kind":"empty-content"}"#,
        EMPTIED,
        |body, _| {
            let at = body["messages"].as_array()?.iter().position(|message| message["content"] == "")?;
            let message =
                format!("messages.{at}: all messages must have non-empty content except for the optional final assistant message");
            Some(openai_error(400, &message, "invalid_request_error", "null"))
        },
    ),
    chat(
        "name-in-history",
        "history-rejected",
        "A name on a tool's message is refused silently",
        r#"{"kind":"name"}"#,
        CALLED,
        |body, _| {
            let named = body["messages"].as_array()?.iter().any(|message| message["role"] == "tool" && has(message, "name"));
            named.then(|| json(400, r#"{"message":"Bad Request"}"#))
        },
    ),
    chat(
        "cap-by-default",
        "hidden-default-conflict",
        "The gateway fills in a bound that the model does not allow",
        r#"{"fields":["/max_tokens"]}"#,
        "",
        |body, _| {
            let message = "max_tokens is too large: 16384. This model supports at most 4096 completion tokens, whereas you provided 16384.";
            (!has(body, "max_tokens")).then(|| openai_error(400, message, "invalid_request_error", "null"))
        },
    ),
    chat(
        "parallel-by-default",
        "hidden-default-conflict",
        "Parallel calls are on by default and exclude a forced tool, and nothing says so",
        r#"{"fields":["/parallel_tool_calls"]}"#,
        FORCED,
        |body, _| {
            let forced = body["tool_choice"].is_object() && body["parallel_tool_calls"] != false;
            forced.then(|| json(400, r#"{"message":"Bad Request"}"#))
        },
    ),
    chat(
        "choices-by-default",
        "hidden-default-conflict",
        "Two choices are the default and exclude greedy sampling",
        r#"{"fields":["/n"]}"#,
        FORCED,
        |body, _| {
            let greedy = body["temperature"] == 0 && body["n"] != 1;
            greedy.then(|| openai_error(400, "n must be 1 when using greedy sampling, got 2.", "BadRequestError", "null"))
        },
    ),
    chat("role-replaced", "unsupported-field", "The role developer is unknown", r#"{"kind":"role"}"#, DEVELOPED, |body, _| {
        let unknown = body["messages"].as_array()?.iter().any(|message| message["role"] == "developer");
        unknown.then(|| json(400, r#"{"message":"Bad Request"}"#))
    }),
    chat(
        "three-properties-refused",
        "field-combination-rejected",
        "Three tools are refused together, any two of them pass",
        r#"{"fields":["/tools/1","/tools/2","/tools/4"]}"#,
        FIVE_TOOLS,
        |body, _| {
            let names: Vec<&str> = body["tools"].as_array()?.iter().filter_map(|tool| tool["function"]["name"].as_str()).collect();
            ["b", "c", "e"].iter().all(|name| names.contains(name)).then(|| json(400, r#"{"message":"Bad Request"}"#))
        },
    ),
    Scenario {
        gateway: Gateway { before: |request, _| gemini(request, |_| None), ..HEALTHY },
        id: "healthy-gemini",
        title: "Gemini's own; nothing is broken",
        ..GENERATING
    },
    gemini_refuses(
        "thought-config-refused",
        "unsupported-field",
        "One member of generationConfig is refused, and nothing says which",
        r#"{"fields":["/generationConfig/thinkingConfig"]}"#,
        |request, _| gemini(request, |body| body["generationConfig"].get("thinkingConfig").map(|_| bare_gemini())),
    ),
    gemini_refuses(
        "thought-signature-missing",
        "history-rejected",
        "A call is sent back without its signature",
        r#"{"kind":"signature"}"#,
        |request, _| {
            gemini(request, |body| {
                let unsigned = |part: &Value| has(part, "functionCall") && !has(part, "thoughtSignature");
                let message =
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly.";
                let parts = body["contents"].as_array()?.iter().flat_map(|content| content["parts"].as_array().into_iter().flatten());
                parts.into_iter().any(unsigned).then(|| gemini_error(message))
            })
        },
    ),
];

type Refuse = fn(&Value, &Moment) -> Option<Script>;
type Before = fn(&Received, &Moment) -> Option<Script>;

const GENERATING: Scenario = Scenario { dialect: "google-generate", ..USUAL };

const fn chat(
    id: &'static str,
    mode: &'static str,
    title: &'static str,
    details: &'static str,
    body: &'static str,
    refuse: Refuse,
) -> Scenario {
    let body = if body.is_empty() { None } else { Some(body) };
    Scenario { id, title, mode: Some(mode), details, body, gateway: Gateway { refuse, ..HEALTHY }, ..USUAL }
}

const fn messages(id: &'static str, mode: &'static str, title: &'static str, details: &'static str, refuse: Refuse) -> Scenario {
    let gateway = Gateway { refuse, ..MESSAGES };
    Scenario { id, title, mode: Some(mode), details, body: Some(TALK), dialect: "anthropic-messages", gateway, ..USUAL }
}

const fn responses(id: &'static str, mode: &'static str, title: &'static str, details: &'static str, refuse: Refuse) -> Scenario {
    let gateway = Gateway { refuse, ..RESPONSES };
    Scenario { id, title, mode: Some(mode), details, body: Some(ITEMS), dialect: "openai-responses", gateway, ..USUAL }
}

const fn gemini_refuses(id: &'static str, mode: &'static str, title: &'static str, details: &'static str, before: Before) -> Scenario {
    Scenario { id, title, mode: Some(mode), details, body: Some(CONTENTS), gateway: Gateway { before, ..HEALTHY }, ..GENERATING }
}

/// Where in a conversation an element has this text at this place.
fn position(body: &Value, place: &str, text: &str) -> Option<usize> {
    let list = ["messages", "input"].iter().find_map(|list| body[*list].as_array())?;
    list.iter().position(|item| item.pointer(place).is_some_and(|value| value == text))
}

fn messages_error(message: &str) -> Script {
    json(400, value!({ "type": "error", "error": { "type": "invalid_request_error", "message": message } }).to_string())
}

fn gemini_error(message: &str) -> Script {
    json(400, value!({ "error": { "code": 400, "message": message, "status": "INVALID_ARGUMENT" } }).to_string())
}

fn bare_gemini() -> Script {
    gemini_error("Request contains an invalid argument.")
}

/// Gemini's own routes; everything else is left to the gateway.
fn gemini(request: &Received, refuse: fn(&Value) -> Option<Script>) -> Option<Script> {
    let route = request.route().strip_prefix("/v1/models")?;
    match request.header("x-goog-api-key") {
        Some(KEY) => {}
        Some(_) => return Some(gemini_error("API key not valid. Please pass a valid API key.")),
        None => return Some(json(403, NO_KEY)),
    }
    let Some((_, method)) = route.rsplit_once(':') else { return Some(ok_json(LIST)) };
    let body = request.json();
    if let Some(refusal) = refuse(&body) {
        return Some(refusal);
    }
    let completion = Completion::of(&value!({ "messages": [{ "role": "user", "content": words(&body) }] }), "gpt-4o-mini");
    let part = |text: &str, rest: &str| {
        let text = quoted(text);
        format!(
            r#"{{"candidates":[{{"content":{{"role":"model","parts":[{{"text":{text}}}]}},"index":0{rest}}}],"modelVersion":"gpt-4o-mini","usageMetadata":{{"promptTokenCount":9,"candidatesTokenCount":20,"totalTokenCount":29}}}}"#
        )
    };
    const LAST: &str = r#","finishReason":"STOP""#;
    if method == "generateContent" {
        return Some(after(completion.units(), ok_json(part(&completion.text(), LAST))));
    }
    let last = completion.tokens.len().saturating_sub(1);
    let events = completion.tokens.iter().enumerate();
    let events = events.map(|(at, token)| piece(1.0, format!("data: {}\r\n\r\n", part(token, if at == last { LAST } else { "" }))));
    Some(chunked(SSE, events.collect()))
}

/// The last words of a conversation.
fn words(body: &Value) -> String {
    let last = body["contents"].as_array().and_then(|contents| contents.last());
    last.and_then(|content| content.pointer("/parts/0/text")?.as_str()).unwrap_or_default().to_owned()
}

const LIST: &str = r#"{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","owned_by":"google"}]}"#;

const NO_KEY: &str =
    r#"{"error":{"code":403,"message":"Method doesn't allow unregistered callers. Please use API Key.","status":"PERMISSION_DENIED"}}"#;

const TALK: &str = concat!(
    r#"{"model":"gpt-4o-mini","max_tokens":1024,"system":[{"type":"text","text":"Be brief."},{"type":"text","text":"Be kind.","cache_control":{"type":"ephemeral"}}],"#,
    r#""tools":[{"name":"weather","input_schema":{"type":"object","properties":{}}}],"messages":[{"role":"user","content":"Weather?"},"#,
    r#"{"role":"assistant","content":[{"type":"thinking","thinking":"I ask.","signature":"c2ln"},{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}]},"#,
    r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","is_error":false,"content":"sunny"}]},"#,
    r#"{"role":"assistant","content":[{"type":"text","text":"Sunny."}]},{"role":"user","content":"Say ok"}]}"#
);

const ITEMS: &str = concat!(
    r#"{"model":"gpt-4o-mini","instructions":"Be brief.","text":{"verbosity":"low","format":{"type":"text"}},"tools":[{"type":"function","name":"weather","parameters":{"type":"object","properties":{}}}],"#,
    r#""input":[{"role":"user","content":"Weather?"},{"type":"reasoning","id":"rs_1","summary":[]},{"type":"function_call","id":"fc_1","call_id":"call_1","name":"weather","arguments":"{}"},"#,
    r#"{"type":"function_call_output","call_id":"call_1","output":"sunny"},{"type":"function_call_output","call_id":"call_0","output":"rain"},"#,
    r#"{"role":"assistant","content":"Sunny."},{"role":"user","content":"Say ok"}]}"#
);

const CONTENTS: &str = concat!(
    r#"{"contents":[{"role":"user","parts":[{"text":"Weather?"}]},{"role":"model","parts":[{"functionCall":{"name":"weather","args":{}}}]},"#,
    r#"{"role":"user","parts":[{"functionResponse":{"name":"weather","response":{"sky":"blue"}}}]},{"role":"model","parts":[{"text":"Sunny."}]},"#,
    r#"{"role":"user","parts":[{"text":"Say ok"}]}],"tools":[{"functionDeclarations":[{"name":"weather"}]}],"#,
    r#""generationConfig":{"temperature":1,"thinkingConfig":{"includeThoughts":true}}}"#
);

const CALLED: &str = concat!(
    r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Weather?"},"#,
    r#"{"role":"assistant","content":null,"tool_calls":[{"id":"call_abcdef123","type":"function","function":{"name":"weather","arguments":"{}"}}]},"#,
    r#"{"role":"tool","tool_call_id":"call_abcdef123","name":"weather","content":"sunny"},{"role":"assistant","content":"Sunny."},{"role":"user","content":"Say ok"}],"#,
    r#""tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{}}}}]}"#
);

const EMPTIED: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":""},{"role":"user","content":"Say ok"}],"temperature":0.2}"#;

const FORCED: &str = concat!(
    r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say ok"}],"temperature":0,"#,
    r#""tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{}}}}],"tool_choice":{"type":"function","function":{"name":"weather"}}}"#
);

const DEVELOPED: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"Say ok"}],"temperature":0.2,"user":"u"}"#;

const FIVE_TOOLS: &str = concat!(
    r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say ok"}],"temperature":0.2,"tools":["#,
    r#"{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}},{"type":"function","function":{"name":"c"}},"#,
    r#"{"type":"function","function":{"name":"d"}},{"type":"function","function":{"name":"e"}}]}"#
);
