//! The peers of a relay in tests: a client and an upstream that write and read raw bytes, and the relay between them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use llmdoctor::capture::{Keeper, Relay};
use llmdoctor::evidence::{Captured, Header, SESSION_SCHEMA};
use llmdoctor::http::{Client, Options, ProxyChoice};
use llmdoctor::pace::Pace;
use llmdoctor::report::Passed;
use llmdoctor::secret::Scrubber;
use llmdoctor::triage::captured::Watch;
use tokio::sync::oneshot;

/// Longer than anything here takes: reaching it is a failure, not a measure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A relay on a thread of its own.
pub struct Between {
    pub addr: SocketAddr,
    captured: Receiver<Captured>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Between {
    /// A relay to this upstream, whose API lives at `/v1`.
    pub fn to(upstream: SocketAddr) -> Self {
        let (tell_addr, addr) = channel();
        let (tell, captured) = channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let keeper = Mutex::new(Keeper::default());
            let tell = Mutex::new(tell);
            let sink = Arc::new(move |passed| {
                let captured = keeper.lock().expect("a keeper").keep(passed);
                let _ = tell.lock().expect("a channel").send(captured);
            });
            let options = Options { proxy: ProxyChoice::None, ..Options::default() };
            let client = Client::new(options, Pace::default(), Scrubber::default()).expect("a client");
            let url = format!("http://{upstream}/v1").parse().expect("a URL");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let relay = Relay::listen((Ipv4Addr::LOCALHOST, 0).into(), &url, client, sink).await.expect("a port");
                tell_addr.send(relay.base_url().to_owned()).expect("somebody waits");
                relay.serve(async { drop(stopped.await) }).await;
            });
        });
        let base_url = addr.recv_timeout(PATIENCE).expect("a relay");
        let addr =
            base_url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/v1")).expect("a base URL").parse().expect("an address");
        Between { addr, captured, stop: Some(stop), thread: Some(thread) }
    }

    /// A client's connection to it.
    pub fn client(&self) -> Peer {
        Peer::new(TcpStream::connect(self.addr).expect("the relay listens"))
    }

    /// The next exchange that is over.
    pub fn captured(&self) -> Captured {
        self.captured.recv_timeout(PATIENCE).expect("an exchange")
    }

    /// Stops it and gives what was not taken yet.
    pub fn stop(mut self) -> Vec<Captured> {
        self.end();
        self.captured.try_iter().collect()
    }

    fn end(&mut self) {
        // It ends when the sender is gone.
        self.stop = None;
        self.thread.take().into_iter().for_each(|thread| thread.join().expect("the relay does not panic"));
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

/// One end of a connection.
pub struct Peer(pub TcpStream);

impl Peer {
    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("an option");
        Peer(stream)
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("the peer reads");
    }

    /// Reads until what came ends so; panics when the connection ends before.
    pub fn until(&mut self, end: impl AsRef<[u8]>) -> Vec<u8> {
        let mut read = Vec::new();
        let mut byte = [0];
        while !read.ends_with(end.as_ref()) {
            assert_eq!(self.0.read(&mut byte).expect("bytes"), 1, "the connection ended behind {:?}", String::from_utf8_lossy(&read));
            read.push(byte[0]);
        }
        read
    }

    /// The head of a message.
    pub fn head(&mut self) -> String {
        String::from_utf8(self.until("\r\n\r\n")).expect("text")
    }

    pub fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).expect("so many bytes");
        bytes
    }

    /// Everything until the connection ends, and whether it ended in order.
    pub fn rest(&mut self) -> (Vec<u8>, std::io::Result<()>) {
        let mut bytes = Vec::new();
        let ended = self.0.read_to_end(&mut bytes).map(drop);
        (bytes, ended)
    }

    pub fn text_to_the_end(&mut self) -> String {
        let (bytes, ended) = self.rest();
        ended.expect("an orderly end");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// No more will be sent.
    pub fn finish(&self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

/// An upstream: every connection gets its turn with the function, one after the other, until the function says that it was the last.
pub struct Upstream {
    pub addr: SocketAddr,
    thread: JoinHandle<()>,
}

impl Upstream {
    /// Serves one connection.
    pub fn once(serve: impl FnOnce(Peer) + Send + 'static) -> Self {
        let mut serve = Some(serve);
        Upstream::many(1, move |peer, _| serve.take().expect("one connection")(peer))
    }

    /// Serves this many connections, one after the other; the function also gets their number, from 0.
    pub fn many(count: usize, mut serve: impl FnMut(Peer, usize) + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let addr = listener.local_addr().expect("an address");
        let thread = std::thread::spawn(move || {
            for number in 0..count {
                serve(Peer::new(listener.accept().expect("a connection").0), number);
            }
        });
        Upstream { addr, thread }
    }

    /// Ends the relay, then waits for the upstream, whose panics are the test's.
    pub fn finish(self, between: Between) -> Vec<Captured> {
        let left = between.stop();
        self.thread.join().expect("the upstream saw what it should");
        left
    }
}

/// A request of a chat.
pub fn chat(addr: SocketAddr, stream: bool) -> String {
    post(addr, &format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"stream":{stream}}}"#))
}

pub fn post(addr: SocketAddr, body: &str) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer sk-test-0123456789abcdef\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads a request with a Content-Length.
pub fn request(peer: &mut Peer) -> (String, Vec<u8>) {
    let head = peer.head();
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let body = peer.exactly(length);
    (head, body)
}

pub const SSE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

/// One event of a stream.
pub fn data(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

/// The same in a chunk of its own.
pub fn event(text: &str) -> String {
    chunk(&data(text))
}

pub fn last_event() -> String {
    let stop = chunk("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    stop + &chunk("data: [DONE]\n\n")
}

pub fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// What stands in chunks, and whether the last one was there.
pub fn unchunked(mut bytes: &[u8]) -> (String, bool) {
    let mut text = Vec::new();
    while let Some(at) = bytes.windows(2).position(|pair| pair == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..at]).expect("text"), 16).expect("a length");
        text.extend_from_slice(&bytes[at + 2..at + 2 + length]);
        bytes = &bytes[at + 4 + length..];
        if length == 0 {
            return (String::from_utf8(text).expect("text"), true);
        }
    }
    (String::from_utf8(text).expect("text"), false)
}

/// What is told of each exchange of a session.
pub fn told(captured: &[&Captured]) -> Vec<Passed> {
    let header = Header {
        schema: SESSION_SCHEMA.to_owned(),
        version: String::new(),
        started_at: String::new(),
        upstream: "http://h/v1".to_owned(),
        base_url: "http://127.0.0.1:1/v1".to_owned(),
    };
    let mut watch = Watch::new(&header);
    captured.iter().map(|captured| Passed::new(captured, watch.judge(captured))).collect()
}
