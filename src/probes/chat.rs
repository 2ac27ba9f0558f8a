//! The control: one chat with the exact name, `model` and `messages` only.

use http::header::{HeaderValue, USER_AGENT};

use crate::evidence::Ask;
use crate::facts::Cause;

use super::{Asked, Ctx, Need, Probe, Question, Work, fields};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "chat",
    title: "Chat, not streamed",
    asks: "Does a chat with the exact model name and nothing else come back? It is the control for everything after it.",
    stage: 2,
    needs: Need::Model,
    cost: "1 request, about 60 tokens",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

/// What a widely used SDK calls itself: bot protection often lets it pass.
const OTHER_AGENT: &str = "OpenAI/Python 2.8.0";

/// Asks; also of the upstream, when that is the target.
pub(super) async fn run(cx: &Ctx<'_>) {
    if let Some(model) = cx.model() {
        let tries = cx.ask_control("chat", Question::control(cx.target, &model)).await;
        if tries.first().is_some_and(|asked| asked.caused_by(&[Cause::Waf])) {
            let question = Question { ask: Ask::OtherAgent, ..Question::control(cx.target, &model) };
            cx.ask("chat", question.with_header(USER_AGENT, HeaderValue::from_static(OTHER_AGENT))).await;
        }
        if let Some(refused) = tries.first().filter(|asked| !asked.answered()) {
            with_default(cx, refused, &model).await;
        }
    }
}

/// A refusal of the plainest chat that names what was not sent: is it answered with a neutral value for that?
async fn with_default(cx: &Ctx<'_>, refused: &Asked, model: &str) {
    let control = Question::control(cx.target, model);
    let body = control.body.clone().unwrap_or_default();
    if refused.caused_by(fields::ABOUT_DEFAULTS)
        && let Some(change) = fields::unsent(refused, &body)
    {
        cx.ask_aside("chat", Question { ask: Ask::Fields, body: Some(change.applied(body)), ..control }).await;
    }
}
