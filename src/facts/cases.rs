//! Refusals as they are met, from every family of servers, each with what it means.

use super::Cause::{self, *};
use super::{ErrorText, read_error};

/// Status, code, type, message.
type Case = (u16, &'static str, &'static str, &'static str, Cause);

const OPENAI_AND_AZURE: &[Case] = &[
    (
        401,
        "invalid_api_key",
        "invalid_request_error",
        "Incorrect API key provided: sk-a***z. You can find your API key at https://platform.openai.com/account/api-keys.",
        KeyRejected,
    ),
    (
        401,
        "",
        "invalid_request_error",
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth.",
        KeyMissing,
    ),
    (404, "model_not_found", "invalid_request_error", "The model `gpt-9` does not exist or you do not have access to it.", ModelOrAccess),
    (403, "model_not_found", "invalid_request_error", "Project `proj_1` does not have access to model `gpt-4o`", ModelDenied),
    (
        429,
        "rate_limit_exceeded",
        "tokens",
        "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 28000, Requested 5000. Please try again in 6s.",
        RateLimited,
    ),
    (
        429,
        "rate_limit_exceeded",
        "requests",
        "Rate limit reached for gpt-4o-mini in organization org-x on requests per day (RPD): Limit 200, Used 200, Requested 1.",
        QuotaExhausted,
    ),
    (
        400,
        "unsupported_parameter",
        "invalid_request_error",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        MaxTokensRenamed,
    ),
    (
        400,
        "context_length_exceeded",
        "invalid_request_error",
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        ContextExceeded,
    ),
    (404, "", "invalid_request_error", "This model is only supported in v1/responses and not in v1/chat/completions.", ModelTask),
    (
        400,
        "",
        "invalid_request_error",
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.",
        HistoryRejected,
    ),
    (400, "unknown_parameter", "invalid_request_error", "Unknown parameter: 'reasoning'.", UnknownField),
    (404, "DeploymentNotFound", "", "The API deployment for this resource does not exist.", ModelUnknown),
    (
        429,
        "429",
        "",
        "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-02-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 20 seconds.",
        RateLimited,
    ),
    (403, "AccessDenied", "", "Access denied due to Virtual Network/Firewall rules.", IpDenied),
];

const ANTHROPIC_GOOGLE_AWS: &[Case] = &[
    (400, "", "invalid_request_error", "Your credit balance is too low to access the Anthropic API.", CreditsExhausted),
    (400, "", "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", ContextExceeded),
    (404, "", "not_found_error", "model: claude-9-opus", ModelUnknown),
    (
        429,
        "",
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 30,000 input tokens per minute.",
        RateLimited,
    ),
    (529, "", "overloaded_error", "Overloaded", Overloaded),
    (400, "", "invalid_request_error", "messages: text content blocks must be non-empty", UnsupportedValue),
    (
        400,
        "",
        "invalid_request_error",
        "messages.3: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1.",
        HistoryRejected,
    ),
    (400, "400", "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", KeyRejected),
    (
        404,
        "404",
        "NOT_FOUND",
        "models/gemini-1.0 is not found for API version v1beta, or is not supported for generateContent.",
        ModelUnknown,
    ),
    (503, "503", "UNAVAILABLE", "The model is overloaded. Please try again later.", Overloaded),
    (
        404,
        "404",
        "NOT_FOUND",
        "Publisher Model `projects/p/locations/l/publishers/google/models/m` was not found or your project does not have access to it.",
        ModelOrAccess,
    ),
    (400, "", "ValidationException", "The provided model identifier is invalid.", ModelUnknown),
    (403, "", "AccessDeniedException", "You don't have access to the model with the specified model ID.", ModelDenied),
    (403, "", "UnrecognizedClientException", "The security token included in the request is invalid.", KeyRejected),
    (429, "", "ThrottlingException", "Too many tokens, please wait before trying again.", RateLimited),
];

const OTHER_PROVIDERS: &[Case] = &[
    (400, "1500", "invalid_model", "Invalid model: mistral-foo", ModelUnknown),
    (
        413,
        "rate_limit_exceeded",
        "tokens",
        "Request too large for model `llama-3.1-8b-instant` in organization `o` on tokens per minute (TPM): Limit 6000, Requested 9000",
        RateLimited,
    ),
    (402, "invalid_request_error", "unknown_error", "Insufficient Balance", CreditsExhausted),
    (400, "invalid_request_error", "invalid_request_error", "Model Not Exist", ModelUnknown),
    (429, "429", "", "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day", QuotaExhausted),
    (404, "404", "", "No endpoints found for foo/bar.", NoDeployment),
    (
        404,
        "404",
        "",
        "No endpoints found that support tool use. To learn more about provider routing, visit: https://openrouter.ai/docs/provider-routing",
        UnsupportedField,
    ),
    (401, "", "", "invalid api token", KeyRejected),
    (
        404,
        "",
        "",
        "model 'command-x' not found, make sure the correct model ID was used and that you have access to the model.",
        ModelUnknown,
    ),
    (404, "", "", "The model grok-9 does not exist or your team 1 does not have access to it.", ModelOrAccess),
    (404, "NOT_FOUND", "", "Model not found, inaccessible, and/or not deployed", ModelOrAccess),
    (400, "20012", "", "Model does not exist. Please check it carefully.", ModelUnknown),
];

const ENGINES: &[Case] = &[
    (404, "404", "NotFoundError", "The model `Qwen` does not exist.", ModelUnknown),
    (
        400,
        "400",
        "BadRequestError",
        "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set",
        UnsupportedField,
    ),
    (503, "503", "unavailable_error", "Loading model", ModelLoading),
    (404, "", "api_error", "model \"llama9\" not found, try pulling it first", ModelUnknown),
    (400, "", "api_error", "registry.ollama.ai/library/gemma:2b does not support tools", UnsupportedField),
    (500, "", "api_error", "model requires more system memory (5.6 GiB) than is available (3.1 GiB)", UpstreamUnavailable),
    (
        422,
        "",
        "validation",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 20 `max_new_tokens`",
        ContextExceeded,
    ),
    (503, "", "", "Model mistralai/Mistral-7B is currently loading", ModelLoading),
    (404, "", "", "No models loaded. Please load a model in the developer page or use the `lms load` command.", NoDeployment),
    (200, "", "", "Unexpected endpoint or method. (POST /chat/completions)", RouteMissing),
];

const GATEWAYS: &[Case] = &[
    (400, "400", "no_db_connection", "No connected db.", KeyRejected),
    (
        429,
        "429",
        "None",
        "No deployments available for selected model, Try again in 5 seconds. Passed model=gpt-4o. pre-call-checks=False",
        NoDeployment,
    ),
    (
        400,
        "400",
        "invalid_request_error",
        "/chat/completions: Invalid model name passed in model=None. Call `/v1/models` to view available models for your key.",
        ModelMissing,
    ),
    (
        401,
        "401",
        "invalid_request_error",
        "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided: sk-a***z.",
        UpstreamAuth,
    ),
    (429, "429", "budget_exceeded", "Budget has been exceeded! Current cost: 3.0, Max budget: 2.5", QuotaExhausted),
    (503, "model_not_found", "new_api_error", "分组 default 下模型 gpt-9 无可用渠道（distributor） (request id: 1)", NoRoute),
    (403, "", "new_api_error", "该令牌无权访问模型 gpt-4o (request id: 1)", ModelDenied),
    (403, "insufficient_user_quota", "new_api_error", "用户额度不足, 剩余额度: ＄0.000000 (request id: 1)", CreditsExhausted),
    (401, "", "new_api_error", "无效的令牌 (request id: 1)", KeyRejected),
    (404, "", "", "no Route matched with those values", RouteMissing),
    (401, "", "", "No API key found in request", KeyMissing),
    (429, "", "", "API rate limit exceeded", RateLimited),
    (504, "", "", "The upstream server is timing out", UpstreamTimeout),
    (408, "", "timeout_error", "Request exceeded the timeout sent in the request: 5000ms", UpstreamTimeout),
    (
        502,
        "",
        "",
        "All variants failed with errors: a: All model providers failed to infer with errors: up: Error 401 Unauthorized from openai client: {\"error\":{\"message\":\"Incorrect API key provided: x\"}}",
        UpstreamAuth,
    ),
    (400, "", "", "Unable to determine provider for model. Please specify a provider using the ?provider= query parameter", ModelUnknown),
    (400, "", "", "Post \"https://api.example.com\": net/http: timeout awaiting response headers", UpstreamTimeout),
];

const PAGES: &[Case] = &[
    (
        413,
        "",
        "",
        "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>",
        BodyTooLarge,
    ),
    (
        502,
        "",
        "",
        "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>",
        UpstreamUnavailable,
    ),
    (504, "", "", "<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>", UpstreamTimeout),
    (
        503,
        "",
        "",
        "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>",
        UpstreamUnavailable,
    ),
    (503, "", "", "upstream connect error or disconnect/reset before headers. reset reason: connection failure", UpstreamUnavailable),
    (504, "", "", "upstream request timeout", UpstreamTimeout),
    (403, "", "", "error code: 1020", Waf),
    (403, "", "", "<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment...</title>", Waf),
    (522, "", "", "error code: 522", UpstreamUnavailable),
    (400, "", "", "Client sent an HTTP request to an HTTPS server.\n", PlainHttpToTls),
    (400, "", "", "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />", PlainHttpToTls),
    (404, "", "", "404 page not found", RouteMissing),
    (405, "", "", "{\"detail\":\"Method Not Allowed\"}", MethodNotAllowed),
    (
        422,
        "",
        "",
        "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"n\"],\"msg\":\"Extra inputs are not permitted\",\"input\":1}]}",
        UnknownField,
    ),
    (
        422,
        "",
        "",
        "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"model\"],\"msg\":\"Field required\",\"input\":{}}]}",
        ModelMissing,
    ),
];

#[test]
fn refusals_of_every_family_are_read() {
    let all = [OPENAI_AND_AZURE, ANTHROPIC_GOOGLE_AWS, OTHER_PROVIDERS, ENGINES, GATEWAYS, PAGES];
    let wrong: Vec<_> = all.into_iter().flatten().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn wrong((status, code, kind, message, cause): &Case) -> Option<String> {
    let given = |text: &'static str| (!text.is_empty()).then_some(text);
    let error = ErrorText { status: Some(*status), code: given(code), kind: given(kind), param: None, message, headers: &[], raw: message };
    let readings = read_error(&error);
    let right = readings.first().is_some_and(|first| first.cause == *cause);
    (!right).then(|| {
        format!("{cause:?} for {message:?}, but {:?}", readings.iter().map(|reading| (reading.cause, reading.row)).collect::<Vec<_>>())
    })
}
