//! The TCP handshake is not answered.

use super::{Blame, Case, FailureMode, Finding, Severity, Verdict, reach};
use crate::evidence::FaultKind;

/// No answer to the TCP handshake, or no way to the address.
pub const MODE: FailureMode = FailureMode {
    id: "connection-timeout",
    title: "The address does not answer",
    family: "reach",
    symptom: "The client hangs and then says ETIMEDOUT, ConnectTimeout, \"No route to host\" or only \"Connection error\".",
    cause: "Packets to the address get no reply at all: a firewall drops them, the address is wrong or private to another network, \
            or the machine is off. A machine that is up and has no such server refuses at once; that is connection-refused. A \
            server that takes the connection and then stays silent is another matter again.",
    fix: &[
        "Check address and port, and whether the machine is up.",
        "Open the port in the firewall or security group for the machine on which the client runs.",
        "Connect the VPN; a private address (10.x, 172.16-31.x, 192.168.x) is reachable only from its own network.",
        "If the way out needs a proxy here, set HTTPS_PROXY.",
    ],
    references: &["https://github.com/ollama/ollama/issues/6571", "https://github.com/continuedev/continue/issues/4650"],
    explains: &[],
    diagnose,
};

fn is_silent(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::ConnectTimeout | FaultKind::Unreachable)
}

fn diagnose(case: &Case) -> Verdict {
    let Some((shown, fault)) = reach::kept_out(case, is_silent) else { return reach::otherwise(case) };
    let what = if fault.kind == FaultKind::Unreachable { "No way leads to" } else { "The TCP handshake was not answered by" };
    let because = format!("{what} {}{}.", reach::failed_steps(case, shown, "tcp"), reach::words(fault));
    Finding::new(Severity::Error, reach::certainty(case, is_silent), Blame::Network, because)
        .so("No request arrives anywhere, so neither the list nor chat can work from here.")
        .cite([shown.exchange])
        .detail("address", reach::host_port(case))
        .present()
}
