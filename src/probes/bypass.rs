//! The upstream, asked directly: the controls, and whatever the gateway refused, ignored or was slow at.

use http::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::dialect::effects::{Effect, Picture};
use crate::dialect::openai_chat::with;
use crate::dialect::{Reading, requests};
use crate::evidence::{Ask, Dialect};

use super::{Asked, Ctx, Need, Probe, Question, Work, chat, context, stream};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "bypass",
    title: "The upstream, asked directly",
    asks: "Does what stands behind the gateway answer the same questions in the same way? Only with --upstream-url URL.",
    stage: 9,
    needs: Need::Upstream,
    cost: "3 requests; one or two more for each that the gateway refused, ignored or was slow at",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

/// How often gateway and upstream are asked in turn when the gateway looks slow.
const ROUNDS: usize = 3;
/// Milliseconds that nobody notices.
const NOTICED_MS: f64 = 500.0;
/// The headers of a request that are part of what it asks.
const CARRIED: [&str; 3] = ["anthropic-beta", "anthropic-version", "openai-beta"];

async fn run(cx: &Ctx<'_>) {
    let Some(upstream) = cx.upstream else { return };
    let direct = cx.of_upstream(upstream);
    chat::run(&direct).await;
    stream::run(&direct).await;
    if direct.answer(Ask::Chat).or_else(|| direct.answer(Ask::ChatStream)).is_none() {
        return cx.skip(PROBE.id, None, "the upstream answered no plain chat, so there is nothing to compare with");
    }
    fields(cx, &direct).await;
    calls(cx, &direct).await;
    effects(cx, &direct).await;
    pictures(cx, &direct).await;
    long_prompts(cx, &direct).await;
    times(cx, &direct).await;
}

/// What typical clients send is asked for always: its count of tokens tells what the gateway adds and drops. Of what the gateway refused, the
/// whole; the smallest of it too, when the upstream refuses the whole.
async fn fields(cx: &Ctx<'_>, direct: &Ctx<'_>) {
    for ask in [Ask::Fields, Ask::RareFields, Ask::FullSize] {
        let tries = cx.tries(ask);
        let mut refused: Vec<&Asked> = tries.iter().filter(|asked| !asked.answered()).collect();
        // The search begins with the whole; other values may make longer ones of it later.
        let whole = refused.first().copied().or(tries.first().filter(|_| ask == Ask::Fields));
        let Some(whole) = whole else { continue };
        let answered = again(direct, whole).await.is_none_or(|asked| asked.answered());
        refused.retain(|asked| length(asked) < length(whole));
        if let Some(smallest) = refused.into_iter().min_by_key(|asked| length(asked)).filter(|_| !answered) {
            again(direct, smallest).await;
        }
    }
}

fn length(asked: &Asked) -> usize {
    asked.exchange.request.body.as_ref().map_or(0, |body| body.to_string().len())
}

/// Streams of calls and of structured output that looked wrong, and what they were compared with.
async fn calls(cx: &Ctx<'_>, direct: &Ctx<'_>) {
    for (streamed, whole) in [(Ask::ChatStreamTools, Ask::ChatTools), (Ask::ChatStreamJson, Ask::ChatJson)] {
        let (streams, wholes) = (cx.tries(streamed), cx.tries(whole));
        let odd = !wholes.is_empty() || streams.iter().any(|asked| !asked.answered());
        for asked in streams.first().into_iter().chain(wholes.first()).filter(|_| odd) {
            again(direct, asked).await;
        }
    }
}

/// Fields that had no effect.
async fn effects(cx: &Ctx<'_>, direct: &Ctx<'_>) {
    let tries = cx.tries(Ask::Effect);
    for effect in Effect::ALL {
        let of = |asked: &&Asked| asked.exchange.request.body.as_ref().and_then(Effect::of) == Some(effect);
        let own: Vec<&Asked> = tries.iter().filter(of).collect();
        let ignored = own.len() >= 2 && own.iter().all(|asked| shows(effect, asked) != Some(true));
        for asked in own.iter().filter(|_| ignored).take(2) {
            // A model may lose its way once.
            if again(direct, asked).await.is_none_or(|asked| shows(effect, &asked) != Some(false)) {
                break;
            }
        }
    }
}

fn shows(effect: Effect, asked: &Asked) -> Option<bool> {
    effect.shows(&asked.reading)
}

/// Pictures that were not seen.
async fn pictures(cx: &Ctx<'_>, direct: &Ctx<'_>) {
    let tries = cx.tries(Ask::Picture);
    for asked in tries.iter().filter(|_| tries.len() > 1) {
        let picture = asked.exchange.request.body.as_ref().and_then(Picture::of);
        let Some(same) = again(direct, asked).await else { return };
        let text = same.completion().map(|answer| answer.text.clone());
        if picture.zip(text).is_none_or(|(picture, text)| picture.is_named(&text)) {
            return;
        }
    }
}

/// Long prompts whose beginning was not read, or that were refused.
async fn long_prompts(cx: &Ctx<'_>, direct: &Ctx<'_>) {
    let tries = cx.tries(Ask::LongPrompt);
    // Who took too long once may still be at it.
    if tries.first().is_none_or(|first| first.exchange.response().is_none() || context::code_is_named(first) == Some(true)) {
        return;
    }
    for asked in &tries {
        if again(direct, asked).await.is_none_or(|asked| context::code_is_named(&asked) != Some(false)) {
            return;
        }
    }
}

/// When the gateway looks slow: both in turn, several times.
async fn times(cx: &Ctx<'_>, direct: &Ctx<'_>) {
    let (Some(model), Some(own)) = (cx.model(), direct.model()) else { return };
    if ![Ask::Chat, Ask::ChatStream].into_iter().any(|ask| looks_slow(cx, direct, ask)) {
        return;
    }
    let question = |cx: &Ctx<'_>, model: &str| Question::chat(Ask::Overhead, cx.target, requests::short(cx.target.dialect, model));
    for _ in 0..ROUNDS {
        let (through, past) = (cx.ask(PROBE.id, question(cx, &model)).await, direct.ask(PROBE.id, question(direct, &own)).await);
        if through.is_none() || past.is_none() {
            return;
        }
    }
}

/// The gateway's quickest answer to a control began noticeably later than the upstream's.
fn looks_slow(cx: &Ctx<'_>, direct: &Ctx<'_>, ask: Ask) -> bool {
    let quickest = |cx: &Ctx<'_>| cx.tries(ask).iter().filter(|asked| asked.answered()).map(begun).min_by(f64::total_cmp);
    quickest(cx).zip(quickest(direct)).is_some_and(|(through, past)| through - past >= NOTICED_MS && through >= 1.5 * past)
}

/// When the first of an answer was there, in milliseconds.
fn begun(asked: &Asked) -> f64 {
    match &*asked.reading {
        Reading::Stream(stream) => stream.content_ms.first().copied().unwrap_or_else(|| asked.exchange.total_ms()),
        _ => asked.exchange.total_ms(),
    }
}

/// The upstream is asked what the gateway was asked: the same body but for the model's name, on the same route.
async fn again(direct: &Ctx<'_>, asked: &Asked) -> Option<Asked> {
    let request = &asked.exchange.request;
    let body = with(request.body.clone()?, "model", Value::from(direct.model()?));
    let dialect = Dialect::of(&request.url).unwrap_or(direct.target.dialect);
    let carried = request.headers.iter().filter(|(name, _)| CARRIED.contains(&name.as_str()));
    let mut question = Question::chat(asked.exchange.ask, direct.target, body);
    question.url = direct.target.base.route(dialect.route());
    question.headers =
        carried.filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))).collect();
    direct.ask_aside(PROBE.id, question.spoken(dialect)).await
}
