//! Fields that are accepted: do they change anything? And pictures: are they seen?

use futures_util::future::join_all;

use crate::dialect::Reading;
use crate::dialect::effects::{Effect, PICTURES, no_picture};
use crate::evidence::{Ask, Dialect};

use super::{Asked, Ctx, Need, Probe, Question, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "effects",
    title: "Fields that must show, and pictures",
    asks: "Do a forced tool, two choices, a JSON schema and a stop word change the answer, and is a picture seen?",
    stage: 6,
    needs: Need::Chat,
    cost: "3 requests in a full check, 5 without the rung calls; one more for each that shows no effect",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

/// Requests that must be left for the rungs after this one.
const RESERVE: usize = 18;

async fn run(cx: &Ctx<'_>) {
    if let Some(because) = reason_to_skip(cx) {
        return cx.skip(PROBE.id, None, because);
    }
    let Some(model) = cx.model() else { return };
    join_all(Effect::ALL.map(|effect| field(cx, effect, &model))).await;
    picture(cx, &model).await;
}

fn reason_to_skip(cx: &Ctx<'_>) -> Option<&'static str> {
    match () {
        () if cx.pace.sweep.is_none() => Some("effects are looked for in a full check only"),
        () if cx.target.dialect != Dialect::OpenaiChat => Some("effects are looked for in chat completions only"),
        () if cx.answer(Ask::Chat).is_none() => Some("no plain chat was answered, so there is nothing to compare with"),
        () if cx.requests_left() < RESERVE => Some("too little is left of the budget of requests (--max-requests)"),
        () => None,
    }
}

/// Asks with the field; once more, when it had no effect: a model may lose its way once. The forced tool and the schema were asked for by
/// the rung `calls`, streamed, and its answers count.
async fn field(cx: &Ctx<'_>, effect: Effect, model: &str) {
    let before = CALLS.into_iter().flat_map(|ask| cx.tries(ask));
    let before = before.filter(|asked| asked.answered() && asked.exchange.request.body.as_ref().and_then(Effect::of) == Some(effect));
    let known: Vec<bool> = before.filter_map(|asked| effect.shows(&asked.reading)).collect();
    if known.contains(&true) {
        return;
    }
    for _ in known.len()..2 {
        let Some(asked) = ask(cx, Ask::Effect, effect.request(model)).await else { return };
        if effect.shows(&asked.reading) != Some(false) {
            return;
        }
    }
}

/// The questions of the rung `calls`.
const CALLS: [Ask; 4] = [Ask::ChatStreamTools, Ask::ChatTools, Ask::ChatStreamJson, Ask::ChatJson];

/// Shows a picture; another and none at all only when the first was not named.
async fn picture(cx: &Ctx<'_>, model: &str) {
    let Some(asked) = ask(cx, Ask::Picture, PICTURES[0].request(model)).await else { return };
    let Reading::Completion(answer) = &*asked.reading else { return };
    if !PICTURES[0].is_named(&answer.text) {
        ask(cx, Ask::Picture, PICTURES[1].request(model)).await;
        ask(cx, Ask::Picture, no_picture(model)).await;
    }
}

async fn ask(cx: &Ctx<'_>, ask: Ask, body: serde_json::Value) -> Option<Asked> {
    cx.ask_aside(PROBE.id, Question::chat(ask, cx.target, body)).await
}
