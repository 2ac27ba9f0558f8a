//! What a paste comes to: the failure modes of all its sightings, the likeliest of each first.

use crate::catalogue::{Certainty, FailureMode};
use crate::facts;
use crate::target::base_of;

use super::alike::SHORT;
use super::particulars::{Particulars, particulars};
use super::weigh::{LIKELY, LONGEST_TALE, MENTIONED, Weighed};
use super::{Candidate, Form, Grounds, Sighting, Unreadable, sightings, weigh};

/// A paste with its failures and what they point at.
pub struct Triage {
    /// What stands in the paste, in its order, with what each piece points at.
    pub seen: Vec<(Sighting, Weighed)>,
}

/// A failure mode that a paste points at.
pub struct Named {
    /// The mode.
    pub mode: &'static FailureMode,
    /// [`Certainty::Certain`] is never reached: a paste has no control.
    pub certainty: Certainty,
    /// What points at it, the strongest first.
    pub reasons: Vec<String>,
    /// What follows from the sighting itself.
    pub particulars: Particulars,
    /// Indices into [`Triage::seen`].
    pub cites: Vec<usize>,
    /// The likelier mode for the same sighting, when this one is only its alternative.
    pub instead_of: Option<&'static str>,
    /// What would settle it.
    pub settle: Settle,
    /// What it stands on.
    pub grounds: Grounds,
}

/// What would settle what a paste leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settle {
    /// The rung of the ladder that decides.
    pub rung: &'static str,
    /// What that rung sends, and what its answer shows.
    pub tells: &'static str,
    /// The words of the command that does it; `URL`, `MODEL` and `FILE` stand for what the paste doesn't show.
    pub command: Vec<String>,
}

/// No more alternatives are named for one sighting.
const ALTERNATIVES: usize = 2;
/// An alternative that weighs less than this share of the first is left out.
const WORTH_NAMING: f64 = 0.15;
/// A rival of this share keeps a mode from being likely.
const RIVAL: f64 = 0.8;

impl Triage {
    /// Reads a paste.
    ///
    /// # Errors
    /// When the paste is no text, empty or too long.
    pub fn of(paste: &[u8]) -> Result<Self, Unreadable> {
        let weighed = |sighting: Sighting| {
            let weighed = weigh(&sighting);
            (sighting, weighed)
        };
        Ok(Triage { seen: sightings(paste)?.into_iter().map(weighed).collect() })
    }

    /// The modes: likely ones before possible ones, else in the order of the paste; alternatives right below the mode that they rival.
    pub fn named(&self) -> Vec<Named> {
        let mut groups: Vec<Vec<Named>> = Vec::new();
        for index in 0..self.seen.len() {
            let Some(group) = self.group(index) else { continue };
            match groups.iter_mut().find(|known| known[0].mode.id == group[0].mode.id) {
                Some(known) => known[0].seen_again(index, &group[0]),
                None => groups.push(group),
            }
        }
        let is_decided = |group: &Vec<Named>| group[0].grounds != Grounds::Alike;
        if groups.iter().any(is_decided) {
            // Beside what is known, guesses at other pieces are noise.
            groups.retain(is_decided);
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group[0].certainty));
        let roots: Vec<_> = groups.iter().map(|group| group[0].mode.id).collect();
        groups.into_iter().flatten().filter(|named| named.instead_of.is_none() || !roots.contains(&named.mode.id)).collect()
    }

    /// What one sighting points at; `None` when it decides nothing.
    fn group(&self, index: usize) -> Option<Vec<Named>> {
        let (sighting, weighed) = &self.seen[index];
        if is_beside_the_point(sighting) {
            return None;
        }
        let first = weighed.candidates.first().filter(|first| first.weight >= MENTIONED)?;
        let rivals = weighed.candidates[1..].iter().filter(|other| other.weight >= MENTIONED.max(first.weight * WORTH_NAMING));
        let certainty = certainty(first, weighed.candidates.get(1));
        let root = self.named_one(index, sighting, first, certainty, None);
        let others =
            rivals.take(ALTERNATIVES).map(|other| self.named_one(index, sighting, other, Certainty::Possible, Some(first.mode.id)));
        Some(std::iter::once(root).chain(others).collect())
    }

    fn named_one(
        &self,
        index: usize,
        sighting: &Sighting,
        candidate: &Candidate,
        certainty: Certainty,
        instead_of: Option<&'static str>,
    ) -> Named {
        let (mode, reasons) = (candidate.mode, candidate.reasons.clone());
        let particulars = particulars(mode, sighting, &self.seen[index].1);
        let grounds = candidate.grounds;
        Named { mode, certainty, reasons, particulars, cites: vec![index], instead_of, settle: settle(mode, sighting), grounds }
    }
}

impl Named {
    fn seen_again(&mut self, index: usize, again: &Named) {
        self.cites.push(index);
        if self.grounds == Grounds::Alike {
            self.grounds = again.grounds;
        }
        self.certainty = self.certainty.max(again.certainty);
    }
}

/// Whether it is a text of some length without an answer in it that tells of no chat, or a long one: such texts hold any word somewhere.
fn is_beside_the_point(sighting: &Sighting) -> bool {
    let told = sighting.form == Form::Text && sighting.body.is_none() && sighting.fault.is_none() && sighting.thrown.is_none();
    let long = sighting.text.len() > LONGEST_TALE && sighting.status.is_none();
    told && (long || sighting.text.len() > SHORT && !tells_of_a_chat(&sighting.text))
}

fn tells_of_a_chat(text: &str) -> bool {
    let text = text.to_lowercase();
    FIELD.iter().any(|word| text.contains(word))
}

/// Whoever tells of a failing chat at some length says at least one of these.
const FIELD: [&str; 24] = [
    "llm",
    "openai",
    "anthropic",
    "claude",
    "chatgpt",
    "gpt-",
    "gemini",
    "ollama",
    "llama",
    "mistral",
    "qwen",
    "deepseek",
    "kimi",
    "copilot",
    "chat completion",
    "/completions",
    "/v1",
    "base url",
    "base_url",
    "baseurl",
    "api key",
    "api_key",
    "apikey",
    "one-api",
];

fn certainty(first: &Candidate, second: Option<&Candidate>) -> Certainty {
    let rivalled = second.is_some_and(|second| second.weight > first.weight * RIVAL);
    if first.weight >= LIKELY && !rivalled && first.grounds == Grounds::Shown { Certainty::Likely } else { Certainty::Possible }
}

/// What decides about a mode: the rung of the first cause that mostly means it, else the one of its family.
fn settle(mode: &'static FailureMode, sighting: &Sighting) -> Settle {
    let meant = facts::meanings().iter().find(|meaning| meaning.modes.first().is_some_and(|first| first == mode.id));
    let (rung, tells) = meant.map_or_else(|| of_family(mode.family), |meaning| (meaning.asks.as_str(), meaning.tells.as_str()));
    Settle { rung, tells, command: command(rung, sighting) }
}

fn of_family(family: &str) -> (&'static str, &'static str) {
    match family {
        "reach" => ("address", "Name, connection and TLS, step by step, from the machine that the client runs on."),
        "address" => ("bases", "The neighbouring base URLs: with and without /v1, without the pasted route, without doubled parts."),
        "key" => ("keys", "The same request without a key, with a garbage key and with the key in another header."),
        "model" => ("names", "The model list, a close name of it, and a name that cannot exist."),
        "body" => ("fields", "The minimal body, then the fields that clients send, halved until one remains."),
        "stream" => ("stream", "The same request streamed and not streamed, with the time of every chunk."),
        "time" => ("sweep", "Longer and longer answers, streamed and not, until one is cut."),
        _ => ("chat", "The smallest request that a client would send, twice."),
    }
}

/// The words of the check that asks the endpoint of a sighting, as far as the paste shows it.
pub fn check(sighting: &Sighting) -> Vec<String> {
    command("chat", sighting)
}

/// `llmdoctor check`, or `bisect` where a part of the request is in doubt, with what the paste shows of the endpoint.
fn command(rung: &str, sighting: &Sighting) -> Vec<String> {
    let base = sighting.url.as_deref().and_then(|url| url::Url::parse(url).ok()).filter(url::Url::has_host);
    let base = base.map_or_else(|| "URL".to_owned(), |url| base_of(&url).to_string());
    let model = sighting.model().unwrap_or("MODEL");
    let subcommand = if rung == "fields" { "bisect" } else { "check" };
    let mut words = ["llmdoctor", subcommand, "--base-url", base.trim_end_matches('/'), "--model", model].map(str::to_owned).to_vec();
    let more: &[&str] = match rung {
        "sweep" => &["--sweep-max", "330"],
        "burst" => &["--burst", "8"],
        "fields" => &["--body", "FILE"],
        _ => &["--quick"],
    };
    words.extend(more.iter().map(|word| (*word).to_owned()));
    words
}
