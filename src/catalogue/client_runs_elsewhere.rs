//! The client's own servers make the call.

use super::reach::{self, Private};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Verdict, clients};
use crate::evidence::Ask;

/// The client's own servers make the call: private addresses cannot work although every check from here passes.
pub const MODE: FailureMode = FailureMode {
    id: "client-runs-elsewhere",
    title: "The client's servers make the call, not this machine",
    family: "reach",
    symptom: "The client says \"Access to private networks is forbidden\", `ssrf_blocked` or only that something is wrong with the key; curl \
              is answered, and the gateway's log shows no call from the client.",
    cause: "Some clients (Cursor, hosted web apps, chat bots) send chat from their maker's servers, even when their own test button calls from \
            this machine. To those servers localhost and private addresses are their own, so they are refused or guarded against. The gateway's \
            log tells it from every other mode: the call never arrives.",
    fix: &[
        "Give the client an https address that the public internet reaches: a tunnel (cloudflared, ngrok, Tailscale Funnel) with a key in front.",
        "Use the client's slot for local models, or its desktop edition, where chat is sent from this machine.",
        "If you run the client's server yourself, allow the address in its guard against requests to private networks.",
    ],
    references: &[
        "https://github.com/cursor/cursor/issues/2520",
        "https://github.com/cursor/cursor/issues/2688",
        "https://github.com/askalf/dario/issues/190",
        "https://github.com/automazeio/vibeproxy/issues/168",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let Some(client) = clients::named(case) else {
        return Verdict::untested("from where a client sends its calls shows only in the gateway's log (--client NAME knows it of some)");
    };
    let host = reach::host(case);
    match (client.from_servers, reach::is_private(case)) {
        (false, _) if client.recorded => {
            Verdict::absent(format!("{} was recorded to send its calls from the machine that it runs on", client.name))
        }
        (false, _) => {
            Verdict::untested(format!("{} was not recorded: from where it sends its calls shows only in the gateway's log", client.name))
        }
        (true, Some(how)) => present(case, &client.name, &host, how),
        (true, None) => Verdict::absent(format!("{}'s servers make the call, and {host} is no private address here", client.name)),
    }
}

fn present(case: &Case, client: &str, host: &str, how: Private) -> Verdict {
    let (certainty, what) = match how {
        Private::ByName => (Certainty::Likely, "is private"),
        Private::Here => (Certainty::Possible, "is a private address when it is looked up here"),
    };
    Finding::new(Severity::Error, certainty, Blame::Client, format!("{client} has its maker's servers make the call, and {host} {what}."))
        .so(format!("No call of {client} arrives, although every check from here passes."))
        .cite(case.asked(Ask::Connect).next().map(|shown| shown.exchange))
        .detail("host", host)
        .present()
}
