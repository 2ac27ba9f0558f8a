//! The key carries blanks, quotes or a second `Bearer`.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Verdict, auth};
use crate::evidence::{Ask, FaultKind, KeyFault};
use crate::facts::Cause;

/// Blanks, a newline, quotes, or `Bearer` twice.
pub const MODE: FailureMode = FailureMode {
    id: "key-malformed",
    title: "Something was pasted along with the key",
    family: "key",
    symptom: "\"Illegal header value\", \"Invalid character in header content\", \"Connection error\" without a byte on the wire, or a plain 401.",
    cause: "The key as typed has a blank, a line end, quotes, a variable's name or the word Bearer around it. HTTP libraries refuse to send \
            such a header, or the server takes the extra characters for part of the key. It shows when the same request with the bare key \
            is answered. A key that is refused with and without them is key-rejected.",
    fix: &[
        "Set the key again, without quotes, blanks and line end; files: `printf %s` instead of `echo`.",
        "Give the key alone: the client adds `Bearer` by itself.",
        "For servers that want no key, set any short word; an empty key makes the header `Bearer `, which libraries refuse to send.",
    ],
    references: &["https://github.com/openai/openai-python/issues/961", "https://github.com/Zero6992/chatGPT-discord-bot/issues/422"],
    explains: &["key-rejected", "models-list-unusable", "models-list-public"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let key = &case.subject().key;
    if !key.present || key.faults.contains(&KeyFault::Empty) {
        return Verdict::absent("no key was given");
    }
    if auth::success(case, Ask::Chat).is_some() {
        return Verdict::absent("chat was answered with the key as typed");
    }
    if let Some(verdict) = unsendable(case).or_else(|| mended(case)) {
        return verdict;
    }
    match auth::refusal(case) {
        None => Verdict::absent("nothing was refused over the key"),
        Some(refusal) if key.faults.is_empty() => by_word(&refusal),
        Some(refusal) => refused(case, &refusal),
    }
}

/// The header could not even be written.
fn unsendable(case: &Case) -> Option<Verdict> {
    let stuck = case.all().find(|shown| matches!(shown.exchange.fault_kind(), Some(FaultKind::Unsendable)))?;
    let because = format!("The key as typed has {}; no HTTP header can carry that, so the request was never sent.", faults(case)?);
    let finding = Finding::new(Severity::Error, Certainty::Certain, Blame::Key, because)
        .so("HTTP libraries refuse to send it; clients often call that a connection error.");
    Some(finish(case, finding.cite([stuck.exchange]).cite(auth::success(case, Ask::TrimmedKey).map(|shown| shown.exchange))))
}

/// The bare key was answered where the key as typed was not.
fn mended(case: &Case) -> Option<Verdict> {
    let answer = auth::success(case, Ask::TrimmedKey)?;
    let failure = case.chat().failure().or_else(|| case.trial(Ask::Models).failure())?;
    let because = format!(
        "With the key as typed ({}) the answer was {}; with the bare key it was HTTP {}.",
        faults(case).unwrap_or_else(|| "with something around it".into()),
        failure.account(),
        answer.status().unwrap_or_default(),
    );
    let finding = Finding::new(Severity::Error, Certainty::Certain, Blame::Key, because)
        .so("The server takes the extra characters for part of the key.");
    Some(finish(case, finding.cite([failure.exchange, answer.exchange])))
}

/// Known faults and a refusal, but the bare key was refused as well, or not asked.
fn refused(case: &Case, refusal: &auth::Refusal) -> Verdict {
    let bare = auth::telling(case, Ask::TrimmedKey);
    let Some(faults) = faults(case) else { return Verdict::absent("the key as typed has nothing around it") };
    let (severity, certainty, more) = match bare {
        Some(other) => (Severity::Warning, Certainty::Likely, format!(" The bare key was refused, too: {}.", other.account())),
        None => (Severity::Error, Certainty::Likely, String::new()),
    };
    let because = format!("The key as typed has {faults}; the answer was {}.{more}", refusal.given.account());
    let finding = Finding::new(severity, certainty, Blame::Key, because).so("A key in this form is refused wherever it is used.");
    finish(case, finding.cite([refusal.given.exchange]).cite(bare.map(|shown| shown.exchange)))
}

/// The server itself says that the key's form is wrong, and a garbage key of good form hears something else.
fn by_word(refusal: &auth::Refusal) -> Verdict {
    let says = refusal.cause() == Some(Cause::KeyMalformed) && refusal.garbage_alike() != Some(true);
    if !says {
        return Verdict::absent("the key as typed has nothing around it");
    }
    let because = format!("The server says that the key's form is wrong: {}.", refusal.given.account());
    Finding::new(Severity::Error, Certainty::Likely, Blame::Key, because)
        .so("The server refuses the key before it looks it up.")
        .cite(refusal.exchanges())
        .present()
}

fn finish(case: &Case, finding: Finding) -> Verdict {
    let names: Vec<_> = case.subject().key.faults.iter().map(|fault| name(*fault)).collect();
    finding.detail("key_faults", names).present()
}

/// What the key has around it, in words.
fn faults(case: &Case) -> Option<String> {
    let words: Vec<_> = case.subject().key.faults.iter().map(|fault| words(*fault)).collect();
    (!words.is_empty()).then(|| words.join(" and "))
}

fn words(fault: KeyFault) -> &'static str {
    match fault {
        KeyFault::Blanks => "blanks or a line end around it",
        KeyFault::Quotes => "quotes around it",
        KeyFault::BearerPrefix => "the word Bearer in front",
        KeyFault::VariableName => "a variable's name in front",
        KeyFault::NotAHeader => "characters that a header cannot carry",
        KeyFault::Empty => "nothing in it",
    }
}

fn name(fault: KeyFault) -> &'static str {
    match fault {
        KeyFault::Blanks => "blanks",
        KeyFault::Quotes => "quotes",
        KeyFault::BearerPrefix => "bearer-prefix",
        KeyFault::VariableName => "variable-name",
        KeyFault::NotAHeader => "not-a-header",
        KeyFault::Empty => "empty",
    }
}
