//! The gateway is there; what should answer behind it is not.

use super::streams::plural;
use super::timing::{boxes, floor_ms, is_contaminated, seen, span, tells_of_time};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Trial, Verdict};
use crate::dialect::Reading;
use crate::evidence::{Ask, FaultKind};
use crate::facts::Cause;

/// The gateway is there; what should answer behind it is not.
pub const MODE: FailureMode = FailureMode {
    id: "upstream-unavailable",
    title: "The gateway answers, and cannot reach what stands behind it",
    family: "gateway",
    symptom: "The model list loads, and every chat gets 502, 503 or 500 at once.",
    cause: "The gateway fails to connect to its upstream, or the upstream breaks off: the process is down, the address or port in the \
            gateway's configuration is wrong, a name does not resolve inside its container. An overloaded upstream says so, a timeout \
            takes its time, and a router without deployments has seen earlier errors.",
    fix: &[
        "On the gateway's own machine (inside its container), call the upstream's base URL with curl.",
        "Gateway: check the upstream's address and port in its configuration; inside a container `localhost` is the container itself.",
        "Upstream: see that the process runs and listens on an address that the gateway reaches (0.0.0.0, not 127.0.0.1).",
    ],
    references: &["https://github.com/BerriAI/litellm/issues/7937", "https://github.com/BerriAI/litellm/issues/11044"],
    explains: &["no-healthy-deployment", "rate-limited", "rate-limit-no-retry-after", "stream-rejected"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let chat = case.chat();
    if let Some(answer) = chat.answer() {
        return Verdict::absent(format!("chat was answered in {}", span(answer.total_ms())));
    }
    if let Some(stream) = case.stream().answer() {
        return Verdict::absent(format!("chat was answered in a stream within {}", span(stream.total_ms())));
    }
    if let Some(stream) = case.stream().answer() {
        return Verdict::untested(format!("the streamed chat was answered in {}, so the upstream was reached", span(stream.total_ms())));
    }
    let Some(first) = chat.first() else { return Verdict::untested("no chat was sent") };
    match signs(case, &chat, first) {
        Some(certainty) => present(case, &chat, first, certainty),
        None => Verdict::untested(format!("chat failed in another way: {}", first.account())),
    }
}

/// How surely the failure is one of the way to the upstream.
fn signs(case: &Case, chat: &Trial, first: &Shown) -> Option<Certainty> {
    let disguised = first.status().is_some_and(|status| status < 400);
    if is_contaminated(first) || disguised {
        return None;
    }
    if tells_of_time(first) {
        return at_once(case, chat).then_some(Certainty::Possible);
    }
    let named = first.caused_by(&[Cause::UpstreamUnavailable]);
    let status = first.status();
    let alive = case.models().is_some() || gateway_speaks(case, first);
    match (named, status, first.cause()) {
        (true, _, _) if chat.repeats() && alive => Some(Certainty::Certain),
        (true, _, _) => Some(Certainty::Likely),
        (false, Some(502), None) => Some(if alive && chat.repeats() { Certainty::Likely } else { Certainty::Possible }),
        (false, Some(503), None) => {
            Some(if alive && chat.repeats() && is_of_a_proxy(first) { Certainty::Likely } else { Certainty::Possible })
        }
        _ => hung_up(case, chat, first),
    }
}

/// A gateway timeout each time that took no time: nothing was waited for, so the upstream is out of use rather than slow.
fn at_once(case: &Case, chat: &Trial) -> bool {
    let floor = floor_ms(case).unwrap_or(0.0);
    let quick = |shown: &Shown| shown.status() == Some(504) && shown.total_ms() <= (5.0 * floor).max(100.0);
    chat.tries.len() >= 2 && chat.tries.iter().all(|shown| quick(shown))
}

/// Another question of the same route got a client error: the gateway itself reads requests.
fn gateway_speaks(case: &Case, first: &Shown) -> bool {
    let others = [Ask::NonsenseModel, Ask::ChatGarbageKey, Ask::ChatNoKey];
    let refusals = others.into_iter().flat_map(|ask| case.asked(ask)).filter_map(|shown| shown.status());
    refusals.into_iter().any(|status| (400..500).contains(&status) && status != 408 && Some(status) != first.status())
}

/// A page or nothing, as proxies answer when nobody is behind them.
fn is_of_a_proxy(shown: &Shown) -> bool {
    matches!(shown.reading, Reading::Page(_) | Reading::Empty | Reading::Text(_)) || shown.error().is_some_and(|error| error.form != "json")
}

/// Chat is dropped or left without an answer each time, while the list is answered.
fn hung_up(case: &Case, chat: &Trial, first: &Shown) -> Option<Certainty> {
    let silent = |shown: &Shown| {
        shown.response().is_none() && matches!(shown.fault_kind(), Some(FaultKind::Closed | FaultKind::Reset | FaultKind::NoAnswer))
    };
    let always = chat.tries.len() >= 2 && chat.tries.iter().all(|shown| silent(shown));
    (always && silent(first) && case.models().is_some()).then_some(Certainty::Possible)
}

fn present(case: &Case, chat: &Trial, first: &Shown, certainty: Certainty) -> Verdict {
    let list = case.asked(Ask::Models).find(|shown| shown.models().is_some());
    let alive = list.map(|shown| format!("; the model list was answered in {}", span(shown.total_ms()))).unwrap_or_default();
    let because =
        format!("{} failed, the first after {} ({}){alive}", plural(chat.tries.len(), "chat"), span(first.total_ms()), first.account());
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("No chat with this model can work until the gateway reaches its upstream.")
        .cite(chat.tries.iter().map(|shown| shown.exchange))
        .cite(list.map(|shown| shown.exchange))
        .detail("kind", kind(first));
    with_sibling(case, specific(finding, &boxes(case))).present()
}

fn kind(first: &Shown) -> &'static str {
    match (first.status(), first.fault_kind()) {
        (Some(_), _) => "refused",
        (None, Some(FaultKind::NoAnswer)) => "no-answer",
        _ => "dropped",
    }
}

/// Another model of the same gateway answers: only this model's upstream is concerned.
fn with_sibling(case: &Case, finding: Finding) -> Finding {
    let other = case.trial(Ask::OtherModel);
    match other.answer() {
        Some(answer) => {
            let name = answer.model().unwrap_or_default();
            finding.fix(format!("Only this model's upstream is concerned: {name} was answered.")).cite([answer.exchange])
        }
        None => finding,
    }
}

fn specific(finding: Finding, boxes: &[&'static str]) -> Finding {
    let finding = if boxes.is_empty() { finding } else { finding.detail("boxes", boxes.to_vec()) };
    match () {
        () if seen(boxes, "litellm") => {
            finding.fix("LiteLLM: check `api_base` of this model in `litellm_params`; its own log names the address that it tried.")
        }
        () if seen(boxes, "nginx") => {
            finding.fix("nginx: check the address in `proxy_pass`; its error log says `connect() failed` with the address.")
        }
        () if seen(boxes, "haproxy") => finding.fix("HAProxy: the server of this backend is down; `show stat` names it."),
        () => finding,
    }
}
