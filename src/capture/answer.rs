//! What the relay says itself, where there is nothing to pass on. It names itself, so that nobody takes it for the upstream's answer.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, SERVER};
use http::{Response, StatusCode};
use serde_json::json;

use super::tap::Answer;
use crate::evidence::Fault;

/// The header of every answer that is the relay's own; its value is the reason.
pub const RELAY_HEADER: &str = "x-llmdoctor-capture";

/// The upstream cannot be reached, or what it said is no HTTP.
pub fn unreachable(upstream: &str, fault: &Fault) -> Response<Answer> {
    let why = fault.chain.last().map(|word| format!(" ({word})")).unwrap_or_default();
    own(StatusCode::BAD_GATEWAY, "upstream-unreachable", &format!("{upstream} gave no answer: {}{why}", fault.kind))
}

/// A connection shall become something other than HTTP.
pub fn no_upgrade(to: &str) -> Response<Answer> {
    let message =
        format!("connections that change their protocol (here: {to}) are not passed on; let the client use plain HTTP and streams");
    own(StatusCode::NOT_IMPLEMENTED, "no-upgrade", &message)
}

/// The client takes the relay for a proxy.
pub fn no_proxy(base_url: &str) -> Response<Answer> {
    let message = format!("this is a relay and no proxy: give the client the base URL {base_url}, and no proxy");
    own(StatusCode::NOT_IMPLEMENTED, "no-proxy", &message)
}

fn own(status: StatusCode, reason: &'static str, message: &str) -> Response<Answer> {
    let message = format!("llmdoctor capture, not the upstream: {message}");
    let body = json!({ "error": { "message": message, "type": "llmdoctor_capture", "param": null, "code": reason } });
    let mut answer = Response::new(Answer::Own(Some(Bytes::from(body.to_string()))));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(SERVER, HeaderValue::from_static(concat!("llmdoctor/", env!("CARGO_PKG_VERSION"))));
    headers.insert(HeaderName::from_static(RELAY_HEADER), HeaderValue::from_static(reason));
    answer
}
