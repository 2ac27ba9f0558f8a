//! An image in the request is refused.

use super::{Blame, Case, FailureMode, Finding, Severity, Shown, Verdict, limits};
use crate::evidence::Ask;
use crate::facts::Cause;

/// An image part is refused.
pub const MODE: FailureMode = FailureMode {
    id: "vision-disabled",
    title: "Images are refused",
    family: "body",
    symptom: "404 \"No endpoints found that support image input\", 400 \"unknown variant `image_url`, expected `text`\"; text works. An image that \
              stays in the history makes every later message fail as well.",
    cause: "The model, its template or the route takes text only. The text says so, and plain chat is answered. Content as an \
            array of text parts that is refused as well is a matter of the shape, not of images.",
    fix: &[
        "Choose a model that reads images, or switch image input off for this model in the client.",
        "vLLM, llama.cpp: load the multimodal projector (--mmproj) or a vision model; LiteLLM: `supports_vision` of the model.",
        "Remove earlier images from the conversation, or begin a new one.",
    ],
    references: &[
        "https://github.com/decolua/9router/issues/425",
        "https://github.com/router-for-me/CLIProxyAPI/issues/3728",
        "https://github.com/chatboxai/chatbox/issues/1714",
        "https://github.com/browser-use/browser-use/issues/159",
        "https://github.com/jxxghp/MoviePilot/issues/5863",
        "https://github.com/yilewang/llm-for-zotero/issues/143",
    ],
    explains: &["unsupported-field"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if !case.asked(Ask::Fields).chain(case.asked(Ask::Picture)).any(shows_image) {
        return Verdict::untested("no image was sent");
    }
    match limits::with_cause(case, &[Cause::Vision]).find(|shown| shows_image(shown)) {
        Some(refused) => present(case, refused),
        None => Verdict::absent("no request with an image was refused for it"),
    }
}

fn shows_image(shown: &Shown) -> bool {
    const TYPES: [&str; 3] = [r#""type":"image_url""#, r#""type":"input_image""#, r#""type":"image""#];
    let turns = shown.exchange.request.body.as_ref().map(|body| body.get("messages").or(body.get("input")).map(ToString::to_string));
    turns.flatten().is_some_and(|turns| TYPES.iter().any(|kind| turns.contains(kind)))
}

fn present(case: &Case, refused: &Shown) -> Verdict {
    let plain = case.chat().answer().map(|shown| format!(" Text alone was answered after {:.0} ms.", shown.total_ms())).unwrap_or_default();
    let because = format!("A request with an image was answered with {}.{plain}", refused.account());
    // Nobody wanted pictures here, if only the ladder showed one: a model of words is none the worse for it.
    let severity = if refused.ask == Ask::Picture { Severity::Info } else { Severity::Warning };
    Finding::new(severity, limits::said_certainty(refused), Blame::Client, because)
        .so("Messages with an image fail, and so do all that follow while it stays in the conversation.")
        .cite([refused.exchange])
        .cite(case.chat().answer().map(|shown| shown.exchange))
        .present()
}
