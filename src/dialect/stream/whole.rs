//! What only the whole of a stream shows, held against what was asked for.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::super::sse;
use super::StreamForm;
use super::tape::Tape;

/// Readers of lines in use stop at this length, in bytes.
const LONG_LINE: usize = 64 << 10;
/// What a decoder writes for bytes that it cannot decode.
const REPLACEMENT: &str = "\u{fffd}\u{fffd}";

/// The dialect of a route; empty for one that is not known.
pub fn asked(url: &str) -> &'static str {
    const ROUTES: [(&str, &str); 7] = [
        ("/chat/completions", "openai-chat"),
        ("/completions", "openai-completions"),
        ("/responses", "openai-responses"),
        ("/messages", "anthropic-messages"),
        ("/api/chat", "ollama-chat"),
        ("/api/generate", "ollama-chat"),
        (":streamGenerateContent", "google-generate"),
    ];
    let path = url.split('?').next().unwrap_or_default().trim_end_matches('/');
    ROUTES.iter().find(|(route, _)| path.ends_with(route)).map_or("", |(_, dialect)| dialect)
}

/// Whether a request wants JSON for its text.
pub fn asks_json(body: &Value) -> bool {
    let kinds = ["/response_format/type", "/text/format/type"].iter().filter_map(|place| body.pointer(place)?.as_str());
    kinds.into_iter().any(|kind| matches!(kind, "json_object" | "json_schema"))
}

/// Notes everything that only the whole shows.
pub fn judge(tape: &mut Tape) {
    bytes(tape);
    if tape.role == Some(false) {
        tape.fault_at("role-null", tape.spoke_at, false);
    }
    let foreign = tape.reading.form == StreamForm::Sse && !tape.reading.content_ms.is_empty();
    if foreign && !tape.asked.is_empty() && tape.reading.dialect != tape.asked {
        tape.fault_at("foreign-dialect", tape.spoke_at, true);
    }
    if tape.finished && tape.is_whole() && !is_out_of_budget(tape) {
        said(tape);
    }
}

fn is_out_of_budget(tape: &Tape) -> bool {
    tape.reading.finish_reason.as_deref().is_some_and(|reason| {
        let reason = reason.to_ascii_lowercase();
        ["length", "max_", "filter", "refusal", "error", "incomplete", "cancel", "fail"].iter().any(|word| reason.contains(word))
    })
}

/// What the finished answer says.
fn said(tape: &mut Tape) {
    let verdicts: Vec<_> = tape.calls.verdicts().collect();
    verdicts.into_iter().for_each(|(kind, offset, breaks)| tape.fault_at(kind, offset, breaks));
    let reading = &tape.reading;
    let calls = !reading.tool_calls.is_empty() && reading.dialect == "openai-chat";
    if calls && reading.finish_reason.as_deref() == Some("stop") {
        tape.fault_at("tool-finish-stop", tape.spoke_at, false);
    }
    let text = tape.reading.text.trim();
    if tape.asked_json && !text.is_empty() && serde_json::from_str::<IgnoredAny>(text).is_err() {
        tape.fault_at("text-not-json", tape.spoke_at, false);
    }
}

fn bytes(tape: &mut Tape) {
    let bytes = &tape.response.body.bytes;
    if bytes.len() >= LONG_LINE
        && let Some(long) = sse::lines(bytes, 0).find(|line| line.end - line.start >= LONG_LINE)
    {
        tape.fault_at("long-line", long.start, false);
    }
    // What is not UTF-8 in the body is another fault, and no replacement that somebody sent.
    let spoiled = tape.reading.faults.iter().any(|fault| fault.kind == "invalid-utf8");
    if !spoiled && tape.reading.text.contains(REPLACEMENT) {
        let place = memchr::memmem::find(bytes, REPLACEMENT.as_bytes()).unwrap_or(tape.spoke_at);
        tape.fault_at("replacement-run", place, false);
    }
}
