//! A rate limit under another status.

use super::rate_limited::consequence;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, limits, naming};
use crate::evidence::Ask;
use crate::facts::Cause;

/// A 429 dressed as 200, 5xx or 403.
pub const MODE: FailureMode = FailureMode {
    id: "rate-limit-hidden",
    title: "A rate limit comes under another status",
    family: "limits",
    symptom: "500, 502, 503 or 403 now and then, more of them when much is going on; or a 200 whose body is an error. Clients do not back off, \
              since nothing looks like a limit.",
    cause: "A gateway turns its upstream's 429 into a status of its own. The text still speaks of a rate limit. Without a text, \
            it shows when many requests at once fail with a server error although each passes alone.",
    fix: &["Gateway: pass 429 and Retry-After on unchanged.", "Client: treat this text like a 429, wait, and send less at once."],
    references: &[
        "https://github.com/sourcegraph/sourcegraph-public-snapshot/issues/52633",
        "https://github.com/pollinations/pollinations/pull/8378",
    ],
    explains: &["error-in-success", "intermittent-failure", "upstream-unavailable"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let met: Vec<&Shown> = limits::with_cause(case, &[Cause::RateLimited]).filter(|shown| is_hidden(shown)).collect();
    match met.first() {
        Some(first) => said(case, &met, first),
        None => burst(case).unwrap_or_else(|| Verdict::absent("no answer under another status than 429 speaks of a rate limit")),
    }
}

fn is_hidden(shown: &Shown) -> bool {
    shown.status().is_some_and(|status| status != 429)
}

fn said(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let status = first.status().unwrap_or_default();
    let because = format!("{} met {}: the text of a rate limit under status {status}.", limits::share(case, met), first.account());
    let certainty = match (naming::is_said(first), limits::passed_later(case, first).is_some()) {
        (true, true) => Certainty::Certain,
        (true, false) => Certainty::Likely,
        _ => Certainty::Possible,
    };
    let severity = limits::standing(case, met);
    let finding = Finding::new(severity, certainty, Blame::Gateway, because)
        .so(format!("{} Clients do not see that waiting would help.", consequence(case, severity)))
        .cite(met.iter().take(2).map(|shown| shown.exchange))
        .detail("status", status);
    limits::with_hint(case, first, finding).present()
}

/// Many at once fail with a server error without telling words, and each alone passes.
fn burst(case: &Case) -> Option<Verdict> {
    let asked = case.asked(Ask::Burst).count();
    let open = |shown: &&Shown| shown.status().is_some_and(|status| status >= 500) && !naming::is_said(shown);
    let failed: Vec<&Shown> = case.asked(Ask::Burst).filter(open).collect();
    let alone = case.chat().answer()?;
    let first = failed.first()?;
    if failed.len() < 2 || failed.len() == asked || case.chat().tries.len() > 1 {
        return None;
    }
    let because = format!(
        "{} of {asked} chats sent at once were answered with {}; alone, the same was answered after {:.0} ms.",
        failed.len(),
        first.account(),
        alone.total_ms()
    );
    let finding = Finding::new(Severity::Info, Certainty::Possible, Blame::Gateway, because)
        .so("Busy clients meet server errors that may be a limit in disguise.")
        .cite([first.exchange, alone.exchange]);
    Some(finding.present())
}
