//! What a text looks like, and how a text is held against the rows of a table.

use super::errors::ErrorText;
use super::{Pattern, Strength, TEXT_LIMIT, head, header, plain_quotes};
use memchr::memmem;
use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// A row of a table of texts: what they look like, and what that table says of them.
///
/// Rows are written by `build/tables.rs`, which knows these fields.
#[derive(Debug)]
pub(super) struct Row<R> {
    /// Stable name.
    pub id: &'static str,
    /// How far it can be trusted.
    pub strength: Strength,
    /// Where it was documented or seen.
    pub source: &'static str,
    /// What it looks like.
    pub signature: Signature,
    /// What the table says of it.
    pub says: R,
    /// A real text; empty for what is no text.
    pub example: Example,
}

/// What one kind of text looks like. Everything it asks for must hold.
#[derive(Debug)]
pub(super) struct Signature {
    /// Phrases of which one must occur; lower case, straight quotes, no backslash.
    pub any: Words,
    /// Phrases that must all occur.
    pub all: Words,
    /// Phrases of which none may occur, in message or body.
    pub not: Words,
    /// Codes or types of which one must be the error's, or stand in its text.
    pub codes: Words,
    /// Values of `param`.
    pub params: Words,
    /// Statuses it comes with.
    pub status: &'static [u16],
    /// A header that must be there and match.
    pub header: Option<(&'static str, Pattern)>,
    /// What the text must also match; its first group is what the error names.
    pub regex: Option<Pattern>,
    /// What the text must hold for `regex` to match.
    pub needs: Needs,
    /// Whether `regex` never matches across lines.
    pub in_a_line: bool,
    /// What the error names, if it does.
    pub names: Option<Pattern>,
    /// Whether the body around the message is as good as the message.
    pub raw: bool,
}

/// Where the example of a row stands in the text of all examples, which is packed until somebody wants to read one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Example(pub u32, pub u32);

static EXAMPLES: LazyLock<String> = LazyLock::new(|| super::unpacked(include_bytes!(concat!(env!("OUT_DIR"), "/examples.z"))));

impl Example {
    /// The example itself.
    pub fn text(self) -> &'static str {
        &EXAMPLES[self.0 as usize..self.1 as usize]
    }
}

/// Texts of a row, each ended by U+1F: a slice of them has an address for each, to be relocated at every start.
#[derive(Debug, Clone, Copy)]
pub struct Words(pub(super) &'static str);

impl Words {
    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let end = memchr::memchr(0x1f, rest.as_bytes())?;
            let word = &rest[..end];
            rest = &rest[end + 1..];
            Some(word)
        })
    }

    /// True when there is none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// What a text must hold for a regular expression to match, in lower case. The build finds it, so that most are never compiled.
///
/// A tree, written from the front: a word ends with U+1F; U+1 opens what must stand one behind the other, U+2 what one must stand of, and
/// U+3 closes either. Nothing is needed when it is empty.
#[derive(Debug)]
pub(super) struct Needs(pub &'static str);

impl Needs {
    /// Whether a text has the words, wherever they stand.
    fn may_be_in(&self, text: &Scan) -> bool {
        self.end(&|word, from| text.has(word).then_some(from)).is_some()
    }

    /// Whether a lower-case text has the words in their order.
    fn are_in(&self, text: &str) -> bool {
        self.end(&|word, from| memmem::find(&text.as_bytes()[from..], word.as_bytes()).map(|at| from + at + word.len())).is_some()
    }

    /// Where, at the earliest, all that is needed ends; `find` tells where a word ends that stands at some place or behind.
    fn end(&self, find: &impl Fn(&str, usize) -> Option<usize>) -> Option<usize> {
        if self.0.is_empty() { Some(0) } else { end(&mut { self.0 }, 0, find) }
    }
}

/// The same for the first node of `rest`, which is taken from it.
fn end(rest: &mut &str, from: usize, find: &impl Fn(&str, usize) -> Option<usize>) -> Option<usize> {
    if let Some(behind) = rest.strip_prefix('\u{1}') {
        *rest = behind;
        let mut at = from;
        while !closes(rest) {
            let Some(next) = end(rest, at, find) else { return leave(rest) };
            at = next;
        }
        return Some(at);
    }
    if let Some(behind) = rest.strip_prefix('\u{2}') {
        *rest = behind;
        let mut earliest: Option<usize> = None;
        while !closes(rest) {
            earliest = [earliest, end(rest, from, find)].into_iter().flatten().min();
            if earliest == Some(from) {
                leave(rest);
                break;
            }
        }
        return earliest;
    }
    let (word, behind) = rest.split_once('\u{1f}').expect("the build ends every word");
    *rest = behind;
    find(word, from)
}

fn closes(rest: &mut &str) -> bool {
    rest.strip_prefix('\u{3}').map(|behind| *rest = behind).is_some()
}

/// Passes over what is left of the node that is open.
fn leave(rest: &mut &str) -> Option<usize> {
    let mut open = 1;
    for at in memchr::memchr3_iter(1, 2, 3, rest.as_bytes()) {
        open = if rest.as_bytes()[at] == 3 { open - 1 } else { open + 1 };
        if open == 0 {
            *rest = &rest[at + 1..];
            break;
        }
    }
    None
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
pub(super) fn is_known(source: &str) -> bool {
    WITHHELD.with_borrow(|withheld| withheld.is_empty() || !withheld.contains(source.split('#').next().unwrap_or(source)))
}

impl<R> Row<R> {
    /// How far the row is to be trusted on this text; `None` when it does not fit.
    fn strength_on(&self, text: &Text) -> Option<Strength> {
        let row = &self.signature;
        if !row.fits_around(text.error) {
            return None;
        }
        let is_own = |own: &str| row.codes.iter().any(|code| code.eq_ignore_ascii_case(own));
        let has_code = row.codes.is_empty() || [text.error.code, text.error.kind].into_iter().flatten().any(is_own);
        let [may_in_message, may_in_body] = [&text.message, &text.body].map(|scan| row.may_fit(scan, has_code));
        if !(may_in_message || may_in_body) || text.message.has_one_of(row.not) || text.body.has_one_of(row.not) {
            return None;
        }
        let in_message = may_in_message && row.matches(&text.message);
        if !(in_message || may_in_body && row.matches(&text.body)) {
            return None;
        }
        let trusted = in_message || row.raw || text.message.clean.is_empty();
        Some(if trusted { self.strength } else { weaker(self.strength) })
    }
}

impl Signature {
    /// Whether status, `param` and headers are as the row wants them.
    fn fits_around(&self, error: &ErrorText) -> bool {
        let status = |status| self.status.contains(&status);
        let param = |param: &str| self.params.iter().any(|own| own == param);
        let in_header =
            |(name, pattern): &(&str, Pattern)| header(error.headers, name).is_some_and(|value| pattern.is_match(head(value, 1024)));
        (self.status.is_empty() || error.status.is_none_or(status))
            && (self.params.is_empty() || error.param.is_some_and(param))
            && self.header.as_ref().is_none_or(in_header)
    }

    /// Whether a text has the phrases of the row, and either it or the error the code: all but the regular expression.
    fn may_fit(&self, text: &Scan, has_code: bool) -> bool {
        (self.any.is_empty() || text.has_one_of(self.any))
            && self.all.iter().all(|phrase| text.has(phrase))
            && (has_code || self.codes.iter().any(|code| is_telling(code) && text.has_code(code)))
            && self.needs.may_be_in(text)
    }

    /// Whether the regular expression matches a text that may fit: where no match crosses lines, only lines that may match are asked.
    fn matches(&self, text: &Scan) -> bool {
        let Some(regex) = &self.regex else { return true };
        if !self.in_a_line {
            return self.needs.are_in(&text.lower) && regex.is_match(&text.clean);
        }
        let mut lines = text.clean.split('\n').zip(text.lower.split('\n'));
        lines.any(|(line, lower)| self.needs.are_in(lower) && regex.is_match(line))
    }
}

/// Whether a code is long and odd enough to be believed when it stands in a sentence.
fn is_telling(code: &str) -> bool {
    code.len() >= 8 && (code.contains(['_', '.']) || code.chars().skip(1).any(char::is_uppercase))
}

fn weaker(strength: Strength) -> Strength {
    match strength {
        Strength::Strong => Strength::Medium,
        Strength::Medium | Strength::Weak => Strength::Weak,
    }
}

/// An error, ready to be held against the rows of tables.
pub(super) struct Text<'a> {
    error: &'a ErrorText<'a>,
    message: Scan,
    body: Scan,
}

impl<'a> Text<'a> {
    pub fn of(error: &'a ErrorText<'a>) -> Self {
        let message = head(error.message, TEXT_LIMIT / 2);
        let body = if error.raw == error.message { "" } else { head(error.raw, TEXT_LIMIT - message.len()) };
        Text { error, message: Scan::of(message), body: Scan::of(body) }
    }

    /// The rows that fit, in their order, and how far each is to be trusted here.
    pub fn fitting<'t, R>(&self, rows: &'t [Row<R>]) -> impl Iterator<Item = (&'t Row<R>, Strength)> {
        rows.iter().filter_map(|row| Some((row, row.strength_on(self)?))).filter(|(row, _)| is_known(row.source))
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

/// One text, cleaned, and ready to be asked for thousands of phrases of which it has a few.
struct Scan {
    clean: String,
    /// The same in lower case, line for line.
    lower: String,
    /// In lower case and without the breaks of lines.
    words: String,
    pieces: Pieces,
}

impl Scan {
    fn of(text: &str) -> Self {
        let clean = plain_quotes(text).replace('\\', "");
        let lower = clean.to_lowercase();
        let words = unwrapped(&lower);
        Self { pieces: Pieces::of(words.as_bytes()), words, lower, clean }
    }

    fn has(&self, phrase: &str) -> bool {
        self.pieces.may_hold(phrase.as_bytes()) && memmem::find(self.words.as_bytes(), phrase.as_bytes()).is_some()
    }

    fn has_one_of(&self, phrases: Words) -> bool {
        phrases.iter().any(|phrase| self.has(phrase))
    }

    /// Whether a code occurs, in any case of letters and as no part of a longer word.
    fn has_code(&self, code: &str) -> bool {
        let (text, code) = (self.words.as_bytes(), code.to_ascii_lowercase());
        self.pieces.may_hold(code.as_bytes()) && memmem::find_iter(text, code.as_bytes()).any(|at| stands_alone(text, at..at + code.len()))
    }
}

/// Which pieces of [`Pieces::LEN`] bytes occur in a text, by their hash: what lacks a piece lacks the phrase, and needs no search.
struct Pieces(Vec<u64>);

impl Pieces {
    const LEN: usize = 3;
    const BITS: u32 = 14;

    fn of(text: &[u8]) -> Self {
        let mut words = vec![0; if text.is_empty() { 0 } else { (1 << Self::BITS) / 64 }];
        for piece in text.windows(Self::LEN) {
            let bit = Self::bit(piece);
            words[bit / 64] |= 1 << (bit % 64);
        }
        Self(words)
    }

    fn bit(piece: &[u8]) -> usize {
        let number = piece.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        (number.wrapping_mul(0x9e37_79b1) >> (32 - Self::BITS)) as usize
    }

    /// False when the phrase cannot occur.
    fn may_hold(&self, phrase: &[u8]) -> bool {
        let has = |bit: usize| self.0[bit / 64] >> (bit % 64) & 1 == 1;
        !self.0.is_empty() && phrase.windows(Self::LEN).all(|piece| has(Self::bit(piece)))
    }
}

/// A text without the line breaks that a narrow window puts between words, and the blanks that follow them.
fn unwrapped(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |whole, line| whole + " " + line.trim_start())
}

/// Whether no letter, digit or underscore of ASCII continues what stands there.
fn stands_alone(text: &[u8], place: Range<usize>) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let before = place.start.checked_sub(1).and_then(|at| text.get(at));
    !is_word(before) && !is_word(text.get(place.end))
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
    fn what_a_pattern_needs_is_read_from_the_front() {
        // (a then b) or (c then (d or e)), and behind it f
        let needs = Needs("\u{1}\u{2}\u{1}a\u{1f}b\u{1f}\u{3}\u{1}c\u{1f}\u{2}d\u{1f}e\u{1f}\u{3}\u{3}\u{3}f\u{1f}\u{3}");
        for text in ["a b f", "c e f", "xcxdxf", "b a c d b f"] {
            assert!(needs.are_in(text) && needs.may_be_in(&Scan::of(text)), "{text}");
        }
        for text in ["", "a b", "f a b", "a f", "c f d", "d c f"] {
            assert!(!needs.are_in(text), "{text}");
        }
        assert!(needs.may_be_in(&Scan::of("f d c")) && !needs.may_be_in(&Scan::of("c f")) && Needs("").are_in(""));
    }

    #[test]
    fn a_narrow_window_breaks_no_phrase() {
        assert_eq!(unwrapped("invalid\n  authentication\r\nhere"), "invalid authentication here");
        assert_eq!(unwrapped("model  none"), "model  none");
        assert_eq!(unwrapped(""), "");
    }

    #[test]
    fn phrases_are_found_wherever_they_stand_and_nowhere_else() {
        let scan = Scan::of("Rate limit\n  reached: 对于模型 “x”, \\\"y\\\"");
        for phrase in ["rate limit reached", "r", "ed", ": 对于模型", "\"x\", \"y\"", "对"] {
            assert!(scan.has(phrase), "{phrase}");
        }
        for phrase in ["rate limits", "limit  reached", "型对", "zz", "z"] {
            assert!(!scan.has(phrase), "{phrase}");
        }
        assert!(!Scan::of("").has("a"));
    }

    #[test]
    fn a_full_table_of_pieces_still_finds_and_rejects() {
        let text: String = (0..60_000_u32).filter_map(|number| char::from_u32(0x4e00 + number % 20_000)).collect();
        let scan = Scan::of(&text);
        assert!(scan.has("一丁丂") && !scan.has("丂丁一") && !scan.has("model not found"));
    }
}
