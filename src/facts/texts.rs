//! The rows of `errors.toml`, `signs/*.toml` and `wrappers.toml` as something to be read by people: words, codes, examples, sources.
//!
//! They are read a second time here, because those who judge an answer need no examples and should not pay for them.

use super::{Cause, Strength, rows, signs};
use serde::Deserialize;
use std::sync::LazyLock;

/// One kind of error text.
#[derive(Debug, Deserialize)]
pub struct TextRow {
    /// Stable name of the row.
    pub id: String,
    /// What the error says.
    pub cause: Cause,
    /// How surely.
    pub strength: Strength,
    /// The gateway that writes it.
    pub speaker: Option<String>,
    /// Values of `error.code` or `error.type`.
    #[serde(default)]
    pub codes: Vec<String>,
    /// Statuses that it must come with; empty for any.
    #[serde(default)]
    pub status: Vec<u16>,
    /// A real text; empty for an error that is known by its headers.
    pub example: String,
    /// Where it was documented or seen.
    pub source: String,
}

/// A text that points at a failure mode by itself.
#[derive(Debug, Deserialize)]
pub struct SignText {
    /// Stable name of the row.
    pub id: String,
    /// Id of the failure mode.
    pub mode: String,
    /// A real text; empty for a sign that is no text.
    #[serde(default)]
    pub example: String,
    /// Where it was documented or seen.
    pub source: String,
}

/// How a gateway repeats what its provider said.
#[derive(Debug, Deserialize)]
pub struct QuoteText {
    /// Stable name of the row; it begins with the gateway's name.
    pub id: String,
    /// A real text.
    pub example: String,
    /// Where it was documented or seen.
    pub source: String,
}

static TEXTS: LazyLock<Vec<TextRow>> = LazyLock::new(|| rows(data!("errors")));
static SIGNS: LazyLock<Vec<SignText>> =
    LazyLock::new(|| signs::FILES.iter().chain([&signs::HEARSAY]).flat_map(|file| rows(file)).collect());
static QUOTES: LazyLock<Vec<QuoteText>> = LazyLock::new(|| rows(data!("wrappers")));

/// Every kind of error text, in the order of the file.
pub fn texts() -> &'static [TextRow] {
    &TEXTS
}

/// Every sign, by family.
pub fn sign_texts() -> &'static [SignText] {
    &SIGNS
}

/// Every way of quoting a provider.
pub fn quote_texts() -> &'static [QuoteText] {
    &QUOTES
}

/// The rows that know this `error.code` or `error.type`, in any case.
pub fn texts_of_code(code: &str) -> Vec<&'static TextRow> {
    TEXTS.iter().filter(|row| row.codes.iter().any(|own| own.eq_ignore_ascii_case(code))).collect()
}

/// The rows that want this status.
pub fn texts_of_status(status: u16) -> Vec<&'static TextRow> {
    TEXTS.iter().filter(|row| row.status.contains(&status)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_shown() {
        assert!(texts().iter().all(|row| row.source.starts_with("https://")));
        assert!(sign_texts().iter().all(|row| row.source.starts_with("https://")));
        assert!(quote_texts().iter().all(|row| !row.example.is_empty() && row.source.starts_with("https://")));
    }

    #[test]
    fn codes_are_found_in_any_case() {
        let causes = |code| texts_of_code(code).iter().map(|row| row.cause).collect::<Vec<_>>();
        assert!(causes("Insufficient_Quota").contains(&Cause::CreditsExhausted));
        assert!(causes("1302").contains(&Cause::ConcurrencyLimited));
        assert!(causes("").is_empty() && !texts_of_status(503).is_empty());
    }
}
