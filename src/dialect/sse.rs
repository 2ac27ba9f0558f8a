//! Event streams byte by byte: lines, events, comments, and everything a lenient or strict reader would see otherwise.
//!
//! The grammar is that of WHATWG HTML, "Server-sent events". Nothing here fails: what is odd is kept with its offset.

use std::borrow::Cow;
use std::ops::Range;

/// A UTF-8 byte-order mark.
pub const BOM: &[u8] = b"\xef\xbb\xbf";

/// A whole body, decoded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decoded<'b> {
    /// Every block that holds more than comments, in order. Those without a `data` line dispatch nothing in a conforming reader.
    pub events: Vec<Event<'b>>,
    /// Lines whose field name no reader knows, in order; events refer to them by index.
    pub strays: Vec<Range<usize>>,
    /// Comment lines.
    pub comments: usize,
    /// Offsets behind every blank line: wherever a writer may rightly flush. At most [`MAX_ENDS`].
    pub ends: Vec<u32>,
    /// True when the body begins with a byte-order mark.
    pub bom: bool,
}

/// No more block ends than these are kept.
pub const MAX_ENDS: usize = 20_000;

/// One block: the lines up to a blank line or the end of the body.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'b> {
    /// The value of the last `event` line; empty when there is none.
    pub name: Cow<'b, str>,
    /// The values of the `data` lines, joined by line feeds. What is not UTF-8 becomes U+FFFD.
    pub data: Cow<'b, str>,
    /// How many `data` lines there are.
    pub data_lines: usize,
    /// Which of [`Decoded::strays`] stand in this block.
    pub strays: Range<usize>,
    /// Offset of the block's first byte.
    pub start: usize,
    /// Offset behind the blank line, or of the body's end when there is none.
    pub end: usize,
    /// True when a blank line ends the block. A conforming reader drops the block otherwise.
    pub terminated: bool,
}

/// One line: its content, and where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte of the content.
    pub end: usize,
    /// Offset behind the line's end (LF, CR LF or CR).
    pub next: usize,
}

/// The lines of a body from this offset on; a last line without an end is one, too.
pub fn lines(bytes: &[u8], from: usize) -> impl Iterator<Item = Line> + '_ {
    let mut at = from;
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let line = line_at(bytes, at);
        at = line.next;
        Some(line)
    })
}

fn line_at(bytes: &[u8], start: usize) -> Line {
    match memchr::memchr2(b'\n', b'\r', &bytes[start..]) {
        None => Line { start, end: bytes.len(), next: bytes.len() },
        Some(length) => {
            let end = start + length;
            let pair = bytes[end] == b'\r' && bytes.get(end + 1) == Some(&b'\n');
            Line { start, end, next: end + if pair { 2 } else { 1 } }
        }
    }
}

/// Decodes a whole body.
pub fn decode(bytes: &[u8]) -> Decoded<'_> {
    let bom = bytes.starts_with(BOM);
    let mut decoder = Decoder { bytes, out: Decoded { bom, ..Decoded::default() }, block: None };
    for line in lines(bytes, if bom { BOM.len() } else { 0 }) {
        decoder.line(line);
    }
    decoder.close(bytes.len(), false);
    decoder.out
}

struct Decoder<'b> {
    bytes: &'b [u8],
    out: Decoded<'b>,
    block: Option<Event<'b>>,
}

impl<'b> Decoder<'b> {
    fn line(&mut self, line: Line) {
        let bytes = self.bytes;
        let content = &bytes[line.start..line.end];
        match content.first() {
            None => self.blank(line),
            Some(b':') => self.out.comments += 1,
            Some(_) => self.field(line, content),
        }
    }

    fn blank(&mut self, line: Line) {
        self.close(line.next, true);
        if self.out.ends.len() < MAX_ENDS {
            self.out.ends.push(offset(line.next));
        }
    }

    fn close(&mut self, end: usize, terminated: bool) {
        if let Some(mut event) = self.block.take() {
            (event.end, event.terminated) = (end, terminated);
            event.strays.end = self.out.strays.len();
            self.out.events.push(event);
        }
    }

    fn field(&mut self, line: Line, content: &'b [u8]) {
        let first_stray = self.out.strays.len();
        let event = self.block.get_or_insert_with(|| Event::open(line.start, first_stray));
        let (name, value) = split_field(content);
        match name {
            b"data" => event.push_data(value),
            b"event" => event.name = String::from_utf8_lossy(value),
            b"id" | b"retry" => {}
            _ => self.out.strays.push(line.start..line.end),
        }
    }
}

impl<'b> Event<'b> {
    fn open(start: usize, stray: usize) -> Self {
        let nothing = Cow::Borrowed("");
        Event { name: nothing.clone(), data: nothing, data_lines: 0, strays: stray..stray, start, end: start, terminated: false }
    }

    fn push_data(&mut self, value: &'b [u8]) {
        let value = String::from_utf8_lossy(value);
        if self.data_lines == 0 {
            self.data = value;
        } else {
            let data = self.data.to_mut();
            data.push('\n');
            data.push_str(&value);
        }
        self.data_lines += 1;
    }
}

/// A line's field name and its value: one blank behind the colon is no part of the value.
pub fn split_field(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b':', line) {
        None => (line, b""),
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(bytes: &[u8]) -> Vec<(String, String)> {
        let events = decode(bytes).events.into_iter().filter(|event| event.terminated && event.data_lines > 0);
        events.map(|event| (event.name.into_owned(), event.data.into_owned())).collect()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, data)| ((*name).to_owned(), (*data).to_owned())).collect()
    }

    #[test]
    fn fields_are_read_as_the_grammar_says() {
        type Case = (&'static [u8], &'static [(&'static str, &'static str)]);
        let cases: [Case; 12] = [
            (b"data: a\n\n", &[("", "a")]),
            (b"data:a\n\n", &[("", "a")]),
            (b"data:  a\n\n", &[("", " a")]),
            (b"data:\ta\n\n", &[("", "\ta")]),
            (b"data\n\n", &[("", "")]),
            (b"data: a\ndata: b\n\n", &[("", "a\nb")]),
            (b"event: x\nevent: y\ndata: a\n\n", &[("y", "a")]),
            (b"event: ping\n\ndata: a\n\n", &[("", "a")]),
            (b"Data: a\n\n data: a\n\ndata : a\n\n", &[]),
            (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", &[("", "a")]),
            (b": c\n:\ndata: a\n\n", &[("", "a")]),
            (b"data: a\n\ndata: lost", &[("", "a")]),
        ];
        for (bytes, events) in cases {
            assert_eq!(seen(bytes), pairs(events), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn separators_of_text_end_no_line() {
        assert_eq!(seen("data: a\u{2028}b\u{85}c\u{b}d\n\n".as_bytes()), pairs(&[("", "a\u{2028}b\u{85}c\u{b}d")]));
    }

    #[test]
    fn what_is_unknown_keeps_its_place() {
        let decoded = decode(b"data: {\n \"a\": 1\n}\n\n");
        assert_eq!((decoded.events[0].strays.clone(), &decoded.strays[..]), (0..2, &[8..15, 16..17][..]));
        assert_eq!(decoded.ends, [19]);
    }

    proptest! {
        #[test]
        fn any_bytes_decode_in_order(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let decoded = decode(&bytes);
            let mut at = 0;
            for event in &decoded.events {
                prop_assert!(at <= event.start && event.start < event.end && event.end <= bytes.len());
                at = event.end;
            }
        }

        #[test]
        fn lines_cover_the_bytes(text in "[ab:\r\n]{0,60}") {
            let mut at = 0;
            for line in lines(text.as_bytes(), 0) {
                prop_assert!(line.start == at && line.end <= line.next && line.next > at);
                at = line.next;
            }
            prop_assert_eq!(at, text.len());
        }

        #[test]
        fn line_ends_do_not_matter(text in "(data: ?[a-c]{0,3}\n|event: x\n|: c\n|zzz\n|\n){0,20}") {
            let expected = seen(text.as_bytes());
            for end in ["\r\n", "\r"] {
                prop_assert_eq!(&seen(text.replace('\n', end).as_bytes()), &expected);
            }
        }
    }
}
