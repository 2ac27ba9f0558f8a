//! What is examined: base URL, key, model. Parsed once, valid ever after.

use std::net::IpAddr;

use thiserror::Error;
use url::Url;

use crate::evidence::{BaseFault, Dialect, KeyFacts, KeyFault, Scheme};
use crate::secret::{Secret, bare_key};

/// The endpoint under examination.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it is.
    pub base: BaseUrl,
    /// How to identify oneself.
    pub auth: Auth,
    /// The model to ask for, exactly as typed; `None` takes one from the list.
    pub model: Option<String>,
    /// The way of speaking with it.
    pub dialect: Dialect,
}

/// A key and how it is sent.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The key as typed.
    pub key: Option<Secret>,
    /// The header that carries it.
    pub scheme: Scheme,
}

/// A base URL: as typed, as used, and what is odd about it.
#[derive(Debug, Clone)]
pub struct BaseUrl {
    /// As typed, user info and query values blanked.
    pub typed: String,
    /// As used: blanks and trailing slashes trimmed, a missing scheme assumed, user info dropped.
    pub url: Url,
    /// What is odd about it as typed.
    pub faults: Vec<BaseFault>,
}

/// Why a base URL cannot be used at all.
#[derive(Debug, Error, PartialEq)]
pub enum BadBase {
    /// Nothing there.
    #[error("the base URL is empty; expected something like https://gateway.example/v1")]
    Empty,
    /// Neither http nor https.
    #[error("the base URL's scheme is {0:?}; only http and https are spoken")]
    Scheme(String),
    /// Not a URL.
    #[error("the base URL cannot be read ({0}); expected something like https://gateway.example/v1")]
    Unreadable(String),
}

/// Routes that people paste along with the base.
const ENDPOINTS: [&str; 7] = ["/chat/completions", "/completions", "/responses", "/messages", "/embeddings", "/models", "/chat"];

/// Roots under which gateways put their API, tried when the given base leads nowhere.
const ROOTS: [&str; 6] = ["/v1", "/api/v1", "/openai/v1", "/api", "/v1beta/openai", "/compatible-mode/v1"];
/// Roots of Google's own API: its own, and those of gateways that pass it on (LiteLLM's pass-through).
const GOOGLE_ROOTS: [&str; 3] = ["/v1beta", "/v1", "/gemini/v1beta"];
/// Roots of fewer servers: web interfaces in front of an API, gateways below a path of their own, vendors with another numbering.
const RARER_ROOTS: [&str; 8] =
    ["/openai", "/api/openai/v1", "/gateway/v1", "/llm/v1", "/v1/openai", "/inference/v1", "/api/v3", "/proxy/v1"];

impl BaseUrl {
    /// Reads a base URL as somebody typed it; what can be worked with becomes a fault, not an error.
    pub fn parse(typed: &str) -> Result<Self, BadBase> {
        let blank = |c: char| c.is_whitespace() || c.is_control() || c == '\u{200b}' || c == '\u{feff}';
        let trimmed: String = typed.trim_matches(|c| blank(c) || c == '"' || c == '\'').chars().filter(|c| !blank(*c)).collect();
        if trimmed.is_empty() {
            return Err(BadBase::Empty);
        }
        let (text, scheme_missing) = with_scheme(&trimmed);
        let mut url = Url::parse(&text).map_err(|error| BadBase::Unreadable(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadBase::Scheme(url.scheme().to_owned()));
        }
        let mut faults = path_faults(&url);
        let odd = [
            (scheme_missing, BaseFault::MissingScheme),
            (trimmed != typed, BaseFault::Blanks),
            (url.query().is_some() || url.fragment().is_some(), BaseFault::Query),
            (!url.username().is_empty() || url.password().is_some(), BaseFault::UserInfo),
        ];
        faults.extend(odd.into_iter().filter(|(is, _)| *is).map(|(_, fault)| fault));
        let typed = shown(typed, &url);
        tidy(&mut url);
        Ok(BaseUrl { typed, url, faults })
    }

    /// The URL of a route such as `/chat/completions` under this base; a query of the base (`api-version`) is kept.
    pub fn route(&self, route: &str) -> Url {
        join(&self.url, route)
    }

    /// Other bases that may have been meant, likeliest first, at most eight, each an address that one can paste.
    pub fn variants(&self, dialect: Dialect) -> Vec<Url> {
        let path = self.url.path().trim_end_matches('/');
        let mended = mended(path);
        let mut paths = vec![mended.clone()];
        let roots: &[&str] = if dialect == Dialect::GoogleGenerate { &GOOGLE_ROOTS } else { &ROOTS };
        if !has_version(&mended) || dialect == Dialect::GoogleGenerate {
            paths.push(format!("{}{}", without_version(&mended), roots[0]));
        }
        paths.push(without_version(&mended));
        paths.extend(roots.iter().map(|root| (*root).to_owned()));
        paths.push(String::new());
        let mut bases = self.at(paths);
        bases.truncate(8);
        bases
    }

    /// Roots that fewer servers use, for when none of the likelier ones answers.
    pub fn rarer_variants(&self) -> Vec<Url> {
        self.at(RARER_ROOTS.map(str::to_owned).into())
    }

    fn at(&self, paths: Vec<String>) -> Vec<Url> {
        let path = self.url.path().trim_end_matches('/');
        let mut bases: Vec<Url> = Vec::new();
        for candidate in paths {
            let mut url = self.url.clone();
            url.set_path(&candidate);
            if candidate != path && !bases.contains(&url) {
                bases.push(url);
            }
        }
        bases
    }

    /// The same address with the other of `http` and `https`; a default port changes along.
    pub fn other_scheme(&self) -> Url {
        let mut url = self.url.clone();
        let other = if url.scheme() == "http" { "https" } else { "http" };
        url.set_scheme(other).expect("http and https may replace each other");
        url
    }

    /// True when the host is a loopback address or `localhost`.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }
}

/// True when the URL's host is a loopback address or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        None => false,
    }
}

/// True when both lead to the same host and port: where one's credentials may go, the other's may.
pub fn same_place(one: &Url, other: &Url) -> bool {
    one.host() == other.host() && one.port_or_known_default() == other.port_or_known_default()
}

/// The URL of a route under a base.
pub fn join(base: &Url, route: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{route}", base.path().trim_end_matches('/')));
    url
}

/// Puts a scheme in front when there is none: `http` for numbers, `localhost` and names without a dot, else `https`.
fn with_scheme(text: &str) -> (String, bool) {
    if text.contains("://") {
        return (text.to_owned(), false);
    }
    let host = text.trim_start_matches('/').split(['/', ':', '?']).next().unwrap_or_default();
    let near = host == "localhost" || !host.contains('.') || host.parse::<IpAddr>().is_ok();
    (format!("{}://{}", if near { "http" } else { "https" }, text.trim_start_matches('/')), true)
}

fn path_faults(url: &Url) -> Vec<BaseFault> {
    let path = url.path();
    let trimmed = path.trim_end_matches('/');
    let odd = [
        (path.len() > 1 && path.ends_with('/'), BaseFault::TrailingSlash),
        (
            ENDPOINTS.iter().any(|endpoint| trimmed.ends_with(endpoint)) || Dialect::google_asked(trimmed).is_some(),
            BaseFault::PastedEndpoint,
        ),
        (doubled_version(trimmed), BaseFault::DoubledVersion),
        (trimmed.contains("//"), BaseFault::DoubledSlash),
        (!has_version(trimmed), BaseFault::NoVersion),
    ];
    odd.into_iter().filter(|(is, _)| *is).map(|(_, fault)| fault).collect()
}

fn is_version(segment: &str) -> bool {
    let mut rest = segment.chars();
    rest.next() == Some('v') && rest.next().is_some_and(|c| c.is_ascii_digit())
}

fn has_version(path: &str) -> bool {
    path.split('/').any(is_version)
}

fn doubled_version(path: &str) -> bool {
    path.split('/').filter(|segment| is_version(segment)).count() >= 2
}

/// The base under which this endpoint was asked: its route and its secrets are cut off, what is odd about it stays.
pub fn base_of(endpoint: &Url) -> Url {
    let mut base = blanked(endpoint);
    let path = endpoint.path().trim_end_matches('/');
    base.set_path(ENDPOINTS.iter().find_map(|route| path.strip_suffix(route)).unwrap_or(path));
    base
}

/// The path with a pasted endpoint cut off, a doubled version segment and doubled slashes collapsed.
fn mended(path: &str) -> String {
    let google = || Dialect::google_asked(path).and_then(|_| Some(path.rsplit_once("/models/")?.0));
    let cut = ENDPOINTS.iter().find_map(|endpoint| path.strip_suffix(endpoint)).or_else(google).unwrap_or(path);
    let mut segments: Vec<&str> = Vec::new();
    for segment in cut.split('/').filter(|segment| !segment.is_empty()) {
        let repeated = is_version(segment) && segments.iter().any(|seen| is_version(seen));
        if !repeated {
            segments.push(segment);
        }
    }
    segments.iter().map(|segment| format!("/{segment}")).collect()
}

fn without_version(path: &str) -> String {
    path.split('/').filter(|segment| !segment.is_empty() && !is_version(segment)).map(|segment| format!("/{segment}")).collect()
}

/// Drops what must not be sent or shown: user info, fragment, trailing slashes.
fn tidy(url: &mut Url) {
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
}

/// What was typed, fit for a report: user info and query values blanked.
fn shown(typed: &str, url: &Url) -> String {
    let secret = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
    if secret { blanked(url).to_string() } else { typed.to_owned() }
}

/// A URL fit for a report: user info and the values of query parameters that may be credentials are blanked.
pub fn blanked(url: &Url) -> Url {
    let mut shown = url.clone();
    if !url.username().is_empty() || url.password().is_some() {
        let _ = shown.set_username("***");
        let _ = shown.set_password(None);
    }
    if url.query().is_some() {
        let pairs: Vec<(String, String)> = url.query_pairs().map(|(name, value)| (name.to_string(), harmless(&name, &value))).collect();
        shown.query_pairs_mut().clear().extend_pairs(pairs);
    }
    shown
}

fn harmless(name: &str, value: &str) -> String {
    if matches!(name, "api-version" | "alt" | "beta") { value.to_owned() } else { "***".to_owned() }
}

impl Auth {
    /// What may be said about the key in evidence.
    pub fn facts(&self) -> KeyFacts {
        let Some(key) = &self.key else { return KeyFacts::default() };
        KeyFacts { present: true, scheme: Some(self.scheme), prefix: prefix(key.expose()), faults: key_faults(key.expose()) }
    }

    /// The key without what was pasted along, when that differs from the key as typed.
    pub fn trimmed(&self) -> Option<Secret> {
        let key = self.key.as_ref()?.expose();
        let bare = bare_key(key);
        (bare != key && !bare.is_empty()).then(|| Secret::new(bare))
    }
}

/// Public shapes of keys, longest first, so that a report may name the vendor.
const PREFIXES: [&str; 16] = [
    "sk-ant-",
    "sk-proj-",
    "sk-or-",
    "sk-litellm-",
    "sk-svcacct-",
    "github_pat_",
    "gsk_",
    "AIza",
    "xai-",
    "hf_",
    "nvapi-",
    "pplx-",
    "ghp_",
    "r8_",
    "eyJ",
    "sk-",
];

fn prefix(key: &str) -> Option<String> {
    let bare = bare_key(key);
    PREFIXES.iter().find(|prefix| bare.starts_with(**prefix) && bare.len() >= prefix.len() + 8).map(|prefix| (*prefix).to_owned())
}

fn key_faults(key: &str) -> Vec<KeyFault> {
    let trimmed = key.trim();
    let quoted = trimmed.trim_matches(['"', '\'', '`', '“', '”', '‘', '’']);
    let odd = [
        (bare_key(key).is_empty(), KeyFault::Empty),
        (trimmed != key, KeyFault::Blanks),
        (quoted != trimmed, KeyFault::Quotes),
        (quoted.to_ascii_lowercase().starts_with("bearer"), KeyFault::BearerPrefix),
        (quoted.contains('=') && bare_key(quoted) != quoted && !quoted.to_ascii_lowercase().starts_with("bearer"), KeyFault::VariableName),
        (http::HeaderValue::from_str(key).is_err() || !key.is_ascii(), KeyFault::NotAHeader),
    ];
    odd.into_iter().filter(|(is, _)| *is).map(|(_, fault)| fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(typed: &str) -> BaseUrl {
        BaseUrl::parse(typed).expect("readable")
    }

    #[test]
    fn what_is_odd_is_named_and_worked_with() {
        use BaseFault::*;
        for (typed, used, faults) in [
            ("http://h/v1", "http://h/v1", vec![]),
            ("http://h/v1/", "http://h/v1", vec![TrailingSlash]),
            (" https://h/v1\n", "https://h/v1", vec![Blanks]),
            ("localhost:8000/v1", "http://localhost:8000/v1", vec![MissingScheme]),
            ("gateway.example/v1", "https://gateway.example/v1", vec![MissingScheme]),
            ("http://h", "http://h/", vec![NoVersion]),
            ("http://h/v1/chat/completions", "http://h/v1/chat/completions", vec![PastedEndpoint]),
            ("http://h/v1/v1", "http://h/v1/v1", vec![DoubledVersion]),
            ("http://u:p@h/v1", "http://h/v1", vec![UserInfo]),
        ] {
            assert_eq!((base(typed).url.as_str(), base(typed).faults), (used, faults), "{typed}");
        }
    }

    #[test]
    fn the_likeliest_base_comes_first() {
        let first = |typed: &str| base(typed).variants(Dialect::default())[0].to_string();
        assert_eq!(first("http://h/v1/chat/completions"), "http://h/v1");
        assert_eq!(first("http://h/v1/v1"), "http://h/v1");
        assert_eq!(first("http://h"), "http://h/v1");
        assert_eq!(first("http://h/v1"), "http://h/");
        assert_eq!(first("http://h/api//v1"), "http://h/api/v1");
        let google = |typed: &str| base(typed).variants(Dialect::GoogleGenerate)[0].to_string();
        assert_eq!(google("http://h/v1beta/models/gemini-2.5-flash:generateContent"), "http://h/v1beta");
        assert_eq!(google("http://h"), "http://h/v1beta");
        assert_eq!(google("http://h/proxy/v1"), "http://h/proxy/v1beta");
    }

    #[test]
    fn a_query_of_the_base_stays_behind_the_route() {
        let url = base("https://h/openai?api-version=2024-10-21").route("/chat/completions");
        assert_eq!(url.as_str(), "https://h/openai/chat/completions?api-version=2024-10-21");
    }

    #[test]
    fn credentials_in_a_base_are_not_shown() {
        assert_eq!(base("http://user:pass@h/v1?key=abc").typed, "http://***@h/v1?key=***");
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_one_line() {
        assert_eq!(BaseUrl::parse("  ").unwrap_err(), BadBase::Empty);
        assert_eq!(BaseUrl::parse("ftp://h/v1").unwrap_err(), BadBase::Scheme("ftp".into()));
        assert!(matches!(BaseUrl::parse("http://"), Err(BadBase::Unreadable(_))));
    }

    #[test]
    fn a_key_s_faults_are_known_without_the_key() {
        let facts = |key: &str| Auth { key: Some(Secret::new(key)), scheme: Scheme::Bearer }.facts();
        assert_eq!(facts("sk-ant-0123456789").prefix.as_deref(), Some("sk-ant-"));
        assert_eq!(facts("Bearer sk-1").faults, [KeyFault::BearerPrefix]);
        assert_eq!(facts("\"sk-1\"").faults, [KeyFault::Quotes]);
        assert_eq!(facts("sk-1\n").faults, [KeyFault::Blanks, KeyFault::NotAHeader]);
        assert_eq!(facts("abc=="), facts_without_faults());
    }

    fn facts_without_faults() -> KeyFacts {
        KeyFacts { present: true, scheme: Some(Scheme::Bearer), ..KeyFacts::default() }
    }
}
