//! The key crosses a network in plain http.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, reach};
use crate::evidence::Credential;

/// The key crosses a network in plain http.
pub const MODE: FailureMode = FailureMode {
    id: "insecure-transport",
    title: "The key crosses the network unencrypted",
    family: "reach",
    symptom: "Nothing; everything may work. Whoever sits between client and gateway can read the key and every prompt.",
    cause: "The base URL begins with http:// and its host is not this machine. Plain http inside one machine is fine and is not reported.",
    fix: &[
        "Use https:// in the base URL; put a TLS proxy (Caddy, nginx) in front when the gateway itself speaks http only.",
        "Replace the key once the connection is encrypted.",
    ],
    references: &["https://github.com/jamie8johnson/cqs/pull/1403", "https://github.com/BaseIntelligence/bounty-challenge/issues/240"],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let subject = case.subject();
    if !subject.base_url.starts_with("http://") {
        return Verdict::absent("the base URL is https");
    }
    if subject.loopback {
        return Verdict::absent("the host is this machine");
    }
    let Some(sent) = case.all().find(|shown| exposes_key(shown)) else { return Verdict::absent("no key was sent over plain http") };
    let because = format!("The key was sent to {} in plain http ({} {}).", reach::host_port(case), sent.request.method, sent.request.url);
    Finding::new(Severity::Warning, Certainty::Certain, Blame::Client, because)
        .so("Everyone on the way can read the key and the conversation.")
        .cite([sent.exchange])
        .present()
}

/// A request that carried the caller's own key and reached somebody.
fn exposes_key(shown: &Shown) -> bool {
    let own = matches!(shown.request.credential, Credential::Given(_) | Credential::Trimmed(_));
    own && shown.response().is_some() && shown.request.url.starts_with("http://")
}
