//! What is kept of an answer's head.

use ::http::HeaderMap;
use ::http::header::SET_COOKIE;

use crate::secret::Scrubber;

/// Headers that are kept.
const KEPT: usize = 200;
/// Bytes of names and values that are kept.
const KEPT_BYTES: usize = 64 * 1024;

/// The headers in order, scrubbed; what is beyond measure is left out. The values of cookies are somebody's session: blanked.
pub fn kept_headers(headers: &HeaderMap, scrubber: &Scrubber) -> Vec<(String, String)> {
    let mut left = KEPT_BYTES;
    let mut kept = Vec::new();
    for (name, value) in headers.iter().take(KEPT) {
        let size = name.as_str().len() + value.len();
        if size > left {
            continue;
        }
        left -= size;
        let text = scrubber.text(&String::from_utf8_lossy(value.as_bytes()));
        kept.push((name.as_str().to_owned(), if name == SET_COOKIE { blank_cookie(&text) } else { text }));
    }
    kept
}

/// `name=value; Path=/` without the value.
fn blank_cookie(cookie: &str) -> String {
    let (pair, rest) = cookie.split_at(cookie.find(';').unwrap_or(cookie.len()));
    let name = pair.split('=').next().unwrap_or_default();
    format!("{name}=***{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderValue;

    #[test]
    fn a_cookie_keeps_its_name_only() {
        assert_eq!(blank_cookie("__cf_bm=abc=; Path=/"), "__cf_bm=***; Path=/");
        assert_eq!(blank_cookie("odd"), "odd=***");
    }

    #[test]
    fn endless_headers_are_not_kept() {
        let mut map = HeaderMap::new();
        for _ in 0..500 {
            map.append("x-a", HeaderValue::from_str(&"v".repeat(1000)).expect("a value"));
        }
        let kept = kept_headers(&map, &Scrubber::default());
        assert_eq!(kept.len(), KEPT_BYTES / 1003);
    }
}
