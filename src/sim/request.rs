//! What a client sent, and how it is read off the wire.

use std::io;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

/// A longer head is nobody's.
const MAX_HEAD: usize = 1 << 20;
/// A longer body is not read to its end.
const MAX_BODY: usize = 64 << 20;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Time from the server's start until the head was read.
    pub at: Duration,
    /// The method, as sent.
    pub method: String,
    /// The request target, query included, as sent.
    pub path: String,
    /// All headers in order, names as sent.
    pub headers: Vec<(String, String)>,
    /// The body, with the chunked coding taken off.
    pub body: Vec<u8>,
}

impl Received {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The path without its query.
    pub fn route(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Whether this is a POST on a path that ends in `/chat/completions`.
    pub fn is_chat(&self) -> bool {
        self.method == "POST" && self.route().ends_with("/chat/completions")
    }

    /// Whether this is a GET on a path that ends in `/models`.
    pub fn is_list(&self) -> bool {
        self.method == "GET" && self.route().ends_with("/models")
    }

    /// Whether the body asks for a stream.
    pub fn wants_stream(&self) -> bool {
        self.json()["stream"] == Value::Bool(true)
    }

    /// What follows `Bearer ` in the Authorization header.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// Whether the client takes gzip.
    pub fn accepts_gzip(&self) -> bool {
        self.header("accept-encoding").is_some_and(|value| value.contains("gzip"))
    }

    fn says(&self, name: &str, word: &str) -> bool {
        self.header(name).is_some_and(|value| value.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_last(&self) -> bool {
        self.says("connection", "close")
    }

    pub(super) fn awaits_continue(&self) -> bool {
        self.says("expect", "100-continue")
    }
}

/// Bytes that arrived and were not used yet.
#[derive(Default)]
pub(super) struct Inbox(Vec<u8>);

impl Inbox {
    /// Reads once; 0 when the other side has closed.
    pub(super) async fn fill(&mut self, wire: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        wire.read_buf(&mut self.0).await
    }

    /// The next request's head, its body still to be read; `None` when the client is gone or speaks no HTTP.
    pub(super) async fn head(&mut self, wire: &mut (impl AsyncRead + Unpin), start: Instant) -> io::Result<Option<Received>> {
        loop {
            if let Some(end) = find(&self.0, b"\r\n\r\n") {
                let head: Vec<u8> = self.0.drain(..end + 4).collect();
                return Ok(parse(&String::from_utf8_lossy(&head), start.elapsed()));
            }
            if self.0.len() > MAX_HEAD || self.fill(wire).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Reads the body that the head announces.
    pub(super) async fn body(&mut self, wire: &mut (impl AsyncRead + Unpin), request: &mut Received) -> io::Result<()> {
        if request.says("transfer-encoding", "chunked") {
            request.body = self.chunks(wire).await?;
        } else if let Some(length) = request.header("content-length") {
            let length = length.trim().parse().unwrap_or(0);
            request.body = self.take(wire, length).await?;
        }
        Ok(())
    }

    async fn chunks(&mut self, wire: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line(wire).await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            let chunk = self.take(wire, size).await?;
            body.extend(chunk);
            self.line(wire).await?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    async fn line(&mut self, wire: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
        loop {
            if let Some(end) = find(&self.0, b"\r\n") {
                let line: Vec<u8> = self.0.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.more(wire).await?;
        }
    }

    async fn take(&mut self, wire: &mut (impl AsyncRead + Unpin), length: usize) -> io::Result<Vec<u8>> {
        let length = length.min(MAX_BODY);
        while self.0.len() < length {
            self.more(wire).await?;
        }
        Ok(self.0.drain(..length).collect())
    }

    async fn more(&mut self, wire: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        match self.fill(wire).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn parse(head: &str, at: Duration) -> Option<Received> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    Some(Received { at, method, path, headers, body: Vec::new() })
}
