use super::*;

fn seen(text: &str) -> Sighting {
    read(text, 1).unwrap_or_else(|| panic!("no exception in {text}"))
}

fn check(text: &str, status: u16, body: &str) {
    let seen = seen(text);
    assert_eq!((seen.status, seen.body.as_deref()), (Some(status), Some(body)), "{text}");
}

fn check_unanswered(text: &str) {
    let seen = seen(text);
    assert_eq!((seen.status, seen.body.as_deref()), (None, None), "{text}");
}

#[test]
fn python() {
    let body = "{'error': {'message': 'no such model', 'type': 'invalid_request_error', 'param': None, 'code': 'model_not_found'}}";
    check(
        &format!(
            "Traceback (most recent call last):\n  File \"a.py\", line 404, in create\n    return self._post(\nopenai.NotFoundError: Error code: 404 - {body}"
        ),
        404,
        body,
    );
    check(
        "anthropic.BadRequestError: Error code: 400 - {'type': 'error', 'error': {'message': 'too long'}}",
        400,
        "{'type': 'error', 'error': {'message': 'too long'}}",
    );
    check(
        "google.api_core.exceptions.InvalidArgument: 400 API key not valid. Please pass a valid API key.\nTraceback (most recent call last):",
        400,
        "API key not valid. Please pass a valid API key.",
    );
    check(
        "litellm.exceptions.RateLimitError: litellm.RateLimitError: AnthropicException - Error code: 429 - {\"error\":{\"message\":\"slow\"}}",
        429,
        "litellm.exceptions.RateLimitError: litellm.RateLimitError: AnthropicException - Error code: 429 - {\"error\":{\"message\":\"slow\"}}",
    );
    let raised = seen("requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://api.x.ai/v1/chat/completions");
    assert_eq!((raised.status, raised.url.as_deref()), (Some(401), Some("https://api.x.ai/v1/chat/completions")));
    let raised = seen(
        "httpx.HTTPStatusError: Client error '404 Not Found' for url 'http://gw:4000/chat/completions'\nFor more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/404",
    );
    assert_eq!((raised.status, raised.url.as_deref()), (Some(404), Some("http://gw:4000/chat/completions")));
}

#[test]
fn the_cause_of_a_chain_is_the_core() {
    let chain = "Traceback (most recent call last):\n  File \"httpx.py\", line 1, in x\nopenai.APIStatusError: Error code: 529 - {'error': {'message': 'Overloaded'}}\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"app.py\", line 2, in y\nAppError: Error code: 500 - {'error': {'message': 'LLM failed'}}";
    check(chain, 529, "{'error': {'message': 'Overloaded'}}");
    let java = "java.lang.RuntimeException: chat failed: HTTP 500 {\"error\":{\"message\":\"wrapped\"}}\n\tat a.B.c(B.java:20)\nCaused by: org.springframework.ai.retry.NonTransientAiException: 400 - {\"error\":{\"message\":\"bad field\"}}\n\tat a.B.c(B.java:20)";
    check(java, 400, "{\"error\":{\"message\":\"bad field\"}}");
}

#[test]
fn javascript() {
    check(
        "NotFoundError: 404 The model `x` does not exist\n    at APIError.generate (error.js:54:20)",
        404,
        "The model `x` does not exist",
    );
    let node = seen(
        "Error: 400 The model is gone. Use another.\n    at eV.generate (a.js:1:2) {\n  status: 400,\n  headers: [Object],\n  code: 'model_decommissioned',\n  param: undefined,\n  type: 'invalid_request_error'\n}",
    );
    let body: serde_json::Value = serde_json::from_str(node.body.as_deref().unwrap_or_default()).expect("put together");
    assert_eq!((node.status, body["error"]["code"].as_str()), (Some(400), Some("model_decommissioned")));
    let vercel = "AI_APICallError: Bad Request\n    at index.mjs:1:2 {\n  cause: undefined,\n  url: 'https://api.openai.com/v1/responses',\n  statusCode: 400,\n  responseBody: '{\"error\":{\"message\":\"Unknown parameter\"}}',\n  isRetryable: false\n}";
    check(vercel, 400, "{\"error\":{\"message\":\"Unknown parameter\"}}");
    assert_eq!(seen(vercel).url.as_deref(), Some("https://api.openai.com/v1/responses"));
    check_unanswered(
        "TypeError: fetch failed\n    at node:internal/deps/undici/undici:13502:13 {\n  [cause]: Error: connect ECONNREFUSED ::1:11434\n      at TCPConnectWrap.afterConnect {\n    errno: -4078,\n    code: 'ECONNREFUSED',\n    port: 11434\n  }\n}",
    );
    let axios = seen("AxiosError: Request failed with status code 429\n    at settle (settle.js:19:12) {\n  code: 'ERR_BAD_REQUEST'");
    assert_eq!(axios.status, Some(429));
}

#[test]
fn go_java_dotnet_rust() {
    check_unanswered("Error: Post \"http://10.0.0.5:4000/v1/chat/completions\": dial tcp 10.0.0.5:4000: connect: connection refused");
    check(
        "dev.langchain4j.exception.AuthenticationException: {\"error\":{\"message\":\"Incorrect key\",\"code\":\"invalid_api_key\"}}\nstatus code: 401",
        401,
        "{\"error\":{\"message\":\"Incorrect key\",\"code\":\"invalid_api_key\"}}",
    );
    check(
        "Unhandled exception. System.ClientModel.ClientResultException: HTTP 400 (invalid_request_error: invalid_parameter_error)\n\nenable_thinking must be false\n   at OpenAI.X.Y()",
        400,
        "enable_thinking must be false",
    );
    check_unanswered(
        "Error: error sending request for url (http://localhost:8000/v1/chat/completions)\n\nCaused by:\n    0: client error (Connect)\n    1: Connection refused (os error 111)",
    );
}

#[test]
fn words_alone_are_no_exception() {
    for text in ["I get an error with my gateway", "Why does it return 404?", "", "Error"] {
        assert_eq!(read(text, 1), None, "{text}");
    }
}
