use super::*;

fn one(text: &str) -> Sighting {
    let mut found = read(text, 1);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found.remove(0)
}

/// Status, path and seconds of the only failure of a log.
fn request(text: &str) -> (Option<u16>, Option<String>, Option<f64>) {
    let one = one(text);
    (one.status, one.url, one.seconds)
}

fn expected(status: u16, url: &str, seconds: Option<f64>) -> (Option<u16>, Option<String>, Option<f64>) {
    (Some(status), Some(url.to_owned()), seconds)
}

#[test]
fn access_lines() {
    let chat = "/v1/chat/completions";
    let gin = "[GIN] 2025/01/01 - 10:00:00 | 500 |          2m0s |       127.0.0.1 | POST     \"/v1/chat/completions\"";
    assert_eq!(request(gin), expected(500, chat, Some(120.0)));
    let nginx = "10.0.0.1 - - [01/Jan/2025:10:00:00 +0000] \"POST /v1/chat/completions HTTP/1.1\" 504 167 \"-\" \"OpenAI/Python\"";
    assert_eq!(request(nginx), expected(504, chat, None));
    assert_eq!(request("INFO:     127.0.0.1:55766 - \"POST /v1/chat/completions HTTP/1.1\" 404 Not Found"), expected(404, chat, None));
    let haproxy = "Jan  1 10:00:00 lb haproxy[14389]: 10.0.1.2:33317 [01/Jan/2025:10:00:00.655] in be/srv1 10/0/30/-1/60001 504 217 - - sH-- 1/1/1/1/0 0/0 \"POST /v1/chat/completions HTTP/1.1\"";
    assert_eq!(request(haproxy), expected(504, chat, Some(60.001)));
    let envoy = "[2025-01-01T10:00:00.000Z] \"POST /v1/chat/completions HTTP/1.1\" 503 UF 0 91 5 - \"-\" \"python\"";
    assert_eq!(request(envoy), expected(503, chat, None));
    assert_eq!(request("srv  log_server_r: request: POST /v1/chat/completions 127.0.0.1 500"), expected(500, chat, None));
    let json = r#"{"time":"2025-01-01T10:00:00Z","method":"POST","uri":"/v1/chat/completions","status":502,"request_time":1.5,"error":"upstream broke"}"#;
    assert_eq!(request(json), expected(502, chat, Some(1.5)));
    assert_eq!(one(json).body.as_deref(), Some("upstream broke"));
}

#[test]
fn what_gateways_and_clients_log() {
    let said = |text: &str| (one(text).status, one(text).body);
    let expected = |status: u16, body: &str| (Some(status), Some(body.to_owned()));
    assert_eq!(
        said("[ERR] 2025/01/01 - 10:00:00 | 2025x | relay error (channel #5, status code: 400): bad response (request id: 20)"),
        expected(400, "bad response (request id: 20)")
    );
    assert_eq!(
        said("level=warning msg=\"done\" status=error http=503 model=a err=none_left err_msg=\"No upstream.\""),
        expected(503, "No upstream.")
    );
    assert_eq!(
        said("14:46:05 WARNING [s] failed: Error code: 400 - {'error': {'message': 'one of them'}}"),
        expected(400, "{'error': {'message': 'one of them'}}")
    );
    assert_eq!(said("[6:10:42 PM] API Error: 400 {\"error\":{\"message\":\"bad\"}}"), expected(400, "{\"error\":{\"message\":\"bad\"}}"));
    assert_eq!(
        said("2026-07-01T03:32:21Z WARN llm request failed errorMessage=\"429 The engine is overloaded\" statusCode=429"),
        expected(429, "The engine is overloaded")
    );
    let nginx = one(
        "2025/01/01 10:00:00 [error] 7#7: *1 upstream timed out (110: Connection timed out) while reading response header from upstream, client: 10.0.0.1, request: \"POST /v1/chat/completions HTTP/1.1\"",
    );
    assert_eq!((nginx.status, nginx.url.as_deref()), (None, Some("/v1/chat/completions")));
    assert_eq!(
        one("time=2025-01-01T10:00:00.000Z level=WARN source=runner.go:128 msg=\"truncating input prompt\" limit=2048 prompt=8191").status,
        None
    );
}

#[test]
fn healthy_lines_are_ignored() {
    let healthy = [
        "[GIN] 2025/01/01 - 10:00:00 | 200 |  500.5ms | 127.0.0.1 | POST \"/v1/chat/completions\"",
        "INFO:     127.0.0.1:500 - \"POST /v1/chat/completions HTTP/1.1\" 200 OK",
        "10.0.0.1 - - [01/Jan/2025:10:00:00 +0000] \"GET /v1/models HTTP/1.1\" 200 404 \"-\" \"x\"",
        "2025-01-01 10:00:00 INFO error handler registered, timeout=500",
        "{\"level\":\"info\",\"msg\":\"done\",\"status\":200,\"error\":null}",
        "time=2025-01-01T10:00:00Z level=INFO msg=ok error=null failures=0",
        "prompt eval time = 500 ms / 404 tokens",
    ];
    assert_eq!(read(&healthy.join("\n"), 1), []);
}

#[test]
fn alike_failures_are_counted() {
    let line = |second: usize| {
        format!(
            "2025-01-01 10:00:{second:02} ERROR req_{second}a failed: status code: 429: slow down for {second} s\n2025-01-01 10:00:{second:02} INFO fine\n"
        )
    };
    let found = read(&(10..60).map(line).collect::<String>(), 11);
    assert_eq!(found.iter().map(|one| (one.status, one.times, one.lines)).collect::<Vec<_>>(), [(Some(429), 50, (11, 11))]);
}

#[test]
fn colours_and_containers_are_taken_off() {
    let one = one("api-1  | \u{1b}[31m10:00:00 ERROR\u{1b}[0m HTTP 502: \u{1b}[1mBad upstream answer\u{1b}[0m");
    assert_eq!((one.status, one.body.as_deref()), (Some(502), Some("Bad upstream answer")));
}

#[test]
fn a_traceback_belongs_to_its_line() {
    let log = "10:00:00 ERROR request failed\nTraceback (most recent call last):\n  File \"a.py\", line 1, in x\nopenai.AuthenticationError: Error code: 401 - {'error': {'message': 'no key'}}\n10:00:01 INFO next\n";
    let one = one(log);
    assert_eq!((one.form, one.status, one.lines), (Form::Exception, Some(401), (1, 4)));
}
