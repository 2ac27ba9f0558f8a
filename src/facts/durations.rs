//! The many ways a number of seconds is written: `6m0s`, `500ms`, `55`, `1767225600`, an HTTP date, a timestamp.

use regex::Regex;
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

/// The longest wait that is believed, in seconds: a month. Anything longer is a mistake or a count.
pub const LONGEST_SECONDS: f64 = 31.0 * 86_400.0;

/// Longer texts than this, in bytes, are no duration.
const LONGEST_TEXT: usize = 80;

/// Numbers from here on are a point in time in seconds; a thousand times that, in milliseconds.
const EPOCH: f64 = 1e9;

static PART: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^\s*([0-9]+(?:\.[0-9]+)?)\s*(milliseconds?|ms|microseconds?|us|µs|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|毫秒|秒|分钟|小时|天)").expect("a literal")
});

/// The number, if it is a wait that can be believed: finite, not negative, at most [`LONGEST_SECONDS`].
pub fn plausible(seconds: f64) -> Option<f64> {
    (0.0..=LONGEST_SECONDS).contains(&seconds).then_some(seconds)
}

/// A plain decimal number, as `60` or `1.5`. Signs, exponents, `inf` and `NaN` are not.
pub fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.starts_with(|c: char| c.is_ascii_digit());
    (digits && text.len() <= LONGEST_TEXT).then(|| text.parse().ok())?
}

/// A duration with units, in seconds: `6m0s`, `1h2m3.5s`, `12ms`, `20 seconds`, `2天`. All of the text must be one.
pub fn with_units(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let mut seconds = None;
    while !rest.is_empty() {
        let part = PART.captures(rest).filter(|_| rest.len() <= LONGEST_TEXT)?;
        seconds = Some(seconds.unwrap_or(0.0) + part[1].parse::<f64>().ok()? * unit(&part[2]));
        rest = &rest[part[0].len()..];
    }
    seconds.and_then(plausible)
}

/// How many seconds one of a unit has.
fn unit(name: &str) -> f64 {
    match name.to_lowercase().as_str() {
        "ms" | "millisecond" | "milliseconds" | "毫秒" => 0.001,
        "us" | "µs" | "microsecond" | "microseconds" => 0.000_001,
        "天" => 86_400.0,
        "小时" => 3600.0,
        "分钟" => 60.0,
        other if other.starts_with('d') => 86_400.0,
        other if other.starts_with('h') => 3600.0,
        other if other.starts_with('m') => 60.0,
        _ => 1.0,
    }
}

/// The moment an HTTP date names, in seconds since 1970.
pub fn http_date(text: &str) -> Option<f64> {
    let time = (text.len() <= LONGEST_TEXT).then(|| httpdate::parse_http_date(text.trim()).ok())??;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}

/// The moment an RFC 3339 timestamp names, in seconds since 1970.
pub fn timestamp(text: &str) -> Option<f64> {
    let time: jiff::Timestamp = (text.len() <= LONGEST_TEXT).then(|| text.trim().parse().ok())??;
    Some(time.as_millisecond() as f64 / 1e3)
}

/// Seconds until a moment; `None` when it has passed or is implausibly far.
pub fn until(moment: f64, now_unix: f64) -> Option<f64> {
    plausible(moment - now_unix)
}

/// Seconds meant by a bare number: a wait, or a moment in seconds or milliseconds since 1970.
pub fn number_or_epoch(number: f64, now_unix: f64) -> Option<f64> {
    if number >= EPOCH * 1e3 {
        until(number / 1e3, now_unix)
    } else if number >= EPOCH {
        until(number, now_unix)
    } else {
        plausible(number)
    }
}

/// Seconds meant by a reset value of unknown shape: number, duration, moment, timestamp or HTTP date.
pub fn any(text: &str, now_unix: f64) -> Option<f64> {
    if let Some(number) = number(text) {
        return number_or_epoch(number, now_unix);
    }
    with_units(text).or_else(|| until(timestamp(text).or_else(|| http_date(text))?, now_unix))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_772_049_750.0; // 2026-02-25T20:02:30Z

    #[test]
    fn durations_with_units() {
        for (text, seconds) in [
            ("6m0s", 360.0),
            ("12ms", 0.012),
            ("1h2m3.5s", 3723.5),
            ("20 seconds", 20.0),
            ("1 minute", 60.0),
            ("7d", 604_800.0),
            ("51820.638305887s", 51_820.638_305_887),
            ("5秒", 5.0),
        ] {
            assert_eq!(with_units(text), Some(seconds), "{text}");
        }
        for text in ["", "s", "5", "5x", "-5s", "5s!", "1e9s", "9999999d"] {
            assert_eq!(with_units(text), None, "{text}");
        }
    }

    #[test]
    fn plain_numbers_only() {
        assert_eq!((number("60"), number(" 1.5 "), number("0")), (Some(60.0), Some(1.5), Some(0.0)));
        for text in ["", "-1", "+1", "1e5", "inf", "NaN", ".5", "1.2.3", "0x10", "１"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn moments_become_waits() {
        assert_eq!(any("2026-02-25T20:02:32Z", NOW), Some(2.0));
        assert_eq!(any("Wed, 25 Feb 2026 20:02:40 GMT", NOW), Some(10.0));
        assert_eq!(any("1772049760", NOW), Some(10.0));
        assert_eq!(any("1772049760000", NOW), Some(10.0));
        assert_eq!(any("55", NOW), Some(55.0));
        assert_eq!(any("1772049740", NOW), None, "passed");
        assert_eq!(any("99999999999999999999", NOW), None);
    }

    #[test]
    fn garbage_is_no_duration() {
        let long = "1".repeat(100_000);
        for text in [long.as_str(), "Wed, 99 Foo 2026 25:61:61 GMT", "2026-13-45T99:99:99Z", "soon", "\u{0}"] {
            assert_eq!(any(text, NOW), None);
        }
        assert_eq!((http_date(&long), timestamp(&long), with_units(&long)), (None, None, None));
        assert_eq!((plausible(-0.1), plausible(f64::NAN), plausible(f64::INFINITY)), (None, None, None));
        assert_eq!(until(NOW, f64::NAN), None);
    }

    #[test]
    fn units_by_name() {
        assert_eq!(
            (unit("Minutes"), unit("ms"), unit("us"), unit("hrs"), unit("day"), unit("sec")),
            (60.0, 1e-3, 1e-6, 3600.0, 86_400.0, 1.0)
        );
    }
}
