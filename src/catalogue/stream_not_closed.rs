//! A stream that has said everything and keeps the connection open.

use super::streams::{ended, in_every_content, said};
use super::{Blame, Case, FailureMode, Finding, Severity, Verdict};
use crate::dialect::StreamEnd;

/// A stream that has said everything and keeps the connection open.
pub const MODE: FailureMode = FailureMode {
    id: "stream-not-closed",
    title: "The connection stays open after [DONE]",
    family: "stream",
    symptom: "The text is complete, and the client stays busy until a timeout; the next message cannot be sent.",
    cause: "The last event was sent, but the response is not ended: no last chunk, no close. Clients that stop at [DONE] do not notice; \
            clients that read to the end of the response hang. A stalled stream differs: it has not said its end.",
    fix: &[
        "Gateway: end the response (write the last chunk, or close) right after [DONE].",
        "Gateway: do not hold the client's response open while the upstream's connection is kept alive.",
        "Client: stop reading at [DONE] and abort the request.",
    ],
    references: &["https://github.com/agentscope-ai/agentscope-java/issues/2073", "https://github.com/vastsa/PI-Desktop/issues/217"],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    in_every_content(case, of_one_content)
}

fn of_one_content(case: &Case) -> Verdict {
    let found = match ended(case, &[StreamEnd::NotClosed]) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    let first = found.first();
    let because = format!("{} stayed open after the last event: {}", found.count(), said(first));
    Finding::new(Severity::Warning, found.as_fact(), Blame::Gateway, because)
        .so("Clients that read to the end of the response (openai-node, the AI SDK) hang although the text is complete; openai-python stops at [DONE].")
        .cite(found.exchanges())
        .present()
}
