//! What limits an answer announces in its headers.

use super::{Headers, durations, fits, head, header, rows};
use serde::Deserialize;
use std::sync::LazyLock;

/// One announced limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Announced {
    /// The header, in lower case.
    pub header: String,
    /// Who announces limits like this, from `ratelimits.toml`. Many providers copy the names of OpenAI.
    pub provider: String,
    /// What the value counts.
    pub kind: AnnouncedKind,
    /// The value as sent, at most [`VALUE_LIMIT`] bytes.
    pub value: String,
    /// For resets and waits: seconds from now. `None` when the value isn't a time, has passed, or can't be believed.
    pub seconds: Option<f64>,
    /// Where the meaning of the header is documented.
    pub source: &'static str,
}

/// What an announced value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnnouncedKind {
    /// How much is allowed in a window.
    Limit,
    /// How much is left.
    Remaining,
    /// When it is full again.
    Reset,
    /// How long to wait.
    RetryAfter,
    /// Something else about limits.
    Other,
}

/// How much of a value is kept, in bytes.
pub const VALUE_LIMIT: usize = 200;

#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    provider: String,
    kind: AnnouncedKind,
    unit: Unit,
    source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Seconds,
    Milliseconds,
    Epoch,
    Rfc3339,
    Auto,
    Count,
    Structured,
    Word,
    Flag,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(data!("ratelimits")));

/// What a header that announces a limit says.
#[derive(Debug, Clone, Copy)]
pub struct Announcement {
    /// Who announces limits like this. Many providers copy the names of OpenAI.
    pub provider: &'static str,
    /// What the value counts.
    pub kind: AnnouncedKind,
    /// How it is written.
    pub unit: &'static str,
    /// Where that is documented.
    pub source: &'static str,
}

/// The names of all headers that announce limits, with `*` for any text.
pub fn announcing() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.name.as_str())
}

/// What a header of this lower-case name announces; `None` when it is not about limits.
pub fn announcement(name: &str) -> Option<Announcement> {
    let row = ROWS.iter().find(|row| row.name == name).or_else(|| ROWS.iter().find(|row| fits(&row.name, name)))?;
    Some(Announcement { provider: &row.provider, kind: row.kind, unit: row.unit.words(), source: &row.source })
}

impl Unit {
    fn words(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Epoch => "seconds since 1970",
            Self::Rfc3339 => "a timestamp (RFC 3339)",
            Self::Auto => "told by the shape of the value",
            Self::Count => "a count",
            Self::Structured => "a structured field (r: left, t: seconds)",
            Self::Word => "a word",
            Self::Flag => "true or false",
        }
    }
}

impl AnnouncedKind {
    /// What the value counts, in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Limit => "how much a window allows",
            Self::Remaining => "how much is left",
            Self::Reset => "when the window is full again",
            Self::RetryAfter => "how long to wait",
            Self::Other => "about limits",
        }
    }
}

/// The limits that these headers announce, in their order. `now_unix` is the time of the answer, in seconds since 1970; the
/// answer's own `date`, when it has one, is preferred.
pub fn announced_limits(headers: &Headers, now_unix: f64) -> Vec<Announced> {
    let now = now_of(headers, now_unix);
    headers.iter().filter_map(|(name, value)| announced(name, value, now)).collect()
}

/// The answer's own time when it says one, else ours: in seconds since 1970.
pub(super) fn now_of(headers: &Headers, now_unix: f64) -> f64 {
    header(headers, "date").and_then(durations::http_date).unwrap_or(now_unix)
}

fn announced(name: &str, value: &str, now: f64) -> Option<Announced> {
    let row = ROWS.iter().find(|row| fits(&row.name, name))?;
    let value = head(value, VALUE_LIMIT).trim();
    Some(Announced {
        header: head(name, VALUE_LIMIT).to_owned(),
        provider: row.provider.clone(),
        kind: row.kind,
        value: value.to_owned(),
        seconds: row.seconds(value, now),
        source: &row.source,
    })
}

impl Row {
    /// The value as seconds from now, if it is a time.
    fn seconds(&self, value: &str, now: f64) -> Option<f64> {
        match self.unit {
            Unit::Milliseconds => durations::number(value).and_then(|ms| durations::plausible(ms / 1e3)),
            Unit::Seconds | Unit::Epoch | Unit::Rfc3339 | Unit::Auto => durations::any(value, now),
            Unit::Structured if self.kind == AnnouncedKind::Remaining => structured(value, "t").and_then(durations::plausible),
            Unit::Structured | Unit::Count | Unit::Word | Unit::Flag => None,
        }
    }
}

/// A number parameter of the first item of a structured field: `t` of `"default";r=50;t=30`.
pub(super) fn structured(value: &str, key: &str) -> Option<f64> {
    let item = value.split(',').next()?;
    item.split(';').find_map(|part| durations::number(part.trim().strip_prefix(key)?.strip_prefix('=')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_772_049_750.0; // 2026-02-25T20:02:30Z

    fn all(pairs: &[(&str, &str)]) -> Vec<Announced> {
        let headers: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        announced_limits(&headers, NOW)
    }

    fn one(name: &str, value: &str) -> Announced {
        all(&[(name, value)]).remove(0)
    }

    #[test]
    fn every_row_is_usable() {
        for row in ROWS.iter() {
            assert!(row.source.starts_with("https://"), "{} has no source", row.name);
            assert_eq!(row.name, row.name.to_lowercase());
        }
    }

    #[test]
    fn resets_in_every_unit() {
        assert_eq!(one("x-ratelimit-reset-requests", "6m0s").seconds, Some(360.0));
        assert_eq!(one("x-ratelimit-reset-tokens", "55").seconds, Some(55.0));
        assert_eq!(one("x-ratelimit-reset-tokens_usage_based", "8ms").seconds, Some(0.008));
        assert_eq!(one("anthropic-ratelimit-tokens-reset", "2026-02-25T20:02:36Z").seconds, Some(6.0));
        assert_eq!(one("x-ratelimit-reset", "1772049760000").seconds, Some(10.0));
        assert_eq!(one("retry-after-ms", "1500").seconds, Some(1.5));
        assert_eq!(one("ratelimit", "\"default\";r=0;t=30").seconds, Some(30.0));
    }

    #[test]
    fn kinds_and_providers() {
        let found = one("anthropic-ratelimit-input-tokens-remaining", "28000");
        assert_eq!((found.kind, found.provider.as_str(), found.seconds), (AnnouncedKind::Remaining, "Anthropic", None));
        assert_eq!(one("x-ratelimit-limit-requests-day", "100").kind, AnnouncedKind::Limit);
        assert_eq!(one("x-ratelimit-limit-minute", "5").provider, "Kong");
        assert_eq!(one("retry-after", "60").kind, AnnouncedKind::RetryAfter);
        assert_eq!(one("ratelimit-policy", "\"burst\";q=100;w=60").seconds, None);
        assert!(one("x-ratelimit-limit-tokens", "-1").source.starts_with("https://"));
    }

    #[test]
    fn the_answers_own_date_is_the_clock() {
        let found = all(&[("date", "Wed, 25 Feb 2026 20:02:00 GMT"), ("retry-after", "Wed, 25 Feb 2026 20:02:07 GMT")]);
        assert_eq!(found[0].seconds, Some(7.0));
        assert_eq!(now_of(&[("date".to_owned(), "garbage".to_owned())], 5.0), 5.0);
    }

    #[test]
    fn other_headers_announce_nothing() {
        assert_eq!(all(&[("content-type", "text/html"), ("x-request-id", "1")]), []);
    }

    #[test]
    fn hostile_values_are_cut_and_ignored() {
        let found = one("retry-after", &"9".repeat(100_000));
        assert_eq!((found.value.len(), found.seconds), (VALUE_LIMIT, None));
        assert_eq!(one("retry-after", "-3").seconds, None);
        assert_eq!(structured("", "t"), None);
        assert_eq!(structured("\"a\";t=x, \"b\";t=4", "t"), None);
    }
}
