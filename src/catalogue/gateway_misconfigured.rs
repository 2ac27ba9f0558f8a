//! A part of the gateway fails by itself, whatever stands behind it.

use super::timing::{boxes, is_contaminated, seen, span, tells_of_time};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Trial, Verdict};
use crate::evidence::Ask;
use crate::facts::Cause;

/// A part of the gateway fails by itself, whatever stands behind it.
pub const MODE: FailureMode = FailureMode {
    id: "gateway-misconfigured",
    title: "A part of the gateway itself is broken",
    family: "gateway",
    symptom: "One way of asking works and another gets 500 each time: chat but no stream and no list, or the provider directly but not the gateway.",
    cause: "The gateway's route, transform, plugin or runtime fails with a server error of its own, while another way to the same upstream \
            works. Two unrelated routes that fail with the same text, or the upstream that answers when asked directly, show that the \
            upstream is not to blame.",
    fix: &[
        "Read the gateway's log for the stack trace of one failing request.",
        "Go back to the versions of the gateway and its runtime that belong together; check plugins and fixed upstream URLs of the failing route.",
    ],
    references: &[
        "https://github.com/Kong/kong/issues/14683",
        "https://github.com/Kong/kong/issues/14380",
        "https://github.com/Helicone/helicone/issues/463",
    ],
    explains: &["stream-rejected", "models-list-unusable", "upstream-unavailable"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let chat = case.chat();
    if let Some(verdict) = beside_bypass(case, &chat) {
        return verdict;
    }
    if let Some(told) = [&chat, &case.stream()].into_iter().find_map(|trial| told(trial)) {
        return named(case, &chat, told);
    }
    match chat.answer() {
        Some(control) => two_routes(case, control),
        None if chat.asked() => {
            let missing = case.bypass().err().unwrap_or_else(|| "the upstream, asked directly, did not answer either".to_owned());
            Verdict::untested(format!("plain chat was not answered, and nothing tells the gateway's part: {missing}"))
        }
        None => Verdict::untested("no chat was sent"),
    }
}

/// The first try of a question that failed each time, with an error that speaks of the gateway's own configuration.
fn told<'c, 'e>(trial: &Trial<'c, 'e>) -> Option<&'c Shown<'e>> {
    trial.failure().filter(|shown| shown.caused_by(&[Cause::GatewayConfig]) && shown.status().is_some_and(|status| status >= 400))
}

fn named(case: &Case, chat: &Trial, told: &Shown) -> Verdict {
    let certainty = if chat.repeats() { Certainty::Certain } else { Certainty::Likely };
    let because =
        format!("{} of {} chats failed, and the error names a part of the gateway: {}", failures(chat), chat.tries.len(), told.account());
    finding(case, certainty, because)
        .so("Nothing that takes this route works until the gateway's operator repairs it.")
        .cite([told.exchange])
        .cite(chat.tries.iter().map(|shown| shown.exchange))
        .detail("kind", "named")
        .present()
}

fn failures(trial: &Trial) -> usize {
    trial.tries.iter().filter(|shown| !shown.answered()).count()
}

/// Chat works; the list and every stream fail with a server error in the same words.
fn two_routes(case: &Case, control: &Shown) -> Verdict {
    let (stream, list) = (case.stream(), case.trial(Ask::Models));
    let (Some(broken), Some(listing)) = (own_failure(&stream), own_failure(&list)) else {
        return Verdict::absent("chat was answered, and list and stream did not both fail with a server error");
    };
    if said(broken) != said(listing) {
        return Verdict::absent("list and stream failed for different reasons");
    }
    let because = format!(
        "chat was answered in {}; {} streams and {} list requests failed alike ({})",
        span(control.total_ms()),
        stream.tries.len(),
        list.tries.len(),
        broken.account()
    );
    let certainty = if stream.repeats() { Certainty::Certain } else { Certainty::Likely };
    finding(case, certainty, because)
        .so("Clients that stream or load the model list fail, although the model and the key are fine.")
        .cite([broken.exchange, listing.exchange, control.exchange])
        .present()
}

/// The upstream answers when asked directly; the gateway fails each time with a server error that names no cause: over every chat, or over
/// streams alone.
fn beside_bypass(case: &Case, chat: &Trial) -> Option<Verdict> {
    let bypass = case.bypass().ok()?;
    let stream = case.stream();
    let broken = own_failure(chat).or_else(|| own_failure(&stream))?;
    let direct = bypass.same(broken).answer()?;
    let (way, so) = match broken.ask {
        Ask::ChatStream => (", streamed", "Clients that stream fail, although the model, the key and the provider are fine."),
        _ => ("", "Nothing that goes through this gateway works, although the provider does."),
    };
    let because =
        format!("asked directly, the upstream answered in {}; through the gateway{way}: {}", span(direct.total_ms()), broken.account());
    let repeats = if broken.ask == Ask::ChatStream { stream.repeats() } else { chat.repeats() };
    let certainty = if repeats { Certainty::Certain } else { Certainty::Likely };
    Some(finding(case, certainty, because).so(so).cite([broken.exchange, direct.exchange]).present())
}

fn finding(case: &Case, certainty: Certainty, because: String) -> Finding {
    let boxes = boxes(case);
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because).detail("boxes", boxes.clone());
    if seen(&boxes, "portkey") {
        return finding.fix("Portkey 1.15: pin hono 4.6.10 and @hono/node-server 1.13.7; newer ones break every stream and the list.");
    }
    finding
}

/// The first try, when each failed with a server error that is neither a limit, a timeout nor a cause upstream.
fn own_failure<'c, 'e>(trial: &Trial<'c, 'e>) -> Option<&'c Shown<'e>> {
    let own = |shown: &Shown| {
        let named = !matches!(shown.cause(), None | Some(Cause::InternalError));
        matches!(shown.status(), Some(500 | 501)) && !named && !is_contaminated(shown) && !tells_of_time(shown)
    };
    let all = trial.asked() && trial.tries.iter().all(|shown| own(shown));
    all.then(|| trial.first()).flatten()
}

fn said<'c>(shown: &'c Shown) -> Option<&'c str> {
    shown.error().map(|error| error.message.as_str())
}
