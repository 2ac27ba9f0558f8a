//! Status 200, and no text.

use super::streams::{Streamed, sound_streams};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::{Completion, Reading, StreamEnd, Usage};
use crate::evidence::Ask;

/// Status 200, and no text.
pub const MODE: FailureMode = FailureMode {
    id: "empty-completion",
    title: "The answer is a success without any text",
    family: "answer",
    symptom: "The client shows an empty message, says that the model returned nothing, or tries again and again.",
    cause: "The answer is well-formed and its text is empty: the budget went into reasoning, the text stands in a reasoning field only, the \
            content is null, there are no choices, or a gateway made an empty stream out of something that it could not read. An error \
            in a 200, a filter and a stream that breaks off are other modes.",
    fix: &[
        "Budget eaten by reasoning: raise `max_tokens` (or `max_completion_tokens`), or lower the reasoning effort; a gateway may set a small default.",
        "Text in `reasoning_content` only: switch thinking off, set the engine's reasoning parser, or read that field.",
        "Empty stream while plain chat has text: look in the gateway's log at what the upstream sent in the stream's place.",
    ],
    references: &[
        "https://github.com/BerriAI/litellm/issues/38197",
        "https://github.com/xorbitsai/xagent/pull/626",
        "https://github.com/aws-samples/bedrock-access-gateway/pull/237",
        "https://github.com/kekzl/imp/pull/1442",
    ],
    explains: &["stream-missing-done", "stream-no-finish-reason", "stream-truncated"],
    diagnose,
};

/// An answer without text, and why.
struct Void<'c, 'e> {
    shown: &'c Shown<'e>,
    kind: &'static str,
    account: String,
}

fn diagnose(case: &Case) -> Verdict {
    let plain: Vec<_> = case.asked(Ask::Chat).filter(|shown| shown.answered() || is_bare(case, shown)).collect();
    let streams = finished(case);
    let empty_plain: Vec<_> = plain.iter().filter_map(|shown| plain_void(shown)).collect();
    let bare: Vec<_> = bodiless(case).chain(wordless(case)).collect();
    let streamed = streams.len() + bare.len();
    let empty_streams: Vec<_> = streams.iter().filter_map(|stream| stream_void(*stream)).chain(bare).collect();
    let looked_at = plain.len() + streamed;
    match (empty_plain.first(), empty_streams.first()) {
        (None, None) if looked_at == 0 => Verdict::untested("no chat was answered"),
        (None, None) => Verdict::absent(format!("{looked_at} answers, each with text")),
        (Some(void), _) => finding(void, empty_plain.len() + empty_streams.len(), looked_at, &empty_streams).present(),
        (None, Some(void)) => with_control(case, finding(void, empty_streams.len(), streamed, &[])).present(),
    }
}

/// Streams that came to an end of their own; a stalled or cut one is another matter.
fn finished<'c, 'e>(case: &'c Case<'e>) -> Vec<Streamed<'c, 'e>> {
    let ended = |stream: &Streamed| {
        use StreamEnd::{Cut, HeartbeatOnly, NoFirstByte, Stalled};
        !matches!(stream.reading.end, Stalled | HeartbeatOnly | NoFirstByte | Cut)
    };
    sound_streams(case).into_iter().filter(ended).collect()
}

fn plain_void<'c, 'e>(shown: &'c Shown<'e>) -> Option<Void<'c, 'e>> {
    match &shown.reading {
        Reading::Completion(completion) if is_void(&completion.text, &completion.tool_calls) => {
            let kind = completion_kind(completion)?;
            Some(Void { shown, kind, account: account(kind, &completion.reasoning, completion.finish_reason.as_deref(), completion.usage) })
        }
        Reading::Empty => {
            let account = format!("HTTP {}, and the body has 0 bytes", shown.status().unwrap_or_default());
            Some(Void { shown, kind: "no-body", account })
        }
        _ => None,
    }
}

fn stream_void<'c, 'e>(stream: Streamed<'c, 'e>) -> Option<Void<'c, 'e>> {
    let reading = stream.reading;
    if !is_void(&reading.text, &reading.tool_calls) || is_filtered(reading.finish_reason.as_deref()) {
        return None;
    }
    let kind = kind(&reading.reasoning, reading.finish_reason.as_deref(), reading.usage, "empty-stream");
    let detail = account(kind, &reading.reasoning, reading.finish_reason.as_deref(), reading.usage);
    Some(Void { shown: stream.shown, kind, account: format!("{} events, {detail}", reading.events) })
}

/// Streamed requests that were answered with a body of no bytes.
fn bodiless<'c, 'e>(case: &'c Case<'e>) -> impl Iterator<Item = Void<'c, 'e>> {
    let bare = case.asked(Ask::ChatStream).filter(|shown| case.chat().answer().is_some() && is_success(shown));
    let bare = bare.filter(|shown| matches!(shown.reading, Reading::Empty) && shown.fault().is_none());
    bare.map(|shown| {
        let length = shown.response().and_then(|response| response.header("content-length"));
        let (kind, how) = match length {
            Some(_) => ("content-length-0", "its head says Content-Length: 0"),
            None => ("no-bytes", "it was ended in order"),
        };
        Void { shown, kind, account: format!("the stream's body has 0 bytes, and {how}") }
    })
}

/// Streamed requests that were answered with keep-alives or with the last event alone, and with an end in order.
fn wordless<'c, 'e>(case: &'c Case<'e>) -> impl Iterator<Item = Void<'c, 'e>> {
    let streams = case.asked(Ask::ChatStream).filter(|shown| is_success(shown) && shown.fault().is_none());
    let streams = streams.filter_map(|shown| Some((shown, shown.streamed()?)));
    let bare = streams.filter(|(_, stream)| stream.dialect.is_empty() && stream.error.is_none() && stream.faults.is_empty());
    let ended = bare.filter(|(_, stream)| matches!(stream.end, StreamEnd::Silent | StreamEnd::NoFinish));
    ended.map(|(shown, stream)| {
        let (kind, account) = match stream.done {
            true => ("done-only", "the stream's only event is [DONE]".to_owned()),
            false => ("comments-only", format!("{} comments, and no event", stream.comments)),
        };
        Void { shown, kind, account }
    })
}

/// A body of no bytes where the list of the same base is one: an API answers, and says nothing.
fn is_bare(case: &Case, shown: &Shown) -> bool {
    is_success(shown) && matches!(shown.reading, Reading::Empty) && shown.fault().is_none() && case.models().is_some()
}

fn is_success(shown: &Shown) -> bool {
    shown.status().is_some_and(|status| (200..300).contains(&status))
}

fn is_void(text: &str, tool_calls: &[String]) -> bool {
    text.trim().is_empty() && tool_calls.is_empty()
}

fn is_filtered(finish: Option<&str>) -> bool {
    finish.is_some_and(|reason| reason.contains("filter") || matches!(reason, "refusal" | "SAFETY"))
}

/// `None` when a filter withheld the text.
fn completion_kind(completion: &Completion) -> Option<&'static str> {
    let finish = completion.finish_reason.as_deref();
    match completion.choices {
        _ if is_filtered(finish) => None,
        None | Some(0) if completion.dialect.starts_with("openai-c") => Some("no-choices"),
        _ => Some(kind(&completion.reasoning, finish, completion.usage, "empty-content")),
    }
}

fn kind(reasoning: &str, finish: Option<&str>, usage: Usage, other: &'static str) -> &'static str {
    let thought = !reasoning.is_empty() || usage.reasoning.is_some_and(|count| count > 0);
    let ran_out = finish.is_some_and(|reason| matches!(reason, "length" | "max_tokens" | "MAX_TOKENS" | "max_output_tokens"));
    match (ran_out, thought) {
        (true, _) => "budget-used-up",
        (false, true) => "reasoning-only",
        (false, false) => other,
    }
}

fn account(kind: &str, reasoning: &str, finish: Option<&str>, usage: Usage) -> String {
    let finish = finish.map_or("no finish_reason".to_owned(), |reason| format!("finish_reason {reason}"));
    let tokens = usage.completion.map(|count| format!(", {count} completion tokens")).unwrap_or_default();
    let thought = reasoning.chars().count();
    let nothing = if kind == "no-choices" { "no choices" } else { "0 characters of text" };
    format!("{nothing}, {thought} of reasoning, {finish}{tokens}")
}

/// Names the plain answer that has text.
fn with_control(case: &Case, finding: Finding) -> Finding {
    let chat = case.chat();
    let control = chat.answer().and_then(|shown| Some((shown, shown.completion()?)));
    let Some((shown, completion)) = control else { return finding };
    let fix =
        "Compare one event of the stream with the upstream's own: the text that clients read stands in no event, though plain chat has it.";
    let mut finding = finding.fix(fix).cite([shown.exchange]);
    finding.because += &format!("; not streamed, the same request brought {} characters", completion.text.chars().count());
    finding
}

fn finding(void: &Void, count: usize, looked_at: usize, also: &[Void]) -> Finding {
    let certainty = if count >= 2 && count >= looked_at { Certainty::Certain } else { Certainty::Likely };
    let blame = if matches!(void.kind, "budget-used-up" | "reasoning-only") { Blame::Client } else { Blame::Gateway };
    let finding = Finding::new(Severity::Error, certainty, blame, format!("{count} of {looked_at} answers are empty: {}", void.account));
    let finding = match void.kind {
        "no-body" | "no-bytes" | "content-length-0" => finding
            .fix("No model writes an empty body: find the hop that answers chat by itself (a rule for POST or OPTIONS, a plugin, a mock)."),
        _ => finding,
    };
    finding
        .so("Clients show an empty message or report that the model returned nothing.")
        .cite([void.shown.exchange])
        .cite(also.iter().map(|void| void.shown.exchange))
        .detail("kind", void.kind)
}
