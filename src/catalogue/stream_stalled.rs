//! A stream that stays open and brings nothing more.

use super::streams::{Streamed, characters, in_every_content, no_stream, share, streams};
use super::timing::span;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::StreamEnd;
use crate::evidence::{Ask, FaultKind};

/// A stream that stays open and brings nothing more.
pub const MODE: FailureMode = FailureMode {
    id: "stream-stalled",
    title: "The stream stays open and brings nothing more",
    family: "stream",
    symptom: "The client shows a cursor for ever: before the first word, or in the middle of the answer.",
    cause: "The response began and then fell silent, or brings keep-alive comments only, for far longer than the whole answer takes \
            without streaming. A slow model differs: its control is slow as well. A stream that has said its end and stays open is \
            complete; one that is closed early is truncated.",
    fix: &[
        "Look in the gateway's log at what it waits for: the upstream, a lock, a full buffer of a plugin.",
        "Ask the upstream directly with the same streamed request.",
        "Gateway: give the upstream's stream an idle timeout, and write an error event when it strikes.",
        "Client: set an idle timeout between events and try again; until this is repaired, turn streaming off.",
    ],
    references: &["https://github.com/deepseek-ai/DeepSeek-V3/issues/1608", "https://github.com/NousResearch/hermes-agent/issues/24451"],
    explains: &["stream-truncated", "empty-completion"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    in_every_content(case, of_one_content)
}

fn of_one_content(case: &Case) -> Verdict {
    let mut all = streams(case);
    // The longer answer is asked for where streams look held back: its silence is what is being measured.
    all.retain(|stream| stream.shown.ask != Ask::ChatStreamLong);
    let stalled: Vec<_> = all.iter().copied().filter(|stream| is_stalled(stream) || outlasted(case, stream)).collect();
    match stalled.first() {
        Some(first) if is_slow_anyway(case, *first) => Verdict::untested(format!(
            "a stream was silent for {}, and {}: no longer than such answers take here",
            span(silence_ms(case, *first)),
            control_said(case)
        )),
        Some(first) => silent(case, *first, stalled.len(), all.len()),
        None => unanswered(case).unwrap_or_else(|| if all.is_empty() { no_stream(case) } else { moving(&all) }),
    }
}

/// Silence ended by our patience; a flow that outlasted it is no stall.
fn is_stalled(stream: &Streamed) -> bool {
    let kind = stream.shown.fault_kind();
    match stream.reading.end {
        StreamEnd::Stalled | StreamEnd::NoFirstByte => matches!(kind, None | Some(FaultKind::Stalled)),
        StreamEnd::HeartbeatOnly => !matches!(kind, Some(FaultKind::Interrupted)),
        _ => false,
    }
}

/// The end of all patience came in a silence far longer than the whole control took and than any pause of this stream before: with
/// keep-alive comments, or with little patience, the silence itself is never what runs out.
fn outlasted(case: &Case, stream: &Streamed) -> bool {
    let ran_out = stream.reading.end == StreamEnd::Stalled && stream.shown.fault_kind() == Some(&FaultKind::Unfinished);
    let times = &stream.reading.content_ms;
    let pause = times.windows(2).map(|pair| pair[1] - pair[0]).chain(times.first().copied()).fold(0.0, f64::max);
    let waited = silence_ms(case, *stream);
    ran_out && case.chat().answer().is_some_and(|control| waited >= 3.0 * control.total_ms() && waited >= 5.0 * pause)
}

/// The control took as long as the silence: then the silence may be the model's.
fn is_slow_anyway(case: &Case, stream: Streamed) -> bool {
    case.chat().answer().is_some_and(|control| control.total_ms() >= silence_ms(case, stream))
}

fn moving(all: &[Streamed]) -> Verdict {
    Verdict::absent(format!("{} streams ended, the first after {}", all.len(), span(all[0].shown.total_ms())))
}

fn silent(case: &Case, first: Streamed, hits: usize, all: usize) -> Verdict {
    let waited = silence_ms(case, first);
    let because = format!("{} fell silent: {}; {}", share(hits, all), state(first, waited), control_said(case));
    Finding::new(Severity::Error, certainty(case, waited, hits, all), Blame::Gateway, because)
        .so("Clients that stream wait until their own timeout and show nothing, or half an answer.")
        .cite([first.shown.exchange])
        .cite(case.chat().answer().map(|shown| shown.exchange))
        .detail("kind", kind(first))
        .detail("silent_ms", waited.round())
        .present()
}

fn kind(stream: Streamed) -> &'static str {
    match stream.reading.end {
        StreamEnd::HeartbeatOnly => "heartbeat-only",
        StreamEnd::NoFirstByte => "no-first-byte",
        _ => "silent",
    }
}

/// How long nothing useful came: since the last content, or since the request.
fn silence_ms(case: &Case, stream: Streamed) -> f64 {
    let last = stream.reading.content_ms.last().copied().unwrap_or(0.0);
    let waited = stream.shown.total_ms() - last;
    if waited > 0.0 { waited } else { case.subject().idle_s * 1000.0 }
}

fn state(stream: Streamed, waited: f64) -> String {
    let reading = stream.reading;
    match reading.end {
        StreamEnd::HeartbeatOnly => format!("{} comments and no content within {}", reading.comments, span(waited)),
        StreamEnd::NoFirstByte => format!("the head came, and no byte more within {}", span(waited)),
        _ => format!("{} characters, then nothing for {}", characters(reading), span(waited)),
    }
}

fn control_said(case: &Case) -> String {
    match case.chat().answer() {
        Some(control) => format!("not streamed, the same request was answered in {}", span(control.total_ms())),
        None => "there is no answered request without streaming to compare".to_owned(),
    }
}

fn certainty(case: &Case, waited: f64, hits: usize, all: usize) -> Certainty {
    let longer = case.chat().answer().map(|control| waited >= 3.0 * control.total_ms());
    match longer {
        Some(true) if hits == all && hits >= 2 => Certainty::Certain,
        Some(true) => Certainty::Likely,
        _ => Certainty::Possible,
    }
}

/// No head at all within our patience, each time, while the control was answered long before.
fn unanswered(case: &Case) -> Option<Verdict> {
    let (trial, chat) = (case.stream(), case.chat());
    let (first, control) = (trial.failure()?, chat.answer()?);
    let hung = |shown: &&Shown| matches!(shown.fault_kind(), Some(FaultKind::NoAnswer));
    let hits = trial.tries.iter().copied().filter(|shown| hung(shown)).count();
    let waited = first.total_ms();
    if hits < trial.tries.len() || waited < 3.0 * control.total_ms() {
        return None;
    }
    let because = format!("{hits} of {hits} streamed requests got no answer within {}; {}", span(waited), control_said(case));
    let finding = Finding::new(Severity::Error, certainty(case, waited, hits, hits), Blame::Gateway, because)
        .so("Clients that stream wait until their own timeout and show nothing.")
        .cite([first.exchange, control.exchange])
        .detail("kind", "no-answer")
        .detail("silent_ms", waited.round());
    Some(finding.present())
}
