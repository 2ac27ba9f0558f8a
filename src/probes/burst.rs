//! Many small chats at once, only when asked for: does a limit or a cap on concurrency show?

use futures_util::future::join_all;

use crate::dialect::requests;
use crate::evidence::Ask;

use super::{Ctx, Need, Probe, Question, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "burst",
    title: "Burst",
    asks: "Do many small chats at once meet a limit, and does it say how long to wait? Only with --burst N.",
    stage: 10,
    needs: Need::Burst,
    cost: "N requests",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

async fn run(cx: &Ctx<'_>) {
    let Some(model) = cx.model() else { return };
    let question = Question::chat(Ask::Burst, cx.target, requests::short(cx.target.dialect, &model));
    join_all((0..cx.burst).map(|_| cx.ask("burst", question.clone()))).await;
}
