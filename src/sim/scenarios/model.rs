//! Model names: unknown, not allowed, of another kind, answered by another, without a backend.

use serde_json::Value;

use super::limits::chats;
use crate::sim::completion::Completion;
use crate::sim::gateway::{Gateway, HEALTHY, Moment, not_a_chat_model, serve, unknown_model};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    misnamed("model-wrong-case", "The name has capitals where the server has none", "GPT-4o-Mini", serve),
    misnamed("model-typo", "A letter is missing in the name", "gpt-4o-mni", serve),
    misnamed("model-date-suffix", "The name has a date that the server does not know", "gpt-4o-mini-2024-07-18", serve),
    misnamed("model-extra-prefix", "The name has a provider that the server does not know", "openai/gpt-4o-mini", vllm),
    misnamed("model-trailing-blank", "A blank follows the name", "gpt-4o-mini ", vllm),
    Scenario {
        details: r#"{"suggestions":["openai/gpt-4o-mini"]}"#,
        gateway: Gateway { list: |_| ok_json(PREFIXED_LIST), serve: openrouter, ..HEALTHY },
        ..misnamed("model-missing-prefix", "The name lacks the provider that the list has", "gpt-4o-mini", openrouter)
    },
    Scenario {
        details: "",
        ..misnamed("alias-unknown-upstream", "LiteLLM lists the name, its upstream does not know it", "gpt-4o-mini", alias)
    },
    Scenario {
        details: "",
        ..misnamed("model-no-deployment", "Azure knows no deployment of this name", "gpt-4o", |name| match name {
            "gpt-4o-mini" => Ok(name.to_owned()),
            _ => Err(json(
                404,
                r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again."}}"#,
            )),
        })
    },
    misnamed("model-not-in-enum", "FastAPI validates the name against its own list", "gpt-4o-mni", |name| match name {
        "gpt-4o-mini" => Ok(name.to_owned()),
        _ => Err(json(
            422,
            format!(
                r#"{{"detail":[{{"type":"literal_error","loc":["body","model"],"msg":"Input should be 'gpt-4o-mini' or 'gpt-4o'","input":{}}}]}}"#,
                quoted(name)
            ),
        )),
    }),
    faulty("model-retired-groq", "model-retired", "The model was taken out of service", "llama-3.1-70b-versatile", |name| match name {
        "llama-3.1-70b-versatile" => Err(openai_error(
            400,
            "The model `llama-3.1-70b-versatile` has been decommissioned and is no longer supported. Please refer to https://console.groq.com/docs/deprecations for a recommendation on which model to use instead.",
            "invalid_request_error",
            r#""model_decommissioned""#,
        )),
        _ => serve(name),
    }),
    faulty("model-retired-openai", "model-retired", "The model is deprecated and gone", "gpt-4-vision-preview", |name| match name {
        "gpt-4-vision-preview" => Err(openai_error(
            404,
            "The model `gpt-4-vision-preview` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations",
            "invalid_request_error",
            r#""model_not_found""#,
        )),
        _ => serve(name),
    }),
    faulty("model-denied-to-key", "model-access-denied", "The key may use other models, not this one", "gpt-4o-mini", |name| match name {
        "gpt-4o-mini" => Err(json(
            403,
            r#"{"error":{"message":"key not allowed to access model. This key can only access models=['llama-3.1-8b-instruct']. Tried to access gpt-4o-mini","type":"key_model_access_denied","param":"model","code":"403"}}"#,
        )),
        _ => serve(name),
    }),
    faulty(
        "model-denied-to-project",
        "model-access-denied",
        "The project has no access to a listed model",
        "gpt-4o-mini",
        |name| match name {
            "gpt-4o-mini" => Err(openai_error(
                403,
                "Project `proj_Sim1` does not have access to model `gpt-4o-mini`",
                "invalid_request_error",
                r#""model_not_found""#,
            )),
            _ => serve(name),
        },
    ),
    faulty("model-embedding", "model-task-mismatch", "An embedding model is asked to chat", "text-embedding-3-small", |name| match name {
        "text-embedding-3-small" => Err(json(
            400,
            r#"{"error":{"code":"OperationNotSupported","message":"The chatCompletion operation does not work with the specified model, text-embedding-3-small. Please choose different model and try again. You can learn more about which models can be used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993."}}"#,
        )),
        _ => serve(name),
    }),
    Scenario {
        gateway: Gateway { before: completions_route, list: |_| ok_json(INSTRUCT_LIST), serve: instruct, ..HEALTHY },
        also: &["endpoint-missing", "wrong-dialect"],
        ..faulty(
            "model-completion-only",
            "model-task-mismatch",
            "A completion-only model is asked to chat",
            "gpt-3.5-turbo-instruct",
            instruct,
        )
    },
    substituted("fallback-in-silence", "A fallback model answers, and only the body says so", |c| {
        c.model = "llama-3.1-8b-instruct".to_owned();
    }),
    Scenario {
        gateway: Gateway {
            tune: |c| c.model = "claude-3-haiku-20240307".to_owned(),
            whole: |c| after(c.units(), response(200, FALLBACK_HEADERS, c.document())),
            ..HEALTHY
        },
        ..substituted("fallback-litellm", "LiteLLM falls back and says so in its headers", |_| {})
    },
    Scenario {
        gateway: Gateway { list: |_| ok_json(LOCAL_LIST), serve: |_| Ok("qwen2.5-7b-instruct-q4_k_m.gguf".to_owned()), ..HEALTHY },
        ..faulty(
            "one-model-for-all-names",
            "model-name-ignored",
            "One model answers to every name, under its own",
            "qwen2.5-7b-instruct-q4_k_m.gguf",
            serve,
        )
    },
    faulty("any-name-echoed", "model-name-ignored", "Every name is answered, and echoed", "gpt-4o-mini", |name| Ok(name.to_owned())),
    chats("cooldown-litellm", "no-healthy-deployment", "LiteLLM has put all deployments into cooldown", |_| {
        response(429, "Content-Type: application/json\r\nRetry-After: 5\r\n", COOLDOWN)
    }),
    chats("no-healthy-deployment-litellm", "no-healthy-deployment", "LiteLLM finds no healthy deployment", |_| {
        openai_error(
            500,
            "litellm.InternalServerError: No healthy deployment available, passed model=gpt-4o-mini",
            "internal_server_error",
            r#""500""#,
        )
    }),
    chats("no-provider-available", "no-healthy-deployment", "No provider meets the routing rules", |_| {
        json(503, r#"{"error":{"code":503,"message":"There is no available model provider that meets your routing requirements"}}"#)
    }),
    faulty("no-channel-one-api", "no-route-for-model", "one-api has no channel for model and group", "gpt-4o-mini", |name| {
        let message = format!("当前分组 default 下对于模型 {name} 无可用渠道 (request id: 202510161555437244439317690388)");
        Err(json(503, format!(r#"{{"error":{{"message":{},"type":"one_api_error"}}}}"#, quoted(&message))))
    }),
    faulty("no-channel-new-api", "no-route-for-model", "new-api has no channel, and says so in English", "gpt-4o-mini", |name| {
        let message =
            format!("No available channel for model {name} under group default (distributor) (request id: 20251016155543724443931)");
        Err(openai_error(503, &message, "new_api_error", r#""model_not_found""#))
    }),
    loads("loading-llama-server", "The server is still loading its model", |_, moment| {
        let body = r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#;
        (moment.units < LOADED).then(|| json(503, body))
    }),
    loads("loading-hugging-face", "The model is loading, with an estimate", |_, moment| {
        let body = r#"{"error":"Model gpt-4o-mini is currently loading","estimated_time":2.0}"#;
        (moment.units < LOADED).then(|| json(503, body))
    }),
];

type Serve = fn(&str) -> Result<String, Script>;

const fn faulty(id: &'static str, mode: &'static str, title: &'static str, model: &'static str, serve: Serve) -> Scenario {
    let gateway = Gateway { serve, ..HEALTHY };
    Scenario { id, title, mode: Some(mode), model: Some(model), gateway, ..USUAL }
}

const fn misnamed(id: &'static str, title: &'static str, model: &'static str, serve: Serve) -> Scenario {
    Scenario { details: r#"{"suggestions":["gpt-4o-mini"]}"#, ..faulty(id, "model-name-mismatch", title, model, serve) }
}

const fn substituted(id: &'static str, title: &'static str, tune: fn(&mut Completion)) -> Scenario {
    Scenario { id, title, mode: Some("model-substituted"), gateway: Gateway { tune, ..HEALTHY }, ..USUAL }
}

const fn loads(id: &'static str, title: &'static str, refuse: fn(&Value, &Moment) -> Option<Script>) -> Scenario {
    Scenario { id, title, mode: Some("model-loading"), gateway: Gateway { refuse, ..HEALTHY }, ..USUAL }
}

/// Units from the first chat until a model is loaded.
const LOADED: f32 = 30.0;

fn vllm(name: &str) -> Result<String, Script> {
    if name == "gpt-4o-mini" {
        return Ok(name.to_owned());
    }
    let message = quoted(&format!("The model `{name}` does not exist."));
    Err(json(404, format!(r#"{{"error":{{"message":{message},"type":"NotFoundError","param":"model","code":404}}}}"#)))
}

fn openrouter(name: &str) -> Result<String, Script> {
    match name {
        "openai/gpt-4o-mini" | "meta-llama/llama-3.1-8b-instruct" => Ok(name.to_owned()),
        _ => Err(json(400, format!(r#"{{"error":{{"message":"{name} is not a valid model ID","code":400}}}}"#))),
    }
}

/// LiteLLM's own name passes, and what it maps to is refused by the provider.
fn alias(name: &str) -> Result<String, Script> {
    match name {
        "llama-3.1-8b-instruct" => Ok(name.to_owned()),
        "gpt-4o-mini" => Err(openai_error(
            404,
            "litellm.NotFoundError: NotFoundError: OpenAIException - The model `gpt-4o-mini-prod` does not exist or you do not have access to it.\n\nLiteLLM: model group 'gpt-4o-mini' failed with the error above. No fallback was attempted.",
            "invalid_request_error",
            r#""404""#,
        )),
        _ => Err(openai_error(
            400,
            &format!(
                "/chat/completions: Invalid model name passed in model={name}. Call `/v1/models` to view available models for your key."
            ),
            "invalid_request_error",
            r#""400""#,
        )),
    }
}

fn instruct(name: &str) -> Result<String, Script> {
    Err(if name == "gpt-3.5-turbo-instruct" { not_a_chat_model() } else { unknown_model(name) })
}

fn completions_route(request: &Received, _: &Moment) -> Option<Script> {
    (request.method == "POST" && request.route() == "/v1/completions").then(|| {
        ok_json(r#"{"id":"cmpl-7c1d","object":"text_completion","created":1741569952,"model":"gpt-3.5-turbo-instruct","choices":[{"index":0,"text":" ok","logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}"#)
    })
}

const COOLDOWN: &str = r#"{"error":{"message":"No deployments available for selected model, Try again in 5 seconds. All deployments for selected model are in cooldown. Passed model=gpt-4o-mini. pre-call-checks=False, cooldown_list=['e2ba86a92c1383b62f77dec63e15e30d12154b14f12262d6b99820ae363b6bb3']","type":"all_deployments_in_cooldown","param":null,"code":"429"}}"#;

const FALLBACK_HEADERS: &str = "Content-Type: application/json\r\nx-litellm-model-group: gpt-4o-mini\r\n\
    x-litellm-attempted-fallbacks: 1\r\nx-litellm-version: 1.106.2\r\n";

const PREFIXED_LIST: &str = r#"{"data":[{"id":"openai/gpt-4o-mini","name":"OpenAI: GPT-4o-mini"},{"id":"meta-llama/llama-3.1-8b-instruct","name":"Meta: Llama 3.1 8B Instruct"}]}"#;

const INSTRUCT_LIST: &str =
    r#"{"object":"list","data":[{"id":"gpt-3.5-turbo-instruct","object":"model","created":1692901427,"owned_by":"system"}]}"#;

const LOCAL_LIST: &str =
    r#"{"object":"list","data":[{"id":"qwen2.5-7b-instruct-q4_k_m.gguf","object":"model","created":1741569952,"owned_by":"llamacpp"}]}"#;
