//! Reading a body: what came, when it came, and how it ended.

use std::time::Duration;

use ::http::HeaderMap;
use ::http::header::CONTENT_ENCODING;
use tokio::time::{Instant, timeout_at};

use super::decode::{Decoder, Fed, Sink};
use super::{TAIL, classify, ms, ms_since};
use crate::evidence::{Arrival, Body, Encoding, Fault, FaultKind};
use crate::secret::Scrubber;

/// Arrivals that are kept apart; later ones run together.
const ARRIVALS: usize = 50_000;

/// How a body is read.
pub(super) struct Reading<'a> {
    pub(super) started: Instant,
    pub(super) deadline: Instant,
    pub(super) idle: Duration,
    pub(super) close: Duration,
    /// Bytes to keep.
    pub(super) cap: usize,
    pub(super) stop_after: Option<fn(&[u8]) -> bool>,
    pub(super) scrubber: &'a Scrubber,
}

/// What came of reading a body.
pub(super) struct Read {
    pub(super) body: Body,
    pub(super) cut: Option<Fault>,
    pub(super) left_open: bool,
}

/// How reading came to its end.
enum End {
    Clean,
    LeftOpen,
    Clipped,
    Cut(FaultKind),
    Broken(reqwest::Error),
}

impl Reading<'_> {
    /// Reads until the end, whichever comes first.
    pub(super) async fn read(&self, mut answer: reqwest::Response) -> Read {
        let mut collector = Collector::new(declared(answer.headers()), self.cap);
        let end = self.collect(&mut answer, &mut collector).await;
        drop(answer);
        let at_ms = ms_since(self.started);
        let (mut body, spoiled) = collector.finish(at_ms, matches!(end, End::Clean));
        self.scrubber.scrub(&mut body.bytes);
        let left_open = matches!(end, End::LeftOpen);
        let ended = match end {
            End::Clean | End::LeftOpen | End::Clipped => None,
            End::Cut(kind) => Some(Fault { kind, at_ms, chain: Vec::new() }),
            End::Broken(error) => {
                let error = error.without_url();
                Some(Fault { kind: classify::in_body(&error), at_ms, chain: classify::words(&error, self.scrubber) })
            }
        };
        Read { body, cut: spoiled.or(ended), left_open }
    }

    async fn collect(&self, answer: &mut reqwest::Response, collector: &mut Collector) -> End {
        let mut close_by = None;
        loop {
            let until = close_by.unwrap_or_else(|| Instant::now() + self.idle).min(self.deadline);
            match timeout_at(until, answer.chunk()).await {
                Ok(Ok(Some(piece))) => {
                    let from = collector.bytes().len().saturating_sub(TAIL);
                    if !collector.take(&piece, ms(self.started.elapsed())) {
                        return End::Clipped;
                    }
                    if close_by.is_none() && self.has_announced_end(collector.bytes(), from) {
                        close_by = Some(Instant::now() + self.close);
                    }
                }
                Ok(Ok(None)) => return End::Clean,
                Ok(Err(error)) => return End::Broken(error),
                Err(_) => return self.out_of_patience(close_by.is_some(), collector),
            }
            // A timer is not looked at while bytes keep being ready.
            if Instant::now() >= close_by.unwrap_or(self.deadline).min(self.deadline) {
                return self.out_of_patience(close_by.is_some(), collector);
            }
        }
    }

    fn has_announced_end(&self, bytes: &[u8], from: usize) -> bool {
        // Bytes that turn out not to be encoded as declared may be fewer than before.
        self.stop_after.is_some_and(|tells| tells(&bytes[from.min(bytes.len())..]))
    }

    fn out_of_patience(&self, announced: bool, collector: &Collector) -> End {
        if announced {
            End::LeftOpen
        } else if collector.wire > 0 && Instant::now() >= self.deadline {
            End::Cut(FaultKind::Unfinished)
        } else {
            End::Cut(FaultKind::Stalled)
        }
    }
}

/// Undoes the encoding that the head declares: the body as it was meant, of at most `cap` bytes, with the arrivals mapped to it. `clean` says
/// that the bytes are a whole body. A body that is not in its declared encoding stays as it is, with a fault.
pub fn undone(bytes: &[u8], arrivals: &[Arrival], headers: &HeaderMap, cap: usize, clean: bool) -> (Body, Option<Fault>) {
    let mut collector = Collector::new(declared(headers), cap);
    let mut from = 0;
    for arrival in arrivals {
        let end = (arrival.end as usize).clamp(from, bytes.len());
        if !collector.take(&bytes[from..end], arrival.at_ms) {
            break;
        }
        from = end;
    }
    collector.finish(arrivals.last().map_or(0.0, |last| last.at_ms), clean)
}

/// The one encoding that the head declares, if we know it.
fn declared(headers: &HeaderMap) -> Option<Encoding> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else {
        return None;
    };
    match value.trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => Some(Encoding::Gzip),
        "deflate" => Some(Encoding::Deflate),
        "br" => Some(Encoding::Brotli),
        _ => None,
    }
}

/// Collects arrivals and undoes their encoding.
struct Collector {
    encoding: Option<Encoding>,
    cap: usize,
    /// Undoes the encoding; `None` for bytes that are kept as they came.
    decoder: Option<Decoder>,
    /// The bytes as they came; with a decoder only until it gave its first byte.
    raw: Sink,
    arrivals: Vec<Arrival>,
    wire: u64,
    clipped: bool,
    /// When the bytes turned out not to be in the declared encoding.
    spoiled_ms: Option<f64>,
}

impl Collector {
    fn new(encoding: Option<Encoding>, cap: usize) -> Self {
        Collector {
            encoding,
            cap,
            decoder: encoding.map(|encoding| Decoder::new(encoding, cap)),
            raw: Sink::new(cap),
            arrivals: Vec::new(),
            wire: 0,
            clipped: false,
            spoiled_ms: None,
        }
    }

    /// The body so far.
    fn bytes(&self) -> &[u8] {
        match &self.decoder {
            Some(decoder) => decoder.bytes(),
            None => &self.raw.bytes,
        }
    }

    /// Takes what came; false when no more is wanted.
    fn take(&mut self, piece: &[u8], at_ms: f64) -> bool {
        self.wire += piece.len() as u64;
        match self.decoder.take() {
            Some(decoder) => self.decode(decoder, piece, at_ms),
            None => {
                self.raw.take(piece);
                self.arrived(self.raw.bytes.len(), at_ms);
                self.clipped = self.raw.full;
            }
        }
        !self.clipped
    }

    fn decode(&mut self, mut decoder: Decoder, piece: &[u8], at_ms: f64) {
        let undecided = decoder.bytes().is_empty();
        if undecided {
            self.raw.take(piece);
        }
        let fed = decoder.feed(piece);
        if fed == Fed::Bad {
            self.spoiled_ms = Some(at_ms);
        }
        if decoder.bytes().is_empty() {
            // Nothing is decoded yet: these arrivals count for the bytes as they came.
            self.arrived(self.raw.bytes.len(), at_ms);
            self.clipped = self.raw.full;
            if self.clipped || fed == Fed::Bad {
                self.encoding = None;
                return;
            }
        } else {
            if undecided {
                self.arrivals.clear();
                self.raw = Sink::new(0);
            }
            self.arrived(decoder.bytes().len(), at_ms);
            // Behind a break nothing can be read; what was decoded stays.
            self.clipped = fed != Fed::Good;
        }
        self.decoder = Some(decoder);
    }

    fn arrived(&mut self, end: usize, at_ms: f64) {
        let end = u32::try_from(end).unwrap_or(u32::MAX);
        let before = self.arrivals.last().map_or(0, |last| last.end);
        if end == before {
            return;
        }
        if self.arrivals.len() >= ARRIVALS {
            self.arrivals.pop();
        }
        self.arrivals.push(Arrival { at_ms, end });
    }

    /// The body, and a fault when it was not in the declared encoding. `clean` says that the whole body came.
    fn finish(mut self, at_ms: f64, clean: bool) -> (Body, Option<Fault>) {
        self.settle_empty(at_ms, clean);
        let bytes = match self.decoder {
            Some(decoder) => decoder.into_bytes(),
            None => self.raw.bytes,
        };
        debug_assert!(bytes.len() <= self.cap);
        let encoding = self.encoding.filter(|_| self.wire > 0);
        let chain = vec!["the body is not in the encoding that its head declares".to_owned()];
        let fault = self.spoiled_ms.map(|at_ms| Fault { kind: FaultKind::Encoding, at_ms, chain });
        (Body { bytes, arrivals: self.arrivals, wire_bytes: self.wire, encoding, clipped: self.clipped }, fault)
    }

    /// Bytes that decoded to nothing are an empty body in its encoding, the mere beginning of one, or not in this encoding at all.
    fn settle_empty(&mut self, at_ms: f64, clean: bool) {
        let Some(decoder) = self.decoder.as_mut().filter(|decoder| decoder.bytes().is_empty()) else {
            return;
        };
        if self.wire == 0 {
            return;
        }
        if !clean || decoder.is_whole() {
            self.arrivals.clear();
        } else {
            self.decoder = None;
            self.encoding = None;
            self.spoiled_ms = Some(at_ms);
        }
    }
}

#[cfg(test)]
#[path = "tests/collector.rs"]
mod tests;
