//! Limits and money: too fast, too many at once, too much, nothing left.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::pages::{NGINX, NGINX_429};
use crate::sim::completion::Completion;
use crate::sim::gateway::{Gateway, HEALTHY, Moment};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    chats("rate-limited-seconds", "rate-limited", "Every chat gets 429, with Retry-After in seconds", |_| {
        response(429, "Content-Type: application/json\r\nRetry-After: 37\r\n", TOO_FAST)
    }),
    chats("rate-limited-date", "rate-limited", "Every chat gets 429, with Retry-After as a date", |_| {
        let now = SystemTime::now();
        let (now, then) = (http_date(now), http_date(now + Duration::from_secs(42)));
        response(429, &format!("Content-Type: application/json\r\nDate: {now}\r\nRetry-After: {then}\r\n"), TOO_FAST)
    }),
    chats("rate-limited-json-hint", "rate-limited", "Every chat gets 429, with the wait in the body only", |_| {
        json(
            429,
            r#"[{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota). Please retry in 20.5s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"20s"}]}}]"#,
        )
    }),
    chats("rate-limited-bare", "rate-limit-no-retry-after", "429 without any hint", |_| json(429, r#"{"message":"rate limit exceeded"}"#)),
    chats("rate-limited-nginx", "rate-limit-no-retry-after", "nginx's limit_req answers 429 with its page", |_| {
        response(429, NGINX, NGINX_429)
    }),
    Scenario {
        also: &["error-in-success"],
        ..chats("rate-limited-as-200", "rate-limit-hidden", "A rate limit in a body with status 200", |_| {
            ok_json(
                r#"{"error":{"code":429,"message":"Rate limit exceeded: limit_rpm/gpt-4o-mini. Too Many Requests","metadata":{"provider_name":"Simulated"}}}"#,
            )
        })
    },
    chats("rate-limited-as-503", "rate-limit-hidden", "A rate limit with status 503", |_| {
        openai_error(503, "Upstream error: 429 Too Many Requests: Rate limit reached for requests", "upstream_error", "null")
    }),
    chats("rate-limited-as-403", "rate-limit-hidden", "A rate limit with status 403", |_| {
        json(
            403,
            r#"{"error":{"message":"Rate limit exceeded. Too many requests from this key, please slow down.","type":"forbidden","code":"rate_limit_exceeded"}}"#,
        )
    }),
    chats("rate-limited-as-permission", "rate-limit-hidden", "A rate limit with status 403 and the type of a missing permission", |_| {
        json(403, r#"{"error":{"message":"Too many requests, please slow down","type":"permission_error"}}"#)
    }),
    chats("credits-402-empty", "credits-exhausted", "402 and no word", |_| response(402, "", "")),
    chats("overloaded-529-empty", "upstream-overloaded", "529 and no word", |_| response(529, "", "")),
    chats("daily-limit", "quota-exhausted", "The requests of a day are used up", |_| {
        openai_error(429, "Daily request limit reached (1000/day). Resets at 00:00 UTC.", "requests", "null")
    }),
    chats("credits-402", "credits-exhausted", "402: the balance does not pay for the request", |_| {
        json(
            402,
            r#"{"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 0. To increase, visit https://openrouter.ai/settings/credits and upgrade to a paid account","code":402,"metadata":{"provider_name":null}}}"#,
        )
    }),
    chats("credits-429", "credits-exhausted", "429 that no wait will cure", |_| {
        openai_error(
            429,
            "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
            "insufficient_quota",
            r#""insufficient_quota""#,
        )
    }),
    chats("credits-one-api", "credits-exhausted", "one-api says in Chinese that nothing is left", |_| {
        json(
            403,
            r#"{"error":{"message":"用户额度不足, 剩余额度: ＄0.000000 (request id: 20251016155543724)","type":"new_api_error","param":"","code":"insufficient_user_quota"}}"#,
        )
    }),
    chats("quota-per-day", "quota-exhausted", "The day's free requests are used up", |_| {
        let headers = "Content-Type: application/json\r\nX-RateLimit-Limit: 50\r\nX-RateLimit-Remaining: 0\r\n";
        response(
            429,
            headers,
            r#"{"error":{"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0"}}}}"#,
        )
    }),
    chats("budget-of-key", "quota-exhausted", "LiteLLM's budget of the key is used up", |_| {
        openai_error(400, "Budget has been exceeded! Current cost: 2.5031, Max budget: 2.5", "budget_exceeded", r#""400""#)
    }),
    gate("one-at-a-time", "concurrency-limited", "Two chats at once are one too many", |request, moment| {
        (request.is_chat() && moment.open > 1).then(|| {
            json(
                429,
                r#"{"error":{"message":"Too many concurrent requests. Limit: 1 concurrent requests","type":"concurrency_limit_exceeded"}}"#,
            )
        })
    }),
    gate("one-at-a-time-403", "concurrency-limited", "Two chats at once are forbidden", |request, moment| {
        (request.is_chat() && moment.open > 1)
            .then(|| json(403, r#"{"error":{"message":"concurrent request limit reached","type":"permission_error"}}"#))
    }),
    chats("overloaded-529", "upstream-overloaded", "The provider is overloaded, with 529", |_| {
        json(529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#)
    }),
    chats("overloaded-503", "upstream-overloaded", "The provider is overloaded, with 503", |_| {
        json(
            503,
            r#"{"error":{"message":"The server is overloaded or not ready yet. Please try again later.","type":"server_error","param":null,"code":"server_overloaded"}}"#,
        )
    }),
    chats("overloaded-429", "upstream-overloaded", "The provider is overloaded, with 429", |_| {
        json(429, r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"engine_overloaded_error"}}"#)
    }),
];

const fn gate(id: &'static str, mode: &'static str, title: &'static str, before: fn(&Received, &Moment) -> Option<Script>) -> Scenario {
    Scenario { id, title, mode: Some(mode), gateway: Gateway { before, ..HEALTHY }, ..USUAL }
}

/// Every chat with a right key and a known model gets this.
pub(super) const fn chats(id: &'static str, mode: &'static str, title: &'static str, told: fn(&Completion) -> Script) -> Scenario {
    let gateway = Gateway { whole: told, stream: told, ..HEALTHY };
    Scenario { id, title, mode: Some(mode), gateway, ..USUAL }
}

/// A date as HTTP writes it.
fn http_date(time: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let days = seconds / 86_400;
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let (weekday, month) = (DAYS[(days % 7) as usize], MONTHS[month as usize - 1]);
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Year, month and day of a day counted from 1 January 1970, in the proleptic Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted in eras of 400 years that begin on 1 March of year 0, which puts the leap day at the end.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

const TOO_FAST: &str = r#"{"error":{"message":"Rate limit reached for gpt-4o-mini in organization org-sim on requests per min (RPM): Limit 3, Used 3, Requested 1.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_http_does() {
        let at = |seconds| http_date(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at(1_709_208_000), "Thu, 29 Feb 2024 12:00:00 GMT");
    }
}
