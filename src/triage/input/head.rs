//! Lines of HTTP heads as tools and people write them.

use std::sync::LazyLock;

use regex::Regex;

/// Which head a status line announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The status.
    pub code: u16,
    /// A header that stands behind the reason, in the same line.
    pub header: Option<(String, String)>,
}

static STATUS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*HTTP(?:/[0-9](?:\.[0-9])?)?[ :]\s*([1-5][0-9]{2})(?:$|[\s,;])(.*)$").expect("a constant pattern"));

/// A status line: `HTTP/1.1 404 Not Found`, `HTTP/2 429`, `HTTP 502 Bad Gateway`.
pub fn status_line(line: &str) -> Option<Status> {
    if !line.trim_start().starts_with("HTTP") {
        return None;
    }
    let hit = STATUS.captures(line)?;
    let rest = hit.get(2).map_or("", |rest| rest.as_str()).trim();
    let (reason, header) = match rest.split_once("  ").map(|(reason, behind)| (reason, header_line(behind))) {
        Some((reason, header @ Some(_))) => (reason, header),
        _ => (rest, None),
    };
    let sure = line.trim_start().starts_with("HTTP/");
    let is_reason = |c: char| c.is_ascii_alphabetic() || matches!(c, ' ' | '-' | '\'' | '.');
    (sure || (reason.split_whitespace().count() <= 4 && reason.chars().all(is_reason)))
        .then_some(Status { code: hit[1].parse().ok()?, header })
}

/// A request line: `POST /v1/chat/completions HTTP/1.1`, also without the version.
pub fn request_line(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    let method = words.next().filter(|word| matches!(*word, "GET" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "HEAD" | "PATCH"))?;
    let url = words.next().filter(|url| url.starts_with('/') || url.contains("://"))?;
    let version = words.next();
    (version.is_none_or(|word| word.starts_with("HTTP/")) && words.next().is_none()).then(|| (method.to_owned(), url.to_owned()))
}

/// A header: its lower-case name, and its value.
pub fn header_line(line: &str) -> Option<(String, String)> {
    let (name, value) = line.trim().split_once(':')?;
    let is_name = (1..64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_name.then(|| (name.to_ascii_lowercase(), value.trim().to_owned()))
}

/// A body without the sizes of its chunks, when it has them.
pub fn unchunked(body: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = body.trim_start_matches(['\r', '\n']);
    size_line(rest)?;
    while let Some((size, behind)) = size_line(rest) {
        if size == 0 {
            return Some(out);
        }
        let Some(chunk) = behind.get(..size) else {
            out.push_str(behind);
            return Some(out);
        };
        out.push_str(chunk);
        rest = &behind[size..];
        rest = rest.strip_prefix('\r').unwrap_or(rest);
        match rest.strip_prefix('\n') {
            Some(next) => rest = next,
            None if rest.is_empty() => return Some(out),
            None => return Some(without_sizes(body)),
        }
    }
    Some(if rest.trim().is_empty() { out } else { without_sizes(body) })
}

/// The size that a line announces, and what follows the line.
fn size_line(text: &str) -> Option<(usize, &str)> {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let digits = line.trim_end().split(';').next()?;
    let is_size = (1..9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_size.then(|| usize::from_str_radix(digits, 16).ok().map(|size| (size, rest)))?
}

/// Pasting changed the lengths: only lines that are nothing but a size go.
fn without_sizes(body: &str) -> String {
    body.split_inclusive('\n').filter(|line| size_line(line).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines() {
        for (line, code) in [
            ("HTTP/1.1 404 Not Found", Some(404)),
            ("HTTP/2 429 ", Some(429)),
            ("HTTP/1.0 200", Some(200)),
            ("HTTP 502 Bad Gateway", Some(502)),
            ("HTTP/1.1 200 OK   content-type: application/json", Some(200)),
            ("HTTP 502 is what I see when I try to chat", None),
            ("HTTP/1.1 abc", None),
            ("HTTP/1.1 9999", None),
            ("HTTPS 404", None),
            ("HTTP 401 `\"Authorization Token\"`", None),
        ] {
            assert_eq!(status_line(line).map(|status| status.code), code, "{line}");
        }
        let header = status_line("HTTP/1.1 200 OK   content-type: application/json").and_then(|status| status.header);
        assert_eq!(header, Some(("content-type".into(), "application/json".into())));
    }

    #[test]
    fn request_lines() {
        assert_eq!(request_line("POST /v1/messages HTTP/1.1"), Some(("POST".into(), "/v1/messages".into())));
        assert_eq!(request_line("POST https://h/v1"), Some(("POST".into(), "https://h/v1".into())));
        assert_eq!(request_line("POST /v1/messages 404 12 ms"), None);
        assert_eq!(request_line("GET the model list"), None);
    }

    #[test]
    fn chunk_sizes_go() {
        for (body, whole) in [
            ("7\r\n{\"a\":1}\r\n0\r\n\r\n", Some("{\"a\":1}")),
            ("3\n{\"a\n4\n\":1}\n0\n", Some("{\"a\":1}")),
            ("ff\r\n{\"cut", Some("{\"cut")),
            ("9\ndata: 1\n\n\n9\ndata: 2\n\n", Some("data: 1\n\ndata: 2\n\n")),
            ("20\ndata: {}\n5\ndata: []\n0\n", Some("data: {}\n5\ndata: []\n0\n")),
            ("4\ndata: {}\n\n0\n\n", Some("data: {}\n\n\n")),
            ("{\"a\":1}", None),
            ("", None),
        ] {
            assert_eq!(unchunked(body).as_deref(), whole, "{body:?}");
        }
    }
}
