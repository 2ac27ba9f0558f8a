//! Nobody listens at the address and port.

use super::{Blame, Case, FailureMode, Finding, Severity, Verdict, reach};
use crate::evidence::{Exchange, FaultKind};

/// Nobody listens at address and port.
pub const MODE: FailureMode = FailureMode {
    id: "connection-refused",
    title: "Nobody listens at this address and port",
    family: "reach",
    symptom: "The client says ECONNREFUSED, \"Connection refused\", errno 111 or only \"Connection error\".",
    cause: "The machine answers at once that no program listens there: the server is down, it listens on another port, or it is \
            bound to 127.0.0.1 while the client comes from outside (another machine, a container). A firewall usually stays \
            silent instead of refusing; that is connection-timeout.",
    fix: &[
        "Start the server, and compare its port with the one in the base URL.",
        "Bind it to all addresses when the client is elsewhere: OLLAMA_HOST=0.0.0.0, `--host 0.0.0.0` (llama.cpp, vLLM), \
         \"Serve on Local Network\" (LM Studio).",
        "From inside a container, localhost is the container itself: use host.docker.internal or the service's name.",
    ],
    references: &[
        "https://github.com/Mintplex-Labs/anything-llm/issues/759",
        "https://github.com/mozilla-ai/llamafile/issues/124",
        "https://github.com/OpenHands/docs/pull/555",
        "https://github.com/ollama/ollama/issues/1179",
    ],
    explains: &[],
    diagnose,
};

fn is_refused(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Refused)
}

fn diagnose(case: &Case) -> Verdict {
    let Some((shown, _)) = reach::kept_out(case, is_refused) else { return reach::otherwise(case) };
    let because = format!("The connection was refused by {}.", reach::failed_steps(case, shown, "tcp"));
    let finding = Finding::new(Severity::Error, reach::certainty(case, is_refused), Blame::Gateway, because)
        .so("No request arrives anywhere, so neither the list nor chat can work from here.")
        .cite([shown.exchange])
        .detail("address", reach::host_port(case));
    if only_ipv6(shown) {
        finding.fix("Only an IPv6 address was tried: try 127.0.0.1 instead of localhost.").present()
    } else {
        finding.present()
    }
}

/// True when each address that was tried is IPv6.
fn only_ipv6(exchange: &Exchange) -> bool {
    let mut tried = exchange.steps.iter().filter(|step| step.kind == "tcp").peekable();
    tried.peek().is_some() && tried.all(|step| step.target.starts_with('['))
}
