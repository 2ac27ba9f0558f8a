//! A long prompt with a code word at its beginning: is it read to its beginning?

use crate::dialect::Reading;
use crate::dialect::long_prompt::{LongPrompt, names_code};
use crate::evidence::Ask;

use super::{Asked, Ctx, Need, Probe, Question, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "context",
    title: "A long prompt",
    asks: "Is a prompt of some thousand tokens read to its very beginning, or cut off without a word? --long-prompt sets its size.",
    stage: 8,
    needs: Need::Chat,
    cost: "1 request of about 5,000 tokens in a full check; 2 more when its beginning looks cut off",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

/// Tokens of the control: windows of language models are larger.
const CONTROL: usize = 1_000;

async fn run(cx: &Ctx<'_>) {
    let Some(model) = cx.model() else { return };
    if cx.pace.long_prompt == 0 {
        return cx.skip(PROBE.id, Some(Ask::LongPrompt), "a long prompt is sent in a full check only, or with --long-prompt TOKENS");
    }
    let long = LongPrompt::of_tokens(cx.pace.long_prompt);
    let Some(first) = ask(cx, long, &model).await else { return };
    // Who finds the word has read it all; who is refused was not cut off in silence.
    if first.answered() && code_is_named(&first) == Some(false) {
        ask(cx, LongPrompt::of_tokens(CONTROL), &model).await;
        ask(cx, long, &model).await;
    }
}

async fn ask(cx: &Ctx<'_>, prompt: LongPrompt, model: &str) -> Option<Asked> {
    cx.ask_aside(PROBE.id, Question::chat(Ask::LongPrompt, cx.target, prompt.request(cx.target.dialect, model))).await
}

/// Whether the answer names the code word.
pub(super) fn code_is_named(asked: &Asked) -> Option<bool> {
    match &*asked.reading {
        Reading::Completion(answer) => names_code(&answer.text),
        Reading::Stream(stream) => names_code(&stream.text),
        _ => None,
    }
}
