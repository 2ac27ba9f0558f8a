//! A replayed turn is refused.

use super::bodies;
use super::split::{self, Culprit, Split};
use super::{Blame, Case, Certainty, FailureMode, Finding, Shown, Verdict};
use crate::evidence::Ask;
use crate::facts::Cause;

/// A replayed turn is refused.
pub const MODE: FailureMode = FailureMode {
    id: "history-rejected",
    title: "An earlier turn of the conversation is refused",
    family: "body",
    symptom: "The first message works, the second fails: \"property 'reasoning_content' is unsupported\", \"must be passed back\", \"empty array\" for \
              tool_calls, \"roles must alternate\", a tool call id of the wrong length, an invalid signature after a change of provider.",
    cause: "Clients send earlier turns back, with all that stood in them: reasoning, tool calls, ids, signatures. The next server refuses what it \
            does not know, or misses what it wants back. A plain chat of one turn is answered, and the refusal speaks of an earlier turn.",
    fix: &[
        "Send back role, content and non-empty tool_calls only; leave reasoning_content out unless this provider wants it back.",
        "Begin a new conversation after a change of model or provider; pin one provider for a session on routers.",
        "Leave out empty tool_calls and turns without content; merge neighbours of one role for strict templates.",
    ],
    references: &[
        "https://github.com/SaladDay/cc-switch-cli/issues/170",
        "https://github.com/anthropics/claude-code/issues/4378",
        "https://github.com/tashfeenahmed/freellmapi/issues/1070",
        "https://github.com/karthink/gptel/issues/774",
        "https://github.com/run-llama/llama_index/issues/14701",
        "https://docs.litellm.ai/docs/proxy/error_diagnosis",
        "https://github.com/BerriAI/litellm/issues/30882",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if case.chat().answer().is_none() && case.stream().answer().is_none() {
        return Verdict::untested("no plain chat was answered, so there is nothing to compare with");
    }
    if !case.asked(Ask::Fields).any(has_history) {
        return Verdict::untested("no request with earlier turns was sent");
    }
    let split = split::split(case);
    let culprit = split.as_ref().and_then(|split| Some((split, split.culprits.iter().find(|culprit| is_history(culprit))?)));
    match culprit {
        Some((split, culprit)) => present(case, split, culprit),
        None => Verdict::absent("no request with earlier turns was refused for them"),
    }
}

fn has_history(shown: &Shown) -> bool {
    bodies::parts_of(shown).iter().any(|part| part.is_history)
}

fn is_history(culprit: &Culprit) -> bool {
    culprit.shown.caused_by(&[Cause::HistoryRejected]) || culprit.suspects.iter().all(|part| part.is_history)
}

fn present(case: &Case, split: &Split, culprit: &Culprit) -> Verdict {
    let places: Vec<String> = culprit.suspects.iter().map(|part| part.pointer.clone()).collect();
    let said = culprit.shown.caused_by(&[Cause::HistoryRejected]) || culprit.is_shown_alone;
    let certainty = if said { Certainty::Likely } else { Certainty::Possible };
    let plain =
        case.chat().answer().map(|shown| format!(" One turn alone was answered after {:.0} ms.", shown.total_ms())).unwrap_or_default();
    let because = format!("A request with earlier turns was answered with {}.{plain}", culprit.shown.account());
    let mut finding = Finding::new(split::severity(case, split), certainty, Blame::Client, because)
        .so("Conversations break at the second turn or at the first tool call.")
        .cite([culprit.shown.exchange])
        .cite(case.chat().answer().map(|shown| shown.exchange))
        .detail("kind", kind(split, culprit));
    for (change, answered) in culprit.suspects.iter().filter_map(|part| split.other_value(part)) {
        finding = finding.fix(format!("{change}: with that it was answered.")).cite([answered.exchange]);
    }
    if let Some(place) = places.last().filter(|_| said) {
        finding = finding.fix(format!("Change or leave out {place}.")).detail("fields", places);
    }
    finding.present()
}

/// What refusals say of an earlier turn, and the kind that it shows, the most telling first.
const SAID: [(&str, &[&str]); 8] = [
    ("signature", &["signature"]),
    ("orphan-result", &["no tool call found", "unexpected `tool_use_id`", "preceeding", "preceding message", "no previous assistant"]),
    (
        "unanswered-call",
        &["without `tool_result`", "ids were found without", "did not have response", "no tool output found", "be followed by tool"],
    ),
    ("tool-call-id", &["tool call id", "tool_call_id", "call_id", "tool_use_id", "tool_use.id"]),
    ("alternation", &["alternate", "consecutive", "after role"]),
    (
        "reasoning-missing",
        &["passed back", "missing reasoning", "reasoning_content is missing", "required 'reasoning'", "expected `thinking`"],
    ),
    ("empty-content", &["non-empty", "empty content", "content cannot be empty", "must not be empty", "content is required"]),
    ("empty-tool-calls", &["empty array"]),
];

/// What about the turn is refused: by what the refusal says, else by what is to blame.
fn kind(split: &Split, culprit: &Culprit) -> &'static str {
    let text = culprit.shown.error().map(|error| error.message.to_lowercase()).unwrap_or_default();
    let said = SAID.iter().find(|(_, phrases)| phrases.iter().any(|phrase| text.contains(phrase)));
    said.map(|(kind, _)| *kind).unwrap_or_else(|| culprit.suspects.iter().find_map(|part| by_part(split, &part.pointer)).unwrap_or("turn"))
}

fn by_part(split: &Split, pointer: &str) -> Option<&'static str> {
    let whole = split.full.exchange.request.body.as_ref()?;
    let value = whole.pointer(pointer)?;
    let last = pointer.rsplit('/').next().unwrap_or_default();
    let turn = whole.pointer(pointer.strip_suffix("/role").unwrap_or(pointer)).unwrap_or(value);
    let thinks = ["reasoning", "reasoning_content", "reasoning_details", "thinking_blocks", "thoughtSignature"].contains(&last);
    let is_thought = matches!(value["type"].as_str(), Some("reasoning" | "thinking" | "redacted_thinking"));
    match last {
        _ if thinks || is_thought => Some("reasoning"),
        "name" => Some("name"),
        "id" | "tool_call_id" | "call_id" => Some("tool-call-id"),
        "tool_calls" if value.as_array().is_some_and(Vec::is_empty) => Some("empty-tool-calls"),
        _ if turn["content"] == "" || turn["content"].as_array().is_some_and(Vec::is_empty) => Some("empty-content"),
        _ if turn["role"] == "tool" || turn["type"] == "function_call_output" => Some("orphan-result"),
        _ => None,
    }
}
