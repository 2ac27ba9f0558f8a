//! The numbers of one streamed answer.

use serde::Serialize;

use super::super::words::{self, duration, rounded};
use super::Shown;
use crate::dialect::StreamReading;

/// Content that came within this time came at once: nobody can say how fast it was written. In milliseconds.
const AT_ONCE_MS: f64 = 3.0;

/// What is said of content that came with one arrival.
const AT_ONCE: &str = "all tokens at once";

/// How a streamed answer came, in the shape of `stream` in `schema/report.schema.json`. Times are milliseconds after the request began.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamMeasures {
    /// Events with data.
    pub events: usize,
    /// Pieces of content: text, reasoning or tool calls.
    pub pieces: usize,
    /// When the first byte of the body was there.
    pub first_byte_ms: Option<f64>,
    /// When the first content was there (TTFT).
    pub ttft_ms: Option<f64>,
    /// When the last content was there.
    pub last_token_ms: Option<f64>,
    /// Times between one piece of content and the next.
    pub gaps: Option<Gaps>,
    /// Completion tokens by `usage`, per second between first and last content; none when they came at once or were not counted.
    pub tokens_per_s: Option<f64>,
    /// Pieces of content per second between the first and the last.
    pub pieces_per_s: Option<f64>,
    /// How it ended: `complete`, `no-done`, `cut`, …
    pub end: &'static str,
    /// Id of the exchange that asked the same without streaming.
    pub control: Option<String>,
    /// How long that one took.
    pub control_ms: Option<f64>,
}

/// Times between one piece of content and the next, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Gaps {
    /// Half of them are shorter.
    pub median_ms: f64,
    /// One in a hundred is longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Gaps {
    /// The gaps of contents that came at these times; `None` for fewer than two.
    pub fn of(content_ms: &[f64]) -> Option<Gaps> {
        let mut gaps: Vec<f64> = content_ms.windows(2).map(|pair| (pair[1] - pair[0]).max(0.0)).collect();
        gaps.sort_by(f64::total_cmp);
        let rank = |share: f64| gaps.get(((gaps.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied().map(rounded);
        Some(Gaps { median_ms: rank(0.5)?, p99_ms: rank(0.99)?, max_ms: rank(1.0)? })
    }

    /// The numbers in a few words.
    pub fn words(&self) -> String {
        let few = format!("between tokens {} (p99 {})", duration(self.median_ms), duration(self.p99_ms));
        if self.none() { AT_ONCE.to_owned() } else { few }
    }

    fn none(&self) -> bool {
        self.max_ms < AT_ONCE_MS / 2.0
    }
}

impl StreamMeasures {
    /// The numbers of a stream beside the same request not streamed.
    pub fn of(stream: &Shown, reading: &StreamReading, control: Option<&Shown>) -> StreamMeasures {
        let content = &reading.content_ms;
        StreamMeasures {
            events: reading.events,
            pieces: content.len(),
            first_byte_ms: stream.response().and_then(|response| response.body.first_ms()).map(rounded),
            ttft_ms: content.first().copied().map(rounded),
            last_token_ms: content.last().copied().map(rounded),
            gaps: Gaps::of(content),
            tokens_per_s: reading.usage.completion.and_then(|tokens| rate(tokens, content)),
            pieces_per_s: rate(content.len().saturating_sub(1) as u64, content),
            end: words::end(reading.end),
            control: control.map(|shown| shown.id.clone()),
            control_ms: control.map(|shown| rounded(shown.total_ms())),
        }
    }

    /// The numbers in words, head and whole aside.
    pub fn parts(&self) -> Vec<String> {
        let first = self.ttft_ms.map_or("no content".to_owned(), |ms| format!("first token {}", duration(ms)));
        let rate = self.tokens_per_s.map(|rate| format!("{rate:.0} tokens/s"));
        let rate = rate.or_else(|| self.pieces_per_s.map(|rate| format!("{rate:.0} pieces of content/s (no token counts)")));
        let gaps = self.gaps.map(|gaps| {
            let Gaps { median_ms, p99_ms, max_ms } = gaps;
            let all = format!("between tokens {} median, {} p99, {} longest", duration(median_ms), duration(p99_ms), duration(max_ms));
            if gaps.none() { AT_ONCE.to_owned() } else { all }
        });
        let control = self.control_ms.map(|ms| format!("not streamed {}", duration(ms)));
        [Some(first), gaps, rate, control].into_iter().flatten().collect()
    }
}

/// How many a second between the first and the last content; `None` when everything came at once.
fn rate(count: u64, content_ms: &[f64]) -> Option<f64> {
    let span = content_ms.last()? - content_ms.first()?;
    (span >= AT_ONCE_MS && count > 1).then(|| (count as f64 / span * 10_000.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_ranked() {
        let steady: Vec<f64> = (0..=100).map(|n| f64::from(n) * 10.0).chain([1500.0]).collect();
        assert_eq!(Gaps::of(&steady), Some(Gaps { median_ms: 10.0, p99_ms: 10.0, max_ms: 500.0 }));
        assert_eq!(Gaps::of(&[5.0, 5.0]), Some(Gaps { median_ms: 0.0, p99_ms: 0.0, max_ms: 0.0 }));
        assert_eq!((Gaps::of(&[5.0]), Gaps::of(&[])), (None, None));
    }

    #[test]
    fn what_came_at_once_has_no_rate() {
        assert_eq!((rate(40, &[100.0, 600.0]), rate(40, &[600.0, 601.0])), (Some(80.0), None));
        assert_eq!((rate(40, &[]), rate(1, &[0.0, 100.0])), (None, None));
    }
}
