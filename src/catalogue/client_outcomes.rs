//! What a client's user sees of a failure, from the recordings.

use super::{Shown, stream_habits};
use crate::evidence::FaultKind;
use crate::profiles::{Profile, Sent};

/// Requests for one prompt from which on it looks endless.
const STORM: u32 = 18;

/// What a client's user sees of a failure, as far as it was recorded; else what anybody's would.
pub(super) fn sees(client: &Profile, shown: &Shown) -> String {
    recorded(client, shown).unwrap_or_else(|| match (shown.status(), client.patience()) {
        (Some(400..), _) => "an error".to_owned(),
        (Some(_), _) => "not recorded".to_owned(),
        (None, Some(seconds)) => format!("an error, after {seconds:.0} s at the latest"),
        (None, None) => "an error, or no end: it has no limit of its own".to_owned(),
    })
}

/// What a client's user was recorded to see of an answer like this one; `None` when nothing like it was recorded, or it shows it well.
pub(super) fn recorded(client: &Profile, shown: &Shown) -> Option<String> {
    let Some(status) = shown.status() else {
        let hung = matches!(shown.fault_kind(), Some(FaultKind::NoAnswer));
        return client.patience().filter(|_| hung).map(|seconds| format!("an error, after {seconds:.0} s at the latest"));
    };
    match status {
        400.. => {
            let labelled = shown.error().is_some_and(|error| error.kind.as_deref() == Some("server_error"));
            client.sends_on(status, labelled).map(|sent| of_retries(client, sent))
        }
        _ if shown.answered() => stream_habits::trouble(shown, client).map(|(_, outcome)| outcome),
        _ => under_200(client, shown),
    }
}

/// What so many requests for one prompt look like.
fn of_retries(client: &Profile, sent: Sent) -> String {
    let of_answer = sent.requests / client.per_prompt.max(1);
    let time = sent.seconds.filter(|seconds| *seconds >= 1.0).map(|seconds| format!(" and {seconds:.0} s")).unwrap_or_default();
    match of_answer {
        STORM.. => format!("nothing for a long time: {} requests in 100 s", sent.requests),
        2.. => format!("an error, after {} requests{time}", sent.requests),
        _ => "an error, at once".to_owned(),
    }
}

/// What it shows of a page, an error object, nothing at all or half a stream under a status of success.
fn under_200(client: &Profile, shown: &Shown) -> Option<String> {
    let streamed = shown.asks_stream();
    let outcomes = if streamed { &client.outcomes.stream } else { &client.outcomes.plain };
    let stream = shown.streamed();
    let broken_off = stream.is_some_and(|stream| !stream.text.is_empty());
    let fault = match () {
        () if stream.is_some_and(|stream| stream.error.is_some()) && broken_off => "error_object_mid_stream",
        () if stream.is_some_and(|stream| stream.error.is_some()) => "error_object_as_first_event",
        () if shown.fault().is_some() && broken_off => "connection_cut_mid_stream",
        () if shown.error().is_some() => "json_error_with_http_200",
        () if shown.response().is_some_and(|response| response.body.bytes.is_empty()) => "http200_empty_stream",
        () => "html_page_with_http_200",
    };
    outcomes.get(fault).filter(|outcome| !outcome.starts_with("ok")).map(|outcome| said(outcome))
}

/// A recorded outcome as people say it.
pub(super) fn said(outcome: &str) -> String {
    let calm = outcome.trim();
    match calm.split([':', ' ', '(']).next().unwrap_or_default() {
        "silent_empty" => "an empty answer and no error".to_owned(),
        "loops" | "still" => format!("requests without end{}", counted(calm)),
        "never" => "a wait without end, and no error".to_owned(),
        "ok" => "the answer".to_owned(),
        _ => calm.to_owned(),
    }
}

/// ` (621 in 100 s)`, when the recording counted them.
fn counted(outcome: &str) -> String {
    let Some((_, rest)) = outcome.split_once(": ") else { return String::new() };
    let count = rest.split(',').next().unwrap_or_default().replace(" requests", "");
    if count.starts_with(|c: char| c.is_ascii_digit() || c == 'o') { format!(" ({count})") } else { String::new() }
}
