//! The organisation, project or workspace header does not fit the key.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, address, auth};
use crate::evidence::{Ask, Exchange};
use crate::facts::{Cause, Strength};

/// Organisation, project or workspace header does not fit the key.
pub const MODE: FailureMode = FailureMode {
    id: "organization-mismatch",
    title: "The organisation header does not fit the key",
    family: "key",
    symptom: "401 \"OpenAI-Organization header should match organization for API key\", 400 \"no such organization : null\", 401 no_organization.",
    cause: "The client sends an organisation, project or workspace that the key does not belong to: a stale setting, a variable left over \
            from another account, or an unset one that was sent as the text null. The server speaks of the organisation, not of the key; the \
            same key without the header may be right.",
    fix: &[
        "Unset OPENAI_ORGANIZATION, OPENAI_ORG_ID and OPENAI_PROJECT, and empty the fields in the client.",
        "Or set the organisation to which the key belongs; project keys bring theirs along and need no header.",
    ],
    references: &[
        "https://github.com/openai/codex/issues/1000",
        "https://github.com/Aider-AI/aider/issues/3717",
        "https://platform.claude.com/docs/cli-sdks-libraries/libraries/openai-sdk",
    ],
    explains: &["models-list-unusable"],
    diagnose,
};

/// Headers that choose an organisation, project or workspace.
const HEADERS: [&str; 4] = ["openai-organization", "openai-project", "anthropic-workspace-id", "x-organization"];

fn diagnose(case: &Case) -> Verdict {
    if address::served(case) {
        return Verdict::absent("the endpoint was served with the headers as sent");
    }
    let mut failures = [Ask::Chat, Ask::ChatStream, Ask::Models].into_iter().flat_map(|ask| case.asked(ask));
    match failures.find(|shown| shown.caused_by(&[Cause::Organization])) {
        Some(shown) => present(case, shown),
        None => Verdict::absent("no refusal speaks about an organisation"),
    }
}

fn present(case: &Case, shown: &Shown) -> Verdict {
    let weak = shown.causes.first().is_some_and(|reading| reading.strength == Strength::Weak);
    let certainty = if weak { Certainty::Possible } else { Certainty::Likely };
    let sent = header(shown);
    let with = sent.map(|(name, value)| format!(" The request carried {name}: {value}.")).unwrap_or_default();
    let because = format!("The refusal speaks about the organisation: {}.{with}{}", shown.account(), garbage(case, shown));
    let finding = Finding::new(Severity::Error, certainty, Blame::Client, because)
        .so("The key may be right; it is refused together with this organisation.")
        .cite([shown.exchange]);
    match sent {
        Some((name, _)) => finding.fix(format!("Leave the header {name} out.")).detail("header", name.as_str()).present(),
        None => finding.present(),
    }
}

/// What a garbage key hears, when that was asked.
fn garbage(case: &Case, shown: &Shown) -> String {
    match auth::telling(case, Ask::ChatGarbageKey).filter(|other| !auth::alike(shown, other)) {
        Some(other) => format!(" A garbage key is answered otherwise: {}.", other.account()),
        None => String::new(),
    }
}

fn header(exchange: &Exchange) -> Option<&(String, String)> {
    exchange.request.headers.iter().find(|(name, _)| HEADERS.contains(&name.as_str()))
}
