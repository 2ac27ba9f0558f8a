//! The standard's own view: the WHATWG event stream, as the crate `eventsource-stream` reads it.
//!
//! That crate panics on a byte-order mark, waits for ever behind one invalid byte, and is quadratic in the length of what it is given at once.
//! It is therefore given text, one line after another, each ended by a line feed, and never the first character of a body.

use std::convert::Infallible;

use eventsource_stream::{Event, EventStream};
use futures_util::{FutureExt as _, StreamExt as _, stream};

use super::super::sse::{self, Decoded};
use super::Wire;
use super::framing::Frame;

/// Larger bodies are read by our own decoder alone.
const MAX_BYTES: usize = 4 << 20;

/// The events that a conforming reader dispatches. Our own decoder knows where they stand, and is believed where the two differ.
pub fn frames(wire: &Wire, sink: &mut dyn FnMut(Frame)) {
    let ours: Vec<_> = dispatched(&wire.decoded).collect();
    let theirs = read(wire.bytes).filter(|theirs| theirs.len() == ours.len());
    for (index, (offset, _, data)) in ours.into_iter().enumerate() {
        let data = theirs.as_ref().map_or(data, |theirs| &theirs[index].data);
        sink(Frame { offset, data });
    }
}

/// What our own decoder dispatches: offset, name and data.
pub fn dispatched<'d>(decoded: &'d Decoded) -> impl Iterator<Item = (usize, &'d str, &'d str)> {
    let events = decoded.events.iter().filter(|event| event.terminated && event.data_lines > 0);
    events.map(|event| (event.start, &*event.name, &*event.data))
}

/// What the crate makes of a body; `None` when it is too large for it.
pub fn read(bytes: &[u8]) -> Option<Vec<Event>> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let from = if bytes.starts_with(sse::BOM) { sse::BOM.len() } else { 0 };
    let lines = sse::lines(bytes, from).map(|line| {
        let mut text = String::from_utf8_lossy(&bytes[line.start..line.end]).into_owned();
        text.extend((line.next > line.end).then_some('\n'));
        text
    });
    // A comment first, so that no byte-order mark is ever the first character.
    let pieces = std::iter::once(":\n".to_owned()).chain(lines).map(Ok::<_, Infallible>);
    let mut events = EventStream::new(stream::iter(pieces));
    let mut read = Vec::new();
    while let Some(Some(Ok(event))) = events.next().now_or_never() {
        read.push(event);
    }
    Some(read)
}
