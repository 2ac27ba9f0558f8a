use proptest::prelude::*;

use super::*;

fn found(paste: &str) -> Vec<Sighting> {
    sightings(paste.as_bytes()).expect("text")
}

fn one(paste: &str) -> Sighting {
    let mut found = found(paste);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_thread_with_one_error_is_one_failure() {
    let thread = "### Describe the bug\nStreaming `POST /v1/chat/completions` returns 400 after 3 seconds.\n\n```yaml\nbase_url: http://gw:4000/v1\nstream: true\n```\n\n```\n$ curl -i http://gw:4000/v1/chat/completions\nHTTP/1.1 400 Bad Request\ncontent-type: application/json\n\n{\"error\":{\"message\":\"unknown field\"}}\n```\n\nAnd in the log:\n```\n10:00:00 ERROR openai.BadRequestError: Error code: 400 - {'error': {'message': 'unknown field'}}\n```\nAny idea?";
    let one = one(thread);
    assert_eq!((one.status, one.stream, one.seconds), (Some(400), Some(true), Some(3.0)));
    assert_eq!(one.body.as_deref(), Some("{\"error\":{\"message\":\"unknown field\"}}"));
    assert_eq!(one.lines, (1, thread.lines().count()));
    assert!(one.text.contains("Describe") && one.text.ends_with("Any idea?"));
}

#[test]
fn two_errors_are_two_failures_in_their_order() {
    let thread = "First I got\n```\nError code: 429 - {'error': {'message': 'slow down'}}\n```\nand now\n```\nError code: 401 - {'error': {'message': 'no such key'}}\n```\n";
    let found = found(thread);
    assert_eq!(found.iter().map(|one| (one.status, one.lines)).collect::<Vec<_>>(), [(Some(429), (1, 6)), (Some(401), (7, 8))]);
}

#[test]
fn an_error_again_is_counted() {
    let again = |seconds: u32| format!("```\nError code: 429 - {{'error': {{'message': 'try again in {seconds}s'}}}}\n```\n");
    assert_eq!(one(&(1..4).map(again).collect::<String>()).times, 3);
}

#[test]
fn a_cascade_keeps_its_first_error() {
    let log = "10:00:00 ERROR status code: 500: the model crashed\n10:00:01 ERROR status code: 429: no deployments available, cooling down\n10:00:02 ERROR status code: 429: no deployments available, cooling down\n";
    assert_eq!(found(log).iter().map(|one| (one.status, one.times)).collect::<Vec<_>>(), [(Some(500), 1), (Some(429), 2)]);
}

#[test]
fn prose_alone() {
    let one = one(
        "Since the update our gateway returns 504 after 60 seconds with stream: true, model: \"gpt-4o\" and base_url = http://gw/v1. Without it all is well.",
    );
    assert_eq!((one.form, one.status, one.stream, one.seconds), (Form::Text, Some(504), Some(true), Some(60.0)));
    assert_eq!((one.model(), one.url.as_deref(), one.body.as_deref()), (Some("gpt-4o"), Some("http://gw/v1"), None));
}

#[test]
fn an_error_body_alone() {
    let one = one("{\"error\":{\"message\":\"Missing API key\",\"code\":401}}");
    assert_eq!((one.form, one.status), (Form::Json, Some(401)));
}

#[test]
fn a_request_and_its_error() {
    let one = one(
        "I send\n```json\n{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[]}\n```\nand get\n```json\n{\"error\":{\"message\":\"no such model\"}}\n```",
    );
    assert_eq!((one.model(), one.asks_stream(), one.body.is_some()), (Some("gpt-4o"), true, true));
}

#[test]
fn lines_of_json_are_a_log_or_a_stream() {
    let log = "{\"level\":\"info\",\"msg\":\"start\"}\n{\"level\":\"error\",\"msg\":\"upstream broke\",\"status\":502}\n{\"level\":\"info\",\"msg\":\"end\"}\n";
    let failure = one(log);
    assert_eq!((failure.form, failure.status, failure.body.as_deref()), (Form::Log, Some(502), Some("upstream broke")));
    let stream = "{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":false}\n{\"model\":\"m\",\"message\":{\"content\":\"b\"},\"done\":false}\n";
    assert_eq!(one(stream).form, Form::Events);
}

#[test]
fn keys_are_gone() {
    let key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123";
    let paste = format!("curl http://h/v1?key={key}\n{{\"error\":{{\"message\":\"bad key {key}\"}}}}\n\nOPENAI_API_KEY={key}\n");
    assert!(!format!("{:?}", found(&paste)).contains("abcdefghij"));
}

#[test]
fn a_long_log_keeps_few_failures() {
    let word = |number: usize| (0..5).map(|at| char::from(b'a' + (number >> (at * 4)) as u8 % 16)).collect::<String>();
    let log: String = (0..60_000).map(|number| format!("10:00:00 ERROR {} gave status code: 500\n", word(number))).collect();
    let found = found(&log);
    assert!(found.len() <= join::MAX_SIGHTINGS && found[0].lines.0 == 1, "{}", found.len());
}

#[test]
fn what_is_no_text_is_unreadable() {
    assert_eq!(sightings(b"\x7fELF\0\0"), Err(Unreadable::Binary));
    assert_eq!(sightings(b"\n \n"), Err(Unreadable::Empty));
}

/// Parts of pastes, to be put together in any order.
const PARTS: [&str; 24] = [
    "HTTP/1.1 401 Unauthorized\n",
    "< HTTP/2 500\n",
    "> POST /v1 HTTP/1.1\n",
    "curl -d '{\n",
    "```\n",
    "```json",
    "{\"error\":",
    "{'a': \"",
    "}\n",
    "]",
    "\n\n",
    "Error code: 400 - ",
    "Traceback (most recent call last):\n",
    "  File \"x\", line 4\n",
    "\tat a.B\n",
    "10:00:00 ERROR ",
    "api-1  | ",
    "data: {\"a\":1}\n",
    "<html>",
    "429",
    "\u{1b}[31m",
    "é→状态码: ",
    "returns ",
    "Caused by: ",
];

proptest! {
    #[test]
    fn nothing_panics_on_any_bytes(paste: Vec<u8>) {
        let _ = sightings(&paste);
    }

    #[test]
    fn nothing_panics_on_any_text(paste in "\\PC*") {
        let _ = sightings(paste.as_bytes());
    }

    #[test]
    fn nothing_panics_on_parts_of_pastes(parts in proptest::collection::vec(0..PARTS.len(), 0..40)) {
        let paste: String = parts.into_iter().map(|part| PARTS[part]).collect();
        let total = paste.lines().count();
        for one in sightings(paste.as_bytes()).unwrap_or_default() {
            prop_assert!(one.lines.0 >= 1 && one.lines.0 <= one.lines.1 && one.lines.1 <= total.max(1), "{:?} of {total}: {paste:?}", one.lines);
        }
    }
}

#[test]
fn failures_of_one_log_have_their_own_status_and_count() {
    let failed = |second: u8, words: &str, status: &str| {
        format!(
            "10:00:{second:02} - Proxy:ERROR: a.py:1 - it occured - {words}\n\nthe group failed as well\nTraceback (most recent call last):\n  File \"/lib/chat/completions.py\", line 1, in f\n    create(model=x[1])\nlib.{words}\nINFO:     127.0.0.1:3 - \"POST /v1/chat/completions HTTP/1.1\" {status}\n"
        )
    };
    let log = [
        "10:00:00 - Proxy:WARNING: b.py:2 - ranges are not set, so failed sign-ins are limited\nINFO:     Started server process\n"
            .to_owned(),
        failed(1, "AuthenticationError: the key is bad", "401 Unauthorized"),
        "INFO:     127.0.0.1:3 - \"POST /v1/chat/completions HTTP/1.1\" 200 OK\n".to_owned(),
        failed(2, "InternalServerError: no connection", "500 Internal Server Error"),
        failed(3, "AuthenticationError: the key is bad", "401 Unauthorized"),
    ]
    .concat();
    let found = sightings(log.as_bytes()).expect("a text");
    let told: Vec<_> = found.iter().map(|known| (known.status, known.times, known.said(), known.model())).collect();
    assert_eq!(
        told,
        [(Some(401), 2, "lib.AuthenticationError: the key is bad", None), (Some(500), 1, "lib.InternalServerError: no connection", None)]
    );
    assert!(found.iter().all(|known| known.url.as_deref() == Some("/v1/chat/completions")));
}
