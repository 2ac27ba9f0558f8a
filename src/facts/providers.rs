//! Where each provider lives, and what its keys look like from outside.

use super::{fits, rows};
use serde::Deserialize;
use std::sync::LazyLock;

/// One provider, or one of its doors, from `providers.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Provider {
    /// Stable name of the row.
    pub id: String,
    /// The provider's name.
    pub name: String,
    /// What a client's base URL should be; `{…}` is for the user to fill.
    pub base_url: String,
    /// Hosts it answers on: exact, or with `*` for any text.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Path of chat below the base.
    pub chat_path: String,
    /// Path of the model list below the base; `None` when there is none or it isn't known.
    pub models_path: Option<String>,
    /// Whether the list needs no key.
    #[serde(default)]
    pub models_public: bool,
    /// How the key is sent.
    pub auth: String,
    /// What its model names look like.
    pub model_id_shape: Option<String>,
    /// Public beginnings of its keys.
    #[serde(default)]
    pub key_prefixes: Vec<String>,
    /// Where the key's shape is documented.
    pub key_source: Option<String>,
    /// Where the rest is documented.
    pub source: String,
}

static PROVIDERS: LazyLock<Vec<Provider>> = LazyLock::new(|| rows(data!("providers")));

/// Every provider, in the order of the file.
pub fn providers() -> &'static [Provider] {
    &PROVIDERS
}

/// The provider behind a host name (no port, any case); `None` for hosts of one's own.
pub fn provider_for_host(host: &str) -> Option<&'static Provider> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    PROVIDERS.iter().find(|row| row.hosts.iter().any(|pattern| fits(pattern, &host)))
}

/// The provider whose keys begin like `shape`, the public beginning of a key such as `sk-ant-`; the longest prefix wins.
///
/// Give the shape, never the key. `None` for shapes that many share (`sk-`).
pub fn provider_for_key_prefix(shape: &str) -> Option<&'static Provider> {
    let prefix = |row: &Provider| row.key_prefixes.iter().filter(|prefix| shape.starts_with(prefix.as_str())).map(String::len).max();
    PROVIDERS.iter().filter(|row| prefix(row).is_some()).max_by_key(|row| prefix(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_usable() {
        for row in PROVIDERS.iter() {
            assert!(row.source.starts_with("https://"), "{} has no source", row.id);
            assert!(row.base_url.starts_with("http") && !row.base_url.contains(' '), "{}", row.id);
            assert!(row.chat_path.starts_with('/') && !row.chat_path.contains(' '), "{}", row.id);
            assert!(row.models_path.as_deref().is_none_or(|path| path.starts_with('/')), "{}", row.id);
            assert_eq!(row.key_prefixes.is_empty(), row.key_source.is_none(), "{}", row.id);
        }
    }

    #[test]
    fn hosts_name_their_provider() {
        for (host, id) in [
            ("api.openai.com", "openai"),
            ("API.Anthropic.com", "anthropic"),
            ("my.openai.azure.com", "azure-openai"),
            ("europe-west4-aiplatform.googleapis.com", "vertex"),
            ("bedrock-runtime.us-east-1.amazonaws.com", "bedrock"),
            ("openrouter.ai.", "openrouter"),
        ] {
            assert_eq!(provider_for_host(host).map(|row| row.id.as_str()), Some(id), "{host}");
        }
        for host in ["localhost", "127.0.0.1", "", "notapi.openai.com.evil.example", "openai.com"] {
            assert_eq!(provider_for_host(host), None, "{host}");
        }
    }

    #[test]
    fn key_shapes_name_their_provider() {
        for (shape, id) in [
            ("sk-ant-", "anthropic"),
            ("sk-ant-api03-", "anthropic"),
            ("sk-or-v1-", "openrouter"),
            ("gsk_", "groq"),
            ("sk-proj-", "openai"),
        ] {
            assert_eq!(provider_for_key_prefix(shape).map(|row| row.id.as_str()), Some(id), "{shape}");
        }
        assert_eq!(provider_for_key_prefix("sk-"), None);
        assert_eq!(provider_for_key_prefix(""), None);
    }
}
