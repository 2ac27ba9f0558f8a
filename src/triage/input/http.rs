//! Raw HTTP: a request, an answer, or both; also what a browser's network panel shows of them.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::head::{request_line, status_line};
use super::{part, transcript};
use crate::facts::TEXT_LIMIT;
use crate::triage::{Form, Sighting};

/// Every exchange, in order. Empty for a text with neither a request line nor a status line.
pub fn read_all(piece: &str, first_line: usize) -> Vec<Sighting> {
    let clean = part::clean(piece);
    let text = plain(&clean);
    if !text.lines().any(|line| status_line(line).is_some() || request_line(line).is_some()) {
        return Vec::new();
    }
    let mut found = transcript::read(&text, first_line, Form::Http);
    if matches!(text, Cow::Owned(_)) {
        found
            .iter_mut()
            .for_each(|one| (one.lines, one.text) = (part::lines(piece, first_line), part::head(&clean, TEXT_LIMIT).to_owned()));
    }
    found
}

static PANEL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^\s*(request url|request method|status code|remote address|referrer policy)\s*:?\s*(\S.*)?$")
        .expect("a constant pattern")
});

/// The text with a head that was pasted as a quoted string, or as a browser's panel labels it, written as HTTP does.
fn plain(text: &str) -> Cow<'_, str> {
    if text.trim_start().starts_with("\"HTTP/") {
        return Cow::Owned(text.trim_start().replacen('"', "", 1).replace("\\r\\n", "\n"));
    }
    let labelled = ["status code", "Status code", "Status Code"].iter().any(|label| text.contains(label));
    if labelled && let Some(panel) = Panel::of(text) { Cow::Owned(panel.written()) } else { Cow::Borrowed(text) }
}

/// The general part of a browser's network panel.
#[derive(Default)]
struct Panel<'t> {
    url: Option<&'t str>,
    method: Option<&'t str>,
    status: Option<&'t str>,
    rest: Vec<&'t str>,
}

impl<'t> Panel<'t> {
    fn of(text: &'t str) -> Option<Self> {
        let mut panel = Panel::default();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(hit) = PANEL.captures(line) else {
                // Its other labels and values stand on lines of their own and say nothing without each other.
                panel.rest.extend((line.contains(": ") || line.trim_start().starts_with(['{', '<', '}', '"'])).then_some(line));
                continue;
            };
            let value = hit.get(2).map(|value| value.as_str().trim()).or_else(|| lines.next().map(str::trim));
            let place = match hit[1].to_ascii_lowercase().as_str() {
                "request url" => &mut panel.url,
                "request method" => &mut panel.method,
                "status code" => &mut panel.status,
                _ => continue,
            };
            *place = place.or(value);
        }
        (panel.url.is_some() && panel.status.is_some()).then_some(panel)
    }

    fn written(&self) -> String {
        let method = self.method.unwrap_or("POST");
        format!("{method} {} HTTP/1.1\n\nHTTP/1.1 {}\n{}", self.url.unwrap_or("/"), self.status.unwrap_or("0"), self.rest.join("\n"))
    }
}
