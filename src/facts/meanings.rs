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
}
