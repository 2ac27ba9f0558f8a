//! The name: a nonsense name as control, close names, other models, other routes.

use futures_util::future::join_all;

use crate::dialect::names::near_names;
use crate::dialect::openai_chat::{SHORT_PROMPT, chat};
use crate::dialect::{ModelList, Reading, requests};
use crate::evidence::{Ask, Credential, Dialect};
use crate::facts::Cause;

use super::models::{chat_models, is_of_another_task};
use super::question::given;
use super::{Asked, Ctx, Need, Probe, Question, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "names",
    title: "Model name",
    asks: "Is a name that no server has refused otherwise than the wanted one, and does a close name, another model or another route answer?",
    stage: 4,
    needs: Need::Model,
    cost: "1 request; up to 8 more when chat failed",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

/// A name that no server has.
pub const NONSENSE: &str = "llmdoctor-no-such-model-7f3a";

async fn run(cx: &Ctx<'_>) {
    let Some(model) = cx.model() else { return };
    let nonsense = ask_name(cx, Ask::NonsenseModel, NONSENSE);
    let failure = failure(cx);
    let mut names = Vec::new();
    if failure.as_ref().is_some_and(name_may_be_why) {
        names = other_names(&model, &cx.model_list().unwrap_or_default());
        // The gateway knew the name: only whether other models work is worth knowing.
        if failure.as_ref().is_some_and(|control| control.caused_by(&[Cause::UpstreamAuth, Cause::UpstreamUnavailable])) {
            names.retain(|(ask, _)| *ask == Ask::OtherModel);
        }
    }
    let others = join_all(names.iter().map(|(ask, name)| ask_name(cx, *ask, name)));
    futures_util::future::join(nonsense, others).await;
    if failure.as_ref().is_some_and(|failure| route_may_be_why(failure, &model)) {
        join_all(routes(cx, &model).into_iter().map(|question| cx.ask("names", question))).await;
    }
}

async fn ask_name(cx: &Ctx<'_>, ask: Ask, name: &str) {
    let mut body = requests::short(cx.target.dialect, name);
    if let Some(cap) = cx.cap() {
        body = cap.put(body, 16);
    }
    cx.ask_aside("names", Question::chat(ask, cx.target, body)).await;
}

/// The first failure of the control, when no try was answered.
fn failure(cx: &Ctx<'_>) -> Option<Asked> {
    let tries = cx.tries(Ask::Chat);
    if tries.iter().any(Asked::answered) {
        return None;
    }
    tries.into_iter().next()
}

/// Refusals after which another name is worth a try: everything but the key, the network and the purse.
fn name_may_be_why(control: &Asked) -> bool {
    const ELSE: [Cause; 7] = [
        Cause::KeyMissing,
        Cause::KeyRejected,
        Cause::CreditsExhausted,
        Cause::QuotaExhausted,
        Cause::RateLimited,
        Cause::Region,
        Cause::Waf,
    ];
    let refused = control.exchange.status().is_some_and(|status| status >= 400 && status != 401);
    (refused || matches!(&*control.reading, Reading::Error(_))) && !control.caused_by(&ELSE)
}

/// Refusals after which another route is worth a try.
fn route_may_be_why(control: &Asked, model: &str) -> bool {
    let status = control.exchange.status();
    let routeless =
        matches!(status, Some(404 | 405 | 501)) && !control.caused_by(&[Cause::ModelUnknown, Cause::ModelOrAccess, Cause::ModelRetired]);
    let task = is_of_another_task(model) && name_may_be_why(control);
    routeless || task || control.caused_by(&[Cause::ModelTask, Cause::RouteMissing, Cause::MethodNotAllowed])
}

/// Close names of the list first, then other chat models of it.
fn other_names(model: &str, list: &ModelList) -> Vec<(Ask, String)> {
    let ids: Vec<&str> = list.entries.iter().map(|entry| entry.id.as_str()).filter(|id| *id != model).collect();
    let near = near_names(model, &ids, 3);
    let others = chat_models(list).map(|entry| entry.id.clone()).filter(|id| id != model && !near.contains(id)).take(2);
    let others: Vec<_> = others.map(|id| (Ask::OtherModel, id)).collect();
    near.into_iter().map(|id| (Ask::NearModel, id)).chain(others).collect()
}

/// The same model on the routes of other dialects and tasks, each with the least body it takes.
fn routes(cx: &Ctx<'_>, model: &str) -> Vec<Question> {
    let base = &cx.target.base;
    let post = |url, body| Question::post(Ask::OtherRoute, url, given(cx.target), body);
    let spoken = |dialect: Dialect| {
        let question = post(base.route(dialect.route()), requests::short(dialect, model)).spoken(dialect);
        // Whoever speaks another dialect sends the key as its clients do, unless a header was chosen here.
        let usual = cx.target.auth.key.is_some() && cx.target.auth.scheme == cx.target.dialect.scheme();
        if usual { question.with_credential(Credential::Given(dialect.scheme())) } else { question }
    };
    let embeddings = serde_json::json!({ "model": model, "input": "ok" });
    let dialects = Dialect::ALL.into_iter().filter(|dialect| *dialect != cx.target.dialect).map(spoken);
    let (ollama, body) = native_ollama(&base.url, model);
    dialects.chain([post(base.route("/embeddings"), embeddings), post(ollama, body)]).collect()
}

/// The same model on Ollama's own route, which stands at the root of the host.
fn native_ollama(base: &url::Url, model: &str) -> (url::Url, serde_json::Value) {
    let mut url = base.clone();
    url.set_path("/api/chat");
    let mut body = chat(model, SHORT_PROMPT);
    body["stream"] = false.into();
    (url, body)
}
