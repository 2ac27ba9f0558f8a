//! HAR 1.2 (<http://www.softwareishard.com/blog/har-12-spec/>): what a browser, Playwright, Charles or Proxyman recorded.

use base64::Engine as _;
use serde_json::Value;

use super::{part, scrub};
use crate::dialect::{self, Reading, StreamEnd};
use crate::facts::TEXT_LIMIT;
use crate::triage::{Form, Sighting};

/// No more failed entries than these are kept.
const MAX_FAILED: usize = 200;
/// Headers of a request that are kept with the text: who asked, and with which kind of credential (blanked).
const ASKED_WITH: [&str; 8] =
    ["host", "origin", "user-agent", "content-type", "authorization", "x-api-key", "api-key", "access-control-request-headers"];
/// Ways to LLM APIs.
const WAYS: [&str; 12] = [
    "/chat/completions",
    "/completions",
    "/responses",
    "/messages",
    "/models",
    "/api/chat",
    "/api/generate",
    "/api/tags",
    "/embeddings",
    ":generatecontent",
    ":streamgeneratecontent",
    "/v1/chat",
];

/// One sighting per failed or odd entry that asks an LLM API. Empty when the text is no HAR, or when nothing in it failed.
pub fn read(piece: &str, first_line: usize) -> Vec<Sighting> {
    let Some(mut rest) = entries(piece) else { return Vec::new() };
    let mut line = first_line + newlines(&piece[..piece.len() - rest.len()]);
    let mut found = Vec::new();
    while found.len() < MAX_FAILED {
        let start = rest.find('{').filter(|start| rest[..*start].trim_matches(|c: char| c == ',' || c.is_whitespace()).is_empty());
        let Some(start) = start else { break };
        line += newlines(&rest[..start]);
        let mut values = serde_json::Deserializer::from_str(&rest[start..]).into_iter::<Value>();
        let Some(Ok(entry)) = values.next() else { break };
        let end = start + values.byte_offset();
        let last = line + newlines(&rest[start..end]);
        found.extend(Entry(&entry).sighting((line, last)));
        (rest, line) = (&rest[end..], last);
    }
    found
}

/// Whether the text is a HAR file, or the beginning of one.
pub fn is_har(text: &str) -> bool {
    entries(text).is_some()
}

/// What follows `"entries": [`.
fn entries(text: &str) -> Option<&str> {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{').then_some(())?;
    memchr::memmem::find(part::head(text, 512).as_bytes(), b"\"log\"")?;
    let at = memchr::memmem::find(text.as_bytes(), b"\"entries\"")? + "\"entries\"".len();
    text[at..].trim_start().strip_prefix(':')?.trim_start().strip_prefix('[')
}

fn newlines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}

struct Entry<'e>(&'e Value);

impl<'e> Entry<'e> {
    fn text(&self, pointer: &str) -> Option<&'e str> {
        self.0.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
    }

    fn sighting(&self, lines: (usize, usize)) -> Option<Sighting> {
        let url = self.text("/request/url")?;
        let asked = self.asked();
        if !is_llm(url, asked.as_ref()) {
            return None;
        }
        let mut sighting = Sighting::new(Form::Har, lines, "");
        sighting.method = self.text("/request/method").map(str::to_ascii_uppercase);
        sighting.stream = part::stream_of(asked.as_ref());
        sighting.asked = asked;
        sighting.status = self
            .0
            .pointer("/response/status")
            .and_then(Value::as_u64)
            .and_then(|status| u16::try_from(status).ok())
            .filter(|status| *status > 99);
        sighting.seconds = self.0.get("time").and_then(Value::as_f64).filter(|ms| *ms > 0.0).map(|ms| ms / 1000.0);
        sighting.fault = self.fault(sighting.status);
        self.fill(&mut sighting, url);
        self.is_odd(&sighting).then_some(sighting)
    }

    fn asked(&self) -> Option<Value> {
        let text = scrub::scrub(self.text("/request/postData/text").filter(|text| text.len() <= part::MAX_PIECE)?);
        serde_json::from_str(&text).ok().filter(Value::is_object).or_else(|| part::json_within(&text))
    }

    fn body(&self) -> Option<String> {
        let content = self.0.pointer("/response/content")?;
        let text = content.get("text").and_then(Value::as_str);
        let size = content.get("size").and_then(Value::as_i64).unwrap_or(-1);
        match (text, content.get("encoding").and_then(Value::as_str)) {
            (Some(text), Some("base64")) => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()?;
                Some(part::head(&String::from_utf8_lossy(&bytes), TEXT_LIMIT).to_owned())
            }
            (Some(text), _) if !text.is_empty() || size <= 0 => Some(part::head(text, TEXT_LIMIT).to_owned()),
            (None, _) if size == 0 => Some(String::new()),
            _ => None,
        }
    }

    /// Why no answer came, in the browser's words.
    fn fault(&self, status: Option<u16>) -> Option<String> {
        let said = ["/_error", "/_failureText", "/response/_error", "/response/_failureText"].iter().find_map(|place| self.text(place));
        let words = said.or_else(|| self.text("/response/statusText").filter(|_| status.is_none()));
        let words = words.map(|words| scrub::scrub(part::head(words, 500)));
        words.or_else(|| status.is_none().then(|| "no answer: refused, blocked or cancelled (status 0)".to_owned()))
    }

    /// Fills in what servers and people wrote. All of it is scrubbed in one piece, so that a key that comes back is found.
    fn fill(&self, sighting: &mut Sighting, url: &str) {
        let method = sighting.method.as_deref().unwrap_or("POST");
        let url = part::head(url, 4096);
        let mut text = format!("{method} {url}\n");
        let asked_with = headers(self.0.pointer("/request/headers")).filter(|(name, _)| ASKED_WITH.contains(&name.as_str()));
        asked_with.for_each(|(name, value)| text.push_str(&format!("{name}: {value}\n")));
        text.push_str(&format!("\n{}\n", sighting.status.map_or_else(String::new, |status| format!("HTTP/1.1 {status}"))));
        let heads = text.len();
        headers(self.0.pointer("/response/headers")).for_each(|(name, value)| text.push_str(&format!("{name}: {value}\n")));
        text.push_str(&sighting.fault.iter().map(|fault| format!("\n{fault}\n")).collect::<String>());
        text.push('\n');
        let start = text.len();
        let body = self.body();
        text.push_str(body.as_deref().unwrap_or_default());
        let clean = scrub::scrub(&text);
        let slice = |range: std::ops::Range<usize>| clean.get(range).unwrap_or_default();
        sighting.url = Some(slice(method.len() + 1..method.len() + 1 + url.len()).to_owned());
        sighting.headers = slice(heads..start).lines().map_while(super::head::header_line).collect();
        sighting.body = body.map(|_| slice(start..clean.len()).to_owned()).filter(|_| sighting.status.is_some());
        sighting.text = part::head(&clean, TEXT_LIMIT).to_owned();
    }

    fn is_odd(&self, sighting: &Sighting) -> bool {
        let preflight = sighting.method.as_deref() == Some("OPTIONS");
        match sighting.status {
            None | Some(300..=303 | 305..) => true,
            Some(304) => false,
            Some(_) if sighting.fault.is_some() => true,
            Some(_) if preflight || sighting.body.is_none() => false,
            Some(_) if sighting.said().trim().is_empty() => true,
            Some(_) => sighting.exchange("har").is_some_and(|exchange| !is_sound(&dialect::read(&exchange))),
        }
    }
}

/// An answer that a chat could use.
fn is_sound(reading: &Reading) -> bool {
    match reading {
        Reading::Completion(completion) => !completion.text.is_empty() || !completion.tool_calls.is_empty(),
        Reading::Stream(stream) => {
            let said = !stream.text.is_empty() || !stream.tool_calls.is_empty();
            let ended = matches!(stream.end, StreamEnd::Complete | StreamEnd::NoDone);
            said && ended && stream.error.is_none() && stream.faults.is_empty()
        }
        Reading::Models(models) => models.standard && !models.entries.is_empty(),
        _ => false,
    }
}

fn is_llm(url: &str, asked: Option<&Value>) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/').to_ascii_lowercase();
    let asks = |asked: &Value| asked.get("model").is_some() && ["messages", "input", "prompt"].iter().any(|name| asked.get(name).is_some());
    WAYS.iter().any(|way| path.ends_with(way)) || asked.is_some_and(asks)
}

fn headers(list: Option<&Value>) -> impl Iterator<Item = (String, String)> + '_ {
    let pair =
        |item: &Value| Some((item.get("name")?.as_str()?.to_ascii_lowercase(), item.get("value")?.as_str()?.replace(['\r', '\n'], " ")));
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(pair)
        .take(100)
        .map(|(name, value)| (name, part::head(&value, 4096).to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(url: &str, status: u16, content: Value) -> Value {
        json!({
            "startedDateTime": "2025-01-01T00:00:00Z",
            "time": 1234.5,
            "request": {
                "method": "POST", "url": url,
                "headers": [{"name": "Authorization", "value": "Bearer 7f3a9c0d1e2b4a5c"}, {"name": "Origin", "value": "https://ui"}],
                "postData": {"mimeType": "application/json", "text": "{\"model\":\"m\",\"stream\":false,\"messages\":[]}"},
            },
            "response": {
                "status": status, "statusText": "",
                "headers": [{"name": "Content-Type", "value": "application/json"}, {"name": "Server", "value": "nginx"}],
                "content": content,
            },
        })
    }

    fn har(entries: &[Value]) -> String {
        serde_json::to_string_pretty(&json!({"log": {"version": "1.2", "pages": [], "entries": entries}})).expect("JSON")
    }

    const CHAT: &str = "https://h/v1/chat/completions?key=7f3a9c0d1e2b4a5c";

    fn text(text: &str) -> Value {
        json!({"size": text.len(), "mimeType": "application/json", "text": text})
    }

    #[test]
    fn a_refusal() {
        let file = har(&[
            entry("https://h/logo.png", 404, text("")),
            entry(CHAT, 401, text("{\"error\":{\"message\":\"bad key 7f3a9c0d1e2b4a5c\"}}")),
        ]);
        let seen = read(&file, 1).pop().expect("one");
        assert_eq!((seen.status, seen.seconds, seen.model(), seen.header("server")), (Some(401), Some(1.2345), Some("m"), Some("nginx")));
        assert!(seen.body.as_deref().is_some_and(|body| body.contains("bad key [KEY]")), "{seen:?}");
        assert!(!format!("{seen:?}").contains("7f3a9c"), "{seen:?}");
        let lines: Vec<&str> = file.lines().collect();
        assert_eq!((lines[seen.lines.0 - 1].trim(), lines[seen.lines.1 - 1].trim()), ("{", "}"));
        assert!(lines[seen.lines.0..seen.lines.1].iter().any(|line| line.contains("completions")));
    }

    #[test]
    fn which_entries_are_told() {
        let fine = r#"{"object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}"#;
        let base64 = base64::engine::general_purpose::STANDARD.encode("<html><title>Sign in</title></html>");
        let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
        for (content, told) in [
            (text(fine), false),
            (text(&fine.replace("Hi", "")), true),
            (text("{\"error\":{\"message\":\"no\"}}"), true),
            (json!({"size": 9, "text": base64, "encoding": "base64"}), true),
            (json!({"size": 0}), true),
            (json!({"size": 900}), false),
            (text(stream), true),
            (
                text(&format!(
                    "{stream}data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\ndata: [DONE]\n\n"
                )),
                false,
            ),
        ] {
            let mut entry = entry(CHAT, 200, content.clone());
            entry["request"]["postData"]["text"] =
                json!(format!("{{\"model\":\"m\",\"stream\":{}}}", content.to_string().contains("data:")));
            assert_eq!(read(&har(&[entry]), 1).len(), usize::from(told), "{content}");
        }
    }

    #[test]
    fn no_answer() {
        let mut blocked = entry(CHAT, 0, json!({"size": 0, "mimeType": "x-unknown"}));
        blocked["response"]["_error"] = json!("net::ERR_CONNECTION_REFUSED");
        let preflight = json!({"request": {"method": "OPTIONS", "url": CHAT}, "response": {"status": 204, "content": {"size": 0}}});
        let seen = read(&har(&[preflight, blocked, entry(CHAT, 0, json!({}))]), 1);
        let told: Vec<_> = seen.iter().map(|one| (one.status, one.body.is_some(), one.fault.as_deref().unwrap_or_default())).collect();
        assert_eq!(
            told,
            [(None, false, "net::ERR_CONNECTION_REFUSED"), (None, false, "no answer: refused, blocked or cancelled (status 0)")]
        );
        assert!(seen[0].text.contains("ERR_CONNECTION_REFUSED"));
    }

    #[test]
    fn a_file_that_is_cut_gives_what_it_has() {
        let file = har(&[entry(CHAT, 502, text("x")), entry(CHAT, 503, text("y"))]);
        for end in (0..file.len()).step_by(37) {
            assert!(read(&file[..end], 1).len() <= 2);
        }
        assert_eq!(read(&file[..file.len() - 40], 1).len(), 1);
        assert!(read("{\"log\":{}}", 1).is_empty() && read("[]", 1).is_empty() && !is_har("text"));
    }
}
