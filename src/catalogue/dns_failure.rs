//! The host's name does not resolve.

use super::{Blame, Case, FailureMode, Finding, Severity, Verdict, reach};
use crate::evidence::FaultKind;

/// The host's name does not resolve from here.
pub const MODE: FailureMode = FailureMode {
    id: "dns-failure",
    title: "The host name does not resolve",
    family: "reach",
    symptom: "The client says ENOTFOUND, EAI_AGAIN, \"Name or service not known\", \"dns error\" or only \"Connection error\".",
    cause: "The resolver of this machine has no address for the name: a typing mistake, a name that exists only inside another \
            network (a VPN, a Docker or Kubernetes network), or a resolver that is down. It fails before any packet goes to the \
            gateway, which is how it differs from a refused or silent port.",
    fix: &[
        "Check the host name for typing mistakes.",
        "Ask the resolver on the machine where the client runs: `getent hosts NAME` or `nslookup NAME`.",
        "In a container use the service's name on the same network, or host.docker.internal for the host itself.",
        "Connect the VPN, or use the name that is valid in this network.",
    ],
    references: &["https://github.com/bionic-gpt/bionic-gpt/issues/61", "https://github.com/eosphoros-ai/DB-GPT/issues/2894"],
    explains: &[],
    diagnose,
};

fn is_dns(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Dns)
}

fn diagnose(case: &Case) -> Verdict {
    let Some((shown, fault)) = reach::kept_out(case, is_dns) else { return reach::otherwise(case) };
    let host = reach::host(case);
    let because = format!("The name {host} did not resolve: the resolver gave up after {:.0} ms{}.", fault.at_ms, reach::words(fault));
    Finding::new(Severity::Error, reach::certainty(case, is_dns), Blame::Client, because)
        .so("No request leaves this machine, so neither the list nor chat can work from here.")
        .cite([shown.exchange])
        .detail("host", host)
        .present()
}
