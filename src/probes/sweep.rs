//! Long answers, growing, streamed and not: is one cut at a constant second?

use std::time::Duration;

use futures_util::future::join;

use crate::dialect::openai_chat::{CONTROL_COUNT, Cap};
use crate::dialect::requests;
use crate::evidence::Ask;

use super::{Asked, Ctx, Need, Probe, Question, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "sweep",
    title: "Timeout sweep",
    asks: "Is a long answer, streamed or not, cut after a constant time? Bounded by --sweep-max and --max-tokens.",
    stage: 7,
    needs: Need::Chat,
    cost: "up to 6 requests; tokens up to --max-tokens",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

/// Each step's share of the longest answer.
const STEPS: [f64; 3] = [1.0 / 16.0, 1.0 / 4.0, 1.06];
/// Tokens that one more number costs, roughly, once numbers have several words.
const TOKENS_PER_NUMBER: f64 = 6.0;

async fn run(cx: &Ctx<'_>) {
    let (Some(limit), Some(model)) = (cx.pace.sweep, cx.model()) else {
        cx.skip("sweep", Some(Ask::SweepChat), "the timeout sweep was left out (--quick)");
        return;
    };
    let Some(control) = cx.answer(Ask::Chat).or_else(|| cx.answer(Ask::ChatStream)) else { return };
    let lane = |ask| Lane { cx, ask, model: &model, limit, cap: cap(cx), tokens_left: cx.pace.max_tokens / 2 };
    join(lane(Ask::SweepChat).climb(&control), lane(Ask::SweepStream).climb(&control)).await;
}

/// The bound on an answer's length that this model was seen to take.
fn cap(cx: &Ctx<'_>) -> Option<Cap> {
    let took = |cap: Cap| {
        let has = |asked: &Asked| asked.exchange.request.body.as_ref().is_some_and(|body| cap.stands_in(body));
        [Ask::Fields, Ask::RareFields].iter().any(|ask| cx.tries(*ask).iter().any(|asked| asked.answered() && has(asked)))
    };
    [requests::cap(cx.target.dialect), Cap::MaxCompletionTokens].into_iter().find(|cap| took(*cap))
}

/// One of the two ways to ask: streamed or not.
struct Lane<'l, 'r> {
    cx: &'l Ctx<'r>,
    ask: Ask,
    model: &'l str,
    limit: Duration,
    cap: Option<Cap>,
    tokens_left: u64,
}

impl Lane<'_, '_> {
    /// Grows the answer until it lasts as long as the sweep may, is cut twice, stays short, or the tokens are used up.
    async fn climb(mut self, control: &Asked) {
        let mut pace = per_number(control, CONTROL_COUNT);
        for step in STEPS {
            let aim = self.limit.as_secs_f64() * step;
            if aim / pace < 2.0 * f64::from(CONTROL_COUNT) {
                continue;
            }
            let count = self.count(aim / pace);
            if count < 2 * CONTROL_COUNT {
                self.cx.skip("sweep", Some(self.ask), "no tokens are left for a longer answer (--max-tokens)");
                return;
            }
            let Some(asked) = self.send(count).await else { return };
            if self.is_cut(&asked) {
                self.send(count).await;
                return;
            }
            let took = asked.exchange.total_ms() / 1e3;
            if asked.out_of_patience() || took < aim * 0.3 {
                return;
            }
            pace = per_number(&asked, count);
        }
    }

    /// As many numbers as were aimed at, if the tokens allow them.
    fn count(&mut self, wanted: f64) -> u32 {
        let affordable = self.tokens_left as f64 / TOKENS_PER_NUMBER;
        let count = wanted.min(affordable).clamp(0.0, 20_000.0);
        self.tokens_left -= (count * TOKENS_PER_NUMBER) as u64;
        count as u32
    }

    async fn send(&self, count: u32) -> Option<Asked> {
        let mut body = requests::count(self.cx.target.dialect, self.model, count);
        if self.ask == Ask::SweepStream {
            body = requests::streamed(body);
        }
        if let Some(cap) = self.cap {
            body = cap.put(body, (f64::from(count) * TOKENS_PER_NUMBER) as u64);
        }
        let mut asked = self.cx.ask("sweep", Question::chat(self.ask, self.cx.target, body.clone())).await?;
        if asked.is_limit() {
            asked = self.cx.ask("sweep", Question::chat(self.ask, self.cx.target, body)).await?;
        }
        Some(asked)
    }

    fn is_cut(&self, asked: &Asked) -> bool {
        let unanswered = !asked.answered() || asked.exchange.fault().is_some();
        unanswered && !asked.is_limit() && !asked.out_of_patience()
    }
}

/// Seconds that one number took.
fn per_number(asked: &Asked, count: u32) -> f64 {
    (asked.exchange.total_ms() / 1e3 / f64::from(count)).max(1e-5)
}
