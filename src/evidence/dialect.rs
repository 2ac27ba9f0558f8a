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
}

impl Dialect {
    /// Every dialect, the usual one first.
    pub const ALL: [Dialect; 4] = [Dialect::OpenaiChat, Dialect::OpenaiCompletions, Dialect::OpenaiResponses, Dialect::AnthropicMessages];

    /// Its name, as options, evidence and reports give it.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::OpenaiChat => "openai-chat",
            Dialect::OpenaiCompletions => "openai-completions",
            Dialect::OpenaiResponses => "openai-responses",
            Dialect::AnthropicMessages => "anthropic-messages",
        }
    }

    /// The dialect of this name.
    pub fn named(name: &str) -> Option<Self> {
        Dialect::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    /// The dialect whose route this URL ends in.
    pub fn of(url: &str) -> Option<Self> {
        let path = url.split('?').next().unwrap_or_default();
        Dialect::ALL.into_iter().find(|dialect| path.ends_with(dialect.route()))
    }

    /// Its route under a base such as `https://gateway.example/v1`.
    pub fn route(self) -> &'static str {
        match self {
            Dialect::OpenaiChat => "/chat/completions",
            Dialect::OpenaiCompletions => "/completions",
            Dialect::OpenaiResponses => "/responses",
            Dialect::AnthropicMessages => "/messages",
        }
    }

    /// The header in which its clients send the key.
    pub fn scheme(self) -> Scheme {
        if self == Dialect::AnthropicMessages { Scheme::XApiKey } else { Scheme::Bearer }
    }

    /// Headers without which its servers refuse a request (<https://docs.claude.com/en/api/versioning>).
    pub fn headers(self) -> &'static [(&'static str, &'static str)] {
        if self == Dialect::AnthropicMessages { &[("anthropic-version", "2023-06-01")] } else { &[] }
    }
}
