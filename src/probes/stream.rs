//! The control again, streamed: its bytes and the times of their arrival are the evidence.

use http::header::{ACCEPT_ENCODING, HeaderName, HeaderValue};

use crate::dialect::openai_chat::{CONTROL_COUNT, with};
use crate::dialect::{Reading, StreamEnd, StreamReading, requests, stream_timing};
use crate::evidence::{Ask, FaultKind};
use crate::facts::Cause;

use super::{Asked, Ctx, Need, Probe, Question, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "stream",
    title: "Chat, streamed",
    asks: "Does the same chat arrive as a stream, piece by piece, well formed and to its end?",
    stage: 3,
    needs: Need::Model,
    cost: "1 request, about 60 tokens; 3 more when the stream looks held back",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

/// Asks; also of the upstream, when that is the target.
pub(super) async fn run(cx: &Ctx<'_>) {
    let Some(model) = cx.model() else { return };
    let question = stream(cx, &model, Ask::ChatStream, CONTROL_COUNT);
    let control = cx.tries(Ask::Chat);
    if control.iter().any(Asked::answered) {
        let tries = cx.ask_control("stream", question).await;
        confirm(cx, &model, &tries).await;
        look_closer(cx, &model).await;
        ask_without_stream(cx, &model, &control).await;
    } else if control.last().is_none_or(may_differ_streamed) {
        cx.ask("stream", question).await;
        ask_without_stream(cx, &model, &control).await;
    } else {
        cx.skip("stream", Some(Ask::ChatStream), "plain chat was refused for a reason that has nothing to do with streaming");
    }
}

fn stream(cx: &Ctx<'_>, model: &str, ask: Ask, count: u32) -> Question {
    Question::chat(ask, cx.target, requests::streamed(requests::count(cx.target.dialect, model, count)))
}

/// Whether the stream may fare otherwise than the plain chat that failed like this.
fn may_differ_streamed(control: &Asked) -> bool {
    const SAME: [Cause; 12] = [
        Cause::KeyMissing,
        Cause::KeyRejected,
        Cause::ModelUnknown,
        Cause::ModelOrAccess,
        Cause::ModelDenied,
        Cause::ModelRetired,
        Cause::RouteMissing,
        Cause::CreditsExhausted,
        Cause::QuotaExhausted,
        Cause::Region,
        Cause::Waf,
        Cause::NoRoute,
    ];
    let unreachable =
        matches!(control.exchange.fault_kind(), Some(FaultKind::Dns | FaultKind::Refused | FaultKind::NotTls | FaultKind::Certificate(_)));
    let elsewhere =
        matches!(&*control.reading, Reading::Page(_) | Reading::Redirect(_)) || matches!(control.exchange.status(), Some(401 | 404 | 405));
    !(unreachable || elsewhere || control.caused_by(&SAME))
}

/// A stream that ended badly is asked for once more: a fault is believed when it repeats.
async fn confirm(cx: &Ctx<'_>, model: &str, tries: &[Asked]) {
    let broken = |stream: &StreamReading| stream.error.is_some() || matches!(stream.end, StreamEnd::Silent | StreamEnd::Cut);
    let control = cx.answer(Ask::Chat);
    let whole = control.as_ref().and_then(|asked| asked.completion()).map_or("", |completion| completion.text.as_str());
    let bad = |asked: &Asked| {
        asked.exchange.fault().is_some()
            || matches!(&*asked.reading, Reading::Stream(stream) if broken(stream) || stream.stops_short_of(whole))
    };
    if tries.len() == 1 && tries.iter().any(|asked| bad(asked) && !asked.out_of_patience()) {
        cx.ask("stream", stream(cx, model, Ask::ChatStream, CONTROL_COUNT)).await;
    }
}

/// A stream that looks held back is asked for without compression, with a header that some proxies obey, and longer: only buffering grows
/// with the length, and blocks of a proxy show only in an answer of several.
async fn look_closer(cx: &Ctx<'_>, model: &str) {
    let (Some(control), Some(streamed)) = (cx.answer(Ask::Chat), cx.answer(Ask::ChatStream)) else { return };
    let Reading::Stream(reading) = &*streamed.reading else { return };
    let encoded = streamed.exchange.response().is_some_and(|response| response.header("content-encoding").is_some());
    let held_back = stream_timing::looks_held_back(&control.exchange, &streamed.exchange, reading);
    if encoded || held_back {
        let identity =
            stream(cx, model, Ask::ChatStreamIdentity, CONTROL_COUNT).with_header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        cx.ask("stream", identity).await;
    }
    if held_back {
        let header = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        let unbuffered = stream(cx, model, Ask::ChatStreamUnbuffered, CONTROL_COUNT).with_header(header.0, header.1);
        cx.ask("stream", unbuffered).await;
        cx.ask("stream", stream(cx, model, Ask::ChatStreamLong, longer(cx, &control))).await;
    }
}

/// How far the longer answer counts: ten times as far, or as far as it comes while we are patient with a stream that brings nothing, but
/// twice at least.
fn longer(cx: &Ctx<'_>, control: &Asked) -> u32 {
    let affordable = 0.7 * cx.pace.idle.as_secs_f64() / (control.exchange.total_ms() / 1e3).max(1e-3);
    CONTROL_COUNT * affordable.clamp(2.0, 10.0) as u32
}

/// Some answer with a stream unless `"stream": false` is said.
async fn ask_without_stream(cx: &Ctx<'_>, model: &str, control: &[Asked]) {
    if control.iter().any(|asked| matches!(&*asked.reading, Reading::Stream(_))) {
        let body = with(requests::short(cx.target.dialect, model), "stream", false.into());
        cx.ask("stream", Question::chat(Ask::ChatStreamFalse, cx.target, body)).await;
    }
}
