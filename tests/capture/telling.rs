//! What is told of an exchange: nothing when it is healthy, whatever it is, and the very mode when it is not.

use super::peers::{Between, SSE, Upstream, data, last_event, request, told};

/// What is told of the last of these answers to requests at these paths, each asked on one connection, one after the other.
fn of(exchanges: &'static [(&'static str, &'static str, String)]) -> Vec<llmdoctor::report::Passed> {
    let upstream = Upstream::once(move |mut peer| {
        for (_, _, answer) in exchanges {
            request(&mut peer);
            peer.send(answer);
        }
    });
    let between = Between::to(upstream.addr);
    let mut client = between.client();
    let mut captured = Vec::new();
    for (line, body, _) in exchanges {
        let length = body.len();
        client.send(format!(
            "{line} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer sk-test-0123456789abcdef\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        let exchange = between.captured();
        captured.push(exchange);
    }
    upstream.finish(between);
    told(&captured.iter().collect::<Vec<_>>())
}

fn typed(kind: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn json(body: &str) -> String {
    typed("application/json", body)
}

fn leaked(exchanges: Vec<(&'static str, &'static str, String)>) -> &'static [(&'static str, &'static str, String)] {
    Box::leak(exchanges.into_boxed_slice())
}

const PLAIN: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const TOOLS: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]}"#;
const STREAMED: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}"#;

#[test]
fn healthy_exchanges_of_every_kind_are_silent() {
    let whole = r#"{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Error 429: that is what the invalid API key gave"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
    let responses = r#"{"id":"r","object":"response","status":"completed","model":"m","output":[{"type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"hi","annotations":[]}]}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}"#;
    let message = r#"{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#;
    let ollama = "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"done\":false}\n{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":\"stop\",\"done\":true}\n";
    let tool = r#"{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#;
    let exchanges = leaked(vec![
        ("POST /v1/chat/completions", PLAIN, json(whole)),
        ("POST /v1/chat/completions", STREAMED, format!("{SSE}{}{}0\r\n\r\n", super::peers::chunk(&data("hi")), last_event())),
        ("POST /v1/chat/completions", TOOLS, json(tool)),
        ("POST /v1/responses", r#"{"model":"m","input":"hi"}"#, json(responses)),
        ("POST /v1/messages", r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#, json(message)),
        ("POST /api/chat", r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#, typed("application/x-ndjson", ollama)),
        (
            "POST /v1/embeddings",
            r#"{"model":"m","input":"hi"}"#,
            json(r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,0.2]}],"model":"m"}"#),
        ),
        ("POST /v1/audio/speech", r#"{"model":"m","input":"hi"}"#, typed("audio/mpeg", "\u{1}\u{2}ID3")),
        ("POST /v1/moderations", r#"{"input":"hi"}"#, json(r#"{"id":"m","results":[{"flagged":false}]}"#)),
        ("GET /v1/models", "", json(r#"{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"o"}]}"#)),
        ("GET /v1/models/m", "", json(r#"{"id":"m","object":"model","created":1,"owned_by":"o"}"#)),
        ("DELETE /v1/files/f", "", "HTTP/1.1 204 No Content\r\n\r\n".to_owned()),
        ("GET /", "", typed("text/html", "<html><title>Welcome</title><body>Ollama is running</body></html>")),
        ("GET /health", "", typed("text/plain", "OK")),
    ]);
    for (passed, (line, ..)) in of(exchanges).iter().zip(exchanges) {
        assert!(!passed.is_failed() && passed.remarks.is_empty(), "{line}: {passed:?}");
    }
}

#[test]
fn failures_are_told_by_their_modes() {
    let error = |status: &str, message: &str, code: &str| {
        let body = format!(r#"{{"error":{{"message":"{message}","type":"invalid_request_error","param":null,"code":"{code}"}}}}"#);
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let exchanges = leaked(vec![
        ("POST /v1/chat/completions", PLAIN, error("401 Unauthorized", "Incorrect API key provided: sk-…", "invalid_api_key")),
        ("POST /v1/chat/completions", PLAIN, error("404 Not Found", "The model `m` does not exist", "model_not_found")),
        ("POST /v1/chat/completions", PLAIN, error("429 Too Many Requests", "You exceeded your current quota", "insufficient_quota")),
        ("POST /v1/chat/completions", PLAIN, error("400 Bad Request", "Unknown parameter: 'reasoning'.", "unknown_parameter")),
        ("POST /v1/chat/completions", PLAIN, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned()),
        ("POST /v1/chat/completions", STREAMED, format!("{SSE}{}0\r\n\r\n", super::peers::chunk(&data("hi")))),
        ("POST /chat/completions", PLAIN, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned()),
    ]);
    let wanted = [
        &["key-rejected"][..],
        &["model-name-mismatch"],
        &["credits-exhausted"],
        &["unsupported-field"],
        &["not-an-api", "empty-completion", "response-malformed"],
        &["stream-truncated"],
        &[],
    ];
    let passed = of(exchanges);
    for (passed, wanted) in passed.iter().zip(wanted) {
        let mode = passed.modes.first().map(|mode| mode.mode.as_str());
        assert!(passed.is_failed() && (wanted.is_empty() || mode.is_some_and(|mode| wanted.contains(&mode))), "{wanted:?}: {passed:?}");
    }
    assert!(passed[6].remarks.iter().any(|remark| remark.contains("does not begin with /v1")), "{:?}", passed[6]);
}
