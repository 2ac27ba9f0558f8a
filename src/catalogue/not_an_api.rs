//! Something answers, and it is no API, here or near.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, address};
use crate::dialect::Reading;
use crate::evidence::{Ask, Exchange, FaultKind};

/// A web page or something else answers and no API is found near it.
pub const MODE: FailureMode = FailureMode {
    id: "not-an-api",
    title: "What answers here is not an LLM API",
    family: "address",
    symptom: "\"Unexpected token '<'\", \"not valid JSON\", 404 on everything, or an answer in which the client finds no text.",
    cause: "The host is right for a browser and not for a client: a web interface, a login page, a router, an unfinished installation, \
            or a server for something else. Every route at this base, and the usual bases near it, gave pages, other documents or 404. \
            If one of them had answered as an API, this would be wrong-base-url.",
    fix: &[
        "Ask the operator for the API's base URL; it is often another port or host than the web interface's.",
        "Open the address in a browser: the page tells what is running there.",
        "If a login page answers, the API may stand behind single sign-on: API clients need a way around it.",
    ],
    references: &[
        "https://github.com/ChatGPTNextWeb/NextChat/issues/4761",
        "https://github.com/beekeeper-studio/beekeeper-studio/issues/4188",
    ],
    explains: &[
        "models-list-unusable",
        "endpoint-missing",
        "response-malformed",
        "error-in-success",
        "empty-completion",
        "stream-malformed",
        "stream-ignored",
        "stream-wrong-content-type",
    ],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let answers: Vec<_> = case.all().filter(|shown| shown.ask != Ask::Connect && says_something(shown)).collect();
    if address::served(case) {
        return Verdict::absent("chat or the list was served");
    }
    let Some(first) = address::failure(case).filter(|shown| says_something(shown)) else {
        return Verdict::untested("nothing that was asked was answered in any way");
    };
    if let Some(api) = answers.iter().find(|shown| !is_other_protocol(shown) && !address::leads_nowhere(shown)) {
        return Verdict::absent(format!("{} did not look like something else than an API: {}", api.request.url, address::shape(api)));
    }
    let elsewhere = case.asked(Ask::OtherBase).count();
    let pages = answers.iter().filter(|shown| is_foreign(shown)).count();
    let certainty = if elsewhere > 0 && pages > 0 { Certainty::Likely } else { Certainty::Possible };
    let because = format!(
        "{} was answered with {}. None of {} answers was one of an API, {elsewhere} of them at other bases of this host.",
        first.request.url,
        address::shape(first),
        answers.len(),
    );
    Finding::new(Severity::Error, certainty, Blame::Client, because)
        .so("No client of an LLM API can work with this address.")
        .cite([first.exchange])
        .present()
}

/// An answer came, in HTTP or in another protocol.
fn says_something(shown: &Shown) -> bool {
    shown.response().is_some() || is_other_protocol(shown)
}

/// What came back is no HTTP at all.
fn is_other_protocol(exchange: &Exchange) -> bool {
    exchange.response().is_none() && matches!(exchange.fault_kind(), Some(FaultKind::NotHttp))
}

/// A page, another document or another protocol: not merely a missing route.
fn is_foreign(shown: &Shown) -> bool {
    let page = shown.error().is_some_and(|error| error.form == "html");
    page || is_other_protocol(shown)
        || matches!(shown.reading, Reading::Page(_) | Reading::Json(_) | Reading::Text(_) | Reading::Redirect(_) | Reading::Empty)
}
