//! What asking the upstream directly shows: whether it fails like the gateway, and so who must act.

use serde_json::Value;

use super::timing::span;
use super::{Blame, Case, Certainty, FailureMode, Finding, Shown, Trial, Verdict};
use crate::dialect::Reading;
use crate::dialect::names::different_models;
use crate::evidence::Ask;
use crate::facts::Cause;

/// The upstream, asked what the gateway was asked.
pub struct Bypass<'c, 'e> {
    case: &'c Case<'e>,
}

/// Causes that speak of the key.
const ABOUT_KEYS: &[Cause] = &[Cause::KeyMissing, Cause::KeyRejected, Cause::TokenExpired];
/// Causes that speak of the model's name.
const ABOUT_NAMES: &[Cause] =
    &[Cause::ModelUnknown, Cause::ModelOrAccess, Cause::ModelDenied, Cause::ModelRetired, Cause::ModelTask, Cause::RouteMissing];

impl<'e> Case<'e> {
    /// The upstream's answers to compare with; else why there is nothing to compare with, in words that fit behind a colon.
    pub fn bypass(&self) -> Result<Bypass<'_, 'e>, String> {
        if self.subject().upstream.is_none() {
            return Err("the upstream was not asked directly (--upstream-url URL does)".to_owned());
        }
        let bypass = Bypass { case: self };
        let Some(first) = bypass.trial(Ask::Chat).first() else {
            let skip = self.evidence.skips.iter().find(|skip| skip.probe == "bypass").map(|skip| skip.because.as_str());
            return Err(format!("the upstream was not asked directly: {}", skip.unwrap_or("the run ended before")));
        };
        let works = [self.chat(), self.stream()].iter().any(|trial| trial.answer().is_some());
        if works && bypass.answer().is_none() { Err(format!("the bypass could not be used: {}", unusable(first))) } else { Ok(bypass) }
    }
}

/// Why the upstream is of no use for a comparison.
fn unusable(first: &Shown) -> String {
    let account = first.account();
    match first.status() {
        _ if matches!(first.reading, Reading::Page(_) | Reading::Json(_) | Reading::Text(_)) => {
            format!("what answers at the upstream's address is no chat API ({account})")
        }
        None => format!("the upstream was not reached from here ({account})"),
        Some(_) if is_about_key(first) => format!("the upstream refused the key that was given for it ({account})"),
        Some(_) if first.caused_by(&[Cause::RouteMissing]) || matches!(first.status(), Some(404 | 405)) && first.causes.is_empty() => {
            format!("the upstream has no such route: it speaks another dialect, or the address is not its base URL ({account})")
        }
        Some(_) if first.caused_by(ABOUT_NAMES) => {
            format!(
                "the upstream does not know the model “{}” (--upstream-model says its name there): {account}",
                first.model().unwrap_or_default()
            )
        }
        Some(_) => format!("the upstream did not answer plain chat ({account})"),
    }
}

fn is_about_key(shown: &Shown) -> bool {
    shown.caused_by(ABOUT_KEYS) || shown.status() == Some(401)
}

/// True when a refusal is about who asks, and for which model: there the two sides differ on purpose.
pub(super) fn is_about_asking(shown: &Shown) -> bool {
    is_about_key(shown) || shown.caused_by(ABOUT_NAMES)
}

impl<'c, 'e> Bypass<'c, 'e> {
    /// The question with all its tries.
    pub fn trial(&self, ask: Ask) -> Trial<'c, 'e> {
        Trial { tries: self.case.asked_upstream(ask).collect() }
    }

    /// The very same request, but for the model's name.
    pub fn same(&self, shown: &Shown) -> Trial<'c, 'e> {
        let body = |shown: &Shown| shown.exchange.request.body.clone().map(nameless);
        let wanted = body(shown);
        Trial { tries: self.case.asked_upstream(shown.ask).filter(|other| body(other) == wanted).collect() }
    }

    /// Another model answers directly than through the gateway: then a difference may be the models'. Who answers with the name that it
    /// was asked for says nothing about who answered.
    pub fn is_another_model(&self) -> bool {
        let named = |shown: &'c Shown<'e>| Some((shown.completion()?.model.as_deref()?, shown.model()));
        let (own, theirs) = (self.case.chat().answer().and_then(named), self.trial(Ask::Chat).answer().and_then(named));
        own.zip(theirs).is_some_and(|((own, asked), (theirs, _))| Some(own) != asked && different_models(own, theirs))
    }

    /// The first plain chat that it answered, streamed or not.
    pub fn answer(&self) -> Option<&'c Shown<'e>> {
        self.trial(Ask::Chat).answer().or_else(|| self.trial(Ask::ChatStream).answer())
    }
}

fn nameless(mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.remove("model");
    }
    body
}

/// `The upstream, asked directly, answered the same request with 200 after 412 ms.`
pub fn line(direct: &Shown) -> String {
    match direct.status() {
        Some(status) if direct.answered() => {
            format!("The upstream, asked directly, answered the same request with {status} after {}.", span(direct.total_ms()))
        }
        _ => format!("The upstream, asked directly, failed over the same request: {}.", direct.account()),
    }
}

/// Modes that compare by themselves, whose failure passes by itself, or that are about what goes to one side only.
const OWN_WORDS: [&str; 8] = [
    "header-rejected",
    "gateway-rewrites-request",
    "gateway-latency",
    "gateway-misconfigured",
    "gateway-hides-error",
    "model-loading",
    "intermittent-failure",
    "key-leaked",
];
/// Modes of other families that are a matter of gateway or upstream.
const COMPARED: [&str; 5] =
    ["model-substituted", "no-healthy-deployment", "no-route-for-model", "upstream-auth-failed", "upstream-unavailable"];

/// The finding beside what the same rule says of the upstream: both fail alike, and the upstream is to blame; only the gateway fails, and it
/// is. Nothing changes where the very request that shows it was not asked directly.
pub fn compared(case: &Case, upstream: &Case, mode: &FailureMode, finding: Finding) -> Finding {
    let concerned = matches!(mode.family, "body" | "edge" | "limits" | "stream" | "answer" | "time" | "gateway");
    if OWN_WORDS.contains(&mode.id) || !(concerned || COMPARED.contains(&mode.id)) {
        return finding;
    }
    let Ok(bypass) = case.bypass() else { return finding };
    if bypass.is_another_model() && mode.id != "model-substituted" {
        return finding;
    }
    let cited: Vec<&Shown> = finding.cites.iter().filter_map(|id| case.all().find(|shown| shown.id == *id)).collect();
    // Where something failed, what was answered beside it is a control.
    let any_failed = cited.iter().any(|shown| !shown.answered());
    let mut telling = cited.into_iter().filter(|shown| !(any_failed && shown.answered()));
    let same = |shown: &Shown| {
        let trial = bypass.same(shown);
        trial.answer().or_else(|| trial.first())
    };
    let Some(direct) = telling.find_map(same) else { return finding };
    match ((mode.diagnose)(upstream), mode.id) {
        (_, "upstream-auth-failed") => with_key(finding, direct),
        (_, "upstream-unavailable") if is_down(direct) => both(finding, direct, Certainty::Likely),
        (Verdict::Present(theirs), _) if overlaps(&finding, &theirs) => both(finding, direct, theirs.certainty),
        (Verdict::Absent(_), _) if direct.answered() => gateway_only(mode, finding, direct),
        _ => finding,
    }
}

/// Nobody answers there, or a server error does.
fn is_down(direct: &Shown) -> bool {
    direct.status().is_none_or(|status| status >= 500)
}

/// What was refused is the same, where both say what that was.
fn overlaps(ours: &Finding, theirs: &Finding) -> bool {
    match (ours.details.get("fields").and_then(Value::as_array), theirs.details.get("fields").and_then(Value::as_array)) {
        (Some(ours), Some(theirs)) => ours.iter().any(|field| theirs.contains(field)),
        _ => true,
    }
}

fn both(finding: Finding, direct: &Shown, theirs: Certainty) -> Finding {
    let blame = if finding.blame == Blame::Key { Blame::Key } else { Blame::Upstream };
    let alike = if direct.answered() { "The upstream, asked directly, does the same.".to_owned() } else { line(direct) };
    let certainty = finding.certainty.max(theirs);
    told(Finding { blame, certainty, ..finding }, &alike, direct)
}

fn gateway_only(mode: &FailureMode, finding: Finding, direct: &Shown) -> Finding {
    // Limits are counted per key, and an overload passes: there an answer names nobody.
    let decides = mode.family != "limits";
    let blame = if decides { Blame::Gateway } else { finding.blame };
    let certainty = if decides { finding.certainty.max(Certainty::Likely) } else { finding.certainty };
    let line = if mode.family == "stream" || finding_is_about_an_answer(mode) {
        format!("{} There the fault does not show.", line(direct))
    } else {
        line(direct)
    };
    let finding = if mode.family == "body" && !decides_by_effect(mode) {
        finding
            .fix("The upstream takes it as it is: let the gateway pass it on (LiteLLM: `allowed_openai_params`, or a pass-through route).")
    } else {
        finding
    };
    told(Finding { blame, certainty, ..finding }, &line, direct)
}

/// Modes of a body that was answered.
fn decides_by_effect(mode: &FailureMode) -> bool {
    matches!(mode.id, "field-ignored" | "vision-dropped")
}

fn finding_is_about_an_answer(mode: &FailureMode) -> bool {
    matches!(
        mode.id,
        "empty-completion" | "response-malformed" | "field-ignored" | "vision-dropped" | "context-truncated" | "model-substituted"
    )
}

/// The gateway's own credential failed; does the one that was given for the upstream?
fn with_key(finding: Finding, direct: &Shown) -> Finding {
    if direct.answered() {
        let certainty = finding.certainty.max(Certainty::Likely);
        let line = format!("{} So the key that was given for it is good, and the gateway sends another one, or none.", line(direct));
        return told(Finding { certainty, ..finding }, &line, direct);
    }
    if !is_about_key(direct) {
        return finding;
    }
    let line = format!("The upstream, asked directly, refuses the key that was given for it as well: {}.", direct.account());
    told(Finding { blame: Blame::Key, certainty: finding.certainty.max(Certainty::Likely), ..finding }, &line, direct)
}

/// The comparison has the last word, so what stands before it must leave room.
const ROOM: usize = 340;

fn told(mut finding: Finding, line: &str, direct: &Shown) -> Finding {
    if let Some((at, _)) = finding.because.char_indices().nth(ROOM) {
        finding.because.truncate(at);
        finding.because.push('…');
    }
    let end = if finding.because.ends_with(['.', '!', '?', '”', '…']) { " " } else { ". " };
    finding.because = format!("{}{end}{line}", finding.because);
    finding.cite([direct.exchange]).detail("upstream_status", direct.status())
}
