//! A request as it goes over the wire.

use super::{ClientRequest, own_headers, unwrapped};
use crate::dialect::json;

/// `POST /v1/chat/completions HTTP/1.1`, headers, a blank line, JSON.
pub fn read(text: &str) -> Option<ClientRequest> {
    let at = text.lines().position(|line| line.trim_start_matches(['>', ' ']).starts_with("POST ") && line.contains(" HTTP/"))?;
    let lines: Vec<&str> = text.lines().skip(at + 1).map(|line| line.trim_start_matches("> ").trim_end()).collect();
    let end = lines.iter().position(|line| line.is_empty() || line.starts_with('{')).unwrap_or(lines.len());
    let headers = lines[..end].iter().filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let rest = lines[end..].join("\n");
    let (body, _) = json::first(&rest.as_bytes()[rest.find('{')?..])?;
    Some(ClientRequest { body: unwrapped(&body)?, headers: own_headers(headers), url: None, key: None })
}
