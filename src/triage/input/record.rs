//! Records that a client writes about a failed request: the Vercel AI SDK's `APICallError`, Axios, the OpenAI SDKs, LangChain, loggers.
//!
//! They come as JSON, or as Node's `util.inspect` prints them; the latter is read member by member, because it is no JSON and seldom whole.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::part;
use crate::triage::Sighting;

/// No more values than these are looked through for the record.
const MAX_VALUES: usize = 3000;

/// Members that tell a record from an error body.
const MARKS: [&str; 9] = [
    "responseBody",
    "response_body",
    "requestBodyValues",
    "responseHeaders",
    "response_headers",
    "requestBody",
    "isAxiosError",
    "requestUrl",
    "request_url",
];

/// Fills in what a record inside this value says; false when there is none.
pub fn fill(value: &Value, sighting: &mut Sighting) -> bool {
    let Some(record) = record(value) else { return false };
    sighting.status = first(record, &["/statusCode", "/status_code", "/status", "/response/status", "/response/statusCode", "/httpStatus"])
        .and_then(status);
    sighting.method = text(record, &["/method", "/config/method", "/request/method"]).map(str::to_ascii_uppercase);
    sighting.url = url(record);
    imply_method(sighting);
    let asked =
        first(record, &["/requestBodyValues", "/requestBody", "/request_body", "/config/data", "/request/body", "/config/body", "/body"]);
    sighting.asked = asked.and_then(unwrapped).filter(Value::is_object);
    sighting.stream = part::stream_of(sighting.asked.as_ref());
    sighting.headers = headers(first(record, &["/responseHeaders", "/response_headers", "/response/headers", "/headers"]));
    sighting.body = body(record);
    sighting.seconds = ["/duration_ms", "/durationMs", "/responseTime", "/elapsed_ms"]
        .iter()
        .find_map(|place| record.pointer(place)?.as_f64())
        .map(|ms| ms / 1000.0);
    sighting.fault = sighting.status.is_none().then(|| text(record, &["/code", "/cause/code", "/errno"])).flatten().map(str::to_owned);
    true
}

/// The outermost object that has a record's members.
fn record(value: &Value) -> Option<&Value> {
    let mut queue = std::collections::VecDeque::from([value]);
    for _ in 0..MAX_VALUES {
        match queue.pop_front()? {
            found @ Value::Object(map) if is_record(map) => return Some(found),
            Value::Object(map) => queue.extend(map.values()),
            Value::Array(items) => queue.extend(items.iter().take(50)),
            _ => {}
        }
    }
    None
}

fn is_record(map: &Map<String, Value>) -> bool {
    let object = |name: &str| map.get(name).and_then(Value::as_object);
    let answered =
        object("response").is_some_and(|response| ["status", "statusCode", "data", "body"].iter().any(|name| response.contains_key(*name)));
    let axios = object("config").is_some_and(|config| config.contains_key("url"));
    let sdk = object("headers").is_some()
        && (map.get("status").is_some_and(Value::is_number) || map.get("statusCode").is_some_and(Value::is_number));
    let logged = map.get("url").is_some_and(Value::is_string)
        && ["statusCode", "status_code", "status"].iter().any(|name| map.get(*name).is_some_and(Value::is_number));
    answered || axios || sdk || logged || MARKS.iter().any(|mark| map.contains_key(*mark))
}

fn first<'v>(record: &'v Value, places: &[&str]) -> Option<&'v Value> {
    places.iter().find_map(|place| record.pointer(place).filter(|value| !value.is_null()))
}

fn text<'v>(record: &'v Value, places: &[&str]) -> Option<&'v str> {
    places.iter().find_map(|place| record.pointer(place)?.as_str()).filter(|text| !text.is_empty())
}

/// A status, as a number or as digits.
pub fn status(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    u16::try_from(number).ok().filter(|status| (100..600).contains(status))
}

fn url(record: &Value) -> Option<String> {
    let url =
        text(record, &["/url", "/requestUrl", "/request_url", "/config/url", "/request/url", "/response/url", "/response/config/url"])?;
    let base = text(record, &["/config/baseURL"]).filter(|_| !url.contains("://"));
    Some(base.map_or_else(|| url.to_owned(), |base| format!("{}/{}", base.trim_end_matches('/'), url.trim_start_matches('/'))))
}

/// A value that was written as a string is read again.
fn unwrapped(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => part::json_within(text),
        other => Some(other.clone()),
    }
}

fn headers(value: Option<&Value>) -> Vec<(String, String)> {
    let pair = |(name, value): (&String, &Value)| {
        Some((name.to_ascii_lowercase(), value.as_str().map_or_else(|| scalar(value), |text| Some(text.to_owned()))?))
    };
    value.and_then(Value::as_object).into_iter().flatten().filter_map(pair).take(100).collect()
}

fn scalar(value: &Value) -> Option<String> {
    (value.is_number() || value.is_boolean()).then(|| value.to_string())
}

fn body(record: &Value) -> Option<String> {
    const PLACES: [&str; 8] =
        ["/responseBody", "/response_body", "/response/data", "/response/body", "/data", "/body", "/error", "/response/error"];
    let is_request = |place: &str| place == "/body" && record.pointer("/body/messages").is_some();
    let (place, said) = PLACES
        .into_iter()
        .filter(|place| !is_request(place))
        .find_map(|place| Some((place, record.pointer(place).filter(|value| !value.is_null())?)))?;
    let text = match said {
        Value::String(text) => text.clone(),
        // SDKs take the server's `{"error": …}` apart.
        inner if place.ends_with("/error") && inner.get("error").is_none() => serde_json::json!({ "error": inner }).to_string(),
        whole => whole.to_string(),
    };
    Some(part::body(&text))
}

/// One member of a record as `util.inspect` prints it.
static MEMBER: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?m)(?:^|[{,])[ \t]*["']?(?P<name>url|requestUrl|method|statusCode|status|responseBody|stream|model)["']?[ \t]*:[ \t]*(?P<value>[0-9]{3}\b|true\b|false\b|["'`])"#;
    Regex::new(pattern).expect("a constant pattern")
});

/// Fills in the members of a record that stand in a text which is no JSON; false when there are too few to call it one.
pub fn fill_printed(text: &str, sighting: &mut Sighting) -> bool {
    let mut marks = 0;
    for hit in MEMBER.captures_iter(text) {
        let value = hit.name("value").expect("it is no option");
        let said = match value.as_str() {
            quote @ ("'" | "\"" | "`") => quoted(&text[value.end()..], quote.as_bytes()[0]),
            bare => bare.to_owned(),
        };
        marks += usize::from(member(&hit["name"], said, sighting));
    }
    imply_method(sighting);
    marks >= 2 && (sighting.status.is_some() || sighting.body.is_some())
}

/// Model lists are only ever fetched.
fn imply_method(sighting: &mut Sighting) {
    if sighting.method.is_none() && sighting.url.as_deref().is_some_and(|url| url.trim_end_matches('/').ends_with("/models")) {
        sighting.method = Some("GET".to_owned());
    }
}

/// Takes a member, unless it is known; true when it tells a record.
fn member(name: &str, said: String, sighting: &mut Sighting) -> bool {
    let number = || said.parse().ok().filter(|status| (100..600).contains(status));
    match name {
        "url" | "requestUrl" if sighting.url.is_none() && said.contains('/') => sighting.url = Some(said),
        "method" if sighting.method.is_none() => sighting.method = Some(said.to_ascii_uppercase()),
        "statusCode" | "status" if sighting.status.is_none() && number().is_some() => sighting.status = number(),
        "responseBody" if sighting.body.is_none() => sighting.body = Some(part::body(&said)),
        "stream" if sighting.stream.is_none() => {
            sighting.stream = said.parse().ok();
            return false;
        }
        "model" if sighting.asked.is_none() && !said.is_empty() => {
            sighting.asked = Some(serde_json::json!({ "model": said }));
            return false;
        }
        _ => return false,
    }
    true
}

/// A JavaScript string up to its closing quote; pieces that are joined by `+` are one.
fn quoted(text: &str, quote: u8) -> String {
    let text = part::head(text, crate::facts::TEXT_LIMIT);
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.extend(characters.next().map(escaped)),
            _ if character == char::from(quote) => match joined(characters.as_str(), quote) {
                Some(next) => characters = next.chars(),
                None => break,
            },
            other => out.push(other),
        }
    }
    out
}

/// What follows `' +\n  '`.
fn joined(text: &str, quote: u8) -> Option<&str> {
    text.trim_start_matches([' ', '\t']).strip_prefix('+')?.trim_start().strip_prefix(char::from(quote))
}

fn escaped(character: char) -> char {
    match character {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    }
}
