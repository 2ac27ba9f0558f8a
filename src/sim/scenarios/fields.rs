//! Refused fields whose refusal is no 400 with a name: a server error, a page, a policy, silence.

use std::time::SystemTime;

use serde_json::Value;

use super::healthy::has;
use super::pages::*;
use crate::sim::gateway::{Gateway, HEALTHY, Moment};
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    refuses("field-as-502-page", "nginx's 502 page whenever temperature is sent", r#"{"fields":["/temperature"]}"#, |body, _| {
        has(body, "temperature").then(|| response(502, NGINX, NGINX_502))
    }),
    refuses("field-as-500", "A bare 500 whenever top_p is sent", r#"{"fields":["/top_p"]}"#, |body, _| {
        has(body, "top_p").then(|| json(500, r#"{"error":{"message":"Internal Server Error"}}"#))
    }),
    refuses("field-as-500-numbered", "500 with another request id each time", r#"{"fields":["/user"]}"#, |body, _| {
        let id = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        has(body, "user").then(|| json(500, format!(r#"{{"error":{{"message":"Internal error (request id: {id})"}}}}"#)))
    }),
    refuses("field-forbidden", "A policy answers 403 to tools", r#"{"fields":["/tools"]}"#, |body, _| {
        has(body, "tools").then(|| json(403, r#"{"error":{"message":"tools is not allowed by policy","type":"forbidden"}}"#))
    }),
    refuses(
        "field-no-endpoint",
        "No provider of this model supports max_tokens, says a 404",
        r#"{"fields":["/max_tokens"]}"#,
        |body, _| {
            has(body, "max_tokens").then(|| json(404, r#"{"error":{"message":"No endpoints found that support max_tokens","code":404}}"#))
        },
    ),
    refuses("field-misnamed", "The refusal names another field than the one that it is about", r#"{"fields":["/top_p"]}"#, |body, _| {
        has(body, "top_p").then(|| openai_error(400, "Unknown parameter: 'user'.", "invalid_request_error", "null"))
    }),
    refuses("field-hangs", "With tools, no answer ever comes", r#"{"fields":["/tools"]}"#, |body, _| {
        has(body, "tools").then(|| vec![Act::Wait(2000.0), Act::Reset])
    }),
    together("opaque-pair", "Two fields are refused together, and nothing says which", r#"{"fields":["/top_p","/user"]}"#, |body, _| {
        (has(body, "user") && has(body, "top_p")).then(|| json(400, r#"{"message":"Bad Request"}"#))
    }),
    together(
        "tools-with-stream-options",
        "tools and stream_options exclude each other",
        r#"{"fields":["/stream_options","/tools"]}"#,
        |body, _| {
            let both = has(body, "tools") && has(body, "stream_options");
            both.then(|| json(400, r#"{"error":"stream_options is not supported together with tools"}"#))
        },
    ),
];

const fn refuses(id: &'static str, title: &'static str, details: &'static str, refuse: fn(&Value, &Moment) -> Option<Script>) -> Scenario {
    let gateway = Gateway { refuse, ..HEALTHY };
    Scenario { id, title, mode: Some("unsupported-field"), details, gateway, ..USUAL }
}

const fn together(id: &'static str, title: &'static str, details: &'static str, refuse: fn(&Value, &Moment) -> Option<Script>) -> Scenario {
    Scenario { mode: Some("field-combination-rejected"), ..refuses(id, title, details, refuse) }
}
