//! An image in the request is removed on the way, and nobody says so.

use super::{Case, FailureMode, Verdict};

/// An image is removed silently.
pub const MODE: FailureMode = FailureMode {
    id: "vision-dropped",
    title: "Images are taken out of the request without an error",
    family: "body",
    symptom: "The model says that it sees no image, asks for one, or describes something that is not there; the status is 200.",
    cause: "A gateway translates content parts into another dialect and leaves out those that it does not know, replaces them by a placeholder \
            (`[image omitted]`), or sends text only because the model's entry lacks the vision flag. A refusal of the image is another mode.",
    fix: &[
        "Compare `usage.prompt_tokens` of the same question with and without the image: equal counts mean that it never arrived.",
        "Gateway: declare the model as able to see (LiteLLM: `supports_vision` in `model_info`), or update the translation of content parts.",
        "Send the image as an `image_url` part with a `data:` URL; some gateways pass on this form only.",
    ],
    references: &[
        "https://github.com/inference-gateway/inference-gateway/pull/549",
        "https://github.com/routatic/proxy/pull/99",
        "https://github.com/heyhuynhgiabuu/proxypal/issues/11",
        "https://github.com/griffinwork40/agent-afk/pull/134",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(_: &Case) -> Verdict {
    Verdict::untested("no image with a known content was sent, so nobody can tell whether one is seen")
}
