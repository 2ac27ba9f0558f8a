//! From what an error says to the failure modes that it points at.

use super::{Cause, rows};
use serde::Deserialize;
use std::sync::LazyLock;

/// What one cause points at.
#[derive(Debug, Deserialize)]
pub struct Meaning {
    /// What the error says.
    pub cause: Cause,
    /// The same as a clause: “the words say that …”.
    pub says: String,
    /// Ids of failure modes, the most frequent first; empty when the cause alone decides nothing.
    pub modes: Vec<String>,
    /// The rung of the ladder that tells them apart.
    pub asks: String,
    /// What that rung sends, and what its answer shows.
    pub tells: String,
}

static MEANINGS: LazyLock<Vec<Meaning>> = LazyLock::new(|| rows(data!("meanings")));

/// What every cause points at.
pub fn meanings() -> &'static [Meaning] {
    &MEANINGS
}

/// What this cause points at; `None` for a cause that the file leaves out, which a test rules out.
pub fn meaning(cause: Cause) -> Option<&'static Meaning> {
    MEANINGS.iter().find(|meaning| meaning.cause == cause)
}

/// Modes that look alike in a paste.
#[derive(Debug, Deserialize)]
struct Neighbours {
    mode: String,
    others: Vec<String>,
}

static NEIGHBOURS: LazyLock<Vec<Neighbours>> = LazyLock::new(|| rows(data!("neighbours")));

/// Ids of the modes that words alone cannot tell from this one, the likeliest first.
pub fn looking_like(mode: &str) -> &'static [String] {
    NEIGHBOURS.iter().find(|row| row.mode == mode).map_or(&[], |row| &row.others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cause_stands_twice() {
        let mut causes: Vec<_> = meanings().iter().map(|meaning| meaning.cause).collect();
        causes.sort();
        causes.dedup();
        assert_eq!(causes.len(), meanings().len());
    }

    #[test]
    fn no_mode_looks_like_itself() {
        let mut seen = std::collections::BTreeSet::new();
        assert!(NEIGHBOURS.iter().all(|row| seen.insert(&row.mode) && !row.others.contains(&row.mode) && !row.others.is_empty()));
        assert_eq!(looking_like("key-rejected")[0], "upstream-auth-failed");
        assert!(looking_like("nothing").is_empty());
    }
}
