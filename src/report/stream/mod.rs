//! How a stream is shown: what was measured, a picture of its arrivals beside the control, and the bytes at a fault.

mod clients;
mod hexdump;
mod measures;
mod timeline;
mod trace;
mod views;

pub use clients::Known;
pub use hexdump::Dump;
pub use measures::{Gaps, StreamMeasures};
pub use timeline::Picture;
pub use trace::Trace;
pub use views::Seeing;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::{Item, Report, Row};
use crate::catalogue::{self, Shown};
use crate::dialect::Reading;
use crate::evidence::Exchange;

/// Columns of a picture in Markdown, where nobody knows how wide the page is.
pub(super) const MARKDOWN: usize = 76;
/// Families whose findings a picture of a stream explains.
const PICTURED: [&str; 2] = ["stream", "time"];
/// Modes about how a stream is written; when it came says little about them.
const WRITTEN: [&str; 5] =
    ["stream-malformed", "stream-missing-done", "stream-wrong-content-type", "stream-breaks-client", "stream-no-finish-reason"];
/// Streams in one picture, at most; the control comes on top.
const STREAMS: usize = 3;

/// The same request without streaming, answered: what a stream is compared with.
pub(super) fn control<'s, 'e>(stream: &Exchange, shown: &'s [Shown<'e>]) -> Option<&'s Shown<'e>> {
    let asked = unstreamed(stream)?;
    let same = |other: &&Shown| other.via == stream.via && !other.asks_stream() && unstreamed(other).as_ref() == Some(&asked);
    shown.iter().filter(same).find(|other| matches!(other.reading, Reading::Completion(_)))
}

/// The body of a chat without what asks for a stream.
fn unstreamed(exchange: &Exchange) -> Option<Map<String, Value>> {
    let mut body = exchange.request.body.as_ref()?.as_object()?.clone();
    body.retain(|member, _| member != "stream" && member != "stream_options");
    Some(body)
}

/// What there is to see of a finding about a stream.
#[derive(Default)]
pub struct Sight<'r> {
    /// What came when.
    pub picture: Option<Picture<'r>>,
    /// The bytes at the fault.
    pub dumps: Vec<&'r Dump>,
    /// What clients of different kinds make of it, where they differ.
    pub readers: &'r [String],
}

impl Report {
    /// What there is to see of a finding; bytes, and pictures that only complete it, where everything is wanted.
    pub(super) fn sight_of<'r>(&'r self, item: &Item, verbose: bool) -> Sight<'r> {
        let dumps = if verbose { self.dumps_of(item) } else { Vec::new() };
        let telling = verbose || !WRITTEN.contains(&item.mode.as_str());
        let written = self.first_stream(item).filter(|row| WRITTEN.contains(&item.mode.as_str()) && row.seeing.differs());
        let readers = written.map_or(&[][..], |row| row.seeing.main.as_slice());
        Sight { picture: self.picture_of(item).filter(|_| telling), dumps, readers }
    }

    /// The picture that belongs to a finding: the streams that it cites beside their control. `None` when the finding is about
    /// something else, or when one before it shows the same stream.
    fn picture_of<'r>(&'r self, item: &Item) -> Option<Picture<'r>> {
        let first = self.first_stream(item)?;
        let before = self.findings.iter().take_while(|other| other.mode != item.mode);
        if before.filter_map(|other| self.first_stream(other)).any(|row| row.id == first.id) {
            return None;
        }
        let mut rows = self.control_of(first);
        for row in self.cited_streams(item) {
            if rows.len() <= STREAMS && rows.iter().all(|known| known.ask() != row.ask()) {
                rows.push(row);
            }
        }
        Some(Picture::new(&rows))
    }

    /// The picture of one stream beside its control.
    pub(super) fn picture(&self, stream: &Row) -> Picture<'_> {
        let mut rows = self.control_of(stream);
        rows.extend(self.exchanges.iter().find(|row| row.id == stream.id));
        Picture::new(&rows)
    }

    /// Every streamed answer.
    pub(super) fn streams(&self) -> Vec<&Row> {
        self.exchanges.iter().filter(|row| row.stream.is_some()).collect()
    }

    /// Ids of the streams that stand in a finding's picture.
    pub(super) fn pictured(&self) -> Vec<&str> {
        self.findings.iter().filter_map(|item| self.picture_of(item)).flat_map(|picture| picture.ids().collect::<Vec<_>>()).collect()
    }

    /// The bytes that a finding is about: of the fault that it names, or of the end that it is about.
    fn dumps_of<'r>(&'r self, item: &Item) -> Vec<&'r Dump> {
        let Some(row) = self.first_stream(item) else { return Vec::new() };
        let kinds: Vec<_> = ["kind", "kinds"].iter().filter_map(|key| item.details.get(*key)).flat_map(strings).collect();
        let of_end = ["stream-truncated", "stream-no-finish-reason"].contains(&item.mode.as_str());
        row.dumps.iter().filter(|dump| dump.kind == "start" || kinds.contains(&dump.kind) || (of_end && dump.kind == "cut")).collect()
    }

    fn control_of(&self, stream: &Row) -> Vec<&Row> {
        let id = stream.trace.as_ref().and_then(|trace| trace.control.as_ref());
        self.exchanges.iter().filter(|row| Some(&row.id) == id && row.trace.is_some()).collect()
    }

    fn first_stream<'r>(&'r self, item: &Item) -> Option<&'r Row> {
        let family = catalogue::mode(&item.mode).map_or("stream", |mode| mode.family);
        self.cited_streams(item).first().copied().filter(|_| PICTURED.contains(&family))
    }

    fn cited_streams<'r>(&'r self, item: &Item) -> Vec<&'r Row> {
        let row = |id: &String| self.exchanges.iter().find(|row| &row.id == id);
        item.cites.iter().filter_map(row).filter(|row| row.trace.as_ref().is_some_and(|trace| trace.is_stream)).collect()
    }
}

/// A text, or each text of a list.
fn strings(value: &Value) -> Vec<&str> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Value::as_str).collect()
}

impl Row {
    /// The question, without its try.
    fn ask(&self) -> &str {
        self.label.split(',').next().unwrap_or_default()
    }
}
