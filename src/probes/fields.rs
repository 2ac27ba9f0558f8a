//! The body: everything that typical clients send, at once; only a refusal is split.

use std::time::Duration;

use serde_json::Value;

use crate::dialect::Reading;
use crate::dialect::openai_chat::{occasional, typical, with};
use crate::evidence::Ask;
use crate::facts::Cause;
use crate::minimize::{Minimal, Parts, Trial, minimize};
use crate::outline::Outline;

use super::{Asked, Ctx, Need, Probe, Question, Work};

/// Members that no chat can lack.
const FIXED: [&str; 2] = ["model", "messages"];

/// The rung.
pub const PROBE: Probe = Probe {
    id: "fields",
    title: "Fields that clients send",
    asks: "Does the body of a typical client pass (system message, sampling, tools, stream options), and if not, which part of it is refused?",
    stage: 4,
    needs: Need::Chat,
    cost: "1 request (2 in a full check); about 2 + 2·log₂(n) more when it is refused",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

async fn run(cx: &Ctx<'_>) {
    let Some(model) = cx.model() else { return };
    let streamed = cx.answer(Ask::ChatStream).is_some();
    let only_streamed = cx.answer(Ask::Chat).is_none();
    match &cx.body {
        Some(body) => examine(cx, Ask::Fields, body.clone()).await,
        None => examine(cx, Ask::Fields, typical(&model, streamed)).await,
    }
    if cx.body.is_none() && cx.pace.sweep.is_some() {
        examine(cx, Ask::RareFields, occasional(&model, only_streamed)).await;
    }
}

/// Sends the body; when it is refused, finds what in it is refused.
async fn examine(cx: &Ctx<'_>, kind: Ask, whole: Value) {
    let Some(refused) = refusal(cx, kind, &whole).await else { return };
    let body = Body { kind, outline: Outline::of(whole, &FIXED), refused };
    let named = body.outline.named(&words(&body.refused), &body.outline.all());
    let minimal = minimize(body.outline.links(), named, |parts| body.trial(cx, parts)).await;
    body.try_other_values(cx, &minimal).await;
}

/// The refusal of the whole body, repeated when it might have been a passing fault.
async fn refusal(cx: &Ctx<'_>, kind: Ask, whole: &Value) -> Option<Asked> {
    let mut before: Option<Asked> = None;
    for _ in 0..2 {
        // The first round repeats what is shaky by itself; the second is one more try.
        let asked = match &before {
            None => ask(cx, kind, whole.clone()).await?,
            Some(_) => cx.ask("fields", question(cx, kind, whole.clone())).await?,
        };
        if asked.answered() {
            return None;
        }
        if !asked.is_shaky() {
            return Some(asked);
        }
        if before.is_some_and(|before| before.signature() != asked.signature()) {
            return None;
        }
        before = Some(asked);
    }
    before
}

async fn ask(cx: &Ctx<'_>, kind: Ask, body: Value) -> Option<Asked> {
    cx.ask_aside("fields", question(cx, kind, body)).await
}

/// With less patience than usual: the control showed how long an answer takes here, and a field may make the server hang.
fn question(cx: &Ctx<'_>, kind: Ask, body: Value) -> Question {
    let control = cx.answer(Ask::Chat).or_else(|| cx.answer(Ask::ChatStream));
    let usual = control.map_or(cx.pace.total, |asked| Duration::from_secs_f64(asked.exchange.total_ms() / 1e3));
    let patience = (usual * 10).max(cx.pace.total / 4).min(cx.pace.total);
    Question { patience: Some(patience), ..Question::chat(kind, cx.target, body) }
}

/// A refused body, taken apart.
struct Body {
    kind: Ask,
    outline: Outline,
    refused: Asked,
}

impl Body {
    /// The body with some nodes passes, is refused, or fails for another reason.
    async fn trial(&self, cx: &Ctx<'_>, parts: Parts) -> Trial {
        let question = question(cx, self.kind, self.outline.with(&parts));
        let Some(asked) = cx.ask("fields", question.clone()).await else { return Trial::Impossible };
        let trial = self.meaning(&asked, &parts);
        let doubtful = trial != Trial::Unrelated && asked.is_shaky() && !asked.out_of_patience();
        if !doubtful {
            if trial == Trial::Unrelated {
                tokio::time::sleep(cx.pace.retry).await;
            }
            return trial;
        }
        // A server error is believed only when it repeats.
        tokio::time::sleep(cx.pace.retry).await;
        match cx.ask("fields", question).await {
            None => Trial::Impossible,
            Some(again) => self.meaning(&again, &parts),
        }
    }

    fn meaning(&self, asked: &Asked, parts: &Parts) -> Trial {
        if asked.answered() {
            return Trial::Passes;
        }
        let named = || self.outline.named(&words(asked), parts);
        if asked.signature() == self.refused.signature() {
            return Trial::Fails(named());
        }
        match asked.exchange.status() {
            _ if asked.is_limit() || asked.is_shaky() => Trial::Unrelated,
            Some(400 | 404..=406 | 409..=428) if !asked.caused_by(&[Cause::FieldMissing]) => Trial::Fails(named()),
            _ => Trial::Unclear,
        }
    }

    /// A culprit whose name or value may be what is refused is tried with another one.
    async fn try_other_values(&self, cx: &Ctx<'_>, minimal: &Minimal) {
        for culprit in minimal.culprits.iter().filter(|culprit| culprit.len() == 1) {
            let node = *culprit.first().expect("one node");
            let bare = self.outline.with(&Parts::new());
            let with_tools = || self.outline.with(&self.outline.links().close(&self.outline.at("/tools").into_iter().collect()));
            let changed = match self.outline.pointer(node) {
                "/max_tokens" => with(bare, "max_completion_tokens", 64.into()),
                "/max_completion_tokens" => with(bare, "max_tokens", 64.into()),
                "/temperature" => with(bare, "temperature", 1.into()),
                "/tool_choice" => with(with_tools(), "tool_choice", "auto".into()),
                _ => continue,
            };
            ask(cx, self.kind, changed).await;
        }
    }
}

/// What a refusal names: `param`, what the facts read out of its text, and words in quotes or backticks.
fn words(refused: &Asked) -> Vec<String> {
    let Reading::Error(error) = &*refused.reading else { return Vec::new() };
    let by_facts = refused.causes.iter().filter_map(|cause| cause.named.clone());
    let marks = ['\'', '"', '`', '“', '”'];
    let quoted = error.message.split(marks).skip(1).step_by(2).map(str::to_owned);
    error.param.iter().cloned().chain(by_facts).chain(quoted).filter(|word| !word.is_empty()).collect()
}
