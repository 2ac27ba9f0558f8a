//! What known clients really send, wait for, retry and show: one data file per client, recorded from the client itself or read from
//! its public source. A file is parsed when its client is asked for.

mod base;
mod files;
mod ledger;
mod recorded;
mod traits;
mod unions;

pub use base::BaseRule;
pub use ledger::{Forecast, Kind, Ledger};
pub use recorded::{Recorded, Use};
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
    /// Requests that it sends in all for one prompt when everything is answered with this status within 100 s; `400 server_error` is a 400
    /// whose `error.type` says so.
    #[serde(default)]
    pub sends: BTreeMap<String, u32>,
    /// What its user sees, per fault.
    pub outcomes: Outcomes,
    /// What it sends, the ordinary requests first; empty when nothing of it is public.
    pub requests: Vec<Recorded>,
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

    /// The way of speaking of its ordinary requests; `None` when nothing of it is public, or it is one that runs cannot speak.
    pub fn dialect(&self) -> Option<Dialect> {
        self.requests.first().and_then(Recorded::dialect)
    }

    /// The same by name, also where runs cannot speak it.
    pub fn dialect_name(&self) -> Option<&'static str> {
        self.requests.first().map(|request| request.dialect().map_or("gemini", Dialect::name))
    }

    /// Its headers beyond key and media type, as they are sent.
    pub fn header_map(&self) -> Vec<(HeaderName, HeaderValue)> {
        let header = |(name, value): &(String, String)| Some((name.parse().ok()?, HeaderValue::from_str(value).ok()?));
        self.headers.iter().filter_map(header).collect()
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

    /// How many requests one prompt causes in all when this status comes back, as recorded; `None` when that was not recorded.
    /// An error whose `type` is `server_error` makes some clients try again.
    pub fn sends_on(&self, status: u16, server_error: bool) -> Option<u32> {
        let labelled = server_error.then(|| self.sends.get(&format!("{status} server_error"))).flatten();
        labelled.or_else(|| self.sends.get(&status.to_string())).copied()
    }
}

#[cfg(test)]
mod tests;
