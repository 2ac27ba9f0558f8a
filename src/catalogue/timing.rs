//! Times that several rules need: the quickest answer of all, the boxes seen on the way, and what was cut after how long.

use std::collections::BTreeSet;

use crate::dialect::{Reading, StreamEnd};
use crate::evidence::{Ask, FaultKind};
use crate::facts::{self, Cause};

use super::{Case, Shown};

/// The quickest answer that needed no model: a list or a refusal. What network and gateway take at the least, in milliseconds.
pub fn floor_ms(case: &Case) -> Option<f64> {
    case.all().filter(|shown| needs_no_model(shown)).filter_map(|shown| shown.ttfb_ms()).min_by(f64::total_cmp)
}

fn needs_no_model(shown: &Shown) -> bool {
    let refused = shown.status().is_some_and(|status| (400..500).contains(&status) && status != 408);
    shown.models().is_some() || (refused && !shown.caused_by(&[Cause::UpstreamTimeout]))
}

/// Names of the gateways, proxies and engines that left their marks in any answer, each once.
pub fn boxes(case: &Case) -> Vec<&'static str> {
    let responses = case.all().filter_map(|shown| shown.response());
    let prints = responses.flat_map(|response| facts::fingerprint(response.status, &response.headers, &response.body.text()));
    prints.map(|print| print.box_.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// True when one of these boxes was seen; names are compared without case.
pub fn seen(boxes: &[&str], name: &str) -> bool {
    boxes.iter().any(|seen| seen.to_ascii_lowercase().contains(name))
}

/// A span of time as people read it: `712 ms`, `12.3 s`.
pub fn span(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}

/// True when our own patience, not the other side, ended the exchange.
pub fn ended_by_us(shown: &Shown) -> bool {
    use FaultKind::{Interrupted, NoAnswer, Stalled, Unfinished, Unsendable};
    matches!(shown.fault_kind(), Some(NoAnswer | Stalled | Unfinished | Interrupted | Unsendable))
}

/// True when the other side dropped the connection before or inside the answer.
pub fn was_dropped(shown: &Shown) -> bool {
    use FaultKind::{Closed, CutBody, H2Reset, Reset};
    matches!(shown.fault_kind(), Some(Reset | Closed | CutBody | H2Reset(_)))
}

/// True when a limit, a budget, a cooldown or a crowd refused it: such a refusal says nothing about the question.
pub fn is_contaminated(shown: &Shown) -> bool {
    use Cause::{ConcurrencyLimited, CreditsExhausted, NoDeployment, Overloaded, QuotaExhausted, RateLimited};
    shown.status() == Some(429)
        || shown.status() == Some(529)
        || shown.caused_by(&[RateLimited, ConcurrencyLimited, QuotaExhausted, CreditsExhausted, Overloaded, NoDeployment])
}

/// How an exchange was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutKind {
    /// A refusal that speaks of time: 504, 408, 524, or a text that says so.
    Told,
    /// The connection was dropped, or an error of the 5xx kind came, before any content.
    Dropped,
    /// The answer had begun to flow.
    Midway,
}

/// An exchange that the other side ended before its time.
#[derive(Clone, Copy)]
pub struct Cut<'c, 'e> {
    /// The exchange.
    pub shown: &'c Shown<'e>,
    /// When it was cut, in milliseconds after the request began.
    pub at_ms: f64,
    /// The silence before the cut, in milliseconds.
    pub silent_ms: f64,
    /// How.
    pub kind: CutKind,
}

/// Every cut of a chat, in order.
pub fn cuts<'c, 'e>(case: &'c Case<'e>) -> Vec<Cut<'c, 'e>> {
    case.all().filter(|shown| is_chat(shown.ask)).filter_map(cut).collect()
}

/// True for questions that are answered by a model.
pub fn is_chat(ask: Ask) -> bool {
    use Ask::{Chat, ChatStream, ChatStreamFalse, ChatStreamIdentity, ChatStreamLong, ChatStreamUnbuffered};
    use Ask::{Fields, OtherModel, SweepChat, SweepStream};
    let control = matches!(ask, Chat | ChatStream | ChatStreamIdentity | ChatStreamUnbuffered | ChatStreamLong | ChatStreamFalse);
    control || matches!(ask, OtherModel | Fields | SweepChat | SweepStream)
}

/// How this exchange was cut, if the other side cut it.
pub fn cut<'c, 'e>(shown: &'c Shown<'e>) -> Option<Cut<'c, 'e>> {
    if ended_by_us(shown) || is_contaminated(shown) {
        return None;
    }
    let kind = cut_kind(shown)?;
    let at_ms = match kind {
        CutKind::Told if shown.streamed().is_none() => shown.ttfb_ms()?,
        _ => shown.fault().map_or(shown.total_ms(), |fault| fault.at_ms),
    };
    let before_ms = shown.response().filter(|_| kind == CutKind::Midway).and_then(|response| last_byte_before(response, at_ms));
    Some(Cut { shown, at_ms, silent_ms: at_ms - before_ms.unwrap_or(0.0), kind })
}

fn cut_kind(shown: &Shown) -> Option<CutKind> {
    let streamed = shown.streamed();
    if streamed.is_none_or(|stream| stream.error.is_some()) && tells_of_time(shown) {
        return Some(CutKind::Told);
    }
    match streamed {
        Some(stream) if matches!(stream.end, StreamEnd::Cut | StreamEnd::Silent) && stream.error.is_none() => Some(CutKind::Midway),
        Some(_) => None,
        None if was_dropped(shown) => Some(CutKind::Dropped),
        None => matches!(shown.status(), Some(500 | 502 | 503)).then_some(CutKind::Dropped).filter(|_| is_error(shown)),
    }
}

fn is_error(shown: &Shown) -> bool {
    matches!(shown.reading, Reading::Error(_) | Reading::Page(_) | Reading::Empty | Reading::Text(_))
}

/// A refusal that speaks of time.
pub fn tells_of_time(shown: &Shown) -> bool {
    matches!(shown.status(), Some(408 | 504 | 524)) || shown.caused_by(&[Cause::UpstreamTimeout])
}

/// When the last byte before this moment came; the cut itself may have carried a few.
fn last_byte_before(response: &crate::evidence::Response, at_ms: f64) -> Option<f64> {
    let slack = (at_ms * 0.01).max(5.0);
    response.body.arrivals.iter().rev().map(|arrival| arrival.at_ms).find(|arrived| *arrived < at_ms - slack)
}
