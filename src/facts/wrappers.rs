//! Who is quoted: gateways that repeat what a provider said.

use super::errors::ErrorText;
use super::signatures::{Row, Signature, Table};
use super::{Strength, head};
use serde::Deserialize;
use std::sync::LazyLock;

/// How a gateway shows that it repeats what a provider said; the first group of its pattern names the provider.
#[derive(Debug, Deserialize)]
struct Wrapper {
    #[cfg(test)]
    id: String,
    /// Who is meant when nobody is named.
    provider: Option<String>,
    /// Whether the gateway uses a credential of its own, so that a refused key is not the client's.
    #[serde(default)]
    own_key: bool,
    #[serde(flatten)]
    signature: Signature,
    source: String,
    #[cfg(test)]
    example: String,
}

/// A wrapper found on a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrapping {
    pub provider: String,
    pub own_key: bool,
}

/// The data file.
pub(super) const FILE: &str = include_str!("wrappers.toml");

static WRAPPERS: LazyLock<Table<Wrapper>> = LazyLock::new(|| Table::read(FILE, "wrapper"));

impl Row for Wrapper {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn strength(&self) -> Strength {
        Strength::Strong
    }

    fn source(&self) -> &str {
        &self.source
    }
}

/// Reads the rows before they are needed.
pub(super) fn warm_up() {
    LazyLock::force(&WRAPPERS);
}

/// Whom a gateway is quoting, if it is.
pub(super) fn on(error: &ErrorText) -> Option<Wrapping> {
    let text = WRAPPERS.hold(error);
    let (wrapper, _) = text.rows().next()?;
    let named = text.named(&wrapper.signature).map(|name| head(&name, 100).to_owned());
    let provider = named.or_else(|| wrapper.provider.clone()).unwrap_or_else(|| "upstream".to_owned());
    Some(Wrapping { provider, own_key: wrapper.own_key })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(message: &str) -> Option<Wrapping> {
        on(&ErrorText { status: None, code: None, kind: None, param: None, message, headers: &[], raw: "" })
    }

    #[test]
    fn every_wrapper_is_seen_on_its_example() {
        for wrapper in WRAPPERS.rows() {
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
