//! What a header means between a client and a model. Limits stand in `ratelimits.toml`, marks of programs in `fingerprints.toml`.

use super::{fits, rows};
use serde::Deserialize;
use std::sync::LazyLock;

/// One header, or a family of them, from `headers.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HeaderFact {
    /// The name in lower case, with `*` for any text.
    pub name: String,
    /// Who sends it.
    pub who: Vec<String>,
    /// What it says.
    pub meaning: String,
    /// How its value is written, where that is not plain.
    pub unit: Option<String>,
    /// Ids of failure modes that it bears on; empty when it is for support only.
    pub modes: Vec<String>,
    /// Where it is documented.
    pub source: String,
}

static HEADERS: LazyLock<Vec<HeaderFact>> = LazyLock::new(|| rows(data!("headers")));

/// Every known header, in the order of the file.
pub fn header_facts() -> &'static [HeaderFact] {
    &HEADERS
}

/// What is known of a header; `name` in lower case, or a pattern as it stands in the file.
pub fn header_fact(name: &str) -> Option<&'static HeaderFact> {
    HEADERS.iter().find(|row| row.name == name).or_else(|| HEADERS.iter().find(|row| fits(&row.name, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_usable() {
        let mut names = std::collections::BTreeSet::new();
        for row in header_facts() {
            assert!(names.insert(&row.name), "{} stands twice", row.name);
            assert!(row.source.starts_with("https://"), "{} has no source", row.name);
            assert!(row.name == row.name.to_lowercase() && !row.who.is_empty() && row.meaning.ends_with('.'), "{}", row.name);
        }
    }

    #[test]
    fn a_header_of_a_family_is_known_by_the_family() {
        let name = |name| header_fact(name).map(|row| row.name.as_str());
        assert_eq!(name("x-litellm-response-cost"), Some("x-litellm-*"));
        assert_eq!(name("x-litellm-*"), Some("x-litellm-*"));
        assert_eq!(name("x-ratelimit-reset-tokens"), Some("x-ratelimit-reset-*"));
        assert_eq!(name("nonsense"), None);
    }
}
