//! What a text looks like, and how a text is held against all rows of a table in one pass.

use super::errors::ErrorText;
use super::{Pattern, Strength, TEXT_LIMIT, head, header, plain_quotes};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What one kind of text looks like. Everything it asks for must hold.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Signature {
    /// Phrases of which one must occur; lower case, straight quotes, no backslash.
    pub any: Vec<String>,
    /// Phrases that must all occur.
    pub all: Vec<String>,
    /// Phrases of which none may occur, in message or body.
    pub not: Vec<String>,
    /// Codes or types of which one must be the error's, or stand in its text.
    pub codes: Vec<String>,
    /// Values of `param`.
    pub params: Vec<String>,
    /// Statuses it comes with.
    pub status: Vec<u16>,
    /// Headers of which each must be there and match.
    pub headers: BTreeMap<String, Pattern>,
    /// What the text must also match; its first group is what the error names.
    pub regex: Option<Pattern>,
    /// What the error names, if it does.
    pub names: Option<Pattern>,
    /// Whether the body around the message is as good as the message.
    pub raw: bool,
}

/// A row of a table of texts.
pub(super) trait Row {
    /// What it looks like.
    fn signature(&self) -> &Signature;
    /// How far it can be trusted.
    fn strength(&self) -> Strength;
    /// Where it was documented or seen.
    fn source(&self) -> &str;
}

thread_local! {
    static WITHHELD: RefCell<HashSet<String>> = RefCell::default();
}

/// Does something on this thread as if nothing had been learnt from these sources: so a benchmark measures what is known of strangers.
pub fn withholding<T>(sources: HashSet<String>, work: impl FnOnce() -> T) -> T {
    let before = WITHHELD.replace(sources);
    let done = work();
    WITHHELD.replace(before);
    done
}

/// Whether a row may be used on this thread.
fn is_known(source: &str) -> bool {
    WITHHELD.with_borrow(|withheld| withheld.is_empty() || !withheld.contains(source.split('#').next().unwrap_or(source)))
}

/// The rows, with every phrase turned into its number in one automaton.
pub(super) struct Table<R> {
    rows: Vec<(R, Needs)>,
    phrases: AhoCorasick,
    /// Which phrases count only when they are no part of a longer word.
    whole: Vec<bool>,
}

/// The phrases of a row, by number.
struct Needs {
    any: Vec<usize>,
    all: Vec<usize>,
    not: Vec<usize>,
    codes: Vec<usize>,
}

impl<R: Row + DeserializeOwned> Table<R> {
    /// Reads the rows of one embedded data file.
    ///
    /// # Panics
    /// When the file is broken, which a test of each file rules out.
    pub fn read(text: &str, table: &str) -> Self {
        Self::of(super::rows(text, table))
    }

    pub fn of(rows: Vec<R>) -> Self {
        let mut numbers = Numbers::default();
        let rows = rows.into_iter().map(|row| (numbers.of_row(row.signature()), row)).map(|(needs, row)| (row, needs)).collect();
        // Built once for a text or two: what is fast to build beats what is fast to search.
        let kind = Some(AhoCorasickKind::NoncontiguousNFA);
        let phrases =
            AhoCorasick::builder().kind(kind).build(numbers.phrases.iter().map(|(phrase, _)| phrase)).expect("few and short phrases");
        Self { rows, phrases, whole: numbers.phrases.into_iter().map(|(_, whole)| whole).collect() }
    }
}

impl<R: Row> Table<R> {
    /// The rows, in the order of the file.
    #[cfg(test)]
    pub fn rows(&self) -> impl Iterator<Item = &R> {
        self.rows.iter().map(|(row, _)| row)
    }

    /// A text, ready to be held against the rows.
    pub fn hold<'t, 'a>(&'t self, error: &'a ErrorText<'a>) -> Text<'t, 'a, R> {
        let message = head(error.message, TEXT_LIMIT / 2);
        let body = if error.raw == error.message { "" } else { head(error.raw, TEXT_LIMIT - message.len()) };
        Text { table: self, error, message: self.scan(message), body: self.scan(body) }
    }

    fn scan(&self, text: &str) -> Scan {
        let clean = plain_quotes(text).replace('\\', "");
        Scan { found: self.found_in(&unwrapped(&clean.to_lowercase())), clean }
    }

    /// Which phrases occur in a lower-case text.
    fn found_in(&self, text: &str) -> Vec<bool> {
        let mut found = vec![false; self.whole.len()];
        for hit in self.phrases.find_overlapping_iter(text) {
            let number = hit.pattern().as_usize();
            found[number] |= !self.whole[number] || stands_alone(text.as_bytes(), hit.range());
        }
        found
    }
}

/// A text without the line breaks that a narrow window puts between words, and the blanks that follow them.
fn unwrapped(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |whole, line| whole + " " + line.trim_start())
}

/// Whether no letter, digit or underscore of ASCII continues what stands there.
fn stands_alone(text: &[u8], place: std::ops::Range<usize>) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let before = place.start.checked_sub(1).and_then(|at| text.get(at));
    !is_word(before) && !is_word(text.get(place.end))
}

/// Phrases in the order they were first asked for, and whether each must stand alone.
#[derive(Default)]
struct Numbers {
    phrases: Vec<(String, bool)>,
    known: HashMap<(String, bool), usize>,
}

impl Numbers {
    fn of(&mut self, phrase: String, whole: bool) -> usize {
        let next = self.phrases.len();
        let number = *self.known.entry((phrase.clone(), whole)).or_insert(next);
        if number == next {
            self.phrases.push((phrase, whole));
        }
        number
    }

    fn of_phrases(&mut self, phrases: &[String]) -> Vec<usize> {
        phrases.iter().map(|phrase| self.of(phrase.clone(), false)).collect()
    }

    fn of_row(&mut self, row: &Signature) -> Needs {
        let codes = row.codes.iter().filter(|code| is_telling(code)).map(|code| self.of(code.to_lowercase(), true)).collect();
        Needs { any: self.of_phrases(&row.any), all: self.of_phrases(&row.all), not: self.of_phrases(&row.not), codes }
    }
}

/// Whether a code is long and odd enough to be believed when it stands in a sentence.
fn is_telling(code: &str) -> bool {
    code.len() >= 8 && (code.contains(['_', '.']) || code.chars().skip(1).any(char::is_uppercase))
}

/// One text, cleaned, with the phrases found in it.
struct Scan {
    clean: String,
    found: Vec<bool>,
}

impl Scan {
    fn has_one_of(&self, numbers: &[usize]) -> bool {
        numbers.iter().any(|number| self.found[*number])
    }

    /// Whether the text has the phrases of a row, and either it or the error the code.
    fn fits(&self, row: &Signature, needs: &Needs, has_code: bool) -> bool {
        (needs.any.is_empty() || self.has_one_of(&needs.any))
            && needs.all.iter().all(|number| self.found[*number])
            && (row.codes.is_empty() || has_code || self.has_one_of(&needs.codes))
            && row.regex.as_ref().is_none_or(|regex| regex.is_match(&self.clean))
    }
}

/// An error, ready to be held against the rows of a table.
pub(super) struct Text<'t, 'a, R> {
    table: &'t Table<R>,
    error: &'a ErrorText<'a>,
    message: Scan,
    body: Scan,
}

impl<'t, R: Row> Text<'t, '_, R> {
    /// The rows that fit, in the order of the file, and how far each is to be trusted here.
    pub fn rows(&self) -> impl Iterator<Item = (&'t R, Strength)> {
        let fitting = self.table.rows.iter().filter_map(|(row, needs)| Some((row, self.strength(row, needs)?)));
        fitting.filter(|(row, _)| is_known(row.source()))
    }

    fn strength(&self, row: &R, needs: &Needs) -> Option<Strength> {
        let (signature, strength) = (row.signature(), row.strength());
        if self.message.has_one_of(&needs.not) || self.body.has_one_of(&needs.not) || !self.fits_around(signature) {
            return None;
        }
        let is_own = |own: &str| signature.codes.iter().any(|code| code.eq_ignore_ascii_case(own));
        let has_code = [self.error.code, self.error.kind].into_iter().flatten().any(is_own);
        if self.message.fits(signature, needs, has_code) {
            return Some(strength);
        }
        let trusted = signature.raw || self.message.clean.is_empty();
        self.body.fits(signature, needs, has_code).then(|| if trusted { strength } else { weaker(strength) })
    }

    /// Whether status, `param` and headers are as the row wants them.
    fn fits_around(&self, row: &Signature) -> bool {
        let status = |status| row.status.contains(&status);
        let param = |param: &str| row.params.iter().any(|own| own == param);
        let in_header = |(name, pattern): (&String, &Pattern)| {
            header(self.error.headers, name).is_some_and(|value| pattern.is_match(head(value, 1024)))
        };
        (row.status.is_empty() || self.error.status.is_none_or(status))
            && (row.params.is_empty() || self.error.param.is_some_and(param))
            && row.headers.iter().all(in_header)
    }

    /// The error as it was given.
    pub fn error(&self) -> &ErrorText<'_> {
        self.error
    }

    /// What the text names, by the row's patterns.
    pub fn named(&self, row: &Signature) -> Option<String> {
        let patterns = || row.names.iter().chain(&row.regex);
        let in_text = |scan: &Scan| {
            patterns().find_map(|pattern| Some(pattern.captures(&scan.clean)?.iter().skip(1).flatten().next()?.as_str().to_owned()))
        };
        in_text(&self.message).or_else(|| in_text(&self.body))
    }
}

fn weaker(strength: Strength) -> Strength {
    match strength {
        Strength::Strong => Strength::Medium,
        Strength::Medium | Strength::Weak => Strength::Weak,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_only_where_it_stands_alone() {
        let alone = |text: &str| stands_alone(text.as_bytes(), 4..6);
        assert!(alone("say ab") && alone("say ab.") && alone("say ab\u{fc}"));
        assert!(!alone("say_ab") && !alone("say ab_c") && !alone("say ab1"));
    }

    #[test]
    fn telling_codes_may_stand_in_a_sentence() {
        assert!(is_telling("insufficient_quota") && is_telling("DeploymentNotFound") && !is_telling("overloaded") && !is_telling("1302"));
    }

    #[test]
    fn a_row_seen_only_around_the_message_counts_less() {
        assert_eq!(weaker(Strength::Strong), Strength::Medium);
        assert_eq!(weaker(Strength::Weak), Strength::Weak);
    }

    #[test]
    fn a_narrow_window_breaks_no_phrase() {
        assert_eq!(unwrapped("invalid\n  authentication\r\nhere"), "invalid authentication here");
        assert_eq!(unwrapped("model  none"), "model  none");
        assert_eq!(unwrapped(""), "");
    }
}
