//! The list asks for no key, so that it proves nothing about one.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, auth};
use crate::evidence::Ask;

/// The list needs no (valid) key: "test connection" proves nothing.
pub const MODE: FailureMode = FailureMode {
    id: "models-list-public",
    title: "The model list loads without a valid key",
    family: "address",
    symptom: "\"Test connection\" passes with any key; chat then says 401.",
    cause: "The gateway guards chat and not the list (OpenRouter and others do so on purpose). Clients that test a key by loading the list \
            learn nothing. The list was served without a key or with a garbage one, while chat asks for a good one. A server that \
            guards neither is auth-not-enforced.",
    fix: &["Judge a key by a chat only.", "OpenRouter: GET /api/v1/key answers 401 for a bad key."],
    references: &["https://github.com/accomplish-ai/coworker/pull/208", "https://github.com/anomalyco/opencode/issues/46169"],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let pairs = [(Ask::ModelsNoKey, Ask::ChatNoKey), (Ask::ModelsGarbageKey, Ask::ChatGarbageKey)];
    let given = (Ask::Models, Ask::Chat);
    let pairs: Vec<_> = if case.subject().key.present { pairs.to_vec() } else { vec![given] };
    let open: Vec<_> = pairs.into_iter().filter_map(|(list, chat)| Some((auth::success(case, list)?, auth::telling(case, chat)))).collect();
    if open.is_empty() {
        return closed(case);
    }
    if open.iter().any(|(_, chat)| chat.is_some_and(Shown::answered)) {
        return Verdict::absent("chat is open as well");
    }
    match open.iter().find_map(|(list, chat)| Some((list, chat.filter(|shown| auth::turned_away(shown))?))) {
        Some((list, chat)) => present(list, chat),
        None => Verdict::untested("chat was not asked without a valid key"),
    }
}

fn closed(case: &Case) -> Verdict {
    let asked = auth::telling(case, Ask::ModelsNoKey).or_else(|| auth::telling(case, Ask::ModelsGarbageKey));
    match asked {
        Some(shown) => Verdict::absent(format!("without a valid key the list is refused: {}", shown.account())),
        None => Verdict::untested("the list was not asked without a valid key"),
    }
}

fn present(list: &Shown, chat: &Shown) -> Verdict {
    let how = if list.ask == Ask::ModelsGarbageKey { "with a garbage key" } else { "without a key" };
    let entries = list.models().map_or(0, |models| models.entries.len());
    let because =
        format!("{how}, the list gave {entries} models with HTTP {}, and chat gave {}.", list.status().unwrap_or_default(), chat.account());
    Finding::new(Severity::Info, Certainty::Certain, Blame::Gateway, capital(&because))
        .so("A list that loads says nothing about the key.")
        .cite([list.exchange, chat.exchange])
        .present()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
