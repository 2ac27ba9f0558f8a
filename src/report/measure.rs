//! How fast the target was, and what the run cost.

use super::{Cost, Speed, StreamMeasures, words};
use crate::catalogue::Shown;
use crate::dialect::{Reading, Usage};
use crate::evidence::{Ask, Via};

/// Requests of the run, and tokens as far as answers report them.
pub fn cost(shown: &[Shown]) -> Cost {
    let requests = shown.iter().filter(|shown| shown.ask != Ask::Connect).count();
    let usages: Vec<_> = shown.iter().filter_map(usage).collect();
    let sum = |part: fn(&Usage) -> Option<u64>| usages.iter().filter_map(part).fold(0u64, u64::saturating_add);
    Cost { requests, prompt_tokens: sum(|usage| usage.prompt), completion_tokens: sum(|usage| usage.completion) }
}

fn usage(shown: &Shown) -> Option<Usage> {
    match &shown.reading {
        Reading::Completion(completion) => Some(completion.usage),
        Reading::Stream(stream) => Some(stream.usage),
        _ => None,
    }
}

/// Speed of the control pair.
pub fn speed(shown: &[Shown]) -> Speed {
    let answered = |ask| shown.iter().find(move |shown| shown.ask == ask && shown.via == Via::Gateway && shown.answered());
    let chat_ms = answered(Ask::Chat).map(|shown| words::rounded(shown.total_ms()));
    let Some(control) = answered(Ask::ChatStream) else { return Speed { chat_ms, ..Speed::default() } };
    let measures = control.streamed().map(|reading| StreamMeasures::of(control, reading, None));
    Speed {
        ttfb_ms: control.ttfb_ms().map(words::rounded),
        ttft_ms: measures.as_ref().and_then(|measures| measures.ttft_ms),
        gaps: measures.as_ref().and_then(|measures| measures.gaps),
        tokens_per_s: measures.as_ref().and_then(|measures| measures.tokens_per_s),
        pieces_per_s: measures.as_ref().and_then(|measures| measures.pieces_per_s),
        stream_ms: Some(words::rounded(control.total_ms())),
        chat_ms,
    }
}

impl Cost {
    /// Tokens of both kinds. Servers report what they like, so sums stop at the largest number.
    pub(super) fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }
}

impl Speed {
    /// What was measured, in words.
    pub(super) fn parts(&self) -> Vec<String> {
        let time = |name: &str, ms: Option<f64>| ms.map(|ms| format!("{name} {}", words::duration(ms)));
        let rate = self.tokens_per_s.map(|rate| format!("{rate:.0} tokens/s"));
        let rate = rate.or_else(|| self.pieces_per_s.map(|rate| format!("{rate:.0} pieces/s")));
        let gaps = self.gaps.map(|gaps| gaps.words());
        let parts = [
            time("TTFB", self.ttfb_ms),
            time("TTFT", self.ttft_ms),
            gaps,
            rate,
            time("stream", self.stream_ms),
            time("plain chat", self.chat_ms),
        ];
        parts.into_iter().flatten().collect()
    }
}
