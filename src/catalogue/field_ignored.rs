//! A field is accepted and changes nothing.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::effects::Effect;
use crate::evidence::Ask;

/// A field is accepted and has no effect.
pub const MODE: FailureMode = FailureMode {
    id: "field-ignored",
    title: "A field of the request is accepted and has no effect",
    family: "body",
    symptom: "One choice although `n` was 2, no `logprobs`, prose where JSON was wanted, a call written into the text instead of `tool_calls`, \
              the same temperature whatever is set; the status is 200.",
    cause: "Servers and compatibility layers take fields that they know by name only, and drop what their engine cannot do. Tools vanish when \
            the engine runs without a tool parser, or with another model's. A gateway that removes the field on the way looks the same from \
            here; asked directly, the upstream then obeys.",
    fix: &[
        "Look the field up in the server's list of supported ones, and do not rely on it where it is missing.",
        "vLLM, SGLang: start with the tool-call parser (and the chat template) of this very model.",
        "Ask the upstream directly (`--upstream-url URL` does): when it obeys, the gateway drops the field.",
    ],
    references: &[
        "https://platform.claude.com/docs/en/api/openai-sdk",
        "https://github.com/youssofal/MTPLX/pull/191",
        "https://github.com/vllm-project/vllm/issues/20496",
        "https://github.com/EricLBuehler/mistral.rs/issues/1876",
        "https://github.com/LostRuins/koboldcpp/issues/576",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let seen: Vec<(Effect, Vec<&Shown>)> = Effect::ALL.into_iter().map(|effect| (effect, tries(case, effect))).collect();
    let decided = seen.iter().filter(|(effect, tries)| tries.iter().any(|shown| shows(*effect, shown).is_some())).count();
    if decided == 0 {
        return Verdict::untested(case.skipped(Ask::Effect).unwrap_or("no field with an effect that shows was sent alone, or answered"));
    }
    let ignored: Vec<_> = seen.into_iter().filter(|(effect, tries)| is_ignored(*effect, tries)).collect();
    match ignored.first() {
        Some((_, tries)) => present(&ignored, tries),
        None => Verdict::absent(format!("{decided} fields with an effect that shows were answered, and none of them was ignored twice")),
    }
}

/// The answers to a request with this field alone.
pub(super) fn tries<'c, 'e>(case: &'c Case<'e>, effect: Effect) -> Vec<&'c Shown<'e>> {
    let of = |shown: &&Shown| shown.exchange.request.body.as_ref().and_then(Effect::of) == Some(effect);
    ASKED.into_iter().flat_map(|ask| case.asked(ask)).filter(of).filter(|shown| shown.answered()).collect()
}

/// Questions whose answers show effects: those that are asked for it, and the forced call and the schema of the rung `calls`.
const ASKED: [Ask; 5] = [Ask::Effect, Ask::ChatStreamTools, Ask::ChatTools, Ask::ChatStreamJson, Ask::ChatJson];

/// Whether the answer shows the field's effect.
pub(super) fn shows(effect: Effect, shown: &Shown) -> Option<bool> {
    effect.shows(&shown.reading)
}

/// Twice without effect, and never with it: a model may lose its way once.
pub(super) fn is_ignored(effect: Effect, tries: &[&Shown]) -> bool {
    let verdicts: Vec<bool> = tries.iter().filter_map(|shown| shows(effect, shown)).collect();
    verdicts.len() >= 2 && !verdicts.contains(&true)
}

fn present(ignored: &[(Effect, Vec<&Shown>)], first: &[&Shown]) -> Verdict {
    let fields: Vec<&str> = ignored.iter().map(|(effect, _)| effect.field()).collect();
    // How many choices there are is the server's doing; whether a text obeys may be the model's.
    let by_count = ignored.iter().any(|(effect, _)| *effect == Effect::TwoChoices);
    let because = format!("{} answered, and had no effect in {} tries each.", said(&fields), first.len());
    Finding::new(Severity::Info, if by_count { Certainty::Certain } else { Certainty::Likely }, Blame::Upstream, because)
        .so("Clients that rely on it get something else than they asked for, and no error.")
        .cite(first.iter().map(|shown| shown.exchange))
        .detail("fields", fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>())
        .present()
}

fn said(fields: &[&str]) -> String {
    format!("{} {}", fields.join(", "), if fields.len() == 1 { "was" } else { "were" })
}
