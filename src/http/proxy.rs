//! Which proxy stands in the way, told by the same code that reqwest uses.

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::Url;

use super::{ProxyChoice, Unusable};

const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// The matcher of a choice; `None` when no proxy is ever used.
pub(super) fn matcher(choice: &ProxyChoice) -> Option<Matcher> {
    match choice {
        ProxyChoice::Environment => Some(Matcher::from_system()),
        ProxyChoice::None => None,
        ProxyChoice::Url(url) => Some(Matcher::builder().all(url.as_str()).build()),
    }
}

/// The proxy on the way to this URL.
pub(super) fn intercept(matcher: &Matcher, url: &Url) -> Option<Intercept> {
    let uri: ::http::Uri = url.as_str().parse().ok()?;
    matcher.intercept(&uri)
}

/// reqwest's form of a proxy.
pub(super) fn of(url: &Url) -> Result<reqwest::Proxy, Unusable> {
    if !SCHEMES.contains(&url.scheme()) {
        return Err(Unusable::Proxy(format!("its scheme is {} and not one of {}", url.scheme(), SCHEMES.join(", "))));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(Unusable::Proxy("it names no host".to_owned()));
    }
    reqwest::Proxy::all(url.clone()).map_err(|error| Unusable::Proxy(error.without_url().to_string()))
}

/// The proxy for readers: scheme, host and port.
pub(super) fn shown(hit: &Intercept) -> String {
    let uri = hit.uri();
    let user = if hit.basic_auth().is_some() || hit.raw_auth().is_some() { "***@" } else { "" };
    let host = uri.host().unwrap_or_default();
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{user}{host}{port}", uri.scheme_str().unwrap_or("http"))
}
