//! The client's own servers make the call.

use super::{Case, FailureMode, Verdict};

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

fn diagnose(_: &Case) -> Verdict {
    Verdict::untested("from where a client sends its calls shows only in the gateway's log")
}
