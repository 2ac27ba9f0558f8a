//! The body: everything that typical clients send, at once; only a refusal is split.

mod mended;

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use crate::dialect::openai_chat::occasional;
use crate::dialect::{Reading, requests};
use crate::evidence::{Ask, Credential, Dialect};
use crate::facts::Cause;
use crate::minimize::{Links, Parts, Trial, minimize};
use crate::outline::{Change, Outline};
use crate::target::Target;

use super::question::given;
use super::{Asked, Ctx, Need, Probe, Question, Work};

pub(super) use mended::{ABOUT_DEFAULTS, unsent};

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
    if cx.clients.len() == 1 {
        return cx.skip(PROBE.id, None, "the client's own requests are sent instead (rung clients)");
    }
    let streamed = cx.answer(Ask::ChatStream).is_some();
    let only_streamed = cx.answer(Ask::Chat).is_none();
    match &cx.body {
        Some(body) => {
            let form = Form { headers: cx.body_headers.clone(), ..Form::usual(Ask::Fields, cx.target) };
            // Gemini's body does not say which model.
            let model = || model.clone().into();
            let mut body = body.clone();
            body.as_object_mut().map(|members| members.entry("model").or_insert_with(model));
            examine(cx, &form, body).await;
        }
        None => examine(cx, &Form::usual(Ask::Fields, cx.target), requests::typical(cx.target.dialect, &model, streamed)).await,
    }
    if cx.body.is_none() && cx.pace.sweep.is_some() && cx.target.dialect == Dialect::OpenaiChat {
        examine(cx, &Form::usual(Ask::RareFields, cx.target), occasional(&model, only_streamed)).await;
    }
}

/// Everything of a request but its body.
#[derive(Debug, Clone)]
pub(super) struct Form {
    /// The rung that asks.
    pub(super) rung: &'static str,
    /// What it asks the target to show.
    pub(super) ask: Ask,
    /// The dialect of its body.
    pub(super) dialect: Dialect,
    /// Where it goes.
    pub(super) url: Url,
    /// How it identifies itself.
    pub(super) credential: Credential,
    /// Headers beyond the usual ones and those that the dialect demands.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Form {
    /// A chat with the target, in its dialect.
    pub(super) fn usual(ask: Ask, target: &Target) -> Self {
        let dialect = target.dialect;
        let url = target.base.route(dialect.route());
        Form { rung: PROBE.id, ask, dialect, url, credential: given(target), headers: Vec::new() }
    }

    /// The request with this body; its own headers win over the dialect's.
    pub(super) fn question(&self, body: Value) -> Question {
        let mut question = Question::post(self.ask, self.url.clone(), self.credential, body).spoken(self.dialect);
        question.headers.extend(self.headers.iter().cloned());
        question
    }
}

/// Sends the request; when it is refused, finds what in it is refused.
pub(super) async fn examine(cx: &Ctx<'_>, form: &Form, whole: Value) {
    let Some(refused) = refusal(cx, form, &whole).await else { return };
    let body = Body { form: form.clone(), outline: Outline::of(whole, requests::needed(form.dialect)), refused };
    if body.try_named_default(cx).await {
        return;
    }
    if body.refused.caused_by(&[Cause::BodyTooLarge]) || body.refused.exchange.status() == Some(413) {
        return body.try_sizes(cx).await;
    }
    let named = body.named(&body.refused, &body.all());
    let minimal = minimize(&body.links(), named, |parts| body.trial(cx, parts)).await;
    if let Some(crowd) = &minimal.crowd {
        body.try_limit(cx, crowd).await;
    }
    if !body.try_defaults(cx, &minimal).await {
        let changes = body.try_changes(cx, &minimal).await;
        body.try_mended(cx, &minimal, &changes).await;
    }
}

/// The refusal of the whole body, repeated when it might have been a passing fault.
async fn refusal(cx: &Ctx<'_>, form: &Form, whole: &Value) -> Option<Asked> {
    let mut before: Option<Asked> = None;
    for _ in 0..2 {
        // The first round repeats what is shaky by itself; the second is one more try.
        let asked = match &before {
            None => ask(cx, form, whole.clone()).await?,
            Some(_) => cx.ask(form.rung, question(cx, form, whole.clone())).await?,
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

async fn ask(cx: &Ctx<'_>, form: &Form, body: Value) -> Option<Asked> {
    cx.ask_aside(form.rung, question(cx, form, body)).await
}

/// With less patience than usual: the control showed how long an answer takes here, and a field may make the server hang.
fn question(cx: &Ctx<'_>, form: &Form, body: Value) -> Question {
    let control = cx.answer(Ask::Chat).or_else(|| cx.answer(Ask::ChatStream));
    let usual = control.map_or(cx.pace.total, |asked| Duration::from_secs_f64(asked.exchange.total_ms() / 1e3));
    let patience = (usual * 10).max(cx.pace.total / 4).min(cx.pace.total);
    Question { patience: Some(patience), ..form.question(body) }
}

/// A refused request, taken apart: the nodes of its body, then its own headers.
struct Body {
    form: Form,
    outline: Outline,
    refused: Asked,
}

impl Body {
    fn all(&self) -> Parts {
        (0..self.outline.len() + self.form.headers.len()).collect()
    }

    /// How the parts hang together; headers hang together with nothing.
    fn links(&self) -> Links {
        let mut links = self.outline.links().clone();
        for _ in &self.form.headers {
            links.kind.push(links.needs.len());
            links.needs.push(Vec::new());
            links.any_of.push(Vec::new());
        }
        links
    }

    /// The request with these parts and no others.
    fn question(&self, cx: &Ctx<'_>, parts: &Parts) -> Question {
        self.changed(cx, &[], parts)
    }

    /// The same with other names or values for some of them.
    fn changed(&self, cx: &Ctx<'_>, changes: &[Change], parts: &Parts) -> Question {
        let kept = |at: &usize| parts.contains(&(self.outline.len() + at));
        let headers = self.form.headers.iter().enumerate().filter(|(at, _)| kept(at)).map(|(_, header)| header.clone()).collect();
        question(cx, &Form { headers, ..self.form.clone() }, self.outline.changed(changes).with(parts))
    }

    /// The parts that a refusal names.
    fn named(&self, asked: &Asked, parts: &Parts) -> Parts {
        let words = words(asked);
        let mut named = self.outline.named(&words, parts);
        let headers = self.form.headers.iter().enumerate();
        let is_named =
            |(name, value): &(HeaderName, HeaderValue)| words.iter().any(|word| word.eq_ignore_ascii_case(name.as_str()) || word == value);
        named.extend(headers.filter(|(_, header)| is_named(header)).map(|(at, _)| self.outline.len() + at));
        &named & parts
    }

    /// The request with some parts passes, is refused, or fails for another reason.
    async fn trial(&self, cx: &Ctx<'_>, parts: Parts) -> Trial {
        let question = self.question(cx, &parts);
        let Some(asked) = cx.ask(self.form.rung, question.clone()).await else { return Trial::Impossible };
        let trial = self.meaning(&asked, &parts);
        if trial == Trial::Passes || trial != Trial::Unrelated && (!asked.is_shaky() || asked.out_of_patience()) {
            return trial;
        }
        tokio::time::sleep(cx.pace.retry).await;
        if trial == Trial::Unrelated {
            return trial;
        }
        // A server error is believed only when it repeats.
        match cx.ask(self.form.rung, question).await {
            None => Trial::Impossible,
            Some(again) => self.meaning(&again, &parts),
        }
    }

    fn meaning(&self, asked: &Asked, parts: &Parts) -> Trial {
        if asked.answered() {
            return Trial::Passes;
        }
        let named = || self.named(asked, parts);
        if asked.signature() == self.refused.signature() {
            return Trial::Fails(named());
        }
        match asked.exchange.status() {
            _ if asked.is_limit() || asked.is_shaky() => Trial::Unrelated,
            Some(400 | 404..=406 | 409..=428) if !asked.caused_by(&[Cause::FieldMissing]) => Trial::Fails(named()),
            _ => Trial::Unclear,
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
