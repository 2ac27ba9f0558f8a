//! The prompt is cut, and nobody says so.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::long_prompt::{LongPrompt, names_code};
use crate::evidence::Ask;
use crate::facts::Cause;

/// The prompt is cut without an error.
pub const MODE: FailureMode = FailureMode {
    id: "context-truncated",
    title: "The beginning of a long prompt is cut off without an error",
    family: "edge",
    symptom: "Short chats work; agents forget their instructions, repeat themselves or ignore files that were just sent. `usage.prompt_tokens` \
              stops at a round number, or the answer ends early with finish_reason `length`.",
    cause: "The server's window is smaller than the model's (Ollama: 2048 or 4096 tokens by default; llama.cpp: `--ctx-size` divided by the \
            slots), and it keeps the newest part instead of refusing. The status is 200. An error that names the limit is another mode.",
    fix: &[
        "Ollama: set `OLLAMA_CONTEXT_LENGTH`, or `num_ctx` in a Modelfile: the OpenAI-compatible route cannot set it per request.",
        "llama.cpp: raise `--ctx-size` (it is shared by `--parallel` slots) and switch `--context-shift` off, so that it refuses instead.",
        "Compare `usage.prompt_tokens` with the length of what was sent; about four characters make a token.",
    ],
    references: &[
        "https://github.com/NousResearch/hermes-agent/issues/43900",
        "https://github.com/ollama/ollama/issues/17427",
        "https://github.com/ollama/ollama/issues/6026",
        "https://github.com/RooCodeInc/Roo-Code/issues/1372",
    ],
    explains: &[],
    diagnose,
};

/// From this share of its tokens on, a prompt was read.
const READ: f64 = 0.95;
/// Below this share, it was cut.
const CUT: f64 = 0.9;
/// Windows are multiples of this, give or take what a template or the answer takes of them.
const BLOCK: u64 = 512;

/// A long prompt, and what came of it.
struct Read<'c, 'e> {
    shown: &'c Shown<'e>,
    prompt: LongPrompt,
    /// The answer names the code word; `None` when it says nothing.
    found: Option<bool>,
    /// Prompt tokens as the answer counts them.
    tokens: Option<u64>,
}

fn diagnose(case: &Case) -> Verdict {
    let read: Vec<Read> = case.asked(Ask::LongPrompt).filter_map(read).collect();
    let Some(longest) = read.iter().map(|read| read.prompt.lines).max() else { return untested(case) };
    let (long, control): (Vec<&Read>, Vec<&Read>) = read.iter().partition(|read| read.prompt.lines == longest);
    if let Some(found) = long.iter().find(|read| read.found == Some(true)) {
        return Verdict::absent(format!("the code word before about {} tokens was named", found.prompt.tokens()));
    }
    let lost: Vec<&Read> = long.into_iter().filter(|read| read.found == Some(false)).collect();
    let Some(control) = control.iter().find(|read| read.found == Some(true) || read.tokens.is_some()).filter(|_| lost.len() >= 2) else {
        return Verdict::untested("a code word before a long text was not named, and there is too little to compare that with");
    };
    match share(case, &lost, control) {
        Some(share) if share >= READ => Verdict::absent(format!(
            "{:.0} % of a long prompt's tokens were counted: the model did not find its beginning, and it was there",
            share * 100.0
        )),
        Some(share) if share < CUT => present(&lost, control, Some(share)),
        None if control.found == Some(true) => present(&lost, control, None),
        _ => Verdict::untested("a code word before a long text was not named, and the count of tokens does not tell whether it was read"),
    }
}

fn read<'c, 'e>(shown: &'c Shown<'e>) -> Option<Read<'c, 'e>> {
    let prompt = LongPrompt::of(shown.exchange.request.body.as_ref()?).filter(|_| shown.answered())?;
    let (text, usage) = match (shown.completion(), shown.streamed()) {
        (Some(answer), _) => (answer.text.as_str(), answer.usage),
        (_, Some(stream)) => (stream.text.as_str(), stream.usage),
        _ => return None,
    };
    Some(Read { shown, prompt, found: names_code(text), tokens: usage.prompt.filter(|tokens| *tokens > 0) })
}

fn untested(case: &Case) -> Verdict {
    match case.asked(Ask::LongPrompt).find(|shown| shown.caused_by(&[Cause::ContextExceeded])) {
        Some(refused) => Verdict::absent(format!("a long prompt is refused with words and not cut: {}", refused.account())),
        None => Verdict::untested(
            case.skipped(Ask::LongPrompt).unwrap_or("no long prompt with a mark at its beginning was sent, or none was answered"),
        ),
    }
}

/// How much of the long prompt was counted, by what a line of the control takes.
fn share(case: &Case, lost: &[&Read], control: &Read) -> Option<f64> {
    // What a chat takes without any line is the template's.
    let plain = case.chat().answer().and_then(|shown| shown.completion()).and_then(|answer| answer.usage.prompt).unwrap_or_default();
    let most = lost.iter().filter_map(|read| read.tokens).max()? as f64;
    let of_control = control.tokens? as f64;
    let line = (of_control - plain as f64) / control.prompt.lines as f64;
    let whole = of_control + line * (lost[0].prompt.lines - control.prompt.lines) as f64;
    // Less than a word's worth for a line is no count of it.
    (line >= 4.0).then_some(most / whole)
}

fn present(lost: &[&Read], control: &Read, share: Option<f64>) -> Verdict {
    let tokens = lost.iter().filter_map(|read| read.tokens).max();
    let counted = match (tokens, control.tokens, share) {
        (Some(tokens), Some(of_control), Some(share)) => {
            format!(" usage.prompt_tokens is {tokens}, {:.0} % of what a line takes by the shorter prompt's {of_control}.", share * 100.0)
        }
        _ => " The answers do not count their tokens.".to_owned(),
    };
    let (long, short) = (lost[0].prompt.tokens(), control.prompt.tokens());
    let control_found = if control.found == Some(true) { "was named" } else { "was not named either" };
    let because = format!(
        "The code word before about {long} tokens was not named in {} answers; before about {short} tokens it {control_found}.{counted}",
        lost.len()
    );
    let round = tokens.is_some_and(|tokens| tokens % BLOCK <= 64 || tokens % BLOCK >= BLOCK - 64);
    let certainty = if share.is_some() && control.found == Some(true) && round { Certainty::Certain } else { Certainty::Likely };
    let mut finding = Finding::new(Severity::Warning, certainty, Blame::Upstream, because)
        .so("Long chats lose their beginning, the instructions first, and nobody is told.")
        .cite(lost.iter().map(|read| read.shown.exchange))
        .cite([control.shown.exchange]);
    if let Some(tokens) = tokens.filter(|_| share.is_some()) {
        finding = finding.detail("prompt_tokens", tokens);
    }
    finding.present()
}
