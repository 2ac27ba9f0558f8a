//! The ways of speaking with a model that a run may use.

use serde::{Deserialize, Serialize};

use super::Scheme;

/// A way of speaking with a model: a route under the base, and with it the shapes of request, answer and stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// OpenAI's chat completions, which most gateways and clients speak.
    #[default]
    OpenaiChat,
    /// OpenAI's legacy completions: a prompt and no messages.
    OpenaiCompletions,
    /// OpenAI's Responses.
    OpenaiResponses,
    /// Anthropic's Messages.
    AnthropicMessages,
    /// Gemini's own, whose address holds the model and whether it streams.
    GoogleGenerate,
}

impl Dialect {
    /// Every dialect with a route of its own under any base, the usual one first. A gateway is asked for them; for Gemini's only when that
    /// is what the run is about.
    pub const ALL: [Dialect; 4] = [Dialect::OpenaiChat, Dialect::OpenaiCompletions, Dialect::OpenaiResponses, Dialect::AnthropicMessages];

    /// Its name, as options, evidence and reports give it.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::OpenaiChat => "openai-chat",
            Dialect::OpenaiCompletions => "openai-completions",
            Dialect::OpenaiResponses => "openai-responses",
            Dialect::AnthropicMessages => "anthropic-messages",
            Dialect::GoogleGenerate => "google-generate",
        }
    }

    /// The dialect of this name.
    pub fn named(name: &str) -> Option<Self> {
        Dialect::ALL.into_iter().chain([Dialect::GoogleGenerate]).find(|dialect| dialect.name() == name)
    }

    /// The dialect whose route this URL ends in.
    pub fn of(url: &str) -> Option<Self> {
        let path = url.split('?').next().unwrap_or_default();
        let is_generate = path.ends_with(":generateContent") || path.ends_with(":streamGenerateContent");
        let by_route = || Dialect::ALL.into_iter().find(|dialect| path.ends_with(dialect.route()));
        if is_generate { Some(Dialect::GoogleGenerate) } else { by_route() }
    }

    /// Its route under a base such as `https://gateway.example/v1`; for Gemini what its route begins with (see [`Dialect::of_model`]).
    pub fn route(self) -> &'static str {
        match self {
            Dialect::OpenaiChat => "/chat/completions",
            Dialect::OpenaiCompletions => "/completions",
            Dialect::OpenaiResponses => "/responses",
            Dialect::AnthropicMessages => "/messages",
            Dialect::GoogleGenerate => "/models",
        }
    }

    /// The route and the query for a model, where the address holds it (<https://ai.google.dev/api/generate-content>).
    pub fn of_model(model: &str, streamed: bool) -> (String, Option<&'static str>) {
        let method = if streamed { "streamGenerateContent" } else { "generateContent" };
        (format!("/models/{}:{method}", model.trim_start_matches("models/")), streamed.then_some("alt=sse"))
    }

    /// The model that an address of Gemini's holds, and whether it streams.
    pub fn model_of(url: &str) -> Option<(&str, bool)> {
        let path = url.split('?').next()?;
        let (model, method) = path.rsplit_once("/models/")?.1.rsplit_once(':')?;
        Some((model, method == "streamGenerateContent"))
    }

    /// The header in which its clients send the key.
    pub fn scheme(self) -> Scheme {
        match self {
            Dialect::AnthropicMessages => Scheme::XApiKey,
            Dialect::GoogleGenerate => Scheme::XGoogApiKey,
            _ => Scheme::Bearer,
        }
    }

    /// Headers without which its servers refuse a request (<https://docs.claude.com/en/api/versioning>).
    pub fn headers(self) -> &'static [(&'static str, &'static str)] {
        if self == Dialect::AnthropicMessages { &[("anthropic-version", "2023-06-01")] } else { &[] }
    }
}
