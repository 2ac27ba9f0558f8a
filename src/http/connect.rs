//! Opening a connection step by step, each step timed: name, addresses, proxy, TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::join_all;
use hyper_util::client::proxy::matcher::Intercept;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::certificate::Leaf;
use super::{Client, Shared, classify, ms_since, proxy};
use crate::evidence::{Fault, FaultKind, Outcome, Step};

/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;
/// Bytes of a proxy's answer that are read.
const PROXY_HEAD: usize = 8 * 1024;

impl Client {
    /// Opens a connection and closes it again: resolves the name, tries every address side by side, asks the proxy, shakes hands.
    /// With a proxy on the way, name and addresses are the proxy's. True says that every address of the URL's host is loopback.
    pub async fn connect(&self, url: &Url) -> (Vec<Step>, Outcome, bool) {
        let shared = &*self.0;
        let proxy = shared.intercept(url);
        let config = (url.scheme() == "https").then(|| shared.tls_config());
        let mut walk = Walk { shared, steps: Vec::new(), loopback: is_loopback_name(url) };
        let reached = walk.reach(url, proxy.as_ref(), config).await;
        let outcome = match reached {
            Ok(()) => Outcome::Connected,
            Err(fault) => Outcome::Fault(fault),
        };
        (walk.steps, outcome, walk.loopback)
    }
}

struct Walk<'a> {
    shared: &'a Shared,
    steps: Vec<Step>,
    loopback: bool,
}

impl Walk<'_> {
    async fn reach(&mut self, url: &Url, proxy: Option<&Intercept>, config: Option<Arc<rustls::ClientConfig>>) -> Result<(), Fault> {
        let place = match proxy {
            Some(hit) => proxy_place(hit),
            None => url_place(url),
        };
        let (host, port) = place.ok_or_else(|| fault(FaultKind::Unsendable, "the URL names no host and port"))?;
        let addresses = self.resolve(&host, port).await?;
        if proxy.is_none() {
            self.loopback = addresses.iter().all(|address| address.ip().to_canonical().is_loopback());
        }
        let mut stream = self.tcp(&addresses).await?;
        if let Some(hit) = proxy {
            let Some(config) = config else { return Ok(()) };
            if hit.uri().scheme_str() != Some("http") {
                // What lies behind a SOCKS or TLS proxy shows when a request is sent.
                return Ok(());
            }
            self.tunnel(&mut stream, hit, url).await?;
            return self.tls(stream, url, config).await;
        }
        match config {
            Some(config) => self.tls(stream, url, config).await,
            None => Ok(()),
        }
    }

    async fn resolve(&mut self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
        let started = Instant::now();
        let found = self.shared.addresses(host, port).await;
        if literal(host).is_some() {
            return found;
        }
        let gave = found.as_ref().map(|all: &Vec<SocketAddr>| addresses_line(all)).unwrap_or_default();
        self.note("dns", host, started, gave, found.as_ref().err());
        found
    }

    /// Tries every address at once and goes on with the first one in the resolver's order.
    async fn tcp(&mut self, addresses: &[SocketAddr]) -> Result<TcpStream, Fault> {
        let tries = join_all(addresses.iter().map(|address| self.open(*address))).await;
        let mut reached = None;
        let mut failed = None;
        for (step, stream) in tries {
            failed = failed.or_else(|| step.fault.clone());
            reached = reached.or(stream);
            self.steps.push(step);
        }
        reached.ok_or_else(|| failed.unwrap_or_else(|| fault(FaultKind::Other, "no address was tried")))
    }

    async fn open(&self, address: SocketAddr) -> (Step, Option<TcpStream>) {
        let started = Instant::now();
        let opened = match timeout(self.shared.pace.connect, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(self.fault_at(classify::tcp(&error), started, &error)),
            Err(elapsed) => Err(self.fault_at(FaultKind::ConnectTimeout, started, &elapsed)),
        };
        let gave = if opened.is_ok() { "connected" } else { "" };
        (step("tcp", &address.to_string(), started, gave.to_owned(), opened.as_ref().err()), opened.ok())
    }

    async fn tunnel(&mut self, stream: &mut TcpStream, hit: &Intercept, url: &Url) -> Result<(), Fault> {
        let started = Instant::now();
        let asked = timeout(self.shared.pace.connect, ask_proxy(stream, hit, url)).await;
        let opened = match asked {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.fault_at(FaultKind::Proxy, started, &error)),
            Err(elapsed) => Err(self.fault_at(FaultKind::Proxy, started, &elapsed)),
        };
        let gave = if opened.is_ok() { "opened the way" } else { "" };
        self.note("proxy", &proxy::shown(hit), started, gave.to_owned(), opened.as_ref().err());
        opened
    }

    async fn tls(&mut self, stream: TcpStream, url: &Url, config: Arc<rustls::ClientConfig>) -> Result<(), Fault> {
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let started = Instant::now();
        let shaken = match ServerName::try_from(host.to_owned()) {
            Err(error) => Err(self.fault_at(FaultKind::Unsendable, started, &error)),
            Ok(name) => match timeout(self.shared.pace.connect, TlsConnector::from(config).connect(name, stream)).await {
                Ok(Ok(stream)) => Ok(session_line(stream.get_ref().1)),
                Ok(Err(error)) => Err(self.fault_at(classify::handshake(&error), started, &error)),
                Err(elapsed) => Err(self.fault_at(FaultKind::Handshake, started, &elapsed)),
            },
        };
        let gave = shaken.as_ref().map(|line| self.shared.scrubber.text(line)).unwrap_or_default();
        self.note("tls", host, started, gave, shaken.as_ref().err());
        shaken.map(drop)
    }

    fn note(&mut self, kind: &str, target: &str, started: Instant, gave: String, fault: Option<&Fault>) {
        self.steps.push(step(kind, target, started, gave, fault));
    }

    fn fault_at(&self, kind: FaultKind, started: Instant, error: &(dyn std::error::Error + 'static)) -> Fault {
        Fault { kind, at_ms: ms_since(started), chain: classify::words(error, &self.shared.scrubber) }
    }
}

impl Shared {
    /// The addresses of a host: itself, what was given for it, or what the resolver says.
    pub(super) async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
        if let Some(ip) = literal(host) {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let given = self.resolve.iter().rfind(|(name, ..)| name.eq_ignore_ascii_case(host));
        match given {
            Some((.., ip)) => Ok(vec![SocketAddr::new(*ip, port)]),
            None => self.look_up(host, port).await,
        }
    }

    async fn look_up(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
        let started = Instant::now();
        let fault = |error: &(dyn std::error::Error + 'static)| Fault {
            kind: FaultKind::Dns,
            at_ms: ms_since(started),
            chain: classify::words(error, &self.scrubber),
        };
        match timeout(self.pace.connect, tokio::net::lookup_host((host, port))).await {
            Ok(Ok(found)) => {
                let found: Vec<_> = found.take(ADDRESSES).collect();
                if found.is_empty() { Err(fault(&no_address())) } else { Ok(found) }
            }
            Ok(Err(error)) => Err(fault(&error)),
            Err(elapsed) => Err(fault(&elapsed)),
        }
    }
}

/// The address that a host is written as.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn step(kind: &str, target: &str, started: Instant, gave: String, fault: Option<&Fault>) -> Step {
    Step { kind: kind.to_owned(), target: target.to_owned(), took_ms: ms_since(started), gave, fault: fault.cloned() }
}

fn fault(kind: FaultKind, why: &str) -> Fault {
    Fault { kind, at_ms: 0.0, chain: vec![why.to_owned()] }
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

pub(super) fn url_place(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
}

pub(super) fn proxy_place(hit: &Intercept) -> Option<(String, u16)> {
    let uri = hit.uri();
    let usual = match uri.scheme_str() {
        Some("https") => 443,
        Some("http") | None => 80,
        Some(_) => 1080,
    };
    Some((uri.host()?.to_owned(), uri.port_u16().unwrap_or(usual)))
}

/// What can be said without a resolver.
fn is_loopback_name(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

fn addresses_line(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ")
}

fn session_line(session: &rustls::ClientConnection) -> String {
    let version = match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    let protocol = session.alpn_protocol().map_or_else(|| "no ALPN".to_owned(), |name| String::from_utf8_lossy(name).into_owned());
    let leaf = session.peer_certificates().and_then(|chain| chain.first()).and_then(|leaf| Leaf::read(leaf));
    let leaf = leaf.map_or_else(|| "certificate unreadable".to_owned(), |leaf| leaf.line());
    format!("{version}, {protocol}, {leaf}")
}

/// Says `CONNECT` and reads the head of the answer.
pub(super) async fn ask_proxy(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), hit: &Intercept, url: &Url) -> io::Result<()> {
    let (host, port) = url_place(url).ok_or_else(no_address)?;
    let auth = hit.basic_auth().map(|value| [b"Proxy-Authorization: ", value.as_bytes(), b"\r\n"].concat()).unwrap_or_default();
    let head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    stream.write_all(&[head.as_bytes(), &auth, b"\r\n"].concat()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") && answer.len() < PROXY_HEAD {
        // One byte at a time: what follows the head is TLS already.
        answer.push(stream.read_u8().await?);
    }
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let status = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if status.first() == Some(&b'2') { Ok(()) } else { Err(io::Error::other(format!("the proxy said: {}", line.escape_ascii()))) }
}
