//! A short prompt is too long for the model's window.

use super::{Blame, Case, FailureMode, Finding, Severity, Shown, Verdict, bodies, limits};
use crate::dialect::long_prompt::LongPrompt;
use crate::evidence::Ask;
use crate::facts::Cause;

/// Token limit, with an error.
pub const MODE: FailureMode = FailureMode {
    id: "context-window-exceeded",
    title: "Prompt and answer do not fit the model's window",
    family: "edge",
    symptom: "400 `context_length_exceeded`, \"maximum context length is … tokens\", 413 `tokens_limit_reached`; long chats fail, new ones work; or \
              everything fails because the server was started with a small window.",
    cause: "Prompt and reserved answer together exceed the window. What was asked here is about 30 tokens, and with typical tools \
            some hundred: if that is too much, the window was set very small, the gateway adds a long prompt, or max_tokens reserves it all. Limits \
            in bytes (body-too-large) strike by size, not by tokens.",
    fix: &[
        "Ollama: raise num_ctx (OLLAMA_CONTEXT_LENGTH); llama.cpp: -c; vLLM: --max-model-len; LM Studio: context length of the loaded model.",
        "Lower max_tokens: it counts against the window.",
        "Shorten the history, or fewer tools; choose a model with a larger window.",
    ],
    references: &[
        "https://github.com/continuedev/continue/issues/9448",
        "https://github.com/evalstate/fast-agent/issues/621",
        "https://github.com/meta-llama/llama-verifications/issues/58",
        "https://github.com/eslint/tsc-meetings/pull/593",
        "https://github.com/Alishahryar1/free-claude-code/issues/1265",
        "https://github.com/ollama/ollama/issues/17889",
    ],
    explains: &["unsupported-field", "field-combination-rejected", "error-in-success"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let met: Vec<&Shown> = limits::with_cause(case, &[Cause::ContextExceeded]).filter(|shown| bodies::is_ordinary(shown)).collect();
    match met.first() {
        Some(first) => present(case, &met, first),
        None if case.chat().asked() => long_prompt(case),
        None => Verdict::untested("no chat was asked"),
    }
}

/// What the long prompt shows: a window that is smaller than that is worth knowing, and no more, for nobody asked for so much.
fn long_prompt(case: &Case) -> Verdict {
    let asked = |shown: &Shown| LongPrompt::of(shown.exchange.request.body.as_ref()?);
    let longest = case.asked(Ask::LongPrompt).filter(|shown| shown.answered()).filter_map(asked).map(LongPrompt::tokens).max();
    let refused = case.asked(Ask::LongPrompt).find(|shown| shown.caused_by(&[Cause::ContextExceeded]));
    let Some(first) = refused else {
        return Verdict::absent(match longest {
            Some(tokens) => format!("a prompt of about {tokens} tokens was answered"),
            None => "requests as short as these fit; longer ones were not tried".to_owned(),
        });
    };
    let tokens = asked(first).map(LongPrompt::tokens).unwrap_or_default();
    let because = format!("A prompt of about {tokens} tokens was refused with {}.", first.account());
    let finding = Finding::new(Severity::Info, limits::said_certainty(first), Blame::Gateway, because)
        .so("Short chats work; coding agents send five to twenty thousand tokens with their first request.")
        .cite([first.exchange])
        .detail("body_bytes", bodies::length(first));
    match limit(&first.error().map(|error| error.message.to_ascii_lowercase()).unwrap_or_default()) {
        Some(limit) => finding.detail("limit_tokens", limit).present(),
        None => finding.present(),
    }
}

/// The window that a refusal names, in tokens: the number behind the words for it.
fn limit(message: &str) -> Option<u64> {
    const WORDS: [&str; 8] = [
        "maximum context length",
        "context length",
        "context window",
        "context size",
        "n_ctx",
        "maximum prompt length",
        "max_model_len",
        "limit",
    ];
    let number = |rest: &str| {
        let near: String = rest.chars().take(60).collect();
        let digits = near.trim_start_matches(|c: char| !c.is_ascii_digit());
        let digits: String = digits.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',').collect();
        digits.parse::<u64>().ok().filter(|number| *number >= 256)
    };
    WORDS.iter().find_map(|word| number(message.split_once(word)?.1))
}

fn present(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let because =
        format!("{} met {}. The request's body was {} bytes long.", limits::share(case, met), first.account(), bodies::length(first));
    Finding::new(limits::hard_standing(case, met), limits::said_certainty(first), Blame::Gateway, because)
        .so(limits::refuses_what(first)
            .unwrap_or("Even short chats are refused; what clients add (system prompt, tools, history) is far longer."))
        .cite([first.exchange])
        .cite(case.chat().answer().map(|shown| shown.exchange))
        .detail("body_bytes", bodies::length(first))
        .present()
}

#[cfg(test)]
mod tests {
    use super::limit;

    #[test]
    fn the_window_is_told_from_what_was_asked_for() {
        let vllm = "this model's maximum context length is 4096 tokens. however, you requested 5120 tokens (5100 in the messages, 20 in the completion).";
        let llama = "the request exceeds the available context size (2048 tokens), try increasing it";
        assert_eq!([vllm, llama, "too long"].map(limit), [Some(4096), Some(2048), None]);
    }
}
