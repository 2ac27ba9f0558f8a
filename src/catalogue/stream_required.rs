//! Chat without streaming is refused, the same request with it is answered.

use super::timing::{is_contaminated, tells_of_time};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::facts::Cause;

/// Chat without streaming is refused, the same request with it is answered.
pub const MODE: FailureMode = FailureMode {
    id: "stream-required",
    title: "Only streamed requests are answered",
    family: "stream",
    symptom: "A chat window works, while scripts, connection tests and title generation fail with the same key and model.",
    cause: "The model or the gateway answers with `stream: true` only. The control differs in this one field. A timeout looks alike when \
            long answers are cut unless they stream; then the refusal comes late and speaks of time.",
    fix: &[
        "Client: turn streaming on for this model, also for tests and background tasks.",
        "Gateway: stream from the upstream and put the events together for clients that do not stream.",
    ],
    references: &["https://www.alibabacloud.com/help/model-studio/error-code"],
    explains: &["gateway-misconfigured", "unsupported-field", "field-combination-rejected"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let (chat, stream) = (case.chat(), case.stream());
    if chat.answer().is_some() {
        return Verdict::absent("chat without streaming was answered");
    }
    let (Some(first), Some(control)) = (chat.first(), stream.answer().filter(|shown| shown.streamed().is_some())) else {
        return Verdict::untested("no streamed chat was answered to compare with");
    };
    if !is_refusal(first) {
        return Verdict::untested(format!("chat without streaming was not refused as such: {}", first.account()));
    }
    let named = first.caused_by(&[Cause::StreamRequired]);
    let certainty = match (named, chat.repeats()) {
        (true, _) => Certainty::Certain,
        (false, true) => Certainty::Likely,
        (false, false) => Certainty::Possible,
    };
    let because = format!(
        "{} requests without stream were refused ({}); with stream: true the same request brought {} events",
        chat.tries.len(),
        first.account(),
        control.streamed().map_or(0, |stream| stream.events)
    );
    Finding::new(Severity::Error, certainty, Blame::Client, because)
        .so("Clients that do not stream get an error in place of every answer.")
        .cite([first.exchange, control.exchange])
        .detail("fields", vec!["/stream"])
        .present()
}

/// A client error that neither a limit, a timeout nor another named cause explains.
fn is_refusal(shown: &Shown) -> bool {
    match shown.cause() {
        Some(Cause::StreamRequired) => true,
        None | Some(Cause::InvalidRequest) => {
            shown.status().is_some_and(|status| (400..500).contains(&status)) && !is_contaminated(shown) && !tells_of_time(shown)
        }
        Some(_) => false,
    }
}
