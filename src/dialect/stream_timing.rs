//! When the pieces of a streamed answer came: was it written as it was made, or held back and let go at once?

use crate::evidence::{Body, Exchange};

use super::StreamReading;

/// Sizes in which proxies and middleware collect what they pass on, in bytes.
pub const BLOCKS: [u32; 5] = [4096, 8192, 16_384, 32_768, 65_536];
/// Arrivals closer together than this belong to one burst, in milliseconds.
const BURST_MS: f64 = 3.0;
/// Answers that begin sooner than this are too quick to tell anything, in milliseconds.
const QUICK_MS: f64 = 20.0;

/// The times of one streamed answer, in milliseconds after the request began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// When the first piece of content was there (TTFT).
    pub first_ms: f64,
    /// When the last piece of content was there.
    pub last_ms: f64,
    /// Pieces of content.
    pub pieces: usize,
    /// Moments at which content arrived: one for several pieces that came with one read.
    pub moments: usize,
    /// Characters of text and reasoning.
    pub chars: usize,
}

impl Timing {
    /// The times of a stream; `None` when it carried no content.
    pub fn of(reading: &StreamReading) -> Option<Self> {
        let (first_ms, last_ms) = (*reading.content_ms.first()?, *reading.content_ms.last()?);
        let chars = reading.text.chars().count() + reading.reasoning.chars().count();
        let moments = 1 + reading.content_ms.windows(2).filter(|pair| pair[1] > pair[0]).count();
        Some(Timing { first_ms, last_ms, pieces: reading.content_ms.len(), moments, chars })
    }

    /// From the first piece of content to the last, in milliseconds.
    pub fn spread_ms(&self) -> f64 {
        self.last_ms - self.first_ms
    }

    /// Pieces of content per second while they came; infinite when they came together.
    pub fn rate(&self) -> f64 {
        (self.pieces.saturating_sub(1)) as f64 * 1000.0 / self.spread_ms()
    }

    /// The spread as a share of the time to the first piece.
    pub fn spread_share(&self) -> f64 {
        self.spread_ms() / self.first_ms.max(f64::EPSILON)
    }
}

/// Arrivals that came together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// When it began, in milliseconds after the request did.
    pub at_ms: f64,
    /// Its bytes.
    pub bytes: u32,
    /// Offset behind its last byte.
    pub end: u32,
}

/// The arrivals of a body, those within 3 ms of each other taken together.
pub fn bursts(body: &Body) -> Vec<Burst> {
    let mut bursts: Vec<Burst> = Vec::new();
    let (mut before_ms, mut start) = (f64::NEG_INFINITY, 0);
    for arrival in &body.arrivals {
        let bytes = arrival.end.saturating_sub(start);
        match bursts.last_mut() {
            Some(burst) if arrival.at_ms - before_ms <= BURST_MS => {
                burst.bytes += bytes;
                burst.end = arrival.end;
            }
            _ => bursts.push(Burst { at_ms: arrival.at_ms, bytes, end: arrival.end }),
        }
        (before_ms, start) = (arrival.at_ms, arrival.end);
    }
    bursts
}

/// The share of bursts, the last one aside, that end where an event ends; `None` for fewer than two bursts.
pub fn aligned_share(bursts: &[Burst], event_ends: &[u32]) -> Option<f64> {
    let inner = &bursts[..bursts.len().saturating_sub(1)];
    let aligned = inner.iter().filter(|burst| event_ends.binary_search(&burst.end).is_ok()).count();
    (!inner.is_empty()).then(|| aligned as f64 / inner.len() as f64)
}

/// Blocks of one size in which a stream was handed on, cutting through its events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blocks {
    /// Bytes of a block.
    pub bytes: u32,
    /// Bursts of this size, or of several such blocks that came together.
    pub count: usize,
    /// Bursts in all.
    pub bursts: usize,
    /// The share of bursts that end where an event ends.
    pub aligned: f64,
}

/// Finds a fixed block size: at least four bursts, at most three in ten ending with an event, and three in five of the middle ones
/// made of blocks that buffers have. A slow link gives other sizes, a sender of events ends with them.
pub fn blocks(body: &Body, event_ends: &[u32]) -> Option<Blocks> {
    let bursts = bursts(body);
    let aligned = aligned_share(&bursts, event_ends).filter(|share| *share <= 0.3)?;
    let middle = bursts.get(1..bursts.len() - 1).filter(|middle| middle.len() >= 2)?;
    let count = |size: u32| middle.iter().filter(|burst| burst.bytes > 0 && burst.bytes % size == 0).count();
    let (bytes, count) = BLOCKS.map(|size| (size, count(size))).into_iter().max_by_key(|(_, count)| *count)?;
    (count * 5 >= middle.len() * 3).then_some(Blocks { bytes, count, bursts: bursts.len(), aligned })
}

/// The pause between bursts, in milliseconds: half of the pauses are longer. 0 for fewer than two bursts.
pub fn usual_gap_ms(bursts: &[Burst]) -> f64 {
    let mut gaps: Vec<f64> = bursts.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).collect();
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(0.0)
}

/// True when the answer came in an encoding that a compressor on the way may have collected it for.
pub fn is_compressed(stream: &Exchange) -> bool {
    stream.response().is_some_and(|response| response.body.encoding.is_some() || response.header("content-encoding").is_some())
}

/// A cheap suspicion, worth three more requests: the content came late and all together, or in few pieces that cut through events.
/// The control is the same request without streaming, answered.
pub fn looks_held_back(control: &Exchange, stream: &Exchange, reading: &StreamReading) -> bool {
    let (Some(timing), Some(response)) = (Timing::of(reading), stream.response()) else { return false };
    if timing.first_ms < QUICK_MS && response.total_ms < QUICK_MS {
        return false;
    }
    let late = timing.first_ms >= 0.5 * control.total_ms();
    let together = timing.spread_share() <= 0.25 && late;
    together || in_clumps(&response.body, reading)
}

/// Several events a burst, and most bursts end inside one.
fn in_clumps(body: &Body, reading: &StreamReading) -> bool {
    let bursts = bursts(body);
    let torn = aligned_share(&bursts, &reading.event_ends).is_some_and(|share| share <= 0.5);
    torn && reading.events >= 2 * bursts.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Arrival;

    fn body(arrivals: &[(f64, u32)]) -> Body {
        let arrivals: Vec<_> = arrivals.iter().map(|&(at_ms, end)| Arrival { at_ms, end }).collect();
        let length = arrivals.last().map_or(0, |last| last.end as usize);
        Body { bytes: vec![b'x'; length], arrivals, ..Body::default() }
    }

    #[test]
    fn blocks_show_through_any_event_size() {
        let ends: Vec<u32> = (1..=80).map(|n| n * 300).collect();
        let proxied = body(&[(100.0, 3988), (200.0, 8084), (300.0, 12_180), (400.0, 16_276), (500.0, 24_000)]);
        let blocks = blocks(&proxied, &ends).expect("blocks");
        assert_eq!((blocks.bytes, blocks.count), (4096, 3));
    }

    #[test]
    fn blocks_that_came_together_are_still_blocks() {
        let ends: Vec<u32> = (1..=120).map(|n| n * 300).collect();
        let proxied = body(&[(10.0, 3988), (20.0, 12_180), (30.0, 16_276), (40.0, 24_468), (50.0, 36_000)]);
        assert_eq!(blocks(&proxied, &ends).map(|blocks| blocks.bytes), Some(4096));
    }

    #[test]
    fn a_slow_link_and_a_plain_stream_have_no_blocks() {
        let ends: Vec<u32> = (1..=80).map(|n| n * 300).collect();
        let link: Vec<_> = (1..=16).map(|n| (f64::from(n) * 10.0, n * 1448)).collect();
        let plain: Vec<_> = ends.iter().map(|&end| (f64::from(end), end)).collect();
        assert_eq!((blocks(&body(&link), &ends), blocks(&body(&plain), &ends)), (None, None));
    }

    #[test]
    fn arrivals_within_three_milliseconds_are_one_burst() {
        let split = body(&[(10.0, 1448), (10.5, 2896), (11.0, 4096), (30.0, 8192)]);
        assert_eq!(usual_gap_ms(&bursts(&split)), 20.0);
        let sizes: Vec<_> = bursts(&split).iter().map(|burst| burst.bytes).collect();
        assert_eq!(sizes, [4096, 4096]);
    }
}
