//! Takes credentials out of a paste before anything is read from it. Lengths stay the same, so lines and offsets keep their meaning.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::part::holds;
use crate::secret::{SECRET_MARK, Scrubber, Secret};

/// No more values than these are looked for elsewhere in the paste.
const MAX_NEEDLES: usize = 16;
/// Values of these lengths (bytes) are looked for elsewhere: shorter ones are ordinary words, longer ones are tokens that are never repeated.
const NEEDLE: Range<usize> = 12..513;

/// Headers, members and variables whose value is a credential; the value is the only group.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:(?:proxy-|cf-aig-)?authorization|(?:[a-z]+[-_])*api[-_]?key|ocp-apim-subscription-key|(?:access|auth|x-auth)[-_]token",
        r"|client[-_]secret|[a-z_]+_(?:token|secret))\b",
        r#"\\?["']?\s*[:=]\s*\\?["']?\s*(?:(?:bearer|basic|token|api-?key)\s+)*\\?["']?([a-z0-9._~+/=:-]{4,})"#
    ))
});

/// Keys of a URL's query.
static QUERY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)[?&](?:(?:[a-z]+[-_])*key|(?:[a-z]+[-_])*token|sig|signature|secret|password|x-amz-(?:signature|credential|security-token))=([^&\s"'<>#\\`*\[]{4,})"#,
    )
});

/// Passwords of URLs, of `curl -u`, and cookies.
static LOGIN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)://[^/\s:@"']+:([^/\s@"'*\[]+)@|\s(?:-u|--user)[\s=]+["']?[^\s"':]+:([^\s"'*\[]+)|\bset-cookie["']?\s*:\s*["']?[^=;\s]+=([^;\s"'*\[]+)|(?:^|[^-a-z])cookie:\s*([^\s"'*\[][^\r\n"'*\[]*)"#,
    )
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// The text without credentials: what names itself one, what looks like one, and every repetition of either.
pub fn scrub(text: &str) -> String {
    let named: Vec<_> = values(&NAMED, &["key", "authorization", "token", "secret"], text)
        .chain(values(&QUERY, &["key=", "token=", "sig=", "signature=", "secret=", "password=", "credential="], text))
        .filter(|at| !is_dummy(&text[at.clone()]))
        .collect();
    let mut needles: Vec<&str> = named.iter().map(|at| &text[at.clone()]).filter(|value| NEEDLE.contains(&value.len())).collect();
    needles.sort_unstable();
    needles.dedup();
    let secrets: Vec<Secret> = needles.into_iter().take(MAX_NEEDLES).map(Secret::new).collect();
    let mut bytes = text.as_bytes().to_vec();
    Scrubber::new(&secrets).scrub(&mut bytes);
    for at in named.into_iter().chain(values(&LOGIN, &["@", "-u", "cookie"], text)) {
        blank(&mut bytes[at]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The values that a pattern finds, which is compiled where one of these words stands.
fn values<'t>(pattern: &'static LazyLock<Regex>, words: &[&str], text: &'t str) -> impl Iterator<Item = Range<usize>> + use<'t> {
    let found = holds(text, words).then(|| pattern.captures_iter(text));
    found.into_iter().flatten().filter_map(|hit| hit.iter().skip(1).flatten().next().map(|group| group.range()))
}

/// What stands for a key and is none (`undefined`, `none`, `sk-xxxx`): it may be why the request failed, and stays.
fn is_dummy(value: &str) -> bool {
    let filled = value.rsplit('-').next().unwrap_or(value);
    let repeated = filled.bytes().all(|byte| matches!(byte, b'x' | b'X' | b'.'));
    repeated || (value.len() < 16 && !value.bytes().any(|byte| byte.is_ascii_digit()))
}

fn blank(place: &mut [u8]) {
    if place.starts_with(b"[") {
        return;
    }
    place.fill(b'*');
    if let Some(head) = place.get_mut(..SECRET_MARK.len()) {
        head.copy_from_slice(SECRET_MARK.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_wherever_they_stand() {
        for text in [
            "> Authorization: Bearer 7f3a9c0d1e2b4a5c",
            "curl -H 'api-key: 7f3a9c0d1e2b4a5c' x",
            r#""Authorization": "Bearer 7f3a9c0d1e2b4a5c""#,
            r#"{\"apiKey\":\"7f3a9c0d1e2b4a5c\"}"#,
            "https://h/v1beta/models/g:generateContent?key=7f3a9c0d1e2b4a5c&alt=sse",
            "export OPENAI_API_KEY=7f3a9c0d1e2b4a5c",
            "curl -u me:7f3a9c0d1e2b4a5c https://h",
            "https://me:7f3a9c0d1e2b4a5c@h/v1",
            "< set-cookie: __cf_bm=7f3a9c0d1e2b4a5c; path=/",
            "Cookie: session=7f3a9c0d1e2b4a5c",
            "x-goog-api-key: 7f3a9c0d1e2b4a5c",
            "Authorization: Bearer Bearer \"7f3a9c0d1e2b4a5c\"",
            "api-key: 7f3a9c0d1e2b4a5c\n\n{\"error\":\"no key 7f3a9c0d1e2b4a5c\"}",
        ] {
            let clean = scrub(text);
            assert!(!clean.contains("7f3a9c"), "{clean}");
            assert_eq!(clean.len(), text.len(), "{clean}");
            assert_eq!(scrub(&clean), clean, "a second time changes nothing");
        }
    }

    #[test]
    fn what_tells_something_stays() {
        for text in [
            "Authorization: Bearer undefined",
            "-H \"Authorization: Bearer $OPENAI_API_KEY\"",
            "-H 'Authorization: Bearer <API Key>'",
            "Authorization: Bearer sk-xxxxxx",
            "{\"error\":{\"message\":\"Incorrect API key provided: kod-460f****2829.\"}}",
            "max_tokens: 4096, token: 12",
            "the key is missing: 12345678",
        ] {
            assert_eq!(scrub(text), text);
        }
        assert!(scrub("set-cookie: AWSALB=0123456789abcdef; path=/").contains("AWSALB=[SECRET]"));
    }
}
