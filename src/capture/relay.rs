//! The listening side: takes connections and serves each with its own pair.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use super::pass::{MAX_HEADERS, Pair, Upstream};
use super::record::{Desk, Sink};
use super::wire::Wire;
use crate::http::Client;

/// The pause after a connection that could not be taken: there are too many open files, most often.
const BREATH: Duration = Duration::from_millis(50);

/// A relay that listens.
pub struct Relay {
    listener: TcpListener,
    upstream: Arc<Upstream>,
}

impl Relay {
    /// Listens on an address. `upstream` is the base URL that the client had; only its scheme, host and port matter to the relay, because
    /// paths are passed on as they are. Every exchange that is over goes to the sink.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn listen(at: SocketAddr, upstream: &Url, client: Client, sink: Sink) -> io::Result<Relay> {
        let listener = TcpListener::bind(at).await?;
        let base_url = base_url(listener.local_addr()?, upstream);
        let mut url = upstream.clone();
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        let upstream = Upstream { client, url, base_url, desk: Arc::new(Desk::new(sink)) };
        Ok(Relay { listener, upstream: Arc::new(upstream) })
    }

    /// The base URL to give to the client.
    pub fn base_url(&self) -> &str {
        &self.upstream.base_url
    }

    /// Passes on until `stop` is ready; what is under way then ends, and is recorded as far as it came.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        let mut number = 0;
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        number += 1;
                        connections.spawn(converse(stream, self.upstream.clone(), number));
                    }
                    Err(_) => tokio::time::sleep(BREATH).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
        self.upstream.desk.stop();
        connections.shutdown().await;
    }
}

/// Request after request of one client. A connection that fails is the client's business; the record says how it ended.
async fn converse(stream: TcpStream, upstream: Arc<Upstream>, number: u64) {
    let _ = stream.set_nodelay(true);
    let (wire, line) = Wire::new(stream);
    let pair = Arc::new(Pair::new(upstream, number, line));
    let service = service_fn(move |request| {
        let pair = pair.clone();
        async move { pair.pass(request).await }
    });
    let mut builder = Builder::new();
    builder.preserve_header_case(true).auto_date_header(false).max_headers(MAX_HEADERS);
    let _ = builder.serve_connection(wire, service).await;
}

/// The relay's address with the upstream's path behind it.
fn base_url(at: SocketAddr, upstream: &Url) -> String {
    let path = upstream.path().trim_end_matches('/');
    match at.ip().is_unspecified() {
        true => format!("http://127.0.0.1:{}{path}", at.port()),
        false => format!("http://{at}{path}"),
    }
}
