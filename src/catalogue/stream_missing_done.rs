//! A stream that says its finish reason and never `[DONE]`.

use super::streams::{ended, in_every_content, said};
use super::{Blame, Case, FailureMode, Finding, Severity, Verdict};
use crate::dialect::StreamEnd;

/// A stream that says its finish reason and never `[DONE]`.
pub const MODE: FailureMode = FailureMode {
    id: "stream-missing-done",
    title: "The stream ends without its [DONE] line",
    family: "stream",
    symptom: "The whole text arrives and the client goes on waiting, or reports an interrupted answer.",
    cause: "The last chunk carries a finish_reason, but `data: [DONE]` never follows. Clients that wait for it hang or complain; those \
            that stop at the finish_reason or at the end of the connection do not notice. A truncated stream differs: it has no \
            finish_reason either.",
    fix: &[
        "Gateway: pass the upstream's last line on, or write `data: [DONE]` and a blank line after the last chunk.",
        "Gateway: close the response once the last chunk is out.",
        "Client: take a finish_reason followed by the end of the connection as the end of the answer.",
    ],
    references: &[
        "https://github.com/tempoxyz/mpp/issues/975",
        "https://github.com/oobabooga/textgen/issues/4778",
        "https://github.com/Azure/azure-sdk-for-net/issues/44135",
        "https://github.com/waybarrios/vllm-mlx/issues/101",
    ],
    explains: &["stream-not-closed"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    in_every_content(case, of_one_content)
}

fn of_one_content(case: &Case) -> Verdict {
    let found = match ended(case, &[StreamEnd::NoDone, StreamEnd::NeverDone]) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    let first = found.first();
    let Some(last) = last_event(first.reading.dialect) else {
        return Verdict::absent(format!("{} streams have no last event of their own", first.reading.dialect));
    };
    let open = first.reading.end == StreamEnd::NeverDone;
    let severity = if open { Severity::Error } else { Severity::Warning };
    let because = format!("{} came without {last}: {}", found.count(), said(first));
    Finding::new(severity, found.as_fact(), Blame::Gateway, because)
        .so(consequence(last, open))
        .cite(found.exchanges())
        .detail("kind", if open { "open" } else { "closed" })
        .present()
}

/// What a stream of this dialect says last, after the reason for the end.
fn last_event(dialect: &str) -> Option<&'static str> {
    match dialect {
        "openai-chat" | "openai-completions" => Some("[DONE]"),
        "anthropic-messages" => Some("message_stop"),
        _ => None,
    }
}

fn consequence(last: &str, open: bool) -> &'static str {
    match (last, open) {
        (_, true) => {
            "Every client waits until its own timeout, although the text is complete: neither the last event nor the end of the connection comes."
        }
        ("message_stop", _) => {
            "anthropic-node's helper fails at the end (\u{201c}stream ended without producing a Message\u{201d}); raw readers work."
        }
        _ => "Clients that wait for [DONE] (the Azure .NET client, some Go clients) hang or report an interrupted answer; others work.",
    }
}
