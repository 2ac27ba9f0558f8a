//! What the rules about request bodies share: which smallest parts of a body are refused, read off the requests that were sent.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Case, Severity, Shown, auth, clients};
use crate::dialect::requests;
use crate::evidence::{Ask, Dialect, FaultKind};
use crate::facts::{self, Cause};
use crate::profiles;

/// One part of a body beyond `model` and plain messages of the user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// What it is called: a member's name, `role=system`, `content[]`, `message.name`.
    pub name: String,
    /// The member's value as text; empty for parts of messages.
    pub value: String,
}

/// The parts of one body.
pub(super) type Parts = BTreeSet<Part>;

/// The smallest refused set of parts, and the request that shows it.
pub(super) struct Culprit<'c, 'e> {
    /// What is refused.
    pub parts: Parts,
    /// The smallest request that was refused for it.
    pub shown: &'c Shown<'e>,
    /// True when each part was also seen in a request that was answered.
    pub each_passes: bool,
    /// True when the request that shows it had nothing else.
    pub is_shown_alone: bool,
    /// Parts of the set that no answered request had; all of them when the set could not be made smaller.
    pub suspects: Parts,
}

/// What the requests with more fields show together.
pub(super) struct Split<'c, 'e> {
    /// The first refused request: everything at once.
    pub full: &'c Shown<'e>,
    /// The smallest refused sets.
    pub culprits: Vec<Culprit<'c, 'e>>,
    /// How many requests were refused over their body.
    pub refusals: usize,
    /// The request that was answered with everything but the culprits; the plain chat, when nothing else is left.
    pub rest: Option<&'c Shown<'e>>,
    passing: Vec<(Parts, &'c Shown<'e>)>,
}

/// Members that make no sense without another one.
const NEEDS: [(&str, &str); 4] =
    [("stream_options", "stream"), ("tool_choice", "tools"), ("parallel_tool_calls", "tools"), ("top_logprobs", "logprobs")];

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

fn split_of<'c, 'e>(case: &'c Case<'e>, ask: Ask) -> Option<Split<'c, 'e>> {
    let tries: Vec<&Shown> = case.asked(ask).collect();
    let failing: Vec<&Shown> = tries.iter().copied().filter(|shown| refuses_body(shown, &tries)).collect();
    let full = failing.iter().copied().max_by_key(|shown| parts_of(shown).len())?;
    let passing: Vec<_> = tries.iter().copied().filter(|shown| shown.answered()).map(|shown| (parts_of(shown), shown)).collect();
    let sets = common(&failing, &passing).map_or_else(|| smallest(&failing), |found| vec![found]);
    let culprits: Vec<_> = sets.into_iter().map(|(parts, shown)| culprit(parts, shown, &passing)).collect();
    let rest = without(&parts_of(full), &culprits, &passing, case.chat().answer());
    Some(Split { full, culprits, refusals: failing.len(), rest, passing })
}

/// Causes that a server also gives as its reason when a field breaks what stands behind it.
const BROKE: &[Cause] = &[Cause::UpstreamUnavailable, Cause::UpstreamTimeout];

/// True when an answer says that this very body is refused: a client error about it, or a server error that repeats. A break, a hang and a
/// 403 without a reason count only when they repeat often and less of the body was answered meanwhile. Whoever answered the same or more
/// does not refuse it.
fn refuses_body(shown: &Shown, tries: &[&Shown]) -> bool {
    let parts = parts_of(shown);
    let contradicted = tries.iter().any(|other| other.answered() && parts_of(other).is_superset(&parts));
    if contradicted || (shown.caused_by(NOT_THE_BODY) && !shown.caused_by(BROKE)) {
        return false;
    }
    let alike = tries.iter().filter(|other| same_words(shown, other)).count();
    let isolated = alike >= 3 && tries.iter().any(|other| other.answered());
    let repeated = tries.iter().any(|other| other.id != shown.id && parts_of(other) == parts && same_words(shown, other));
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
fn common<'c, 'e>(failing: &[&'c Shown<'e>], passing: &[(Parts, &Shown)]) -> Option<(Parts, &'c Shown<'e>)> {
    let sets = failing.iter().map(|shown| parts_of(shown));
    let common = sets.reduce(|all, some| &all & &some)?;
    let explains = !common.is_empty() && !passing.iter().any(|(parts, _)| common.is_subset(parts));
    let shown = failing.iter().copied().min_by_key(|shown| parts_of(shown).len())?;
    explains.then_some((common, shown))
}

/// The refused sets that hold no other refused set.
fn smallest<'c, 'e>(failing: &[&'c Shown<'e>]) -> Vec<(Parts, &'c Shown<'e>)> {
    let sets: Vec<_> = failing.iter().map(|shown| (parts_of(shown), *shown)).collect();
    let mut found: Vec<(Parts, &Shown)> = Vec::new();
    for (parts, shown) in &sets {
        let holds_smaller = sets.iter().any(|(other, _)| other.is_subset(parts) && other.len() < parts.len());
        if !holds_smaller && !found.iter().any(|(known, _)| known == parts) {
            found.push((parts.clone(), shown));
        }
    }
    found
}

fn culprit<'c, 'e>(parts: Parts, shown: &'c Shown<'e>, passing: &[(Parts, &'c Shown<'e>)]) -> Culprit<'c, 'e> {
    let passes = |part: &Part| passing.iter().any(|(other, _)| other.contains(part));
    let carried =
        |part: &Part| passes(part) && NEEDS.iter().any(|(name, base)| *base == part.name && parts.iter().any(|other| other.name == *name));
    let is_shown_alone = parts_of(shown) == parts;
    let parts: Parts = parts.iter().filter(|part| !carried(part)).cloned().collect();
    let suspects: Parts = parts.iter().filter(|part| !passes(part)).cloned().collect();
    let each_passes = parts.len() > 1 && suspects.is_empty();
    Culprit { suspects: if suspects.is_empty() { parts.clone() } else { suspects }, parts, shown, each_passes, is_shown_alone }
}

/// The answered request that had everything of the full one but the culprits and what needs them.
fn without<'c, 'e>(
    full: &Parts,
    culprits: &[Culprit],
    passing: &[(Parts, &'c Shown<'e>)],
    plain: Option<&'c Shown<'e>>,
) -> Option<&'c Shown<'e>> {
    let out: BTreeSet<&str> = culprits.iter().flat_map(|culprit| &culprit.parts).map(|part| part.name.as_str()).collect();
    let needs_out = |part: &Part| NEEDS.iter().any(|(name, base)| *name == part.name && out.contains(base));
    let kept: Vec<&Part> = full.iter().filter(|part| !out.contains(part.name.as_str()) && !needs_out(part)).collect();
    if kept.is_empty() {
        return plain;
    }
    passing.iter().find(|(parts, _)| kept.iter().all(|part| parts.contains(part))).map(|(_, shown)| *shown)
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
    /// The answered requests that had this member with another value.
    pub(super) fn other_values(&self, part: &Part) -> impl Iterator<Item = &'c Shown<'e>> {
        let other =
            move |parts: &Parts| !part.value.is_empty() && parts.iter().any(|other| other.name == part.name && other.value != part.value);
        self.passing.iter().filter(move |(parts, _)| other(parts)).map(|(_, shown)| *shown)
    }

    /// The answered request that had a member of this name.
    pub(super) fn answered_with(&self, name: &str) -> Option<&'c Shown<'e>> {
        self.passing.iter().find(|(parts, _)| parts.iter().any(|part| part.name == name)).map(|(_, shown)| *shown)
    }
}

/// The parts of a request's body.
pub(super) fn parts_of(shown: &Shown) -> Parts {
    let Some(Value::Object(body)) = &shown.exchange.request.body else { return Parts::new() };
    let asked = Dialect::of(&shown.exchange.request.url).unwrap_or_default();
    let members = body.iter().filter(|(name, _)| !requests::needed(asked).contains(&name.as_str()));
    let members = members.map(|(name, value)| Part { name: name.clone(), value: value.to_string() });
    let messages = body.get("messages").and_then(Value::as_array).into_iter().flatten();
    members.chain(messages.flat_map(parts_of_message)).collect()
}

fn parts_of_message(message: &Value) -> Vec<Part> {
    let role = message["role"].as_str().filter(|role| *role != "user").map(|role| format!("role={role}"));
    let content = match &message["content"] {
        Value::Array(_) => Some("content[]".to_owned()),
        Value::Null => Some("content=null".to_owned()),
        _ => None,
    };
    let others = message.as_object().into_iter().flat_map(|members| members.keys());
    let others = others.filter(|name| *name != "role" && *name != "content").map(|name| format!("message.{name}"));
    role.into_iter().chain(content).chain(others).map(|name| Part { name, value: String::new() }).collect()
}

/// Where a part stands in a request's body, as a JSON pointer.
pub(super) fn pointer(part: &Part, shown: &Shown) -> String {
    let messages = shown.exchange.request.body.as_ref().and_then(|body| body["messages"].as_array());
    let has = |message: &Value| parts_of_message(message).contains(part);
    match messages.and_then(|messages| messages.iter().position(has)) {
        Some(index) => format!("/messages/{index}/{}", member(&part.name)),
        None => format!("/{}", part.name.replace('~', "~0").replace('/', "~1")),
    }
}

/// The message's member that a part is about.
fn member(name: &str) -> &str {
    match name {
        _ if name.starts_with("role=") => "role",
        _ if name.starts_with("content") => "content",
        _ => name.trim_start_matches("message."),
    }
}

/// True for parts of an earlier turn: what the assistant or a tool said, and what hangs on it.
pub(super) fn is_history(part: &Part) -> bool {
    part.name.starts_with("message.") || matches!(part.name.as_str(), "role=assistant" | "role=tool" | "role=function" | "content=null")
}

/// The places in a request's messages that its refusal names, by `param`, by what the facts read, or in quotes; as JSON pointers.
pub(super) fn named_places(shown: &Shown) -> Vec<String> {
    let Some((body, error)) = shown.exchange.request.body.as_ref().zip(shown.error()) else { return Vec::new() };
    let read = shown.causes.iter().filter_map(|reading| reading.named.clone());
    let quoted = error.message.split(['\'', '"', '`']).skip(1).step_by(2).map(str::to_owned);
    let words = error.param.iter().cloned().chain(read).chain(quoted).map(|word| facts::json_pointer(&word));
    let mut places: Vec<String> = words.filter(|place| place.starts_with("/messages/") && body.pointer(place).is_some()).collect();
    places.sort();
    places.dedup();
    places
}

/// What clients send in this part, as the table of clients writes it.
pub(super) fn habit(part: &Part) -> String {
    match part.name.as_str() {
        "content[]" => "/messages/*/content/*".to_owned(),
        "content=null" => "/messages/*/content=null".to_owned(),
        name if name.starts_with("role=") => format!("/messages/*/{name}"),
        name if name.starts_with("message.") => format!("/messages/*/{}", &name[8..]),
        name => format!("/{name}"),
    }
}

/// What a refusal names that was not sent: a default of the server takes part. As a JSON pointer. `stream_options` has no default;
/// when that was not sent, somebody in between added it.
pub(super) fn unsent(shown: &Shown) -> Option<String> {
    let body = shown.exchange.request.body.as_ref()?;
    let about_both = shown.causes.first().filter(|reading| reading.cause == Cause::FieldCombination)?;
    let named = about_both.named.as_ref().filter(|named| named.starts_with('/') && *named != "/stream_options")?;
    body.pointer(named).is_none().then(|| named.clone())
}

/// Where two values differ, as JSON pointers below `at`: what `one` has and `other` lacks, or has otherwise.
pub(super) fn differences(one: &Value, other: &Value, at: &str) -> Vec<String> {
    let step = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    match (one, other) {
        _ if one == other => Vec::new(),
        (Value::Object(members), Value::Object(_)) => {
            members.iter().flat_map(|(name, value)| differences(value, &other[name.as_str()], &step(name))).collect()
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => items
            .iter()
            .zip(others)
            .enumerate()
            .flat_map(|(index, (item, other))| differences(item, other, &step(&index.to_string())))
            .collect(),
        _ => vec![at.to_owned()],
    }
}

/// True for requests as clients send them: plain, streamed, or with typical fields; not for those that are long on purpose.
pub(super) fn is_ordinary(shown: &Shown) -> bool {
    matches!(shown.ask, Ask::Chat | Ask::ChatStream | Ask::ChatStreamIdentity | Ask::ChatStreamFalse | Ask::Fields | Ask::Burst)
}

/// The length of a request's body in bytes.
pub(super) fn length(shown: &Shown) -> usize {
    shown.exchange.request.body.as_ref().map_or(0, |body| body.to_string().len())
}
