//! Fields that pass alone are refused together.

use std::collections::BTreeSet;

use super::bodies;
use super::split::{self, Culprit, Split};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Verdict, remedies};
use crate::evidence::Ask;
use crate::facts;

/// Each accepted alone, refused together.
pub const MODE: FailureMode = FailureMode {
    id: "field-combination-rejected",
    title: "Fields pass alone and are refused together",
    family: "body",
    symptom: "400 \"`temperature` and `top_p` cannot both be specified\", \"Function tools with reasoning_effort are not supported\", \"only allowed \
              when … is enabled\"; dropping either of the two helps.",
    cause: "The server excludes one field by another, or wants a partner for it. The proof: the smallest refused request has both, and each of \
            them was answered in a request without the other. A single refused field would fail alone as well.",
    fix: &[
        "Leave one of the two out; for sampling, keep temperature and drop top_p.",
        "LiteLLM: `additional_drop_params: [\"top_p\"]` for this model.",
        "If one field needs another (metadata needs store, parallel_tool_calls needs tools), send both or none.",
    ],
    references: &[
        "https://github.com/langfuse/langfuse/issues/9882",
        "https://github.com/iOfficeAI/AionUi/issues/912",
        "https://github.com/SalesforceAIResearch/MCP-Universe/issues/49",
        "https://github.com/langchain-ai/langchain-litellm/issues/8",
        "https://github.com/pipecat-ai/pipecat/issues/4043",
        "https://github.com/openai/swarm/issues/30",
        "https://github.com/cloudwego/eino/issues/994",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if case.asked(Ask::Fields).next().is_none() {
        return Verdict::untested(case.skipped(Ask::Fields).unwrap_or("no request with more fields was sent"));
    }
    let Some(split) = split::split(case) else {
        return match case.trial(Ask::Fields).answer() {
            Some(_) => Verdict::absent("a request with everything that typical clients send was answered"),
            None => Verdict::untested("the request with more fields met other errors only"),
        };
    };
    match split.culprits.iter().find(|culprit| culprit.each_passes) {
        Some(culprit) => present(case, &split, culprit),
        None => Verdict::absent("what is refused is refused alone"),
    }
}

fn present(case: &Case, split: &Split, culprit: &Culprit) -> Verdict {
    let fields: BTreeSet<String> = culprit.parts.iter().map(|part| part.pointer.clone()).collect();
    let list = fields.iter().cloned().collect::<Vec<_>>().join(" with ");
    let rest = split.rest.map(|shown| format!(" Without them, the other fields were answered after {:.0} ms.", shown.total_ms()));
    let because = format!(
        "{list} is refused with {}; each of them was answered in a request without the other.{}",
        culprit.shown.account(),
        rest.unwrap_or_default()
    );
    let clients = clients(culprit);
    let severity = if clients.is_empty() && !case.subject().own_body { Severity::Info } else { split::severity(case, split) };
    let named = clients.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let who = if clients.is_empty() {
        "Clients that send both are refused.".to_owned()
    } else {
        format!("Clients that send both by default are refused: {named}.")
    };
    let certainty = match split.culprits.len() == 1 && culprit.is_shown_alone {
        _ if fields.len() > split::TOGETHER => return crowded(severity, culprit, &fields),
        true => Certainty::Certain,
        false => Certainty::Likely,
    };
    let finding = Finding::new(severity, certainty, Blame::Client, because)
        .so(who)
        .fix(format!("Leave out one of {}.", fields.iter().cloned().collect::<Vec<_>>().join(", ")));
    let finding = remedies::settings(case, &fields, &clients).into_iter().fold(finding, Finding::fix);
    finding
        .cite([culprit.shown.exchange])
        .cite(alone(split, culprit))
        .cite(split.rest.map(|shown| shown.exchange))
        .detail("kind", "combination")
        .detail("fields", fields.into_iter().collect::<Vec<_>>())
        .detail("clients", clients.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        .present()
}

/// More parts than are searched for: some of them together, or how many or how long they are.
fn crowded(severity: Severity, culprit: &Culprit, fields: &BTreeSet<String>) -> Verdict {
    let list = fields.iter().cloned().collect::<Vec<_>>();
    let because = format!(
        "{} places together are refused with {}, and no set of up to {} that fails alone was found: it may be more of them, or how many or how long they are.",
        list.len(),
        culprit.shown.account(),
        split::TOGETHER
    );
    Finding::new(severity, Certainty::Possible, Blame::Client, because)
        .so("Requests with all of them are refused.")
        .fix(format!("Leave out one of {}.", list.join(", ")))
        .cite([culprit.shown.exchange])
        .detail("kind", "crowd")
        .detail("fields", list)
        .present()
}

/// Requests that were answered with one of the parts.
fn alone<'c>(split: &Split<'c, '_>, culprit: &Culprit) -> Vec<&'c crate::evidence::Exchange> {
    culprit.parts.iter().filter_map(|part| split.answered_with(&part.name)).map(|shown| shown.exchange).collect()
}

/// Clients that send every part by default.
fn clients(culprit: &Culprit) -> BTreeSet<&'static str> {
    let sets = culprit.parts.iter().map(|part| facts::clients_sending(&bodies::habit(part)).into_iter().collect::<BTreeSet<_>>());
    sets.reduce(|all, some| &all & &some).unwrap_or_default()
}
