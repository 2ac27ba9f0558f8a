//! One failure as a paste shows it: whatever is known of the request and of the answer, and the text around them.

use serde::Serialize;
use serde_json::Value;

use crate::evidence::{Ask, Body, Credential, Dialect, Encoding, Exchange, Outcome, Request, Response, Scheme, Via};

/// The form in which a failure was pasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A JSON error body and nothing else.
    Json,
    /// A raw HTTP answer, with or without its request.
    Http,
    /// What `curl -v` or `curl -i` printed.
    Curl,
    /// Events of a stream.
    Events,
    /// An entry of a HAR file.
    Har,
    /// An HTML page.
    Page,
    /// An exchange that passed by a relay.
    Captured,
    /// An exception of an SDK, with or without its traceback.
    Exception,
    /// Lines of a log.
    Log,
    /// Something else that somebody wrote.
    Text,
}

/// One failure as a paste shows it. What the paste doesn't show is `None` or empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// In which form it was pasted.
    pub form: Form,
    /// First and last line of the paste that belong to it, from 1.
    pub lines: (usize, usize),
    /// How many times the paste shows the same; the first is kept.
    pub times: usize,
    /// `GET`, `POST`, … of the request.
    pub method: Option<String>,
    /// URL or path of the request.
    pub url: Option<String>,
    /// JSON body of the request, as far as it is shown.
    pub asked: Option<Value>,
    /// True when a stream was asked for, false when the paste says that none was.
    pub stream: Option<bool>,
    /// Status of the answer.
    pub status: Option<u16>,
    /// Headers of the answer: lower-case names, in their order.
    pub headers: Vec<(String, String)>,
    /// Body of the answer, scrubbed.
    pub body: Option<String>,
    /// Seconds that the request took, when the paste says so.
    pub seconds: Option<f64>,
    /// The whole piece of the paste, scrubbed; at most [`crate::facts::TEXT_LIMIT`] bytes.
    pub text: String,
    /// What broke the transfer off, in the words of the tool that saw it (`curl: (28) Operation timed out …`, `net::ERR_FAILED`), scrubbed.
    pub fault: Option<String>,
    /// What the exceptions of a traceback say, without its frames, the last one first; scrubbed.
    pub thrown: Option<String>,
}

impl Sighting {
    /// A piece of which nothing is known but its text.
    pub fn new(form: Form, lines: (usize, usize), text: impl Into<String>) -> Self {
        Sighting {
            form,
            lines,
            times: 1,
            method: None,
            url: None,
            asked: None,
            stream: None,
            status: None,
            headers: Vec::new(),
            body: None,
            seconds: None,
            text: text.into(),
            fault: None,
            thrown: None,
        }
    }

    /// What the answer's body says, or else the exception, or else the piece itself.
    pub fn said(&self) -> &str {
        self.body.as_deref().or(self.thrown.as_deref()).unwrap_or(&self.text)
    }

    /// The first header of this (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The model that the request or the piece names.
    pub fn model(&self) -> Option<&str> {
        self.asked.as_ref()?.get("model")?.as_str()
    }

    /// Whether a stream was asked for, as far as the paste tells.
    pub fn streams(&self) -> Option<bool> {
        let by_address = || Dialect::model_of(self.url.as_deref()?).map(|(_, streamed)| streamed);
        self.stream.or_else(|| self.asked.as_ref()?.get("stream")?.as_bool()).or_else(by_address)
    }

    /// True when the paste says that a stream was asked for.
    pub fn asks_stream(&self) -> bool {
        self.streams() == Some(true)
    }

    /// The sighting as an exchange of a run, so that answers are read by the same reader as live ones; `None` when no answer is shown.
    ///
    /// An empty body is shown only where a header says that it is empty.
    pub fn exchange(&self, id: &str) -> Option<Exchange> {
        let status = self.status?;
        let is_shown = self.body.as_ref().is_some_and(|body| !body.is_empty()) || self.header("content-length") == Some("0");
        let body = self.body.clone().filter(|_| is_shown)?.into_bytes();
        let took = self.seconds.unwrap_or_default() * 1000.0;
        let response = Response {
            status,
            version: "HTTP/1.1".to_owned(),
            headers: self.headers.clone(),
            headers_ms: 0.0,
            body: Body { encoding: self.undone(), ..Body::whole(body, took) },
            cut: None,
            left_open: false,
            total_ms: took,
        };
        Some(Exchange {
            id: id.to_owned(),
            probe: "pasted".to_owned(),
            ask: self.ask(),
            via: Via::Gateway,
            attempt: 1,
            at_ms: 0.0,
            request: self.request(),
            steps: Vec::new(),
            outcome: Outcome::Response(response),
        })
    }

    /// Whoever pasted a body that can be read has undone its encoding.
    fn undone(&self) -> Option<Encoding> {
        let readable = self.body.as_ref().is_some_and(|body| !body.is_empty() && !body.contains('\u{fffd}'));
        match self.header("content-encoding").filter(|_| readable)? {
            "gzip" => Some(Encoding::Gzip),
            "deflate" => Some(Encoding::Deflate),
            "br" => Some(Encoding::Brotli),
            _ => None,
        }
    }

    fn ask(&self) -> Ask {
        let lists =
            self.method.as_deref() == Some("GET") && self.url.as_deref().is_some_and(|url| url.trim_end_matches('/').ends_with("/models"));
        match (lists, self.asks_stream()) {
            (true, _) => Ask::Models,
            (_, true) => Ask::ChatStream,
            _ => Ask::Chat,
        }
    }

    fn request(&self) -> Request {
        let stream = self.stream.map(|stream| serde_json::json!({ "stream": stream }));
        Request {
            method: self.method.clone().unwrap_or_else(|| "POST".to_owned()),
            url: self.url.clone().unwrap_or_default(),
            // What was asked for is not shown, so no encoding of the answer is held against it.
            headers: vec![("accept-encoding".to_owned(), "*".to_owned())],
            body: self.asked.clone().or(stream),
            // A paste hides the key; that none was sent is for the error to say.
            credential: Credential::Given(Scheme::Bearer),
        }
    }
}
