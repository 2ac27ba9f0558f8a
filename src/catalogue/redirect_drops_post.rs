//! A redirect turns the POST into a GET, or drops the key.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, address};
use crate::evidence::Ask;

/// A redirect turns the POST into a GET, or drops the key.
pub const MODE: FailureMode = FailureMode {
    id: "redirect-drops-post",
    title: "A redirect loses the chat request on its way",
    family: "address",
    symptom: "The list loads, since a GET survives a redirect. Chat says 405 Method Not Allowed, shows a page, or 401 although the key is right.",
    cause: "The base URL is not the API's final address (http instead of https, another host, a slash). On 301, 302 and 303 most \
            clients repeat a POST as a GET without a body; on a redirect to another origin they drop the Authorization header. 307 and 308 \
            within one origin keep both and are harmless. A redirect to a page (a login, say) is wrong-base-url or not-an-api.",
    fix: &[
        "Put the final address into the client's base URL.",
        "On the server, answer 308 instead of 301 where clients POST, or serve the API without a redirect.",
    ],
    references: &[
        "https://github.com/BorisPolonsky/dify-helm/issues/49",
        "https://github.com/gregjhogan/redirect-http-to-https-site-extension/issues/5",
    ],
    explains: &[
        "wrong-base-url",
        "not-an-api",
        "endpoint-missing",
        "models-list-unusable",
        "insecure-transport",
        "key-missing",
        "response-malformed",
    ],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.chat().asked() {
        return Verdict::untested("no chat was asked");
    }
    if case.chat().answer().is_some() {
        return Verdict::absent("chat was answered, with or without a redirect that keeps method and key");
    }
    let moved = case.chat().tries.into_iter().find(|shown| address::redirects_to_route(shown) && !is_harmless(shown));
    match moved.and_then(|shown| Some((shown, address::location(shown)?))) {
        Some((shown, location)) => present(case, shown, &location),
        None => Verdict::absent("chat was not redirected to the same route elsewhere"),
    }
}

fn present(case: &Case, shown: &Shown, location: &url::Url) -> Verdict {
    let base = address::base_of(location.as_str()).unwrap_or_default();
    let there = case.asked(Ask::OtherBase).find(|other| other.answered() && address::base_of(&other.request.url).as_ref() == Some(&base));
    let certainty = if there.is_some() { Certainty::Certain } else { Certainty::Likely };
    let (severity, loss) = loss(shown, location);
    let outcome = there.map(|_| format!(" Sent to {base}, the same chat was answered.")).unwrap_or_default();
    let because =
        format!("POST {} was answered with HTTP {} to {location}.{outcome}", shown.request.url, shown.status().unwrap_or_default());
    Finding::new(severity, certainty, Blame::Client, because)
        .so(loss)
        .fix(format!("Use {base} as the base URL."))
        .cite([shown.exchange])
        .cite(there.map(|other| other.exchange))
        .detail("location", location.as_str())
        .detail("base_url", base)
        .present()
}

/// Clients follow it with method, body and key intact.
fn is_harmless(shown: &Shown) -> bool {
    let (Some(target), Ok(from)) = (address::location(shown), url::Url::parse(&shown.request.url)) else { return false };
    matches!(shown.status(), Some(307 | 308)) && target.origin() == from.origin()
}

/// What gets lost, and how bad that is.
fn loss(shown: &Shown, location: &url::Url) -> (Severity, &'static str) {
    let from = url::Url::parse(&shown.request.url).ok();
    let same_host = from.as_ref().and_then(url::Url::host_str) == location.host_str();
    match shown.status() {
        Some(307 | 308) if same_host => {
            (Severity::Warning, "Some clients drop the key when a redirect changes scheme or port; others follow.")
        }
        Some(307 | 308) => (Severity::Error, "Clients drop the key when a redirect leads to another host, so chat ends in 401."),
        _ => (Severity::Error, "Clients follow it with a GET and without the body, so chat never arrives; the list, a GET, survives."),
    }
}
