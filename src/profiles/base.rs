//! How clients make addresses of the base URL that is typed into them.

use serde::Deserialize;
use url::Url;

/// What happens to the base before a route is put behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BaseRule {
    /// Nothing: the base must hold the version already.
    Append,
    /// The version is added whatever stands there: the base must be without one.
    Root,
    /// The route is resolved as a relative link: without a slash at its end, the base loses its last segment.
    Relative,
    /// The version is added when there is none.
    Complete,
}

impl BaseRule {
    /// In words, for people who type a base.
    pub fn words(self) -> &'static str {
        match self {
            BaseRule::Append => "wants the base with its version, such as /v1",
            BaseRule::Root => "adds the version itself and wants the base without it",
            BaseRule::Relative => "wants the base with its version and a slash at the end",
            BaseRule::Complete => "adds /v1 when the base has no version",
        }
    }

    /// What to type so that routes hang on this base; `None` when nothing that can be typed leads there.
    pub(super) fn typed(self, wanted: &str, adds: &str) -> Option<String> {
        let wanted = wanted.trim_end_matches('/');
        match self {
            BaseRule::Append => Some(wanted.to_owned()),
            BaseRule::Root => wanted.strip_suffix(adds).map(str::to_owned),
            BaseRule::Relative => Some(format!("{wanted}/")),
            BaseRule::Complete => wanted.split('/').any(is_version).then(|| wanted.to_owned()),
        }
    }

    pub(super) fn applied(self, typed: &Url, ended_in_slash: bool, adds: &str) -> Url {
        let path = typed.path().trim_end_matches('/');
        let path = match self {
            BaseRule::Append => path.to_owned(),
            BaseRule::Root => format!("{path}{adds}"),
            BaseRule::Relative if ended_in_slash => path.to_owned(),
            BaseRule::Relative => path.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned()),
            BaseRule::Complete if path.split('/').any(is_version) => path.to_owned(),
            BaseRule::Complete => format!("{path}/v1"),
        };
        let mut url = typed.clone();
        url.set_path(&path);
        url
    }
}

fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_becomes_what_the_client_makes_of_it() {
        let made = |rule: BaseRule, typed: &str| {
            let url = Url::parse(typed).expect("a URL");
            rule.applied(&url, typed.ends_with('/'), "/v1").to_string().trim_end_matches('/').to_owned()
        };
        assert_eq!(made(BaseRule::Append, "https://gateway.example/api/v1/"), "https://gateway.example/api/v1");
        assert_eq!(made(BaseRule::Root, "https://gateway.example"), "https://gateway.example/v1");
        assert_eq!(made(BaseRule::Root, "https://gateway.example/v1"), "https://gateway.example/v1/v1");
        assert_eq!(made(BaseRule::Relative, "https://gateway.example/v1"), "https://gateway.example");
        assert_eq!(made(BaseRule::Relative, "https://gateway.example/v1/"), "https://gateway.example/v1");
        assert_eq!(made(BaseRule::Complete, "https://gateway.example"), "https://gateway.example/v1");
        assert_eq!(made(BaseRule::Complete, "https://gateway.example/v2"), "https://gateway.example/v2");
    }

    #[test]
    fn what_is_to_be_typed_leads_where_it_shall() {
        let rules = [BaseRule::Append, BaseRule::Root, BaseRule::Relative, BaseRule::Complete];
        for rule in rules {
            let typed = rule.typed("https://gateway.example/api/v1", "/v1").expect("something can be typed");
            let url = Url::parse(&typed).expect("a URL");
            let made = rule.applied(&url, typed.ends_with('/'), "/v1").to_string();
            assert_eq!(made, "https://gateway.example/api/v1", "{rule:?}");
        }
        assert_eq!(BaseRule::Root.typed("https://gateway.example/api", "/v1"), None);
    }
}
