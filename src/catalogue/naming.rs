//! What the rules about model names share: the failed control, the nonsense name beside it, and the names that were answered.

use super::{Case, Shown};
use crate::dialect::ErrorFacts;
use crate::dialect::names::{near_names, same_model};
use crate::evidence::Ask;
use crate::facts::{Cause, Speaker, Strength};

/// Causes that pass by themselves and hide what is behind them.
pub(super) const PASSING: &[Cause] = &[
    Cause::RateLimited,
    Cause::ConcurrencyLimited,
    Cause::Overloaded,
    Cause::NoDeployment,
    Cause::UpstreamUnavailable,
    Cause::UpstreamTimeout,
    Cause::ModelLoading,
];

/// Messages count as the same from this likeness on, once the model's name and numbers are out of them.
const ALIKE: f64 = 0.9;

/// How many names a finding suggests.
const SUGGESTED: usize = 3;

/// The failure of the control that says something: what passes by itself is passed over when another error came as well.
/// `None` when plain chat or plain streaming was answered, or chat was not asked.
pub(super) fn failure<'c, 'e>(case: &'c Case<'e>) -> Option<&'c Shown<'e>> {
    if case.stream().answer().is_some() {
        return None;
    }
    let chat = case.chat();
    let first = chat.failure()?;
    Some(chat.tries.iter().copied().find(|shown| shown.error().is_some() && !shown.caused_by(PASSING)).unwrap_or(first))
}

/// `Chat with the name “gpt-4o”`, or `Chat` where nobody knows the name.
pub(super) fn chat(case: &Case) -> String {
    let wanted = wanted(case);
    if wanted.is_empty() { "Chat".to_owned() } else { format!("Chat with the name “{wanted}”") }
}

/// The wanted name, as sent.
pub(super) fn wanted<'c>(case: &'c Case) -> &'c str {
    case.subject().model.as_deref().unwrap_or_default()
}

/// Whether the list has this very name; `None` without a list.
pub(super) fn listed(case: &Case, name: &str) -> Option<bool> {
    case.models().filter(|list| !list.entries.is_empty()).map(|list| list.entries.iter().any(|entry| entry.id == name))
}

/// The requests with another name of the list that the model answered, close names first.
pub(super) fn siblings<'c, 'e>(case: &'c Case<'e>) -> Vec<&'c Shown<'e>> {
    [Ask::NearModel, Ask::OtherModel].into_iter().flat_map(|ask| case.asked(ask)).filter(|shown| shown.answered()).collect()
}

/// The nonsense name's answer, when it is one to that very question.
pub(super) fn nonsense<'c, 'e>(case: &'c Case<'e>) -> Option<&'c Shown<'e>> {
    case.asked(Ask::NonsenseModel).find(|shown| shown.answered() || shown.error().is_some() && !shown.caused_by(PASSING))
}

/// The nonsense name was answered by a model: names decide nothing here.
pub(super) fn ignored<'c, 'e>(case: &'c Case<'e>) -> Option<&'c Shown<'e>> {
    case.trial(Ask::NonsenseModel).answer()
}

/// Whether the nonsense name was refused just like this; `None` when that cannot be told.
pub(super) fn like_nonsense(case: &Case, failure: &Shown) -> Option<bool> {
    nonsense(case).map(|other| alike(failure, other))
}

/// True when two refusals are the same but for the model's name: status, code, type and words.
pub(super) fn alike(one: &Shown, other: &Shown) -> bool {
    let (Some(first), Some(second)) = (one.error(), other.error()) else { return false };
    let labels = |error: &ErrorFacts| (error.code.clone(), error.kind.clone(), error.form);
    let same_labels = one.status() == other.status() && labels(first) == labels(second);
    same_labels && strsim::normalized_levenshtein(&skeleton(one, first), &skeleton(other, second)) >= ALIKE
}

/// The message without the model's name and without words that hold digits, such as request ids and times.
fn skeleton(shown: &Shown, error: &ErrorFacts) -> String {
    let name = shown.model().unwrap_or_default().trim();
    let message = if name.is_empty() { error.message.clone() } else { error.message.replace(name, " ") };
    let words: Vec<_> = message.split_whitespace().filter(|word| !word.chars().any(|c| c.is_ascii_digit())).collect();
    words.join(" ").to_lowercase()
}

/// True when the text itself decides the cause, and not only weakly.
pub(super) fn is_said(shown: &Shown) -> bool {
    shown.causes.first().is_some_and(|reading| reading.strength != Strength::Weak)
}

/// True when somebody behind the gateway speaks, or a name is refused that was not sent: the gateway knew the name and sent on another.
pub(super) fn speaks_from_behind(shown: &Shown) -> bool {
    let Some(reading) = shown.causes.first() else { return false };
    let sent = shown.model().unwrap_or_default();
    let other = |name: &String| !same_model(name, sent) && !sent.contains(name.as_str()) && !name.contains(sent);
    let renamed = reading.named.as_ref().is_some_and(other);
    matches!(reading.speaker, Speaker::Upstream(_)) || renamed
}

/// Names to use instead, best first: close names that were answered, then close names of the list that were not asked; without any,
/// the other names that were answered.
pub(super) fn suggestions(case: &Case) -> Vec<String> {
    let answered = |ask| case.asked(ask).filter(|shown| shown.answered()).filter_map(|shown| shown.model()).map(str::to_owned);
    let asked: Vec<_> = case.asked(Ask::NearModel).filter_map(|shown| shown.model()).collect();
    let ids: Vec<&str> = case.models().map(|list| list.entries.iter().map(|entry| entry.id.as_str()).collect()).unwrap_or_default();
    let unasked = near_names(wanted(case), &ids, SUGGESTED).into_iter().filter(|name| !asked.contains(&name.as_str()));
    let near: Vec<String> = answered(Ask::NearModel).chain(unasked).take(SUGGESTED).collect();
    if near.is_empty() { answered(Ask::OtherModel).take(SUGGESTED).collect() } else { near }
}

/// Which of the suggested names were answered.
pub(super) fn proven(case: &Case, suggested: &[String]) -> Vec<String> {
    let answered: Vec<_> = siblings(case).iter().filter_map(|shown| shown.model()).collect();
    suggested.iter().filter(|name| answered.contains(&name.as_str())).cloned().collect()
}

/// What the nonsense name, the siblings and the list show, in sentences that follow the refusal.
pub(super) fn controls(case: &Case, failure: &Shown) -> String {
    let nonsense = match (like_nonsense(case, failure), nonsense(case)) {
        (Some(true), _) => " A name that no server has is refused in the same way.".to_owned(),
        (Some(false), Some(other)) if !other.answered() => format!(" A name that no server has is refused otherwise: {}.", other.account()),
        _ => String::new(),
    };
    let sibling = siblings(case).first().map(|shown| answered_so(shown)).unwrap_or_default();
    nonsense + &sibling + &in_list(case)
}

fn answered_so(shown: &Shown) -> String {
    format!(" “{}” was answered after {:.0} ms.", shown.model().unwrap_or_default(), shown.total_ms())
}

fn in_list(case: &Case) -> String {
    let count = case.models().map_or(0, |list| list.entries.len());
    match listed(case, wanted(case)) {
        Some(true) => format!(" The list of {count} models has “{}”.", wanted(case)),
        Some(false) => format!(" The list of {count} models does not have “{}”.", wanted(case)),
        None => String::new(),
    }
}

/// In words, how a wanted name differs from one that means the same; empty when it is more than spelling.
pub(super) fn difference(wanted: &str, right: &str) -> &'static str {
    let base = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
    if wanted.trim() == right && wanted != right {
        "a blank stands before or after it"
    } else if wanted.eq_ignore_ascii_case(right) {
        "upper and lower case differ"
    } else if base(wanted) == base(right) {
        if wanted.matches('/').count() > right.matches('/').count() { "it has a prefix too many" } else { "it lacks the prefix" }
    } else if same_model(wanted, right) {
        "a date, a tag or the spelling differs"
    } else {
        ""
    }
}
