//! The key: chat without one and with a garbage one as controls; other headers and a trimmed key only after a refusal.

use futures_util::future::join_all;

use crate::dialect::requests;
use crate::evidence::{Ask, Credential, FaultKind, Scheme};
use crate::facts::Cause;

use super::{Asked, Ctx, Need, Probe, Question, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "keys",
    title: "Key",
    asks: "Is the key needed, is it told from a garbage one, and does it pass in another header?",
    stage: 4,
    needs: Need::Connection,
    cost: "2 requests; up to 4 more after a refusal of the key",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

async fn run(cx: &Ctx<'_>) {
    if cx.target.auth.key.is_none() {
        return;
    }
    let scheme = cx.target.auth.scheme;
    let mut questions = Vec::new();
    if cx.model().is_some() {
        questions.push((Ask::ChatNoKey, Credential::None));
        questions.push((Ask::ChatGarbageKey, Credential::Garbage(scheme)));
    }
    if refused_for_the_key(cx) {
        questions.extend(cx.target.auth.trimmed().map(|_| (Ask::TrimmedKey, Credential::Trimmed(scheme))));
        let others = Scheme::ALL.into_iter().filter(|other| *other != scheme);
        questions.extend(others.map(|other| (Ask::OtherScheme, Credential::Given(other))));
    }
    join_all(questions.into_iter().map(|(ask, credential)| ask_with(cx, ask, credential))).await;
}

async fn ask_with(cx: &Ctx<'_>, ask: Ask, credential: Credential) {
    let question = match cx.model() {
        Some(model) => {
            let mut body = requests::short(cx.target.dialect, &model);
            if let Some(cap) = cx.cap() {
                body = cap.put(body, 16);
            }
            Question::chat(ask, cx.target, body)
        }
        None => Question::models(ask, cx.target),
    };
    cx.ask_aside("keys", question.with_credential(credential)).await;
}

/// The control (or, when there was none, the list) was refused with 401 or 403, or with words about the key.
fn refused_for_the_key(cx: &Ctx<'_>) -> bool {
    let chats = cx.tries(Ask::Chat);
    let tries = if chats.is_empty() { cx.tries(Ask::Models) } else { chats };
    !tries.iter().any(|asked| asked.answered() || asked.exchange.status() == Some(200)) && tries.first().is_some_and(about_the_key)
}

fn about_the_key(asked: &Asked) -> bool {
    const KEY: [Cause; 6] =
        [Cause::KeyMissing, Cause::KeyRejected, Cause::KeyMalformed, Cause::AuthScheme, Cause::TokenExpired, Cause::OidcRejected];
    let unsendable = asked.exchange.fault_kind() == Some(&FaultKind::Unsendable);
    unsendable || matches!(asked.exchange.status(), Some(401 | 403)) || asked.caused_by(&KEY)
}
