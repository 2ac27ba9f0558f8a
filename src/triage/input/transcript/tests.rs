use super::super::{curl, http};
use super::*;
use serde_json::json;

/// The first sighting that failed, or else the last.
fn worst(mut all: Vec<Sighting>) -> Option<Sighting> {
    let failed = all.iter().position(|one| one.fault.is_some() || one.status.is_none_or(|status| status >= 300));
    let kept = failed.or(all.len().checked_sub(1))?;
    Some(all.swap_remove(kept))
}

fn one(piece: &str) -> Sighting {
    worst(curl::read_all(piece, 1)).unwrap_or_else(|| panic!("{piece}"))
}

const VERBOSE: &str = "*   Trying 127.0.0.1:8080...
* Connected to localhost (127.0.0.1) port 8080
> POST /v1/chat/completions HTTP/1.1
> Host: localhost:8080
> User-Agent: curl/8.5.0
> Accept: */*
> Authorization: Bearer 7f3a9c0d1e2b4a5c
> Content-Length: 83
>
} [83 bytes data]
* upload completely sent off: 83 bytes
< HTTP/1.1 404 Not Found
< Content-Type: application/json
< Server: uvicorn
<
{ [123 bytes data]
{\"error\":{\"message\":\"The model `x` does not exist.\"}}* Connection #0 to host localhost left intact
";

#[test]
fn the_meter_stands_before_what_came() {
    let meter = "100    67    0     0  100    67      0    333 --:--:-- --:--:-- --:--:--   333";
    let seen = one(&VERBOSE.replace("< HTTP/1.1 404", &format!("\r{meter}< HTTP/1.1 404")));
    assert_eq!((seen.status, seen.header("server")), (Some(404), Some("uvicorn")));
}

#[test]
fn verbose() {
    let seen = one(VERBOSE);
    assert_eq!((seen.method.as_deref(), seen.url.as_deref()), (Some("POST"), Some("http://localhost:8080/v1/chat/completions")));
    assert_eq!((seen.status, seen.header("server")), (Some(404), Some("uvicorn")));
    assert_eq!(seen.body.as_deref(), Some("{\"error\":{\"message\":\"The model `x` does not exist.\"}}"));
    assert!(!seen.text.contains("7f3a9c") && seen.text.contains("Trying"), "{}", seen.text);
    assert_eq!((seen.lines, seen.form, seen.fault), ((1, 17), Form::Curl, None));
}

#[test]
fn verbose_as_sites_and_windows_change_it() {
    let escaped = VERBOSE.replace("> ", "&gt; ").replace("< ", "&lt; ");
    let windows = VERBOSE.replace('\n', "\r\n");
    let timed: String = VERBOSE
        .lines()
        .map(|line| if line.starts_with(['*', '<', '>']) { format!("12:34:56.789012 {line}\n") } else { format!("{line}\n") })
        .collect();
    for text in [escaped, windows, timed] {
        let seen = one(&text);
        assert_eq!((seen.status, seen.header("content-type")), (Some(404), Some("application/json")), "{text}");
        assert!(seen.body.is_some_and(|body| body.ends_with("exist.\"}}")), "{text}");
    }
}

#[test]
fn a_command_tells_the_request() {
    let seen = one("$ curl -v -H 'Content-Type: application/json' \\
  -d '{\"model\":\"deepseek-r1:1.5b\",\"stream\":true,\"messages\":[]}' \\
  http://localhost:11434/api/chat

< HTTP/1.1 200 OK
< Content-Type: application/x-ndjson
< Transfer-Encoding: chunked
<
{\"model\":\"deepseek-r1:1.5b\",\"done\":false}
{\"model\":\"deepseek-r1:1.5b\",\"done\":true}
");
    assert_eq!(seen.model(), Some("deepseek-r1:1.5b"));
    assert_eq!((seen.stream, seen.status, seen.url.as_deref()), (Some(true), Some(200), Some("http://localhost:11434/api/chat")));
    assert_eq!(seen.body.map(|body| body.lines().count()), Some(2));
}

#[test]
fn with_i() {
    let seen = one(
        "curl -i http://h/v1/chat/completions -d '{\"model\":\"q\"}'\n\n\nHTTP/1.1 200 OK\ndate: Fri\ntransfer-encoding: chunked\n\ndata: {\"a\":1}\n\ndata: [DONE]\n",
    );
    assert_eq!((seen.status, seen.headers.len(), seen.body.as_deref()), (Some(200), 2, Some("data: {\"a\":1}\n\ndata: [DONE]\n\n")));
}

#[test]
fn with_w() {
    for (tail, status, seconds) in [
        ("\nHTTP 401\ntime_total: 0.334\n", 401, Some(0.334)),
        ("401", 401, None),
        ("\n401\n", 401, None),
        ("\nHTTP_STATUS:401 \nTotal time: 1200 ms", 401, Some(1.2)),
        ("\n# → HTTP 401", 401, None),
        ("\nhttp_code=401\nreal\t0m30.012s\nuser\t0m0.01s", 401, Some(30.012)),
    ] {
        let seen = one(&format!("curl -sS -w '%{{http_code}}' https://h/v1/models\n{{\"error\":{{\"message\":\"no\"}}}}{tail}"));
        assert_eq!((seen.status, seen.seconds), (Some(status), seconds), "{tail}");
        assert!(seen.body.is_some_and(|body| body.starts_with("{\"error\":{\"message\":\"no\"}}")), "{tail}");
    }
    let seen = one("curl.exe -sS -o NUL -w \"%{http_code}\" -H \"Authorization: Bearer invalid\" https://h/v1/key\n# 401");
    assert_eq!((seen.status, seen.body.as_deref()), (Some(401), None), "what came was thrown away");
}

#[test]
fn curls_own_errors() {
    for words in [
        "curl: (7) Failed to connect to localhost port 8080 after 0 ms: Couldn't connect to server",
        "curl: (28) Operation timed out after 30001 milliseconds with 0 bytes received",
        "curl: (35) error:0A00010B:SSL routines::wrong version number",
        "curl: (60) SSL certificate problem: self-signed certificate",
        "curl: (52) Empty reply from server",
        "curl: (56) Recv failure: Connection reset by peer",
        "curl: (6) Could not resolve host: llm.local",
    ] {
        for before in ["", "$ curl https://llm.local/v1/models\n", "* Closing connection 0\n"] {
            let seen = one(&format!("{before}{words}\n"));
            assert_eq!((seen.status, seen.body.as_deref(), seen.fault.as_deref()), (None, None, Some(words)), "{before}{words}");
            assert!(seen.text.contains(words));
        }
    }
    assert_eq!(one("curl: (28) Operation timed out after 30001 milliseconds with 0 bytes received").seconds, Some(30.001));
    assert_eq!(one("curl: (22) The requested URL returned error: 404").status, Some(404));
}

#[test]
fn a_transfer_that_breaks_keeps_what_came() {
    let seen = one(
        "> POST /v1/messages HTTP/2\n> host: h\n>\n< HTTP/2 200 \n< content-type: text/event-stream\n<\ndata: {\"a\":1}\n\ndata: {\"b\n* HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)\n* Closing connection\ncurl: (92) HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)\n",
    );
    assert_eq!((seen.status, seen.body.as_deref()), (Some(200), Some("data: {\"a\":1}\n\ndata: {\"b")));
    assert!(seen.fault.is_some_and(|fault| fault.starts_with("curl: (92)")));
    let glued =
        one("$ curl -N http://h/v1/x -d '{}'\n{\"choices\": [{\"mescurl: (18) transfer closed with outstanding read data remaining");
    assert_eq!((glued.status, glued.body.as_deref()), (Some(200), Some("{\"choices\": [{\"mes")));
}

#[test]
fn a_progress_meter_is_no_body() {
    let seen = one("$ curl http://h/v1/x -d '{}'
  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current
                                 Dload  Upload   Total   Spent    Left  Speed
100   210  100   127  100    83      2      1  0:01:03  0:01:00  0:00:03    31
<html><head><title>504 Gateway Time-out</title></head></html>");
    assert_eq!((seen.seconds, seen.body.as_deref()), (Some(60.0), Some("<html><head><title>504 Gateway Time-out</title></head></html>")));
}

#[test]
fn the_last_answer_counts() {
    let redirected = one(
        "> POST /v1 HTTP/1.1\n> Host: h\n>\n< HTTP/1.1 301 Moved Permanently\n< Location: https://h/v1\n<\n* Issue another request to this URL: 'https://h/v1'\n* SSL connection using TLSv1.3\n> GET /v1 HTTP/1.1\n> Host: h\n>\n< HTTP/1.1 405 Method Not Allowed\n< Allow: POST\n<\n{\"detail\":\"Method Not Allowed\"}",
    );
    assert_eq!(
        (redirected.method.as_deref(), redirected.url.as_deref(), redirected.status),
        (Some("GET"), Some("https://h/v1"), Some(405))
    );
    assert_eq!(redirected.headers.len(), 1);
    for interim in
        ["HTTP/1.1 100 Continue\n\n", "HTTP/1.1 200 Connection established\n\n", "HTTP/1.1 307 Temporary Redirect\nlocation: /b\n\n"]
    {
        let seen = one(&format!("curl -iL https://h/v1 -d '{{}}'\n{interim}HTTP/2 429 \nretry-after: 5\n\nslow down"));
        assert_eq!((seen.status, seen.header("retry-after"), seen.body.as_deref()), (Some(429), Some("5"), Some("slow down")), "{interim}");
    }
}

#[test]
fn several_commands_are_several_sightings() {
    let text = "# list\ncurl https://h/v1/models\n# → HTTP 200\n\n# chat\ncurl -X POST \\\n  -d '{\"model\":\"glm\"}' \\\n  https://h/v1/chat/completions\n# → HTTP 404\n";
    let all = curl::read_all(text, 10);
    assert_eq!(all.iter().map(|one| (one.status, one.lines)).collect::<Vec<_>>(), [(Some(200), (11, 14)), (Some(404), (15, 18))]);
    assert_eq!(worst(curl::read_all(text, 1)).and_then(|one| one.status), Some(404));
}

#[test]
fn raw_http() {
    for text in [
        "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\r\n{\"model\":\"m\",\"stream\":true}\r\n\r\nHTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n\r\n<html>x</html>\r\n",
        "POST http://h/v1/chat/completions\n{\"model\":\"m\",\"stream\":true}\n\nHTTP/1.1 502 Bad Gateway\nServer: nginx\n\n<html>x</html>",
        "```http\nPOST /v1/chat/completions HTTP/1.1\nHost: h\n\n{\"model\": \"m\", \"stream\": true,}\n```\n```\nHTTP/2 502\nserver: nginx\n\n<html>x</html>\n```",
    ] {
        let seen = worst(http::read_all(text, 1)).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(
            (seen.status, seen.header("server"), seen.body.as_deref()),
            (Some(502), Some("nginx"), Some("<html>x</html>")),
            "{text}"
        );
        assert_eq!((seen.asked, seen.stream, seen.form), (Some(json!({"model": "m", "stream": true})), Some(true), Form::Http), "{text}");
    }
}

#[test]
fn raw_http_in_odd_dresses() {
    let status_of =
        |text: &str| worst(http::read_all(text, 1)).map(|seen| (seen.status, seen.headers.len(), seen.body.unwrap_or_default()));
    assert_eq!(status_of("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n7\n{\"a\":1}\n0\n\n"), Some((Some(200), 1, "{\"a\":1}".into())));
    assert_eq!(
        status_of("\"HTTP/2 400 \\r\\ndate: Wed\\r\\ncontent-type: application/json\\r\\n\n[…]\nerror - Tool call id"),
        Some((Some(400), 2, "[…]\nerror - Tool call id".into()))
    );
    assert_eq!(
        status_of("HTTP/1.1 200 OK   content-type: application/json\n{\"code\":500}"),
        Some((Some(200), 1, "{\"code\":500}".into()))
    );
    assert_eq!(status_of("HTTP/1.1 204 No Content\n\n"), Some((Some(204), 0, String::new())));
    assert_eq!(status_of("just prose"), None);
    let panel = worst(http::read_all(
        "Request URL\nhttps://h/v1/chat/completions\nRequest Method\nPOST\nStatus Code\n401 Unauthorized\nRemote Address\n1.2.3.4:443\n",
        1,
    ));
    assert_eq!(panel.map(|seen| (seen.url, seen.status)), Some((Some("https://h/v1/chat/completions".into()), Some(401))));
}

#[test]
fn what_stands_around_the_output_is_no_body() {
    let body = |tail: &str| one(&format!("curl http://h/v1/chat/completions -d '{{}}'\n{tail}"));
    let seen = body("INFO:     127.0.0.1:55766 - \"POST /generate HTTP/1.1\" 404 Not Found");
    assert_eq!((seen.status, seen.body), (Some(404), None));
    let seen = body("{\"error\":\"no\"}\n[GIN] 2025/09/08 - 10:18:29 | 401 |      50.666µs |       127.0.0.1 | GET      \"/v1/models\"");
    assert_eq!((seen.status, seen.body.as_deref()), (Some(401), Some("{\"error\":\"no\"}")));
    assert_eq!(body("No matching route found.root@iZ6wed7:~#").body.as_deref(), Some("No matching route found."));
    assert_eq!(body("(base) me@host:~/x$ ls").body.as_deref(), Some("(base) me@host:~/x$ ls"));
    assert_eq!(body("{\"a\":1}\n\n# and now the chat:").body.as_deref(), Some("{\"a\":1}"));
}

#[test]
fn a_blank_body_is_believed_only_when_it_is_shown() {
    let body = |text: &str| one(text).body;
    assert_eq!(body("curl -i http://h/v1\nHTTP/1.1 200 OK\ncontent-type: application/json\n"), None);
    assert_eq!(body("curl -i http://h/v1\nHTTP/1.1 200 OK\ncontent-length: 0\n\n").as_deref(), Some(""));
    assert_eq!(body("curl -i http://h/v1\nHTTP/1.1 502 Bad Gateway\n\n").as_deref(), Some(""));
    assert_eq!(
        body("< HTTP/1.1 200 OK\n< content-type: text/event-stream\n<\n* Connection #0 to host h left intact\n").as_deref(),
        Some("")
    );
    assert_eq!(body("< HTTP/1.1 200 OK\n< content-type: text/event-stream\n"), None);
}

#[test]
fn a_list_in_a_body_is_no_remark_of_curl() {
    let seen = one(
        "< HTTP/1.1 400 Bad Request\n<\n* GenerateContentRequest.tools[0]: missing field.\n* and another\n* Connection #0 to host h left intact\n",
    );
    assert_eq!(seen.body.as_deref(), Some("* GenerateContentRequest.tools[0]: missing field.\n* and another"));
}
