//! A legal stream that some clients cannot read.

use super::stream_habits;
use super::streams::{Streamed, no_stream, plural, share, sound_streams};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Verdict};
use crate::dialect::views::Views;
use crate::facts::{self, StreamForm};

/// A legal stream that some clients cannot read.
pub const MODE: FailureMode = FailureMode {
    id: "stream-breaks-client",
    title: "The stream is legal, and some clients break on it",
    family: "stream",
    symptom: "`IndexError: list index out of range` or `Cannot read properties of undefined` at `choices[0]`; a JSON parser that stumbles over a \
              keep-alive line, or over half an event; curl shows a sound stream.",
    cause: "Chunks with an empty `choices` array are legal (Azure's filter results come first, usage comes last), and so are comment lines that keep \
            the connection open, events without data, a byte-order mark, `\"error\": null`, long lines, and events that are spread over several \
            packets. Clients that take `choices[0]` blindly, parse every line as data, or parse packets instead of events fail on them. A stream \
            that breaks the format itself is another mode.",
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
    let odd: Vec<(&Streamed, Vec<Oddity>)> =
        all.iter().map(|stream| (stream, oddities(stream))).filter(|(_, odd)| !odd.is_empty()).collect();
    let loud = odd.iter().position(|(stream, odd)| odd.iter().any(|oddity| oddity.form.is_worth_a_word(stream.reading.dialect)));
    match (loud, odd.first()) {
        (Some(first), _) => present(odd[first].0, &odd[first].1, odd.len(), all.len()),
        (None, Some((_, odd))) => Verdict::absent(format!("nothing that a client of this API breaks on; {}", account(odd))),
        (None, None) => Verdict::absent(format!("{} without anything that is known to break a client", plural(all.len(), "stream"))),
    }
}

/// Something legal, or tolerated by most, on which clients break.
struct Oddity {
    form: &'static StreamForm,
    offset: usize,
}

/// What is odd about a stream that a conforming reader can read, in the order of the bytes. What another mode is about is left to it.
fn oddities(stream: &Streamed) -> Vec<Oddity> {
    let Some(response) = stream.shown.response() else { return Vec::new() };
    let views = Views::of(response, stream.reading);
    if views.standard().is_none_or(|seen| seen.loses.is_some()) || stream.reading.faults.iter().any(|fault| fault.breaks) {
        return Vec::new();
    }
    let dialect = stream.reading.dialect;
    let own = |form: &&StreamForm| form.found.is_empty() && form.is_of(dialect);
    let lost = views.losing().filter_map(|seen| Some((facts::stream_forms_breaking(seen.model.id), seen.loses?.offset)));
    let said = stream.reading.faults.iter().map(|fault| (facts::stream_clients(fault.kind), fault.offset));
    let mut odd: Vec<Oddity> = Vec::new();
    for (forms, offset) in lost.chain(said) {
        if let Some(form) = forms.into_iter().find(own).filter(|form| odd.iter().all(|known| known.form.kind != form.kind)) {
            odd.push(Oddity { form, offset });
        }
    }
    odd.sort_by_key(|oddity| oddity.offset);
    odd
}

/// `an empty data line from byte 12 on, …`.
fn account(odd: &[Oddity]) -> String {
    odd.iter().map(|oddity| format!("{} from byte {} on", oddity.form.what, oddity.offset)).collect::<Vec<_>>().join(", ")
}

fn present(first: &Streamed, odd: &[Oddity], count: usize, all: usize) -> Verdict {
    let dialect = first.reading.dialect;
    let (loud, quiet): (Vec<_>, Vec<_>) = odd.iter().partition(|oddity| oddity.form.is_worth_a_word(dialect));
    let told = loud.iter().map(|oddity| format!("{} from byte {} on", oddity.form.what, oddity.offset)).collect::<Vec<_>>().join(", ");
    let kinds: Vec<&str> = loud.iter().chain(&quiet).map(|oddity| oddity.form.kind.as_str()).collect();
    Finding::new(
        Severity::Info,
        Certainty::Certain,
        Blame::Client,
        format!("{} of {}: {told}.", share(count, all), plural(first.reading.events, "event")),
    )
    .so("Clients that read streams in their own way fail on it, and conforming ones do not.")
    .cite([first.shown.exchange])
    .detail("kind", kinds[0])
    .detail("kinds", kinds)
    .present()
}
