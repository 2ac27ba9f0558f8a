//! Request bodies that are refused: one field, one value, one role, or two fields together.

use serde_json::Value;

use super::healthy::has;
use crate::sim::gateway::{Gateway, HEALTHY, Moment};
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    refuses("tool-choice-refused", "vLLM without a tool parser refuses tool_choice", r#"{"fields":["/tool_choice"]}"#, |body, _| {
        has(body, "tool_choice").then(|| bad("\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"))
    }),
    sends(
        TOOL_REQUIRED,
        refuses("tool-choice-required-refused", "tool_choice may be auto or none only", r#"{"fields":["/tool_choice"]}"#, |body, _| {
            let forced = has(body, "tool_choice") && body["tool_choice"] != "auto" && body["tool_choice"] != "none";
            forced.then(|| bad("Thinking mode does not support this tool_choice"))
        }),
    ),
    refuses("parallel-tool-calls-refused", "parallel_tool_calls is not known", r#"{"fields":["/parallel_tool_calls"]}"#, |body, _| {
        has(body, "parallel_tool_calls").then(|| bad("Unrecognized request argument supplied: parallel_tool_calls"))
    }),
    refuses("stream-options-refused", "stream_options is not known", r#"{"fields":["/stream_options"]}"#, |body, _| {
        has(body, "stream_options").then(|| json(400, r#"{"error":{"message":"stream_options: Extra inputs are not permitted","type":"invalid_request_error"},"status_code":400}"#))
    }),
    refuses("max-tokens-renamed", "max_tokens must be max_completion_tokens", r#"{"fields":["/max_tokens"]}"#, |body, _| {
        has(body, "max_tokens").then(|| json(400, RENAMED))
    }),
    sends(
        CAPPED,
        refuses(
            "max-completion-tokens-unknown",
            "An old server does not know max_completion_tokens",
            r#"{"fields":["/max_completion_tokens"]}"#,
            |body, _| {
                has(body, "max_completion_tokens")
                    .then(|| bad("property 'max_completion_tokens' is unsupported, did you mean 'max_tokens'?"))
            },
        ),
    ),
    refuses("temperature-fixed", "A reasoning model takes its own temperature only", r#"{"fields":["/temperature"]}"#, |body, _| {
        let value = body["temperature"].as_f64().filter(|value| *value != 1.0)?;
        let message =
            format!("Unsupported value: 'temperature' does not support {value} with this model. Only the default (1) value is supported.");
        Some(json(
            400,
            format!(
                r#"{{"error":{{"message":"{message}","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}}}"#
            ),
        ))
    }),
    sends(
        DEVELOPER,
        refuses("developer-role-refused", "The role developer is not known", r#"{"fields":["/messages/0/role"]}"#, |body, _| {
            let at = messages(body).iter().position(|message| message["role"] == "developer")?;
            Some(bad(&format!(
                "Failed to deserialize the JSON body into the target type: messages[{at}].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool` at line 1 column 61"
            )))
        }),
    ),
    refuses("content-parts-refused", "Content must be text, not an array of parts", r#"{"fields":["/messages/1/content"]}"#, |body, _| {
        let at = messages(body).iter().position(|message| message["content"].is_array())?;
        let message = format!(
            "Failed to deserialize the JSON body into the target type: messages[{at}]: invalid type: sequence, expected a string at line 1 column 58"
        );
        Some(json(422, format!(r#"{{"detail":{}}}"#, quoted(&message))))
    }),
    sends(
        SCHEMA,
        refuses("json-schema-refused", "response_format json_schema is not available", r#"{"fields":["/response_format"]}"#, |body, _| {
            (body["response_format"]["type"] == "json_schema").then(|| {
                openai_error(400, "This response_format type is unavailable now", "invalid_request_error", r#""invalid_request_error""#)
            })
        }),
    ),
    sends(
        STRICT,
        refuses("strict-tools-refused", "A nested field, strict, is refused", r#"{"fields":["/tools/0/function/strict"]}"#, |body, _| {
            let strict = body["tools"].as_array()?.iter().any(|tool| has(&tool["function"], "strict"));
            strict.then(|| bad("Invalid JSON payload received. Unknown name \"strict\" at 'tools[0].function': Cannot find field."))
        }),
    ),
    refuses("opaque-400", "A field is refused and the error does not say which", r#"{"fields":["/tool_choice"]}"#, |body, _| {
        has(body, "tool_choice").then(|| json(400, r#"{"message":"Bad Request"}"#))
    }),
    refuses("fastapi-422", "FastAPI refuses an unknown field with its location", r#"{"fields":["/parallel_tool_calls"]}"#, |body, _| {
        let value = body.get("parallel_tool_calls")?;
        Some(json(
            422,
            format!(
                r#"{{"detail":[{{"type":"extra_forbidden","loc":["body","parallel_tool_calls"],"msg":"Extra inputs are not permitted","input":{value}}}]}}"#
            ),
        ))
    }),
    refuses(
        "two-fields-refused",
        "Two fields are refused, one after the other",
        r#"{"fields":["/parallel_tool_calls","/temperature"]}"#,
        |body, _| {
            let field = ["temperature", "parallel_tool_calls"].into_iter().find(|field| has(body, field))?;
            Some(bad(&format!("Unsupported parameter: '{field}' is not supported with this model.")))
        },
    ),
    together(
        "temperature-with-top-p",
        "temperature and top_p are refused together, each alone passes",
        r#"{"fields":["/temperature","/top_p"]}"#,
        |body, _| {
            let both = has(body, "temperature") && has(body, "top_p");
            both.then(|| bad("`temperature` and `top_p` cannot both be specified for this model. Please use only one."))
        },
    ),
    together("tools-with-stream", "tools are refused in a stream, each alone passes", r#"{"fields":["/stream","/tools"]}"#, |body, _| {
        let both = has(body, "tools") && body["stream"] == true;
        both.then(|| bad("tools are not supported in streaming mode yet"))
    }),
];

const fn together(id: &'static str, title: &'static str, details: &'static str, refuse: fn(&Value, &Moment) -> Option<Script>) -> Scenario {
    Scenario { mode: Some("field-combination-rejected"), ..refuses(id, title, details, refuse) }
}

/// The same, for a user whose client sends this body.
const fn sends(body: &'static str, scenario: Scenario) -> Scenario {
    Scenario { body: Some(body), ..scenario }
}

const fn refuses(id: &'static str, title: &'static str, details: &'static str, refuse: fn(&Value, &Moment) -> Option<Script>) -> Scenario {
    let gateway = Gateway { refuse, ..HEALTHY };
    Scenario { id, title, mode: Some("unsupported-field"), details, gateway, ..USUAL }
}

fn bad(message: &str) -> Script {
    openai_error(400, message, "invalid_request_error", "null")
}

fn messages(body: &Value) -> &[Value] {
    body["messages"].as_array().map_or(&[], Vec::as_slice)
}

const RENAMED: &str = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#;

const TOOL_REQUIRED: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"What is the weather in Paris?"}],"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}],"tool_choice":"required"}"#;

const CAPPED: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Say ok"}],"max_completion_tokens":256}"#;

const DEVELOPER: &str =
    r#"{"model":"gpt-4o-mini","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"Say ok"}]}"#;

const SCHEMA: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say ok as JSON"}],"response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":{"type":"object","properties":{"answer":{"type":"string"}},"required":["answer"],"additionalProperties":false}}}}"#;

const STRICT: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"What is the weather in Paris?"}],"tools":[{"type":"function","function":{"name":"weather","strict":true,"parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}}}],"tool_choice":"auto"}"#;
