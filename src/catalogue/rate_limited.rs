//! Too many requests or tokens, and the answer says how long to wait.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, limits};
use crate::facts::RetryHint;

/// 429 with a usable hint.
pub const MODE: FailureMode = FailureMode {
    id: "rate-limited",
    title: "Requests are turned away by a rate limit",
    family: "limits",
    symptom: "429 \"Rate limit reached\", \"Too Many Requests\"; it works again after a while. Some clients retry too early and make it last.",
    cause: "Requests or tokens of a window are used up: by this key, by others of the same account, or by the gateway's own limiter. The answer \
            says how long to wait. A 429 that speaks of deployments in cooldown is a router without backends; one that speaks of quota, budget \
            or credit will not pass; one that only comes side by side is a limit on concurrency.",
    fix: &[
        "Wait as long as the answer says; let the client read Retry-After instead of guessing.",
        "Send less at once: fewer parallel agents, smaller prompts, no title and tag generation beside the chat.",
        "LiteLLM: rpm and tpm of key, team and deployment; nginx: limit_req with burst; or a higher tier at the provider.",
    ],
    references: &[
        "https://github.com/earendil-works/pi/issues/9595",
        "https://github.com/tinyhumansai/openhuman/issues/6504",
        "https://github.com/Kilo-Org/kilocode/issues/14336",
        "https://github.com/Wei-Shaw/sub2api/issues/6530",
        "https://docs.litellm.ai/docs/proxy/error_reference",
    ],
    explains: &["intermittent-failure"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let met = limits::rate_limits(case);
    let told = met.iter().copied().find_map(|shown| Some((shown, usable(case, shown)?)));
    match told {
        Some((shown, hint)) => present(case, &met, shown, &hint),
        None if !met.is_empty() => Verdict::absent("no 429 says how long to wait"),
        None => Verdict::absent(format!("none of {} requests met a rate limit", case.all().count())),
    }
}

/// A wait that clients can read: in Retry-After or its like, or in the body. The reset of a bucket is read by few.
pub(super) fn usable(case: &Case, shown: &Shown) -> Option<RetryHint> {
    use crate::facts::HintSource::Body;
    limits::hint(case, shown).filter(|hint| hint.explicit || hint.source == Body)
}

fn present(case: &Case, met: &[&Shown], shown: &Shown, hint: &RetryHint) -> Verdict {
    let later = limits::passed_later(case, shown);
    let after = match later {
        Some(passed) => format!(" Asked again {:.0} ms later, it was answered.", passed.at_ms - shown.at_ms),
        None => String::new(),
    };
    let by = limits::speaker(shown).map(|name| format!(" It was {name} that answered.")).unwrap_or_default();
    let because = format!("{} met {}: {}.{after}{by}", limits::share(case, met), shown.account(), limits::in_words(hint));
    let waited = later.is_some_and(|passed| passed.at_ms - shown.at_ms >= hint.seconds * 1e3);
    let certainty = if waited { Certainty::Certain } else { Certainty::Likely };
    let severity = limits::standing(case, met);
    let mut finding = Finding::new(severity, certainty, Blame::Client, because)
        .so(consequence(case, severity))
        .fix(format!("Wait {} s before the next request.", limits::seconds(hint.seconds)))
        .cite([shown.exchange])
        .cite(later.map(|passed| passed.exchange));
    if !hint.explicit {
        finding = finding.fix("Have the gateway set Retry-After: here the wait stands in the body only, where the SDKs do not look.");
    }
    limits::with_hint(case, shown, finding).present()
}

pub(super) fn consequence(case: &Case, severity: Severity) -> &'static str {
    match severity {
        Severity::Error if case.chat().answer().is_some() => "One chat got through, and none after it while this run lasted.",
        Severity::Error => "No chat got through while this run lasted.",
        Severity::Warning => "Plain chat is turned away at times; clients that do not wait show an error.",
        Severity::Info => "Busy clients will meet it as well.",
    }
}
