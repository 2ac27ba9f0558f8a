//! Gateways whose upstream the user can ask directly as well: only the comparison tells whose fault a failure is.

use serde_json::{Value, json};

use super::pages::*;
use crate::sim::completion::Completion;
use crate::sim::gateway::{Gateway, HEALTHY, Moment};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::server::Front;
use crate::sim::{MODEL, Scenario, USUAL};

/// The key that the upstreams accept, and the gateways do not.
const OWN_KEY: &str = "sk-upstream-8d01c47fa2e64b6f9b7c51d3";

/// An upstream in which nothing is broken.
const UPSTREAM: Scenario = Scenario { id: "upstream", title: "What stands behind", key: Some(OWN_KEY), gateway: BEHIND, ..USUAL };

const BEHIND: Gateway = Gateway { key: OWN_KEY, ..HEALTHY };

static FINE: Scenario = UPSTREAM;
static NAMED_OTHERWISE: Scenario = Scenario { model: Some("llama-3.1-8b-instruct"), ..UPSTREAM };
static CLOSED: Scenario = Scenario { front: Front::Closed, ..UPSTREAM };
static KEY_MISTYPED: Scenario = Scenario { key: Some("sk-upstream-mistyped-0a1b2c3d4e5f"), ..UPSTREAM };
static SLOW: Scenario = Scenario { gateway: Gateway { tune: |c| c.first += 80.0, ..BEHIND }, ..UPSTREAM };
static IGNORES_N: Scenario = Scenario { gateway: Gateway { rewrite: |body| without(body, &["n"]), ..BEHIND }, ..UPSTREAM };
static WANTS_USER: Scenario =
    Scenario { gateway: Gateway { refuse: |_, _| Some(openai_error(400, REASON, "invalid_request_error", "null")), ..BEHIND }, ..UPSTREAM };
static STREAM_ENDS_EARLY: Scenario =
    Scenario { gateway: Gateway { stream: |c| close_delimited(SSE_TO_THE_END, c.first_half()), ..BEHIND }, ..UPSTREAM };

const SSE_TO_THE_END: &str = "Content-Type: text/event-stream\r\nConnection: close\r\n";
const REASON: &str = "This deployment takes requests of the batch window only, from 22:00 to 06:00 UTC.";

pub(super) static TABLE: &[Scenario] = &[
    // The gateway changes the request.
    behind(
        "gateway-drops-n",
        "The gateway drops n; the upstream obeys it",
        Some("gateway-rewrites-request"),
        Gateway { rewrite: |body| without(body, &["n"]), ..HEALTHY },
        r#"{"kind":"dropped","fields":["/n"]}"#,
    ),
    behind(
        "gateway-drops-three-fields",
        "The gateway drops tool_choice, response_format and stop",
        Some("gateway-rewrites-request"),
        Gateway { rewrite: |body| without(body, &["tool_choice", "response_format", "stop"]), ..HEALTHY },
        r#"{"kind":"dropped","fields":["/tool_choice","/response_format","/stop"]}"#,
    ),
    behind(
        "gateway-inserts-prompt",
        "The gateway puts a text of 300 tokens before every prompt",
        Some("gateway-rewrites-request"),
        Gateway { tune: |c| c.prompt_tokens += 300, ..HEALTHY },
        r#"{"kind":"inserted"}"#,
    ),
    behind(
        "gateway-bounds-answers",
        "The gateway adds max_tokens to requests without it",
        Some("gateway-rewrites-request"),
        Gateway { rewrite: bounded, ..HEALTHY },
        r#"{"kind":"capped","completion_tokens":5}"#,
    ),
    behind(
        "gateway-mangles-tools",
        "LiteLLM passes on a refusal of tools that the upstream takes",
        Some("gateway-rewrites-request"),
        Gateway {
            refuse: |body, _| has(body, "tools").then(|| openai_error(400, MANGLED, "invalid_request_error", r#""400""#)),
            ..HEALTHY
        },
        r#"{"kind":"refused-through-the-gateway","fields":["/tools"]}"#,
    ),
    Scenario {
        gateway: Gateway { rewrite: |body| with(body, "reasoning_effort", "xhigh"), refuse: quoting, ..HEALTHY },
        mode: Some("gateway-rewrites-request"),
        details: r#"{"kind":"quoted","fields":["/reasoning_effort"]}"#,
        ..titled("gateway-adds-field-quoted", "The gateway adds a field; the refusal quotes the request as it arrived")
    },
    // The gateway is slow, hides, breaks, or sends elsewhere.
    behind(
        "gateway-adds-latency",
        "The gateway takes 80 units before each answer",
        Some("gateway-latency"),
        Gateway { tune: |c| c.first += 80.0, ..HEALTHY },
        "",
    ),
    Scenario {
        gateway: Gateway { tune: |c| c.first += 80.0, whole: overhead, ..HEALTHY },
        mode: Some("gateway-latency"),
        ..titled("litellm-overhead-header", "LiteLLM counts its own overhead in a header")
    },
    Scenario {
        upstream: Some(&WANTS_USER),
        gateway: Gateway {
            refuse: |_, _| Some(json(400, r#"{"error":{"message":"null","type":"upstream_error","code":"bad_response_status_code"}}"#)),
            ..HEALTHY
        },
        mode: Some("gateway-hides-error"),
        ..titled("gateway-says-null", "The gateway says null where the upstream gives its reason")
    },
    Scenario {
        upstream: Some(&WANTS_USER),
        gateway: Gateway { refuse: |_, _| Some(json(500, r#"{"error":{"message":"Internal Server Error"}}"#)), ..HEALTHY },
        mode: Some("gateway-hides-error"),
        ..titled("gateway-says-500", "The gateway makes an Internal Server Error of the upstream's 400")
    },
    behind(
        "gateway-breaks-upstream-fine",
        "Every chat fails in the gateway; the upstream answers",
        Some("gateway-misconfigured"),
        Gateway {
            refuse: |_, _| Some(json(500, r#"{"error":{"message":"Cannot read properties of undefined (reading 'choices')"}}"#)),
            ..HEALTHY
        },
        "",
    ),
    behind(
        "gateway-breaks-streams",
        "Every stream fails in the gateway; the upstream streams",
        Some("gateway-misconfigured"),
        Gateway {
            refuse: |body, _| (body["stream"] == true).then(|| json(500, r#"{"error":{"message":"t.getReader is not a function"}}"#)),
            ..HEALTHY
        },
        "",
    ),
    Scenario {
        upstream: Some(&NAMED_OTHERWISE),
        model: Some("fast"),
        gateway: Gateway { serve: |_| Ok("qwen2.5-0.5b-instruct".to_owned()), ..HEALTHY },
        mode: Some("model-substituted"),
        also: &["model-name-ignored"],
        ..titled("alias-leads-elsewhere", "An alias leads to another model than the one that is said to stand behind it")
    },
    behind(
        "gateway-offers-tools",
        "The gateway offers tools of its own; the upstream calls none",
        Some("gateway-tool-middleware"),
        Gateway { tune: |c| c.call = Some(("search_wiki".to_owned(), r#"{"query":"numbers"}"#.to_owned())), ..HEALTHY },
        "",
    ),
    Scenario {
        gateway: Gateway { tune: calls_for_short_prompts, ..HEALTHY },
        mode: Some("gateway-tool-middleware"),
        ..titled("mcp-answers-short-prompts", "MCP in the gateway answers some chats with a call that the client did not offer")
    },
    Scenario {
        upstream: Some(&NAMED_OTHERWISE),
        model: Some("fast"),
        gateway: Gateway {
            serve: |_| Ok("qwen2.5-0.5b-instruct".to_owned()),
            rewrite: |body| without(body, &["n", "stop"]),
            tune: |c| c.first += 60.0,
            ..HEALTHY
        },
        mode: Some("model-substituted"),
        also: &["model-name-ignored"],
        ..titled("alias-to-a-slower-model", "An alias leads to another model, which is slower and knows fewer fields")
    },
    // Both fail alike, or one alone: the same mode, another one to act.
    behind(
        "unreachable-for-the-gateway",
        "The gateway does not reach an upstream that answers from here",
        Some("upstream-unavailable"),
        Gateway { refuse: |_, _| Some(response(502, NGINX, NGINX_502)), ..HEALTHY },
        "",
    ),
    Scenario {
        upstream: Some(&CLOSED),
        gateway: Gateway { refuse: |_, _| Some(response(502, NGINX, NGINX_502)), ..HEALTHY },
        mode: Some("upstream-unavailable"),
        ..titled("down-for-everybody", "The upstream is down, for the gateway and from here")
    },
    behind(
        "gateway-sends-another-key",
        "The gateway's key is refused upstream, the user's own is not",
        Some("upstream-auth-failed"),
        Gateway { refuse: |_, _| Some(refused_key()), ..HEALTHY },
        "",
    ),
    Scenario {
        upstream: Some(&KEY_MISTYPED),
        gateway: Gateway { refuse: |_, _| Some(refused_key()), ..HEALTHY },
        mode: Some("upstream-auth-failed"),
        ..titled("same-dead-key", "The upstream refuses the gateway's key, and the user's as well")
    },
    behind(
        "strict-gateway",
        "The gateway refuses in its own name what the upstream takes",
        Some("unsupported-field"),
        Gateway { refuse: |body, _| has(body, "parallel_tool_calls").then(|| openai_error(400, STRICT, "None", r#""400""#)), ..HEALTHY },
        r#"{"fields":["/parallel_tool_calls"]}"#,
    ),
    behind(
        "gateway-holds-streams-back",
        "The gateway collects streams that the upstream sends piece by piece",
        Some("stream-buffered"),
        Gateway { stream: |c| chunked(SSE, collected(&c.pieces())), ..HEALTHY },
        "",
    ),
    behind(
        "gateway-cuts-streams",
        "The gateway cuts streams that the upstream finishes",
        Some("stream-truncated"),
        Gateway { stream: |c| close_delimited(SSE_TO_THE_END, c.first_half()), ..HEALTHY },
        "",
    ),
    Scenario {
        upstream: Some(&STREAM_ENDS_EARLY),
        gateway: Gateway { stream: |c| close_delimited(SSE_TO_THE_END, c.first_half()), ..HEALTHY },
        mode: Some("stream-truncated"),
        ..titled("upstream-cuts-streams", "The upstream itself cuts its streams")
    },
    // Nothing is broken.
    behind("bypass-healthy", "Gateway and upstream are fine", None, HEALTHY, ""),
    behind(
        "bypass-other-template",
        "The gateway counts 25 prompt tokens more",
        None,
        Gateway { tune: |c| c.prompt_tokens += 25, ..HEALTHY },
        "",
    ),
    behind(
        "bypass-counts-otherwise",
        "The gateway counts with another tokenizer, five times as much",
        None,
        Gateway { tune: |c| c.prompt_tokens *= 5, ..HEALTHY },
        "",
    ),
    Scenario { upstream: Some(&SLOW), ..titled("bypass-slower", "The upstream is slower than the gateway, which has a cache") },
    Scenario {
        upstream: Some(&SLOW),
        gateway: Gateway { tune: |c| c.first += 85.0, ..HEALTHY },
        ..titled("bypass-as-slow", "Both are slow, the gateway a little more")
    },
    Scenario { upstream: Some(&NAMED_OTHERWISE), ..titled("bypass-other-name", "The upstream has another name for the model") },
    Scenario { upstream: Some(&KEY_MISTYPED), ..titled("bypass-wrong-key", "The key that was typed for the upstream is wrong") },
    Scenario { upstream: Some(&CLOSED), ..titled("bypass-unreachable", "The upstream cannot be reached from here, and the gateway works") },
    Scenario {
        upstream: Some(&IGNORES_N),
        gateway: Gateway { rewrite: |body| without(body, &["n"]), ..HEALTHY },
        ..titled("bypass-both-ignore-n", "The upstream itself ignores n")
    },
    Scenario {
        gateway: Gateway { before: quotes_unknown_names, ..HEALTHY },
        ..titled("quotes-requests", "Refusals quote the request as it came, with the defaults of a schema written out")
    },
];

const MANGLED: &str = "litellm.BadRequestError: OpenAIException - Error code: 400 - {'error': {'message': \"Invalid schema for function 'get_weather': schema must be of type object\", 'type': 'invalid_request_error', 'param': 'tools[0].function.parameters', 'code': None}}";
const STRICT: &str = "litellm.UnsupportedParamsError: openai does not support parameters: ['parallel_tool_calls'], for model=gpt-4o-mini. To drop these, set `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`";

const fn titled(id: &'static str, title: &'static str) -> Scenario {
    Scenario { id, title, ..USUAL }
}

const fn behind(id: &'static str, title: &'static str, mode: Option<&'static str>, gateway: Gateway, details: &'static str) -> Scenario {
    Scenario { mode, gateway, details, upstream: Some(&FINE), ..titled(id, title) }
}

fn has(body: &Value, member: &str) -> bool {
    body.get(member).is_some()
}

fn without(mut body: Value, members: &[&str]) -> Value {
    if let Some(all) = body.as_object_mut() {
        all.retain(|name, _| !members.contains(&name.as_str()));
    }
    body
}

fn bounded(mut body: Value) -> Value {
    if !has(&body, "max_tokens") && !has(&body, "max_completion_tokens") {
        body["max_tokens"] = 5.into();
    }
    body
}

fn with(mut body: Value, member: &str, value: &str) -> Value {
    body[member] = value.into();
    body
}

/// A call where the answer would be one word.
fn calls_for_short_prompts(completion: &mut Completion) {
    if completion.call.is_none() && !completion.structured && completion.tokens.len() == 1 {
        completion.call = Some(("list_servers".to_owned(), "{}".to_owned()));
    }
}

fn refused_key() -> Script {
    let message = "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided: sk-prod-****9f3c.";
    openai_error(401, message, "authentication_error", r#""401""#)
}

/// Refuses every request without a word about what is wrong, and quotes it.
fn quoting(body: &Value, _: &Moment) -> Option<Script> {
    Some(json(400, json!({ "error": { "message": "Invalid request", "type": "invalid_request_error" }, "request": body }).to_string()))
}

/// Quotes requests for other models as a schema reads them: with what was not sent written out.
fn quotes_unknown_names(request: &Received, _: &Moment) -> Option<Script> {
    let mut body = request.json();
    if !request.is_chat() || body["model"] == MODEL || !body.is_object() {
        return None;
    }
    for (name, value) in [("stream", json!(false)), ("n", json!(1)), ("temperature", json!(1.0)), ("tools", Value::Null)] {
        if body.get(name).is_none() {
            body[name] = value;
        }
    }
    let message = format!("The model `{}` does not exist or you do not have access to it.", body["model"].as_str().unwrap_or_default());
    Some(json(
        404,
        json!({ "error": { "message": message, "type": "invalid_request_error", "code": "model_not_found" }, "body": body }).to_string(),
    ))
}

/// LiteLLM's account of its own time: nearly all of it.
fn overhead(completion: &Completion) -> Script {
    let headers = "Content-Type: application/json\r\nx-litellm-version: 1.80.0\r\nx-litellm-overhead-duration-ms: 790.4\r\n";
    after(completion.units(), response(200, headers, completion.document()))
}
