//! No credential reaches the server.

use super::auth::{self, Refusal};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::evidence::{Ask, KeyFault, Scheme};
use crate::facts::Cause;

/// No credential reaches the server.
pub const MODE: FailureMode = FailureMode {
    id: "key-missing",
    title: "No key is sent, and the server wants one",
    family: "key",
    symptom: "401 \"You didn't provide an API key\", \"No auth credentials found\", \"Missing API key\", {\"error\":\"unauthorized\"}.",
    cause: "The request carries no credential: the variable is empty in the environment in which the client runs, the setting belongs to \
            another profile, or the client has no field for it. No key was given to this run either, and the server refuses chat for \
            that. LiteLLM without a database answers such a request with a bare 500, the list as well as chat. If a key was given and the server still says that none came, it is wrong-auth-scheme.",
    fix: &[
        "Set the key in the client, or the variable in the environment in which the client really runs (service, container, IDE).",
        "Look for a second variable of the same name that hides the one you set.",
        "Run this check again with the key: --key-file FILE or LLMDOCTOR_KEY.",
    ],
    references: &[
        "https://github.com/anomalyco/opencode/issues/1631",
        "https://github.com/musistudio/claude-code-router/issues/227",
        "https://github.com/Gitlawb/openclaude/issues/967",
        "https://github.com/RooCodeInc/Roo-Code/issues/2445",
        "https://github.com/inference-gateway/inference-gateway/blob/main/api/middlewares/auth.go",
    ],
    explains: &["models-list-unusable", "models-list-public"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let key = &case.subject().key;
    if key.present && !key.faults.contains(&KeyFault::Empty) {
        return Verdict::absent("a key was given and sent");
    }
    let Some(refusal) = auth::refusal(case) else { return not_refused(case) };
    match certainty(&refusal) {
        Some(certainty) => present(case, &refusal, certainty),
        None => Verdict::absent(format!("the refusal is about something else: {}", refusal.given.account())),
    }
}

/// No refusal speaks of a key. Some gateways break without one instead (LiteLLM without a database): the list and chat alike.
fn not_refused(case: &Case) -> Verdict {
    if let Some((list, chat)) = breaks_alike(case) {
        return breaks(list, chat);
    }
    let asked = case.chat().asked() || case.models().is_some();
    if asked {
        Verdict::absent("nothing was refused for lack of a key")
    } else {
        Verdict::untested("neither chat nor the list was answered")
    }
}

/// The list and chat with the same bare 500, and nothing else.
fn breaks_alike<'c, 'e>(case: &'c Case<'e>) -> Option<(&'c Shown<'e>, &'c Shown<'e>)> {
    let bare = |shown: &&Shown| shown.status() == Some(500) && shown.error().is_some_and(|error| matches!(error.form, "text" | "empty"));
    let (list, chat) = (case.trial(Ask::Models).failure().filter(bare)?, case.chat().failure().filter(bare)?);
    (case.chat().repeats() && auth::alike(list, chat)).then_some((list, chat))
}

fn breaks(list: &Shown, chat: &Shown) -> Verdict {
    let because = format!("No key was given. The list was answered with {}, chat with {}.", list.account(), chat.account());
    Finding::new(Severity::Error, Certainty::Possible, Blame::Client, because)
        .so("Some gateways break in this way when no key is sent; with one, they may work.")
        .cite([chat.exchange, list.exchange])
        .present()
}

fn certainty(refusal: &Refusal) -> Option<Certainty> {
    match refusal.cause() {
        Some(Cause::KeyMissing) if refusal.is_strong() && refusal.repeats => Some(Certainty::Certain),
        Some(Cause::KeyMissing | Cause::KeyRejected | Cause::AuthScheme) => Some(Certainty::Likely),
        Some(Cause::TokenExpired | Cause::KeyMalformed | Cause::OidcRejected) => Some(Certainty::Possible),
        _ if refusal.given.status() == Some(401) => Some(Certainty::Likely),
        _ => Some(Certainty::Possible),
    }
}

fn present(case: &Case, refusal: &Refusal, certainty: Certainty) -> Verdict {
    let given = if case.subject().key.present { "The key that was given is empty." } else { "No key was given." };
    let because =
        format!("{given} {} {} was answered with {}.", refusal.given.request.method, refusal.given.request.url, refusal.given.account());
    let public = if case.models().is_some() { " The list loads because it asks for none." } else { "" };
    let finding = Finding::new(Severity::Error, certainty, Blame::Client, because)
        .so(format!("The server refuses chat until a key is sent.{public}"))
        .cite(refusal.exchanges());
    match wanted(refusal) {
        Some(header) => finding.fix(format!("Send the key in the header {header}.")).detail("scheme", header).present(),
        None => finding.present(),
    }
}

/// The header that the server asks for, when it says so.
fn wanted(refusal: &Refusal) -> Option<&'static str> {
    let challenge = refusal.given.response()?.header("www-authenticate")?.to_ascii_lowercase();
    challenge.contains("bearer").then_some(Scheme::Bearer.header())
}
