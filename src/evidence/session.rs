//! A captured session: what a client and its endpoint said to each other, one exchange a line.
//!
//! The file is JSON lines, only ever appended to: a [`Header`], then one [`Captured`] per line in the order in which they ended. Whatever
//! stops the writer, the lines before are whole; a last line that was torn is left out on reading.

use serde::{Deserialize, Serialize};

use super::{Body, Exchange};

/// The format of a session file.
pub const SESSION_SCHEMA: &str = "llmdoctor.session/1";

/// The first line of a session file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always [`SESSION_SCHEMA`].
    pub schema: String,
    /// Version of the program that captured it.
    pub version: String,
    /// When the session began, RFC 3339 in UTC.
    pub started_at: String,
    /// The base URL that requests were passed on to, without credentials.
    pub upstream: String,
    /// The base URL that the client was given.
    pub base_url: String,
}

/// One exchange that passed by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Captured {
    /// 1, 2, … in the order in which the requests began; [`Exchange::id`] is the same behind an `e`.
    pub number: u64,
    /// Which of the client's connections it came on, from 1.
    pub connection: u64,
    /// When it began, RFC 3339 in UTC.
    pub at: String,
    /// The request at the upstream's URL with the headers that the client sent, and what came back. [`super::Ask`] says what it looks like:
    /// a client asks no question.
    pub exchange: Exchange,
    /// What the client sent besides.
    pub sent: Sent,
    /// Who ended it.
    pub closed: Closed,
}

/// What a client sent, as far as [`super::Request`] does not hold it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sent {
    /// Headers that carry credentials, lower-case names, the credentials blanked by marks of the same length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<(String, String)>,
    /// The body. Its bytes stand here only when they are no JSON (or too many to keep): [`super::Request::body`] has them otherwise.
    pub body: Body,
}

/// The end of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Closed {
    /// Who ended it.
    pub by: Closer,
    /// When, in milliseconds after the request began.
    pub at_ms: f64,
}

/// Who ended an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closer {
    /// Nobody before its time: the answer ended as its framing says, or the client left after the stream had announced its end.
    Nobody,
    /// The client closed its connection before the answer was over.
    Client,
    /// The upstream (or the way to it) failed: no connection, no answer, or an answer that was cut.
    Upstream,
    /// The capture was stopped.
    Capture,
}

/// A session file, read.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its first line.
    pub header: Header,
    /// The exchanges in the order in which they began.
    pub captured: Vec<Captured>,
    /// How many lines could not be read: 1 when the writer was stopped inside its last line.
    pub torn: usize,
}

/// Why a file is no session.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    /// Its first line is no header of ours.
    #[error("its first line is not the header of a captured session")]
    Header,
    /// It is of another format.
    #[error("it is of the format {0:?}, and this program reads {SESSION_SCHEMA:?}")]
    Schema(String),
}

impl Session {
    /// Reads a session file. Lines that cannot be read are counted and left out.
    ///
    /// # Errors
    /// When the first line is no header, or one of another format.
    pub fn read(file: &[u8]) -> Result<Session, NoSession> {
        let mut lines = file.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let first: serde_json::Value = lines.next().and_then(|line| serde_json::from_slice(line).ok()).ok_or(NoSession::Header)?;
        let schema = first["schema"].as_str().ok_or(NoSession::Header)?;
        if schema != SESSION_SCHEMA {
            return Err(NoSession::Schema(schema.chars().take(80).collect()));
        }
        let header = serde_json::from_value(first).map_err(|_| NoSession::Header)?;
        let mut session = Session { header, captured: Vec::new(), torn: 0 };
        for line in lines {
            match serde_json::from_slice(line) {
                Ok(captured) => session.captured.push(captured),
                Err(_) => session.torn += 1,
            }
        }
        session.captured.sort_by_key(|captured| captured.number);
        Ok(session)
    }

    /// Whether a file begins like a session, however it goes on.
    pub fn is_one(file: &[u8]) -> bool {
        let line = file.split(|byte| *byte == b'\n').next().unwrap_or_default();
        serde_json::from_slice::<serde_json::Value>(line).is_ok_and(|header| header["schema"].as_str().is_some_and(is_ours))
    }

    /// The exchanges whose request has a JSON body: what can be sent again.
    pub fn requests(&self) -> impl Iterator<Item = &Captured> {
        self.captured.iter().filter(|captured| captured.exchange.request.body.is_some())
    }
}

fn is_ours(schema: &str) -> bool {
    schema.starts_with("llmdoctor.session/")
}

impl Captured {
    /// True when the upstream answered, and with an error status.
    pub fn is_refused(&self) -> bool {
        self.exchange.status().is_some_and(|status| status >= 400)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ask, Credential, Outcome, Request, Response, Via};
    use super::*;

    fn header() -> Header {
        Header {
            schema: SESSION_SCHEMA.to_owned(),
            version: "0".to_owned(),
            started_at: String::new(),
            upstream: "http://h/v1".to_owned(),
            base_url: "http://127.0.0.1:1/v1".to_owned(),
        }
    }

    fn captured(number: u64) -> Captured {
        let request = Request {
            method: "POST".to_owned(),
            url: "http://h/v1/chat/completions".to_owned(),
            headers: Vec::new(),
            body: Some(serde_json::json!({ "model": "m" })),
            credential: Credential::None,
        };
        let response = Response {
            status: 400,
            version: "HTTP/1.1".to_owned(),
            headers: Vec::new(),
            headers_ms: 1.0,
            body: Body::whole(b"no".to_vec(), 1.0),
            cut: None,
            left_open: false,
            total_ms: 1.0,
        };
        let exchange = Exchange {
            id: format!("e{number}"),
            probe: "captured".to_owned(),
            ask: Ask::Chat,
            via: Via::Gateway,
            attempt: 1,
            at_ms: 0.0,
            request,
            steps: Vec::new(),
            outcome: Outcome::Response(response),
        };
        let closed = Closed { by: Closer::Nobody, at_ms: 1.0 };
        Captured { number, connection: 1, at: String::new(), exchange, sent: Sent::default(), closed }
    }

    fn file() -> String {
        let lines = [2, 1].map(|number| serde_json::to_string(&captured(number)).expect("JSON"));
        format!("{}\n{}\n{}\n", serde_json::to_string(&header()).expect("JSON"), lines[0], lines[1])
    }

    #[test]
    fn a_session_is_read_back_in_its_order() {
        let session = Session::read(file().as_bytes()).expect("a session");
        assert_eq!((session.header.clone(), session.torn), (header(), 0));
        assert_eq!(session.requests().map(|captured| captured.number).collect::<Vec<_>>(), [1, 2]);
        assert!(session.captured[0].is_refused());
    }

    #[test]
    fn wherever_the_file_is_torn_the_lines_before_are_read() {
        let file = file();
        let ends: Vec<usize> = file.match_indices('\n').map(|(at, _)| at).collect();
        for length in ends[0]..file.len() {
            let session = Session::read(&file.as_bytes()[..length]).expect("a session");
            let whole = ends[1..].iter().filter(|end| **end <= length).count();
            assert_eq!((session.captured.len(), session.torn <= 1), (whole, true), "at {length}");
        }
        for length in 0..ends[0] {
            assert!(Session::read(&file.as_bytes()[..length]).is_err(), "at {length}");
        }
    }

    #[test]
    fn what_is_no_session_says_so() {
        for (file, is_one) in [("", false), ("{}", false), ("\u{ff}", false), ("{\"schema\":\"llmdoctor.session/9\"}\n", true)] {
            assert!(Session::read(file.as_bytes()).is_err());
            assert_eq!(Session::is_one(file.as_bytes()), is_one, "{file}");
        }
    }
}
