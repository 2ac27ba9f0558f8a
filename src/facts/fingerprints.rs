//! Who answered: headers and bodies that only one program writes.

use super::{Headers, Pattern, Strength, TEXT_LIMIT, fits, head, header, rows};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

/// A mark by which a program is known, from `fingerprints.toml`.
#[derive(Debug, Deserialize)]
pub struct Fingerprint {
    /// Stable name of the row.
    pub id: String,
    /// The program or service it belongs to.
    #[serde(rename = "box")]
    pub box_: String,
    /// What that program is to a request.
    pub role: Role,
    /// Where the mark is looked for.
    #[serde(rename = "where")]
    pub place: Place,
    /// How far the mark can be trusted.
    pub strength: Strength,
    /// Where this is documented or was seen.
    pub source: String,
    header: Option<String>,
    #[serde(rename = "match")]
    rule: Rule,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    fields: BTreeMap<String, Pattern>,
    regex: Option<Pattern>,
    status: Option<u16>,
}

/// What a box is to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Forwards without understanding: nginx, Envoy.
    Proxy,
    /// An edge network: Cloudflare, a load balancer.
    Cdn,
    /// Understands models and routes: LiteLLM, Kong, OpenRouter.
    Gateway,
    /// Runs the model: vLLM, llama.cpp.
    Engine,
    /// Sells the model: OpenAI, Anthropic.
    Provider,
}

/// Where a mark is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the body.
    Body,
    /// In one header.
    Header,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Rule {
    Present,
    Exact,
    Prefix,
    Contains,
    OneOf,
    Regex,
    Json,
}

static FINGERPRINTS: LazyLock<Vec<Fingerprint>> = LazyLock::new(|| rows(data!("fingerprints")));

/// Reads the rows before they are needed.
pub(super) fn warm_up() {
    LazyLock::force(&FINGERPRINTS);
}

/// The boxes that left a mark on this answer: strongest first, bodies before headers, each box once.
///
/// `headers` have lower-case names. Of `body`, the first [`TEXT_LIMIT`] bytes are examined; a JSON body that is longer is
/// judged by its text only.
pub fn fingerprint(status: u16, headers: &Headers, body: &str) -> Vec<&'static Fingerprint> {
    let answer = Answer { status, headers, body: head(body, TEXT_LIMIT).trim(), json: json_of(body) };
    let mut found: Vec<_> = FINGERPRINTS.iter().filter(|row| row.is_on(&answer)).collect();
    found.sort_by_key(|row| (row.strength, row.place));
    let mut boxes = HashSet::new();
    found.retain(|row| boxes.insert(row.box_.as_str()));
    found
}

/// Every mark, in the order of the file.
pub fn fingerprints() -> &'static [Fingerprint] {
    &FINGERPRINTS
}

struct Answer<'a> {
    status: u16,
    headers: &'a Headers,
    body: &'a str,
    json: Option<Value>,
}

/// The body as JSON, unless it is too long or something else.
fn json_of(body: &str) -> Option<Value> {
    (body.len() <= TEXT_LIMIT && body.trim_start().starts_with(['{', '['])).then(|| serde_json::from_str(body).ok())?
}

impl Fingerprint {
    /// The header that the mark stands in, in lower case, with `*` for any text; `None` for a mark in the body.
    pub fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// The status that the mark belongs to; `None` for any.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// What the mark looks like, in a few words.
    pub fn looks(&self) -> String {
        let place = self.header.as_ref().map_or_else(|| "body".to_owned(), |name| format!("header {name}"));
        let told = match self.rule {
            Rule::Present => return place,
            Rule::Json => self.members(),
            Rule::Regex => self.regex.as_ref().map(|regex| regex.text.to_string()).unwrap_or_default(),
            Rule::Exact | Rule::Prefix | Rule::Contains | Rule::OneOf => self.values.join(" or "),
        };
        let verb = match self.rule {
            Rule::Exact | Rule::OneOf => "is",
            Rule::Prefix => "begins with",
            Rule::Regex => "matches",
            Rule::Json => "has the members",
            Rule::Contains | Rule::Present => "contains",
        };
        format!("{place} {verb} {told}")
    }

    /// The members that a body must have, and what must stand in them.
    fn members(&self) -> String {
        let member = |key: &String| self.fields.get(key).map_or_else(|| key.clone(), |pattern| format!("{key} like {}", pattern.text));
        let others = self.fields.iter().filter(|(key, _)| !self.keys.contains(key));
        let others = others.map(|(key, pattern)| format!("{key} like {}", pattern.text));
        self.keys.iter().map(member).chain(others).collect::<Vec<_>>().join(", ")
    }

    fn is_on(&self, answer: &Answer) -> bool {
        self.status.is_none_or(|status| status == answer.status)
            && match self.place {
                Place::Body => self.is_in_body(answer),
                Place::Header => self.is_in_headers(answer.headers),
            }
    }

    fn is_in_headers(&self, headers: &Headers) -> bool {
        let name = self.header.as_deref().unwrap_or_default();
        if name.contains('*') {
            return headers.iter().any(|(key, value)| fits(name, key) && self.is_in_text(head(value, TEXT_LIMIT)));
        }
        header(headers, name).is_some_and(|value| self.is_in_text(head(value, TEXT_LIMIT).trim()))
    }

    fn is_in_body(&self, answer: &Answer) -> bool {
        match self.rule {
            Rule::Json => answer.json.as_ref().is_some_and(|json| self.is_in_json(json)),
            _ => self.is_in_text(answer.body),
        }
    }

    fn is_in_text(&self, text: &str) -> bool {
        match self.rule {
            Rule::Present => true,
            Rule::Exact => self.values.iter().any(|value| text.eq_ignore_ascii_case(value)),
            Rule::Prefix => self.values.iter().any(|value| text.starts_with(value.as_str())),
            Rule::Contains | Rule::OneOf => self.values.iter().any(|value| text.contains(value.as_str())),
            Rule::Regex => self.regex.as_ref().is_some_and(|regex| regex.is_match(text)),
            Rule::Json => false,
        }
    }

    fn is_in_json(&self, json: &Value) -> bool {
        self.keys.iter().all(|path| !at(json, path).is_empty())
            && self.fields.iter().all(|(path, pattern)| at(json, path).iter().any(|value| reads(value, pattern)))
    }
}

/// The values at a dotted path, in which `name[]` means every element of the array `name`.
fn at<'a>(json: &'a Value, path: &str) -> Vec<&'a Value> {
    path.split('.').fold(vec![json], |values, step| {
        let name = step.trim_end_matches("[]");
        let inner = values.into_iter().filter_map(|value| value.get(name));
        if step.ends_with("[]") { inner.filter_map(Value::as_array).flatten().collect() } else { inner.collect() }
    })
}

/// Whether a string or number reads like the pattern.
fn reads(value: &Value, pattern: &Pattern) -> bool {
    match value {
        Value::String(text) => pattern.is_match(text),
        Value::Number(number) => pattern.is_match(&number.to_string()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<&'static str> {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        fingerprint(status, &headers, body).iter().map(|row| row.box_.as_str()).collect()
    }

    #[test]
    fn every_row_is_usable() {
        for row in FINGERPRINTS.iter() {
            assert!(row.source.starts_with("https://"), "{} has no source", row.id);
            assert_eq!(row.place == Place::Header, row.header.is_some(), "{}", row.id);
            assert_eq!(row.rule == Rule::Regex, row.regex.as_ref().is_some_and(|regex| !regex.as_str().is_empty()), "{}", row.id);
            assert_eq!(row.rule == Rule::Json, !row.keys.is_empty(), "{}", row.id);
            let wants_values = !matches!(row.rule, Rule::Present | Rule::Json | Rule::Regex);
            assert!(wants_values != row.values.is_empty() && row.values.iter().all(|value| !value.is_empty()), "{}", row.id);
        }
    }

    #[test]
    fn pages_of_proxies() {
        let nginx = "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway Time-out</h1></center>\r\n<hr><center>nginx/1.25.3</center>\r\n</body>\r\n</html>\r\n";
        assert_eq!(boxes(504, &[("server", "nginx/1.25.3")], nginx), ["nginx"]);
        let haproxy = "<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>\n";
        assert_eq!(boxes(504, &[], haproxy), ["HAProxy"]);
        assert_eq!(boxes(504, &[("server", "envoy")], "upstream request timeout"), ["Envoy"]);
        assert_eq!(boxes(503, &[], "no available server\n"), ["Traefik"]);
        assert_eq!(boxes(504, &[("server", "awselb/2.0")], "<html></html>"), ["AWS ALB / ELB"]);
    }

    #[test]
    fn the_body_names_the_writer_before_the_edge() {
        let found = boxes(
            429,
            &[("cf-ray", "8f"), ("server", "cloudflare")],
            r#"{"error":{"message":"No deployments available for selected model","type":"None","param":"None","code":"429"}}"#,
        );
        assert_eq!(found, ["LiteLLM proxy", "Cloudflare"]);
    }

    #[test]
    fn gateways_and_engines() {
        assert_eq!(
            boxes(
                503,
                &[("x-oneapi-request-id", "2025")],
                r#"{"error":{"message":"当前分组 default 下对于模型 gpt-4o 无可用渠道 (request id: 1)","type":"one_api_error"}}"#
            ),
            ["one-api", "one-api / new-api"]
        );
        assert_eq!(boxes(404, &[], r#"{"error":"Route not found: GET /openai/v1/models"}"#), ["TensorZero"]);
        assert_eq!(
            boxes(
                404,
                &[("server", "uvicorn")],
                r#"{"error":{"message":"The model `x` does not exist.","type":"NotFoundError","param":"model","code":404}}"#
            )[0],
            "vLLM"
        );
        assert_eq!(boxes(400, &[("server", "llama.cpp")], "{}"), ["llama.cpp server"]);
        assert_eq!(boxes(200, &[("llm_provider-x-request-id", "1")], "{}"), ["LiteLLM proxy"]);
        assert_eq!(boxes(200, &[], ": OPENROUTER PROCESSING\n\ndata: {}\n\n"), ["OpenRouter"]);
    }

    #[test]
    fn each_box_is_named_once() {
        let found = boxes(200, &[("x-litellm-call-id", "1"), ("x-litellm-version", "1.80"), ("x-litellm-model-id", "a")], "");
        assert_eq!(found, ["LiteLLM proxy"]);
    }

    #[test]
    fn an_ordinary_answer_is_nobodys() {
        assert_eq!(boxes(200, &[("content-type", "application/json")], r#"{"object":"list","data":[]}"#), Vec::<&str>::new());
        assert_eq!(boxes(401, &[], r#"{"error":{"message":"nope","type":"x","code":null}}"#), Vec::<&str>::new());
    }

    #[test]
    fn hostile_answers_are_bounded() {
        let long = "a".repeat(1 << 20);
        assert_eq!(boxes(500, &[("server", &long), ("x-litellm", &long)], &long), Vec::<&str>::new());
        assert_eq!(boxes(500, &[], &format!("[{}", "[".repeat(60_000))), Vec::<&str>::new());
        assert_eq!(boxes(500, &[], "\u{0}\u{fffd}ä"), Vec::<&str>::new());
    }

    #[test]
    fn paths_walk_objects_and_arrays() {
        let json: Value = serde_json::from_str(r#"{"a":{"b":[{"c":1},{"c":"x"}]}}"#).unwrap();
        assert_eq!(at(&json, "a.b[].c").len(), 2);
        assert!(at(&json, "a.z").is_empty() && at(&json, "a[].b").is_empty());
        let one = Pattern::from("^1".to_owned());
        assert!(reads(&Value::from(12), &one) && reads(&Value::from("1x"), &one) && !reads(&Value::Null, &one));
    }
}
