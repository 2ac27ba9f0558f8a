//! When what came of one answer: as much as a picture needs, whatever the answer's size.

use super::super::words::rounded;
use super::{Gaps, Shown};
use crate::evidence::{FaultKind, Response};

/// A trace is as fine as this share of its length: no terminal has more columns.
const FINENESS: f64 = 1000.0;

/// When what came of one answer. Times are milliseconds after its request began.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// True when a stream was asked for.
    pub is_stream: bool,
    /// Arrivals, those that no picture could tell apart taken together.
    pub arrivals: Vec<Arrived>,
    /// When the head was there.
    pub head_ms: f64,
    /// When the first content was there.
    pub first_ms: Option<f64>,
    /// When the last content was there.
    pub last_ms: Option<f64>,
    /// The usual time between one content and the next; 0 where there is none.
    pub gap_ms: f64,
    /// When it was over.
    pub end_ms: f64,
    /// How it was over.
    pub ending: Ending,
    /// Id of the exchange that asked the same without streaming.
    pub control: Option<String>,
}

/// Bytes that came together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrived {
    /// When.
    pub at_ms: f64,
    /// How many.
    pub bytes: u64,
    /// Whether content was among them, or only heads, comments and the like.
    pub said: bool,
}

/// How an answer was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// In order.
    Closed,
    /// By a cut or a reset.
    Cut,
    /// Not at all within our patience.
    Open,
}

impl Trace {
    /// The trace of an answer that was given, and the same not streamed; `None` for refusals and for what is no chat.
    pub fn of(shown: &Shown, control: Option<&Shown>) -> Option<Trace> {
        let response = shown.response().filter(|response| (200..300).contains(&response.status) && shown.request.body.is_some())?;
        let content = shown.streamed().map(|reading| reading.content_ms.as_slice());
        Some(Trace {
            is_stream: shown.asks_stream(),
            arrivals: arrivals(response, content),
            head_ms: rounded(response.headers_ms),
            first_ms: content.and_then(|content| content.first().copied()),
            last_ms: content.and_then(|content| content.last().copied()),
            gap_ms: content.and_then(Gaps::of).map_or(0.0, |gaps| gaps.median_ms),
            end_ms: response.total_ms,
            ending: ending(response),
            control: control.map(|shown| shown.id.clone()),
        })
    }

    /// When the first byte of the body was there.
    pub fn first_byte_ms(&self) -> Option<f64> {
        self.arrivals.first().map(|arrived| arrived.at_ms)
    }
}

/// `content` holds the times at which content came; without it every byte counts as content.
fn arrivals(response: &Response, content: Option<&[f64]>) -> Vec<Arrived> {
    let fine = response.total_ms / FINENESS;
    let mut all: Vec<Arrived> = Vec::new();
    let mut start = 0;
    for arrival in &response.body.arrivals {
        let bytes = u64::from(arrival.end.saturating_sub(start));
        start = arrival.end;
        let said = content.is_none_or(|content| content.binary_search_by(|at| at.total_cmp(&arrival.at_ms)).is_ok());
        match all.last_mut().filter(|last| arrival.at_ms - last.at_ms < fine) {
            Some(last) => (last.bytes, last.said) = (last.bytes + bytes, last.said || said),
            None => all.push(Arrived { at_ms: arrival.at_ms, bytes, said }),
        }
    }
    all
}

fn ending(response: &Response) -> Ending {
    match response.cut.as_ref().map(|fault| &fault.kind) {
        Some(FaultKind::Stalled | FaultKind::Unfinished | FaultKind::Interrupted | FaultKind::NoAnswer) => Ending::Open,
        _ if response.left_open => Ending::Open,
        Some(_) => Ending::Cut,
        None => Ending::Closed,
    }
}
