//! Tool calls and structured output, streamed: do they come through as they do when they are not streamed?

use futures_util::future::join;
use serde_json::Value;

use crate::dialect::effects::Effect;
use crate::dialect::requests::streamed;
use crate::dialect::{Reading, StreamEnd};
use crate::evidence::{Ask, Dialect};

use super::{Asked, Ctx, Need, Probe, Question, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "calls",
    title: "Tool calls and structured output, streamed",
    asks: "Do a forced tool call and an answer in JSON come whole when they are streamed, as they do when they are not?",
    stage: 5,
    needs: Need::Chat,
    cost: "2 requests in a full check, about 40 tokens; up to 2 more for each that looks wrong",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

async fn run(cx: &Ctx<'_>) {
    let Some(model) = cx.model() else { return };
    if let Some(because) = reason_to_skip(cx) {
        cx.skip("calls", Some(Ask::ChatStreamTools), because);
        return;
    }
    // The prompts speak neither of the tool nor of the form, so that the answers show the fields' effects, too (rung effects).
    let (call, form) = (Effect::ForcedTool.request(&model), Effect::Schema.request(&model));
    let calls = examine(cx, Topic { streamed: Ask::ChatStreamTools, plain: Ask::ChatTools, member: "tools", body: call });
    let json = examine(cx, Topic { streamed: Ask::ChatStreamJson, plain: Ask::ChatJson, member: "response_format", body: form });
    join(calls, json).await;
}

fn reason_to_skip(cx: &Ctx<'_>) -> Option<&'static str> {
    if cx.pace.sweep.is_none() {
        return Some("tool calls and structured output were left out (--quick)");
    }
    if cx.target.dialect != Dialect::OpenaiChat {
        return Some("tool calls and structured output are asked for in chat completions only");
    }
    cx.answer(Ask::ChatStream).is_none().then_some("no plain stream was answered, so there is nothing to compare with")
}

/// One of the two questions.
struct Topic {
    streamed: Ask,
    plain: Ask,
    /// The member that makes it what it is.
    member: &'static str,
    body: Value,
}

/// Asks for the stream; for the same without a stream only when the stream looks wrong.
async fn examine(cx: &Ctx<'_>, topic: Topic) {
    if refused_before(cx, topic.member) {
        let because = format!("the server refused `{}` before", topic.member);
        return cx.skip("calls", Some(topic.streamed), because);
    }
    let question = Question::chat(topic.streamed, cx.target, streamed(topic.body.clone()));
    let Some(first) = cx.ask_aside("calls", question.clone()).await else { return };
    if is_refused(&first) {
        return cx.skip("calls", Some(topic.streamed), format!("the server refuses `{}` here", topic.member));
    }
    if is_sound(&first, topic.streamed) {
        return;
    }
    cx.ask("calls", question).await;
    cx.ask_aside("calls", Question::chat(topic.plain, cx.target, topic.body)).await;
}

/// Requests with this member were sent, and none of them was answered.
fn refused_before(cx: &Ctx<'_>, member: &str) -> bool {
    let has = |asked: &Asked| asked.exchange.request.body.as_ref().is_some_and(|body| body.get(member).is_some());
    let tries: Vec<Asked> = [Ask::Fields, Ask::RareFields].into_iter().flat_map(|ask| cx.tries(ask)).filter(has).collect();
    !tries.is_empty() && !tries.iter().any(Asked::answered)
}

/// A client error: what was asked for is not served here, which is no fault of the stream.
fn is_refused(asked: &Asked) -> bool {
    matches!(&*asked.reading, Reading::Error(_)) && asked.exchange.status().is_some_and(|status| (400..500).contains(&status))
}

/// The stream ended as it should and brought what it was asked for, in a form that every reader takes.
fn is_sound(asked: &Asked, ask: Ask) -> bool {
    let Reading::Stream(stream) = &*asked.reading else { return false };
    let brought = match ask {
        Ask::ChatStreamTools => !stream.tool_calls.is_empty(),
        _ => stream.finish_reason.as_deref() == Some("length") || serde_json::from_str::<Value>(stream.text.trim()).is_ok(),
    };
    brought
        && stream.end == StreamEnd::Complete
        && stream.error.is_none()
        && !stream.faults.iter().any(|fault| fault.breaks || fault.kind == "tool-arguments-broken")
}
