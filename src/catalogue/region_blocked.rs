//! The country or region is not served.

use super::{Blame, Case, FailureMode, Finding, Severity, Shown, Verdict, limits, naming};
use crate::facts::{Cause, Speaker};

/// Country or egress not served.
pub const MODE: FailureMode = FailureMode {
    id: "region-blocked",
    title: "The provider does not serve this region",
    family: "edge",
    symptom: "403 `unsupported_country_region_territory`; Google says 400 \"User location is not supported for the API use\". It works from \
              another network with the same key.",
    cause: "The provider looks at the address that a request comes from. Behind a gateway it is the gateway's address that counts. \
            The text says so, with 403 or 400, so neither key nor body is at fault.",
    fix: &[
        "Send from a region that is served, or choose another provider for the model.",
        "Behind a gateway: move its egress (or its proxy for this provider); the client's own place does not matter.",
        "Google: use Vertex AI in a region that you may use.",
    ],
    references: &[
        "https://github.com/google-gemini/gemini-cli/issues/24641",
        "https://github.com/gunpal5/Google_GenerativeAI/issues/4",
        "https://github.com/aurora-develop/Duck2api/issues/33",
        "https://github.com/langgenius/dify/issues/25946",
        "https://github.com/anomalyco/opencode/issues/40162",
    ],
    explains: &["key-rejected", "model-access-denied", "no-healthy-deployment", "error-in-success"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let met: Vec<&Shown> = limits::with_cause(case, &[Cause::Region]).collect();
    match met.first() {
        Some(first) => present(case, &met, first),
        None => Verdict::absent("no answer speaks of a country or a region"),
    }
}

fn present(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let siblings = naming::siblings(case);
    let others = siblings.first().and_then(|shown| shown.model());
    let only = others.map(|name| format!(" “{name}” was answered, so only some models are blocked.")).unwrap_or_default();
    let because = format!("{} met {}.{only}", limits::share(case, met), first.account());
    let behind = first.causes.first().is_some_and(|reading| matches!(reading.speaker, Speaker::Upstream(_)));
    let blame = if behind { Blame::Gateway } else { Blame::Network };
    Finding::new(limits::standing(case, met).max(Severity::Warning), limits::said_certainty(first), blame, because)
        .so("No key and no setting helps; only another way out to the provider does.")
        .cite([first.exchange])
        .cite(siblings.first().map(|shown| shown.exchange))
        .present()
}
