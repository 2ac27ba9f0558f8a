//! What is known about the world: which box has which default, who writes which answer, what a refusal means.
//!
//! Every fact is a row of a data file beside its module and carries its source. The modules are pure: bytes in, facts out.
//! Nothing is parsed before it is asked for, and no more than [`TEXT_LIMIT`] bytes of any text are looked at.

/// A data file as JSON, as the build packed it.
macro_rules! data {
    ($name:literal) => {
        &$crate::facts::unpacked(include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".z")))
    };
}

pub mod boundaries;
pub mod buffers;
#[cfg(test)]
mod cases;
pub mod clients;
pub mod codes;
pub mod durations;
pub mod errors;
pub mod fingerprints;
pub mod headers;
pub mod lookup;
pub mod meanings;
pub mod precedents;
pub mod providers;
pub mod ratelimits;
pub mod retry;
pub mod settings;
mod signatures;
pub mod signs;
pub mod statuses;
pub mod stream_clients;
pub mod texts;
pub mod tokens;
mod wrappers;

pub use boundaries::{Boundary, Scope, boundaries, boundaries_at, clocks_of};
pub use buffers::{Buffer, buffer};
pub use clients::{ClientTimeouts, client_timeouts, clients_sending};
pub use codes::{VendorCode, vendor_codes};
pub use errors::{Cause, ErrorText, Reading, Speaker, json_pointer, read_error};
pub use fingerprints::{Fingerprint, Role, fingerprint, fingerprints};
pub use headers::{HeaderFact, header_fact, header_facts};
pub use lookup::{Known, KnownHeader, KnownProgram, known};
pub use meanings::{Meaning, looking_like, meaning, meanings};
pub use precedents::{Alike, Precedent, precedents, unspoken};
pub use providers::{Provider, provider_for_host, provider_for_key_prefix};
pub use ratelimits::{Announced, AnnouncedKind, announced_limits};
pub use retry::{HintForm, HintSource, RetryHint, retry_after};
pub use settings::{Setting, settings, settings_of};
pub use signatures::{Words, withholding};
pub use signs::{Scene, Sign, hearsay, signs};
pub use statuses::{Status, status, statuses};
pub use stream_clients::{
    Does, StreamForm, StreamTable, Told, stream_clients, stream_clients_measured, stream_forms, stream_forms_breaking, stream_forms_of,
    stream_tables,
};
pub use texts::{SignText, TextRow, sign_texts, texts, texts_of_status};
pub use tokens::Shown;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::io::Read as _;
use std::sync::OnceLock;

/// Headers of an answer: lower-case names, in the order they came.
pub type Headers = [(String, String)];

/// How many bytes of a body or a header are examined; the rest is ignored.
pub const TEXT_LIMIT: usize = 64 * 1024;

/// How far a signature can be trusted. Sorts with the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Only one program, or only one cause, looks like this.
    Strong,
    /// Usual for it, but others can look the same.
    Medium,
    /// A hint that needs company.
    Weak,
}

/// A regular expression of a data file. It is compiled when it is first asked: most never are.
#[derive(Debug)]
struct Pattern {
    text: &'static str,
    /// In a box: rows have several patterns each, and most are never compiled.
    compiled: OnceLock<Box<regex_lite::Regex>>,
}

impl Pattern {
    const fn new(text: &'static str) -> Self {
        Pattern { text, compiled: OnceLock::new() }
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        // Tables live as long as the program.
        Pattern::new(String::leak(text))
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Pattern::from)
    }
}

impl std::ops::Deref for Pattern {
    type Target = regex_lite::Regex;

    /// # Panics
    /// When the pattern is broken, which a test of each data file rules out.
    fn deref(&self) -> &regex_lite::Regex {
        self.compiled.get_or_init(|| {
            let compiled = regex_lite::Regex::new(self.text);
            Box::new(compiled.unwrap_or_else(|error| panic!("embedded pattern: {error}")))
        })
    }
}

/// Reads what every refusal is held against, so that the first one in a run does not have to wait for it.
pub fn warm_up() {
    fingerprints::warm_up();
    retry::warm_up();
}

/// The first value of a header; `name` in lower case.
fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The first `limit` bytes of a text, cut back to a character boundary.
pub(crate) fn head(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// A text that the build packed.
///
/// # Panics
/// When it is none, which every test that asks for it rules out.
pub(crate) fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::ZlibDecoder::new(packed).read_to_string(&mut text).expect("the build packed a text");
    text
}

/// The rows of one embedded data file.
///
/// # Panics
/// When the embedded file is not what its module expects; the module's own test reads it, so a release cannot.
fn rows<T: DeserializeOwned>(data: &str) -> Vec<T> {
    serde_json::from_str(data).unwrap_or_else(|error| panic!("an embedded data file: {error}"))
}

/// Whether a name fits a pattern in which one or more `*` stand for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    let mut rest = rest;
    while let Some((middle, after)) = rest.split_once('*') {
        let Some(at) = name.find(middle) else {
            return false;
        };
        name = &name[at + middle.len()..];
        rest = after;
    }
    name.ends_with(rest)
}

/// The text with curly quotes made straight, so that one phrase fits both spellings.
fn plain_quotes(text: &str) -> Cow<'_, str> {
    if text.contains(['\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}']) {
        Cow::Owned(text.replace(['\u{2018}', '\u{2019}'], "'").replace(['\u{201c}', '\u{201d}'], "\""))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_by_its_lower_case_name() {
        let headers = [("server".to_owned(), "nginx".to_owned())];
        assert_eq!(header(&headers, "server"), Some("nginx"));
        assert_eq!(header(&headers, "via"), None);
    }

    #[test]
    fn a_head_never_splits_a_character() {
        assert_eq!(head("aä", 2), "a");
        assert_eq!(head("abc", 9), "abc");
        assert_eq!(head("", 9), "");
    }

    #[test]
    fn patterns_with_stars_fit_prefixes_middles_and_ends() {
        assert!(fits("x-a", "x-a") && !fits("x-a", "x-ab"));
        assert!(fits("x-*-reset", "x-tokens-reset") && !fits("x-*-reset", "x-tokens-left"));
        assert!(fits("*-aiplatform.googleapis.com", "us-east1-aiplatform.googleapis.com"));
        assert!(fits("a.*.c", "a.b.c") && !fits("a.*.c", "a.c"));
        assert!(fits("a*b*c", "a1b2c") && !fits("a*b*c", "a1c2b"));
    }

    #[test]
    fn curly_quotes_become_straight() {
        assert_eq!(plain_quotes("isn’t “x”"), "isn't \"x\"");
        assert!(matches!(plain_quotes("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_pattern_is_compiled_when_it_is_asked() {
        let pattern = Pattern::from("^a+$".to_owned());
        assert!(pattern.compiled.get().is_none());
        assert!(pattern.is_match("aa") && pattern.compiled.get().is_some());
    }

    #[test]
    fn an_empty_table_has_no_rows() {
        assert!(rows::<Boundary>("[]").is_empty());
    }
}
