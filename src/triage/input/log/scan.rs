//! One pass over a log: lines that may tell of a failure, those alike counted and read once.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, Input};

/// No more kinds of failing lines are kept.
const MAX_KEPT: usize = 48;
/// No more kinds of lines are remembered, and no more lines judged.
const MAX_KINDS: usize = 4096;
/// No more lines (and bytes) belong to one entry.
const MAX_ENTRY_LINES: usize = 400;
const MAX_ENTRY: usize = 48 * 1024;
/// So much of a line (bytes) tells its kind.
const TELLING: usize = 512;
/// So much of the lines (bytes) that go on with an entry tells its kind.
const TELLING_BELOW: usize = 4096;
/// A line of a known kind this close (lines) behind a new entry is kept once more: an access log tells the status of what stands before it.
const BEHIND: usize = 3;
/// A paragraph without a time belongs to an entry when a line with one follows within so many bytes.
const PARAGRAPH: usize = 4096;

/// A failing entry: its first line, and the lines that go on with it.
pub struct Entry<'t> {
    pub text: &'t str,
    /// First and last line, from 0.
    pub lines: (usize, usize),
    pub times: usize,
}

/// One of these stands in every line that tells of a failure.
const MARKS: [&str; 54] = [
    "error",
    "exception",
    "traceback",
    "fail",
    "fatal",
    "panic",
    "critical",
    " crit",
    "severe",
    "emerg",
    " err ",
    "[err]",
    "err=",
    "\"err\"",
    "err_msg",
    "timed out",
    "timeout",
    "refused",
    "reset by peer",
    "truncating input",
    "unauthorized",
    "forbidden",
    "denied",
    "no live",
    "prematurely",
    "unable to",
    "could not",
    "exceeded",
    "invalid",
    "overload",
    "rate limit",
    "\" 4",
    "\" 5",
    "| 4",
    "| 5",
    "status=4",
    "status=5",
    "status: 4",
    "status: 5",
    "status\":4",
    "status\":5",
    "status\": 4",
    "status\": 5",
    "code=4",
    "code=5",
    "code: 4",
    "code: 5",
    "code\":4",
    "code\":5",
    "code\": 4",
    "code\": 5",
    "http=4",
    "http=5",
    "状态码",
];
/// Statuses that stand alone between blanks, as HAProxy and llama.cpp write them.
const STATUSES: [&str; 20] = [
    " 400", " 401", " 402", " 403", " 404", " 405", " 408", " 409", " 413", " 415", " 422", " 424", " 429", " 499", " 500", " 502", " 503",
    " 504", " 524", " 529",
];

static CANDIDATES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let mut builder = AhoCorasickBuilder::new();
    builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA));
    builder.build(MARKS.into_iter().chain(STATUSES)).expect("few and short marks")
});

/// The failing entries of a log, in their order; of those alike the first.
pub fn entries(log: &str, is_failing: impl Fn(&str) -> bool) -> Vec<Entry<'_>> {
    let mut scan = Scan { log, is_failing, kinds: HashMap::default(), kept: Vec::new(), counted: (0, 0), fresh: None };
    let mut at = 0;
    while let Some(hit) = CANDIDATES.find(Input::new(log).range(at..)) {
        let line = line_around(log, hit.start());
        at = scan.take(line);
    }
    scan.kept
}

struct Scan<'t, F> {
    log: &'t str,
    is_failing: F,
    /// What is known of each kind of line: the entry that it begins, or that it is no failure.
    kinds: HashMap<u64, Option<Known>, BuildHasherDefault<Ready>>,
    kept: Vec<Entry<'t>>,
    /// So many line ends stand before this byte.
    counted: (usize, usize),
    /// Where the entry ends that was the first of its kind, when nothing was taken since.
    fresh: Option<usize>,
}

/// An entry that is known, and how its lines go on.
#[derive(Clone, Copy)]
struct Known {
    entry: usize,
    follows: Follows,
}

/// Kinds are hashes already.
#[derive(Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, kind: u64) {
        self.0 = kind;
    }
}

impl<F: Fn(&str) -> bool> Scan<'_, F> {
    /// Takes one candidate line; where to go on.
    fn take(&mut self, line: Range<usize>) -> usize {
        let kind = kind(&self.log.as_bytes()[line.clone()]);
        let next = (line.end + 1).min(self.log.len());
        match self.kinds.get(&kind).copied() {
            Some(Some(known)) => self.again(kind, known, line, next),
            Some(None) => next,
            None if self.kinds.len() >= MAX_KINDS => next,
            None => self.judge(kind, line, next),
        }
    }

    /// A line of a kind that begins failures. Two entries of several lines are alike when all of them are.
    fn again(&mut self, kind: u64, known: Known, line: Range<usize>, next: usize) -> usize {
        let end = self.end_of_entry(&line, known.follows);
        if end != next {
            let kind = self.kind_of_entry(kind, &line, end);
            return match self.kinds.get(&kind).copied().flatten() {
                Some(same) => self.count(same.entry, end),
                None => self.keep(kind, known.follows, &line, end),
            };
        }
        let fresh = self.fresh.take().filter(|_| known.entry + 1 < self.kept.len() && self.kept.len() < MAX_KEPT);
        if fresh.is_some_and(|fresh| self.is_behind(fresh, line.start)) {
            self.push(&line, end);
            return end;
        }
        let (more, end) = self.same(&line, end);
        self.kept[known.entry].times += more;
        self.count(known.entry, end)
    }

    fn count(&mut self, entry: usize, end: usize) -> usize {
        self.fresh = None;
        self.kept[entry].times += 1;
        end
    }

    fn judge(&mut self, kind: u64, line: Range<usize>, next: usize) -> usize {
        let head = &self.log[line.clone()];
        let failing = self.kept.len() < MAX_KEPT && (self.is_failing)(crate::facts::head(head, 16 * 1024));
        if !failing {
            self.kinds.insert(kind, None);
            return next;
        }
        let in_trace = head.contains("Traceback (most");
        let follows = Follows { stamped: is_stamped(head), in_trace, traced: in_trace, joint: false, blank: false };
        self.kinds.insert(kind, Some(Known { entry: self.kept.len(), follows }));
        let end = self.end_of_entry(&line, follows);
        let whole = if end == next { kind } else { self.kind_of_entry(kind, &line, end) };
        self.keep(whole, follows, &line, end)
    }

    fn keep(&mut self, kind: u64, follows: Follows, line: &Range<usize>, end: usize) -> usize {
        if self.kept.len() < MAX_KEPT {
            self.kinds.insert(kind, Some(Known { entry: self.kept.len(), follows }));
            self.push(line, end);
            self.fresh = Some(end);
        }
        end
    }

    fn push(&mut self, line: &Range<usize>, end: usize) {
        let text = crate::facts::head(self.log[line.start..end].trim_end(), MAX_ENTRY);
        let first = self.line_number(line.start);
        let lines = (first, first + memchr::memchr_iter(b'\n', text.as_bytes()).count());
        self.kept.push(Entry { text, lines, times: 1 });
    }

    fn kind_of_entry(&self, first: u64, line: &Range<usize>, end: usize) -> u64 {
        let below = &self.log.as_bytes()[line.end..end];
        first.rotate_left(7) ^ kind_within(&below[below.len().saturating_sub(TELLING_BELOW)..])
    }

    fn is_behind(&self, fresh: usize, at: usize) -> bool {
        at.saturating_sub(fresh) < PARAGRAPH && memchr::memchr_iter(b'\n', &self.log.as_bytes()[fresh..at]).count() < BEHIND
    }

    /// How often the very same line follows itself, and where that ends.
    fn same(&self, line: &Range<usize>, mut end: usize) -> (usize, usize) {
        let bytes = self.log.as_bytes();
        let (whole, mut times) = (&bytes[line.start..end], 0);
        while bytes[end..].starts_with(whole) {
            (times, end) = (times + 1, end + whole.len());
        }
        (times, end)
    }

    fn line_number(&mut self, at: usize) -> usize {
        let (from, before) = self.counted;
        let count = before + memchr::memchr_iter(b'\n', &self.log.as_bytes()[from..at]).count();
        self.counted = (at, count);
        count
    }

    /// Where the entry ends that begins with this line.
    fn end_of_entry(&self, line: &Range<usize>, mut follows: Follows) -> usize {
        let mut end = (line.end + 1).min(self.log.len());
        let mut at = end;
        for _ in 0..MAX_ENTRY_LINES {
            let blanks = self.log.as_bytes()[at..].iter().take(MAX_ENTRY).take_while(|byte| **byte == b'\n').count();
            follows.blank |= blanks > 0;
            at += blanks;
            if at >= self.log.len() || at - line.start > MAX_ENTRY {
                break;
            }
            let next = memchr::memchr(b'\n', &self.log.as_bytes()[at..]).map_or(self.log.len(), |length| at + length);
            let line = &self.log[at..next];
            at = (next + 1).min(self.log.len());
            if line.bytes().all(|byte| byte.is_ascii_whitespace()) {
                follows.blank = true;
            } else if follows.goes_on(line) || (follows.stamped && !is_stamped(line) && self.is_within(at)) {
                end = at;
            } else {
                break;
            }
        }
        end
    }
    /// Whether a log goes on behind a paragraph: a line with a time, or a traceback, follows.
    fn is_within(&self, at: usize) -> bool {
        let rest = crate::facts::head(&self.log[at..], PARAGRAPH);
        rest.lines().take(MAX_ENTRY_LINES).any(|line| is_stamped(line) || line.starts_with("Traceback (most"))
    }
}

/// Whether a line goes on with the entry before it.
#[derive(Clone, Copy)]
struct Follows {
    /// The entry's first line has a time or a level.
    stamped: bool,
    /// The frames of a traceback are being read; its last line follows.
    in_trace: bool,
    /// A traceback was read.
    traced: bool,
    /// The line before joins another traceback to the one before it.
    joint: bool,
    /// A blank line stands between.
    blank: bool,
}

impl Follows {
    fn goes_on(&mut self, line: &str) -> bool {
        const JOINTS: [&str; 4] = ["During handling of", "The above exception", "Caused by: ", "--- End of"];
        let own = after_container(line);
        let blank = std::mem::take(&mut self.blank);
        let may_join = own.starts_with(['T', 'D', 'C', '-']);
        let joint = std::mem::take(&mut self.joint);
        if may_join && own.starts_with("Traceback (most") {
            // A second traceback that nothing joins to the first is another failure's.
            let joined = joint || !std::mem::replace(&mut self.traced, true);
            self.in_trace |= joined;
            return joined;
        }
        if may_join && JOINTS.iter().any(|joint| own.starts_with(joint)) {
            self.joint = true;
            return true;
        }
        if own.starts_with([' ', '\t']) {
            return !blank || self.in_trace;
        }
        if self.in_trace && !is_stamped(line) {
            self.in_trace = false;
            return true;
        }
        !blank && (own.starts_with(['}', ']', ')']) || (self.stamped && !is_stamped(line)))
    }
}

fn line_around(log: &str, at: usize) -> Range<usize> {
    let bytes = log.as_bytes();
    // A mark may begin with the end of the line before.
    let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |end| end + 1);
    let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
    start..end
}

/// The line without the `service-1  | ` that Docker Compose writes before it.
fn after_container(line: &str) -> &str {
    let head = &line.as_bytes()[..line.len().min(48)];
    let Some(bar) = memchr::memchr(b'|', head).filter(|bar| *bar > 1) else { return line };
    let name = line[..bar].trim_end();
    let is_name = name.len() < bar && !name.contains(' ');
    if is_name { line[bar + 1..].strip_prefix(' ').unwrap_or(&line[bar + 1..]) } else { line }
}

/// True for lines that begin with a time, a level or another mark of a log.
pub fn is_stamped(line: &str) -> bool {
    const LEVELS: [&str; 18] = [
        "INFO", "ERROR", "WARN", "DEBUG", "Error:", "Debug:", "Info:", "Trace:", "[ERR", "[INFO", "[WARN", "[GIN]", "[SYS]", "level=",
        "time=", "ts=", "srv ", "--> ",
    ];
    if has_time(&line.as_bytes()[..line.len().min(120)]) {
        return true;
    }
    let own = after_colour(after_container(line));
    let is_json = own.starts_with("{\"") && own.trim_end().ends_with('}');
    is_json || (own.starts_with(['I', 'E', 'W', 'D', 'T', '[', 'l', 't', 's', '-']) && LEVELS.iter().any(|level| own.starts_with(level)))
}

/// The line without the colour that it begins with.
fn after_colour(line: &str) -> &str {
    let after = |rest: &'_ str| rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').len();
    line.strip_prefix("\u{1b}[").map_or(line, |rest| rest[after(rest)..].strip_prefix('m').unwrap_or(rest))
}

/// True when a time such as `10:00:00` or `T10:00` stands in the bytes.
fn has_time(head: &[u8]) -> bool {
    let digit = |at: usize| head.get(at).is_some_and(u8::is_ascii_digit);
    let is_time = |colon: usize| colon >= 2 && digit(colon - 1) && digit(colon - 2) && digit(colon + 1) && digit(colon + 2);
    let with_more = |colon: usize| head.get(colon + 3) == Some(&b':') || (colon >= 3 && head[colon - 3] == b'T');
    memchr::memchr_iter(b':', head).take(6).any(|colon| is_time(colon) && with_more(colon))
}

/// A number for the kind of a line: words count, and the first number that may be a status; what else has digits does not.
fn kind(line: &[u8]) -> u64 {
    kind_within(&line[..line.len().min(TELLING)])
}

fn kind_within(text: &[u8]) -> u64 {
    const SEED: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let (mut all, mut word, mut has_digit) = (SEED, SEED, false);
    let (mut from, mut status) = (0, false);
    let mut end = |all: u64, word: u64, has_digit: bool, word_at: Range<usize>| {
        let counts = !has_digit || (!status && word_at.len() == 3 && is_status(text, word_at.start));
        status |= has_digit && counts;
        if counts { (all.rotate_left(5) ^ word).wrapping_mul(PRIME) } else { all }
    };
    for (at, &byte) in text.iter().enumerate() {
        if byte.is_ascii_alphanumeric() || byte >= 0x80 {
            has_digit |= byte.is_ascii_digit();
            word = (word ^ u64::from(byte)).wrapping_mul(PRIME);
        } else {
            if word != SEED {
                all = end(all, word, has_digit, from..at);
                (word, has_digit) = (SEED, false);
            }
            from = at + 1;
        }
    }
    if word == SEED { all } else { end(all, word, has_digit, from..text.len()) }
}

/// Whether three bytes are a status of a failure by their digits and by what stands before them.
fn is_status(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map_or(b' ', |before| text[before]);
    let digits = &text[at..at + 3];
    let known = matches!((digits[0], digits[1]), (b'4', b'0'..=b'3' | b'9') | (b'5', b'0'..=b'2')) && digits[2].is_ascii_digit();
    known && matches!(before, b' ' | b'"' | b'=' | b':' | b'|' | b'(')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_alike_are_of_one_kind() {
        let alike = |one: &str, other: &str| kind(one.as_bytes()) == kind(other.as_bytes());
        assert!(alike("10:00:01 ERROR req_01Ab failed in 20 ms", "10:00:02 ERROR req_7x failed in 8 ms"));
        assert!(!alike("ERROR no key", "ERROR no model"));
        assert!(!alike("\"POST /v1 HTTP/1.1\" 401 20", "\"POST /v1 HTTP/1.1\" 502 20"));
    }

    #[test]
    fn an_entry_has_its_lines() {
        let log = "10:00:00 INFO fine\n10:00:01 ERROR broke\nTraceback (most recent call last):\n  File x\n\nDuring handling of it:\n\nTraceback (most recent call last):\n  File y\nE: bad\n10:00:02 INFO fine\n";
        let found = entries(log, |line| line.contains("ERROR"));
        assert_eq!((found.len(), found[0].lines), (1, (1, 9)));
        assert!(found[0].text.ends_with("E: bad"));
    }

    #[test]
    fn entries_alike_in_their_first_line_differ_in_their_last() {
        let log = "Traceback (most recent call last):\n  File x\nE: one\nTraceback (most recent call last):\n  File x\nE: two\nTraceback (most recent call last):\n  File x\nE: one\n";
        let found = entries(log, |_| true);
        assert_eq!(found.iter().map(|entry| entry.times).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_paragraph_inside_a_log_belongs_to_its_entry() {
        let log = "10:00:01 ERROR it failed\n\nthe group failed as well\nTraceback (most recent call last):\n  File x\nE: one\n10:00:02 INFO fine\n";
        let found = entries(log, |line| line.contains("ERROR"));
        assert!(found[0].text.ends_with("E: one"), "{}", found[0].text);
        assert!(entries("10:00:01 ERROR it failed\n\nWhy is that?\n", |_| true)[0].text.ends_with("it failed"));
    }

    #[test]
    fn a_log_is_told_by_its_beginnings() {
        for line in
            ["2025-01-01T10:00:00Z x", "[GIN] 2025/01/01 - 10:00", "{\"level\":\"info\"}", "api-1  | INFO: x", "\u{1b}[31mERROR\u{1b}[0m x"]
        {
            assert!(is_stamped(line), "{line}");
        }
        for line in ["I get an error", "  File \"x\", line 4", "{", "at 10:30 it broke"] {
            assert!(!is_stamped(line), "{line}");
        }
    }
}
