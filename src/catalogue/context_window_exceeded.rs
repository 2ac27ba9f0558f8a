//! A short prompt is too long for the model's window.

use super::{Blame, Case, FailureMode, Finding, Shown, Verdict, bodies, limits};
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
        None if case.chat().asked() => Verdict::absent("requests as short as these fit; longer ones were not tried"),
        None => Verdict::untested("no chat was asked"),
    }
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
