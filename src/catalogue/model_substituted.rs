//! Another model answers than the one that was asked for.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, naming};
use crate::dialect::names::different_models;

/// Another model answers, silently.
pub const MODE: FailureMode = FailureMode {
    id: "model-substituted",
    title: "Another model answers than the one asked for",
    family: "model",
    symptom: "Chat works, and the answers are worse, cheaper or oddly different; the `model` of the answer names another model, \
              or a header tells of a fallback.",
    cause: "A gateway falls back when the wanted model fails or its quota is used up, maps names on purpose, or answers every unknown name with \
            its default. The answer's own `model` names another family, size or version. A dated snapshot, a provider's prefix, a tag or an alias \
            that contradicts nothing is no substitution.",
    fix: &[
        "Turn fallbacks off while looking for the cause: the wanted model may have been failing all the time.",
        "LiteLLM: `fallbacks` and `default_fallbacks` in router_settings; the header x-litellm-attempted-fallbacks counts them. OpenRouter: \
         `allow_fallbacks: false`, and no `models` list.",
        "Check name mappings of the channel (one-api, new-api), and what the name is an alias for.",
    ],
    references: &[
        "https://github.com/agentgateway/agentgateway/issues/1361",
        "https://github.com/anthropics/claude-code/issues/91747",
        "https://github.com/icebear0828/codex-proxy/issues/660",
        "https://github.com/anthony-chaudhary/fak/issues/360",
        "https://github.com/odysseus-dev/odysseus/pull/868",
        "https://github.com/MervinPraison/PraisonAI/issues/3820",
    ],
    explains: &["model-name-ignored"],
    diagnose,
};

/// A substitution: what shows it, and where.
struct Swap<'c, 'e> {
    shown: &'c Shown<'e>,
    because: String,
    answered: Option<String>,
}

fn diagnose(case: &Case) -> Verdict {
    let answers: Vec<&Shown> = [case.chat().answer(), case.stream().answer()].into_iter().flatten().collect();
    if answers.is_empty() {
        return Verdict::untested("no chat was answered, so no model could name itself");
    }
    let swaps: Vec<Swap> = answers.iter().filter_map(|shown| swap(case, shown)).collect();
    match swaps.first() {
        Some(first) => present(case, first, &swaps),
        None => disagreement(&answers)
            .or_else(|| beside_bypass(case, &answers))
            .unwrap_or_else(|| Verdict::absent(named_itself(case, &answers))),
    }
}

fn swap<'c, 'e>(case: &Case, shown: &'c Shown<'e>) -> Option<Swap<'c, 'e>> {
    let wanted = naming::wanted(case);
    let answered = models(shown).into_iter().find(|name| different_models(wanted, name)).map(str::to_owned);
    let because = match (&answered, fallbacks(shown)) {
        (Some(name), None) => format!("“{wanted}” was asked for, and the answer names “{name}”."),
        (Some(name), Some(count)) => {
            format!("“{wanted}” was asked for, and the answer names “{name}”; x-litellm-attempted-fallbacks is {count}.")
        }
        (None, Some(count)) => {
            format!("“{wanted}” was asked for, and x-litellm-attempted-fallbacks is {count}: another deployment answered.")
        }
        (None, None) => return None,
    };
    Some(Swap { shown, because, answered })
}

/// The models that an answer names.
fn models<'c>(shown: &'c Shown) -> Vec<&'c str> {
    let whole = shown.completion().and_then(|completion| completion.model.as_deref());
    let streamed = shown.streamed().map(|stream| stream.models.iter().map(String::as_str).collect()).unwrap_or_default();
    whole.map_or(streamed, |name| vec![name])
}

/// How many fallbacks LiteLLM says it tried, when it tried any.
fn fallbacks<'c>(shown: &'c Shown) -> Option<&'c str> {
    let count = shown.response()?.header("x-litellm-attempted-fallbacks")?.trim();
    (count.parse::<u32>().is_ok_and(|count| count > 0)).then_some(count)
}

/// Plain and streamed answers, or the pieces of one stream, name models that surely differ.
fn disagreement(answers: &[&Shown]) -> Option<Verdict> {
    let names: Vec<(&str, &Shown)> = answers.iter().flat_map(|shown| models(shown).into_iter().map(move |name| (name, *shown))).collect();
    let (first, from) = names.first()?;
    let (other, at) = names.iter().find(|(name, _)| different_models(first, name))?;
    let because = format!("Two answers to one name come from “{first}” and from “{other}”.");
    let finding = Finding::new(Severity::Warning, Certainty::Likely, Blame::Gateway, because)
        .so("Which model answers depends on the request, and the client is not told.")
        .cite([from.exchange, at.exchange])
        .detail("answered_model", *other);
    Some(finding.present())
}

/// A name that means nothing by itself, and what answers to it is another model than the one that is said to stand behind it.
fn beside_bypass(case: &Case, answers: &[&Shown]) -> Option<Verdict> {
    let bypass = case.bypass().ok()?;
    let direct = bypass.answer()?;
    let wanted = naming::wanted(case);
    let own = models(direct).into_iter().next()?;
    let asked = direct.model()?;
    let differs = |name: &str| different_models(own, name) && different_models(asked, name);
    // A gateway that answers with the name that it was asked for says nothing about who answered.
    let named = answers.iter().flat_map(|shown| models(shown).into_iter().map(move |name| (*shown, name)));
    let (shown, name) = named.filter(|(_, name)| !name.eq_ignore_ascii_case(wanted)).find(|(_, name)| differs(name))?;
    let because =
        format!("“{wanted}” was asked for, and the answer names “{name}”; the upstream, asked directly for “{asked}”, answers as “{own}”.");
    let finding = Finding::new(Severity::Warning, Certainty::Possible, Blame::Gateway, because)
        .so("The gateway sends this name somewhere else than to the model that was named for the upstream.")
        .cite([shown.exchange, direct.exchange])
        .detail("answered_model", name);
    Some(finding.present())
}

fn present(case: &Case, swap: &Swap, swaps: &[Swap]) -> Verdict {
    let certainty = if swaps.len() > 1 && swap.answered.is_some() { Certainty::Certain } else { Certainty::Likely };
    let default = naming::ignored(case).map(|_| " A name that no server has is answered as well.").unwrap_or_default();
    let mut finding = Finding::new(Severity::Warning, certainty, Blame::Gateway, format!("{}{default}", swap.because))
        .so("Quality, price, context size and abilities are those of another model than the client believes.")
        .cite(swaps.iter().map(|swap| swap.shown.exchange))
        .cite(naming::ignored(case).map(|shown| shown.exchange));
    if let Some(name) = &swap.answered {
        finding = finding.detail("answered_model", name.as_str());
    }
    finding.present()
}

fn named_itself(case: &Case, answers: &[&Shown]) -> String {
    let names: Vec<&str> = answers.iter().flat_map(|shown| models(shown)).collect();
    match names.first() {
        Some(name) => format!("“{}” was asked for and the answer names “{name}”, which does not contradict it", naming::wanted(case)),
        None => "the answers name no model".to_owned(),
    }
}
