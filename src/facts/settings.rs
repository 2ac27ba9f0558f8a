//! Which setting of a client or a gateway keeps a field or a header from being sent.

use super::{fits, rows};
use serde::Deserialize;
use std::sync::LazyLock;

/// One setting of one program, from `settings.toml`.
#[derive(Debug, Clone, Deserialize)]
pub struct Setting {
    /// The client (as the profiles name it) or the gateway (as the fingerprints do).
    pub program: String,
    /// Where this is documented.
    pub source: String,
    about: Vec<String>,
    says: String,
}

static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| rows(data!("settings")));

/// Every setting, in the order of the file.
pub fn settings() -> &'static [Setting] {
    &SETTINGS
}

/// The settings of a program that are about a place of a body (a JSON pointer) or a header (`header:NAME`), the one that names it most
/// exactly first.
pub fn settings_of(program: &str, what: &str) -> Vec<&'static Setting> {
    let exactness =
        |setting: &Setting| setting.about.iter().filter(|pattern| fits(pattern, what)).map(|pattern| pattern.replace('*', "").len()).max();
    let mut found: Vec<_> = SETTINGS.iter().filter(|row| row.program == program).filter_map(|row| Some((exactness(row)?, row))).collect();
    found.sort_by_key(|(exactness, _)| std::cmp::Reverse(*exactness));
    found.into_iter().map(|(_, row)| row).collect()
}

impl Setting {
    /// What to do about this place or header.
    pub fn told(&self, what: &str) -> String {
        let steps: Vec<&str> = what.trim_start_matches('/').split('/').collect();
        let is_index = |step: &str| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
        let mut path = String::new();
        for step in &steps {
            match is_index(step) {
                true => path.push_str("[*]"),
                false if path.is_empty() => path.push_str(step),
                false => path.extend([".", step]),
            }
        }
        let name = steps.first().copied().unwrap_or_default();
        let told = self.says.replace("{name}", name).replace("{path}", &path);
        told.replace("{dotted}", &steps.join(".")).replace("{pointer}", what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{client_timeouts, fingerprints};

    #[test]
    fn every_row_is_of_a_known_program_and_has_a_source() {
        for row in settings() {
            let is_client = client_timeouts().iter().any(|client| client.name == row.program);
            let is_gateway = fingerprints().iter().any(|mark| mark.box_ == row.program);
            assert!(is_client || is_gateway, "{} is neither a client nor a gateway", row.program);
            assert!(row.source.starts_with("https://") && !row.says.is_empty(), "{}", row.program);
            let sound = |about: &String| about.starts_with(['/', '*']) || about.starts_with("header:");
            assert!(!row.about.is_empty() && row.about.iter().all(sound), "{}: {:?}", row.program, row.about);
        }
    }

    #[test]
    fn a_setting_names_the_place_in_its_own_words() {
        let told = |program: &str, what: &str| settings_of(program, what).first().map(|row| row.told(what)).unwrap_or_default();
        assert!(told("LiteLLM proxy", "/top_p").starts_with("`additional_drop_params: [\"top_p\"]`"));
        assert!(told("LiteLLM proxy", "/tools/3/function/strict").contains("\"tools[*].function.strict\""));
        assert!(told("new-api", "/messages/0/name").contains("\"path\":\"messages.0.name\""));
        assert!(told("librechat", "/user").contains("dropParams: [\"user\"]"));
        assert!(told("claude-code", "header:anthropic-beta").starts_with("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS=1"));
        assert!(told("claude-code", "/system/1/cache_control").starts_with("DISABLE_PROMPT_CACHING"));
        assert!(settings_of("aider", "/tools").is_empty() && settings_of("nobody", "/top_p").is_empty());
    }
}
