//! The upstream said why, and the gateway does not pass it on.

use super::bypass::{is_about_asking, line};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::ErrorFacts;
use crate::evidence::Ask;

/// The upstream's reason is lost.
pub const MODE: FailureMode = FailureMode {
    id: "gateway-hides-error",
    title: "The gateway refuses and does not say why",
    family: "gateway",
    symptom: "`400 null`, `Upstream request failed`, `Provider returned error` or an empty body: a refusal without a reason.",
    cause: "The upstream's answer had a reason; the gateway restamps it, reads it in a shape that it does not have, or drops it on purpose. Asked \
            directly, the upstream says what is wrong. A gateway that cannot reach its upstream at all is another mode: it says so.",
    fix: &[
        "Ask the upstream directly with the same body (`--upstream-url URL` does): its answer has the reason.",
        "Read the gateway's log of this request; most write the upstream's answer there.",
        "Operator: pass status and body of upstream errors on.",
    ],
    references: &[
        "https://github.com/CherryHQ/cherry-studio/issues/19824",
        "https://github.com/inference-gateway/inference-gateway/pull/75",
        "https://github.com/Wei-Shaw/sub2api/issues/2054",
        "https://github.com/skye-harris/hass_local_openai_llm/issues/89",
    ],
    explains: &["gateway-misconfigured", "upstream-unavailable", "unsupported-field"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if let Some(verdict) = beside_bypass(case) {
        return verdict;
    }
    let refused: Vec<&Shown> =
        [Ask::Chat, Ask::ChatStream].into_iter().flat_map(|ask| case.asked(ask)).filter(|shown| shown.error().is_some()).collect();
    let of_request = |error: &ErrorFacts| hollow(error) && matches!(error.inner_status.unwrap_or(error.status), 400 | 422);
    match (refused.iter().find(|shown| shown.error().is_some_and(of_request)), refused.is_empty()) {
        (Some(first), _) => present(first),
        (None, true) => Verdict::untested("no chat was refused, so no reason could be lost"),
        (None, false) => Verdict::absent(format!("{} refusals have words of their own", refused.len())),
    }
}

/// Words that name nothing: neither what was wrong nor where.
fn hollow(error: &ErrorFacts) -> bool {
    const EMPTY: [&str; 13] = [
        "",
        "null",
        "none",
        "undefined",
        "[object object]",
        "upstream request failed",
        "provider returned error",
        "bad_response_status_code",
        "internal server error",
        "internal error",
        "bad request",
        "unknown error",
        "error",
    ];
    let said = error.message.trim().trim_end_matches(['.', '!']).to_ascii_lowercase();
    EMPTY.contains(&said.as_str()) && error.param.is_none()
}

/// The gateway refuses a request without a reason each time; the upstream, asked the same, says one. What is about the key or the name of
/// the model is no reason of the gateway's: there the two requests differ.
fn beside_bypass(case: &Case) -> Option<Verdict> {
    let bypass = case.bypass().ok()?;
    let asked = [Ask::Chat, Ask::ChatStream, Ask::Fields].into_iter().flat_map(|ask| case.asked(ask));
    let mut silent = asked.filter(|shown| !matches!(shown.status(), Some(401 | 403 | 429)) && shown.error().is_some_and(hollow));
    let reason = |shown: &Shown| {
        let own = |direct: &&&Shown<'_>| matches!(direct.status(), Some(400 | 404 | 405 | 409..=428)) && !is_about_asking(direct);
        bypass.same(shown).tries.iter().filter(own).find(|direct| direct.error().is_some_and(|error| !hollow(error))).copied()
    };
    let (shown, direct) = silent.find_map(|shown| Some((shown, reason(shown)?)))?;
    let because = format!("A refusal names no reason: {}. {}", shown.account(), line(direct));
    let plain = shown.ask != Ask::Fields;
    let finding = Finding::new(if plain { Severity::Error } else { Severity::Warning }, Certainty::Certain, Blame::Gateway, because)
        .so("The request is refused upstream for a reason that the gateway keeps to itself.")
        .fix("Mend what the upstream names; the gateway's own words lead nowhere.")
        .cite([shown.exchange, direct.exchange])
        .detail("upstream_says", direct.error().map(|error| error.message.clone()));
    Some(finding.present())
}

fn present(shown: &Shown) -> Verdict {
    let because = format!("A refusal names no reason: {}.", shown.account());
    Finding::new(Severity::Info, Certainty::Possible, Blame::Gateway, because)
        .so("What is wrong with the request stands in the gateway's log, or in the upstream's own answer.")
        .cite([shown.exchange])
        .present()
}
