//! The server does not know this key.

use super::auth::{self, Refusal};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Verdict, reach};
use crate::evidence::{Ask, KeyFault};
use crate::facts::{self, Cause};

/// Unknown, revoked, mistyped, or another vendor's.
pub const MODE: FailureMode = FailureMode {
    id: "key-rejected",
    title: "The server does not accept this key",
    family: "key",
    symptom: "401 \"Incorrect API key provided\", \"Invalid token\", \"token_not_found_in_db\"; also 403, or LiteLLM's 400 \"No connected db.\"",
    cause: "The key is unknown to the server: mistyped, deleted, rotated, of another gateway or of another vendor. The proof is the garbage \
            key: the server treats the given one just like it. If the list takes the given key and refuses the garbage one, the key is good \
            and the refusal comes from further behind (upstream-auth-failed).",
    fix: &[
        "Create a new key where this very gateway issues keys, and set it.",
        "A vendor's own key is no gateway key: use the one that the gateway's operator issues (LiteLLM: a virtual key).",
        "Check for a sister host of the same vendor (.cn and .com, EU and US, plan hosts): keys are valid on one of them only.",
        "Look for another variable of the same name that hides the key you set.",
    ],
    references: &[
        "https://github.com/OpenHands/OpenHands/issues/17390",
        "https://github.com/hivecommons/hive/pull/1903",
        "https://github.com/Helicone/helicone/issues/2771",
        "https://github.com/SciSharp/BotSharp/issues/386",
        "https://github.com/ITSpecialist111/ai_automation_suggester/issues/153",
    ],
    explains: &["models-list-unusable", "models-list-public"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let key = &case.subject().key;
    if !key.present || key.faults.contains(&KeyFault::Empty) {
        return Verdict::absent("no key was given");
    }
    let Some(refusal) = auth::refusal(case) else { return not_refused(case) };
    if let Some(other) = other_reason(case, &refusal) {
        return Verdict::absent(other);
    }
    match certainty(case, &refusal) {
        Some(certainty) => present(case, &refusal, certainty),
        None => Verdict::untested("the refusal does not say what is wrong with the key"),
    }
}

fn not_refused(case: &Case) -> Verdict {
    if auth::success(case, Ask::Chat).is_some() {
        return Verdict::absent("chat was answered with this key");
    }
    match case.chat().failure() {
        Some(failure) => Verdict::absent(format!("chat failed over something else than the key: {}", failure.account())),
        None => Verdict::untested("chat was not asked"),
    }
}

/// Why the refusal is a neighbour's.
fn other_reason(case: &Case, refusal: &Refusal) -> Option<&'static str> {
    let cause = refusal.cause();
    let unseen = refusal.bare_alike() != Some(false);
    if auth::success(case, Ask::OtherScheme).is_some() && auth::success(case, Ask::ChatNoKey).is_none() {
        Some("the same key is taken in another header")
    } else if auth::success(case, Ask::TrimmedKey).is_some() {
        Some("the bare key is taken")
    } else if cause == Some(Cause::AuthScheme) {
        Some("the server wants another kind of credential")
    } else if cause == Some(Cause::KeyMissing) && unseen && refusal.is_strong() {
        Some("the server says that no key came")
    } else if matches!(cause, Some(Cause::TokenExpired | Cause::KeyMalformed)) && refusal.garbage_alike() != Some(true) {
        Some("the server names another fault of the key, and does not say so of a garbage key")
    } else if refusal.bare_alike() == Some(true) && auth::quotes_unsent_key(case).is_some() {
        Some("the server quotes a key even where none was sent, so it is not this one")
    } else if auth::list_takes_key(case) && refusal.garbage_alike() != Some(true) {
        Some("the list takes this key and refuses a garbage one")
    } else {
        None
    }
}

/// Certain when the key is treated as garbage and not as no key; possible when the garbage key hears something else.
fn certainty(case: &Case, refusal: &Refusal) -> Option<Certainty> {
    let says = refusal.is_strong() && refusal.cause().is_some();
    match (refusal.garbage_alike(), refusal.bare_alike()) {
        (Some(true), _) if auth::list_takes_key(case) => Some(Certainty::Possible),
        (Some(true), Some(true)) if refusal.given.status() == Some(403) && !says => Some(Certainty::Possible),
        (Some(true), Some(false)) if refusal.repeats => Some(Certainty::Certain),
        (Some(true), _) => Some(Certainty::Likely),
        (Some(false), _) => Some(Certainty::Possible),
        (None, _) if says => Some(Certainty::Likely),
        (None, _) if refusal.given.status() == Some(401) => Some(Certainty::Possible),
        (None, _) => None,
    }
}

fn present(case: &Case, refusal: &Refusal, certainty: Certainty) -> Verdict {
    let because = format!("With the key as given the answer was {}.{}{}", refusal.given.account(), controls(refusal), list(case));
    let mut finding = Finding::new(Severity::Error, certainty, Blame::Key, because)
        .so("Chat stays refused until another key is used; retrying is useless.")
        .cite(refusal.exchanges());
    if auth::success(case, Ask::ChatNoKey).is_some() {
        finding = finding.fix("Without any key chat is answered: leave the key empty in the client.");
    }
    if let Some((prefix, owner)) = foreign_key(case) {
        finding =
            finding.fix(format!("A key that begins with {prefix} is one of {owner}: use it at {owner}, or take one of this server's."));
    }
    if let Some(prefix) = &case.subject().key.prefix {
        finding = finding.detail("prefix", prefix.as_str());
    }
    finding.present()
}

fn controls(refusal: &Refusal) -> String {
    let garbage = match (refusal.garbage, refusal.garbage_alike()) {
        (Some(_), Some(true)) => " A garbage key is answered in the same way.".to_owned(),
        (Some(other), _) => format!(" A garbage key is answered otherwise: {}.", said(other)),
        _ => String::new(),
    };
    let bare = match (refusal.bare, refusal.bare_alike()) {
        (Some(_), Some(true)) => " So is a request without a key.".to_owned(),
        (Some(other), _) => format!(" Without a key the answer is {}.", said(other)),
        _ => String::new(),
    };
    garbage + &bare
}

/// The public beginning of the key and the vendor who issues such keys, when the host is another vendor's.
fn foreign_key<'e>(case: &Case<'e>) -> Option<(&'e str, &'static str)> {
    let prefix = case.subject().key.prefix.as_deref()?;
    let owner = facts::provider_for_key_prefix(prefix)?;
    let here = facts::provider_for_host(&reach::host(case))?;
    let vendor = |name: &'static str| name.split_whitespace().next();
    (vendor(&owner.name) != vendor(&here.name)).then_some((prefix, owner.name.as_str()))
}

fn said(shown: &super::Shown) -> String {
    super::address::shape(shown)
}

fn list(case: &Case) -> &'static str {
    match (case.models().is_some(), auth::success(case, Ask::ModelsGarbageKey).is_some()) {
        (true, true) => " The list loads with a garbage key as well, so it proves nothing.",
        _ => "",
    }
}
