//! Error pages of proxies, and the bare words in which some of them answer.

use std::sync::LazyLock;

use regex::Regex;

use super::part;
use crate::dialect::error::{is_page, title};
use crate::facts::TEXT_LIMIT;
use crate::triage::{Form, Sighting};

static STATUS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:^|[\s|(>:])(?:error\s+|http\s+|status(?:\s+code)?:?\s+)?([45][0-9]{2})(?:$|[\s:|)<,!-])")
        .expect("a constant pattern")
});
static HEADING: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?is)<h[12][^>]{0,200}>(.{0,300}?)</h[12]").expect("a constant pattern"));
/// Cloudflare's own numbers, in pages and in bare words.
static CODE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\berror(?:\s+code)?:?\s*(?:<[^>]{0,80}>\s*)?(5[0-9]{2}|1[0-9]{3})\b").expect("a constant pattern"));

/// What boxes answer in bare words, and the status under which they do. Sources: Envoy's `local_reply`s and its `RBAC`, `jwt_authn` and
/// `local_ratelimit` filters; Go's `net/http`; Traefik; Vercel's error codes; the registry of HTTP status codes.
const WORDS: [(&str, u16); 28] = [
    ("upstream connect error or disconnect/reset before headers", 503),
    ("no healthy upstream", 503),
    ("upstream request timeout", 504),
    ("stream timeout", 408),
    ("rbac: access denied", 403),
    ("jwt is missing", 401),
    ("jwt is expired", 401),
    ("jwt verification fails", 401),
    ("local_rate_limited", 429),
    ("payload too large", 413),
    ("request entity too large", 413),
    ("404 page not found", 404),
    ("function_invocation_timeout", 504),
    ("function_payload_too_large", 413),
    ("deployment_not_found", 404),
    ("client sent an http request to an https server", 400),
    ("bad request", 400),
    ("unauthorized", 401),
    ("forbidden", 403),
    ("not found", 404),
    ("method not allowed", 405),
    ("too many requests", 429),
    ("internal server error", 500),
    ("bad gateway", 502),
    ("service unavailable", 503),
    ("service temporarily unavailable", 503),
    ("gateway timeout", 504),
    ("gateway time-out", 504),
];
/// The words up to here identify their box also with something behind them; the rest count only alone.
const OWN_WORDS: usize = 16;
/// Bare words are no longer than this (bytes).
const MAX_WORDS: usize = 600;

/// Reads an HTML page or a proxy's bare words; `None` for anything else.
pub fn read(piece: &str, first_line: usize) -> Option<Sighting> {
    let text = part::clean(piece);
    let plain = text.trim().trim_matches('`').trim().strip_prefix("html\n").unwrap_or(text.trim().trim_matches('`').trim());
    let page = page_of(plain);
    let status = match page {
        Some(page) => of_page(page),
        None => Some(of_words(plain)?),
    };
    let mut sighting = Sighting::new(Form::Page, part::lines(piece, first_line), part::head(&text, TEXT_LIMIT));
    sighting.status = status;
    sighting.body = Some(part::head(page.unwrap_or(plain), TEXT_LIMIT).to_owned());
    Some(sighting)
}

/// The page, also when a few words lead to it.
fn page_of(text: &str) -> Option<&str> {
    if is_page(text) {
        return Some(text);
    }
    let start = part::head(text, 200).find('<').filter(|start| is_page(&text[*start..]))?;
    let leads = !text[..start].contains(['{', '<']) && text[..start].lines().count() <= 2;
    let page = &text[start..];
    (leads && (page.contains("</") || page.len() > 100)).then_some(page)
}

/// The status that a page names in its title or first heading, or as Cloudflare's code.
fn of_page(page: &str) -> Option<u16> {
    let head = part::head(page, 16 * 1024);
    let title = title(head).unwrap_or_default();
    let heading = HEADING.captures(head).map(|hit| hit[1].to_owned()).unwrap_or_default();
    let named = [&title, &heading].into_iter().find_map(|said| STATUS.captures(said)?.get(1)?.as_str().parse().ok());
    named.or_else(|| cloudflare(head)).or_else(|| of_phrase(&title)).or_else(|| of_phrase(&heading))
}

fn of_words(text: &str) -> Option<u16> {
    if text.len() > MAX_WORDS || text.starts_with(['{', '[']) || text.is_empty() {
        return None;
    }
    let lower = text.to_lowercase();
    let own = WORDS[..OWN_WORDS].iter().find(|(words, _)| lower.starts_with(words)).map(|(_, status)| *status);
    let alone = text.lines().count() == 1;
    own.or_else(|| (alone && lower.starts_with("error code:")).then(|| cloudflare(text)).flatten())
        .or_else(|| lower.contains("an error occurred with your deployment").then(|| vercel(&lower)).flatten())
        .or_else(|| alone.then(|| numbered(&lower)).flatten())
}

/// `502 Bad Gateway`, `Bad Gateway`.
fn numbered(line: &str) -> Option<u16> {
    let (number, phrase) = line.split_once(' ').unwrap_or(("", line));
    match number.trim_end_matches(':').parse() {
        Ok(status @ 400..600) => of_phrase(phrase).map(|_| status),
        _ => of_phrase(line),
    }
}

fn of_phrase(text: &str) -> Option<u16> {
    let text = text.trim().trim_end_matches(['.', '!']).to_lowercase();
    WORDS.iter().find(|(words, _)| *words == text).map(|(_, status)| *status)
}

fn vercel(lower: &str) -> Option<u16> {
    WORDS[..OWN_WORDS].iter().find(|(words, _)| words.contains('_') && lower.contains(words)).map(|(_, status)| *status)
}

/// Cloudflare's 5xx are statuses; its 1xxx come under these (developers.cloudflare.com/support, "Cloudflare 1xxx errors").
fn cloudflare(text: &str) -> Option<u16> {
    let code: u16 = CODE.captures(text)?.get(1)?.as_str().parse().ok()?;
    match code {
        500..600 => Some(code),
        1015 => Some(429),
        1006..=1012 | 1020 => Some(403),
        1016 | 1033 => Some(530),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_proxies() {
        for (page, status) in [
            (
                "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>",
                Some(502),
            ),
            ("<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>", Some(504)),
            (
                "<!DOCTYPE html>\n<!--[if lt IE 7]> <html class=\"no-js ie6\"> <![endif]-->\n<head>\n<title>api.example.com | 524: A timeout occurred</title>",
                Some(524),
            ),
            (
                "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head><body><span>Error code: <b>1020</b></span>",
                Some(403),
            ),
            ("<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment...</title>", None),
            (
                "<html><head><title>503 Service Temporarily Unavailable</title></head><body><center><h1>503 Service Temporarily Unavailable</h1></center></body></html>",
                Some(503),
            ),
            ("<html><head><title>Service Unavailable</title></head></html>", Some(503)),
            ("```html\n<html><head><title>413 Request Entity Too Large</title></head>\n```", Some(413)),
            ("I get this:\n<html><head><title>405 Not Allowed</title></head></html>", Some(405)),
            ("<h1>Not Found</h1>", Some(404)),
        ] {
            let seen = read(page, 1).unwrap_or_else(|| panic!("{page}"));
            assert_eq!((seen.status, seen.form), (status, Form::Page), "{page}");
            assert!(seen.body.is_some_and(|body| body.starts_with('<')));
        }
    }

    #[test]
    fn bare_words() {
        for (words, status) in [
            ("upstream connect error or disconnect/reset before headers. reset reason: connection failure", Some(503)),
            ("no healthy upstream", Some(503)),
            ("upstream request timeout\n", Some(504)),
            ("error code: 524", Some(524)),
            ("error code: 1015", Some(429)),
            ("404 page not found", Some(404)),
            ("502 Bad Gateway", Some(502)),
            ("Bad Gateway", Some(502)),
            ("An error occurred with your deployment\n\nFUNCTION_INVOCATION_TIMEOUT\n\nfra1::x", Some(504)),
            ("Client sent an HTTP request to an HTTPS server.", Some(400)),
            ("not found in my config", None),
            ("", None),
            ("{\"error\":\"Bad Gateway\"}", None),
            ("I use a list with 1 < 2", None),
        ] {
            assert_eq!(read(words, 1).and_then(|seen| seen.status), status, "{words}");
        }
    }
}
