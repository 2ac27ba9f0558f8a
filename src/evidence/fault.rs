//! The closed vocabulary of what can go wrong below HTTP's answers.

use serde::{Deserialize, Serialize};

/// A fault of the network, of TLS or of HTTP's framing, or our own patience at its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Which one.
    pub kind: FaultKind,
    /// When it struck, in milliseconds after the request (or the step) began.
    pub at_ms: f64,
    /// The error chain's words, outermost first, scrubbed; for readers, never for rules.
    pub chain: Vec<String>,
}

/// Which fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The host's name did not resolve.
    Dns,
    /// Nobody listens at the address and port.
    Refused,
    /// No route to the address.
    Unreachable,
    /// The TCP handshake was not answered in time.
    ConnectTimeout,
    /// The peer does not speak TLS.
    NotTls,
    /// The peer's certificate was refused.
    Certificate(CertificateFault),
    /// The TLS handshake failed or hung for another reason.
    Handshake,
    /// The proxy refused to open the way.
    Proxy,
    /// The connection was reset.
    Reset,
    /// The connection was closed before an answer, or inside its head.
    Closed,
    /// What came back is not HTTP.
    NotHttp,
    /// The head of the answer breaks HTTP's rules or is too large.
    BadHead,
    /// No answer began within our patience.
    NoAnswer,
    /// The answer began and then stayed silent longer than [`crate::pace::Pace::idle`].
    Stalled,
    /// Bytes kept coming, but the answer did not end within our patience.
    Unfinished,
    /// The body ended before its framing said so (missing last chunk, short of `Content-Length`).
    CutBody,
    /// The body's chunk framing is broken.
    BadChunk,
    /// An HTTP/2 stream was reset; the code's name.
    H2Reset(String),
    /// The body is not in the encoding that its header declares.
    Encoding,
    /// The run was interrupted.
    Interrupted,
    /// The request could not be built or sent for a reason on our side (an illegal header value, say).
    Unsendable,
    /// None of the above.
    Other,
}

/// Why a certificate was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateFault {
    /// Signed by nobody we trust, though more than the server's own certificate was sent.
    Untrusted,
    /// Signed by another whom we do not know, and nothing but the server's own certificate was sent: an intermediate is missing,
    /// or a private authority signed it directly.
    MissingIntermediate,
    /// Signed by itself.
    SelfSigned,
    /// Its time is over; seconds since 1970 of its end.
    Expired(i64),
    /// Its time has not come; seconds since 1970 of its beginning.
    NotYetValid(i64),
    /// It is for other names: these.
    WrongName(Vec<String>),
    /// The server asks for a certificate of ours.
    ClientCertificateRequired,
    /// Another reason.
    Other,
}

impl std::fmt::Display for FaultKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = match self {
            FaultKind::Dns => "the name did not resolve",
            FaultKind::Refused => "connection refused",
            FaultKind::Unreachable => "no route to the address",
            FaultKind::ConnectTimeout => "no answer to the connection",
            FaultKind::NotTls => "no TLS spoken",
            FaultKind::Certificate(fault) => return write!(f, "certificate refused ({fault})"),
            FaultKind::Handshake => "TLS handshake failed",
            FaultKind::Proxy => "refused by the proxy",
            FaultKind::Reset => "connection reset",
            FaultKind::Closed => "connection closed without an answer",
            FaultKind::NotHttp => "no HTTP spoken",
            FaultKind::BadHead => "head of the answer broken",
            FaultKind::NoAnswer => "no answer begun",
            FaultKind::Stalled => "silent since its beginning",
            FaultKind::Unfinished => "not finished",
            FaultKind::CutBody => "body cut short",
            FaultKind::BadChunk => "chunk framing broken",
            FaultKind::H2Reset(code) => return write!(f, "HTTP/2 stream reset ({code})"),
            FaultKind::Encoding => "not in the encoding that it declares",
            FaultKind::Interrupted => "interrupted",
            FaultKind::Unsendable => "not sendable",
            FaultKind::Other => "failed",
        };
        f.write_str(words)
    }
}

impl std::fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            CertificateFault::Untrusted => "signed by nobody who is trusted here",
            CertificateFault::MissingIntermediate => "signed by nobody who is trusted here, or an intermediate is missing",
            CertificateFault::SelfSigned => "signed by itself",
            CertificateFault::Expired(_) => "expired",
            CertificateFault::NotYetValid(_) => "not valid yet",
            CertificateFault::WrongName(_) => "for another name",
            CertificateFault::ClientCertificateRequired => "a client certificate is wanted",
            CertificateFault::Other => "not acceptable",
        })
    }
}
