//! A legal stream that some clients cannot read.

use super::stream_habits;
use super::streams::{Streamed, no_stream, plural, share, sound_streams};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Verdict};

/// A legal stream that some clients cannot read.
pub const MODE: FailureMode = FailureMode {
    id: "stream-breaks-client",
    title: "The stream is legal, and some clients break on it",
    family: "stream",
    symptom: "`IndexError: list index out of range` or `Cannot read properties of undefined` at `choices[0]`; a JSON parser that stumbles over a \
              keep-alive line, or over half an event; curl shows a sound stream.",
    cause: "Chunks with an empty `choices` array are legal (Azure's filter results come first, usage comes last), and so are comment lines that keep \
            the connection open, and events that are spread over several packets. Clients that take `choices[0]` blindly, parse every line as data, \
            or parse packets instead of events fail on them. A stream that breaks the format itself is another mode.",
    fix: &[
        "Client: skip chunks without choices and lines that begin with a colon; cut the bytes at blank lines before parsing. Newer versions often do.",
        "Azure: a later api-version or the asynchronous filter changes which chunks come; `stream_options.include_usage: false` drops the last one.",
        "Gateway: switch its keep-alive lines off when a client cannot be changed.",
    ],
    references: &[
        "https://github.com/pydantic/pydantic-ai/issues/164",
        "https://github.com/pydantic/logfire/issues/64",
        "https://github.com/simonw/llm/issues/294",
        "https://github.com/langchain-ai/langchain-azure/issues/23",
        "https://github.com/seratch/ChatGPT-in-Slack/pull/49",
        "https://github.com/justlovemaki/AIClient2API/pull/695",
        "https://github.com/QuantumNous/new-api/pull/1276",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if let Some(finding) = stream_habits::of_the_client(case) {
        return finding.present();
    }
    let all = sound_streams(case);
    if all.is_empty() {
        return no_stream(case);
    }
    let odd: Vec<&Streamed> = all.iter().filter(|stream| oddity(stream).is_some()).collect();
    match odd.first() {
        Some(first) => present(first, odd.len(), all.len()),
        None => Verdict::absent(format!("{} without keep-alive lines and without chunks of no choices", plural(all.len(), "stream"))),
    }
}

/// What is legal and known to break clients: its name, and the number that shows it.
fn oddity(stream: &Streamed) -> Option<(&'static str, String)> {
    let empty = empty_choices(stream);
    let comments = stream.reading.comments;
    match (empty, comments) {
        (0, 0) => None,
        (0, _) => Some(("keep-alive", format!("{comments} comment lines"))),
        _ => Some(("empty-choices", format!("{} with an empty `choices` array", plural(empty, "chunk")))),
    }
}

fn empty_choices(stream: &Streamed) -> usize {
    let Some(response) = stream.shown.response().filter(|_| stream.reading.dialect.starts_with("openai-c")) else { return 0 };
    let bytes = &response.body.bytes;
    [r#""choices":[]"#, r#""choices": []"#].iter().map(|empty| memchr::memmem::find_iter(bytes, empty).count()).sum()
}

fn present(first: &Streamed, count: usize, all: usize) -> Verdict {
    let Some((kind, account)) = oddity(first) else { return Verdict::absent("nothing odd") };
    let because = format!("{} of {} events came with {account}.", share(count, all), first.reading.events);
    Finding::new(Severity::Info, Certainty::Certain, Blame::Client, because)
        .so("Clients that take every line for data, or `choices[0]` for granted, fail on it.")
        .cite([first.shown.exchange])
        .detail("kind", kind)
        .present()
}
