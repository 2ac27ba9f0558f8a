//! Refusals deep inside a body, limits on its tools and its bytes, and bodies that get lost on the way.

use serde_json::Value;

use super::pages::NGINX;
use crate::sim::gateway::{Gateway, HEALTHY, Moment};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    refuses(
        "schema-keyword-refused",
        "unsupported-field",
        "A keyword in one tool's schema is refused, and nothing says which",
        r#"{"fields":["/tools/1/function/parameters/properties/when/format"]}"#,
        |body, _| body["tools"].to_string().contains("\"date-time\"").then(|| json(400, BARE)),
    ),
    refuses("one-tool-refused", "unsupported-field", "One tool of ten is refused for its name", r#"{"fields":["/tools/6"]}"#, |body, _| {
        tools(body).iter().any(|tool| tool["function"]["name"] == "tool_6").then(|| json(400, BARE))
    }),
    refuses(
        "effort-with-long-list",
        "field-combination-rejected",
        "A keyword in a schema excludes a sampling parameter",
        r#"{"fields":["/temperature","/tools/1/function/parameters/properties/when/format"]}"#,
        |body, _| {
            let both = body["tools"].to_string().contains("\"date-time\"") && !body["temperature"].is_null();
            both.then(|| json(400, BARE))
        },
    ),
    refuses("tools-capped", "too-many-tools", "Eight tools are the most, says the server", r#"{"tools":10}"#, |body, _| {
        let count = tools(body).len();
        let message = format!(
            "Invalid 'tools': array too long. Expected an array with maximum length 8, but got an array with length {count} instead."
        );
        (count > 8).then(|| openai_error(400, &message, "invalid_request_error", r#""array_above_max_length""#))
    }),
    refuses("tools-capped-silently", "too-many-tools", "Six tools are the most, and nothing says so", r#"{"limit":6}"#, |body, _| {
        (tools(body).len() > 6).then(|| json(400, BARE))
    }),
    before("bytes-capped-by-proxy", "body-too-large", "nginx takes no body of more than 450 bytes", |request, _| {
        (request.is_chat() && request.body.len() > 450).then(|| response(413, NGINX, TOO_LARGE_PAGE))
    }),
    before("bytes-capped-by-gateway", "body-too-large", "The gateway takes no body of more than 500 bytes", |request, _| {
        (request.is_chat() && request.body.len() > 500).then(|| json(413, TOO_LARGE))
    }),
    before("body-unread-by-litellm", "content-type-lost", "The body is lost on the way, so the model is None", |request, _| {
        request.is_chat().then(|| json(400, NO_MODEL))
    }),
    before("body-unread-by-kong", "content-type-lost", "Kong does not find a chat in the body", |request, _| {
        request.is_chat().then(|| json(400, r#"{"error":{"message":"LLM route only supports llm chat type requests"}}"#))
    }),
];

type Refuse = fn(&Value, &Moment) -> Option<Script>;

const fn refuses(id: &'static str, mode: &'static str, title: &'static str, details: &'static str, refuse: Refuse) -> Scenario {
    let gateway = Gateway { refuse, ..HEALTHY };
    Scenario { id, title, mode: Some(mode), details, gateway, body: Some(TEN_TOOLS), ..USUAL }
}

const fn before(id: &'static str, mode: &'static str, title: &'static str, before: fn(&Received, &Moment) -> Option<Script>) -> Scenario {
    let gateway = Gateway { before, ..HEALTHY };
    Scenario { id, title, mode: Some(mode), gateway, ..USUAL }
}

fn tools(body: &Value) -> &[Value] {
    body["tools"].as_array().map_or(&[], Vec::as_slice)
}

const BARE: &str = r#"{"message":"Bad Request"}"#;

const TOO_LARGE_PAGE: &str = "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too \
    Large</h1></center>\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n";

const TOO_LARGE: &str =
    r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum allowed number of bytes."}}"#;

const NO_MODEL: &str = r#"{"error":{"message":"/chat/completions: Invalid model name passed in model=None. Call `/v1/models` to view available models for your key.","type":"None","param":"None","code":"400"}}"#;

const TEN_TOOLS: &str = concat!(
    r#"{"model":"gpt-4o-mini","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Say ok"}],"temperature":0.2,"tools":["#,
    r#"{"type":"function","function":{"name":"tool_0","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}},"#,
    r#"{"type":"function","function":{"name":"tool_1","parameters":{"type":"object","properties":{"when":{"type":"string","format":"date-time"}}}}},"#,
    r#"{"type":"function","function":{"name":"tool_2"}},{"type":"function","function":{"name":"tool_3"}},"#,
    r#"{"type":"function","function":{"name":"tool_4"}},{"type":"function","function":{"name":"tool_5"}},"#,
    r#"{"type":"function","function":{"name":"tool_6"}},{"type":"function","function":{"name":"tool_7"}},"#,
    r#"{"type":"function","function":{"name":"tool_8"}},{"type":"function","function":{"name":"tool_9"}}]}"#
);
