//! The listening side: takes connections, reads requests, plays scripts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep_until, timeout};
use tokio_rustls::server::TlsStream;

use super::gateway::{Memory, Moment};
use super::request::{Inbox, Received};
use super::script::{Act, Script};
use super::tls::Identity;
use super::{Scenario, Tempo};

/// No more requests than this are kept for [`Server::requests`].
const KEPT: usize = 10_000;

/// What a port does with those who connect.
#[derive(Clone, Copy)]
pub(super) enum Front {
    /// Speaks HTTP; a TLS greeting gets these bytes, and a close.
    Http(&'static [u8]),
    /// Speaks HTTPS; plain HTTP gets these bytes and a close, or goes to the TLS stack when there are none.
    Https(&'static Identity, &'static [u8]),
    /// Speaks HTTPS to those who greet with TLS and HTTP to the others; the gateway sees which by `X-Simulated-Tls`.
    Both(&'static Identity),
    /// The port is taken, and nobody listens.
    Closed,
    /// Someone listens and never accepts, with a full queue: the handshake gets no answer.
    Silent,
}

/// A simulated gateway. It stops when it is dropped.
pub struct Server {
    scenario: &'static Scenario,
    addr: SocketAddr,
    desk: Arc<Desk>,
    upstream: Option<Box<Server>>,
    // Ends with the server; holds the port where no task does.
    _port: Port,
}

impl Server {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no socket can be bound.
    pub async fn start(scenario: &'static Scenario, tempo: Tempo) -> io::Result<Server> {
        Server::start_on(scenario, (Ipv4Addr::LOCALHOST, 0).into(), tempo).await
    }

    /// Starts on this address.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start_on(scenario: &'static Scenario, addr: SocketAddr, tempo: Tempo) -> io::Result<Server> {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.bind(addr)?;
        let addr = socket.local_addr()?;
        let desk = Arc::new(Desk::new(scenario, addr, tempo));
        let port = match scenario.front {
            Front::Closed => Port::Bound { _socket: socket },
            Front::Silent => silent(socket, addr).await?,
            _ => Port::Served(tokio::spawn(accept(socket.listen(1024)?, desk.clone()))),
        };
        let upstream = match scenario.upstream {
            Some(upstream) => Some(Box::new(Box::pin(Server::start(upstream, tempo)).await?)),
            None => None,
        };
        Ok(Server { scenario, addr, desk, upstream, _port: port })
    }

    /// The base URL that the user types, with this server's address filled in.
    pub fn base_url(&self) -> String {
        let base = self.scenario.base.replace("{addr}", &self.addr.to_string());
        base.replace("{port}", &self.addr.port().to_string())
    }

    /// What it simulates.
    pub fn scenario(&self) -> &'static Scenario {
        self.scenario
    }

    /// What stands behind it, on a port of its own.
    pub fn upstream(&self) -> Option<&Server> {
        self.upstream.as_deref()
    }

    /// The address of the port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What arrived so far, in order; the first 10,000 requests.
    pub fn requests(&self) -> Vec<Received> {
        self.desk.kept().clone()
    }

    /// The certificate that a client must trust for this scenario to be what it says.
    pub fn ca_pem(&self) -> Option<&'static str> {
        match self.scenario.front {
            Front::Https(identity, _) | Front::Both(identity) => identity.ca,
            _ => None,
        }
    }
}

enum Port {
    Served(JoinHandle<()>),
    Bound { _socket: TcpSocket },
    Full { _listener: TcpListener, _queue: Vec<TcpStream> },
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Port::Served(task) = self {
            task.abort();
        }
    }
}

/// Fills the accept queue, so that the kernel drops every further SYN.
async fn silent(socket: TcpSocket, addr: SocketAddr) -> io::Result<Port> {
    let listener = socket.listen(1)?;
    let mut queue = Vec::new();
    // The queue takes one or two more than asked for; a connection that does not come about proves that it is full.
    while let Ok(Ok(stream)) = timeout(Duration::from_millis(100), TcpStream::connect(addr)).await {
        queue.push(stream);
    }
    Ok(Port::Full { _listener: listener, _queue: queue })
}

/// What all connections share.
struct Desk {
    scenario: &'static Scenario,
    addr: SocketAddr,
    unit: Duration,
    start: Instant,
    kept: Mutex<Vec<Received>>,
    chats: AtomicU32,
    open: AtomicU32,
    first_chat: OnceLock<Instant>,
    memory: Memory,
}

impl Desk {
    fn new(scenario: &'static Scenario, addr: SocketAddr, tempo: Tempo) -> Desk {
        Desk {
            scenario,
            addr,
            unit: tempo.0,
            start: Instant::now(),
            kept: Mutex::default(),
            chats: AtomicU32::new(0),
            open: AtomicU32::new(0),
            first_chat: OnceLock::new(),
            memory: Memory::default(),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Received>> {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn keep(&self, request: &Received) {
        let mut kept = self.kept();
        if kept.len() < KEPT {
            kept.push(request.clone());
        }
    }

    /// Asks the gateway, which also sees how many chats began before and are open now.
    fn answer(&self, request: &Received) -> Script {
        let first = if request.is_chat() { *self.first_chat.get_or_init(Instant::now) } else { Instant::now() };
        let moment = Moment {
            addr: self.addr,
            chat: self.chats.load(Ordering::SeqCst),
            open: self.open.load(Ordering::SeqCst),
            units: first.elapsed().as_secs_f32() / self.unit.as_secs_f32(),
            memory: &self.memory,
        };
        self.scenario.gateway.answer(request, &moment)
    }
}

/// Counts a chat as open while it lives.
struct Open<'a>(Option<&'a AtomicU32>);

impl<'a> Open<'a> {
    fn new(desk: &'a Desk, request: &Received) -> Open<'a> {
        let open = request.is_chat().then_some(&desk.open);
        if let Some(open) = open {
            desk.chats.fetch_add(1, Ordering::SeqCst);
            open.fetch_add(1, Ordering::SeqCst);
        }
        Open(open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(open) = self.0 {
            open.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Takes connections for ever. They live in this task's set, so that they end with it.
async fn accept(listener: TcpListener, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(greet(stream, desk.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Looks at the first byte to see whether TLS is spoken. A connection that fails is the client's business: nobody is told.
async fn greet(mut stream: TcpStream, desk: Arc<Desk>) {
    const TLS_HANDSHAKE: u8 = 0x16;
    let _ = stream.set_nodelay(true);
    let mut first = [0];
    if !matches!(stream.peek(&mut first).await, Ok(1)) {
        return;
    }
    let tls = first[0] == TLS_HANDSHAKE;
    let _ = match desk.scenario.front {
        Front::Http(reply) if tls => refuse(&mut stream, reply).await,
        Front::Https(_, reply) if !tls && !reply.is_empty() => refuse(&mut stream, reply).await,
        Front::Https(identity, _) => secure(stream, identity, &desk).await,
        Front::Both(identity) if tls => secure(stream, identity, &desk).await,
        _ => converse(stream, &desk, false).await,
    };
}

/// Reads what there is, answers with fixed bytes and closes. Unread bytes would turn the close into a reset.
async fn refuse(stream: &mut TcpStream, reply: &[u8]) -> io::Result<()> {
    Inbox::default().fill(stream).await?;
    stream.write_all(reply).await?;
    stream.shutdown().await
}

async fn secure(stream: TcpStream, identity: &Identity, desk: &Desk) -> io::Result<()> {
    let stream = identity.acceptor()?.accept(stream).await?;
    converse(stream, desk, true).await
}

/// A connection, plain or not.
trait Wire: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Request after request, until one side ends it.
async fn converse(mut wire: impl Wire, desk: &Desk, tls: bool) -> io::Result<()> {
    let mut inbox = Inbox::default();
    while let Some(mut request) = inbox.head(&mut wire, desk.start).await? {
        if request.awaits_continue() {
            wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        inbox.body(&mut wire, &mut request).await?;
        desk.keep(&request);
        if tls {
            request.headers.push(("X-Simulated-Tls".to_owned(), "1".to_owned()));
        }
        let _open = Open::new(desk, &request);
        let script = desk.answer(&request);
        if !play(&mut wire, &mut inbox, script, desk.unit).await? {
            break;
        }
        if request.is_last() {
            return wire.shutdown().await;
        }
    }
    Ok(())
}

/// Plays a script; true when the connection may be used again. Waits end early when the client goes.
async fn play(wire: &mut impl Wire, inbox: &mut Inbox, script: Script, unit: Duration) -> io::Result<bool> {
    // Waits count from one schedule, so that a stream takes as long as the same answer told whole.
    let mut due = tokio::time::Instant::now();
    for act in script {
        match act {
            Act::Send(bytes) => wire.write_all(&bytes).await?,
            Act::Repeat(bytes, times) => repeat(wire, &bytes, times).await?,
            Act::Wait(units) => {
                due += unit.mul_f32(units);
                if !linger(wire, inbox, Some(due)).await? {
                    return Ok(false);
                }
            }
            Act::Fin => return wire.shutdown().await.map(|()| false),
            Act::Reset => return wire.tcp().set_zero_linger().map(|()| false),
            Act::Hang => return linger(wire, inbox, None).await.map(|_| false),
        }
        wire.flush().await?;
    }
    Ok(true)
}

async fn repeat(wire: &mut impl Wire, bytes: &[u8], times: u64) -> io::Result<()> {
    for _ in 0..times {
        wire.write_all(bytes).await?;
    }
    Ok(())
}

/// Waits until then, or for ever; false when the client closed meanwhile.
async fn linger(wire: &mut impl Wire, inbox: &mut Inbox, due: Option<tokio::time::Instant>) -> io::Result<bool> {
    loop {
        tokio::select! {
            () = async { match due { Some(due) => sleep_until(due).await, None => std::future::pending().await } } => {
                return Ok(true);
            }
            read = inbox.fill(wire) => if read? == 0 { return Ok(false) },
        }
    }
}
