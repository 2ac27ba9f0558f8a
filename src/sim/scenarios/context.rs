//! Long prompts: cut off in silence, refused with words, or read by a model that does not find its way back.

use serde_json::Value;

use super::limits::chats;
use crate::sim::completion::{Completion, prompt};
use crate::sim::gateway::{Gateway, HEALTHY};
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    Scenario {
        mode: Some("context-truncated"),
        gateway: Gateway { rewrite: |body| cut(body, 2040), ..HEALTHY },
        ..titled("ollama-window-2048", "Ollama's default window: the newest 2,048 tokens are read, and nobody says so")
    },
    Scenario {
        mode: Some("context-truncated"),
        gateway: Gateway { rewrite: |body| cut(body, 1500), whole: uncounted, ..HEALTHY },
        ..titled("context-shift-uncounted", "The beginning of a long prompt is shifted out, and the answers count no tokens")
    },
    Scenario {
        gateway: Gateway { tune: forgets, ..HEALTHY },
        ..titled("long-prompt-not-found", "The whole prompt is read, and a weak model does not find its beginning")
    },
    Scenario {
        gateway: Gateway { tune: forgets, whole: uncounted, ..HEALTHY },
        ..titled("code-word-never-found", "A weak model finds no code word at any length, and the answers count no tokens")
    },
    Scenario {
        gateway: Gateway { refuse: |body, _| (words(body) > 2000).then(|| too_long(words(body))), ..HEALTHY },
        ..titled("window-refuses", "A window of 2,048 tokens that refuses what is longer, and says so")
    },
    Scenario {
        gateway: Gateway { refuse: |body, _| (words(body) > 2000).then(|| vec![Act::Reset]), ..HEALTHY },
        ..titled("long-prompt-resets", "A long prompt is answered by a reset")
    },
    chats("window-of-16-tokens", "context-window-exceeded", "A window that even a short chat does not fit into", |_| {
        openai_error(
            400,
            "This model's maximum context length is 16 tokens. Please reduce the length of the messages.",
            "invalid_request_error",
            r#""context_length_exceeded""#,
        )
    }),
];

const fn titled(id: &'static str, title: &'static str) -> Scenario {
    Scenario { id, title, ..USUAL }
}

fn words(body: &Value) -> usize {
    prompt(body).split_whitespace().count()
}

/// The last so many words of the last message, whatever stood before them.
fn cut(mut body: Value, kept: usize) -> Value {
    let text = prompt(&body);
    let all: Vec<&str> = text.split_whitespace().collect();
    if all.len() > kept {
        let rest = all[all.len() - kept..].join(" ");
        if let Some(last) = body["messages"].as_array_mut().and_then(|messages| messages.last_mut()) {
            last["content"] = rest.into();
        }
    }
    body
}

/// Answers to everything but the code word.
fn forgets(completion: &mut Completion) {
    if completion.text().contains("heron") {
        completion.tokens = vec!["I do not know.".to_owned()];
    }
}

/// The answer without its usage.
fn uncounted(completion: &Completion) -> Script {
    let mut document: Value = serde_json::from_str(&completion.document()).unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        members.remove("usage");
    }
    after(completion.units(), ok_json(document.to_string()))
}

fn too_long(words: usize) -> Script {
    let message = format!(
        "This model's maximum context length is 2048 tokens. However, your messages resulted in {words} tokens. Please reduce the length of the messages."
    );
    openai_error(400, &message, "invalid_request_error", r#""context_length_exceeded""#)
}
