use super::*;

fn read(body: &str) -> ErrorFacts {
    super::read(400, "application/json", body.as_bytes())
}

/// Body, message, code, type, param, status inside.
type Case = (&'static str, &'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>, Option<u16>);

const CASES: &[Case] = &[
    (r#"{"error":{"message":"no","type":"t","param":"p","code":"c"}}"#, "no", Some("c"), Some("t"), Some("p"), None),
    (
        r#"[{"error":{"code":429,"message":"q","status":"RESOURCE_EXHAUSTED"}}]"#,
        "q",
        Some("429"),
        Some("RESOURCE_EXHAUSTED"),
        None,
        Some(429),
    ),
    (r#"{"error":"unauthorized"}"#, "unauthorized", None, None, None, None),
    (r#"{"detail":{"error":{"message":"no","type":"t"}}}"#, "no", None, Some("t"), None, None),
    (r#"{"detail":"Not Found"}"#, "Not Found", None, None, None, None),
    (
        r#"{"detail":[{"type":"missing","loc":["body","a",0,"b"],"msg":"m"},{"loc":["body","c"],"msg":"n"}]}"#,
        "a.0.b: m; c: n",
        None,
        Some("missing"),
        Some("a.0.b"),
        None,
    ),
    (r#"{"detail":[{"type":"json_invalid","loc":["body",1],"msg":"bad"}]}"#, "bad", None, Some("json_invalid"), None, None),
    (r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#, "busy", None, Some("overloaded_error"), None, None),
    (r#"{"code":"The caller is unknown","error":"text"}"#, "text", Some("The caller is unknown"), None, None, None),
    (r#"{"message":"Route not found","error":"Not Found","statusCode":404}"#, "Route not found", None, None, None, Some(404)),
    (r#"{"error":{"message":"m (request id: 1) (request id: 2)","type":"<nil>","code":null}}"#, "m", None, None, None, None),
    (r#"{"error":{"message":{"error":"deep"},"type":"None","param":"None","code":"400"}}"#, "deep", Some("400"), None, None, None),
    (r#"{"status":"failure","message":"oops"}"#, "oops", None, None, None, None),
    (r#"{"html-message":"<html><body><h1>503</h1>busy</body></html>"}"#, "503 busy", None, None, None, None),
    (r#"{"error":{"message":"x","code":"404"}}"#, "x", Some("404"), None, None, Some(404)),
    (r#"{"success":false,"errors":[{"code":7003,"message":"no route"}],"result":null}"#, "no route", Some("7003"), None, None, None),
    (r#"{"base_resp":{"status_code":1004,"status_msg":"login fail"}}"#, "login fail", Some("1004"), None, None, None),
    (r#"{"object":"error","message":{"detail":[{"loc":["body","n"],"msg":"extra"}]}}"#, "n: extra", None, None, Some("n"), None),
    (
        r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"bad","details":[{"fieldViolations":[{"field":"tools"}]}]}}"#,
        "bad",
        Some("400"),
        Some("INVALID_ARGUMENT"),
        Some("tools"),
        None,
    ),
    (
        r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"where\"}}"}}}"#,
        "where",
        Some("400"),
        None,
        None,
        None,
    ),
    (
        r#"{"error":{"message":"litellm.BadRequestError: XException - Error code: 404 - {'error': {'message': \"it's\", 'param': None, 'code': 'c'}}\nmore","code":"400"}}"#,
        "it's",
        Some("c"),
        None,
        None,
        Some(404),
    ),
    (
        "1 validation error:\n  {'type': 'literal_error', 'loc': ('body', 'f', 'type'), 'msg': \"no 'x'\"}",
        "no 'x'",
        None,
        Some("literal_error"),
        Some("f.type"),
        None,
    ),
    (r#"{"error":{"message":"cut off in the mid"#, "cut off in the mid", None, None, None, None),
    ("404 page not found", "404 page not found", None, None, None, None),
    ("Missing {model} in {template}", "Missing {model} in {template}", None, None, None, None),
    ("", "", None, None, None, None),
    ("{}", "", None, None, None, None),
];

#[test]
fn every_wrapping_comes_off() {
    for (body, message, code, kind, param, inner) in CASES {
        let facts = read(body);
        let seen = (facts.message.as_str(), facts.code.as_deref(), facts.kind.as_deref(), facts.param.as_deref(), facts.inner_status);
        assert_eq!(seen, (*message, *code, *kind, *param, *inner), "{body}");
    }
}

#[test]
fn the_way_in_is_told() {
    let facts = read(r#"{"error":{"message":"outer - {\"error\":{\"message\":\"inner\"}}"}}"#);
    assert_eq!(facts.path, ["error.message", "json", "error.message"]);
    assert_eq!(facts.outer_message.as_deref(), Some(r#"outer - {"error":{"message":"inner"}}"#));
    assert_eq!(read(r#"{"error":{"message":"m"}}"#).outer_message, None);
}

#[test]
fn forms_are_told_apart() {
    let page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";
    let cases: [(&[u8], &str, &str); 5] = [
        (page, "html", "502 Bad Gateway"),
        (b"data: {\"error\":{\"message\":\"m\"}}\n\n", "sse", "m"),
        (b"event: error\ndata: plain\n\n", "sse", "plain"),
        (b"  \n", "empty", ""),
        (b"\xff\xfe", "text", "\u{fffd}\u{fffd}"),
    ];
    for (bytes, form, message) in cases {
        let facts = super::read(502, "", bytes);
        assert_eq!((facts.form, facts.message.as_str()), (form, message));
    }
}

#[test]
fn texts_inside_texts_end() {
    let mut body = "innermost".to_owned();
    for _ in 0..12 {
        body = serde_json::json!({ "error": { "message": body } }).to_string();
    }
    assert!(read(&body).path.len() < 20);
    assert!(read(&"[".repeat(100_000)).message.len() <= MAX_MESSAGE);
    assert!(read(&"{'a':".repeat(100_000)).raw.len() <= MAX_RAW);
}

#[test]
fn errors_under_200_are_told_from_answers() {
    let errors = [
        r#"{"error":{"message":"m"}}"#,
        r#"{"error":"m"}"#,
        r#"{"detail":"Not Found"}"#,
        r#"{"code":1001,"msg":"m","data":null}"#,
        r#"{"code":401,"msg":"m","data":{}}"#,
        r#"{"code":502,"message":"Network connection lost."}"#,
        r#"{"status":"failure","message":"m"}"#,
        r#"{"success":false,"message":"m"}"#,
        r#"{"choices":null,"base_resp":{"status_code":1004,"status_msg":"m"}}"#,
        r#"{"object":"error","message":"m"}"#,
        r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#,
        r#"[{"error":{"message":"m"}}]"#,
        r#"{"choices":[],"error":{"message":"m"}}"#,
    ];
    for error in errors {
        assert!(in_value(200, &serde_json::from_str(error).expect("JSON")).is_some(), "{error}");
    }
    let answers = [
        r#"{"error":null,"choices":[{"message":{"content":"x"}}]}"#,
        r#"{"error":"","id":"x"}"#,
        r#"{"error":{},"data":[]}"#,
        r#"{"code":0,"msg":"ok"}"#,
        r#"{"code":200,"message":"success","data":{"a":1}}"#,
        r#"{"message":"Welcome"}"#,
        r#"{"status":"ok"}"#,
        r#"{"base_resp":{"status_code":0,"status_msg":""},"choices":[]}"#,
        r#"{"object":"list","data":[]}"#,
    ];
    for answer in answers {
        assert_eq!(in_value(200, &serde_json::from_str(answer).expect("JSON")), None, "{answer}");
    }
}

#[test]
fn a_bracketed_mark_of_a_log_begins_no_array() {
    for text in ["[ERR] 2023/10/17 token has expired", "[2024-01-11 15:36:11] token has expired"] {
        assert_eq!(super::read(401, "", text.as_bytes()).form, "text", "{text}");
    }
    assert_eq!(super::read(401, "", br#"[{"error":{"message":"no key"}}]"#).message, "no key");
}
