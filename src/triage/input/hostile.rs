//! No paste, however broken, stops a reader, and what a reader keeps is bounded.

use proptest::prelude::*;

use super::{curl, events, har, http, json, page};
use crate::facts::TEXT_LIMIT;
use crate::triage::Sighting;

/// One valid paste for each reader.
const VALID: [&str; 8] = [
    "$ curl -sSv -H 'Authorization: Bearer 7f3a9c0d1e2b4a5c' \\\n  -d '{\"model\":\"m\",\"stream\":true}' http://h/v1/chat/completions\n* Connected to h\n> POST /v1 HTTP/1.1\n> Host: h\n>\n} [83 bytes data]\n< HTTP/1.1 404 Not Found\n< Content-Type: application/json\n<\n{\"error\":{\"message\":\"é no\"}}* Connection #0 to host h left intact\ncurl: (18) transfer closed\ntime_total: 0.33\n",
    "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\n\r\n{\"model\":\"m\"}\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n",
    "Request URL: https://h/v1?key=7f3a9c0d1e2b4a5c\nRequest Method: POST\nStatus Code: 401 Unauthorized\n",
    "[12:01:02] data: {\"choices\":[{\"delta\":{\"content\":\"é\"}}]}\n[12:01:03] data: [DONE]\nb'data: {\"a\":\"\\\\n\"}\\n\\n'\n",
    "{\"err\":{\"url\":\"https://h/v1\",\"requestBodyValues\":{\"model\":\"m\"},\"statusCode\":404,\"responseBody\":\"{\\\"error\\\":\\\"é\\\"}\"}}",
    "APICallError: x {\n  url: 'https://h/v1',\n  statusCode: 404,\n  responseBody: '{\"error\":' +\n    '\"é\\'\"}',\n}",
    "<!DOCTYPE html><html><head><title>é | 524: A timeout occurred</title></head><body><h1>Error <span>524</span></h1></body></html>",
    "{\"log\":{\"entries\":[{\"time\":1.5,\"request\":{\"method\":\"POST\",\"url\":\"https://h/v1/messages?key=7f3a9c0d1e2b4a5c\",\"postData\":{\"text\":\"{}\"}},\"response\":{\"status\":500,\"headers\":[{\"name\":\"a\",\"value\":\"b\"}],\"content\":{\"size\":4,\"encoding\":\"base64\",\"text\":\"w6kK\"}}}]}}",
];

/// Whatever each reader makes of a text.
fn all(text: &str) -> Vec<Sighting> {
    let one = [events::read, json::read, page::read].into_iter().filter_map(|read| read(text, 1));
    let many = [curl::read_all, http::read_all, har::read].into_iter().flat_map(|read| read(text, 1));
    one.chain(many).collect()
}

fn check(text: &str) {
    for seen in all(text) {
        assert!(seen.text.len() <= TEXT_LIMIT && seen.body.as_ref().is_none_or(|body| body.len() <= TEXT_LIMIT), "{:?}", seen.form);
        assert!(
            1 <= seen.lines.0 && seen.lines.0 <= seen.lines.1 && seen.lines.1 <= text.lines().count().max(1),
            "{:?} of {text}",
            seen.lines
        );
        let _ = seen.exchange("s1");
    }
}

fn mutated() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        0..12_usize,
        prop::sample::select(vec![
            "", "\n", "\r\n", "\"", "'", "{", "}", "[", "\\", "é", "\u{feff}", "HTTP/2 ", "data: ", "`", "<", "> ", "\0",
        ]),
    );
    (prop::sample::select(VALID.to_vec()), prop::collection::vec(edit, 0..8)).prop_map(|(valid, edits)| {
        edits.into_iter().fold(valid.to_owned(), |text, (at, taken, put)| {
            let characters: Vec<char> = text.chars().collect();
            let at = at.index(characters.len() + 1);
            let rest = characters.get(at + taken..).unwrap_or_default();
            characters[..at].iter().collect::<String>() + put + &rest.iter().collect::<String>()
        })
    })
}

proptest! {
    #[test]
    fn no_mutation_of_a_paste_stops_a_reader(text in mutated()) {
        check(&text);
    }

    #[test]
    fn no_text_stops_a_reader(text in "(data: |HTTP/1.1 |curl |[<>*] |\\PC|[\"'{}\\[\\]\\\\\r\n:]){0,60}") {
        check(&text);
    }
}

#[test]
fn every_valid_paste_is_read_and_holds_no_key() {
    for text in VALID {
        let seen = all(text);
        assert!(!seen.is_empty(), "{text}");
        assert!(!format!("{seen:?}").contains("7f3a9c"), "{seen:?}");
    }
}

/// If any of these took quadratic time, the test would not end.
#[test]
fn a_lot_of_anything_is_read() {
    let pieces = [
        "{",
        "[",
        "\"",
        "'",
        "{\"a\":",
        "\\",
        "data: {",
        "data: {\n",
        "data: x\n\n",
        "curl http://h '\n",
        "curl -d '{\n",
        "curl: (7) x ",
        "> POST / HTTP/1.1\n",
        "< HTTP/1.1 200 OK\n",
        "HTTP/1.1 200 OK\n",
        "HTTP/1.1 100 Continue\n\n",
        "<h1>",
        "<html><title>",
        "<!--",
        "url: '",
        "responseBody: ' + '",
        "status: 404, url: '/x', ",
        "{\"log\":{\"entries\":[",
        "{\"log\":{\"entries\":[{},",
        "authorization: ",
        "api-key=7f3a9c0d1e2b4a5c ",
        "://a:",
        "-u a",
        "1\n",
        "ffff\n",
        "  100  1 ",
        "é",
        " ",
        "\n",
        "b'data: ",
        "12:01:02 ",
        "key=key=key=",
        "token_token_",
        "api-api-",
        "0:00:01 --:--:-- ",
    ];
    for piece in pieces {
        check(&piece.repeat((1 << 18) / piece.len()));
        check(&format!("{}{}", VALID[7].replace("]}}", ","), piece.repeat((1 << 16) / piece.len())));
    }
}
