//! localhost is ::1 first, and the server listens on IPv4 only.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Verdict, reach};
use crate::evidence::{Ask, Exchange, Step};

/// localhost resolves to ::1 first while the server listens on IPv4 only.
pub const MODE: FailureMode = FailureMode {
    id: "ipv6-localhost",
    title: "localhost leads to ::1, where nobody listens",
    family: "reach",
    symptom: "The client says \"connect ECONNREFUSED ::1:11434\", or every call is late by the same second or two. 127.0.0.1 works at once.",
    cause: "The name localhost has an IPv6 and an IPv4 address here, and the server listens on the IPv4 one only. Clients that try \
            only the first address fail; others lose time before they fall back. Here the first address failed and the IPv4 one \
            connected in the same try, which tells it from a server that is down.",
    fix: &["Write 127.0.0.1 instead of localhost in the base URL.", "Or let the server listen on ::1 as well (bind to `::` or to both)."],
    references: &["https://github.com/SamSaffron/term-llm/pull/452", "https://github.com/datawhalechina/hello-agents/pull/547"],
    explains: &[],
    diagnose,
};

/// A fallback that takes longer than this many times the working connection is noticed…
const NOTICED_RATIO: f64 = 20.0;
/// … when it also takes this many milliseconds.
const NOTICED_MS: f64 = 150.0;

fn diagnose(case: &Case) -> Verdict {
    let tries: Vec<_> = case.asked(Ask::Connect).collect();
    if tries.is_empty() {
        return Verdict::untested("no connection was tried");
    }
    let Some((shown, lost, found)) = tries.iter().find_map(|shown| fallback(shown).map(|(lost, found)| (shown, lost, found))) else {
        return Verdict::absent("no loopback address failed before another one connected");
    };
    let noticed = lost.took_ms >= NOTICED_MS && lost.took_ms >= NOTICED_RATIO * found.took_ms;
    let severity = if noticed { Severity::Warning } else { Severity::Info };
    let because = format!("{} failed after {:.1} ms; {} connected after {:.1} ms.", lost.target, lost.took_ms, found.target, found.took_ms);
    let finding = Finding::new(severity, Certainty::Certain, Blame::Client, because)
        .so("Clients that try only the first address fail here; others lose the time above on each new connection.")
        .cite([shown.exchange]);
    match numeric(case) {
        Some(base) => finding.fix(format!("Use {base} as the base URL.")).detail("base_url", base).present(),
        None => finding.present(),
    }
}

/// The failed step to ::1 and the step to an IPv4 address that connected after it.
fn fallback(exchange: &Exchange) -> Option<(&Step, &Step)> {
    let tcp: Vec<_> = exchange.steps.iter().filter(|step| step.kind == "tcp").collect();
    let lost = tcp.iter().position(|step| step.fault.is_some() && is_loopback_v6(&step.target))?;
    let found = tcp[lost + 1..].iter().find(|step| step.fault.is_none() && !step.target.starts_with('['))?;
    Some((tcp[lost], found))
}

fn is_loopback_v6(target: &str) -> bool {
    target.starts_with("[::1]") || target == "::1"
}

/// The base URL with 127.0.0.1 in place of localhost.
fn numeric(case: &Case) -> Option<String> {
    let mut url = reach::base(case)?;
    let is_name = url.host_str().is_some_and(|host| host.ends_with("localhost"));
    (is_name && url.set_host(Some("127.0.0.1")).is_ok()).then(|| url.to_string())
}
