//! Building what is sent, and what may be shown of it.

use ::http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use url::Url;

use super::Call;
use crate::secret::Scrubber;

/// Headers that carry credentials whatever their value is.
const CREDENTIALS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "key"];
/// What the names of other such headers end in.
const CREDENTIAL_ENDS: [&str; 6] = ["-key", "-apikey", "-token", "-secret", "-authorization", "-password"];
/// Query parameters that carry credentials.
const CREDENTIAL_PARAMETERS: [&str; 15] = [
    "key",
    "api_key",
    "api-key",
    "apikey",
    "token",
    "access_token",
    "auth",
    "sig",
    "signature",
    "secret",
    "password",
    "subscription-key",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
];

/// The request, and the call without its body and without a user name in its URL.
pub(super) fn build(mut call: Call, extra: &[(HeaderName, HeaderValue)]) -> (Call, reqwest::Request) {
    let basic = take_user(&mut call.url);
    let mut request = reqwest::Request::new(call.method.clone(), call.url.clone());
    *request.headers_mut() = headers(&call.headers, extra, basic);
    *request.body_mut() = call.body.take().map(reqwest::Body::from);
    (call, request)
}

/// What is said already stays; `Accept` is always said, as reqwest would do it unseen.
fn headers(own: &[(HeaderName, HeaderValue)], extra: &[(HeaderName, HeaderValue)], basic: Option<HeaderValue>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in own.iter().filter(|(name, _)| extra.iter().all(|(other, _)| other != name)).chain(extra) {
        map.append(name.clone(), value.clone());
    }
    if let Some(basic) = basic {
        map.entry(AUTHORIZATION).or_insert(basic);
    }
    map.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    map
}

/// Takes user name and password out of a URL, as Basic authorization.
fn take_user(url: &mut Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decoded(text);
    let pair = [decoded(url.username()), b":".to_vec(), decoded(url.password().unwrap_or_default())].concat();
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    HeaderValue::from_str(&format!("Basic {encoded}")).ok()
}

fn percent_decoded(text: &str) -> Vec<u8> {
    // `+` and `&` mean themselves in user names, unlike in forms.
    let form = text.replace('+', "%2B").replace('&', "%26");
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(name, _)| name.into_owned().into_bytes()).unwrap_or_default()
}

/// A URL that may be shown: no user name, no fragment, credentials in its query blanked.
pub fn shown_url(url: &Url, scrubber: &Scrubber) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("").and_then(|()| shown.set_password(None));
    shown.set_fragment(None);
    if let Some(query) = url.query() {
        let pairs: Vec<_> = query.split('&').map(shown_pair).collect();
        shown.set_query(Some(&pairs.join("&")));
    }
    scrubber.text(shown.as_str())
}

fn shown_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) if !value.is_empty() && is_credential_parameter(name) => format!("{name}=***"),
        _ => pair.to_owned(),
    }
}

/// Whether the query parameter of this name carries a credential.
pub fn is_credential_parameter(name: &str) -> bool {
    CREDENTIAL_PARAMETERS.contains(&name.to_ascii_lowercase().as_str())
}

/// The headers that may be shown.
pub fn shown_headers(headers: &HeaderMap, scrubber: &Scrubber) -> Vec<(String, String)> {
    let shown = headers.iter().filter(|(name, _)| !is_credential(name.as_str()));
    shown.map(|(name, value)| (name.as_str().to_owned(), scrubber.text(&String::from_utf8_lossy(value.as_bytes())))).collect()
}

/// Whether the header of this (lower-case) name carries a credential.
pub fn is_credential(name: &str) -> bool {
    CREDENTIALS.contains(&name) || CREDENTIAL_ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn a_shown_url_holds_no_credential() {
        let scrubber = Scrubber::new([&Secret::new("sk-very-secret")]);
        let url = Url::parse("https://me:pw@host/v1/sk-very-secret?api-version=1&key=abc#x").expect("a URL");
        assert_eq!(shown_url(&url, &scrubber), "https://host/v1/[KEY]*********?api-version=1&key=***");
    }

    #[test]
    fn a_user_name_becomes_basic_authorization() {
        let mut url = Url::parse("http://me:p%40+w@host/").expect("a URL");
        let value = take_user(&mut url).expect("a header");
        assert_eq!(value, "Basic bWU6cEArdw==");
        assert_eq!(url.as_str(), "http://host/");
    }

    #[test]
    fn extra_headers_take_the_place_of_the_calls_own() {
        let pair = |name: &'static str, value: &'static str| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let map = headers(&[pair("user-agent", "ours"), pair("x-a", "1")], &[pair("user-agent", "theirs")], None);
        let shown = shown_headers(&map, &Scrubber::default());
        let expected = [("x-a", "1"), ("user-agent", "theirs"), ("accept", "*/*")];
        assert_eq!(shown, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn credentials_are_not_shown() {
        let names = ["authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "cf-access-client-secret", "x-auth-token"];
        assert!(names.iter().all(|name| is_credential(name)));
        assert!(!["content-type", "user-agent", "x-request-id", "openai-organization"].iter().any(|name| is_credential(name)));
    }
}
