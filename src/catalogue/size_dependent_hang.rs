//! Beyond some length of the prompt nothing comes back.

use super::{Case, FailureMode, Verdict};

/// Beyond some prompt size nothing comes back.
pub const MODE: FailureMode = FailureMode {
    id: "size-dependent-hang",
    title: "Long prompts are never answered, short ones are",
    family: "time",
    symptom: "Short chats are answered at once; with a long history or a large file the request hangs: no status, no error, no text.",
    cause: "A hop stops reading at some size: a proxy that never forwards a body beyond its buffer, a tunnel with too large packets (MTU), a \
            firewall that inspects bodies, or an engine that reads a long prompt without answering in between. Size alone decides, sharply; a \
            limit on time cuts short prompts with long answers as well.",
    fix: &[
        "Find the size: halve the prompt until it is answered; a sharp step at a round number of bytes is a buffer.",
        "Ask each hop by itself with the long prompt, the innermost first.",
        "In a VPN, tunnel or container network: lower the MTU and try again.",
    ],
    references: &["https://github.com/lbjlaq/Antigravity-Manager/issues/3429"],
    explains: &[],
    diagnose,
};

fn diagnose(_: &Case) -> Verdict {
    Verdict::untested("no prompts of growing length were sent")
}
