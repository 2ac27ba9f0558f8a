//! No stream was asked for, and events came.

use super::streams::plural;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::evidence::Ask;

/// No stream was asked for, and events came.
pub const MODE: FailureMode = FailureMode {
    id: "stream-unasked",
    title: "No stream is asked for and one comes",
    family: "stream",
    symptom: "Clients that do not stream fail to parse the answer, although the same endpoint works in a chat window.",
    cause: "The gateway takes a missing `stream` for true, or always streams. OpenAI's default is false. Whether `\"stream\": false` in so \
            many letters helps tells the two apart.",
    fix: &["Gateway: treat a missing `stream` as false.", "Client: send `\"stream\": false`, or turn streaming on and read events."],
    references: &[
        "https://github.com/diegosouzapw/OmniRoute/issues/10239",
        "https://github.com/decolua/9router/issues/3492",
        "https://github.com/Wei-Shaw/sub2api/issues/2826",
    ],
    explains: &["response-malformed", "stream-wrong-content-type"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let chat = case.chat();
    let streamed: Vec<_> = chat.tries.iter().copied().filter(|shown| shown.answered() && shown.streamed().is_some()).collect();
    match (streamed.first(), chat.answer()) {
        (Some(first), _) => present(case, first, streamed.len()),
        (None, Some(_)) => Verdict::absent("chat without `stream` was answered with one document"),
        (None, None) => Verdict::untested("no chat without `stream` was answered"),
    }
}

fn present(case: &Case, first: &Shown, count: usize) -> Verdict {
    let told = case.trial(Ask::ChatStreamFalse);
    let helps = told.answer().map(|shown| shown.completion().is_some());
    let events = first.streamed().map_or(0, |stream| stream.events);
    let because = format!("{} without `stream` brought {events} events{}", plural(count, "chat"), control(helps));
    let finding = Finding::new(Severity::Error, Certainty::Certain, Blame::Gateway, because)
        .so("Clients that leave `stream` out cannot parse the answer.")
        .cite([first.exchange])
        .cite(told.answer().map(|shown| shown.exchange))
        .detail("kind", kind(helps));
    match helps {
        Some(true) => {
            finding.fix("Client: send `\"stream\": false`; it was answered with one document here.").detail("fields", vec!["/stream"])
        }
        _ => finding,
    }
    .present()
}

fn control(helps: Option<bool>) -> &'static str {
    match helps {
        Some(true) => "; with \"stream\": false one document came",
        Some(false) => "; with \"stream\": false as well",
        None => "",
    }
}

fn kind(helps: Option<bool>) -> &'static str {
    match helps {
        Some(true) => "by-default",
        Some(false) => "always",
        None => "unknown",
    }
}
