//! Who is quoted: gateways that repeat what a provider said.

use super::signatures::{Example, Needs, Row, Signature, Text, Words};
use super::{Pattern, Strength, head};

/// How a gateway shows that it repeats what a provider said; the first group of its pattern names the provider.
#[derive(Debug)]
pub(super) struct Wrapper {
    /// Who is meant when nobody is named.
    provider: Option<&'static str>,
    /// Whether the gateway uses a credential of its own, so that a refused key is not the client's.
    own_key: bool,
}

/// A wrapper found on a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrapping {
    pub provider: String,
    pub own_key: bool,
}

// `WRAPPERS`, from `wrappers.toml`.
include!(concat!(env!("OUT_DIR"), "/wrappers.rs"));

/// Whom a gateway is quoting, if it is.
pub(super) fn on(text: &Text) -> Option<Wrapping> {
    let (wrapper, _) = text.fitting(&WRAPPERS).next()?;
    let named = text.named(&wrapper.signature).map(|name| head(&name, 100).to_owned());
    let provider = named.or_else(|| wrapper.says.provider.map(str::to_owned)).unwrap_or_else(|| "upstream".to_owned());
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
            assert!(seen(wrapper.example.text()).is_some(), "{}", wrapper.id);
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
