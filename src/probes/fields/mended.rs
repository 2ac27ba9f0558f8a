//! After the search: limits, defaults of the server, and other names and values with which the request passes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::dialect::Reading;
use crate::facts::Cause;
use crate::minimize::{Crowd, Minimal, Parts, Trial};
use crate::outline::Change;
use crate::probes::{Asked, Ctx, values};

use super::{Body, ask, words};

/// From so many elements on, a list may be too long.
const ROW: usize = 2;
/// How often the sizes between which a limit lies are halved.
const SIZES: usize = 4;
/// How often a request is made whose answer says nothing about its body.
const TRIES: usize = 4;
/// So many defaults are tried for a refusal that does not say which.
const DEFAULTS: usize = 4;
/// Refusals that may be about a value that the server filled in. A name for what should have been sent instead is no default.
pub(in crate::probes) const ABOUT_DEFAULTS: &[Cause] =
    &[Cause::FieldCombination, Cause::UnsupportedValue, Cause::ContextExceeded, Cause::InvalidRequest];

/// A neutral value for a member that a refusal names and the body lacks.
pub(in crate::probes) fn unsent(refused: &Asked, body: &Value) -> Option<Change> {
    let first = |word: &String| word.trim_start_matches(['/', '$', '.']).split(['.', '/', '[']).next().unwrap_or_default().to_owned();
    let last = |word: &String| word.rsplit(['.', '/']).next().unwrap_or_default().to_owned();
    let spoken = spoken(refused);
    let named = words(refused).into_iter().chain(spoken).flat_map(|word| [first(&word), last(&word)]);
    let mut missing = named.filter(|name| body.get(name).is_none());
    missing.find_map(|name| values::neutral(&name).map(|value| Change::value(format!("/{name}"), value)))
}

/// Words of a refusal that are written like members, without quotes.
fn spoken(refused: &Asked) -> Vec<String> {
    let Reading::Error(error) = &*refused.reading else { return Vec::new() };
    let text = error.message.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')));
    text.filter(|word| word.contains('_')).map(|word| word.trim_matches('.').to_owned()).collect()
}

impl Body {
    /// A refusal that names a member that was not sent: does the body pass with a neutral value for it?
    pub(super) async fn try_named_default(&self, cx: &Ctx<'_>) -> bool {
        if !self.refused.caused_by(ABOUT_DEFAULTS) {
            return false;
        }
        match unsent(&self.refused, self.outline.whole()) {
            Some(change) => self.passes_with(cx, &[change], &self.all()).await,
            None => false,
        }
    }

    /// A refusal that names nothing of the culprit: does the whole body pass with a neutral value for what servers are known to fill in?
    pub(super) async fn try_defaults(&self, cx: &Ctx<'_>, minimal: &Minimal) -> bool {
        let [culprit] = &minimal.culprits[..] else { return false };
        let certain = [Cause::UnknownField, Cause::UnsupportedField, Cause::MaxTokensRenamed, Cause::RoleUnsupported];
        if self.refused.caused_by(&certain) || !self.named(&self.refused, culprit).is_empty() {
            return false;
        }
        let whole = self.outline.whole();
        let places = culprit.iter().filter(|node| **node < self.outline.len()).map(|node| self.outline.pointer(*node));
        let members: BTreeSet<&str> = places.filter_map(|place| place.split('/').nth(1).filter(|name| place[1..] == **name)).collect();
        let defaults: BTreeSet<&str> = members.iter().flat_map(|name| values::may_exclude(whole, name)).collect();
        let defaults = defaults.into_iter().take(DEFAULTS);
        for (name, value) in defaults.filter_map(|name| values::neutral(name).map(|value| (name, value))) {
            if self.passes_with(cx, &[Change::value(format!("/{name}"), value)], &self.all()).await {
                return true;
            }
        }
        false
    }

    async fn passes_with(&self, cx: &Ctx<'_>, changes: &[Change], parts: &Parts) -> bool {
        let question = self.changed(cx, changes, parts);
        // What the server answers to the same question otherwise: a limit says nothing about it.
        cx.ask_aside(self.form.rung, question).await.is_some_and(|asked| asked.answered())
    }

    /// A failure that takes many parts: is it the number of elements of a list? Then as many others fail as well, one fewer pass, and so does
    /// everything else with a list that long.
    pub(super) async fn try_limit(&self, cx: &Ctx<'_>, crowd: &Crowd) {
        let links = self.links();
        let in_crowd = |holder: &usize| links.any_of[*holder].iter().filter(|part| crowd.fails.contains(part)).count();
        let Some(holder) = crowd.fails.iter().copied().max_by_key(in_crowd) else { return };
        let (elements, count) = (&links.any_of[holder], in_crowd(&holder));
        if count < ROW {
            return;
        }
        let last = |count: usize| links.close(&elements[elements.len() - count..].iter().copied().collect());
        let rest = elements[count - 1..].iter().fold(self.all(), |rest, part| links.without(&rest, *part));
        for parts in [last(count), last(count - 1), rest] {
            for _ in 0..TRIES {
                match self.trial(cx, parts.clone()).await {
                    Trial::Impossible => return,
                    Trial::Unrelated => {}
                    _ => break,
                }
            }
        }
    }

    /// A body that is too large: between which sizes the limit lies, with plain text.
    pub(super) async fn try_sizes(&self, cx: &Ctx<'_>) {
        let plain = self.outline.with(&Parts::new());
        let (mut passes, mut fails) = (plain.to_string().len(), self.outline.whole().to_string().len());
        for _ in 0..SIZES {
            let size = passes.midpoint(fails);
            let Some(padded) = padded(&plain, size) else { return };
            match ask(cx, &self.form, padded).await {
                None => return,
                Some(asked) if asked.answered() => passes = size,
                Some(_) => fails = size,
            }
        }
    }

    /// A culprit whose name or value may be what is refused is tried with another one. The changes with which it was answered.
    pub(super) async fn try_changes(&self, cx: &Ctx<'_>, minimal: &Minimal) -> Vec<(usize, Vec<Change>)> {
        let mut answered = Vec::new();
        let single = minimal.culprits.iter().filter(|culprit| culprit.len() == 1).flatten().copied();
        for node in single.filter(|node| *node < self.outline.len()) {
            let least = self.outline.links().close(&Parts::from([node]));
            for changes in self.worth_trying(node) {
                if self.passes_with(cx, &changes, &least).await {
                    answered.push((node, changes));
                    break;
                }
            }
        }
        answered
    }

    /// Whoever says that a member is unknown takes no other value for it, but perhaps another name.
    fn worth_trying(&self, node: usize) -> Vec<Vec<Change>> {
        let pointer = self.outline.pointer(node);
        let mut changes = values::instead(self.outline.whole(), pointer);
        changes.extend(self.wanted_back(pointer).map(|change| vec![change]));
        if self.refused.caused_by(&[Cause::UnknownField]) && self.named(&self.refused, &self.all()).contains(&node) {
            changes.retain(|changes| changes.iter().any(|change| change.name.is_some() || change.at != pointer));
        }
        changes
    }

    /// A thought that a turn of the model is to bring back, when the refusal speaks of it: an empty one.
    fn wanted_back(&self, pointer: &str) -> Option<Change> {
        const THOUGHT: &str = "reasoning_content";
        let turn = pointer.split('/').take(3).collect::<Vec<_>>().join("/");
        let message = self.outline.whole().pointer(&turn)?;
        let lacks = message["role"] == "assistant" && message[THOUGHT].is_null();
        let is_spoken_of = spoken(&self.refused).iter().any(|word| word == THOUGHT);
        (lacks && is_spoken_of).then(|| Change::value(format!("{turn}/{THOUGHT}"), "".into()))
    }

    /// What is left with the changes that were answered: the request that the client should send.
    pub(super) async fn try_mended(&self, cx: &Ctx<'_>, minimal: &Minimal, changes: &[(usize, Vec<Change>)]) {
        if changes.is_empty() || minimal.largest.is_none() {
            return;
        }
        // What hangs on a part that is changed stays with it.
        let links = self.links();
        let goes = |culprit: &&Parts| !culprit.iter().any(|part| changes.iter().any(|(node, _)| node == part));
        let out = minimal.culprits.iter().filter(goes).filter_map(|culprit| culprit.last());
        let kept = out.fold(self.all(), |kept, part| links.without(&kept, *part));
        let changes: Vec<Change> = changes.iter().flat_map(|(_, changes)| changes.clone()).collect();
        let question = self.changed(cx, &changes, &kept);
        cx.ask_aside(self.form.rung, question).await;
    }
}

/// The body with its last words filled up to so many bytes.
fn padded(body: &Value, size: usize) -> Option<Value> {
    let missing = size.checked_sub(body.to_string().len())?;
    let last = ["messages", "input", "contents"].iter().find_map(|list| Some((list, body[*list].as_array()?.len().checked_sub(1)?)));
    let places = match last {
        Some((list, at)) => ["content", "content/0/text", "parts/0/text"].map(|inner| format!("/{list}/{at}/{inner}")).to_vec(),
        None => vec!["/input".to_owned(), "/prompt".to_owned()],
    };
    let (place, text) = places.iter().find_map(|place| Some((place, body.pointer(place)?.as_str()?)))?;
    Some(Change::value(place, format!("{text}{}", ".".repeat(missing)).into()).applied(body.clone()))
}
