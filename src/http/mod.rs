//! One request out, one outcome back: the only owner of reqwest and of TLS. Nothing that a server does is an error here.

mod body;
mod certificate;
mod classify;
mod connect;
mod decode;
mod open;
mod proxy;
mod request;
mod response;
#[cfg(test)]
mod tests;
mod tls;

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Method};
use hyper_util::client::proxy::matcher::Matcher;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::evidence::{Fault, FaultKind, Outcome, Response};
use crate::pace::Pace;
use crate::secret::Scrubber;

pub use body::undone;
pub use open::{Stream, Way, cut, unanswered};
pub use request::{is_credential, is_credential_parameter, shown_headers, shown_url};
pub use response::kept_headers;

/// Decoded bytes before an arrival that are shown to [`Call::stop_after`] once more.
pub const TAIL: usize = 1024;
/// Headers that an answer may have; with more it counts as a bad head. Real servers stay below 100.
const MAX_HEADERS: usize = 1000;
/// Bytes of the headers of an HTTP/2 answer.
const MAX_H2_HEADERS: u32 = 256 * 1024;

/// How the way to a server is gone.
#[derive(Default)]
pub struct Options {
    /// Headers of every request; each takes the place of the call's own header of the same name.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The bytes of PEM files with authorities that are trusted besides those of the system.
    pub cacert: Vec<Vec<u8>>,
    /// A client certificate and its key, PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Trust any certificate.
    pub insecure: bool,
    /// Which proxy is used.
    pub proxy: ProxyChoice,
    /// Addresses that stand in for what the resolver says about a host: host, port, address. reqwest resolves hosts and not ports, so an
    /// entry holds for all ports of its host.
    pub resolve: Vec<(String, u16, IpAddr)>,
}

/// Which proxy is used.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum ProxyChoice {
    /// What the environment (or the system) says.
    #[default]
    Environment,
    /// None, whatever the environment says.
    None,
    /// This one, for every request.
    Url(Url),
}

/// Why no client can be made of [`Options`]. No message holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A file of authorities holds no certificate that can be used.
    #[error("the CA file holds no usable certificate: {0}")]
    Authority(String),
    /// The client certificate or its key cannot be used.
    #[error("the client certificate cannot be used: {0}")]
    Identity(String),
    /// The proxy cannot be used.
    #[error("the proxy cannot be used: {0}")]
    Proxy(String),
    /// Anything else that keeps the client from being made.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
}

/// Sends requests. A clone shares everything with its original, also the budget of kept bytes.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    pace: Pace,
    scrubber: Scrubber,
    headers: Vec<(HeaderName, HeaderValue)>,
    resolve: Vec<(String, u16, IpAddr)>,
    proxy: ProxyChoice,
    matcher: Option<Matcher>,
    trust: tls::Trust,
    /// Loading the system's authorities takes a while: done when the first `https://` URL is met.
    secure_config: OnceLock<Arc<ClientConfig>>,
    /// The same for connections on which only HTTP/1.1 is spoken.
    http1_config: OnceLock<Arc<ClientConfig>>,
    secure: OnceLock<Result<reqwest::Client, String>>,
    plain: reqwest::Client,
    /// Bytes kept of all bodies so far.
    kept: AtomicUsize,
}

/// A request to be sent.
#[derive(Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The URL; a user name in it is sent as Basic authorization, unless there is another one.
    pub url: Url,
    /// The headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// Tells whether a stream has announced its end. It is shown, after every arrival, what came with it and the
    /// [`TAIL`] decoded bytes before.
    pub stop_after: Option<fn(&[u8]) -> bool>,
    /// How long the whole exchange may take; [`Pace::total`] when `None`.
    pub patience: Option<Duration>,
    /// True when the URL leads to another place than the target: [`Options::headers`], which may hold credentials, stay out.
    pub foreign: bool,
}

impl Call {
    /// A call without headers, body or wishes.
    pub fn new(method: Method, url: Url) -> Self {
        Call { method, url, headers: Vec::new(), body: None, stop_after: None, patience: None, foreign: false }
    }
}

/// What was sent, and what came of it.
#[derive(Debug, Clone)]
pub struct Performed {
    /// What came of it.
    pub outcome: Outcome,
    /// The URL without credentials.
    pub url: String,
    /// The headers that were sent, lower-case names, without those that carry credentials.
    pub headers: Vec<(String, String)>,
}

impl Client {
    /// Makes a client. Neither the network nor the system's authorities are touched.
    ///
    /// # Errors
    /// When a certificate, a key or the proxy cannot be used.
    pub fn new(options: Options, pace: Pace, scrubber: Scrubber) -> Result<Client, Unusable> {
        let trust = tls::Trust::read(&options)?;
        let matcher = proxy::matcher(&options.proxy);
        let plain = builder(&pace, &options.proxy, &options.resolve, trust.bare_config())?
            .build()
            .map_err(|error| Unusable::Client(classify::words(&error.without_url(), &scrubber).join(": ")))?;
        Ok(Client(Arc::new(Shared {
            pace,
            scrubber,
            headers: options.headers,
            resolve: options.resolve,
            proxy: options.proxy,
            matcher,
            trust,
            secure_config: OnceLock::new(),
            http1_config: OnceLock::new(),
            secure: OnceLock::new(),
            plain,
            kept: AtomicUsize::new(0),
        })))
    }

    /// Sends one request and reads its answer. Redirects are not followed and nothing is sent twice.
    pub async fn perform(&self, call: Call) -> Performed {
        let shared = &*self.0;
        let extra = if call.foreign { &[][..] } else { &shared.headers };
        let (call, request) = request::build(call, extra);
        let url = request::shown_url(&call.url, &shared.scrubber);
        let headers = request::shown_headers(request.headers(), &shared.scrubber);
        let outcome = match shared.client_for(&call.url) {
            Ok(client) => shared.exchange(client, request, &call).await,
            Err(why) => Outcome::Fault(Fault { kind: FaultKind::Unsendable, at_ms: 0.0, chain: vec![why] }),
        };
        Performed { outcome, url, headers }
    }

    /// The proxy on the way to this URL, credentials blanked; `None` when there is none.
    pub fn proxy_for(&self, url: &Url) -> Option<String> {
        self.0.intercept(url).map(|hit| proxy::shown(&hit))
    }
}

impl Shared {
    async fn exchange(&self, client: &reqwest::Client, request: reqwest::Request, call: &Call) -> Outcome {
        let started = Instant::now();
        let deadline = started + call.patience.unwrap_or(self.pace.total);
        let answer = match timeout_at(deadline, client.execute(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Outcome::Fault(self.no_answer(error.without_url(), started, &call.url)),
            Err(_) => return Outcome::Fault(Fault { kind: FaultKind::NoAnswer, at_ms: ms_since(started), chain: Vec::new() }),
        };
        let headers_ms = ms_since(started);
        let status = answer.status().as_u16();
        let version = format!("{:?}", answer.version());
        let headers = response::kept_headers(answer.headers(), &self.scrubber);
        let reading = body::Reading {
            started,
            deadline,
            idle: self.pace.idle,
            close: self.pace.close,
            cap: self.body_cap(),
            stop_after: call.stop_after,
            scrubber: &self.scrubber,
        };
        let read = reading.read(answer).await;
        self.kept.fetch_add(read.body.bytes.len(), Ordering::Relaxed);
        let body::Read { body, cut, left_open } = read;
        Outcome::Response(Response { status, version, headers, headers_ms, body, cut, left_open, total_ms: ms_since(started) })
    }

    fn no_answer(&self, error: reqwest::Error, started: Instant, url: &Url) -> Fault {
        let proxied = self.intercept(url).is_some();
        Fault { kind: classify::before_head(&error, proxied), at_ms: ms_since(started), chain: classify::words(&error, &self.scrubber) }
    }

    fn body_cap(&self) -> usize {
        let spent = self.kept.load(Ordering::Relaxed) >= self.pace.max_kept;
        let cap = if spent { Pace::TAIL_BODY.min(self.pace.max_body) } else { self.pace.max_body };
        cap.min(u32::MAX as usize)
    }

    /// The client with the system's authorities only when TLS is spoken.
    fn client_for(&self, url: &Url) -> Result<&reqwest::Client, String> {
        let by_tls = url.scheme() == "https" || self.intercept(url).is_some_and(|hit| hit.uri().scheme_str() == Some("https"));
        if !by_tls {
            return Ok(&self.plain);
        }
        let made = self.secure.get_or_init(|| {
            let config = (*self.tls_config()).clone();
            let builder = builder(&self.pace, &self.proxy, &self.resolve, config).map_err(|error| error.to_string())?;
            builder.build().map_err(|error| classify::words(&error.without_url(), &self.scrubber).join(": "))
        });
        made.as_ref().map_err(Clone::clone)
    }

    fn tls_config(&self) -> Arc<ClientConfig> {
        self.secure_config.get_or_init(|| Arc::new(self.trust.config())).clone()
    }

    fn intercept(&self, url: &Url) -> Option<hyper_util::client::proxy::matcher::Intercept> {
        proxy::intercept(self.matcher.as_ref()?, url)
    }
}

fn builder(
    pace: &Pace,
    proxy: &ProxyChoice,
    resolve: &[(String, u16, IpAddr)],
    tls: ClientConfig,
) -> Result<reqwest::ClientBuilder, Unusable> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_max_idle_per_host(0)
        .tcp_nodelay(true)
        .http1_max_headers(MAX_HEADERS)
        .http2_max_header_list_size(MAX_H2_HEADERS)
        .connect_timeout(pace.connect);
    let builder = resolve.iter().fold(builder, |builder, (host, _, ip)| builder.resolve(host, (*ip, 0).into()));
    match proxy {
        ProxyChoice::Environment => Ok(builder),
        ProxyChoice::None => Ok(builder.no_proxy()),
        ProxyChoice::Url(url) => Ok(builder.proxy(proxy::of(url)?)),
    }
}

fn ms_since(started: Instant) -> f64 {
    ms(started.elapsed())
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
