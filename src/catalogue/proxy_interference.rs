//! A proxy from the environment sends the call somewhere else.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, address, reach};
use crate::evidence::FaultKind;

/// HTTP(S)_PROXY or NO_PROXY sends the call somewhere else.
pub const MODE: FailureMode = FailureMode {
    id: "proxy-interference",
    title: "A proxy stands in the way",
    family: "reach",
    symptom: "502, 503, 403 or 407 from something that is not the gateway, often for localhost or a private address; a browser or curl \
              from another shell works.",
    cause: "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is set (by the shell, the system or a VPN tool), and NO_PROXY does not name the host. \
            The proxy cannot reach a private address, wants a login, or forbids the host. httpx does not understand CIDR ranges in \
            NO_PROXY; some clients use the proxy for one step and not for the other. It is told from the gateway's own 5xx by who \
            speaks: the proxy refused to open the way, asked for its own login, or nothing but its pages came back.",
    fix: &[
        "Add the gateway's host to NO_PROXY (exact names, no CIDR ranges), or unset the proxy variables for this client.",
        "Test without it here: --no-proxy. Python (httpx, requests): trust_env=False.",
        "If the proxy is the only way out, give it the login it asks for and let it allow this host.",
    ],
    references: &[
        "https://github.com/NousResearch/hermes-agent/pull/5834",
        "https://github.com/MartialBE/one-hub/issues/800",
        "https://github.com/THUDM/slime/pull/1714",
    ],
    explains: &[
        "dns-failure",
        "connection-refused",
        "connection-timeout",
        "tls-failure",
        "upstream-unavailable",
        "waf-blocked",
        "not-an-api",
        "wrong-base-url",
        "models-list-unusable",
    ],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if address::served(case) {
        return Verdict::absent("the endpoint was served the way it was asked");
    }
    let Some((shown, certainty)) = interference(case) else {
        return match case.subject().proxy {
            None => Verdict::absent("no proxy is set, and no answer came from one"),
            Some(_) => Verdict::untested("a proxy is set; nothing shows whether it takes part in the failure"),
        };
    };
    let proxy = case.subject().proxy.as_deref().unwrap_or("a proxy");
    let because = format!("{} was asked for by way of {proxy}: {}.", reach::host_port(case), told(shown));
    Finding::new(Severity::Error, certainty, Blame::Client, because)
        .so("Requests from this environment do not reach the gateway, whatever their content.")
        .cite([shown.exchange])
        .detail("proxy", proxy)
        .present()
}

/// The exchange in which the proxy shows, and how sure that is.
fn interference<'c, 'e>(case: &'c Case<'e>) -> Option<(&'c Shown<'e>, Certainty)> {
    let refused: Vec<_> = case.all().filter(|shown| proxy_refused(shown)).collect();
    if let Some(first) = refused.first() {
        let certainty = if refused.len() >= 2 { Certainty::Certain } else { Certainty::Likely };
        return Some((first, certainty));
    }
    case.subject().proxy.as_ref()?;
    let unreached = reach::unreached(case).map(|(shown, _)| shown).filter(|shown| reach::at_proxy(case, shown));
    unreached.or_else(|| only_pages(case)).map(|shown| (shown, Certainty::Likely))
}

/// The proxy said so itself: it refused the tunnel, or wants its own login.
fn proxy_refused(shown: &Shown) -> bool {
    matches!(shown.exchange.fault_kind(), Some(FaultKind::Proxy)) || shown.status() == Some(407)
}

/// For a host of this machine or of a private network: every answer is an error page that no API wrote.
fn only_pages<'c, 'e>(case: &'c Case<'e>) -> Option<&'c Shown<'e>> {
    if !case.subject().loopback && !is_private(&reach::host(case)) {
        return None;
    }
    let mut answers = case.all().filter(|shown| shown.response().is_some()).peekable();
    let first = *answers.peek()?;
    answers.all(is_proxy_page).then_some(first)
}

fn is_proxy_page(shown: &Shown) -> bool {
    let foreign = shown.error().is_some_and(|error| matches!(error.form, "html" | "text" | "empty"));
    foreign && matches!(shown.status(), Some(403 | 502 | 503 | 504))
}

fn is_private(host: &str) -> bool {
    match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => address.is_private() || address.is_loopback() || address.is_link_local(),
        Ok(std::net::IpAddr::V6(address)) => address.is_loopback(),
        Err(_) => !host.contains('.'),
    }
}

fn told(shown: &Shown) -> String {
    let words = shown.fault().map(reach::words).unwrap_or_default();
    format!("{}{words}", shown.account())
}
