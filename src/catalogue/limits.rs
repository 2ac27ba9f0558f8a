//! What the rules about limits share: which requests met one, how long it asks to wait, and whether the control was hit.

use serde_json::Value;

use super::{Case, Finding, Severity, Shown};
use crate::evidence::{Ask, Response};
use crate::facts::{self, Cause, HintForm, HintSource, RetryHint};

/// Causes that say "not now" and nothing about the question.
pub(super) const PASSING: &[Cause] = &[Cause::RateLimited, Cause::ConcurrencyLimited, Cause::NoDeployment, Cause::Overloaded];

/// Chats that were refused with this status, which has one meaning, and without a word; none when some chat was answered.
pub(super) fn wordless<'c, 'e>(case: &'c Case<'e>, status: u16) -> Vec<&'c Shown<'e>> {
    let chat = case.chat();
    let same = |shown: &&Shown| shown.status() == Some(status) && shown.causes.is_empty();
    if chat.answer().is_some() { Vec::new() } else { chat.tries.into_iter().filter(same).collect() }
}

/// Everything that was asked of the target and refused for one of these causes, in order.
pub(super) fn with_cause<'c, 'e>(case: &'c Case<'e>, causes: &'static [Cause]) -> impl Iterator<Item = &'c Shown<'e>> {
    case.all().filter(move |shown| shown.caused_by(causes) && about_wanted_model(case, shown))
}

/// Another model's limits are no concern of this run.
fn about_wanted_model(case: &Case, shown: &Shown) -> bool {
    shown.model().is_none_or(|model| Some(model) == case.subject().model.as_deref())
}

/// Answers with status 429 that are rate limits.
pub(super) fn rate_limits<'c, 'e>(case: &'c Case<'e>) -> Vec<&'c Shown<'e>> {
    case.all().filter(|shown| shown.status() == Some(429) && is_rate_limit(shown) && about_wanted_model(case, shown)).collect()
}

/// A rate limit: its text says so, or it is a 429 whose text decides nothing.
pub(super) fn is_rate_limit(shown: &Shown) -> bool {
    match shown.cause() {
        Some(cause) => cause == Cause::RateLimited,
        None => shown.status() == Some(429),
    }
}

/// How much a refusal matters: an error when it is why the control never got through, a warning when a control met it and
/// passed later, else information.
pub(super) fn standing(case: &Case, met: &[&Shown]) -> Severity {
    let is_met = |shown: &Shown| met.iter().any(|other| other.id == shown.id);
    let lost = |trial: super::Trial| trial.failed() && trial.first().is_some_and(is_met);
    let control = |shown: &&Shown| matches!(shown.ask, Ask::Chat | Ask::ChatStream);
    if lost(case.chat()) || lost(case.stream()) {
        Severity::Error
    } else if met.iter().any(control) && case.chat().answer().is_some() {
        Severity::Warning
    } else {
        Severity::Info
    }
}

/// How much a refusal matters that no wait cures: a warning when only a side question or a later try met it, and an error when the client in
/// question met it with its own request.
pub(super) fn hard_standing(case: &Case, met: &[&Shown]) -> Severity {
    let own = met.iter().any(|shown| shown.ask == Ask::FullSize);
    if own { Severity::Error } else { standing(case, met).max(Severity::Warning) }
}

/// What a refusal of the client's own request means; `None` when another one was refused.
pub(super) fn refuses_what(shown: &Shown) -> Option<&'static str> {
    (shown.ask == Ask::FullSize)
        .then_some("The client's first request is refused for its size, before its user has said much; short ones pass.")
}

/// How often and where it was met, in words: `3 of 12 requests, the control among them`.
pub(super) fn share(case: &Case, met: &[&Shown]) -> String {
    let asked = case.all().filter(|shown| shown.response().is_some()).count();
    let control = if met.iter().any(|shown| shown.ask == Ask::Chat) { ", the plain chat among them" } else { "" };
    format!("{} of {asked} requests{control}", met.len())
}

/// The wait that an answer asks for.
pub(super) fn hint(case: &Case, shown: &Shown) -> Option<RetryHint> {
    let response = shown.response()?;
    facts::retry_after(&response.headers, &response.body.text(), moment(case, shown))
}

/// When the answer was over, in seconds since 1970.
fn moment(case: &Case, shown: &Shown) -> f64 {
    case.evidence.started_unix + (shown.at_ms + shown.total_ms()) / 1e3
}

/// The finding with the wait that the answer asks for and the limits that it announces.
pub(super) fn with_hint(case: &Case, shown: &Shown, finding: Finding) -> Finding {
    let Some(response) = shown.response() else { return finding };
    let finding = match hint(case, shown) {
        Some(hint) => hinted(finding, &hint),
        None => finding,
    };
    match announced(response, moment(case, shown)) {
        limits if limits.is_empty() => finding,
        limits => finding.detail("limits", limits),
    }
}

fn hinted(finding: Finding, hint: &RetryHint) -> Finding {
    finding.detail("retry_after_s", hint.seconds).detail("retry_after_form", form(hint.form)).detail("retry_after_in", place(hint))
}

fn announced(response: &Response, now_unix: f64) -> Vec<Value> {
    let limits = facts::announced_limits(&response.headers, now_unix);
    limits.into_iter().map(|limit| Value::from(format!("{}: {}", limit.header, limit.value))).collect()
}

/// The wait in words: `wait 37 s (retry-after, seconds)`.
pub(super) fn in_words(hint: &RetryHint) -> String {
    format!("wait {} s ({}, {})", seconds(hint.seconds), place(hint), form(hint.form))
}

/// Seconds without needless decimals.
pub(super) fn seconds(seconds: f64) -> String {
    let rounded = (seconds * 10.0).round() / 10.0;
    format!("{rounded}")
}

fn place(hint: &RetryHint) -> &str {
    match &hint.source {
        HintSource::Header(name) => name,
        HintSource::Body => "body",
    }
}

fn form(form: HintForm) -> &'static str {
    match form {
        HintForm::Seconds => "seconds",
        HintForm::Milliseconds => "milliseconds",
        HintForm::Date => "date",
        HintForm::Duration => "duration",
        HintForm::Text => "text",
    }
}

/// Who left a mark on an answer, such as `nginx` or `LiteLLM`.
pub(super) fn speaker(shown: &Shown) -> Option<&'static str> {
    let response = shown.response()?;
    facts::fingerprint(response.status, &response.headers, &response.body.text()).first().map(|mark| mark.box_.as_str())
}

/// The same question was answered after this refusal.
pub(super) fn passed_later<'c, 'e>(case: &'c Case<'e>, met: &Shown) -> Option<&'c Shown<'e>> {
    case.asked(met.ask).find(|shown| shown.answered() && shown.at_ms > met.at_ms && shown.request.body == met.request.body)
}

/// True when a request was on its way while this one began.
pub(super) fn overlaps(one: &Shown, other: &Shown) -> bool {
    let ends = |shown: &Shown| shown.at_ms + shown.total_ms();
    one.id != other.id && one.at_ms < ends(other) && other.at_ms < ends(one)
}

/// What a text alone can show: likely when it decides by itself.
pub(super) fn said_certainty(shown: &Shown) -> super::Certainty {
    if super::naming::is_said(shown) { super::Certainty::Likely } else { super::Certainty::Possible }
}
