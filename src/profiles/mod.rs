//! What known clients really send, wait for, retry and show: one data file per client, recorded from the client itself or read from
//! its public source. A file is parsed when its client is asked for.

mod base;
mod files;
mod ledger;
mod recorded;
mod sizes;
mod traits;
mod unions;

pub use base::BaseRule;
pub use ledger::{Forecast, Kind, Ledger, are_plain};
pub use recorded::{Capability, Recorded, Use};
pub use sizes::{Size, Sizes};
pub use traits::{Traits, traits};
pub use unions::{Union, unions};

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use thiserror::Error;
use url::Url;

use crate::evidence::{Dialect, Scheme};
use crate::facts::{self, ClientTimeouts};

/// One client, in one version.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Kebab-case, as in `llmdoctor list clients`.
    pub name: String,
    /// The version that was recorded or read.
    pub version: String,
    /// True when it was run and its requests were recorded; false when they were read from its source or its documentation.
    pub recorded: bool,
    /// Where this comes from.
    pub source: Vec<String>,
    /// How it makes addresses of the base URL that is typed into it.
    pub base: BaseRule,
    /// What it puts behind the base before a route, for [`BaseRule::Root`]: `/v1`.
    #[serde(default)]
    pub adds: String,
    /// How it sends the key, its default first.
    pub auth: Vec<Scheme>,
    /// Headers beyond key and media type, lower-case names, in order; ids are placeholders.
    pub headers: Vec<(String, String)>,
    /// True when its maker's servers send its requests, which reach no private address.
    #[serde(default)]
    pub from_servers: bool,
    /// What its own test of a connection asks.
    pub test: Test,
    /// Requests per prompt: the answer, and titles, follow-ups and the like beside it.
    pub per_prompt: u32,
    /// The setting that changes how long it waits.
    #[serde(default)]
    pub setting: Option<String>,
    /// How it is made to ask another route than its default one.
    #[serde(default)]
    pub instead: Option<String>,
    /// What is sent beside the answer's request for one prompt, in a few words.
    #[serde(default)]
    pub beside: Option<String>,
    /// What it sends in all for one prompt when everything is answered with this status, as far as 100 s show; `400 server_error` is a 400
    /// whose `error.type` says so.
    #[serde(default)]
    pub sends: BTreeMap<String, Sent>,
    /// What its user sees, per fault.
    pub outcomes: Outcomes,
    /// What it sends, the ordinary requests first; empty when nothing of it is public.
    pub requests: Vec<Recorded>,
}

/// How often a client asks for one prompt while all it gets is one and the same refusal.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(from = "(u32, Option<f64>)")]
pub struct Sent {
    /// Requests, the first among them.
    pub requests: u32,
    /// From the first to the last of them, in seconds; `None` when that was not recorded.
    pub seconds: Option<f64>,
}

impl From<(u32, Option<f64>)> for Sent {
    fn from((requests, seconds): (u32, Option<f64>)) -> Self {
        Sent { requests, seconds }
    }
}

/// What a client's own test of a connection asks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// In one word.
    pub asks: TestAsks,
    /// In a few words.
    pub words: String,
}

/// What a client's own test of a connection asks, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestAsks {
    /// There is none.
    None,
    /// The model list.
    Models,
    /// A chat.
    Chat,
    /// There is one, and nobody says what it asks.
    Unknown,
}

/// How a client calls itself to servers, some of which refuse certain names, or who has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// It stands among its headers.
    Known,
    /// It was recorded to send none, so none is sent in its name.
    None,
    /// It was not recorded: requests in its name carry ours, as any made-up one would be no better.
    Unknown,
}

/// What a client's user sees, by the recorded fault: `ok`, `silent_empty`, `error: …`, `loops…`, `never finishes…`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcomes {
    /// Faults of an answer that was asked for as a stream.
    pub stream: BTreeMap<String, String>,
    /// Faults of a plain answer.
    pub plain: BTreeMap<String, String>,
}

/// A name that no profile has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no profile of a client named {name:?}; {}`llmdoctor list clients` names all {}", near_words(.near), files::FILES.len())]
pub struct UnknownClient {
    /// As typed.
    pub name: String,
    /// The closest names, the closest first.
    pub near: Vec<&'static str>,
}

fn near_words(near: &[&str]) -> String {
    if near.is_empty() { String::new() } else { format!("close to it are {}; ", near.join(", ")) }
}

/// The word that stands for all clients where a name is wanted.
pub const ALL: &str = "all";

/// The names of all profiled clients, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    files::FILES.iter().map(|(name, _)| *name)
}

/// The profile of this client; upper and lower case, blanks and underscores make no difference.
pub fn find(name: &str) -> Result<Profile, UnknownClient> {
    let wanted = name.trim().to_lowercase().replace([' ', '_'], "-");
    match files::FILES.iter().find(|(known, _)| *known == wanted) {
        Some((_, text)) => Ok(parsed(text)),
        None => Err(UnknownClient { name: name.to_owned(), near: near(&wanted) }),
    }
}

/// Every profile, parsed one after the other.
pub fn all() -> impl Iterator<Item = Profile> {
    files::FILES.iter().map(|(_, text)| parsed(text))
}

fn parsed(text: &str) -> Profile {
    serde_json::from_str(text).expect("a test parses every profile")
}

/// At most three names: those that contain what was typed, and those that sound like it.
fn near(wanted: &str) -> Vec<&'static str> {
    let likeness = |name: &str| {
        let part = wanted.len() > 2 && (name.contains(wanted) || wanted.contains(name));
        if part { 1.0 } else { strsim::jaro_winkler(name, wanted) }
    };
    let mut near: Vec<(f64, &str)> = names().map(|name| (likeness(name), name)).filter(|(likeness, _)| *likeness > 0.7).collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

impl Profile {
    /// The requests that a plain prompt causes, in its default settings.
    pub fn prompts(&self) -> impl Iterator<Item = &Recorded> {
        self.requests.iter().filter(|request| request.usage == Use::Prompt)
    }

    /// The way of speaking of its ordinary requests; `None` when nothing of it is public.
    pub fn dialect(&self) -> Option<Dialect> {
        self.requests.first().map(Recorded::dialect)
    }

    /// The same by name.
    pub fn dialect_name(&self) -> Option<&'static str> {
        self.dialect().map(Dialect::name)
    }

    /// Its headers beyond key and media type, as they are sent.
    pub fn header_map(&self) -> Vec<(HeaderName, HeaderValue)> {
        let header = |(name, value): &(String, String)| Some((name.parse().ok()?, HeaderValue::from_str(value).ok()?));
        self.headers.iter().filter_map(header).collect()
    }

    /// How it calls itself.
    pub fn agent(&self) -> Agent {
        match self.headers.iter().any(|(name, _)| name == "user-agent") {
            true => Agent::Known,
            false if self.recorded => Agent::None,
            false => Agent::Unknown,
        }
    }

    /// How long it waits; `None` when nothing is known of it.
    pub fn waits(&self) -> Option<&'static ClientTimeouts> {
        facts::client_timeouts().iter().find(|client| client.name == self.name)
    }

    /// The base that its routes hang on when this one is typed into it; whether a slash ended it matters to some.
    pub fn base(&self, typed: &Url, ended_in_slash: bool) -> Url {
        self.base.applied(typed, ended_in_slash, &self.adds)
    }

    /// What to type into it so that its routes hang on this base; `None` when nothing leads there.
    pub fn typed_for(&self, base: &str) -> Option<String> {
        self.base.typed(base, &self.adds)
    }

    /// How long it waits until it sees the first of an answer, in seconds; `None` when it waits for ever or nobody knows.
    pub fn patience(&self) -> Option<f64> {
        let waits = self.waits()?;
        [waits.first_byte, waits.total, waits.idle].into_iter().flatten().min_by(f64::total_cmp)
    }

    /// What one prompt causes when this status comes back, as recorded; `None` when nothing tells. An error whose `type` is `server_error`
    /// makes some clients try again. A status that was not recorded is taken to be treated as all recorded ones of its kind are, where
    /// those agree.
    pub fn sends_on(&self, status: u16, server_error: bool) -> Option<Sent> {
        let labelled = server_error.then(|| self.sends.get(&format!("{status} server_error"))).flatten();
        labelled.or_else(|| self.sends.get(&status.to_string())).copied().or_else(|| self.sends_alike(status, server_error))
    }

    fn sends_alike(&self, status: u16, server_error: bool) -> Option<Sent> {
        let kind: &[&str] = match (status, server_error) {
            (408 | 409 | 429, _) | (..400, _) => return None,
            (400..500, true) => &["400 server_error", "401 server_error", "404 server_error"],
            (400..500, false) => &["400", "401", "403", "404"],
            _ => &["500", "503"],
        };
        let known: Vec<Sent> = kind.iter().filter_map(|key| self.sends.get(*key).copied()).collect();
        let (first, rest) = known.split_first()?;
        rest.iter().all(|other| other.requests == first.requests).then_some(*first)
    }
}

#[cfg(test)]
mod tests;
