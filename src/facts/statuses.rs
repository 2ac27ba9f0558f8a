//! What a status means between a client and a model: who sends it, and which failure modes it comes with.

use super::rows;
use serde::Deserialize;
use std::sync::LazyLock;

/// One status, from `statuses.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// The number.
    pub code: u16,
    /// What stands on the status line, or what it is called.
    pub name: String,
    /// Who sends it.
    pub who: Vec<String>,
    /// Why it is sent.
    pub meaning: String,
    /// Ids of failure modes, the most frequent first.
    pub modes: Vec<String>,
    /// What tells these modes apart.
    pub tells: String,
    /// Where the status is documented.
    pub source: String,
    /// Public threads with it.
    #[serde(default)]
    pub seen: Vec<String>,
}

static STATUSES: LazyLock<Vec<Status>> = LazyLock::new(|| rows(data!("statuses")));

/// Every known status, by number.
pub fn statuses() -> &'static [Status] {
    &STATUSES
}

/// What is known of this status; `None` for one that nobody between a client and a model is known to send.
pub fn status(code: u16) -> Option<&'static Status> {
    STATUSES.iter().find(|row| row.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_usable() {
        assert!(statuses().is_sorted_by(|a, b| a.code < b.code));
        for row in statuses() {
            assert!(row.source.starts_with("https://") && row.seen.iter().all(|url| url.starts_with("https://")), "{}", row.code);
            assert!(!row.who.is_empty() && !row.modes.is_empty() && row.meaning.ends_with('.') && row.tells.ends_with('.'), "{}", row.code);
        }
    }

    #[test]
    fn statuses_outside_the_standard_are_known() {
        for code in [246, 444, 446, 460, 498, 499, 520, 521, 522, 523, 524, 525, 526, 527, 529, 561, 598] {
            assert!(status(code).is_some(), "{code}");
        }
        assert_eq!(status(299), None);
        assert_eq!(status(529).map(|row| row.modes[0].as_str()), Some("upstream-overloaded"));
    }
}
