//! The right key in the wrong header.

use super::auth::{self, Refusal};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::evidence::{Ask, Credential, Exchange, KeyFault, Scheme};
use crate::facts::Cause;

/// Right key, wrong header.
pub const MODE: FailureMode = FailureMode {
    id: "wrong-auth-scheme",
    title: "The key comes in a header that the server does not read",
    family: "key",
    symptom: "401 \"Missing API key\" although one is set; \"API keys are not supported by this API. Expected OAuth2 access token\".",
    cause: "Servers look for the key in one place: `Authorization: Bearer`, `x-api-key` (Anthropic), `api-key` (Azure), `x-goog-api-key` \
            (Google) or a gateway's own header. The key may be right and in another one; or a proxy on the way removes the header. It shows \
            when the same key in another header is answered, or when the server says that no key came although one was sent. A \
            key that the server saw and did not know is key-rejected.",
    fix: &[
        "Choose the provider type in the client that fits the server: it decides the header.",
        "Claude Code and other Anthropic clients: ANTHROPIC_AUTH_TOKEN sends Bearer, ANTHROPIC_API_KEY sends x-api-key.",
        "Portkey and Helicone want a header of their own (x-portkey-api-key, Helicone-Auth) besides the provider's key.",
        "If a proxy is in between: it must pass the Authorization header on (Apache: CGIPassAuth; nginx: no empty proxy_set_header).",
    ],
    references: &[
        "https://github.com/xinhai-ai/endpoint_forwarder/issues/4",
        "https://github.com/sxueck/llm-gateway/issues/5",
        "https://github.com/google-gemini/gemini-cli/issues/1463",
        "https://github.com/gemini-cli-extensions/nanobanana/issues/19",
        "https://github.com/promptfoo/promptfoo/issues/2075",
    ],
    explains: &["key-rejected", "models-list-unusable", "models-list-public"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let key = &case.subject().key;
    if !key.present || key.faults.contains(&KeyFault::Empty) {
        return Verdict::absent("no key was given that could be in the wrong header");
    }
    if auth::success(case, Ask::Chat).is_some() {
        return Verdict::absent("chat was answered with the key in the header as sent");
    }
    if auth::success(case, Ask::ChatNoKey).is_some() {
        return Verdict::absent("chat is answered without a key, so another header proves nothing");
    }
    let refusal = auth::refusal(case);
    if let Some(answer) = auth::success(case, Ask::OtherScheme) {
        return answered(case, answer);
    }
    match refusal {
        Some(refusal) if reads_no_key(&refusal) => unread(case, &refusal),
        Some(_) => Verdict::absent("no other header was taken, and the server does not say that no key came"),
        None => Verdict::absent("nothing was refused over the key"),
    }
}

/// The same key was answered in another header.
fn answered(case: &Case, answer: &Shown) -> Verdict {
    let failure = case.chat().failure().or_else(|| case.trial(Ask::Models).failure());
    let header = header(answer);
    let because = format!(
        "With the key in {} the answer was {}; with the same key in {header} it was HTTP {}.",
        given(case),
        failure.map(Shown::account).unwrap_or_default(),
        answer.status().unwrap_or_default(),
    );
    Finding::new(Severity::Error, Certainty::Certain, Blame::Client, because)
        .so("Clients that send the key in the usual header are refused, although the key is right.")
        .fix(format!("Send the key in the header {header}."))
        .cite(failure.map(|shown| shown.exchange))
        .cite([answer.exchange])
        .detail("scheme", header)
        .present()
}

/// The server says that no key came, or wants another kind, although one was sent.
fn unread(case: &Case, refusal: &Refusal) -> Verdict {
    let seen = case.asked(Ask::OtherScheme).find(|shown| shown.caused_by(&[Cause::KeyRejected]) && !auth::alike(refusal.given, shown));
    let more = seen.map(|shown| format!(" In {} the key was seen: {}.", header(shown), shown.account())).unwrap_or_default();
    let because = format!("A key was sent in {}; the answer was {}.{more}", given(case), refusal.given.account());
    let finding = Finding::new(Severity::Error, Certainty::Likely, Blame::Client, because)
        .so("The key does not arrive where the server looks for it, so chat stays refused.")
        .cite(refusal.exchanges())
        .cite(seen.map(|shown| shown.exchange));
    match seen.map(|shown| header(shown)) {
        Some(header) => {
            finding.fix(format!("Send the key in the header {header}, and check the key itself.")).detail("scheme", header).present()
        }
        None => finding.present(),
    }
}

fn reads_no_key(refusal: &Refusal) -> bool {
    match refusal.cause() {
        Some(Cause::AuthScheme) => true,
        Some(Cause::KeyMissing) => refusal.is_strong() && refusal.bare_alike() != Some(false),
        _ => false,
    }
}

fn header(exchange: &Exchange) -> &'static str {
    match exchange.request.credential {
        Credential::Given(scheme) | Credential::Trimmed(scheme) | Credential::Garbage(scheme) => scheme.header(),
        Credential::None => "none",
    }
}

fn given(case: &Case) -> &'static str {
    case.subject().key.scheme.unwrap_or(Scheme::Bearer).header()
}
