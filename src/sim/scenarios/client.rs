//! What only some clients send, from some addresses, with some keys: headers, images, histories, tokens that end.

use serde_json::Value;

use super::healthy::{has, shows_picture};
use crate::sim::completion::Completion;
use crate::sim::gateway::{Gateway, HEALTHY, MODEL, Moment, bearer, whole, wrong_key};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    Scenario {
        key: Some(JWT),
        gateway: Gateway { admit: expired_jwt, ..HEALTHY },
        ..faulty("jwt-expired", "token-expired", "The token's own `exp` lies in the past")
    },
    Scenario {
        gateway: Gateway { refuse: short_lived, ..HEALTHY },
        ..faulty("token-dies", "token-expired", "The token works for 25 units and is then refused")
    },
    Scenario {
        gateway: Gateway { admit: ip_openai, ..HEALTHY },
        ..faulty("ip-refused-401", "ip-not-allowed", "The caller's address is not on the list, says OpenAI with 401")
    },
    Scenario {
        gateway: Gateway { admit: ip_litellm, ..HEALTHY },
        ..faulty("ip-refused-403", "ip-not-allowed", "The caller's address is not on the list, says LiteLLM with 403")
    },
    Scenario {
        headers: &[("anthropic-beta", "context-1m-2025-08-07")],
        gateway: Gateway { before: beta_flag, ..HEALTHY },
        ..faulty("beta-header-refused", "header-rejected", "A flag in anthropic-beta is not known upstream")
    },
    Scenario {
        headers: &[("X-Target-Provider", "azure")],
        gateway: Gateway { before: target_provider, ..HEALTHY },
        ..faulty("routing-header-refused", "header-rejected", "A routing header names a provider that is not there")
    },
    Scenario {
        body: Some(TOOLS),
        body_headers: &[("x-stainless-lang", "js"), ("openai-beta", "assistants=v2")],
        gateway: Gateway { before: own_header, ..HEALTHY },
        details: r#"{"header":"openai-beta"}"#,
        ..faulty("own-header-refused", "header-rejected", "A header of the client's own is refused, and nothing says which")
    },
    sends("thinking-by-default", "hidden-default-conflict", "Thinking is on by default, and refused without a stream", PLAIN, |body, _| {
        let thinks = body["enable_thinking"] != false && body["stream"] != true;
        thinks.then(|| bad("parameter.enable_thinking must be set to false for non-streaming calls"))
    }),
    sends("effort-by-default", "hidden-default-conflict", "Tools are refused with the default reasoning effort", TOOLS, |body, _| {
        let conflict = has(body, "tools") && body["reasoning_effort"] != "none";
        conflict.then(|| bad("Function tools with reasoning_effort are not supported for gpt-4o-mini in /v1/chat/completions. Please use /v1/responses instead."))
    }),
    sends("image-refused", "vision-disabled", "The model reads text only", IMAGE, |body, _| {
        shows_image(body).then(|| bad("Failed to deserialize the JSON body into the target type: messages[0]: unknown variant `image_url`, expected `text` at line 1 column 180"))
    }),
    sends(
        "image-has-no-endpoint",
        "vision-disabled",
        "No provider of the model takes images, says the router with 404",
        IMAGE,
        |body, _| shows_image(body).then(|| json(404, r#"{"error":{"message":"No endpoints found that support image input","code":404}}"#)),
    ),
    ignores("choices-ignored", "One choice, however many are asked for", r#"{"fields":["/n"]}"#, |body, _| {
        has(body, "n").then(|| whole(&Completion { choices: 1, ..Completion::of(body, MODEL) }))
    }),
    ignores(
        "forms-ignored",
        "Schema and stop word are taken and change nothing",
        r#"{"fields":["/response_format","/stop"]}"#,
        |body, _| {
            let form = has(body, "response_format") || has(body, "stop");
            let mut plain = body.clone();
            plain.as_object_mut()?.retain(|name, _| name != "response_format" && name != "stop");
            let answer = Completion::of(&plain, MODEL);
            form.then(|| if body["stream"] == true { (HEALTHY.stream)(&answer) } else { whole(&answer) })
        },
    ),
    Scenario {
        gateway: Gateway { refuse: |body, _| shows_picture(body).then(|| whole(&blind(body, "I cannot see any picture."))), ..HEALTHY },
        ..faulty("image-dropped", "vision-dropped", "The picture is taken out on the way")
    },
    Scenario {
        gateway: Gateway { refuse: |body, _| shows_picture(body).then(|| whole(&blind(body, "Green"))), ..HEALTHY },
        ..faulty("image-guessed", "vision-dropped", "The picture is taken out on the way, and the model guesses")
    },
    sends("reasoning-in-history", "history-rejected", "A replayed turn carries reasoning_content", HISTORY, |body, _| {
        let at = turns(body).position(|turn| has(turn, "reasoning_content"))?;
        Some(bad(&format!(
            "'messages.{at}' : for 'role:assistant' the following must be satisfied[('messages.{at}' : property 'reasoning_content' is unsupported)]"
        )))
    }),
    sends("empty-calls-in-history", "history-rejected", "A replayed turn carries an empty list of tool calls", HISTORY, |body, _| {
        let at = turns(body).position(|turn| turn["tool_calls"].as_array().is_some_and(Vec::is_empty))?;
        Some(bad(&format!(
            "Invalid 'messages[{at}].tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )))
    }),
];

const fn faulty(id: &'static str, mode: &'static str, title: &'static str) -> Scenario {
    Scenario { id, title, mode: Some(mode), ..USUAL }
}

type Refuse = fn(&Value, &Moment) -> Option<Script>;

const fn sends(id: &'static str, mode: &'static str, title: &'static str, body: &'static str, refuse: Refuse) -> Scenario {
    Scenario { body: Some(body), gateway: Gateway { refuse, ..HEALTHY }, ..faulty(id, mode, title) }
}

/// Some fields change nothing.
const fn ignores(id: &'static str, title: &'static str, details: &'static str, refuse: Refuse) -> Scenario {
    Scenario { details, gateway: Gateway { refuse, ..HEALTHY }, ..faulty(id, "field-ignored", title) }
}

/// The answer of a model to which no picture came.
fn blind(body: &Value, words: &str) -> Completion {
    let arrived = body["messages"][0]["content"][0]["text"].as_str().unwrap_or_default();
    let body = serde_json::json!({ "messages": [{ "role": "user", "content": arrived }] });
    Completion { tokens: vec![words.to_owned()], ..Completion::of(&body, MODEL) }
}

fn expired_jwt(request: &Received, _: &str) -> Option<Script> {
    Some(match request.bearer() {
        Some(JWT) => response(401, EXPIRED_HEADERS, r#"{"error":"invalid_token","error_description":"Jwt is expired"}"#),
        _ => json(401, r#"{"error":"unauthorized"}"#),
    })
}

fn short_lived(_: &Value, moment: &Moment) -> Option<Script> {
    let expired = r#"{"error":{"message":"unauthorized: token expired","type":"authentication_error","code":"token_expired"}}"#;
    (moment.units > 25.0).then(|| json(401, expired))
}

fn ip_openai(request: &Received, key: &str) -> Option<Script> {
    let message = "Your IP address is not authorized to use this API key: 203.0.113.7";
    let refusal = || openai_error(401, message, "invalid_request_error", r#""ip_not_authorized""#);
    bearer(request, key).or_else(|| request.is_chat().then(refusal))
}

fn ip_litellm(request: &Received, key: &str) -> Option<Script> {
    let message = "Access forbidden: IP address 203.0.113.7 not allowed.";
    match request.bearer() {
        Some(sent) if sent == key => request.is_chat().then(|| openai_error(403, message, "auth_error", r#""403""#)),
        sent => Some(wrong_key(sent.unwrap_or_default())),
    }
}

fn beta_flag(request: &Received, _: &Moment) -> Option<Script> {
    let flag = request.header("anthropic-beta").filter(|_| request.is_chat())?;
    Some(bad(&format!("Unexpected value(s) `{flag}` for the `anthropic-beta` header.")))
}

fn target_provider(request: &Received, _: &Moment) -> Option<Script> {
    let provider = request.header("x-target-provider").filter(|_| request.is_chat())?;
    Some(json(400, format!(r#"{{"error":"Provider {provider} could not be found on this gateway"}}"#)))
}

fn own_header(request: &Received, _: &Moment) -> Option<Script> {
    request.header("openai-beta").filter(|_| request.is_chat()).map(|_| json(400, r#"{"message":"Bad Request"}"#))
}

fn bad(message: &str) -> Script {
    openai_error(400, message, "invalid_request_error", "null")
}

fn turns(body: &Value) -> impl Iterator<Item = &Value> {
    body["messages"].as_array().into_iter().flatten()
}

fn shows_image(body: &Value) -> bool {
    turns(body).filter_map(|turn| turn["content"].as_array()).flatten().any(|part| part["type"] == "image_url")
}

const EXPIRED_HEADERS: &str = "Content-Type: application/json\r\n\
    WWW-Authenticate: Bearer error=\"invalid_token\", error_description=\"Jwt is expired\"\r\n";

/// Issued at 2021-01-01T00:00:00Z for an hour; signed by nobody.
const JWT: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InNpbS0xIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUvc2ltIiwiYXVkIjoibGxtLWdhdGV3YXkiLCJzdWIiOiJ1c2VyQGV4YW1wbGUiLCJpYXQiOjE2MDk0NTkyMDAsImV4cCI6MTYwOTQ2MjgwMH0.c2ltdWxhdGVk";

const PLAIN: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say ok"}]}"#;

const TOOLS: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"What is the weather in Paris?"}],"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]}"#;

const IMAGE: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"text","text":"Which colour is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="}}]}]}"#;

const HISTORY: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say ok"},{"role":"assistant","content":"ok","reasoning_content":"They want ok.","tool_calls":[]},{"role":"user","content":"Say it again"}]}"#;
