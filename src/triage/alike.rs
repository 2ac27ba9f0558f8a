//! What looks like a failure: real ones that showed much the same, and modes that words cannot tell apart. They order the places behind what
//! words, signs and rules point at, and where those are silent they say what such a failure turned out to be.

use std::collections::BTreeMap;

use crate::catalogue::{self, FailureMode};
use crate::dialect::ErrorFacts;
use crate::evidence::Dialect;
use crate::facts::{self, Alike, Precedent, Shown};

use super::weigh::MENTIONED;
use super::{Candidate, Form, Grounds, Sighting};

/// What a neighbour counts beside the likeliest mode, by its rank.
const NEIGHBOURS: [f64; 3] = [0.35, 0.2, 0.1];
/// What looks like the likeliest mode is no rival to it: it weighs no more than this share.
const NO_RIVAL: f64 = 0.79;
/// Of a mode of less weight it is doubted that it is likely, when failures like this one mostly turned out to be another.
const FIRM: f64 = 9.0;
/// A mode of less weight gives way to the one that more than [`MOST`] of the nearest turned out to be.
const FEEBLE: f64 = 3.0;
const MOST: f64 = 0.5;
/// A share of the nearest below this is not worth a word.
const WORTH_A_WORD: f64 = 0.16;
/// What all the nearest failures together weigh, where nothing else does: never enough to be likely.
const AGREED: f64 = 2.0;
/// Words of which nobody knows whether they are about a failure must be this near to a real one's.
const NEAR: f32 = 0.5;
/// Longer prose (bytes) is like no failure.
pub const SHORT: usize = 600;

/// What the nearest real failures turned out to be.
#[derive(Default)]
struct Votes {
    nearest: Vec<Alike>,
    unspoken: Vec<Precedent>,
    /// Status of the answer, when it said nothing.
    bare: Option<u16>,
}

/// The candidates with what looks like them behind, or, where nothing points anywhere, what real failures like this one turned out to be.
pub fn joined(mut candidates: Vec<Candidate>, sighting: &Sighting, error: &ErrorFacts, answered: bool) -> Vec<Candidate> {
    if candidates.is_empty() && (answered || !is_failure(sighting, error)) {
        return candidates;
    }
    let votes = if is_long_prose(sighting) || sighting.form == Form::Captured { Votes::default() } else { Votes::of(sighting) };
    if candidates.is_empty() {
        return if votes.may_speak(sighting, error) { votes.alone() } else { candidates };
    }
    let shares = votes.shares();
    if let Some((mode, _)) = shares.first().filter(|(_, share)| candidates[0].weight < FEEBLE && *share > MOST) {
        raise(mode, &mut candidates, &votes);
    }
    if shares.first().is_some_and(|(mode, _)| mode.id != candidates[0].mode.id && candidates[0].weight < FIRM) {
        candidates[0].grounds = Grounds::Doubted;
    }
    let others = candidates.split_off(1);
    let behind = behind(&candidates[0], others, &votes);
    candidates.extend(behind);
    candidates
}

/// Puts the mode that most of the nearest turned out to be first, where what else is pointed at is hardly more than a guess.
fn raise(mode: &'static FailureMode, candidates: &mut Vec<Candidate>, votes: &Votes) {
    let mut first = match candidates.iter().position(|known| known.mode.id == mode.id) {
        Some(place) => candidates.remove(place),
        None => Candidate { mode, weight: 0.0, reasons: Vec::new(), grounds: Grounds::Alike },
    };
    first.weight = candidates.first().map_or(first.weight, |known| known.weight.max(first.weight));
    first.reasons.extend(votes.reason(mode.id));
    candidates.insert(0, first);
}

/// Whether it is prose of some length, which shares words with everything.
fn is_long_prose(sighting: &Sighting) -> bool {
    sighting.form == Form::Text && sighting.status.is_none() && sighting.body.is_none() && sighting.text.len() > SHORT
}

/// Whether anything shows that something failed.
fn is_failure(sighting: &Sighting, error: &ErrorFacts) -> bool {
    let is_log = sighting.form == Form::Log;
    match sighting.status {
        Some(status) => status >= 400 && (!(is_log || is_bare(sighting)) || asks_an_api(sighting)),
        None => sighting.fault.is_some() || sighting.thrown.is_some() || !error.message.is_empty(),
    }
}

/// Whether the request went where chats, lists and the like go, as far as it is shown.
fn asks_an_api(sighting: &Sighting) -> bool {
    sighting.url.as_deref().is_none_or(|url| Dialect::of(url).is_some() || url.contains("/models") || url.contains("/embeddings"))
}

fn is_bare(sighting: &Sighting) -> bool {
    shown(sighting).is_bare()
}

fn shown(sighting: &Sighting) -> Shown<'_> {
    let header = |name| sighting.header(name).unwrap_or_default();
    // A head alone says nothing, whatever stands in it.
    let said = if sighting.status.is_some() && matches!(sighting.form, Form::Http | Form::Curl | Form::Har | Form::Captured) {
        sighting.body.as_deref().unwrap_or_default()
    } else {
        sighting.said()
    };
    Shown {
        status: sighting.status,
        method: sighting.method.as_deref().unwrap_or_default(),
        url: sighting.url.as_deref().unwrap_or_default(),
        stream: sighting.streams(),
        content_type: header("content-type"),
        server: header("server"),
        said,
    }
}

impl Votes {
    fn of(sighting: &Sighting) -> Self {
        let shown = shown(sighting);
        let bare = shown.status.filter(|_| shown.is_bare());
        let unspoken = bare.map(facts::unspoken).unwrap_or_default();
        Votes { nearest: facts::precedents(&shown), unspoken, bare }
    }

    /// Whether the nearest are near enough to speak for this text.
    fn may_speak(&self, sighting: &Sighting, error: &ErrorFacts) -> bool {
        let told = sighting.status.is_some() || sighting.form == Form::Exception || sighting.fault.is_some();
        let said_by_a_program = sighting.form == Form::Json && error.path.len() > 1;
        told || said_by_a_program || self.nearest.first().is_some_and(|alike| alike.likeness >= NEAR)
    }

    /// The share of each mode among the nearest, whose votes count by the square of their likeness.
    fn shares(&self) -> Vec<(&'static FailureMode, f64)> {
        let mut votes: BTreeMap<&str, f64> = BTreeMap::new();
        for alike in &self.nearest {
            *votes.entry(alike.precedent.mode).or_default() += f64::from(alike.likeness).powi(2);
        }
        let all: f64 = votes.values().sum();
        let mut shares: Vec<_> = votes.into_iter().filter_map(|(mode, vote)| Some((catalogue::mode(mode)?, vote / all))).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }

    /// What the nearest turned out to be, where nothing else points anywhere. Of words nothing is said when the nearest scatter; a bare status
    /// means several things by its nature, and the counts say how often.
    fn alone(&self) -> Vec<Candidate> {
        let weighed = |(mode, share): (&'static FailureMode, f64)| {
            let reasons = self.reason(mode.id).into_iter().collect();
            Candidate { mode, weight: MENTIONED + AGREED * share, reasons, grounds: Grounds::Alike }
        };
        let worth = |share: f64| self.bare.is_some() || share >= WORTH_A_WORD;
        self.shares().into_iter().filter(|(_, share)| worth(*share)).map(weighed).collect()
    }

    /// How many failures like this one turned out to be this, and where one was told.
    fn reason(&self, mode: &str) -> Option<String> {
        let alike = self.nearest.iter().filter(|alike| alike.precedent.mode == mode);
        let source = alike.clone().next()?.precedent.source;
        if let Some(status) = self.bare {
            let known = self.unspoken.iter().filter(|known| known.mode == mode).count();
            if known > 0 {
                let all = self.unspoken.len();
                return Some(format!(
                    "of {all} real answers with HTTP {status} that say nothing, {known} turned out to be this ({source})"
                ));
            }
        }
        let all = self.nearest.len();
        Some(format!("of the {all} real failures most like this one, {} turned out to be this ({source})", alike.count()))
    }
}

/// What stands behind the likeliest mode: what else was pointed at, what looks like it, what failures like this one turned out to be.
fn behind(first: &Candidate, others: Vec<Candidate>, votes: &Votes) -> Vec<Candidate> {
    let mut scored: Vec<(f64, Candidate)> = others.into_iter().map(|other| (other.weight / first.weight, other)).collect();
    let neighbours =
        facts::looking_like(first.mode.id).iter().zip(NEIGHBOURS).filter_map(|(id, share)| Some((catalogue::mode(id)?, share)));
    let neighbours = neighbours.map(|(mode, share)| (mode, share, Some(format!("in a paste it looks like {}", first.mode.id))));
    let alike = votes.shares().into_iter().map(|(mode, share)| (mode, share, votes.reason(mode.id)));
    for (mode, share, reason) in neighbours.chain(alike).filter(|(mode, ..)| mode.id != first.mode.id) {
        match scored.iter_mut().find(|(_, known)| known.mode.id == mode.id) {
            Some((score, known)) => {
                *score = (*score + share).min(score.max(NO_RIVAL));
                known.reasons.extend(reason);
            }
            None => {
                let candidate = Candidate { mode, weight: 0.0, reasons: reason.into_iter().collect(), grounds: Grounds::Alike };
                scored.push((share, candidate));
            }
        }
    }
    scored.retain(|(score, _)| *score >= WORTH_A_WORD);
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let weighed = |(score, candidate): (f64, Candidate)| Candidate { weight: MENTIONED.max(first.weight * score), ..candidate };
    scored.into_iter().map(weighed).collect()
}
