//! localhost means the container in which the client runs.

use super::{Case, FailureMode, Verdict, reach};

/// localhost means the container, not the machine on which the server runs.
pub const MODE: FailureMode = FailureMode {
    id: "localhost-in-container",
    title: "localhost means the container, not the host",
    family: "reach",
    symptom: "A client in Docker says \"connect ECONNREFUSED 127.0.0.1:11434\" or \"Connection refused\" while curl on the same machine is answered.",
    cause: "Inside a container localhost and 127.0.0.1 are the container itself, and the server listens outside of it. host.docker.internal \
            leads out, on Linux only when the container was given that name, and only to a server that listens on more than 127.0.0.1. A server \
            that is down is refused on the host as well, which tells the two apart.",
    fix: &[
        "In the client's settings write host.docker.internal instead of localhost; on Linux start the container with \
         `--add-host=host.docker.internal:host-gateway`.",
        "When both run in containers, put them on one network and use the service's name: http://ollama:11434.",
        "Let the server listen on all addresses (OLLAMA_HOST=0.0.0.0, `--host 0.0.0.0`); 127.0.0.1 cannot be reached from a container.",
        "Or give the container the host's network (`--network host`), where localhost keeps its meaning.",
    ],
    references: &[
        "https://github.com/wandb/openui/issues/215",
        "https://github.com/langchain-ai/langgraph-studio/issues/78",
        "https://github.com/songquanpeng/one-api/issues/1877",
        "https://github.com/browser-use/web-ui/pull/398",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.subject().loopback {
        return Verdict::absent("the base URL names no loopback address");
    }
    if reach::connected(case) {
        return Verdict::untested(
            "localhost answers where this check ran; only a check inside the client's container shows what it means there",
        );
    }
    Verdict::untested("nobody listens on localhost where this check ran; the host's side of a container does not show from here")
}
