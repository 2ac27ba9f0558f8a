//! What the tables of facts say about a failure mode: its neighbours, the words that announce it, the settings that bear on it.

use std::collections::BTreeSet;

use crate::facts::{self, Boundary, ClientTimeouts, Meaning};

use super::{CATALOGUE, FailureMode, mode};

/// Modes that one look cannot tell from this one, and what tells them apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Neighbours {
    /// Their ids, the most frequent first.
    pub modes: Vec<&'static str>,
    /// The rung of the ladder that decides.
    pub asks: &'static str,
    /// What it sends, and what the answer shows.
    pub tells: &'static str,
}

/// An error text that announces a mode.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// The row of the table that knows it.
    pub row: &'static str,
    /// A real text on one line.
    pub example: String,
    /// Where it was seen.
    pub source: &'static str,
}

/// A default that bears on a mode.
#[derive(Debug, PartialEq)]
pub struct Setting {
    /// The program, and where the number stands.
    pub name: String,
    /// The default, in words.
    pub value: String,
    /// How to raise it.
    pub raise_with: Option<&'static str>,
    /// Where it is documented.
    pub source: &'static str,
}

/// How many texts announce a mode on its page, at most.
const WORDS: usize = 5;
/// Longest example, in characters.
const EXAMPLE: usize = 150;
/// Clocks shorter than this, in seconds, cut no answer of a model that is worth a line.
const SHORT: f64 = 10.0;

/// The neighbours of a mode, by what tells them apart; those that share its commonest errors first.
pub fn neighbours(of: &FailureMode) -> Vec<Neighbours> {
    let mut sharing: Vec<(usize, &Meaning)> = facts::meanings().iter().filter_map(|row| Some((rank(row, of.id)?, row))).collect();
    sharing.sort_by_key(|(rank, _)| *rank);
    let mut found: Vec<Neighbours> = Vec::new();
    let mut named = BTreeSet::new();
    for (_, row) in sharing {
        let others: Vec<&'static str> = others(row, of.id).filter(|id| named.insert(*id)).collect();
        match found.iter_mut().find(|known| known.tells == row.tells) {
            Some(known) => known.modes.extend(others),
            None if !others.is_empty() => found.push(Neighbours { modes: others, asks: &row.asks, tells: &row.tells }),
            None => {}
        }
    }
    found
}

/// Where the mode stands among those that a cause points at.
fn rank(row: &Meaning, id: &str) -> Option<usize> {
    row.modes.iter().position(|own| own == id)
}

fn others<'a>(row: &'static Meaning, id: &'a str) -> impl Iterator<Item = &'static str> + use<'a> {
    row.modes.iter().map(String::as_str).filter(move |own| *own != id && mode(own).is_some())
}

/// The modes that explain this one away when they are found beside it.
pub fn explained_by(of: &FailureMode) -> Vec<&'static str> {
    CATALOGUE.iter().filter(|other| other.explains.contains(&of.id)).map(|other| other.id).collect()
}

/// The statuses that a mode comes with, those where it is most frequent first.
pub fn statuses_of(of: &FailureMode) -> Vec<u16> {
    let place = |row: &facts::Status| row.modes.iter().position(|own| own == of.id);
    let mut found: Vec<(usize, &facts::Status)> = facts::statuses().iter().filter_map(|row| Some((place(row)?, row))).collect();
    // Among equals, the status with more modes is the commoner one.
    found.sort_by_key(|(place, row)| (*place, std::cmp::Reverse(row.modes.len())));
    found.into_iter().map(|(_, row)| row.code).collect()
}

/// The headers that bear on a mode, those that are about it first.
pub fn headers_of(of: &FailureMode) -> Vec<&'static str> {
    let place = |row: &facts::HeaderFact| row.modes.iter().position(|own| own == of.id);
    let mut found: Vec<(usize, &'static str)> =
        facts::header_facts().iter().filter_map(|row| Some((place(row)?, row.name.as_str()))).collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, name)| name).collect()
}

/// Error texts that announce a mode: those whose cause points at it first, then signs of their own; at most five, each cause first once.
pub fn words(of: &FailureMode) -> Vec<Words> {
    let first = |row: &&facts::TextRow| facts::meaning(row.cause).and_then(|meaning| rank(meaning, of.id)) == Some(0);
    let rows: Vec<&facts::TextRow> = facts::texts().iter().filter(first).filter(|row| !row.example.is_empty()).collect();
    let mut causes = BTreeSet::new();
    let (fresh, more): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| causes.insert(row.cause));
    let texts = fresh.into_iter().chain(more).map(|row| (row.id, row.example, row.source));
    let signs = facts::sign_texts().iter().filter(|row| row.mode == of.id && !row.example.is_empty());
    let signs = signs.map(|row| (row.id, row.example, row.source));
    texts.chain(signs).take(WORDS).map(|(row, example, source)| Words { row, example: one_line(example), source }).collect()
}

/// The text on one line, cut where it is too long.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXAMPLE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// Defaults that bear on a mode: clocks of boxes on the way, or waits of clients, the shortest first.
pub fn settings(of: &FailureMode) -> Vec<Setting> {
    match of.id {
        "timeout-boundary" => {
            let common = |row: &&Boundary| row.known && row.scope.runs_during_an_answer() && row.seconds >= SHORT && !is_client(row);
            facts::boundaries().iter().filter(common).map(of_box).collect()
        }
        "client-timeout-too-short" => {
            let sdks =
                facts::boundaries().iter().filter(|row| is_client(row) && row.known && row.scope.runs_during_an_answer()).map(of_box);
            let mut clients: Vec<&ClientTimeouts> = facts::client_timeouts().iter().collect();
            clients.sort_by(|a, b| shortest(a).total_cmp(&shortest(b)));
            clients.into_iter().filter_map(of_client).chain(sdks).collect()
        }
        _ => Vec::new(),
    }
}

fn is_client(row: &Boundary) -> bool {
    matches!(row.kind.as_str(), "sdk" | "http-client" | "client")
}

fn of_box(row: &'static Boundary) -> Setting {
    let status = row.status.map(|status| format!(", then {status}")).unwrap_or_default();
    Setting {
        name: format!("{}, {}", row.box_, row.setting),
        value: format!("{} s {}{status}", row.seconds, row.scope.words()),
        raise_with: row.raise_with.as_deref(),
        source: &row.source,
    }
}

/// The clock of a client that ends first, in seconds.
fn shortest(row: &ClientTimeouts) -> f64 {
    [row.first_byte, row.idle, row.total].into_iter().flatten().fold(f64::INFINITY, f64::min)
}

/// The waits of a client that end an answer; `None` when none is known.
fn of_client(row: &'static ClientTimeouts) -> Option<Setting> {
    let clocks = [("to the first byte", row.first_byte), ("of silence", row.idle), ("for the whole answer", row.total)];
    let known: Vec<String> = clocks.iter().filter_map(|(name, seconds)| seconds.map(|seconds| format!("{seconds} s {name}"))).collect();
    (!known.is_empty()).then(|| Setting { name: row.name.clone(), value: known.join(", "), raise_with: None, source: &row.source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str) -> &'static FailureMode {
        mode(id).expect("a mode")
    }

    #[test]
    fn a_mode_is_no_neighbour_of_itself_and_names_each_other_once() {
        for mode in CATALOGUE {
            let ids: Vec<_> = neighbours(mode).into_iter().flat_map(|row| row.modes).collect();
            assert!(!ids.contains(&mode.id));
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{}", mode.id);
        }
        assert!(neighbours(of("key-rejected")).iter().any(|row| row.modes.contains(&"upstream-auth-failed")));
    }

    #[test]
    fn words_are_few_short_and_on_one_line() {
        for mode in CATALOGUE {
            let words = words(mode);
            assert!(words.len() <= WORDS, "{}", mode.id);
            assert!(words.iter().all(|row| row.example.chars().count() <= EXAMPLE + 1 && !row.example.contains('\n')), "{}", mode.id);
        }
        assert!(!words(of("credits-exhausted")).is_empty());
    }

    #[test]
    fn clocks_stand_with_the_modes_of_time() {
        assert!(settings(of("timeout-boundary")).iter().any(|row| row.name.starts_with("nginx, proxy_read_timeout")));
        assert!(settings(of("client-timeout-too-short")).iter().any(|row| row.name == "cursor" || row.name == "openai-python"));
        assert!(settings(of("key-missing")).is_empty());
        assert!(explained_by(of("intermittent-failure")).contains(&"rate-limited"));
    }

    #[test]
    fn tables_of_facts_name_modes_that_exist() {
        let statuses = facts::statuses().iter().flat_map(|row| &row.modes);
        let headers = facts::header_facts().iter().flat_map(|row| &row.modes);
        let codes = facts::vendor_codes().iter().flat_map(|row| &row.modes);
        for id in statuses.chain(headers).chain(codes) {
            assert!(mode(id).is_some(), "{id} is no failure mode");
        }
    }
}
