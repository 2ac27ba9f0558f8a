//! A browser may not call the gateway from this page.

use super::{Case, FailureMode, Verdict};

/// A browser client's preflight is refused.
pub const MODE: FailureMode = FailureMode {
    id: "cors-refused",
    title: "The gateway does not let a browser call it from this page",
    family: "reach",
    symptom: "The client says \"Failed to fetch\" or \"Network Error\"; the browser's console says \"blocked by CORS policy\". curl is answered.",
    cause: "A client inside a web page (or an Electron, Obsidian or browser extension) asks first with OPTIONS, and the answer allows neither \
            its origin nor all of its headers. SDKs add headers of their own (x-stainless-os, and x-stainless-helper-method for streams), so the \
            list or plain chat may pass and a stream may not. Browsers alone ask, so no other client is hit.",
    fix: &[
        "Let the gateway answer OPTIONS with Access-Control-Allow-Origin for the page, and with Access-Control-Allow-Headers for every header the console names.",
        "Ollama: OLLAMA_ORIGINS with the page's origin (`app://obsidian.md*`, `chrome-extension://*`). LM Studio: switch CORS on. llama.cpp and vLLM: see their CORS options.",
        "Or let the client's own server make the call, or put a proxy on the page's origin in front of the gateway.",
        "From an https page to a plain http address the browser refuses anyway: give the gateway https, or open the page over http.",
    ],
    references: &[
        "https://github.com/mostlygeek/llama-swap/issues/77",
        "https://github.com/ollama/ollama/issues/4388",
        "https://github.com/ollama/ollama/issues/8342",
        "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/392",
        "https://github.com/mlc-ai/mlc-llm/pull/757",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(_: &Case) -> Verdict {
    Verdict::untested("no preflight was sent: only a browser, with the page's origin and the client's headers, shows it")
}
