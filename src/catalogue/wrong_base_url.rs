//! The base URL leads past the API.

use super::address::{self, OtherBase};
use super::clients;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::evidence::BaseFault;

/// The base URL leads past the API; a corrected one is named when one answers.
pub const MODE: FailureMode = FailureMode {
    id: "wrong-base-url",
    title: "The base URL is not the API's",
    family: "address",
    symptom: "404 Not Found, 405, \"Unexpected token '<'\", \"Invalid URL (POST /v1/v1/chat/completions)\", \"Unexpected endpoint or method\", \
              or an answer that the client cannot read.",
    cause: "Clients add /chat/completions to the base URL. So the base must end where the API's routes begin, usually in /v1: without the \
            route itself, without a second /v1, and not at the address of the web interface. Here another base near the given one \
            was answered with the same key and model. A 404 that speaks about the model is not about the address.",
    fix: &[
        "Give the part before /chat/completions, such as https://host/v1. Some clients add /v1 themselves: then leave it out.",
        "Ollama: http://host:11434/v1. LM Studio: http://host:1234/v1. Open WebUI: http://host/api. Gemini: …/v1beta/openai. \
         OpenRouter: https://openrouter.ai/api/v1. Azure: https://RESOURCE.openai.azure.com/openai/v1.",
        "one-api, new-api: a channel's base URL is given without /v1.",
    ],
    references: &[
        "https://github.com/harry0703/MoneyPrinterTurbo/issues/57",
        "https://github.com/BadgerHobbs/OpenAI-API-Gateway/issues/1",
        "https://github.com/chatboxai/chatbox/issues/1152",
        "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/618",
        "https://github.com/ChatGPTNextWeb/NextChat/issues/3814",
        "https://github.com/open-webui/open-webui/issues/8317",
        "https://github.com/huggingface/chat-ui/issues/845",
        "https://github.com/songquanpeng/one-api/issues/717",
    ],
    explains: &[
        "not-an-api",
        "endpoint-missing",
        "wrong-dialect",
        "models-list-unusable",
        "models-list-public",
        "error-in-success",
        "response-malformed",
        "empty-completion",
        "stream-malformed",
        "stream-ignored",
        "stream-wrong-content-type",
    ],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if address::served(case) {
        return scheme_left_out(case).unwrap_or_else(|| Verdict::absent("the model (or the list) was served at the base URL as given"));
    }
    let Some(failure) = address::failure(case) else { return Verdict::untested("neither chat nor the list was asked") };
    if let Some(other) = address::corrected(case).filter(|other| elsewhere(case, other)) {
        return corrected(case, failure, &other);
    }
    if !address::leads_nowhere(failure) {
        return Verdict::absent(format!("what answered is an API or stands before one: {}", failure.account()));
    }
    match address::hinted(case).filter(|other| elsewhere(case, other)) {
        Some(other) => hinted(case, failure, &other),
        None => by_form(case, failure),
    }
}

/// A base that differs in more than the scheme (that one is scheme-mismatch or redirect-drops-post).
fn elsewhere(case: &Case, other: &OtherBase) -> bool {
    !address::only_scheme_differs(&case.subject().base_url, &other.base)
}

fn corrected(case: &Case, failure: &Shown, other: &OtherBase) -> Verdict {
    let chatted = other.shown.answered() && case.chat().asked();
    let certainty = if chatted { Certainty::Certain } else { Certainty::Likely };
    let subject = case.subject();
    let because = format!(
        "At {} the answer was {}; at {} it was {}. In the base URL as given, {}.",
        subject.base_url,
        address::shape(failure),
        other.base,
        success(other.shown),
        address::difference(&subject.base_url, &other.base),
    );
    named(case, Finding::new(Severity::Error, certainty, Blame::Client, because), failure, other)
}

fn hinted(case: &Case, failure: &Shown, other: &OtherBase) -> Verdict {
    let because = format!(
        "At {} the answer was {}; at {} an API answered in its own words: {}.",
        case.subject().base_url,
        address::shape(failure),
        other.base,
        other.shown.account(),
    );
    named(case, Finding::new(Severity::Error, Certainty::Likely, Blame::Client, because), failure, other)
}

fn named(case: &Case, finding: Finding, failure: &Shown, other: &OtherBase) -> Verdict {
    finding
        .so("Every request to the base URL as given misses the API.")
        .fix(advice(case, &other.base))
        .cite([failure.exchange, other.shown.exchange])
        .detail("base_url", other.base.clone())
        .present()
}

/// What to type; into a known client, what it makes the right base of.
fn advice(case: &Case, base: &str) -> String {
    let Some(client) = clients::named(case) else { return format!("Use {base} as the base URL.") };
    match client.typed_for(base) {
        Some(typed) => format!("Type {typed} into {}: it {}.", client.name, client.base.words()),
        None => format!("{} cannot be led to {base}: it {}.", client.name, client.base.words()),
    }
}

/// No other base answered, but the way the base is written tells.
fn by_form(case: &Case, failure: &Shown) -> Verdict {
    let written = case.subject().base_faults.iter().find_map(|fault| match fault {
        BaseFault::PastedEndpoint => Some("it ends in a route, and the route is added once more"),
        BaseFault::DoubledVersion => Some("a version segment stands in it twice"),
        BaseFault::DoubledSlash => Some("two slashes follow each other in it"),
        _ => None,
    });
    let Some(written) = written else { return Verdict::absent("no other base near the given one was answered") };
    let because = format!("{} was answered with {}. In the base URL, {written}.", failure.request.url, address::shape(failure));
    Finding::new(Severity::Error, Certainty::Likely, Blame::Client, because)
        .so("Every request to this base URL misses the API.")
        .fix(match clients::named(case) {
            Some(client) => format!("Give the base as {} wants it: it {}.", client.name, client.base.words()),
            None => "Give only the part before the route, with one version segment.".to_owned(),
        })
        .cite([failure.exchange])
        .present()
}

/// Everything works because a scheme was assumed; clients do not assume one.
fn scheme_left_out(case: &Case) -> Option<Verdict> {
    let subject = case.subject();
    subject.base_faults.contains(&BaseFault::MissingScheme).then(|| {
        let because =
            format!("The base URL was given as {} without http:// or https://; {} was answered.", subject.typed_base_url, subject.base_url);
        Finding::new(Severity::Warning, Certainty::Certain, Blame::Client, because)
            .so("The OpenAI SDKs and most HTTP libraries refuse an address without a scheme.")
            .fix(format!("Use {} as the base URL.", subject.base_url))
            .cite(address::control(case).answer().map(|shown| shown.exchange))
            .detail("base_url", subject.base_url.clone())
            .present()
    })
}

fn success(shown: &Shown) -> String {
    match shown.models() {
        Some(list) => format!("a list of {} models", list.entries.len()),
        None => format!("HTTP {} with the model's answer", shown.status().unwrap_or_default()),
    }
}
