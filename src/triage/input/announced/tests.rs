use super::*;

fn read(text: &str) -> (u16, String) {
    let found = find(text, false);
    (found.status.unwrap_or_default(), found.body.unwrap_or_default())
}

fn check(text: &str, status: u16, body: &str) {
    assert_eq!(read(text), (status, body.to_owned()), "{text}");
}

#[test]
fn what_clients_quote() {
    check("Error code: 401 - {'error': {'message': 'no', 'code': None}} (x)", 401, "{'error': {'message': 'no', 'code': None}}");
    check("API Error: 400 {\"error\":{\"message\":\"bad\"}}\nafter", 400, "{\"error\":{\"message\":\"bad\"}}");
    check("API Error: 404 404 page not found`", 404, "404 page not found");
    check("Error: 400 The model `x` is gone. Please.\n    at eV (a.js:1:2)\n  status: 400,", 400, "The model `x` is gone. Please.");
    check("API error: [404] Not Found {\"error\":{\"message\":\"none\"}} URL: x", 404, "{\"error\":{\"message\":\"none\"}}");
    check("error, status code: 400, status: 400 Bad Request, message: bad field", 400, "bad field");
    check("unexpected status code: 429: Rate limit reached", 429, "Rate limit reached");
    check("NonTransientAiException: 400 - {\"error\":{\"message\":\"a\"}}", 400, "{\"error\":{\"message\":\"a\"}}");
    check("x: HTTP 400 (invalid: code)\n\nenable_thinking must be false\n   at A.B()", 400, "enable_thinking must be false");
    check("<400> InternalError.Algo.X: The budget must be positive", 400, "InternalError.Algo.X: The budget must be positive");
    check("(404): No models loaded. Please load one", 404, "No models loaded. Please load one");
    check("ERROR [main] 400: {'error': {'message': 'bad'}}", 400, "{'error': {'message': 'bad'}}");
    check("aborting request: 404 Resource not found", 404, "Resource not found");
    check("unexpected status 404 Not Found: 404 page not found; retrying 1/5 in 203ms…", 404, "404 page not found");
    check("Error: 503 status code (no body)", 503, "");
    check("reqwest::Error { kind: Status(429, None), url: \"x\" }", 429, "");
    check("BadRequestException: 400: {message=Unsupported value, code=x}", 400, "{message=Unsupported value, code=x}");
    check("status code does not indicate success: 404 (Not Found).", 404, "");
    check("Status: 401 (Denied)\n\nContent:\n{\"error\":{\"message\":\"no\"}}\n\nHeaders:", 401, "{\"error\":{\"message\":\"no\"}}");
    check("x:899 - 404, message='Not Found', url='http://h'", 404, "");
    check("请求失败，状态码: 503, 响应: {\"error\":{\"message\":\"无可用渠道\"}}", 503, "{\"error\":{\"message\":\"无可用渠道\"}}");
    check("fails with `Claude error: (HTTP/2 401) x-api-key header is required` for me", 401, "x-api-key header is required");
}

#[test]
fn a_gateway_that_quotes_keeps_its_words() {
    let quoted = "litellm.AuthenticationError: AnthropicException - {\"error\":{\"message\":\"no\"}}";
    check(&format!("I get {quoted} today"), 0, quoted);
    check("openai.BadRequestError: Error code: 400 - {'error': {'message': 'no'}}", 400, "{'error': {'message': 'no'}}");
}

#[test]
fn what_people_tell() {
    check("it returns 504 after 60 seconds", 504, "");
    check("so it returns a 404 — causing the dashboard", 404, "");
    check("the log says 401 Unauthorized, and 500 tokens", 401, "");
    check("→ HTTP 404", 404, "");
    check("回复我 404 No endpoints found that support images", 404, "No endpoints found that support images");
}

#[test]
fn numbers_that_are_no_status() {
    for text in [
        "at a.js:441:20",
        "line 404, in create",
        "context of 500 tokens",
        "after 500 ms",
        "127.0.0.1:500",
        "v0.400",
        "with 429s",
        "more than 400 of them",
    ] {
        check(text, 0, "");
    }
}

#[test]
fn a_body_that_is_cut_short_is_kept_as_far_as_it_goes() {
    check("400 {\"error\":{\"message\":\"too lon", 400, "{\"error\":{\"message\":\"too lon");
}
