//! What passes by while it passes: kept up to a bound, with the time of every arrival.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::{HeaderMap, Method, StatusCode, Version};

use crate::evidence::{Arrival, Fault};
use crate::pace::Pace;

/// Arrivals that are kept apart; later ones run together.
const ARRIVALS: usize = 20_000;
/// Bytes of all bodies that wait to be written; beyond them, bodies are kept to [`Pace::TAIL_BODY`].
const MAX_WAITING: usize = 64 << 20;

/// An exchange that is over, as it passed by: nothing is read, decoded or blanked yet.
pub struct Passed {
    /// 1, 2, … in the order of the beginnings.
    pub(super) number: u64,
    pub(super) connection: u64,
    /// Milliseconds from the start of the capture.
    pub(super) since_ms: f64,
    pub(super) at: jiff::Timestamp,
    started: Instant,
    pub(super) method: Method,
    /// The URL at the upstream, as it was asked.
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) up: Flow,
    pub(super) head: Option<Head>,
    pub(super) down: Flow,
    pub(super) end: End,
    pub(super) end_ms: f64,
}

/// The head of an answer.
pub struct Head {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) at_ms: f64,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// As the framing of the answer says.
    Complete,
    /// The client went away.
    ClientGone,
    /// The upstream failed before or in its answer.
    Failed(Fault),
    /// The capture was stopped.
    Stopped,
}

/// Bytes in one direction.
#[derive(Default)]
pub struct Flow {
    pub(super) bytes: Vec<u8>,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) wire: u64,
    pub(super) clipped: bool,
    lease: Lease,
}

impl Flow {
    fn take(&mut self, piece: &[u8], at_ms: f64) {
        self.wire += piece.len() as u64;
        let room = self.lease.room(self.bytes.len(), piece.len());
        self.clipped |= room < piece.len();
        if room == 0 {
            return;
        }
        self.bytes.extend_from_slice(&piece[..room]);
        if self.arrivals.len() >= ARRIVALS {
            self.arrivals.pop();
        }
        self.arrivals.push(Arrival { at_ms, end: u32::try_from(self.bytes.len()).unwrap_or(u32::MAX) });
    }
}

/// Memory that is taken until the exchange is written.
#[derive(Default)]
struct Lease {
    waiting: Arc<AtomicUsize>,
    taken: usize,
}

impl Lease {
    /// How many of these bytes may be kept.
    fn room(&mut self, kept: usize, wanted: usize) -> usize {
        let cap = if self.waiting.load(Ordering::Relaxed) < MAX_WAITING { Pace::default().max_body } else { Pace::TAIL_BODY };
        let room = cap.saturating_sub(kept).min(wanted);
        self.waiting.fetch_add(room, Ordering::Relaxed);
        self.taken += room;
        room
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

/// Where exchanges go when they are over.
pub type Sink = Arc<dyn Fn(Passed) + Send + Sync>;

/// What all records of a capture share.
pub struct Desk {
    sink: Sink,
    started: Instant,
    waiting: Arc<AtomicUsize>,
    begun: AtomicUsize,
    stopping: AtomicBool,
}

impl Desk {
    /// A desk that hands what is over to the sink.
    pub fn new(sink: Sink) -> Self {
        let (waiting, begun, stopping) = (Arc::default(), AtomicUsize::new(0), AtomicBool::new(false));
        Desk { sink, started: Instant::now(), waiting, begun, stopping }
    }

    /// From now on, what breaks off is our doing.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// A record of a request that begins now.
    pub fn begin(self: &Arc<Self>, connection: u64, method: Method, url: String, headers: HeaderMap) -> Arc<Record> {
        let flow = || Flow { lease: Lease { waiting: self.waiting.clone(), taken: 0 }, ..Flow::default() };
        let passed = Passed {
            number: self.begun.fetch_add(1, Ordering::Relaxed) as u64 + 1,
            connection,
            since_ms: self.started.elapsed().as_secs_f64() * 1e3,
            at: jiff::Timestamp::now(),
            started: Instant::now(),
            method,
            url,
            headers,
            up: flow(),
            head: None,
            down: flow(),
            end: End::ClientGone,
            end_ms: 0.0,
        };
        Arc::new(Record { desk: self.clone(), passed: Mutex::new(Some(passed)) })
    }
}

/// An exchange that passes by. It ends once; what comes later is not recorded.
pub struct Record {
    desk: Arc<Desk>,
    passed: Mutex<Option<Passed>>,
}

impl Record {
    fn passed(&self) -> MutexGuard<'_, Option<Passed>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece of the request's body.
    pub fn sent(&self, piece: &[u8]) {
        if let Some(passed) = self.passed().as_mut() {
            let at_ms = passed.ms();
            passed.up.take(piece, at_ms);
        }
    }

    /// The head of the answer.
    pub fn head(&self, status: StatusCode, version: Version, headers: HeaderMap) {
        if let Some(passed) = self.passed().as_mut() {
            let at_ms = passed.ms();
            passed.head = Some(Head { status, version, headers, at_ms });
        }
    }

    /// A piece of the answer's body.
    pub fn came(&self, piece: &[u8]) {
        if let Some(passed) = self.passed().as_mut() {
            let at_ms = passed.ms();
            passed.down.take(piece, at_ms);
        }
    }

    /// Milliseconds since the request began; 0 once it is over.
    pub fn ms(&self) -> f64 {
        self.passed().as_ref().map_or(0.0, Passed::ms)
    }

    /// The exchange is over.
    pub fn end(&self, end: End) {
        let Some(mut passed) = self.passed().take() else { return };
        passed.end_ms = passed.ms();
        passed.end = end;
        (self.desk.sink)(passed);
    }

    /// Whoever waited for more is no longer there: the client, or all of us.
    pub fn abandon(&self) {
        let stopping = self.desk.stopping.load(Ordering::Acquire);
        self.end(if stopping { End::Stopped } else { End::ClientGone });
    }
}

impl Passed {
    fn ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_given_back() {
        let waiting = Arc::new(AtomicUsize::new(0));
        let flow = || Flow { lease: Lease { waiting: waiting.clone(), taken: 0 }, ..Flow::default() };
        let piece = vec![b'x'; 1 << 20];
        let mut flows: Vec<Flow> = (0..80).map(|_| flow()).collect();
        flows.iter_mut().for_each(|flow| (0..4).for_each(|_| flow.take(&piece, 1.0)));
        assert!(flows.iter().all(|flow| flow.clipped && flow.wire == 4 << 20));
        let kept: usize = flows.iter().map(|flow| flow.bytes.len()).sum();
        assert!(kept == waiting.load(Ordering::Relaxed) && kept <= MAX_WAITING + (4 << 20), "{kept}");
        drop(flows);
        assert_eq!(waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn arrivals_are_bounded_and_the_last_one_is_the_end() {
        let mut flow = Flow::default();
        (0..ARRIVALS + 100).for_each(|at| flow.take(b"x", at as f64));
        let last = flow.arrivals.last().expect("an arrival");
        assert_eq!((flow.arrivals.len(), last.end as usize), (ARRIVALS, flow.bytes.len()));
    }
}
