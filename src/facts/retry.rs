//! How long a refusal asks to be left alone, wherever it says so.

use super::ratelimits::{VALUE_LIMIT, now_of, structured};
use super::{Headers, TEXT_LIMIT, durations, head, header};
use regex::Regex;
use std::sync::LazyLock;

/// A wait that an answer asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryHint {
    /// How long, from the moment of the answer.
    pub seconds: f64,
    /// Where it was said.
    pub source: HintSource,
    /// How it was written.
    pub form: HintForm,
    /// Whether a client that reads only `retry-after` and `retry-after-ms`, as the SDKs do, sees it.
    pub explicit: bool,
}

/// Where a wait was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HintSource {
    /// In this header.
    Header(String),
    /// In the body.
    Body,
}

/// How a wait was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HintForm {
    /// A number of seconds.
    Seconds,
    /// A number of milliseconds.
    Milliseconds,
    /// A moment: an HTTP date, a timestamp, seconds or milliseconds since 1970.
    Date,
    /// A number with units, as `6m0s`.
    Duration,
    /// A sentence.
    Text,
}

/// The wait that an answer asks for, or `None` when it says none that can be believed (negative, garbage, over a month).
///
/// Looked for in this order: `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after` (seconds, or a date relative to the
/// answer's own `date`), the same as LiteLLM passes it on, the reset header of an exhausted bucket, a field of the JSON body (`retry_after`, `retryDelay`, …),
/// a sentence in the body. `now_unix` is the time of the answer in seconds since 1970.
pub fn retry_after(headers: &Headers, body: &str, now_unix: f64) -> Option<RetryHint> {
    let now = now_of(headers, now_unix);
    let body = head(body, TEXT_LIMIT);
    in_milliseconds(headers, "retry-after-ms", true)
        .or_else(|| in_milliseconds(headers, "x-ms-retry-after-ms", false))
        .or_else(|| in_retry_after(headers, "retry-after", now))
        .or_else(|| in_retry_after(headers, "llm_provider-retry-after", now))
        .or_else(|| in_exhausted_bucket(headers, now))
        .or_else(|| in_fields(body, now))
        .or_else(|| in_sentences(body))
}

fn in_milliseconds(headers: &Headers, name: &str, explicit: bool) -> Option<RetryHint> {
    let seconds = durations::plausible(durations::number(value_of(headers, name)?)? / 1e3)?;
    Some(RetryHint { seconds, source: HintSource::Header(name.to_owned()), form: HintForm::Milliseconds, explicit })
}

/// `retry-after`, or the name under which LiteLLM passes on what its upstream said there: that one no client reads.
fn in_retry_after(headers: &Headers, name: &str, now: f64) -> Option<RetryHint> {
    let (seconds, form) = read(value_of(headers, name)?, now)?;
    let explicit = name == "retry-after" && form != HintForm::Duration;
    Some(RetryHint { seconds, source: HintSource::Header(name.to_owned()), form, explicit })
}

fn value_of<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    header(headers, name).map(|value| head(value, VALUE_LIMIT).trim())
}

/// A value of unknown shape: seconds and the shape.
fn read(value: &str, now: f64) -> Option<(f64, HintForm)> {
    if let Some(number) = durations::number(value) {
        let form = if number >= 1e9 { HintForm::Date } else { HintForm::Seconds };
        return Some((durations::number_or_epoch(number, now)?, form));
    }
    if let Some(seconds) = durations::with_units(value) {
        return Some((seconds, HintForm::Duration));
    }
    durations::any(value, now).map(|seconds| (seconds, HintForm::Date))
}

/// The longest wait among the buckets that have nothing left.
fn in_exhausted_bucket(headers: &Headers, now: f64) -> Option<RetryHint> {
    let hints = headers.iter().filter_map(|(name, _)| in_bucket(headers, name, now));
    hints.max_by(|a, b| a.seconds.total_cmp(&b.seconds))
}

/// The wait for the bucket of a reset header, unless something is left in it or nothing is known about it.
fn in_bucket(headers: &Headers, name: &str, now: f64) -> Option<RetryHint> {
    if name == "ratelimit" {
        let value = value_of(headers, name)?;
        let seconds = structured(value, "t").filter(|_| structured(value, "r") == Some(0.0)).and_then(durations::plausible)?;
        return Some(RetryHint { seconds, source: HintSource::Header(name.to_owned()), form: HintForm::Seconds, explicit: false });
    }
    if !name.contains("reset") || !name.contains("rate") || !is_exhausted(headers, name) {
        return None;
    }
    let (seconds, form) = read(value_of(headers, name)?, now)?;
    Some(RetryHint { seconds, source: HintSource::Header(head(name, VALUE_LIMIT).to_owned()), form, explicit: false })
}

/// Whether the bucket of this reset header has nothing left. A bucket that says neither is not.
fn is_exhausted(headers: &Headers, reset: &str) -> bool {
    let remaining = value_of(headers, &reset.replacen("reset", "remaining", 1));
    let status = value_of(headers, &reset.replacen("reset", "status", 1));
    remaining.and_then(durations::number) == Some(0.0) || status == Some("rejected")
}

static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    let keys = "retry_?after(?:_?seconds|_?secs|_?ms)?|retry-after(?:-ms)?|retrydelay|estimated_time|x-ratelimit-reset";
    Regex::new(&format!(r#"(?i)["']({keys})\\*["']\s*:\s*\\*["']?([0-9][0-9a-z.]*)"#)).expect("a literal")
});

/// Compiles both patterns before they are needed.
pub(super) fn warm_up() {
    LazyLock::force(&FIELD);
    LazyLock::force(&SENTENCE);
}

/// A wait in a field of a JSON body, also in JSON inside a string.
fn in_fields(body: &str, now: f64) -> Option<RetryHint> {
    if !body.contains(['"', '\'']) || !body.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (seconds, form) = FIELD.captures_iter(body).take(16).find_map(|found| in_field(&found[1], &found[2], now))?;
    Some(RetryHint { seconds, source: HintSource::Body, form, explicit: false })
}

fn in_field(key: &str, value: &str, now: f64) -> Option<(f64, HintForm)> {
    if key.to_ascii_lowercase().ends_with("ms") {
        return Some((durations::plausible(durations::number(value)? / 1e3)?, HintForm::Milliseconds));
    }
    read(value, now)
}

static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
    let unit = "milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d";
    Regex::new(&format!(
        r"(?i)(?:(?:try again|retry|wait|resets?|available again)[a-z ,:]{{0,30}}?|请[^0-9]{{0,20}})\s*((?:[0-9]+(?:\.[0-9]+)?\s?(?:(?:{unit})\b|{unit}|秒|分钟|小时)\s?)+)"
    ))
    .expect("a literal")
});

/// A wait in a sentence: `try again in 6m0s`, `Please retry after 20 seconds`.
fn in_sentences(body: &str) -> Option<RetryHint> {
    if !body.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let seconds = SENTENCE.captures_iter(body).take(16).find_map(|found| durations::with_units(&found[1]))?;
    Some(RetryHint { seconds, source: HintSource::Body, form: HintForm::Text, explicit: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_772_049_750.0; // 2026-02-25T20:02:30Z

    fn hint(pairs: &[(&str, &str)], body: &str) -> Option<RetryHint> {
        let headers: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        retry_after(&headers, body, NOW)
    }

    fn seconds(pairs: &[(&str, &str)], body: &str) -> Option<f64> {
        hint(pairs, body).map(|hint| hint.seconds)
    }

    #[test]
    fn headers_in_the_order_of_the_sdks() {
        let all = [("retry-after", "60"), ("x-ms-retry-after-ms", "2000"), ("retry-after-ms", "1500")];
        assert_eq!(
            hint(&all, ""),
            Some(RetryHint {
                seconds: 1.5,
                source: HintSource::Header("retry-after-ms".into()),
                form: HintForm::Milliseconds,
                explicit: true
            })
        );
        let azure = hint(&all[..2], "").unwrap();
        assert_eq!((azure.seconds, azure.explicit), (2.0, false));
        let plain = hint(&all[..1], "").unwrap();
        assert_eq!((plain.seconds, plain.form, plain.explicit), (60.0, HintForm::Seconds, true));
        assert_eq!(seconds(&[("retry-after", "0.4")], ""), Some(0.4));
        let passed_on = hint(&[("llm_provider-retry-after", "60")], "").unwrap();
        assert_eq!((passed_on.seconds, passed_on.explicit), (60.0, false));
    }

    #[test]
    fn a_date_is_relative_to_the_answers_own() {
        let date = ("retry-after", "Wed, 25 Feb 2026 20:02:40 GMT");
        assert_eq!(hint(&[date], "").map(|h| (h.seconds, h.form, h.explicit)), Some((10.0, HintForm::Date, true)));
        assert_eq!(seconds(&[date, ("date", "Wed, 25 Feb 2026 20:02:35 GMT")], ""), Some(5.0));
        assert_eq!(seconds(&[date, ("date", "Wed, 25 Feb 2026 20:03:35 GMT")], ""), None);
    }

    #[test]
    fn values_that_are_no_waits() {
        for value in ["-5", "", "soon", "1e9", "99999999999", "Wed, 99 Foo 2026", "NaN", &"9".repeat(100_000), "60; drop"] {
            assert_eq!(hint(&[("retry-after", value), ("retry-after-ms", value)], ""), None, "{}", head(value, 20));
        }
        assert_eq!(hint(&[], ""), None);
    }

    #[test]
    fn the_bucket_that_is_empty() {
        let headers = [
            ("x-ratelimit-remaining-requests", "10"),
            ("x-ratelimit-reset-requests", "24h"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        let found = hint(&headers, "").unwrap();
        assert_eq!((found.seconds, found.explicit, found.form), (360.0, false, HintForm::Duration));
        assert_eq!(found.source, HintSource::Header("x-ratelimit-reset-tokens".into()));
        assert_eq!(
            seconds(&[("anthropic-ratelimit-requests-remaining", "0"), ("anthropic-ratelimit-requests-reset", "2026-02-25T20:02:32Z")], ""),
            Some(2.0)
        );
        assert_eq!(seconds(&[("ratelimit", "\"default\";r=0;t=30")], ""), Some(30.0));
        assert_eq!(seconds(&[("ratelimit", "\"default\";r=5;t=30")], ""), None);
        assert_eq!(
            seconds(&[("anthropic-ratelimit-unified-status", "rejected"), ("anthropic-ratelimit-unified-reset", "1772049850")], ""),
            Some(100.0)
        );
        assert_eq!(
            seconds(&[("x-ratelimit-remaining-tokens", "-1"), ("x-ratelimit-reset-tokens", "0")], ""),
            None,
            "not reported is not exhausted"
        );
    }

    #[test]
    fn fields_of_the_body() {
        assert_eq!(
            hint(&[], r#"{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"51820.6s"}]}}"#)
                .map(|h| (h.seconds, h.form)),
            Some((51_820.6, HintForm::Duration))
        );
        assert_eq!(
            hint(&[], r#"{"error":{"availability":{"retry_after":12}}}"#).map(|h| (h.seconds, h.form, h.explicit)),
            Some((12.0, HintForm::Seconds, false))
        );
        assert_eq!(seconds(&[], r#"{"retry_after_ms": 2500}"#), Some(2.5));
        assert_eq!(seconds(&[], r#"{"error":"{\"retryDelay\":\"3s\"}"}"#), Some(3.0));
        assert_eq!(seconds(&[], r#"{"metadata":{"headers":{"X-RateLimit-Reset":"1772049760000"}}}"#), Some(10.0));
        assert_eq!(seconds(&[], r#"{"error":"Model x is currently loading","estimated_time":20.5}"#), Some(20.5));
        assert_eq!(seconds(&[], r#"{"retry_after": null, "retryDelay": "-3s"}"#), None);
    }

    #[test]
    fn sentences_of_the_body() {
        for (text, wait) in [
            ("Rate limit reached. Please try again in 20s. Visit", 20.0),
            ("Please try again in 6m0s.", 360.0),
            ("try again in 500ms", 0.5),
            ("Please try again in 7m12.5s", 432.5),
            ("Please retry after 86400 seconds.", 86_400.0),
            ("No deployments available for selected model, Try again in 5 seconds. All", 5.0),
            ("Please retry in 45.2s.", 45.2),
            ("please wait 1 minute", 60.0),
            ("请在 30 秒后重试", 30.0),
        ] {
            assert_eq!(hint(&[], text).map(|h| (h.seconds, h.form)), Some((wait, HintForm::Text)), "{text}");
        }
        for text in ["took 20s", "retry 3 times", "try again later", "wait", "maximum retries: 5", "try again in 99999999 hours"] {
            assert_eq!(hint(&[], text), None, "{text}");
        }
    }

    #[test]
    fn hostile_bodies_are_read_to_their_bound() {
        for piece in ["try again in ", "\"retry_after\":\"", "请", "1m", "wait 1"] {
            let body = piece.repeat((1 << 20) / piece.len());
            let _ = hint(&[], &body);
        }
        let behind = format!("{}try again in 20s", " ".repeat(1 << 20));
        assert_eq!(hint(&[], &behind), None);
    }
}
