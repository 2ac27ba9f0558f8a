//! The streams of a run as rules look at them: how they ended, and how many agree.

use crate::dialect::{StreamEnd, StreamForm, StreamReading};
use crate::evidence::{Ask, Exchange};

use super::timing::span;
use super::{Case, Certainty, Finding, Shown, Verdict};

/// A stream and its exchange.
#[derive(Clone, Copy)]
pub struct Streamed<'c, 'e> {
    /// The exchange.
    pub shown: &'c Shown<'e>,
    /// The stream.
    pub reading: &'c StreamReading,
}

/// Streams of one kind among all that were looked at.
pub struct Agreement<'c, 'e> {
    /// Those that show it, the plain stream first.
    pub hits: Vec<Streamed<'c, 'e>>,
    /// Those that were looked at.
    pub all: usize,
}

/// Applies a rule to the streams of text, then to those of tool calls and of structured output, each compared with the same question not
/// streamed.
pub fn in_every_content(case: &Case, rule: fn(&Case) -> Verdict) -> Verdict {
    let text = rule(case);
    if matches!(text, Verdict::Present(_)) {
        return text;
    }
    let others = [
        (Ask::ChatTools, Ask::ChatStreamTools, "a streamed tool call", "tool-call"),
        (Ask::ChatJson, Ask::ChatStreamJson, "streamed structured output", "structured-output"),
    ];
    let found = others.into_iter().find_map(|(chat, stream, name, content)| match rule(&case.recast(chat, stream)?) {
        Verdict::Present(finding) => {
            let because = format!("Asked for {name}; text streams as it should. {}", finding.because);
            Some(Finding { because, ..*finding }.detail("content", content).present())
        }
        _ => None,
    });
    found.unwrap_or(text)
}

/// Streams that were asked for with the plain question: as SDKs ask, without compression, and longer.
pub fn streams<'c, 'e>(case: &'c Case<'e>) -> Vec<Streamed<'c, 'e>> {
    let asks = [Ask::ChatStream, Ask::ChatStreamIdentity, Ask::ChatStreamUnbuffered, Ask::ChatStreamLong];
    let shown = asks.into_iter().flat_map(|ask| case.asked(ask));
    shown.filter_map(|shown| Some(Streamed { shown, reading: shown.streamed()? })).collect()
}

/// Server-sent events of a known dialect without an error inside.
pub fn sound_streams<'c, 'e>(case: &'c Case<'e>) -> Vec<Streamed<'c, 'e>> {
    let sound =
        |stream: &Streamed| stream.reading.form == StreamForm::Sse && stream.reading.error.is_none() && !stream.reading.dialect.is_empty();
    streams(case).into_iter().filter(sound).collect()
}

/// The sound streams that ended in one of these ways; untested without any stream, absent when none ended so.
pub fn ended<'c, 'e>(case: &'c Case<'e>, ends: &[StreamEnd]) -> Result<Agreement<'c, 'e>, Verdict> {
    let all = sound_streams(case);
    if all.is_empty() {
        return Err(no_stream(case));
    }
    let count = all.len();
    let hits: Vec<_> = all.iter().copied().filter(|stream| ends.contains(&stream.reading.end)).collect();
    if hits.is_empty() {
        return Err(Verdict::absent(format!("{}: {}", plural(count, "stream"), said(all[0]))));
    }
    Ok(Agreement { hits, all: count })
}

impl<'c, 'e> Agreement<'c, 'e> {
    /// The first that shows it.
    pub fn first(&self) -> Streamed<'c, 'e> {
        self.hits[0]
    }

    /// For facts that a single captured stream proves: certain unless another stream contradicts.
    pub fn as_fact(&self) -> Certainty {
        if self.hits.len() == self.all { Certainty::Certain } else { Certainty::Likely }
    }

    /// For events that may be chance: certain only when a second stream agrees and none contradicts.
    pub fn as_event(&self) -> Certainty {
        match (self.hits.len(), self.all) {
            (hits, all) if hits == all && hits >= 2 => Certainty::Certain,
            (hits, all) if hits == all || hits >= 2 => Certainty::Likely,
            _ => Certainty::Possible,
        }
    }

    /// The exchanges that show it.
    pub fn exchanges(&self) -> impl Iterator<Item = &'e Exchange> + '_ {
        self.hits.iter().map(|stream| stream.shown.exchange)
    }

    /// `the stream`, `2 of 2 streams`.
    pub fn count(&self) -> String {
        share(self.hits.len(), self.all)
    }
}

/// Why there is no stream to look at.
pub fn no_stream(case: &Case) -> Verdict {
    match (case.stream().first(), case.skipped(Ask::ChatStream)) {
        (Some(first), _) => Verdict::untested(format!("the streamed chat brought no sound stream: {}", brought(first))),
        (None, Some(why)) => Verdict::untested(format!("no stream was asked for: {why}")),
        (None, None) => Verdict::untested("no stream was asked for"),
    }
}

fn brought(shown: &Shown) -> String {
    let account = shown.account();
    if account.is_empty() { "nothing".to_owned() } else { account }
}

/// What a stream brought, in numbers.
pub fn said(stream: Streamed) -> String {
    let reading = stream.reading;
    let finish = reading.finish_reason.as_deref().map_or("no finish_reason".to_owned(), |reason| format!("finish_reason {reason}"));
    let done = if reading.done { "a last event" } else { "no last event" };
    let count = reading.events;
    format!("{count} events and {} characters within {}, {finish}, {done}", characters(reading), span(stream.shown.total_ms()))
}

/// Characters of text and reasoning.
pub fn characters(reading: &StreamReading) -> usize {
    reading.text.chars().count() + reading.reasoning.chars().count()
}

/// `the stream`, `2 of 3 streams`.
pub fn share(hits: usize, all: usize) -> String {
    if all == 1 { "the stream".to_owned() } else { format!("{hits} of {all} streams") }
}

/// `1 stream`, `2 streams`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
