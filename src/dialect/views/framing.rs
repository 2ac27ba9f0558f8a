//! Ways of cutting bytes into events, right and wrong.

use std::borrow::Cow;

use super::super::sse::{self, Decoded, lines, split_field};
use super::Wire;
use super::standard::dispatched;

/// What a client takes for one event.
pub struct Frame<'f> {
    /// Where it stands in the body.
    pub offset: usize,
    /// Its data.
    pub data: &'f str,
}

/// A way of cutting bytes into events.
pub type Framing = fn(&Wire, &mut dyn FnMut(Frame));

/// Every `data:` line is an event, however it is written.
pub fn by_line(wire: &Wire, sink: &mut dyn FnMut(Frame)) {
    lines_of(wire.bytes, wire.begin(), &mut |offset, line| {
        let (name, value) = split_field(line);
        if name.trim_ascii().eq_ignore_ascii_case(b"data") {
            give(sink, offset, value.trim_ascii());
        }
    });
}

/// Only lines that begin with `data: ` count.
pub fn by_line_with_space(wire: &Wire, sink: &mut dyn FnMut(Frame)) {
    lines_of(wire.bytes, wire.begin(), &mut |offset, line| {
        if let Some(value) = line.strip_prefix(b"data: ") {
            give(sink, offset, value);
        }
    });
}

/// Each arrival is read on its own, as if it held whole events.
pub fn by_arrival(wire: &Wire, sink: &mut dyn FnMut(Frame)) {
    let mut start = wire.begin();
    for end in ends(wire).filter(|end| *end >= wire.begin()) {
        lines_of(&wire.bytes[..end], start, &mut |offset, line| {
            if let Some(value) = line.strip_prefix(b"data:") {
                give(sink, offset, value.trim_ascii());
            }
        });
        start = end;
    }
}

/// Events end at two line feeds and nowhere else.
pub fn by_two_line_feeds(wire: &Wire, sink: &mut dyn FnMut(Frame)) {
    let mut start = wire.begin();
    for end in memchr::memmem::find_iter(wire.bytes, b"\n\n") {
        if end >= start {
            block(&wire.bytes[start..end], start, sink);
            start = end + 2;
        }
    }
}

/// The lines of one block, cut at line feeds.
fn block(bytes: &[u8], offset: usize, sink: &mut dyn FnMut(Frame)) {
    let values = bytes.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let value = line.strip_prefix(b"data:")?;
        Some(value.strip_prefix(b" ").unwrap_or(value))
    });
    let values: Vec<_> = values.collect();
    if !values.is_empty() {
        give(sink, offset, &values.join(&b'\n'));
    }
}

/// The byte-order mark is a part of the first field's name.
pub fn with_bom(wire: &Wire, sink: &mut dyn FnMut(Frame)) {
    let behind = if wire.decoded.bom { lines(wire.bytes, 0).next().map_or(0, |line| line.next) } else { 0 };
    decoded(&sse::decode(&wire.bytes[behind..]), behind, sink);
}

/// Events without a name are dropped.
pub fn named(wire: &Wire, sink: &mut dyn FnMut(Frame)) {
    for (offset, _, data) in dispatched(&wire.decoded).filter(|(_, name, _)| !name.is_empty()) {
        sink(Frame { offset, data });
    }
}

/// Lines end where Python's `str.splitlines` ends them, too.
pub fn by_split_lines(wire: &Wire, sink: &mut dyn FnMut(Frame)) {
    let text = String::from_utf8_lossy(wire.bytes);
    let ends = |character: char| matches!(character, '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    if !text.contains(ends) {
        return decoded(&wire.decoded, 0, sink);
    }
    let text: String = text.chars().map(|character| if ends(character) { '\n' } else { character }).collect();
    // What stands behind the first of them has moved.
    decoded(&sse::decode(text.as_bytes()), 0, &mut |frame| sink(Frame { offset: frame.offset.min(wire.bytes.len()), ..frame }));
}

/// Each arrival is decoded on its own: a character that stands in two becomes several that are none.
pub fn by_decoded_arrival(wire: &Wire, sink: &mut dyn FnMut(Frame)) {
    let splits = |end: &usize| *end < wire.bytes.len() && wire.bytes[*end] & 0xc0 == 0x80;
    if !ends(wire).any(|end| splits(&end)) {
        return decoded(&wire.decoded, 0, sink);
    }
    let mut text = String::with_capacity(wire.bytes.len());
    let mut start = 0;
    for end in ends(wire) {
        text.push_str(&String::from_utf8_lossy(&wire.bytes[start..end]));
        start = end;
    }
    decoded(&sse::decode(text.as_bytes()), 0, &mut |frame| sink(Frame { offset: frame.offset.min(wire.bytes.len()), ..frame }));
}

fn decoded(decoded: &Decoded, behind: usize, sink: &mut dyn FnMut(Frame)) {
    for (offset, _, data) in dispatched(decoded) {
        sink(Frame { offset: offset + behind, data });
    }
}

/// Where arrivals end; they rise, and the last one is the end of the body.
fn ends<'w>(wire: &'w Wire) -> impl Iterator<Item = usize> + 'w {
    let (length, mut last) = (wire.bytes.len(), 0);
    let arrivals = wire.response.body.arrivals.iter().map(move |arrival| {
        last = (arrival.end as usize).clamp(last, length);
        last
    });
    arrivals.chain(std::iter::once(length))
}

fn lines_of(bytes: &[u8], from: usize, each: &mut dyn FnMut(usize, &[u8])) {
    lines(bytes, from).for_each(|line| each(line.start, &bytes[line.start..line.end]));
}

fn give(sink: &mut dyn FnMut(Frame), offset: usize, value: &[u8]) {
    let data: Cow<str> = String::from_utf8_lossy(value);
    sink(Frame { offset, data: &data });
}
