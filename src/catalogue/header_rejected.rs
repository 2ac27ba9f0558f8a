//! A request header is refused.

use std::collections::BTreeSet;

use super::split::{self, ORDINARY, RefusedHeaders};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, limits, naming, remedies};
use crate::facts::{self, Cause};

/// A request header is refused.
pub const MODE: FailureMode = FailureMode {
    id: "header-rejected",
    title: "A header of the request is refused",
    family: "body",
    symptom: "400 \"Unexpected value(s) … for the `anthropic-beta` header\", \"invalid beta flag\", an unknown routing header; the same body \
              passes in curl.",
    cause: "SDKs and clients add headers of their own (anthropic-beta, x-target-provider, organisation), and gateways pass them on. The text names \
            the header or its value. Taking fields out of the body does not help.",
    fix: &[
        "Leave the header out in the client, or choose a value that the server knows.",
        "Gateway: filter the header for this upstream (Bedrock and Vertex take fewer beta flags than Anthropic itself).",
    ],
    references: &[
        "https://github.com/anthropics/claude-code/issues/34802",
        "https://github.com/anthropics/claude-code/issues/13770",
        "https://github.com/anthropics/claude-code/issues/21625",
        "https://github.com/QuantumNous/new-api/issues/3041",
        "https://github.com/QuantumNous/new-api/issues/2975",
    ],
    explains: &["unsupported-field"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if let Some(found) = split::refused_headers(case) {
        return shown_by_leaving_out(case, &found);
    }
    let met: Vec<&Shown> = case.all().filter(|shown| refuses_header(shown)).collect();
    match met.first() {
        Some(first) => present(case, &met, first),
        None if case.chat().answer().is_some() => Verdict::absent("chat was answered with the headers as sent"),
        None => Verdict::absent("no refusal speaks of a header"),
    }
}

/// Said by its text; or a client error without a telling cause that repeats what an unusual header of the request says.
fn refuses_header(shown: &Shown) -> bool {
    let client_error = shown.status().is_some_and(|status| (400..500).contains(&status) && !matches!(status, 401 | 429));
    shown.caused_by(&[Cause::HeaderRejected]) || client_error && !naming::is_said(shown) && culprit(shown).is_some()
}

fn present(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let because = format!("{} met {}.", limits::share(case, met), first.account());
    let mut finding =
        Finding::new(limits::standing(case, met).max(Severity::Warning), limits::said_certainty(first), Blame::Client, because)
            .so("Every request that carries the header is refused, whatever its body.")
            .cite([first.exchange]);
    if let Some(header) = culprit(first) {
        finding = finding.fix(format!("Leave out the header {header}.")).detail("header", header);
        finding = advised(case, finding, std::iter::once(header));
    }
    finding.present()
}

/// The settings of clients that are known to send such a header.
fn advised<'h>(case: &Case, finding: Finding, names: impl Iterator<Item = &'h str>) -> Finding {
    let places = names.map(|name| format!("header:{name}")).collect();
    remedies::settings(case, &places, &senders(&places)).into_iter().fold(finding, Finding::fix)
}

/// Clients with a setting for one of these headers.
fn senders(places: &BTreeSet<String>) -> BTreeSet<&'static str> {
    let all = facts::settings().iter().map(|row| row.program.as_str());
    all.filter(|program| places.iter().any(|place| !facts::settings_of(program, place).is_empty())).collect()
}

/// The client's own headers: with them a body is refused that is answered without them.
fn shown_by_leaving_out(case: &Case, found: &RefusedHeaders) -> Verdict {
    let names = found.names.join(", ");
    let because = format!(
        "With {names} the client's request was answered with {}; without, the same body was answered after {:.0} ms.",
        found.refused.account(),
        found.answered.total_ms()
    );
    let certainty = if found.names.len() == 1 { Certainty::Certain } else { Certainty::Likely };
    let finding = Finding::new(Severity::Error, certainty, Blame::Client, because)
        .so("Every request that carries the header is refused, whatever its body.")
        .fix(format!("Leave out the header {names}."));
    advised(case, finding, found.names.iter().map(String::as_str))
        .cite([found.refused.exchange, found.answered.exchange])
        .detail("header", found.names.join(", "))
        .present()
}

/// The header that was sent and whose name or value the refusal repeats as a word.
fn culprit<'c>(shown: &'c Shown) -> Option<&'c str> {
    let text = shown.error()?.message.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_')).collect();
    let repeated = |name: &str, value: &str| words.contains(&name) || value.len() > 3 && words.contains(&value.to_lowercase().as_str());
    let mut headers = shown.exchange.request.headers.iter();
    headers.find(|(name, value)| !ORDINARY.contains(&name.as_str()) && repeated(name, value)).map(|(name, _)| name.as_str())
}
