//! Who is quoted: gateways that repeat what a provider said.

use super::signatures::{Row, Text};
use super::{head, rows};
use serde::Deserialize;
use std::sync::LazyLock;

/// How a gateway shows that it repeats what a provider said; the first group of its pattern names the provider.
#[derive(Debug, Deserialize)]
struct Wrapper {
    /// Who is meant when nobody is named.
    provider: Option<String>,
    /// Whether the gateway uses a credential of its own, so that a refused key is not the client's.
    #[serde(default)]
    own_key: bool,
}

/// A wrapper found on a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrapping {
    pub provider: String,
    pub own_key: bool,
}

static WRAPPERS: LazyLock<Vec<Row<Wrapper>>> = LazyLock::new(|| rows(data!("wrappers")));

/// Reads the rows before they are needed.
pub(super) fn warm_up() {
    LazyLock::force(&WRAPPERS);
}

/// Whom a gateway is quoting, if it is.
pub(super) fn on(text: &Text) -> Option<Wrapping> {
    let (wrapper, _) = text.fitting(&WRAPPERS).next()?;
    let named = text.named(&wrapper.signature).map(|name| head(&name, 100).to_owned());
    let provider = named.or_else(|| wrapper.says.provider.clone()).unwrap_or_else(|| "upstream".to_owned());
    Some(Wrapping { provider, own_key: wrapper.says.own_key })
}

#[cfg(test)]
mod tests {
    use super::super::errors::ErrorText;
    use super::*;

    fn seen(message: &str) -> Option<Wrapping> {
        on(&Text::of(&ErrorText { status: None, code: None, kind: None, param: None, message, headers: &[], raw: "" }))
    }

    #[test]
    fn every_wrapper_is_seen_on_its_example() {
        for wrapper in WRAPPERS.iter() {
            assert!(wrapper.source.starts_with("https://"), "{} has no source", wrapper.id);
            assert!(seen(&wrapper.example).is_some(), "{}", wrapper.id);
        }
    }

    #[test]
    fn a_wrapper_names_the_provider() {
        let named = |message: &str| seen(message).map(|wrapper| wrapper.provider);
        assert_eq!(named("litellm.AuthenticationError: AuthenticationError: OpenAIException - bad").as_deref(), Some("OpenAI"));
        assert_eq!(named("Error from provider (Moonshot AI): invalid temperature").as_deref(), Some("Moonshot AI"));
        assert_eq!(named("openai error: slow down").as_deref(), Some("openai"));
        assert_eq!(named("an error: slow down"), None);
    }
}
