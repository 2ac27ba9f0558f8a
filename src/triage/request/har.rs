//! The request of one entry of a HAR file.

use serde_json::Value;

use super::{ClientRequest, LARGEST_FILE, NoRequest, own_headers, unwrapped};
use crate::triage::input::har;

/// Whether the text is a HAR file.
pub fn is_har(text: &str) -> bool {
    har::is_har(text)
}

/// The wanted entry (from 1), or the last one that failed, or the last one.
pub fn read(text: &str, wanted: Option<usize>) -> Result<ClientRequest, NoRequest> {
    if text.len() > LARGEST_FILE {
        return Err(NoRequest::TooLarge(text.len(), LARGEST_FILE >> 20));
    }
    let whole: Value = serde_json::from_str(text).map_err(|error| NoRequest::NotJson(error.to_string()))?;
    let entries = whole.pointer("/log/entries").and_then(Value::as_array).ok_or(NoRequest::NoEntry(0))?;
    let chats: Vec<(usize, ClientRequest, bool)> =
        entries.iter().enumerate().filter_map(|(at, entry)| request(entry).map(|request| (at + 1, request, failed(entry)))).collect();
    let found = match wanted {
        Some(number) => chats.iter().find(|(at, ..)| *at == number),
        None => chats.iter().rev().find(|(.., failed)| *failed).or(chats.last()),
    };
    match (found, wanted) {
        (Some((_, request, _)), _) => Ok(request.clone()),
        (None, None) => Err(NoRequest::NoEntry(entries.len())),
        (None, Some(number)) => {
            let known: Vec<String> = chats.iter().map(|(at, ..)| at.to_string()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(NoRequest::NotThatEntry(number, entries.len(), known))
        }
    }
}

/// Answered with an error, or not at all.
fn failed(entry: &Value) -> bool {
    entry.pointer("/response/status").and_then(Value::as_u64).is_none_or(|status| status >= 400 || status == 0)
}

fn request(entry: &Value) -> Option<ClientRequest> {
    let request = entry.get("request").filter(|request| request["method"] == "POST")?;
    let body: Value = serde_json::from_str(request.pointer("/postData/text")?.as_str()?).ok()?;
    let headers = request["headers"].as_array().into_iter().flatten();
    let headers = headers.filter_map(|header| Some((header["name"].as_str()?.to_owned(), header["value"].as_str()?.to_owned())));
    Some(ClientRequest {
        body: unwrapped(&body)?,
        headers: own_headers(headers),
        url: request["url"].as_str().map(str::to_owned),
        key: None,
    })
}
