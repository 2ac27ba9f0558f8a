//! Debug logs of SDKs: openai-python and anthropic (`OPENAI_LOG=debug`), openai-node (`DEBUG=true`, `OPENAI_LOG=debug`), and whatever else
//! prints a body as Python or JavaScript do.

use serde_json::Value;

use super::{ClientRequest, NoRequest, own_headers, unwrapped};

/// What stands before the options of a request in a log.
const MARKS: [&str; 7] =
    ["Request options:", "sending request", "DEBUG:request", "\"json_data\"", "'json_data'", "Request body:", "request body:"];
/// No more requests of a log than these are read, from its end.
const MOST: usize = 50;

/// The last request of a log that failed, or the last one.
pub fn read(text: &str) -> Result<ClientRequest, NoRequest> {
    let mut starts: Vec<usize> = MARKS.iter().flat_map(|mark| text.match_indices(mark).map(|(at, _)| at)).collect();
    starts.sort_unstable();
    let mut cut = false;
    let mut last: Option<ClientRequest> = None;
    for (at, start) in starts.iter().enumerate().rev().take(MOST) {
        let end = starts.get(at + 1).copied().unwrap_or(text.len());
        let piece = &text[*start..end];
        let Some(object) = piece.find('{').map(|open| balanced(&piece[open..])) else { continue };
        if object.contains("[Object]") || object.contains("[Array]") {
            cut = true;
            continue;
        }
        let Some(request) = literal(object).and_then(|value| request(&value)) else { continue };
        if failed(&text[*start + object.len()..end]) {
            return Ok(request);
        }
        last.get_or_insert(request);
    }
    match (last, anywhere(text)) {
        (Some(request), _) => Ok(request),
        (None, _) if cut => Err(NoRequest::CutLog),
        (None, Some(request)) => Ok(request),
        (None, None) => Err(NoRequest::Unknown),
    }
}

/// Whether what follows a request tells of an error status.
fn failed(after: &str) -> bool {
    let status = ["HTTP/1.1 ", "HTTP/2 ", "HTTP/1.1\" ", "status: ", "Error code: ", "status_code="];
    status.iter().any(|mark| after.match_indices(mark).any(|(at, _)| matches!(after[at + mark.len()..].bytes().next(), Some(b'4' | b'5'))))
}

fn request(options: &Value) -> Option<ClientRequest> {
    let body = unwrapped(options)?;
    let headers = [options.get("headers"), options.pointer("/options/headers")].into_iter().flatten().find_map(Value::as_object);
    let headers = headers.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let url = options["url"].as_str().filter(|url| url.starts_with("http")).map(str::to_owned);
    Some(ClientRequest { body, headers: own_headers(headers), url, key: None })
}

/// The last object of a text that is a request.
fn anywhere(text: &str) -> Option<ClientRequest> {
    let names = ["\"messages\"", "'messages'", "messages:"];
    let at = names.iter().filter_map(|name| text.rfind(name)).max()?;
    // The object may begin some members before its messages.
    let opens = text[..at].match_indices('{').map(|(open, _)| open).rev().take(MOST);
    opens.filter_map(|open| literal(balanced(&text[open..]))).find_map(|value| request(&value))
}

/// The object at the beginning of a text, up to the brace that closes it.
fn balanced(text: &str) -> &str {
    let (mut depth, mut quote, mut escaped) = (0usize, None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"' | b'`') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..=at];
        }
    }
    text
}

/// An object as JSON, Python or JavaScript print it.
pub fn literal(text: &str) -> Option<Value> {
    let object = balanced(text);
    serde_json::from_str(object).ok().or_else(|| json5::from_str(&as_json5(object)).ok()).filter(Value::is_object)
}

/// Words of Python and JavaScript that JSON5 lacks, outside of strings.
fn as_json5(text: &str) -> String {
    const WORDS: [(&str, &str); 6] =
        [("None", "null"), ("True", "true"), ("False", "false"), ("undefined", "null"), ("NOT_GIVEN", "null"), ("Omit()", "null")];
    let mut out = String::with_capacity(text.len());
    let (mut quote, mut rest) = (None, text);
    while let Some(next) = rest.chars().next() {
        let word = WORDS.iter().find(|(word, _)| quote.is_none() && rest.starts_with(word));
        let taken = match (quote, next) {
            (Some(_), '\\') => next.len_utf8() + rest[1..].chars().next().map_or(0, char::len_utf8),
            (Some(open), _) if next == open => {
                quote = None;
                next.len_utf8()
            }
            (None, '\'' | '"') => {
                quote = Some(next);
                next.len_utf8()
            }
            // A class instance that Python prints, such as `<openai.Omit object at 0x7f>`, stands for nothing that is sent.
            (None, '<') => {
                out.push_str("null");
                rest = rest.split_once('>').map_or("", |(_, after)| after);
                continue;
            }
            _ if word.is_some() => {
                let (word, json) = word.expect("it was just found");
                out.push_str(json);
                rest = &rest[word.len()..];
                continue;
            }
            _ => next.len_utf8(),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}
