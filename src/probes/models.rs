//! The model list: with the key, without one, and with a garbage key.

use futures_util::future::join3;

use crate::dialect::{ModelEntry, ModelList};
use crate::evidence::{Ask, Credential};

use super::question::given;
use super::{Ctx, Need, Probe, Question, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "models",
    title: "Model list",
    asks: "Which models does the key see, is the wanted one among them, and does the list check the key at all?",
    stage: 1,
    needs: Need::Connection,
    cost: "3 requests, no tokens",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

async fn run(cx: &Ctx<'_>) {
    let target = cx.target;
    let ask = |ask, credential| cx.ask("models", Question::models(ask, target).with_credential(credential));
    let list = ask(Ask::Models, given(target));
    if target.auth.key.is_some() {
        let none = ask(Ask::ModelsNoKey, Credential::None);
        let garbage = ask(Ask::ModelsGarbageKey, Credential::Garbage(target.auth.scheme));
        join3(list, none, garbage).await;
    } else {
        list.await;
    }
    choose(cx);
}

/// Takes a chat model of the list when none was typed.
fn choose(cx: &Ctx<'_>) {
    if let Some(list) = cx.model_list()
        && let Some(entry) = chat_models(&list).next()
    {
        cx.choose_model(entry.id.clone());
    }
}

/// Parts of a name that say: not a chat model.
const OTHER_TASKS: [&str; 20] = [
    "embed",
    "whisper",
    "tts",
    "dall-e",
    "image",
    "rerank",
    "moderation",
    "transcri",
    "speech",
    "audio",
    "sora",
    "bge-",
    "flux",
    "stable-diffusion",
    "realtime",
    "babbage-",
    "davinci-",
    "imagen",
    "veo-",
    "midjourney",
];

/// Entries that may be chat models, by name and by what the list itself says; patterns (`gpt-*`) are left out.
pub fn chat_models(list: &ModelList) -> impl Iterator<Item = &ModelEntry> {
    list.entries.iter().filter(|entry| {
        let text = format!("{} {}", entry.id, entry.kind.as_deref().unwrap_or_default());
        !entry.id.contains('*') && !is_of_another_task(&text)
    })
}

/// True when a name says that the model is for something else than chat.
pub fn is_of_another_task(name: &str) -> bool {
    let name = name.to_lowercase();
    OTHER_TASKS.iter().any(|task| name.contains(task))
}
