//! From an error chain to a [`FaultKind`], by the types in it and never by their messages.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::tls::Refusal;
use crate::evidence::{CertificateFault, FaultKind};
use crate::secret::Scrubber;

/// Links of a chain that are followed.
const LINKS: usize = 16;
/// Characters of one link's message that are kept.
const MESSAGE: usize = 600;

/// What is known by type in an error chain; of each type the outermost, of I/O the innermost that says something.
#[derive(Default)]
struct Clues<'a> {
    tls: Option<&'a rustls::Error>,
    h2: Option<&'a h2::Error>,
    hyper: Option<&'a hyper::Error>,
    io: Option<io::ErrorKind>,
}

impl<'a> Clues<'a> {
    fn of(error: &'a (dyn Error + 'static)) -> Self {
        let mut clues = Clues::default();
        for link in links(error) {
            clues.tls = clues.tls.or_else(|| link.downcast_ref());
            clues.h2 = clues.h2.or_else(|| link.downcast_ref());
            clues.hyper = clues.hyper.or_else(|| link.downcast_ref());
            let kind = link.downcast_ref::<io::Error>().map(io::Error::kind);
            clues.io = kind.filter(|kind| *kind != io::ErrorKind::Other).or(clues.io);
        }
        clues
    }

    /// What kept an answer from beginning, where it wasn't the connection.
    fn unanswered(&self) -> FaultKind {
        self.h2.map(of_h2).or_else(|| self.hyper.and_then(of_head)).or_else(|| self.io.map(waiting)).unwrap_or(FaultKind::Other)
    }
}

/// The chain, outermost first; also through `io::Error`, whose `source` skips what it wraps.
fn links<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |link| inner(*link)).take(LINKS)
}

fn inner<'a>(link: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = link.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => Some(wrapped),
        None => link.source(),
    }
}

/// The words of a chain, scrubbed, without repetitions. URLs are not among them when the caller took reqwest's away.
pub(super) fn words(error: &(dyn Error + 'static), scrubber: &Scrubber) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for link in links(error) {
        let full = refusal(link).map_or_else(|| link.to_string(), ToString::to_string);
        let word: String = scrubber.text(&full).chars().take(MESSAGE).collect();
        if words.last() != Some(&word) {
            words.push(word);
        }
    }
    words
}

fn refusal<'a>(link: &'a (dyn Error + 'static)) -> Option<&'a Refusal> {
    match link.downcast_ref()? {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => other.0.downcast_ref(),
        _ => None,
    }
}

/// Why no answer began. With a proxy on the way, a failure to connect that says nothing else is the proxy's.
pub(super) fn before_head(error: &reqwest::Error, proxied: bool) -> FaultKind {
    let clues = Clues::of(error);
    if error.is_builder() {
        return FaultKind::Unsendable;
    }
    if let Some(tls) = clues.tls {
        return of_tls(tls);
    }
    if error.is_dns() {
        return FaultKind::Dns;
    }
    if error.is_timeout() {
        return if error.is_connect() { FaultKind::ConnectTimeout } else { FaultKind::NoAnswer };
    }
    if error.is_connect() {
        return clues.io.map(opening).or_else(|| clues.h2.map(of_h2)).unwrap_or(unopened(proxied));
    }
    clues.unanswered()
}

/// Why no answer began on a connection that stands.
pub(super) fn unanswered(error: &(dyn Error + 'static)) -> FaultKind {
    let clues = Clues::of(error);
    clues.tls.map_or_else(|| clues.unanswered(), of_tls)
}

fn unopened(proxied: bool) -> FaultKind {
    if proxied { FaultKind::Proxy } else { FaultKind::Other }
}

/// Why a body was cut.
pub(super) fn in_body(error: &(dyn Error + 'static)) -> FaultKind {
    let clues = Clues::of(error);
    if let Some(h2) = clues.h2 {
        return match h2.get_io() {
            Some(io) if io.kind() != io::ErrorKind::ConnectionReset => FaultKind::CutBody,
            _ => of_h2(h2),
        };
    }
    match clues.io {
        Some(io::ErrorKind::UnexpectedEof) => FaultKind::CutBody,
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) if clues.tls.is_none() => FaultKind::BadChunk,
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe) => FaultKind::Reset,
        _ if clues.hyper.is_some_and(|error| error.is_incomplete_message() || error.is_closed()) => FaultKind::CutBody,
        _ => FaultKind::Other,
    }
}

/// Why a TCP connection did not come about.
pub(super) fn tcp(error: &io::Error) -> FaultKind {
    opening(error.kind())
}

/// Why a TLS handshake failed.
pub(super) fn handshake(error: &(dyn Error + 'static)) -> FaultKind {
    let clues = Clues::of(error);
    match clues.tls {
        Some(tls) => of_tls(tls),
        None => clues.io.map_or(FaultKind::Handshake, opening),
    }
}

fn opening(kind: io::ErrorKind) -> FaultKind {
    use io::ErrorKind as K;
    match kind {
        K::ConnectionRefused => FaultKind::Refused,
        K::HostUnreachable | K::NetworkUnreachable | K::NetworkDown | K::AddrNotAvailable | K::PermissionDenied => FaultKind::Unreachable,
        K::TimedOut => FaultKind::ConnectTimeout,
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => FaultKind::Reset,
        K::UnexpectedEof => FaultKind::Handshake,
        _ => FaultKind::Other,
    }
}

fn waiting(kind: io::ErrorKind) -> FaultKind {
    use io::ErrorKind as K;
    match kind {
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => FaultKind::Reset,
        K::UnexpectedEof | K::NotConnected => FaultKind::Closed,
        K::TimedOut => FaultKind::NoAnswer,
        _ => FaultKind::Other,
    }
}

fn of_tls(error: &rustls::Error) -> FaultKind {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(CertificateError::Other(other)) => {
            let known = other.0.downcast_ref::<Refusal>();
            FaultKind::Certificate(known.map_or(CertificateFault::Other, |refusal| refusal.fault.clone()))
        }
        E::InvalidCertificate(_) | E::NoCertificatesPresented => FaultKind::Certificate(CertificateFault::Other),
        E::AlertReceived(AlertDescription::CertificateRequired) => FaultKind::Certificate(CertificateFault::ClientCertificateRequired),
        E::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => FaultKind::NotTls,
        _ => FaultKind::Handshake,
    }
}

fn of_h2(error: &h2::Error) -> FaultKind {
    match (error.reason(), error.get_io()) {
        (Some(reason), _) => FaultKind::H2Reset(format!("{reason:?}")),
        (None, Some(io)) => waiting(io.kind()),
        (None, None) => FaultKind::Other,
    }
}

fn of_head(error: &hyper::Error) -> Option<FaultKind> {
    if error.is_parse() {
        return Some(if is_parse_version(error) { FaultKind::NotHttp } else { FaultKind::BadHead });
    }
    (error.is_incomplete_message() || error.is_closed()).then_some(FaultKind::Closed)
}

/// hyper has no question for this kind, so its name is read where `Debug` shows it; a test with a real peer holds this.
fn is_parse_version(error: &hyper::Error) -> bool {
    error.is_parse_version_h2() || format!("{error:?}").starts_with("hyper::Error(Parse(Version)")
}
