//! What a client's request holds of credentials, and how they are kept out of everything that is kept.

use ::http::HeaderMap;
use serde_json::Value;
use url::Url;

use crate::http;
use crate::secret::{Scrubber, Secret, bare_key};

/// Credentials of a session that are remembered, so that they are known in later answers too.
const REMEMBERED: usize = 64;
/// Shorter values (bytes) are blanked where they stand, and not looked for elsewhere.
const DISTINCTIVE: usize = 8;
/// How deep a body is looked through.
const DEPTH: usize = 64;
/// Members of a body whose text is a credential; other names end like one.
const MEMBERS: [&str; 7] = ["api_key", "apikey", "authorization", "password", "secret", "access_token", "auth_token"];
const MEMBER_ENDS: [&str; 4] = ["_api_key", "_secret", "_password", "_access_token"];

/// The credentials of a session.
#[derive(Default)]
pub struct Secrets {
    known: Vec<Secret>,
    scrubber: Scrubber,
}

impl Secrets {
    /// Learns the credentials of a request.
    pub fn learn(&mut self, headers: &HeaderMap, url: &Url, body: Option<&Value>) {
        let mut found = Vec::new();
        headers.iter().filter(|(name, _)| http::is_credential(name.as_str())).for_each(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            found.extend(parts(name.as_str(), &value));
        });
        found.extend(url.query_pairs().filter(|(name, _)| http::is_credential_parameter(name)).map(|(_, value)| value.into_owned()));
        body.into_iter().for_each(|body| members(body, DEPTH, &mut found));
        found.retain(|value| bare_key(value).len() >= DISTINCTIVE);
        found.sort_unstable();
        found.dedup();
        let before = self.known.len();
        for secret in found.into_iter().map(Secret::new) {
            if !self.known.contains(&secret) {
                self.known.push(secret);
            }
        }
        if self.known.len() > before {
            let surplus = self.known.len().saturating_sub(REMEMBERED);
            self.known.drain(..surplus);
            self.scrubber = Scrubber::new(&self.known);
        }
    }

    /// Knows every credential so far.
    pub fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// The headers that carry credentials, each value blanked by marks of the same length; the scheme in front of it stays.
    pub fn blanked(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let credentials = headers.iter().filter(|(name, _)| http::is_credential(name.as_str()));
        credentials.map(|(name, value)| (name.as_str().to_owned(), blanked(&String::from_utf8_lossy(value.as_bytes())))).collect()
    }

    /// A body without credentials.
    pub fn scrub(&self, body: &mut Value) {
        scrub(body, &self.scrubber, DEPTH);
    }
}

/// What a header's value holds: the value, the credential behind its scheme, and each cookie.
fn parts(name: &str, value: &str) -> Vec<String> {
    match name {
        "cookie" => value.split(';').filter_map(|pair| Some(pair.split_once('=')?.1.trim().to_owned())).collect(),
        _ => [value, value.rsplit(' ').next().unwrap_or_default()].map(|part| part.trim().to_owned()).into(),
    }
}

fn blanked(value: &str) -> String {
    let scheme = value.find(' ').filter(|at| *at <= "bearer".len() && value.is_char_boundary(*at)).map_or(0, |at| at + 1);
    let (scheme, key) = value.split_at(scheme);
    format!("{scheme}{}", marks(key))
}

fn marks(text: &str) -> String {
    let length = text.chars().count();
    if length < crate::secret::KEY_MARK.len() { "*".repeat(length) } else { format!("{:*<length$}", crate::secret::KEY_MARK) }
}

fn is_credential_member(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    MEMBERS.contains(&name.as_str()) || MEMBER_ENDS.iter().any(|end| name.ends_with(end))
}

fn members(value: &Value, depth: usize, found: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Array(items) => items.iter().for_each(|item| members(item, depth, found)),
        Value::Object(map) => map.iter().for_each(|(name, inner)| match inner {
            Value::String(text) if is_credential_member(name) => found.push(text.clone()),
            _ => members(inner, depth, found),
        }),
        _ => {}
    }
}

fn scrub(value: &mut Value, scrubber: &Scrubber, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else {
        // Nobody looked so deep for credentials.
        *value = Value::Null;
        return;
    };
    match value {
        Value::String(text) => *text = scrubber.text(text),
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, scrubber, depth)),
        Value::Object(map) => map.iter_mut().for_each(|(name, inner)| match inner {
            Value::String(text) if is_credential_member(name) => *text = marks(text),
            _ => scrub(inner, scrubber, depth),
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn learnt(headers: &[(&'static str, &'static str)], url: &str, body: Option<&Value>) -> (Secrets, HeaderMap) {
        let map = HeaderMap::from_iter(headers.iter().map(|(name, value)| {
            let name: HeaderName = name.parse().expect("a name");
            (name, HeaderValue::from_static(value))
        }));
        let mut secrets = Secrets::default();
        secrets.learn(&map, &Url::parse(url).expect("a URL"), body);
        (secrets, map)
    }

    #[test]
    fn credentials_are_known_wherever_they_come_back() {
        let headers = [("authorization", "Bearer my-own-key-1"), ("cookie", "a=session-77; b=x"), ("x-api-key", "other-key-2")];
        let (secrets, map) = learnt(&headers, "http://h/v1?api_key=url-key-333", Some(&json!({ "m": [{ "api_key": "body-key-4444" }] })));
        let text = secrets.scrubber().text("my-own-key-1 session-77 other-key-2 url-key-333 body-key-4444");
        assert!(["own-key", "session", "other", "url-key", "body-key"].iter().all(|word| !text.contains(word)), "{text}");
        let shown = secrets.blanked(&map);
        assert_eq!(shown[0], ("authorization".to_owned(), "Bearer [KEY]*******".to_owned()));
        assert_eq!(shown[2], ("x-api-key".to_owned(), "[KEY]******".to_owned()));
        assert_eq!(shown[1].1.len(), "a=session-77; b=x".len());
    }

    #[test]
    fn bodies_keep_everything_but_credentials() {
        let mut body = json!({ "model": "m", "api_key": "sk-1", "tools": [{ "parameters": { "password": { "type": "string" } } }] });
        learnt(&[], "http://h/", Some(&body)).0.scrub(&mut body);
        assert_eq!(body, json!({ "model": "m", "api_key": "****", "tools": [{ "parameters": { "password": { "type": "string" } } }] }));
    }

    #[test]
    fn what_is_too_deep_to_be_looked_at_is_not_kept() {
        let mut body = (0..100).fold(json!({ "api_key": "deep-secret-1" }), |inner, _| json!([inner]));
        learnt(&[], "http://h/", Some(&body)).0.scrub(&mut body);
        assert!(!body.to_string().contains("deep-secret"));
    }

    #[test]
    fn later_exchanges_know_earlier_keys() {
        let (mut secrets, _) = learnt(&[("x-api-key", "first-key-1")], "http://h/", None);
        secrets.learn(&HeaderMap::new(), &Url::parse("http://h/").expect("a URL"), None);
        assert!(!secrets.scrubber().text("you sent first-key-1").contains("first-key"));
    }
}
