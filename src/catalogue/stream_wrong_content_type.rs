//! Events under a header that says something else, or the reverse.

use super::streams::{Streamed, no_stream, share, sound_streams};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};

/// Events under a header that says something else, or the reverse.
pub const MODE: FailureMode = FailureMode {
    id: "stream-wrong-content-type",
    title: "The Content-Type is not that of the body",
    family: "stream",
    symptom: "Streaming works with curl and most SDKs, and fails at once with strict clients; or a whole answer is parsed as events.",
    cause: "The body is an event stream and the header does not say text/event-stream, or the other way round. Lenient clients read the \
            body; strict ones refuse by the header. Lines of JSON under their own type are a malformed stream, not a wrong label.",
    fix: &[
        "Gateway: answer streams with `Content-Type: text/event-stream` and whole answers with `application/json`.",
        "A proxy in between: forward the upstream's Content-Type (Azure API Management drops it in some policies).",
        "Client: look at the body instead of the header.",
    ],
    references: &[
        "https://github.com/sigoden/aichat/issues/651",
        "https://github.com/decolua/9router/pull/3301",
        "https://github.com/langchain4j/langchain4j/issues/990",
        "https://github.com/huggingface/chat-ui/issues/430",
    ],
    explains: &[],
    diagnose,
};

const EVENTS: &str = "text/event-stream";

fn diagnose(case: &Case) -> Verdict {
    let all = sound_streams(case);
    let mislabelled: Vec<_> =
        all.iter().copied().filter(|stream| stream.reading.events > 0 && media_type(stream.shown) != EVENTS).collect();
    match (mislabelled.first(), whole_as_events(case), all.first()) {
        (Some(first), _, _) => stream(*first, &mislabelled, all.len()),
        (None, Some(shown), _) => whole(shown),
        (None, None, Some(_)) => Verdict::absent(format!("{} streams under {EVENTS}", all.len())),
        (None, None, None) => no_stream(case),
    }
}

fn media_type(shown: &Shown) -> String {
    shown.response().map(crate::evidence::Response::media_type).unwrap_or_default()
}

/// A whole completion on the plain question that calls itself an event stream.
fn whole_as_events<'c, 'e>(case: &'c Case<'e>) -> Option<&'c Shown<'e>> {
    case.chat().tries.into_iter().find(|shown| shown.completion().is_some() && media_type(shown) == EVENTS)
}

fn stream(first: Streamed, hits: &[Streamed], all: usize) -> Verdict {
    let seen = media_type(first.shown);
    let label = if seen.is_empty() { "no Content-Type".to_owned() } else { format!("Content-Type {seen}") };
    let because = format!("{}: {} events came under {label}", share(hits.len(), all), first.reading.events);
    let certainty = if hits.len() == all { Certainty::Certain } else { Certainty::Likely };
    Finding::new(Severity::Warning, certainty, Blame::Gateway, because)
        .so("Strict clients refuse it (reqwest-eventsource, okhttp-sse, browsers' EventSource, aichat); the official SDKs read it.")
        .cite(hits.iter().map(|stream| stream.shown.exchange))
        .detail("content_type", seen)
        .present()
}

fn whole(shown: &Shown) -> Verdict {
    Finding::new(Severity::Warning, Certainty::Certain, Blame::Gateway, format!("one whole completion came under Content-Type {EVENTS}"))
        .so("Clients that go by the header parse the answer as events and find none.")
        .cite([shown.exchange])
        .detail("content_type", EVENTS)
        .present()
}
