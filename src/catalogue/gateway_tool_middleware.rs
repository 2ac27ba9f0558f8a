//! The gateway brings tools of its own into the conversation.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};

/// The gateway injects, replaces or runs tools.
pub const MODE: FailureMode = FailureMode {
    id: "gateway-tool-middleware",
    title: "The gateway adds, replaces or runs tools by itself",
    family: "gateway",
    symptom: "The model calls tools that the client does not have; the client's own calls never arrive, or come back as `Error executing tool`; a \
              stream has several `[DONE]`.",
    cause: "A gateway with MCP servers puts their tools into every request, and runs the calls itself. Tools of the client are then overwritten, \
            executed in the wrong place, or lost between the rounds that the gateway makes on its own.",
    fix: &[
        "Gateway: switch MCP, tool injection and automatic execution off for this key or route, and try again.",
        "Give the gateway's tools names of their own, so that they do not collide with the client's.",
        "Ask the upstream directly with the same tools (`--upstream-url URL` does): there the call comes back as it should.",
    ],
    references: &[
        "https://github.com/croit/llm-gateway/issues/43",
        "https://github.com/inference-gateway/inference-gateway/pull/103",
        "https://github.com/SecretiveShell/MCP-Bridge/issues/70",
        "https://github.com/SecretiveShell/MCP-Bridge/issues/89",
        "https://github.com/BerriAI/litellm/issues/37031",
    ],
    explains: &["empty-completion"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let toolless: Vec<&Shown> = case.all().filter(|shown| shown.answered() && offers_none(shown)).collect();
    if toolless.is_empty() {
        return Verdict::untested("no chat without tools was answered");
    }
    let calling: Vec<&Shown> = toolless.iter().copied().filter(|shown| !calls(shown).is_empty()).collect();
    match calling.first() {
        Some(first) => present(first, &calling, toolless.len()),
        None => Verdict::absent(format!("{} answers to requests without tools call none", toolless.len())),
    }
}

fn offers_none(shown: &Shown) -> bool {
    let body = shown.exchange.request.body.as_ref();
    body.is_some_and(|body| body["messages"].is_array() && body.get("tools").is_none() && body.get("functions").is_none())
}

fn calls<'c>(shown: &'c Shown) -> &'c [String] {
    let whole = shown.completion().map(|completion| completion.tool_calls.as_slice());
    whole.or_else(|| Some(shown.streamed()?.tool_calls.as_slice())).unwrap_or_default()
}

fn present(first: &Shown, calling: &[&Shown], all: usize) -> Verdict {
    let because = format!("{} of {all} answers to requests without tools call {}.", calling.len(), calls(first).join(", "));
    let certainty = if calling.len() > 1 { Certainty::Certain } else { Certainty::Likely };
    Finding::new(Severity::Warning, certainty, Blame::Gateway, because)
        .so("The model has tools that the client does not know, and cannot run.")
        .cite(calling.iter().map(|shown| shown.exchange))
        .detail("tools", calls(first).to_vec())
        .present()
}
