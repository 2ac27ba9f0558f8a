//! Secrets never print, never serialise, and are scrubbed from every byte that a server sends back.

use std::fmt;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use regex::bytes::Regex;

/// Stands where the caller's own key stood in something a server sent; rules look for it.
pub const KEY_MARK: &str = "[KEY]";
/// Stands where some other credential stood.
pub const SECRET_MARK: &str = "[SECRET]";
/// Shorter keys than this (bytes) are dummies such as `none` or `ollama`: blanked, but never called a leak.
const DISTINCTIVE: usize = 8;

/// A credential. It has no `Display` and no `Serialize`; `Debug` says `(redacted)`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a credential exactly as it was typed.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Secret(text.into())
    }

    /// The credential itself; only code that writes a request header may call this.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Secret::new(text))
    }
}

/// Replaces known secrets, and what looks like one, by marks of the same length, so that offsets keep their meaning.
#[derive(Clone, Default)]
pub struct Scrubber {
    needles: Vec<(Vec<u8>, &'static str)>,
}

/// What a credential looks like when its value is not known: vendor prefixes, Google keys, JWTs.
static CREDENTIAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?-u)\b(?:sk-[A-Za-z0-9_-]{20,}|gsk_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{20,}|AIza[A-Za-z0-9_-]{30,}|hf_[A-Za-z0-9]{20,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{6,})",
    )
    .expect("a constant pattern")
});

impl Scrubber {
    /// Knows the caller's own secrets in all the forms in which a server may send them back.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut needles: Vec<_> = secrets.into_iter().flat_map(|secret| forms(secret.expose())).collect();
        needles.sort_by_key(|(needle, _)| std::cmp::Reverse(needle.len()));
        needles.dedup();
        Scrubber { needles }
    }

    /// Scrubs in place; the length stays the same.
    pub fn scrub(&self, bytes: &mut [u8]) {
        for (needle, mark) in &self.needles {
            blank_all(bytes, needle, mark);
        }
        self.scrub_end(bytes);
        let found: Vec<_> = CREDENTIAL.find_iter(bytes).map(|hit| hit.range()).collect();
        for range in found {
            blank(&mut bytes[range], SECRET_MARK);
        }
    }

    /// A body may end in the middle of a key: its beginning is blanked too.
    fn scrub_end(&self, bytes: &mut [u8]) {
        let begun = |needle: &[u8]| (DISTINCTIVE..needle.len()).rev().find(|length| bytes.ends_with(&needle[..*length]));
        if let Some(length) = self.needles.iter().filter_map(|(needle, _)| begun(needle)).max() {
            let start = bytes.len() - length;
            bytes[start..].fill(b'*');
        }
    }

    /// Scrubs a text.
    pub fn text(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.scrub(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The key as it is, trimmed, percent-encoded, in base64, and without the quotes or the `Bearer` somebody pasted along.
fn forms(key: &str) -> Vec<(Vec<u8>, &'static str)> {
    let bare = bare_key(key);
    let mark = if bare.len() >= DISTINCTIVE { KEY_MARK } else { "" };
    let encoded: String = url::form_urlencoded::byte_serialize(bare.as_bytes()).collect();
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(bare);
    [key.to_owned(), bare.to_owned(), encoded, base64]
        .into_iter()
        .filter(|form| form.len() >= 4)
        .map(|form| (form.into_bytes(), mark))
        .collect()
}

/// The key without what is often pasted along: blanks, quotes, `Bearer `, a variable's name.
///
/// ```
/// assert_eq!(llmdoctor::secret::bare_key(" \"Bearer sk-1\"\n"), "sk-1");
/// assert_eq!(llmdoctor::secret::bare_key("OPENAI_API_KEY=sk-1"), "sk-1");
/// ```
pub fn bare_key(key: &str) -> &str {
    let mut rest = key;
    loop {
        let trimmed = rest.trim_matches(|c: char| c.is_whitespace() || c.is_control() || "\"'`“”‘’<>,;\u{feff}\u{200b}".contains(c));
        let next = strip_ignoring_case(trimmed, "bearer ")
            .or_else(|| strip_ignoring_case(trimmed, "authorization:"))
            .or_else(|| after_assignment(trimmed))
            .unwrap_or(trimmed);
        if next.len() == rest.len() {
            return rest;
        }
        rest = next;
    }
}

fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

fn after_assignment(text: &str) -> Option<&str> {
    let (name, value) = text.split_once('=')?;
    let is_name = name.len() >= 3 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit());
    (is_name && !value.is_empty()).then_some(value)
}

fn blank_all(bytes: &mut [u8], needle: &[u8], mark: &str) {
    let finder = memchr::memmem::Finder::new(needle);
    let mut from = 0;
    while let Some(at) = finder.find(&bytes[from..]) {
        let start = from + at;
        blank(&mut bytes[start..start + needle.len()], mark);
        from = start + needle.len();
    }
}

/// Overwrites with the mark, then stars; a mark that doesn't fit is left out.
fn blank(place: &mut [u8], mark: &str) {
    place.fill(b'*');
    if let Some(head) = place.get_mut(..mark.len()) {
        head.copy_from_slice(mark.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(key: &str, text: &str) -> String {
        Scrubber::new([&Secret::new(key)]).text(text)
    }

    #[test]
    fn a_key_is_blanked_in_every_form() {
        assert_eq!(scrubbed("sk+secret/1", "got sk+secret/1!"), "got [KEY]******!");
        assert!(!scrubbed("sk+secret/1", "?key=sk%2Bsecret%2F1").contains("secret"));
        assert!(!scrubbed("user:password9", "Basic dXNlcjpwYXNzd29yZDk=").contains("dXNl"));
        assert!(!scrubbed("\"Bearer sk-secret-1\"", "key sk-secret-1 unknown").contains("secret"));
    }

    #[test]
    fn a_key_that_is_cut_off_is_blanked() {
        assert_eq!(scrubbed("sk-secret-0123456789", "your key sk-secret-0123"), "your key **************");
    }

    #[test]
    fn a_dummy_key_is_blanked_without_the_mark() {
        assert_eq!(scrubbed("ollama", "I am ollama"), "I am ******");
    }

    #[test]
    fn what_looks_like_another_key_is_blanked() {
        let text = scrubbed("", "Incorrect API key: sk-proj-abcdefghijklmnopqrstuvwx.");
        assert!(text.starts_with("Incorrect API key: [SECRET]*") && !text.contains("abcdef"), "{text}");
    }

    #[test]
    fn debug_hides_the_key() {
        assert_eq!(format!("{:?}", Secret::new("sk-1")), "(redacted)");
    }
}
