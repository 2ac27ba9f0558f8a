//! One request on its way to the upstream, and the answer on its way back.

use std::sync::Arc;

use http::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, UPGRADE};
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, Response, Version};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::sync::Mutex;
use url::Url;

use super::answer;
use super::lane::Lane;
use super::record::{Desk, End, Record};
use super::tap::{Answer, Download, Upload, Waiting};
use super::wire::Line;
use crate::evidence::{Fault, FaultKind};
use crate::http as way;

/// Headers that a message may have.
pub const MAX_HEADERS: usize = 1000;
/// Headers that are about one connection and not about the message.
const HOP_BY_HOP: [&str; 7] = ["connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "transfer-encoding", "upgrade"];

/// Where requests go.
pub struct Upstream {
    /// Opens connections.
    pub client: way::Client,
    /// Scheme, host and port; the path is the request's own.
    pub url: Url,
    /// The base URL that clients are given.
    pub base_url: String,
    /// Keeps the records.
    pub desk: Arc<Desk>,
}

/// One connection of a client, with its own to the upstream.
pub struct Pair {
    upstream: Arc<Upstream>,
    number: u64,
    line: Arc<Line>,
    open: Mutex<Option<Open>>,
}

/// A connection to the upstream that stands.
struct Open {
    send: SendRequest<Upload>,
    lane: Lane,
    whole_url: bool,
    proxy_authorization: Option<HeaderValue>,
    used: bool,
}

/// Why the client gets no answer of the upstream.
enum NoAnswer {
    /// Its connection ends as the upstream's did.
    BrokeOff(Fault),
    /// There was nothing that could be passed on.
    Unreachable(Fault),
}

impl Pair {
    /// A connection of a client; the one to the upstream is opened with its first request.
    pub fn new(upstream: Arc<Upstream>, number: u64, line: Arc<Line>) -> Self {
        Pair { upstream, number, line, open: Mutex::new(None) }
    }

    /// Passes a request on. An error is one that the client's connection ends with.
    pub async fn pass(&self, request: Request<Incoming>) -> Result<Response<Answer>, BrokenOff> {
        if request.method() == Method::CONNECT {
            return Ok(answer::no_proxy(&self.upstream.base_url));
        }
        if let Some(protocol) = upgrade(request.headers()) {
            return Ok(answer::no_upgrade(&protocol));
        }
        let url = self.url(request.uri());
        let record = self.upstream.desk.begin(self.number, request.method().clone(), url, request.headers().clone());
        let waiting = Waiting::new(&record);
        let request = self.rewritten(request, &record);
        match self.send(request, &record).await {
            Ok((answer, lane)) => {
                waiting.answered();
                Ok(self.answered(answer, lane, record))
            }
            Err(NoAnswer::Unreachable(fault)) => {
                let answer = answer::unreachable(self.origin(), &fault);
                record.end(End::Failed(fault));
                Ok(answer)
            }
            Err(NoAnswer::BrokeOff(fault)) => {
                if fault.kind == FaultKind::Reset {
                    self.line.reset();
                }
                record.end(End::Failed(fault));
                Err(BrokenOff)
            }
        }
    }

    fn origin(&self) -> &str {
        self.upstream.url.as_str().trim_end_matches('/')
    }

    fn url(&self, asked: &Uri) -> String {
        format!("{}{}", self.origin(), asked.path_and_query().map_or("/", PathAndQuery::as_str))
    }

    /// The same request for another host: headers in their order, without those that are about the client's connection.
    fn rewritten(&self, request: Request<Incoming>, record: &Arc<Record>) -> Request<Upload> {
        let (mut head, body) = request.into_parts();
        head.uri = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")).into();
        head.version = Version::HTTP_11;
        let host = self.host();
        let named = head.headers.contains_key(HOST);
        let mut headers = if named { HeaderMap::new() } else { HeaderMap::from_iter([(HOST, host.clone())]) };
        for (name, value) in end_to_end(&head.headers) {
            headers.append(name.clone(), if name == HOST { host.clone() } else { value.clone() });
        }
        head.headers = headers;
        Request::from_parts(head, Upload::new(body, record.clone()))
    }

    fn host(&self) -> HeaderValue {
        let url = &self.upstream.url;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = format!("{}{port}", url.host_str().unwrap_or_default());
        HeaderValue::from_str(&host).expect("a URL's host is ASCII without controls")
    }

    async fn send(&self, mut request: Request<Upload>, record: &Arc<Record>) -> Result<(Response<Incoming>, Lane), NoAnswer> {
        let mut held = self.open.lock().await;
        loop {
            let kept = match held.take() {
                Some(mut open) => open.lane.until(open.send.ready()).await.is_ok().then_some(open),
                None => None,
            };
            let mut open = match kept {
                Some(open) => open,
                None => match self.open(record).await {
                    Ok(open) => open,
                    Err(fault) => {
                        request.into_body().drain().await;
                        return Err(NoAnswer::Unreachable(fault));
                    }
                },
            };
            open.address(&mut request, self.origin());
            let used = std::mem::replace(&mut open.used, true);
            match open.lane.until(open.send.try_send_request(request)).await {
                Ok(answer) => {
                    let lane = open.lane.clone();
                    *held = Some(open);
                    return Ok((answer, lane));
                }
                Err(mut failed) => match failed.take_message() {
                    // Nothing of it was written: the upstream had closed an idle connection.
                    Some(unsent) if used => request = unsent,
                    _ => return Err(no_answer(way::unanswered(&failed.into_error(), record.ms()))),
                },
            }
        }
    }

    async fn open(&self, record: &Record) -> Result<Open, Fault> {
        let way = self.upstream.client.open(&self.upstream.url).await?;
        let mut builder = Builder::new();
        builder.preserve_header_case(true).max_headers(MAX_HEADERS);
        let shaken = builder.handshake(TokioIo::new(way.stream)).await;
        let (send, connection) = shaken.map_err(|error| way::unanswered(&error, record.ms()))?;
        Ok(Open { send, lane: Lane::new(connection), whole_url: way.whole_url, proxy_authorization: way.proxy_authorization, used: false })
    }

    fn answered(&self, answer: Response<Incoming>, lane: Lane, record: Arc<Record>) -> Response<Answer> {
        let (mut head, body) = answer.into_parts();
        record.head(head.status, head.version, head.headers.clone());
        let closes = names_close(&head.headers);
        let mut headers: HeaderMap = HeaderMap::with_capacity(head.headers.len());
        for (name, value) in end_to_end(&head.headers) {
            headers.append(name.clone(), value.clone());
        }
        if closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        head.headers = headers;
        Response::from_parts(head, Answer::Passed(Download::new(body, lane, record, self.line.clone())))
    }
}

impl Open {
    /// What a proxy that passes plain HTTP on wants to see.
    fn address(&self, request: &mut Request<Upload>, origin: &str) {
        if !self.whole_url {
            return;
        }
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        if let Ok(whole) = format!("{origin}{path}").parse() {
            *request.uri_mut() = whole;
        }
        if let Some(value) = &self.proxy_authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value.clone());
        }
    }
}

/// The upstream broke off before it answered: so does the client's connection.
#[derive(Debug, thiserror::Error)]
#[error("the upstream broke off")]
pub struct BrokenOff;

/// A connection that ends can be passed on; words that are no HTTP cannot.
fn no_answer(fault: Fault) -> NoAnswer {
    match fault.kind {
        FaultKind::Reset | FaultKind::Closed => NoAnswer::BrokeOff(fault),
        _ => NoAnswer::Unreachable(fault),
    }
}

/// The headers that belong to the message, in their order.
fn end_to_end(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    headers.iter().filter(move |(name, _)| !HOP_BY_HOP.contains(&name.as_str()) && !named.iter().any(|hop| hop == name.as_str()))
}

fn names_close(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|token| token.trim().eq_ignore_ascii_case("close"))
}

/// The protocol that a connection shall change to. `h2c` is an offer that may be passed over, as most servers do.
fn upgrade(headers: &HeaderMap) -> Option<String> {
    let wanted = headers.get(UPGRADE)?.to_str().unwrap_or("unreadable").trim();
    (!wanted.eq_ignore_ascii_case("h2c")).then(|| wanted.chars().filter(char::is_ascii_graphic).take(40).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().expect("a name"), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_is_about_the_connection_stays_behind() {
        let headers = map(&[("a", "1"), ("connection", "keep-alive, X-Mine"), ("x-mine", "2"), ("te", "trailers"), ("b", "3"), ("a", "4")]);
        let passed: Vec<_> = end_to_end(&headers).map(|(name, value)| (name.as_str(), value.to_str().expect("text"))).collect();
        assert_eq!(passed, [("a", "1"), ("a", "4"), ("b", "3")]);
    }

    #[test]
    fn an_offer_of_h2c_is_passed_over() {
        assert_eq!(upgrade(&map(&[("upgrade", "websocket")])).as_deref(), Some("websocket"));
        assert_eq!(upgrade(&map(&[("upgrade", "h2c")])), None);
    }
}
