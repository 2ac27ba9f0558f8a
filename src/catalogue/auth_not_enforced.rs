//! Chat answers anybody.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, auth};
use crate::evidence::Ask;

/// Chat answers without a valid key.
pub const MODE: FailureMode = FailureMode {
    id: "auth-not-enforced",
    title: "Chat answers without a valid key",
    family: "key",
    symptom: "Everything works, with any key. Whoever reaches the address can use the models, on the operator's bill.",
    cause: "The gateway does not check keys on the chat route: no key is configured, the check is switched off, or it guards the list only. \
            The same chat was answered with the key and also without one, or with a garbage one. A local engine without keys is usual; then \
            this is for information only.",
    fix: &[
        "Configure keys on the gateway (LiteLLM: general_settings.master_key; vLLM and llama.cpp: --api-key).",
        "Or let only trusted networks reach it.",
        "If keys are meant to be checked, look whether the guard covers /chat/completions and not only /models.",
    ],
    references: &[
        "https://docs.litellm.ai/docs/proxy/virtual_keys",
        "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    ],
    explains: &["models-list-public"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.subject().key.present {
        return Verdict::untested("no key was given, so nothing shows whether one would be checked");
    }
    let Some(given) = case.chat().answer() else { return Verdict::untested("chat was not answered with the key") };
    let sides: Vec<_> = [Ask::ChatNoKey, Ask::ChatGarbageKey].into_iter().filter_map(|ask| auth::telling(case, ask)).collect();
    let open: Vec<_> = sides.iter().copied().filter(|shown| shown.answered()).collect();
    match (open.is_empty(), sides.first()) {
        (false, _) => present(case, given, &open),
        (true, Some(refused)) => Verdict::absent(format!("chat without a valid key is refused: {}", refused.account())),
        (true, None) => Verdict::untested("chat without a key and with a garbage key was not asked"),
    }
}

fn present(case: &Case, given: &Shown, open: &[&Shown]) -> Verdict {
    let guarded_list = list_refusal(case);
    let local = case.subject().loopback && guarded_list.is_none();
    let severity = if local { Severity::Info } else { Severity::Warning };
    let ways: Vec<_> = open.iter().map(|shown| way(shown)).collect();
    let list = guarded_list.map(|shown| format!(" The list does check: {}.", shown.account())).unwrap_or_default();
    let because = format!("Chat was answered {} as well as {}.{list}", way(given), ways.join(" and "));
    Finding::new(severity, Certainty::Certain, Blame::Gateway, because)
        .so("Whoever reaches this address can chat, and a working chat proves nothing about the key.")
        .cite(open.iter().map(|shown| shown.exchange))
        .cite([given.exchange])
        .cite(guarded_list.map(|shown| shown.exchange))
        .present()
}

fn way(shown: &Shown) -> String {
    let how = match shown.ask {
        Ask::ChatNoKey => "without a key",
        Ask::ChatGarbageKey => "with a garbage key",
        _ => "with the key",
    };
    format!("{how} (HTTP {})", shown.status().unwrap_or_default())
}

/// The list's refusal of a missing or garbage key.
fn list_refusal<'c, 'e>(case: &'c Case<'e>) -> Option<&'c Shown<'e>> {
    let sides = [Ask::ModelsNoKey, Ask::ModelsGarbageKey];
    sides.into_iter().filter_map(|ask| auth::telling(case, ask)).find(|shown| auth::turned_away(shown))
}
