//! From bytes to text: encodings, what is no text, and what is kept of a text.

use std::borrow::Cow;

use super::{Unreadable, scrub};
use crate::facts::TEXT_LIMIT;

/// No paste may be larger than this (bytes).
const MAX_PASTE: usize = 64 * 1024 * 1024;
/// So much of a paste (bytes) shows whether it is text.
const SAMPLE: usize = 64 * 1024;

/// The text of a paste: UTF-8, read leniently, or UTF-16 with its mark.
///
/// # Errors
/// When it is too large, no text, or blank.
pub fn decode(paste: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    if paste.len() > MAX_PASTE {
        return Err(Unreadable::TooLarge);
    }
    let text = match paste {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(paste),
    };
    match text {
        text if has_many_zeros(text.as_bytes()) || is_noise(&text) => Err(Unreadable::Binary),
        text if text.trim_start().is_empty() => Err(Unreadable::Empty),
        text => Ok(text),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// True when more than one byte of two hundred is zero; a server's log may hold a few, where a client spoke TLS to it.
fn has_many_zeros(bytes: &[u8]) -> bool {
    let allowed = bytes.len() / 200;
    memchr::memchr_iter(0, bytes).nth(allowed).is_some()
}

/// True when a third of the beginning are control characters or bytes of no encoding.
fn is_noise(text: &str) -> bool {
    let head = crate::facts::head(text, SAMPLE);
    let noise = head.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER || (c.is_control() && !"\t\n\r\u{1b}\u{8}\u{c}".contains(*c)));
    noise.count() * 3 > head.chars().count()
}

/// The text without the colours and cursor movements of a terminal.
pub fn plain(text: &str) -> Cow<'_, str> {
    if memchr::memchr(0x1b, text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| plain.push_str(after_sequence(part)));
    Cow::Owned(plain)
}

/// What follows one escape sequence: `[…m`, `]…BEL`, or a single character.
fn after_sequence(part: &str) -> &str {
    let end = match part.as_bytes().first() {
        Some(b'[') => part[1..].find(|c: char| ('@'..='~').contains(&c)).map(|at| at + 2),
        Some(b']') => part.find('\u{7}').map(|at| at + 1),
        _ => part.chars().next().map(char::len_utf8),
    };
    end.map_or("", |end| &part[end..])
}

/// The text without colours, and without the `service-1  | ` that Docker Compose writes before every line.
pub fn bare(text: &str) -> Cow<'_, str> {
    let plain = plain(text);
    let named = |line: &str| line.split_once("| ").or(line.split_once('|')).is_some_and(|(name, _)| is_container(name));
    let (mut with, mut without) = (0, 0);
    plain.lines().filter(|line| !line.trim().is_empty()).take(200).for_each(|line| if named(line) { with += 1 } else { without += 1 });
    if with == 0 || without > with / 4 {
        return plain;
    }
    let own = |line: &str| match line.split_once('|') {
        Some((name, rest)) if is_container(name) => rest.strip_prefix(' ').unwrap_or(rest).to_owned(),
        _ => line.to_owned(),
    };
    Cow::Owned(plain.lines().map(own).collect::<Vec<_>>().join("\n"))
}

/// The text without the frames of tracebacks: paths and code of programs say nothing of a request. Frames that other lines are cut at
/// (`at …`) leave a mark.
pub fn without_frames(text: &str) -> Cow<'_, str> {
    if ![TRACEBACK, "  File \"", "\n    at ", "\n   at ", "\tat "].iter().any(|mark| text.contains(mark)) {
        return Cow::Borrowed(text);
    }
    let (mut left, mut in_trace) = (String::with_capacity(text.len()), false);
    for line in text.lines() {
        let indented = line.starts_with([' ', '\t']);
        let own = line.trim_start();
        in_trace = own.starts_with(TRACEBACK) || own.starts_with("File \"") || (in_trace && (indented || own.is_empty()));
        if indented && own.starts_with("at ") {
            left.push_str("   at -\n");
        } else if !(in_trace && indented) {
            left.push_str(line);
            left.push('\n');
        }
    }
    Cow::Owned(left)
}

/// With this, Python begins a traceback.
pub const TRACEBACK: &str = "Traceback (most recent call last)";

/// True for `service-1  `: one word with a dash, and blanks.
fn is_container(name: &str) -> bool {
    let word = name.trim_end();
    word.len() < name.len()
        && word.len() <= 60
        && word.contains(['-', '_'])
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// What is kept of a text: no more than [`TEXT_LIMIT`] bytes, scrubbed.
pub fn kept(text: &str) -> String {
    // A key that the limit cuts is blanked before it is cut.
    let mut kept = scrub::scrub(crate::facts::head(text, TEXT_LIMIT + 4096));
    kept.truncate(crate::facts::head(&kept, TEXT_LIMIT).len());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_any_encoding_is_read() {
        let units =
            |unit: fn(u16) -> [u8; 2], mark: [u8; 2]| -> Vec<u8> { mark.into_iter().chain("é 1".encode_utf16().flat_map(unit)).collect() };
        assert_eq!(decode(&units(u16::to_le_bytes, [0xff, 0xfe])).as_deref(), Ok("é 1"));
        assert_eq!(decode(&units(u16::to_be_bytes, [0xfe, 0xff])).as_deref(), Ok("é 1"));
        assert_eq!(decode(b"\xef\xbb\xbfhi").as_deref(), Ok("hi"));
        assert_eq!(decode(b"a failure \xff of somebody").as_deref(), Ok("a failure \u{fffd} of somebody"));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(decode(b"abc\0def"), Err(Unreadable::Binary));
        assert_eq!(decode(&[0x89, 0xd8, 0xe1, 1, 2, 3, 4, b'a', b'b']), Err(Unreadable::Binary));
        assert_eq!(decode(b" \n\t"), Err(Unreadable::Empty));
        assert!(decode(format!("{}\0", "a line of a log\n".repeat(100)).as_bytes()).is_ok());
        assert_eq!(decode(&vec![b'a'; MAX_PASTE + 1]), Err(Unreadable::TooLarge));
    }

    #[test]
    fn frames_are_dropped() {
        let trace = "ERROR it broke\nTraceback (most recent call last):\n  File \"/a/chat/completions\", line 1, in f\n    model=x[1]\n    ^^^^\nE: why\n  more\n";
        assert_eq!(without_frames(trace), "ERROR it broke\nTraceback (most recent call last):\nE: why\n  more\n");
        assert_eq!(without_frames("Error: no\n    at f (/v1/models.js)\n{ code: 1 }"), "Error: no\n   at -\n{ code: 1 }\n");
    }

    #[test]
    fn colours_are_dropped() {
        assert_eq!(plain("\u{1b}[31mERROR\u{1b}[0m: \u{1b}[1;33m429\u{1b}[m"), "ERROR: 429");
        assert_eq!(plain("\u{1b}]0;title\u{7}text\u{1b}"), "text");
    }

    #[test]
    fn what_is_kept_is_scrubbed_and_bounded() {
        assert!(!kept("key sk-proj-abcdefghijklmnopqrstuvwx").contains("abcdef"));
        assert_eq!(kept(&"ä".repeat(TEXT_LIMIT)).len(), TEXT_LIMIT);
    }
}
