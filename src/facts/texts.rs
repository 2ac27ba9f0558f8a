//! The rows of `errors.toml`, `signs/*.toml` and `wrappers.toml` as something to be read by people: words, codes, examples, sources.

use super::Words;
use super::errors::ERRORS;
use super::signs::{SIGNS, TOLD};
use super::wrappers::WRAPPERS;
use super::{Cause, Strength};
use std::sync::LazyLock;

/// One kind of error text.
#[derive(Debug)]
pub struct TextRow {
    /// Stable name of the row.
    pub id: &'static str,
    /// What the error says.
    pub cause: Cause,
    /// How surely.
    pub strength: Strength,
    /// The gateway that writes it.
    pub speaker: Option<&'static str>,
    /// Values of `error.code` or `error.type`.
    pub codes: Words,
    /// Statuses that it must come with; empty for any.
    pub status: &'static [u16],
    /// A real text; empty for an error that is known by its headers.
    pub example: &'static str,
    /// Where it was documented or seen.
    pub source: &'static str,
}

/// A text that points at a failure mode by itself.
#[derive(Debug)]
pub struct SignText {
    /// Stable name of the row.
    pub id: &'static str,
    /// Id of the failure mode.
    pub mode: &'static str,
    /// A real text; empty for a sign that is no text.
    pub example: &'static str,
    /// Where it was documented or seen.
    pub source: &'static str,
}

/// How a gateway repeats what its provider said.
#[derive(Debug)]
pub struct QuoteText {
    /// Stable name of the row; it begins with the gateway's name.
    pub id: &'static str,
    /// A real text.
    pub example: &'static str,
    /// Where it was documented or seen.
    pub source: &'static str,
}

static TEXTS: LazyLock<Vec<TextRow>> = LazyLock::new(|| {
    let shown = |row: &super::signatures::Row<super::errors::Saying>| TextRow {
        id: row.id,
        cause: row.says.cause,
        strength: row.strength,
        speaker: row.says.speaker,
        codes: row.signature.codes,
        status: row.signature.status,
        example: row.example.text(),
        source: row.source,
    };
    ERRORS.iter().map(shown).collect()
});
static SIGN_TEXTS: LazyLock<Vec<SignText>> = LazyLock::new(|| {
    let rows = SIGNS.iter().chain(&TOLD);
    rows.map(|row| SignText { id: row.id, mode: row.says.mode, example: row.example.text(), source: row.source }).collect()
});
static QUOTES: LazyLock<Vec<QuoteText>> =
    LazyLock::new(|| WRAPPERS.iter().map(|row| QuoteText { id: row.id, example: row.example.text(), source: row.source }).collect());

/// Every kind of error text, in the order of the file.
pub fn texts() -> &'static [TextRow] {
    &TEXTS
}

/// Every sign, by family.
pub fn sign_texts() -> &'static [SignText] {
    &SIGN_TEXTS
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
