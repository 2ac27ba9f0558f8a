//! Where a client's own request comes from: `--body FILE`, in any form that people have it in.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use http::{HeaderName, HeaderValue};

use url::Url;

use crate::evidence::{Dialect, Scheme};
use crate::secret::Secret;
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
        body if body["contents"].is_array() => Dialect::GoogleGenerate,
        // Only Anthropic's take the instructions beside the messages, or describe tools by their input.
        body if body["messages"].is_array() && (!body["system"].is_null() || !body["tools"][0]["input_schema"].is_null()) => {
            Dialect::AnthropicMessages
        }
        body if body["messages"].is_array() => Dialect::default(),
        body if !body["input"].is_null() => Dialect::OpenaiResponses,
        _ => Dialect::OpenaiCompletions,
    })
}

/// The base URL that a request went to: its address without route and query; `None` when that is no route that is known.
pub fn base(request: &ClientRequest) -> Option<String> {
    let mut url = Url::parse(request.url.as_deref()?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let dialect = Dialect::of(url.as_str())?;
    let route = if dialect == Dialect::GoogleGenerate { "/models/" } else { dialect.route() };
    let root = url.path().rsplit_once(route)?.0.to_owned();
    url.set_path(&root);
    if dialect == Dialect::GoogleGenerate {
        url.set_query(None);
    }
    Some(url.to_string())
}

/// The key of a curl command, for the host of that command and no other.
pub fn key_for(request: &ClientRequest, base: &Url) -> Option<(Scheme, Secret)> {
    let url = Url::parse(request.url.as_deref()?).ok()?;
    let is_same = url.host() == base.host() && url.port_or_known_default() == base.port_or_known_default() && url.scheme() == base.scheme();
    request.key.clone().filter(|_| is_same)
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
