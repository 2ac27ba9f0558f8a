//! Opening a connection to speak HTTP/1.1 on, by the same name resolution, proxy and trust as every other request.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::Url;

use super::{Client, Shared, classify, connect, ms_since};
use crate::evidence::{Fault, FaultKind};
use crate::secret::Scrubber;

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection on which HTTP/1.1 can be spoken.
pub struct Way {
    /// The connection, TLS included.
    pub stream: Box<dyn Stream>,
    /// True when a proxy passes plain HTTP on: requests then name their whole URL.
    pub whole_url: bool,
    /// What the proxy wants to see in each such request.
    pub proxy_authorization: Option<HeaderValue>,
}

/// Any error on the way.
type Failure = Box<dyn Error + Send + Sync>;

impl Client {
    /// Opens a connection to a URL's host, through the proxy if there is one. Nothing is sent on it.
    ///
    /// # Errors
    /// With the fault that kept it from standing.
    pub async fn open(&self, url: &Url) -> Result<Way, Fault> {
        let started = Instant::now();
        let shared = &*self.0;
        let proxy = shared.intercept(url);
        let opening = Opening { shared, url, started };
        match proxy {
            None => opening.direct().await,
            Some(hit) => opening.through(&hit).await,
        }
    }
}

/// What keeps an answer from beginning, once the connection stands: from the error of the library that speaks HTTP on it.
pub fn unanswered(error: &(dyn Error + 'static), at_ms: f64) -> Fault {
    Fault { kind: classify::unanswered(error), at_ms, chain: classify::words(error, &Scrubber::default()) }
}

/// What cut a body, from the same.
pub fn cut(error: &(dyn Error + 'static), at_ms: f64) -> Fault {
    Fault { kind: classify::in_body(error), at_ms, chain: classify::words(error, &Scrubber::default()) }
}

struct Opening<'a> {
    shared: &'a Shared,
    url: &'a Url,
    started: Instant,
}

impl Opening<'_> {
    async fn direct(&self) -> Result<Way, Fault> {
        let place = connect::url_place(self.url).ok_or_else(|| self.fault(FaultKind::Unsendable, "the URL names no host and port"))?;
        let tcp = self.tcp(&place.0, place.1).await?;
        self.secured(Box::new(tcp)).await
    }

    async fn through(&self, hit: &Intercept) -> Result<Way, Fault> {
        if hit.uri().scheme_str().is_some_and(|scheme| scheme.starts_with("socks")) {
            let stream = self.within(self.socks(hit)).await?;
            return self.secured(stream).await;
        }
        let (host, port) = connect::proxy_place(hit).ok_or_else(|| self.fault(FaultKind::Proxy, "the proxy has no host"))?;
        let mut stream: Box<dyn Stream> = Box::new(self.tcp(&host, port).await?);
        if hit.uri().scheme_str() == Some("https") {
            stream = self.shake(stream, &host).await?;
        }
        if self.url.scheme() == "http" {
            return Ok(Way { stream, whole_url: true, proxy_authorization: hit.basic_auth().cloned() });
        }
        self.within(async { Ok(connect::ask_proxy(&mut stream, hit, self.url).await?) }).await?;
        self.secured(stream).await
    }

    /// TLS on top, when the URL says so.
    async fn secured(&self, stream: Box<dyn Stream>) -> Result<Way, Fault> {
        let stream = match self.url.scheme() {
            "https" => self.shake(stream, self.url.host_str().unwrap_or_default()).await?,
            _ => stream,
        };
        Ok(Way { stream, whole_url: false, proxy_authorization: None })
    }

    async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, Fault> {
        let addresses = self.shared.addresses(host, port).await?;
        let mut connector = HttpConnector::new_with_resolver(Known(addresses));
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(self.shared.pace.connect));
        // The name only has to be one: the addresses are known.
        let uri: Uri = format!("http://known:{port}").parse().map_err(|_| self.fault(FaultKind::Unsendable, "no such port"))?;
        match connector.call(uri).await {
            Ok(stream) => Ok(stream.into_inner()),
            Err(error) => Err(self.failed(classify::handshake(&error), &error)),
        }
    }

    async fn shake(&self, stream: Box<dyn Stream>, host: &str) -> Result<Box<dyn Stream>, Fault> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|error| self.failed(FaultKind::Unsendable, &error))?;
        let connector = TlsConnector::from(self.shared.tls_config_for_http1());
        match timeout(self.shared.pace.connect, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(self.failed(classify::handshake(&error), &error)),
            Err(elapsed) => Err(self.failed(FaultKind::Handshake, &elapsed)),
        }
    }

    async fn socks(&self, hit: &Intercept) -> Result<Box<dyn Stream>, Failure> {
        let (host, port) = connect::url_place(self.url).ok_or("the URL names no host and port")?;
        let target: Uri = format!("http://{host}:{port}").parse()?;
        let (proxy_host, proxy_port) = connect::proxy_place(hit).ok_or("the proxy has no host")?;
        let address: Uri = format!("http://{proxy_host}:{proxy_port}").parse()?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let scheme = hit.uri().scheme_str().unwrap_or_default();
        let local = matches!(scheme, "socks4" | "socks5");
        let stream: TokioIo<TcpStream> = if scheme.starts_with("socks4") {
            SocksV4::new(address, tcp).local_dns(local).call(target).await?
        } else {
            let socks = SocksV5::new(address, tcp).local_dns(local);
            match hit.raw_auth() {
                Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()).call(target).await?,
                None => socks.clone().call(target).await?,
            }
        };
        Ok(Box::new(stream.into_inner()))
    }

    /// What a proxy is asked, within our patience.
    async fn within<T>(&self, asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Fault> {
        match timeout(self.shared.pace.connect, asked).await {
            Ok(Ok(given)) => Ok(given),
            Ok(Err(error)) => Err(self.failed(FaultKind::Proxy, &*error)),
            Err(elapsed) => Err(self.failed(FaultKind::Proxy, &elapsed)),
        }
    }

    fn failed(&self, kind: FaultKind, error: &(dyn Error + 'static)) -> Fault {
        Fault { kind, at_ms: ms_since(self.started), chain: classify::words(error, &self.shared.scrubber) }
    }

    fn fault(&self, kind: FaultKind, why: &str) -> Fault {
        Fault { kind, at_ms: ms_since(self.started), chain: vec![why.to_owned()] }
    }
}

impl Shared {
    /// The TLS configuration for connections on which nothing but HTTP/1.1 is spoken.
    fn tls_config_for_http1(&self) -> Arc<ClientConfig> {
        let known = &self.http1_config;
        known
            .get_or_init(|| {
                let mut config = (*self.tls_config()).clone();
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Arc::new(config)
            })
            .clone()
    }
}

/// Addresses that are known already.
#[derive(Clone)]
struct Known(Vec<SocketAddr>);

impl Service<Name> for Known {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(self.0.clone().into_iter()))
    }
}
