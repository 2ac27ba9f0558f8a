//! How a stream ended: transport, sentinel, finish reason and our patience, each read on its own.

use crate::evidence::{FaultKind, Response};

use super::{StreamEnd, StreamReading};

/// How the transport ended.
enum Transport {
    /// In order, or we stopped reading because we had enough.
    Clean,
    /// By a cut or a reset.
    Broken,
    /// Not at all within our patience.
    Open,
}

/// The end of a stream. `finished` is the finish reason, `reading.done` the sentinel; `substance` means more than keep-alives came.
pub fn end(response: &Response, reading: &StreamReading, finished: bool, substance: bool) -> StreamEnd {
    if response.body.clipped {
        return StreamEnd::Complete;
    }
    match (transport(response), finished, reading.done) {
        (Transport::Clean | Transport::Broken, true, true) => StreamEnd::Complete,
        (Transport::Clean | Transport::Broken, true, false) => StreamEnd::NoDone,
        (Transport::Clean, false, true) => StreamEnd::NoFinish,
        (Transport::Clean, false, false) => StreamEnd::Silent,
        (Transport::Broken, false, _) => StreamEnd::Cut,
        (Transport::Open, _, true) => StreamEnd::NotClosed,
        (Transport::Open, true, false) => StreamEnd::NeverDone,
        (Transport::Open, false, false) => silence(response, substance),
    }
}

fn silence(response: &Response, substance: bool) -> StreamEnd {
    match (response.body.bytes.is_empty(), substance) {
        (true, _) => StreamEnd::NoFirstByte,
        (false, true) => StreamEnd::Stalled,
        (false, false) => StreamEnd::HeartbeatOnly,
    }
}

fn transport(response: &Response) -> Transport {
    match response.cut.as_ref().map(|fault| &fault.kind) {
        Some(FaultKind::Stalled | FaultKind::Unfinished | FaultKind::Interrupted | FaultKind::NoAnswer) => Transport::Open,
        _ if response.left_open => Transport::Open,
        Some(_) => Transport::Broken,
        None => Transport::Clean,
    }
}
