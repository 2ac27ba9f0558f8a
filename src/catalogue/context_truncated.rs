//! The prompt is cut, and nobody says so.

use super::{Case, FailureMode, Verdict};

/// The prompt is cut without an error.
pub const MODE: FailureMode = FailureMode {
    id: "context-truncated",
    title: "The beginning of a long prompt is cut off without an error",
    family: "edge",
    symptom: "Short chats work; agents forget their instructions, repeat themselves or ignore files that were just sent. `usage.prompt_tokens` \
              stops at a round number, or the answer ends early with finish_reason `length`.",
    cause: "The server's window is smaller than the model's (Ollama: 2048 or 4096 tokens by default; llama.cpp: `--ctx-size` divided by the \
            slots), and it keeps the newest part instead of refusing. The status is 200. An error that names the limit is another mode.",
    fix: &[
        "Ollama: set `OLLAMA_CONTEXT_LENGTH`, or `num_ctx` in a Modelfile: the OpenAI-compatible route cannot set it per request.",
        "llama.cpp: raise `--ctx-size` (it is shared by `--parallel` slots) and switch `--context-shift` off, so that it refuses instead.",
        "Compare `usage.prompt_tokens` with the length of what was sent; about four characters make a token.",
    ],
    references: &[
        "https://github.com/NousResearch/hermes-agent/issues/43900",
        "https://github.com/ollama/ollama/issues/17427",
        "https://github.com/ollama/ollama/issues/6026",
        "https://github.com/RooCodeInc/Roo-Code/issues/1372",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(_: &Case) -> Verdict {
    Verdict::untested("no long prompt with a mark at its beginning was sent")
}
