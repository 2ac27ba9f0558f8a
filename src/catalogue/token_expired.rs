//! The credential was good once and its time is over.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, auth};
use crate::evidence::{Ask, Credential, Exchange};
use crate::facts::{Cause, Strength};

/// Worked, then died after a fixed lifetime.
pub const MODE: FailureMode = FailureMode {
    id: "token-expired",
    title: "The token has expired",
    family: "key",
    symptom: "Chat worked for half an hour or an hour, then says 401 \"token expired\" until somebody signs in again.",
    cause: "The credential is a token with a lifetime (GitHub Copilot about 30 minutes, Google access tokens 60 minutes, a JWT of the company's \
            login), stored where a lasting key belongs, or the client does not renew it. The server says that it expired, and does not say so of a \
            garbage key; if it did, the token is merely unknown (key-rejected).",
    fix: &[
        "Get a new token, and let the client renew it before it ends (refresh on 401, then send once more).",
        "Where the client has a static key field only: put a proxy in front that renews the token, or use a lasting API key (AI Studio instead of Vertex).",
        "If a fresh token is called expired at once, compare the clocks of both machines.",
    ],
    references: &[
        "https://github.com/Gitlawb/openclaude/issues/1746",
        "https://github.com/gsd-build/gsd-2/issues/4553",
        "https://github.com/microsoft/vscode/issues/300693",
        "https://github.com/Mintplex-Labs/anything-llm/issues/5896",
    ],
    explains: &["models-list-unusable", "models-list-public", "intermittent-failure"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.subject().key.present {
        return Verdict::absent("no key was given");
    }
    let Some(shown) = case.all().find(|shown| with_own_key(shown) && shown.caused_by(&[Cause::TokenExpired])) else {
        return Verdict::absent("no refusal says that the token expired");
    };
    match auth::telling(case, Ask::ChatGarbageKey).or_else(|| auth::telling(case, Ask::ModelsGarbageKey)) {
        Some(garbage) if auth::alike(shown, garbage) => {
            Verdict::absent("a garbage key hears the same, so it does not mean that this one expired")
        }
        garbage => present(case, shown, garbage),
    }
}

fn with_own_key(exchange: &Exchange) -> bool {
    matches!(exchange.request.credential, Credential::Given(_) | Credential::Trimmed(_))
}

fn present(case: &Case, shown: &Shown, garbage: Option<&Shown>) -> Verdict {
    let before =
        case.all().find(|other| other.at_ms < shown.at_ms && other.request.credential == shown.request.credential && other.answered());
    let strong = shown.causes.first().is_some_and(|reading| reading.strength == Strength::Strong);
    let certainty = match (before, garbage, strong) {
        (Some(_), ..) => Certainty::Certain,
        (None, Some(_), _) | (None, None, true) => Certainty::Likely,
        (None, None, false) => Certainty::Possible,
    };
    let other = garbage.map(|shown| format!(" A garbage key is answered otherwise: {}.", shown.account())).unwrap_or_default();
    let earlier = before
        .map(|other| format!(" {:.1} s earlier the same key was answered.", (shown.at_ms - other.at_ms) / 1000.0))
        .unwrap_or_default();
    let because = format!("The server says that the token expired: {}.{earlier}{other}", shown.account());
    Finding::new(Severity::Error, certainty, Blame::Key, because)
        .so("Chat stays refused until the token is renewed.")
        .cite([shown.exchange])
        .cite(garbage.map(|shown| shown.exchange))
        .cite(before.map(|shown| shown.exchange))
        .present()
}
