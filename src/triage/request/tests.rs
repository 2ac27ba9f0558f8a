use serde_json::json;

use super::*;

fn body() -> Value {
    json!({ "model": "m", "messages": [{ "role": "user", "content": "it's \"ok\"" }], "stream": true })
}

fn read_text(text: &str) -> ClientRequest {
    read(text.as_bytes(), None).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn complaint(bytes: &[u8], entry: Option<usize>) -> String {
    read(bytes, entry).expect_err("no request").to_string()
}

#[test]
fn a_body_in_every_wrapping() {
    let json = body().to_string();
    let python = "{'model': 'm', 'messages': [{'role': 'user', 'content': 'it\\'s \"ok\"'}], 'stream': True}";
    let node =
        "{ model: 'm', messages: [ { role: 'user', content: `it's \"ok\"` } ], stream: true }".replace('`', "'").replace("it's", "it\\'s");
    for text in [
        json.clone(),
        format!("\u{feff}{json}"),
        format!("{{\"body\": {json}}}"),
        json!({ "request": { "body": json } }).to_string(),
        python.to_owned(),
        node.clone(),
        format!("POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nX-Own: 1\r\n\r\n{json}"),
        format!(
            "[2026-11-01 10:00:00 - openai._base_client:482 - DEBUG] Request options: {{'method': 'post', 'url': '/chat/completions', 'files': None, 'idempotency_key': 'stainless-python-retry-1', 'json_data': {python}}}\n[… - httpx:1025 - INFO] HTTP Request: POST http://h/v1/chat/completions \"HTTP/1.1 400 Bad Request\""
        ),
        format!(
            "OpenAI:DEBUG:request http://h/v1/chat/completions {{\n  method: 'post',\n  path: '/chat/completions',\n  body: {node},\n  timeout: undefined\n}} {{ 'content-type': 'application/json' }}"
        ),
        format!(
            "[log_5f3a91] sending request {{\n  method: 'post',\n  url: 'http://h/v1/chat/completions',\n  options: {{ method: 'post', path: '/chat/completions', body: {node} }},\n  headers: {{ accept: 'application/json' }}\n}}"
        ),
        format!("2026-11-01 INFO calling the model with {python} now"),
    ] {
        assert_eq!(read_text(&text).body, body(), "{text}");
    }
}

#[test]
fn a_curl_command_with_its_headers() {
    let text = format!(
        "$ curl -sS https://h.example/v1/chat/completions \\\n  -H 'Authorization: Bearer sk-secret' -H 'Content-Type: application/json' \\\n  --header 'OpenAI-Organization: org-1' -H 'x-stainless-lang: js' \\\n  -d '{}'\n{{\"error\":{{}}}}",
        body().to_string().replace('\'', "'\\''")
    );
    let request = read_text(&text);
    assert_eq!(request.body, body());
    assert_eq!(request.url.as_deref(), Some("https://h.example/v1/chat/completions"));
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["openai-organization", "x-stainless-lang"]);
}

fn har(entries: &[(&str, &str, u16)]) -> String {
    let entry = |(method, text, status): &(&str, &str, u16)| {
        json!({ "request": { "method": method, "url": "https://h/v1/chat/completions", "headers": [{ "name": "X-Own", "value": "1" }],
            "postData": { "text": text } }, "response": { "status": status } })
    };
    json!({ "log": { "version": "1.2", "entries": entries.iter().map(entry).collect::<Vec<_>>() } }).to_string()
}

#[test]
fn the_failing_request_of_a_har_file_or_the_wanted_one() {
    let chat = |model: &str| json!({ "model": model, "messages": [] }).to_string();
    let text = har(&[("GET", "", 200), ("POST", &chat("a"), 400), ("POST", &chat("b"), 200), ("POST", "{}", 500)]);
    assert_eq!(read_text(&text).body["model"], "a");
    assert_eq!(read_text(&text).headers, [("x-own".to_owned(), "1".to_owned())]);
    assert_eq!(read(text.as_bytes(), Some(3)).expect("a request").body["model"], "b");
    assert!(complaint(text.as_bytes(), Some(4)).contains("entry 4") && complaint(text.as_bytes(), Some(4)).contains("such requests: 2, 3"));
    assert!(complaint(har(&[("GET", "", 200)]).as_bytes(), None).contains("1 entries hold no POST"));
}

#[test]
fn what_is_no_request_is_said_in_a_line() {
    for (bytes, said) in [
        (&b""[..], "is empty"),
        (b"  \n", "is empty"),
        (b"{\"model\": \"m\", \"messages\": [", "is no JSON"),
        (b"{\"model\": \"m\"}", "has no `messages`"),
        (b"[]", "has no `messages`"),
        (b"{\"a\": \"\xff\"}", "is not UTF-8 (byte 7)"),
        (b"hello world", "holds no request"),
        (b"curl https://h/v1/chat/completions -d @body.json", "without a JSON body"),
        (b"sending request { method: 'post', options: { body: { model: 'm', messages: [Array] } } }", "[Object]"),
    ] {
        let line = complaint(bytes, None);
        assert!(line.contains(said) && !line.contains('\n'), "{line}");
    }
    assert!(complaint(b"    ", Some(1)).contains("is empty"));
    assert!(complaint(b"{}", Some(1)).contains("is no HAR file"));
    let large = format!("{{\"messages\": [\"{}\"]}}", "x".repeat(LARGEST_BODY));
    assert!(complaint(large.as_bytes(), None).contains("more than the 16 MiB"));
}
