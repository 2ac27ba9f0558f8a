//! The caller's address is not on the list.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, address};
use crate::evidence::Ask;
use crate::facts::{Cause, Strength};

/// The caller's address is not on the list.
pub const MODE: FailureMode = FailureMode {
    id: "ip-not-allowed",
    title: "Requests from this address are not allowed",
    family: "key",
    symptom: "401 \"IP not authorized\" or 403 \"your IP is not allowed\"; the same key works from another machine.",
    cause: "The key, the project or the gateway has a list of addresses that may call, and this one is not on it: another network, a new \
            egress address, IPv6 where only IPv4 is listed, or a proxy that hides the caller. The server speaks of the address, which tells \
            it from a refused key, from a country that is not served (region-blocked) and from bot protection (waf-blocked).",
    fix: &[
        "Add this machine's public address (IPv4 and IPv6) to the list.",
        "Or call from an address that is on it; force IPv4 if only that one is listed.",
        "Behind a proxy the gateway must be told to trust X-Forwarded-For, or it sees the proxy's address.",
    ],
    references: &[
        "https://developers.openai.com/docs/guides/error-codes",
        "https://github.com/BerriAI/litellm/pull/4615",
        "https://github.com/Laisky/one-api/issues/176",
    ],
    explains: &["models-list-unusable"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if address::served(case) {
        return Verdict::absent("the endpoint served this address");
    }
    let mut failures = [Ask::Chat, Ask::ChatStream, Ask::Models].into_iter().flat_map(|ask| case.asked(ask));
    match failures.find(|shown| shown.caused_by(&[Cause::IpDenied])) {
        Some(shown) => present(shown),
        None => Verdict::absent("no refusal speaks about the caller's address"),
    }
}

fn present(shown: &Shown) -> Verdict {
    let weak = shown.causes.first().is_some_and(|reading| reading.strength == Strength::Weak);
    let certainty = if weak { Certainty::Possible } else { Certainty::Likely };
    let because = format!("The refusal speaks about the caller's address: {}.", shown.account());
    Finding::new(Severity::Error, certainty, Blame::Network, because)
        .so("The same key and request pass from an address that is allowed, and from here nothing does.")
        .cite([shown.exchange])
        .present()
}
