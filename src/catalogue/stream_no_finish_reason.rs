//! A stream that announces its end and never why.

use super::streams::{ended, in_every_content, said};
use super::{Blame, Case, FailureMode, Finding, Severity, Verdict};
use crate::dialect::StreamEnd;

/// A stream that announces its end and never why.
pub const MODE: FailureMode = FailureMode {
    id: "stream-no-finish-reason",
    title: "No chunk of the stream carries a finish_reason",
    family: "stream",
    symptom: "The text is complete, and the client reports an error at its end, or never leaves its busy state.",
    cause: "`data: [DONE]` arrives, but finish_reason is missing, null or empty in every chunk. Helpers that assemble a message from \
            chunks refuse such a stream. A truncated stream differs: it has no [DONE] either.",
    fix: &[
        "Gateway or engine: set finish_reason (`stop`, `length`, `tool_calls`) on the last chunk of each choice; upgrade if it is a known defect.",
        "Client: take [DONE] as the end of the answer.",
    ],
    references: &["https://github.com/alfredapp/openai-workflow/pull/52", "https://github.com/qualcomm/GenieX/issues/1243"],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    in_every_content(case, of_one_content)
}

fn of_one_content(case: &Case) -> Verdict {
    let found = match ended(case, &[StreamEnd::NoFinish]) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    let first = found.first();
    if first.reading.content_ms.is_empty() {
        return Verdict::absent(format!("the stream carried no text at all: {}", said(first)));
    }
    let because = format!("{} said [DONE] without a finish_reason: {}", found.count(), said(first));
    Finding::new(Severity::Warning, found.as_fact(), Blame::Gateway, because)
        .so("The AI SDK and the stream helper of openai-node fail at the end of the answer; clients that stop at [DONE] work.")
        .cite(found.exchanges())
        .present()
}
