//! What known clients make of the form of a stream, from the recordings.

use super::client_outcomes::said;
use super::clients;
use super::streams::sound_streams;
use super::{Blame, Case, Certainty, Finding, Severity, Shown};
use crate::dialect::{StreamEnd, StreamReading};
use crate::profiles::Profile;

/// The client in question does not show an answer that has this form: so it was recorded.
pub(super) fn of_the_client(case: &Case) -> Option<Finding> {
    let client = clients::named(case)?;
    let mut streams = sound_streams(case).into_iter();
    let (stream, (fault, sees)) = streams.find_map(|stream| Some((stream, trouble(stream.shown, &client)?)))?;
    let form = fault.replace('_', " ");
    let because = format!("The stream has a form ({form}) of which {} {} was recorded to make {sees}.", client.name, client.version);
    let finding = Finding::new(Severity::Error, Certainty::Likely, Blame::Client, because)
        .so(format!("A user of {} sees {sees}, although the stream came whole.", client.name))
        .cite([stream.shown.exchange])
        .detail("kind", fault)
        .detail("client", client.name);
    Some(finding)
}

/// The first fault of a stream's form on which this client does not show the answer: the recorded fault's name, and what its user sees.
pub(super) fn trouble(shown: &Shown, client: &Profile) -> Option<(&'static str, String)> {
    let stream = shown.streamed()?;
    let fails = |outcome: &&String| !outcome.starts_with("ok");
    let of = |fault: &'static str| client.outcomes.stream.get(fault).filter(fails).map(|outcome| (fault, said(outcome)));
    faults(shown, stream).into_iter().find_map(of)
}

/// The form of a stream has a fault that was recorded to do this client no harm.
pub(super) fn shows_all_the_same(shown: &Shown, client: &Profile) -> Option<String> {
    let calm = |fault: &&str| client.outcomes.stream.get(*fault).is_some_and(|outcome| outcome.starts_with("ok"));
    let fault = faults(shown, shown.streamed()?).into_iter().find(calm)?;
    let partial = client.outcomes.stream.get(fault).is_some_and(|outcome| outcome.contains("partial"));
    Some(if partial { "what came of the answer, and no error" } else { "the answer all the same" }.to_owned())
}

/// The recorded faults that a stream has, by the names under which the clients' outcomes are kept.
fn faults(shown: &Shown, stream: &StreamReading) -> Vec<&'static str> {
    let bytes = shown.response().map_or(&[][..], |response| &response.body.bytes);
    let holds = |what: &[u8]| memchr::memmem::find(bytes, what).is_some();
    let media = shown.response().map(crate::evidence::Response::media_type).unwrap_or_default();
    let has = |kind: &str| stream.faults.iter().any(|fault| fault.kind == kind);
    let chat = stream.dialect == "openai-chat";
    let all = [
        (matches!(stream.end, StreamEnd::NoFinish | StreamEnd::Silent) && chat, "no_finish_reason"),
        (matches!(stream.end, StreamEnd::NoDone | StreamEnd::Silent) && chat, "no_DONE"),
        (stream.text.is_empty() && stream.reasoning.is_empty() && stream.tool_calls.is_empty(), "empty_content"),
        (has("no-blank-line"), "single_newline_between_events"),
        (has("event-name-missing"), "sse_without_event_lines"),
        (has("not-json"), "malformed_json_chunk"),
        (bytes.starts_with(b"\xef\xbb\xbf"), "utf8_bom_first"),
        (holds(b"\r\n\r\n"), "crlf_line_endings"),
        (stream.comments > 0, "comment_keepalive_lines"),
        (holds(b"data: \n") || holds(b"data:\n"), "empty_data_line"),
        (chat && holds(br#""type":"ping""#), "ping_event_with_json_data"),
        (chat && holds(br#""finish_reason":"""#), "finish_reason_empty_string"),
        (chat && holds(br#""choices":[{"delta""#) && !holds(br#""index":"#), "choices_without_index"),
        (media == "application/json", "content_type_application_json"),
        (media == "text/plain", "content_type_text_plain"),
        (holds(b"data:{"), "data_colon_without_space"),
    ];
    all.into_iter().filter(|(is, _)| *is).map(|(_, fault)| fault).collect()
}
