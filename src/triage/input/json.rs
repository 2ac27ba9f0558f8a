//! A bare JSON body: whole, cut short, with a trailing comma, as a Python repr, in backticks, behind its status; or a record around one.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{part, record};
use crate::dialect::json;
use crate::evidence::SCHEMA;
use crate::facts::TEXT_LIMIT;
use crate::triage::{Form, Sighting};

/// What may stand before the body in its line: the status, and words that announce it.
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)^(?:(?:api |http |server |unexpected )?(?:error|response|body|output|got|returns?|result)\s*[:(]?\s*)?(?:(?:http(?:/[0-9.]+)?|status|error|response)?[ _]?(?:status|code)?\s*[:=(]?\s*([1-5][0-9]{2})\b\)?)?[a-z ,.'-]{0,40}[:=>–—-]*\s*$";
    Regex::new(pattern).expect("a constant pattern")
});

/// Reads a text that is a JSON body or a record of a failed request; `None` for anything else.
///
/// Of a bare body the status is known only where the body repeats it, or where it is an answer, which comes under 200.
pub fn read(piece: &str, first_line: usize) -> Option<Sighting> {
    let text = part::clean(piece);
    let start = text.find(['{', '['])?;
    let mut sighting = Sighting::new(Form::Json, part::lines(piece, first_line), part::head(&text, TEXT_LIMIT));
    let announced = before(&text[..start]);
    let value = announced.as_ref().and_then(|_| value(&text[start..]));
    let Some((value, length)) = value else { return record::fill_printed(&text, &mut sighting).then_some(sighting) };
    if !record::fill(&value, &mut sighting) {
        let written = text[start..].get(..length).unwrap_or_default();
        bare(&value, written, announced.flatten(), &mut sighting);
    }
    Some(sighting)
}

/// Whether the text is evidence that `llmdoctor` saved itself, and not somebody else's failure.
pub fn is_saved_evidence(text: &str) -> bool {
    let family = SCHEMA.split('/').next().unwrap_or(SCHEMA);
    let head = part::head(text.trim_start_matches('\u{feff}').trim_start(), 400);
    head.starts_with('{') && head.contains("\"schema\"") && head.contains(family)
}

/// The status before a body, if one is there; `None` when other things stand there.
fn before(text: &str) -> Option<Option<u16>> {
    let line = text.trim_start_matches('\u{feff}').trim().trim_start_matches('`').trim();
    let line = line.strip_prefix("json").unwrap_or(line).trim().trim_matches('`');
    if line.is_empty() {
        return Some(None);
    }
    let hit = BEFORE.captures(line).filter(|_| line.len() <= 80)?;
    Some(hit.get(1).and_then(|digits| digits.as_str().parse().ok()))
}

/// The value at the beginning of a text, exact or nearly so, and how long it is written.
fn value(text: &str) -> Option<(Value, usize)> {
    let whole = json::first(text.as_bytes()).filter(|(value, _)| speaks(value));
    let nearly = || json::lenient(text).filter(speaks).map(|value| (value, text.trim_end().trim_end_matches('`').trim_end().len()));
    whole.or_else(nearly)
}

/// Empty containers, and lists of bare words in brackets, are no bodies.
fn speaks(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => items.iter().any(Value::is_object),
        _ => false,
    }
}

fn bare(value: &Value, written: &str, announced: Option<u16>, sighting: &mut Sighting) {
    if value.get("model").is_some() && (value.get("messages").is_some() || value.get("prompt").is_some()) {
        sighting.stream = part::stream_of(Some(value));
        sighting.asked = Some(value.clone());
        return;
    }
    let answers = ["choices", "candidates"].iter().any(|name| value.get(name).is_some_and(Value::is_array));
    sighting.status = announced.or_else(|| repeated(value)).or_else(|| answers.then_some(200));
    sighting.url = value.get("path").and_then(Value::as_str).filter(|path| path.starts_with('/')).map(str::to_owned);
    sighting.body = Some(part::body(written));
}

/// The answer's own status, which frameworks repeat in the body: Spring's `status` beside `error` and `path`, Nest's and Azure's `statusCode`.
fn repeated(value: &Value) -> Option<u16> {
    let spring =
        value.get("status").filter(|_| value.get("path").is_some() || value.get("title").is_some() || value.get("timestamp").is_some());
    value.get("statusCode").or(spring).and_then(record::status).filter(|status| *status >= 400)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(text: &str) -> Sighting {
        read(text, 1).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn bodies_of_many_looks() {
        let body = r#"{"error":{"message":"no","code":401}}"#;
        for (text, status, expected) in [
            (body.to_owned(), None, body),
            (format!("```json\n{body}\n```"), None, body),
            (format!("`{body}`"), None, body),
            (format!("{body}root@host:~#"), None, body),
            (format!("401 {body}"), Some(401), body),
            (format!("HTTP 401: {body}"), Some(401), body),
            (format!("API Error: 401 {body}"), Some(401), body),
            (format!("Error code: 401 - {body}"), Some(401), body),
            (format!("Unexpected error (status code 401): {body}"), Some(401), body),
            (r#"{"error":{"message":"cut sho"#.to_owned(), None, r#"{"error":{"message":"cut sho"#),
            (r#"{"error":{"message":"no",},}"#.to_owned(), None, r#"{"error":{"message":"no",},}"#),
            ("{'error': {'message': 'no', 'code': None}}".to_owned(), None, "{'error': {'message': 'no', 'code': None}}"),
            (
                r#"[{"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT"}}]"#.to_owned(),
                None,
                r#"[{"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT"}}]"#,
            ),
            (r#"{"statusCode":401,"message":"Unauthorized."}"#.to_owned(), Some(401), r#"{"statusCode":401,"message":"Unauthorized."}"#),
            (r#"{"object":"chat.completion","choices":[]}"#.to_owned(), Some(200), r#"{"object":"chat.completion","choices":[]}"#),
        ] {
            let seen = one(&text);
            assert_eq!((seen.status, seen.body.as_deref()), (status, Some(expected)), "{text}");
        }
        let spring = one(r#"{"timestamp":"2025","status":404,"error":"Not Found","path":"/chat/completions"}"#);
        assert_eq!((spring.status, spring.url.as_deref()), (Some(404), Some("/chat/completions")));
    }

    #[test]
    fn a_request_alone_is_no_answer() {
        let seen = one(r#"{"model":"m","stream":true,"messages":[]}"#);
        assert_eq!((seen.model(), seen.asks_stream(), seen.body.as_deref()), (Some("m"), true, None));
    }

    #[test]
    fn what_is_no_body() {
        for text in [
            "",
            "[12:00:01] started",
            "prose that goes on and on before it comes to any {\"a\": 1} at all, you see: [x]",
            "{}",
            "{ not json",
            "[]",
        ] {
            assert_eq!(read(text, 1), None, "{text}");
        }
    }

    #[test]
    fn records_as_json() {
        let body = r#"{"error":{"message":"no"}}"#;
        for record in [
            json!({"name": "AI_APICallError", "url": "https://h/v1/chat/completions", "requestBodyValues": {"model": "m", "stream": true}, "statusCode": 404, "responseHeaders": {"Server": "nginx"}, "responseBody": body, "isRetryable": false}),
            json!({"level": "error", "err": {"url": "https://h/v1/chat/completions", "requestBodyValues": {"model": "m", "stream": true}, "statusCode": 404, "responseHeaders": {"server": "nginx"}, "responseBody": body}}),
            json!({"message": "Request failed with status code 404", "config": {"baseURL": "https://h/v1/", "url": "/chat/completions", "method": "post", "data": "{\"model\":\"m\",\"stream\":true}"}, "response": {"status": 404, "headers": {"server": "nginx"}, "data": {"error": {"message": "no"}}}}),
            json!([{"status": 404, "headers": {"server": "nginx"}, "url": "https://h/v1/chat/completions", "requestBody": {"model": "m", "stream": true}, "error": {"message": "no"}}]),
        ] {
            let seen = one(&record.to_string());
            assert_eq!(
                (seen.status, seen.url.as_deref(), seen.body.as_deref()),
                (Some(404), Some("https://h/v1/chat/completions"), Some(body)),
                "{record}"
            );
            assert_eq!((seen.model(), seen.stream, seen.header("server")), (Some("m"), Some(true), Some("nginx")), "{record}");
        }
        let refused = one(
            r#"{"message":"connect ECONNREFUSED 127.0.0.1:4000","code":"ECONNREFUSED","config":{"url":"http://127.0.0.1:4000/v1/models","method":"get"}}"#,
        );
        assert_eq!((refused.status, refused.fault.as_deref(), refused.method.as_deref()), (None, Some("ECONNREFUSED"), Some("GET")));
    }

    #[test]
    fn records_as_node_prints_them() {
        let seen = one("APICallError [AI_APICallError]: Not Found
    at /app/node_modules/@ai-sdk/provider-utils/dist/index.js:431:14 {
  cause: undefined,
  url: 'https://h/v1/chat/completions',
  requestBodyValues: {
    model: 'gpt-x',
    messages: [ [Object] ],
    stream: true
  },
  statusCode: 404,
  responseHeaders: { server: 'nginx' },
  responseBody: '{\"error\":{\"message\":\"The model `gpt-x` ' +
    'can\\'t be found\"}}',
  isRetryable: false,
  [Symbol(vercel.ai.error)]: true
}");
        assert_eq!((seen.status, seen.model(), seen.stream), (Some(404), Some("gpt-x"), Some(true)));
        assert_eq!(seen.body.as_deref(), Some("{\"error\":{\"message\":\"The model `gpt-x` can't be found\"}}"));
        assert_eq!(seen.url.as_deref(), Some("https://h/v1/chat/completions"));
    }

    #[test]
    fn keys_in_records_are_blanked() {
        let seen = one(
            r#"{"config":{"url":"https://h/v1","headers":{"Authorization":"Bearer 7f3a9c0d1e2b4a5c"}},"response":{"status":401,"data":"bad key 7f3a9c0d1e2b4a5c"}}"#,
        );
        assert!(!format!("{seen:?}").contains("7f3a9c"), "{seen:?}");
    }

    #[test]
    fn saved_evidence_is_known() {
        let refused = crate::triage::sightings(b"{\"schema\":\"llmdoctor.evidence/1\",\"exchanges\":[]}");
        assert!(refused.is_err_and(|error| error.to_string().contains("llmdoctor replay")));
        assert!(is_saved_evidence("\u{feff} {\n  \"schema\": \"llmdoctor.evidence/1\", \"version\": \"0.1.0\"}"));
        assert!(!is_saved_evidence("{\"schema\": \"other/1\"}") && !is_saved_evidence("llmdoctor.evidence/1"));
    }
}
