//! The gateway wants a token of its identity provider, and this one does not fit.

use super::auth;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::evidence::{Ask, Credential, Exchange};
use crate::facts::{Cause, Strength};

/// Issuer, audience or signature of a JWT does not fit.
pub const MODE: FailureMode = FailureMode {
    id: "oidc-token-rejected",
    title: "Issuer, audience or signature of the token does not fit",
    family: "key",
    symptom: "401 \"Jwt issuer is not configured\", \"Audiences in Jwt are not allowed\", \"Jwt verification fails\", \"invalid signature\", or a \
              WWW-Authenticate header with error=\"invalid_token\".",
    cause: "The gateway checks a JWT against an identity provider, and the token is of another issuer (with or without a slash at its end, v1 or \
            v2 of Entra), for another audience, or signed with a key that the gateway cannot fetch. Its words are about the token's parts and not \
            about an unknown key; an expired token is told apart by `exp` (token-expired).",
    fix: &[
        "Read the token's `iss`, `aud` and `exp`, and compare them with the gateway's configuration letter by letter, the slash at the end included.",
        "Ask for the token with the audience (scope, resource) that the gateway names.",
        "Check that the gateway reaches the provider's keys (jwks_uri) and that its clock is right.",
        "Where a vendor's API key is expected behind the gateway, send the token in the header that the gateway reads, and not in both places.",
    ],
    references: &[
        "https://github.com/envoyproxy/gateway/issues/7425",
        "https://github.com/envoyproxy/envoy/issues/12377",
        "https://github.com/oauth2-proxy/oauth2-proxy/issues/566",
    ],
    explains: &["key-rejected", "wrong-auth-scheme", "models-list-unusable"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.subject().key.present {
        return Verdict::absent("no key was given");
    }
    let refused = |shown: &&Shown| with_own_key(shown) && shown.caused_by(&[Cause::OidcRejected]);
    match case.all().find(refused) {
        Some(shown) => present(case, shown),
        None => Verdict::absent("no refusal speaks about issuer, audience or signature of a token"),
    }
}

fn with_own_key(exchange: &Exchange) -> bool {
    matches!(exchange.request.credential, Credential::Given(_) | Credential::Trimmed(_))
}

fn present(case: &Case, shown: &Shown) -> Verdict {
    let weak = shown.causes.first().is_some_and(|reading| reading.strength == Strength::Weak);
    let certainty = if weak { Certainty::Possible } else { Certainty::Likely };
    let garbage = auth::telling(case, Ask::ChatGarbageKey).or_else(|| auth::telling(case, Ask::ModelsGarbageKey));
    let other = garbage.map(|other| format!(" A garbage key is answered with {}.", other.account())).unwrap_or_default();
    let because = format!("The refusal speaks about the token's parts: {}.{other}", shown.account());
    Finding::new(Severity::Error, certainty, Blame::Key, because)
        .so("Chat stays refused until a token of the right issuer and audience is sent.")
        .cite([shown.exchange])
        .cite(garbage.map(|other| other.exchange))
        .present()
}
