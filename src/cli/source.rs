//! Where a client's own request comes from: `--body FILE`, in any form that people have it in.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use http::{HeaderName, HeaderValue};

use crate::evidence::Dialect;
use crate::triage::request::{self, ClientRequest, LARGEST_FILE, NoRequest};

/// Reads the request; `entry` picks one of a HAR file.
pub fn load(path: &Path, entry: Option<usize>) -> Result<ClientRequest> {
    let name = named(path);
    let limit = LARGEST_FILE as u64 + 1;
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("cannot read a request from {name}"))?;
    if bytes.len() > LARGEST_FILE {
        return Err(anyhow!("{name} {}", NoRequest::TooLarge(bytes.len(), LARGEST_FILE >> 20)));
    }
    let request = request::read(&bytes, entry).map_err(|error| anyhow!("{name} {error}"))?;
    Ok(with_what_the_path_says(request))
}

/// Google's model and wish for a stream stand in the path; here they go with the body until it is sent.
fn with_what_the_path_says(mut request: ClientRequest) -> ClientRequest {
    if let Some((model, stream)) = request.url.as_deref().and_then(Dialect::google_asked) {
        request.body["model"] = model.into();
        request.body["stream"] = stream.into();
    }
    request
}

/// The dialect that a request is written in: by where it went, else by its members.
pub fn dialect(request: &ClientRequest) -> Dialect {
    let by_url = request.url.as_deref().and_then(Dialect::of);
    by_url.unwrap_or(match &request.body {
        body if body["messages"].is_array() => Dialect::default(),
        body if !body["input"].is_null() => Dialect::OpenaiResponses,
        body if !body["contents"].is_null() => Dialect::GoogleGenerate,
        _ => Dialect::OpenaiCompletions,
    })
}

/// The headers as they are sent; what no header can carry is left out.
pub fn headers(request: &ClientRequest) -> Vec<(HeaderName, HeaderValue)> {
    let parsed =
        |(name, value): &(String, String)| Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?));
    request.headers.iter().filter_map(parsed).collect()
}

/// What a file is called in a message.
pub fn named(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}
