//! A field is accepted and changes nothing.

use super::{Case, FailureMode, Verdict};

/// A field is accepted and has no effect.
pub const MODE: FailureMode = FailureMode {
    id: "field-ignored",
    title: "A field of the request is accepted and has no effect",
    family: "body",
    symptom: "One choice although `n` was 2, no `logprobs`, prose where JSON was wanted, a call written into the text instead of `tool_calls`, \
              the same temperature whatever is set; the status is 200.",
    cause: "Servers and compatibility layers take fields that they know by name only, and drop what their engine cannot do. Tools vanish when \
            the engine runs without a tool parser, or with another model's. A gateway that removes the field on the way looks the same from \
            here; asked directly, the upstream then obeys.",
    fix: &[
        "Look the field up in the server's list of supported ones, and do not rely on it where it is missing.",
        "vLLM, SGLang: start with the tool-call parser (and the chat template) of this very model.",
        "Ask the upstream directly: when it obeys, the gateway drops the field.",
    ],
    references: &[
        "https://platform.claude.com/docs/en/api/openai-sdk",
        "https://github.com/youssofal/MTPLX/pull/191",
        "https://github.com/vllm-project/vllm/issues/20496",
        "https://github.com/EricLBuehler/mistral.rs/issues/1876",
        "https://github.com/LostRuins/koboldcpp/issues/576",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(_: &Case) -> Verdict {
    Verdict::untested("no field with an effect that shows (n, logprobs, a forced tool) was sent alone")
}
