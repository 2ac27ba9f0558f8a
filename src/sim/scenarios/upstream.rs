//! Gateways that are fine themselves and whose upstream, routes or neighbours are not.

use std::time::Duration;

use serde_json::Value;

use super::limits::chats;
use super::pages::BLOCKED;
use super::pages::*;
use crate::sim::gateway::{Gateway, HEALTHY, Moment};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    chats("upstream-down-nginx", "upstream-unavailable", "nginx finds no upstream", |_| response(502, NGINX, NGINX_502)),
    chats("upstream-504-at-once", "upstream-unavailable", "nginx answers 504 without having waited", |_| response(504, NGINX, NGINX_504)),
    chats("upstream-down-litellm", "upstream-unavailable", "LiteLLM cannot connect to its upstream", |_| {
        let message = "litellm.InternalServerError: InternalServerError: OpenAIException - Connection error.. Received Model Group=gpt-4o-mini\nAvailable Model Group Fallbacks=None";
        openai_error(500, message, "internal_server_error", r#""500""#)
    }),
    chats("upstream-down-portkey", "upstream-unavailable", "Portkey passes on that the connection was refused", |_| {
        json(500, r#"{"html-message":"connect ECONNREFUSED 10.0.3.17:8000","provider":"openai"}"#)
    }),
    chats("upstream-down-haproxy", "upstream-unavailable", "HAProxy has no server left", |_| html(503, HAPROXY_503)),
    Scenario {
        also: &["no-healthy-deployment", "rate-limited"],
        ..refuses("upstream-key-litellm", "upstream-auth-failed", "LiteLLM's own key is refused, then a cooldown hides it", litellm)
    },
    chats("upstream-key-portkey", "upstream-auth-failed", "Portkey's provider refuses Portkey's key", |_| {
        json(
            401,
            r#"{"error":{"message":"openai error: Incorrect API key provided: sk-prod-****************9f3c. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"},"provider":"openai"}"#,
        )
    }),
    chats("upstream-key-as-500", "upstream-auth-failed", "The upstream's 401 is passed on as 500", |_| {
        json(500, r#"{"error":{"message":"upstream error: 401 Unauthorized: invalid api key","type":"upstream_error"}}"#)
    }),
    chats("upstream-key-unset", "upstream-auth-failed", "The gateway's own process has no key", |_| {
        json(500, r#"{"error":{"message":"OPENAI_API_KEY environment variable is not set on the server"}}"#)
    }),
    chats("upstream-key-missing", "upstream-auth-failed", "The gateway has no credential for this provider", |_| {
        json(
            401,
            r#"{"detail":"No Vertex AI credential is configured on this proxy and the request carried no upstream Google credential."}"#,
        )
    }),
    refuses("every-second-fails", "intermittent-failure", "Every second chat gets 502", |_, moment| {
        moment.chat.is_multiple_of(2).then(|| response(502, NGINX, NGINX_502))
    }),
    refuses("every-third-resets", "intermittent-failure", "Every third chat is reset", |_, moment| {
        moment.chat.is_multiple_of(3).then(|| vec![Act::Reset])
    }),
    chats("kong-transform-fails", "gateway-misconfigured", "Kong fails to transform the answer", |_| {
        json(
            500,
            r#"{"error":{"message":"issue when transforming the response body for analytics: transformation failed from type mistral://llm/v1/chat: failed to decode llm/v1/chat response"}}"#,
        )
    }),
    chats("kong-lua-fails", "gateway-misconfigured", "Kong's Lua fails in the body filter", |_| {
        json(
            500,
            r#"{"message":"failed to run body_filter_by_lua*: /usr/local/share/lua/5.1/kong/llm/drivers/shared.lua:363: Invalid start: expected '['"}"#,
        )
    }),
    refuses("larger-body-fails-twice", "intermittent-failure", "500 twice for one body, which then passes", |body, moment| {
        let failing = body["tools"].is_array() && moment.chat <= 7;
        failing.then(|| openai_error(500, "Internal server error", "server_error", "null"))
    }),
    before("cloudflare-challenge", "waf-blocked", "Cloudflare challenges every POST", |request, _| {
        (request.method == "POST").then(|| response(403, CLOUDFLARE, JUST_A_MOMENT))
    }),
    Scenario {
        headers: &[("User-Agent", "OpenAI/Python 3.52.0")],
        ..before("user-agent-blocked", "waf-blocked", "A firewall blocks the SDK's User-Agent on POST", |request, _| {
            let agent = request.header("user-agent").unwrap_or_default();
            (request.method == "POST" && agent.contains("OpenAI/"))
                .then(|| response(403, "Server: cloudflare\r\nContent-Type: text/html\r\n", BLOCKED))
        })
    },
    chats("region-openai", "region-blocked", "The country is not served, says OpenAI", |_| {
        json(
            403,
            r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}"#,
        )
    }),
    chats("region-google", "region-blocked", "The location is not served, says Google with 400", |_| {
        json(400, r#"[{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}]"#)
    }),
];

const fn before(id: &'static str, mode: &'static str, title: &'static str, before: fn(&Received, &Moment) -> Option<Script>) -> Scenario {
    Scenario { id, title, mode: Some(mode), gateway: Gateway { before, ..HEALTHY }, ..USUAL }
}

const fn refuses(id: &'static str, mode: &'static str, title: &'static str, refuse: fn(&Value, &Moment) -> Option<Script>) -> Scenario {
    Scenario { id, title, mode: Some(mode), gateway: Gateway { refuse, ..HEALTHY }, ..USUAL }
}

/// The true error, then for a second the cooldown that it caused. The list is LiteLLM's own and passes.
fn litellm(_: &Value, moment: &Moment) -> Option<Script> {
    Some(match moment.memory.cools(Duration::from_secs(1)) {
        true => response(429, "Content-Type: application/json\r\nRetry-After: 1\r\n", COOLDOWN),
        false => openai_error(401, UPSTREAM_KEY, "authentication_error", r#""401""#),
    })
}

const UPSTREAM_KEY: &str = "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided: \
    sk-prod-****************9f3c. You can find your API key at https://platform.openai.com/account/api-keys.\n\nLiteLLM: model group \
    'gpt-4o-mini' failed with the error above. No fallback was attempted.";

const COOLDOWN: &str = r#"{"error":{"message":"No deployments available for selected model, Try again in 1 seconds. All deployments for selected model are in cooldown. Passed model=gpt-4o-mini. pre-call-checks=False, cooldown_list=['e2ba86a92c1383b62f77dec63e15e30d12154b14f12262d6b99820ae363b6bb3']","type":"all_deployments_in_cooldown","param":null,"code":"429"}}"#;

const CLOUDFLARE: &str =
    "Server: cloudflare\r\nCF-RAY: 8f2d6c1b7e3a4f01-FRA\r\ncf-mitigated: challenge\r\nContent-Type: text/html; charset=UTF-8\r\n";

const JUST_A_MOMENT: &str = "<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment...</title>\
    <meta name=\"robots\" content=\"noindex,nofollow\"></head><body><noscript>Enable JavaScript and cookies to continue</noscript>\
    <script src=\"/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1\"></script></body></html>";
