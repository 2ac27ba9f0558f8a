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
    /// Google's generateContent: the path names the model, and whether a stream is wanted.
    GoogleGenerate,
}

/// Google's method for an answer in one piece, and the one for a stream.
const METHODS: [&str; 2] = [":generateContent", ":streamGenerateContent"];

impl Dialect {
    /// Every dialect, the usual one first.
    pub const ALL: [Dialect; 5] =
        [Dialect::OpenaiChat, Dialect::OpenaiCompletions, Dialect::OpenaiResponses, Dialect::AnthropicMessages, Dialect::GoogleGenerate];

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
        Dialect::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    /// The dialect whose route this URL ends in.
    pub fn of(url: &str) -> Option<Self> {
        let path = url.split('?').next().unwrap_or_default();
        let is_google = METHODS.iter().any(|method| path.ends_with(method)).then_some(Dialect::GoogleGenerate);
        is_google.or_else(|| Dialect::ALL.into_iter().find(|dialect| path.ends_with(dialect.route())))
    }

    /// Its route under a base such as `https://gateway.example/v1`; `{model}` stands for the model's name.
    pub fn route(self) -> &'static str {
        match self {
            Dialect::OpenaiChat => "/chat/completions",
            Dialect::OpenaiCompletions => "/completions",
            Dialect::OpenaiResponses => "/responses",
            Dialect::AnthropicMessages => "/messages",
            Dialect::GoogleGenerate => "/models/{model}:generateContent",
        }
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

    /// The last part of the path of a request for this model, with the query: what Google has in place of the members `model` and `stream`
    /// (<https://ai.google.dev/api/generate-content>).
    pub fn google_method(model: &str, stream: bool) -> (String, Option<&'static str>) {
        // Without `alt=sse` the stream is a JSON array, which its SDKs do not ask for.
        if stream { (format!("{model}{}", METHODS[1]), Some("alt=sse")) } else { (format!("{model}{}", METHODS[0]), None) }
    }

    /// The model that the path of a request to Google's route names, and whether a stream is wanted; `None` for any other route.
    pub fn google_asked(url: &str) -> Option<(&str, bool)> {
        let last = url.split('?').next()?.rsplit('/').next()?;
        METHODS.iter().find_map(|method| Some((last.strip_suffix(method)?, *method == METHODS[1])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_tells_its_dialect() {
        let google = "https://g.example/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse";
        assert_eq!(Dialect::of(google), Some(Dialect::GoogleGenerate));
        assert_eq!(Dialect::google_asked(google), Some(("gemini-2.5-flash", true)));
        assert_eq!(Dialect::google_asked("https://g.example/v1/models/m:generateContent"), Some(("m", false)));
        assert_eq!(Dialect::of("https://g.example/v1/models"), None);
        assert_eq!(Dialect::google_asked("https://g.example/v1/chat/completions"), None);
        assert_eq!(Dialect::of("https://g.example/v1/chat/completions?api-version=1"), Some(Dialect::OpenaiChat));
    }
}
