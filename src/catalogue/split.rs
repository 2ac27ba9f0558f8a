//! Which smallest parts of a body are refused, read off the requests that were sent.

use std::collections::BTreeSet;

use serde_json::Value;

use super::bodies::Part;
use super::{Case, Severity, Shown, auth, clients, too_many_tools};
use crate::dialect::requests;
use crate::evidence::{Ask, Dialect, Evidence, Exchange, FaultKind};
use crate::facts::Cause;
use crate::outline::{Outline, Sent};
use crate::profiles;

/// Bodies that differ in the values of more members than this are not variants of one body.
const VARIED: usize = 3;

/// So many places that are refused only together are found.
pub(super) const TOGETHER: usize = 4;

/// Places of the whole body, by their number in its outline.
type Places = BTreeSet<usize>;

/// The smallest refused set of parts, and the request that shows it.
pub(super) struct Culprit<'c, 'e> {
    /// What is refused.
    pub parts: Vec<Part>,
    /// The smallest request that was refused for it.
    pub shown: &'c Shown<'e>,
    /// True when each part was also seen in a request that was answered.
    pub each_passes: bool,
    /// True when the request that shows it had nothing else.
    pub is_shown_alone: bool,
    /// Parts of the set that no answered request had; all of them when the set could not be made smaller.
    pub suspects: Vec<Part>,
    places: Places,
}

/// What the requests with more fields show together.
pub(super) struct Split<'c, 'e> {
    /// The first refused request: everything at once.
    pub full: &'c Shown<'e>,
    /// The smallest refused sets.
    pub culprits: Vec<Culprit<'c, 'e>>,
    /// How many requests were refused over their body.
    pub refusals: usize,
    /// How many parts the whole body has beyond `model` and plain messages.
    pub parts: usize,
    /// The request that was answered with everything but the culprits; the plain chat, when nothing else is left.
    pub rest: Option<&'c Shown<'e>>,
    passing: Vec<Try<'c, 'e>>,
    outline: Outline,
}

/// One request, and what it had of the whole body.
struct Try<'c, 'e> {
    shown: &'c Shown<'e>,
    sent: Sent,
}

/// Causes that say nothing about the body, or are a mode of their own.
const NOT_THE_BODY: &[Cause] = &[
    Cause::RateLimited,
    Cause::ConcurrencyLimited,
    Cause::QuotaExhausted,
    Cause::CreditsExhausted,
    Cause::Overloaded,
    Cause::NoDeployment,
    Cause::UpstreamUnavailable,
    Cause::UpstreamTimeout,
    Cause::UpstreamAuth,
    Cause::ModelLoading,
    Cause::KeyMissing,
    Cause::KeyRejected,
    Cause::TokenExpired,
    Cause::Waf,
    Cause::Region,
    Cause::IpDenied,
    Cause::ContentFiltered,
    Cause::ContextExceeded,
    Cause::BodyTooLarge,
];

/// The refused parts; `None` when nothing was refused, or only for reasons that are not about the body.
pub(super) fn split<'c, 'e>(case: &'c Case<'e>) -> Option<Split<'c, 'e>> {
    split_of(case, Ask::Fields).or_else(|| split_of(case, Ask::RareFields))
}

/// The outline of the whole body, and the requests that had it or a part of it: those that were answered, and the others.
fn tries<'c, 'e>(case: &'c Case<'e>, ask: Ask) -> Option<(Outline, Vec<Try<'c, 'e>>, Vec<Try<'c, 'e>>)> {
    let body = |shown: &&Shown<'e>| shown.exchange.request.body.as_ref();
    let refused = || case.asked(ask).filter(|shown| !shown.answered());
    // What came later may have another value, or one more. Of a client's many bodies, the longest has most of what is refused.
    let length = |shown: &&Shown<'e>| body(shown).map(|body| body.to_string().len());
    let longest = refused().map(|shown| length(&shown)).max()?;
    let is_one_body = case.subject().client.is_none();
    let whole = refused().find(|shown| is_one_body || length(shown) == longest)?;
    let dialect = Dialect::of(&whole.exchange.request.url).unwrap_or_default();
    let outline = Outline::of(body(&whole)?.clone(), requests::needed(dialect));
    let read = |shown: &'c Shown<'e>| Try { shown, sent: outline.sent(body(&shown).unwrap_or(&Value::Null)) };
    let variants = case.asked(ask).map(read).filter(|one| one.sent.changed.len() <= VARIED);
    let (passing, others) = variants.partition(|one| one.shown.answered());
    Some((outline, passing, others))
}

fn split_of<'c, 'e>(case: &'c Case<'e>, ask: Ask) -> Option<Split<'c, 'e>> {
    let (outline, passing, others) = tries(case, ask)?;
    let failing: Vec<&Try> = others.iter().filter(|one| one.sent.changed.is_empty() && refuses_body(one, &others, &passing)).collect();
    let full = failing.iter().max_by_key(|one| one.sent.kept.len())?.shown;
    let sets = common(&failing, &passing).map_or_else(|| smallest(&failing), |found| vec![found]);
    let culprits: Vec<_> = sets.into_iter().map(|(places, shown)| culprit(&outline, &places, shown, &failing, &passing)).collect();
    let rest = without(&outline, &culprits, &passing, case.chat().answer());
    Some(Split { full, culprits, refusals: failing.len(), parts: outline.len(), rest, passing, outline })
}

/// Headers of every request, which say nothing of a client's own.
pub(super) const ORDINARY: [&str; 9] =
    ["accept", "accept-encoding", "content-type", "content-length", "authorization", "user-agent", "host", "x-api-key", "api-key"];

/// Headers without which the same body, or more of it, was answered; with the refused request and the answered one.
pub(super) struct RefusedHeaders<'c, 'e> {
    /// Their names.
    pub names: Vec<String>,
    /// The refused request that had the fewest others.
    pub refused: &'c Shown<'e>,
    /// The answered one.
    pub answered: &'c Shown<'e>,
}

/// The client's own headers that are refused, read off the requests with its body.
pub(super) fn refused_headers<'c, 'e>(case: &'c Case<'e>) -> Option<RefusedHeaders<'c, 'e>> {
    let (_, passing, others) = tries(case, Ask::Fields)?;
    let client_error = |one: &&Try| one.shown.error().is_some() && one.shown.status().is_some_and(|status| (400..500).contains(&status));
    let own = |shown: &Shown| -> BTreeSet<String> {
        let names = shown.exchange.request.headers.iter().map(|(name, _)| name.clone());
        names.filter(|name| !ORDINARY.contains(&name.as_str())).collect()
    };
    let mut found: Option<RefusedHeaders> = None;
    for failed in others.iter().filter(client_error).filter(|one| !one.shown.caused_by(NOT_THE_BODY)) {
        for passed in passing.iter().filter(|one| one.sent.kept.is_superset(&failed.sent.kept)) {
            let (had, had_not) = (own(failed.shown), own(passed.shown));
            let names: Vec<String> = had.difference(&had_not).cloned().collect();
            let innocent = passing.iter().any(|one| names.iter().all(|name| own(one.shown).contains(name)));
            if !names.is_empty() && !innocent && found.as_ref().is_none_or(|found| names.len() < found.names.len()) {
                found = Some(RefusedHeaders { names, refused: failed.shown, answered: passed.shown });
            }
        }
    }
    found
}

/// What a search in a client's request ended with.
pub struct Bisected<'e> {
    /// The smallest parts that are refused.
    pub culprits: Vec<Smallest<'e>>,
    /// The largest request that was answered.
    pub largest: Option<&'e Exchange>,
    /// What that one lacks, as JSON pointers.
    pub left_out: Vec<String>,
    /// What that one has otherwise, in words.
    pub changes: Vec<String>,
    /// How many places the whole body has that could be left out.
    pub places: usize,
    /// How many requests the search took.
    pub requests: usize,
    /// Each culprit was refused with nothing else, and everything else together was answered.
    pub is_checked: bool,
}

/// One of the smallest parts that are refused.
pub struct Smallest<'e> {
    /// Its places in the whole body, as JSON pointers; several are refused only together.
    pub places: Vec<String>,
    /// The smallest request that was refused for it.
    pub smallest: Option<&'e Exchange>,
}

/// What the search in the client's request ended with; `None` when nothing of it was refused.
pub fn bisected(evidence: &Evidence) -> Option<Bisected<'_>> {
    let case = Case::new(evidence);
    let split = split_of(&case, Ask::Fields)?;
    let size = |one: &&Try| (one.sent.kept.len() + one.sent.replaced.len() + one.sent.changed.len(), one.sent.changed.len());
    let largest = split.passing.iter().max_by_key(size);
    let left_out = largest.map(|one| split.outline.left_out(&(&one.sent.kept | &one.sent.replaced))).unwrap_or_default();
    let (changes, left_out) = largest.map(|one| split.changes(one, left_out)).unwrap_or_default();
    let limit = too_many_tools::limit(&case);
    let is_of_limit = |culprit: &&Culprit| limit.is_some() && culprit.parts.iter().all(|part| part.pointer.starts_with("/tools"));
    let others: Vec<&Culprit> = split.culprits.iter().filter(|culprit| !is_of_limit(culprit)).collect();
    let of_limit = limit.iter().map(|limit| Smallest {
        places: vec![format!("more than {} elements of /tools", limit.most)],
        smallest: Some(limit.refused.exchange),
    });
    Some(Bisected {
        is_checked: limit.is_some()
            || split.rest.is_some() && others.iter().all(|culprit| culprit.is_shown_alone && culprit.parts.len() <= TOGETHER),
        largest: largest.map(|one| one.shown.exchange),
        left_out,
        changes,
        places: split.parts,
        requests: case.asked(Ask::Fields).count(),
        culprits: of_limit.chain(others.iter().map(|culprit| smallest_of(culprit))).collect(),
    })
}

/// More places than are searched for are no combination that anyone could name.
fn smallest_of<'e>(culprit: &Culprit<'_, 'e>) -> Smallest<'e> {
    let mut places: Vec<String> = culprit.suspects.iter().map(|part| part.pointer.clone()).collect();
    if places.len() > TOGETHER {
        places = vec![format!(
            "{} places together or their size, of which none could be told apart (up to {TOGETHER} are searched for)",
            places.len()
        )];
    }
    Smallest { places, smallest: Some(culprit.shown.exchange) }
}

/// A value as a sentence can hold it.
fn brief(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    if text.len() <= LONGEST { text } else { format!("{}…", text.chars().take(LONGEST).collect::<String>()) }
}

/// Causes that a server also gives as its reason when a field breaks what stands behind it.
const BROKE: &[Cause] = &[Cause::UpstreamUnavailable, Cause::UpstreamTimeout];

/// True when an answer says that this very body is refused: a client error about it, or a server error that repeats. A break, a hang and a
/// 403 without a reason count only when they repeat often and less of the body was answered meanwhile. Whoever answered the same or more
/// does not refuse it.
fn refuses_body(one: &Try, failed: &[Try], passing: &[Try]) -> bool {
    let shown = one.shown;
    let more = |other: &Try| other.sent.kept.is_superset(&one.sent.kept) && other.sent.changed == one.sent.changed;
    if passing.iter().any(more) || (shown.caused_by(NOT_THE_BODY) && !shown.caused_by(BROKE)) {
        return false;
    }
    let alike = failed.iter().filter(|other| same_words(shown, other.shown)).count();
    let isolated = alike >= 3 && !passing.is_empty();
    let same = |other: &Try| other.shown.id != shown.id && other.sent == one.sent && same_words(shown, other.shown);
    let repeated = failed.iter().any(same);
    match shown.status() {
        Some(401 | 402 | 407 | 408 | 425 | 429) => false,
        Some(403) => shown.error().is_some() && isolated,
        Some(500..) if shown.caused_by(BROKE) => isolated,
        Some(500..) => shown.error().is_some() && (repeated || isolated),
        Some(_) => shown.error().is_some() && !shown.caused_by(BROKE),
        None => isolated && matches!(shown.fault_kind(), Some(FaultKind::NoAnswer | FaultKind::Closed | FaultKind::Reset)),
    }
}

/// The same refusal again, but for numbers and ids in its text.
fn same_words(one: &Shown, other: &Shown) -> bool {
    match (one.error(), other.error()) {
        (Some(_), Some(_)) => auth::alike(one, other),
        (None, None) => !one.answered() && one.status() == other.status() && one.fault_kind() == other.fault_kind(),
        _ => false,
    }
}

/// What every refused request had and no answered one had together: one cause that explains them all, with the smallest that shows it.
fn common<'c, 'e>(failing: &[&Try<'c, 'e>], passing: &[Try]) -> Option<(Places, &'c Shown<'e>)> {
    let common = failing.iter().map(|one| one.sent.kept.clone()).reduce(|all, some| &all & &some)?;
    let explains = !common.is_empty() && !passing.iter().any(|one| common.is_subset(&one.sent.kept));
    let smallest = failing.iter().min_by_key(|one| one.sent.kept.len())?;
    explains.then_some((common, smallest.shown))
}

/// The refused sets that hold no other refused set.
fn smallest<'c, 'e>(failing: &[&Try<'c, 'e>]) -> Vec<(Places, &'c Shown<'e>)> {
    let mut found: Vec<(Places, &Shown)> = Vec::new();
    for one in failing {
        let kept = &one.sent.kept;
        let holds_smaller = failing.iter().any(|other| other.sent.kept.is_subset(kept) && other.sent.kept.len() < kept.len());
        if !holds_smaller && !found.iter().any(|(known, _)| known == kept) {
            found.push((kept.clone(), one.shown));
        }
    }
    found
}

/// What of a refused set is to blame: not what another part of it makes no sense without, when that was answered elsewhere.
fn culprit<'c, 'e>(outline: &Outline, places: &Places, shown: &'c Shown<'e>, failing: &[&Try], passing: &[Try]) -> Culprit<'c, 'e> {
    let passes = |place: usize| passing.iter().any(|one| one.sent.kept.contains(&place));
    let brings = |place: usize, other: usize| outline.links().close(&Places::from([place])).contains(&other);
    // A list and its only element bring each other: then it is the list.
    let brought =
        |place: usize| places.iter().any(|other| *other != place && brings(*other, place) && !(place < *other && brings(place, *other)));
    // A list needs one of its elements, whichever.
    let comes_along = |place: &usize| places.contains(place) || places.iter().any(|outer| outline.is_element_of(*place, *outer));
    let is_shown_alone = failing.iter().any(|one| std::ptr::eq(one.shown, shown) && one.sent.kept.iter().all(comes_along));
    let own: Places = places.iter().copied().filter(|place| !(brought(*place) && passes(*place))).collect();
    // Of what stands inside one refused place, the place itself is enough.
    let outer = |place: usize| outline.links().needs[place].iter().any(|needed| own.contains(needed) && !passes(*needed));
    let own: Places = own.iter().copied().filter(|place| !outer(*place)).collect();
    let part = |place: &usize| Part::at(outline.whole(), outline.pointer(*place));
    let suspects: Vec<Part> = own.iter().filter(|place| !passes(**place)).map(part).collect();
    let parts: Vec<Part> = own.iter().map(part).collect();
    let each_passes = parts.len() > 1 && suspects.is_empty();
    Culprit { suspects: if suspects.is_empty() { parts.clone() } else { suspects }, parts, shown, each_passes, is_shown_alone, places: own }
}

/// The answered request that had everything of the full one but the culprits and what needs them.
fn without<'c, 'e>(
    outline: &Outline,
    culprits: &[Culprit],
    passing: &[Try<'c, 'e>],
    plain: Option<&'c Shown<'e>>,
) -> Option<&'c Shown<'e>> {
    let out = culprits.iter().flat_map(|culprit| &culprit.places);
    let kept = out.fold(outline.all(), |kept, place| outline.links().without(&kept, *place));
    if kept.is_empty() {
        return plain;
    }
    passing.iter().find(|one| kept.is_subset(&one.sent.kept)).map(|one| one.shown)
}

/// How much a refused body matters: an error when the client in question sends it, information when few clients do.
pub(super) fn severity(case: &Case, split: &Split) -> Severity {
    match split.full.ask {
        Ask::RareFields => Severity::Info,
        _ if case.subject().own_body => own_severity(case, split),
        _ => Severity::Warning,
    }
}

/// What the client in question sends for every prompt is an error; what it sends for a feature of its own is a warning.
fn own_severity(case: &Case, split: &Split) -> Severity {
    let Some(client) = clients::named(case) else { return Severity::Error };
    let prompts: Vec<_> = client.prompts().map(|request| profiles::traits(&request.with_model(""))).collect();
    let refused = split.culprits.iter().filter_map(|culprit| culprit.shown.exchange.request.body.as_ref()).map(profiles::traits);
    let mut hits = refused.filter(|refused| prompts.iter().any(|prompt| refused.is_subset(prompt)));
    if hits.next().is_some() { Severity::Error } else { Severity::Warning }
}

impl<'c, 'e> Split<'c, 'e> {
    /// What this part was changed to in an answered request, in words, and that request.
    pub(super) fn other_value(&self, part: &Part) -> Option<(String, &'c Shown<'e>)> {
        let changed = |one: &Try<'c, 'e>| {
            let inside =
                |place: &str| place.strip_prefix(part.pointer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            let outer = |place: &str| place.rsplit_once('/').map(|(outer, _)| outer.to_owned());
            let renames = |place: &str| outer(&part.pointer) == outer(place);
            let beside = |place: &str| renames(place) && part.pointer.matches('/').count() > 1;
            let had = |place: &str| self.outline.whole().pointer(place).is_some();
            let place = one.sent.changed.keys().find(|place| inside(place) && had(place));
            let renamed = || one.sent.changed.keys().find(|place| renames(place) && !had(place) && !self.has(one, &part.pointer));
            let added = || one.sent.changed.keys().find(|place| beside(place) && !had(place));
            let (place, is_new) = place.or_else(renamed).map(|place| (place, false)).or_else(|| added().map(|place| (place, true)))?;
            let before = (!is_new).then_some(part.pointer.as_str());
            Some((self.told(place, &one.sent.changed[place], before), one.shown))
        };
        self.passing.iter().find_map(changed)
    }

    /// The changes of a request in words, and what of the places that it lacks was not just renamed.
    fn changes(&self, one: &Try, mut left_out: Vec<String>) -> (Vec<String>, Vec<String>) {
        let outer = |place: &str| place.rsplit_once('/').map(|(outer, _)| outer.to_owned());
        let told = one.sent.changed.iter().map(|(place, value)| {
            let is_new = self.outline.whole().pointer(place).is_none();
            let before = left_out.iter().position(|before| is_new && outer(before) == outer(place));
            let before = before.map(|at| left_out.remove(at));
            self.told(place, value, before.as_deref())
        });
        (told.collect(), left_out)
    }

    fn has(&self, one: &Try, pointer: &str) -> bool {
        self.outline.at(pointer).is_some_and(|node| one.sent.kept.contains(&node))
    }

    /// A change in words: what it was and what it became; `renamed` is the place whose name it took.
    fn told(&self, place: &str, value: &Value, renamed: Option<&str>) -> String {
        match (self.outline.whole().pointer(place), renamed) {
            (Some(before), _) => format!("Change {place} from {} to {}", brief(before), brief(value)),
            (None, Some(before)) => format!("Rename {before} to {place}"),
            (None, None) => format!("Add {place} with {}", brief(value)),
        }
    }

    /// The answered request that had a member of this name.
    pub(super) fn answered_with(&self, name: &str) -> Option<&'c Shown<'e>> {
        let has = |one: &&Try| one.shown.exchange.request.body.as_ref().is_some_and(|body| body.get(name).is_some());
        self.passing.iter().find(has).map(|one| one.shown)
    }
}
