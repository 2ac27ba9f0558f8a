//! The request with `stream: true` is refused, the same one without it is answered.

use super::timing::{is_contaminated, span, tells_of_time};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Trial, Verdict};
use crate::dialect::Reading;
use crate::facts::Cause;

/// The request with `stream: true` is refused, the same one without it is answered.
pub const MODE: FailureMode = FailureMode {
    id: "stream-rejected",
    title: "Streaming itself is refused",
    family: "stream",
    symptom: "Every chat window fails, while scripts that do not stream work with the same key and model.",
    cause: "The endpoint refuses `stream: true`: the model or the gateway does not stream, a policy forbids it, the vendor wants a verified \
            organisation first, or the gateway's streaming path is broken (some add `stream_options` that the upstream refuses). The \
            control differs in this one field.",
    fix: &[
        "Client: turn streaming off for this model.",
        "Gateway: allow streaming on this route, or repair the path that serves it; its log has the reason.",
    ],
    references: &[
        "https://github.com/Lamb-Project/lamb/issues/54",
        "https://github.com/danny-avila/LibreChat/issues/6926",
        "https://github.com/langgenius/dify/issues/9591",
        "https://github.com/microsoft/vscode/issues/260670",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let (chat, stream) = (case.chat(), case.stream());
    let Some(control) = chat.answer() else { return Verdict::untested("no chat without streaming was answered to compare with") };
    if stream.answer().is_some() {
        return Verdict::absent("the streamed chat was answered");
    }
    let refusals: Vec<_> = stream.tries.iter().copied().filter(|shown| is_refusal(shown)).collect();
    match refusals.first() {
        Some(first) => present(control, first, &refusals, &stream),
        None if stream.asked() => Verdict::untested(format!("the streamed chat was not refused as such: {}", account(stream.first()))),
        None => super::streams::no_stream(case),
    }
}

fn account(shown: Option<&Shown>) -> String {
    shown.map(Shown::account).unwrap_or_default()
}

/// A refusal that neither a limit nor a timeout explains.
fn is_refusal(shown: &Shown) -> bool {
    let refused = shown.status().is_some_and(|status| status >= 400) && matches!(shown.reading, Reading::Error(_) | Reading::Empty);
    refused && !is_contaminated(shown) && !tells_of_time(shown)
}

fn present(control: &Shown, first: &Shown, refusals: &[&Shown], trial: &Trial) -> Verdict {
    let named = first.caused_by(&[Cause::StreamRejected, Cause::StreamVerification]);
    let because = format!(
        "{} of {} requests with stream: true were refused ({}); without it the same request was answered in {}",
        refusals.len(),
        trial.tries.len(),
        first.account(),
        span(control.total_ms())
    );
    let finding = Finding::new(Severity::Error, certainty(named, first, trial), blame(first), because)
        .so("Clients that stream, which is what chat windows do, get an error in place of every answer.")
        .cite(refusals.iter().map(|shown| shown.exchange))
        .cite([control.exchange])
        .detail("fields", vec!["/stream"])
        .detail("kind", kind(first));
    match first.cause() {
        Some(Cause::StreamVerification) => {
            finding.fix("Whoever owns the vendor's account must verify the organisation there; until then, turn streaming off.")
        }
        _ => finding,
    }
    .present()
}

fn certainty(named: bool, first: &Shown, trial: &Trial) -> Certainty {
    let client_error = first.status().is_some_and(|status| status < 500);
    match (named, trial.repeats()) {
        (true, _) => Certainty::Certain,
        (false, true) if client_error => Certainty::Certain,
        (false, true) => Certainty::Likely,
        (false, false) => Certainty::Possible,
    }
}

fn blame(first: &Shown) -> Blame {
    if first.caused_by(&[Cause::StreamVerification]) { Blame::Upstream } else { Blame::Gateway }
}

fn kind(first: &Shown) -> &'static str {
    match (first.cause(), first.status()) {
        (Some(Cause::StreamVerification), _) => "verification",
        (_, Some(403)) => "forbidden",
        (_, Some(500..)) => "server-error",
        _ => "refused",
    }
}
