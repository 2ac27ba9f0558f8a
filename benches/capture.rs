//! What the relay costs, each figure beside the same without it in this run: `cargo bench --bench capture`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const EXE: &str = env!("CARGO_BIN_EXE_llmdoctor");
/// Requests whose first byte is timed, each way.
const FIRST_BYTES: usize = 400;
/// Streams of each speed, each way.
const STREAMS: usize = 9;
/// Milliseconds that the relay may add to the first byte.
const ADDS_MS: f64 = 1.0;
/// The share of the direct speed that a stream keeps, at least.
const KEEPS: f64 = 0.9;

/// A stream of events of one token each.
struct Speed {
    name: &'static str,
    events: usize,
    /// Between two events; none for as fast as they can be written.
    pause: Duration,
    /// Events that are written at once.
    batch: usize,
    /// Whether [`KEEPS`] is promised for it.
    promised: bool,
}

const SPEEDS: [Speed; 4] = [
    Speed { name: "a fast model, 200 tokens/s", events: 100, pause: Duration::from_millis(5), batch: 1, promised: true },
    Speed { name: "cached, 2,000 tokens/s", events: 1_000, pause: Duration::from_micros(500), batch: 1, promised: true },
    Speed { name: "as fast as events can be written", events: 60_000, pause: Duration::ZERO, batch: 1, promised: true },
    Speed { name: "as fast as a socket takes blocks of 16 KiB", events: 600_000, pause: Duration::ZERO, batch: 90, promised: false },
];

fn main() {
    // `cargo test --benches` compiles and calls this as well; figures are for `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let upstream = upstream();
    let relay = Relay::to(upstream);
    println!("{:<62} {:>10} {:>10} {:>10} {:>9}", "figure (medians)", "direct", "relayed", "", "promised");
    let mut held = first_byte("first byte, kept connection, ms", upstream, relay.addr, true);
    held &= first_byte("first byte, new connection each, ms", upstream, relay.addr, false);
    for (index, speed) in SPEEDS.iter().enumerate() {
        held &= stream(index, speed, upstream, relay.addr);
    }
    if !held {
        eprintln!("a promise does not hold");
        std::process::exit(1);
    }
}

fn row(figure: &str, direct: f64, relayed: f64, told: &str, promised: &str) {
    println!("{figure:<62} {direct:>10.3} {relayed:>10.3} {told:>10} {promised:>9}");
}

fn first_byte(figure: &str, direct: SocketAddr, relayed: SocketAddr, kept: bool) -> bool {
    let mut ways = [Way::to(direct), Way::to(relayed)];
    let mut taken = [Vec::new(), Vec::new()];
    for turn in 0..FIRST_BYTES * 2 {
        // The order changes from pair to pair, so that neither is always the one that finds warm caches.
        let way = (turn + turn / 2) % 2;
        taken[way].push(ways[way].first_byte(kept));
    }
    let [direct, relayed] = taken.map(median);
    let added = relayed - direct;
    row(figure, direct * 1e3, relayed * 1e3, &format!("+ {:.3} ms", added * 1e3), &format!("< {ADDS_MS} ms"));
    added * 1e3 < ADDS_MS
}

fn stream(index: usize, speed: &Speed, direct: SocketAddr, relayed: SocketAddr) -> bool {
    let mut taken = [Vec::new(), Vec::new()];
    for turn in 0..STREAMS * 2 {
        let way = (turn + turn / 2) % 2;
        taken[way].push(Way::to([direct, relayed][way]).stream(index));
    }
    let megabytes = (speed.events * EVENT.len()) as f64 / 1e6;
    let [direct, relayed] = taken.map(|taken| megabytes / median(taken));
    let share = relayed / direct;
    let promised = if speed.promised { format!("≥ {:.0} %", KEEPS * 100.0) } else { "-".to_owned() };
    row(&format!("stream, {}, MB/s", speed.name), direct, relayed, &format!("{:.1} %", share * 100.0), &promised);
    !speed.promised || share >= KEEPS
}

fn median(mut taken: Vec<Duration>) -> f64 {
    taken.sort();
    taken[taken.len() / 2].as_secs_f64()
}

/// The relay in a process of its own, as users run it: it keeps, judges, saves and shows.
struct Relay {
    child: Child,
    addr: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Relay {
    fn to(upstream: SocketAddr) -> Self {
        let folder = tempfile::TempDir::new().expect("a folder");
        let url = format!("http://{upstream}/v1");
        let mut command = Command::new(EXE);
        command.args(["capture", "--upstream", &url, "--listen", "127.0.0.1:0", "--no-proxy", "--save"]);
        let mut child = command.arg(folder.path().join("s.jsonl")).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        while !line.trim().starts_with("http://") {
            line.clear();
            assert!(output.read_line(&mut line).expect("text") > 0, "it ended");
        }
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let addr = line.trim().trim_start_matches("http://").trim_end_matches("/v1").parse().expect("an address");
        Relay { child, addr, _folder: folder }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client.
struct Way {
    addr: SocketAddr,
    kept: Option<TcpStream>,
}

impl Way {
    fn to(addr: SocketAddr) -> Self {
        Way { addr, kept: None }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        stream
    }

    /// From the request's first byte (and the connection, when it is a new one) to the answer's.
    fn first_byte(&mut self, kept: bool) -> Duration {
        let body = format!(r#"{{"model":"m","stream":false,"messages":[{{"role":"user","content":"{}"}}]}}"#, "word ".repeat(400));
        let request = format!("POST /v1/first HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let begin = Instant::now();
        let mut stream = self.kept.take().unwrap_or_else(|| self.connect());
        stream.write_all(request.as_bytes()).expect("sent");
        stream.read_exact(&mut [0]).expect("an answer");
        let took = begin.elapsed();
        let mut rest = [0; 4096];
        let mut seen = Vec::new();
        while !seen.ends_with(b"\n\nend") {
            let count = stream.read(&mut rest).expect("the rest");
            assert!(count > 0, "the answer was cut");
            seen.extend_from_slice(&rest[..count]);
        }
        self.kept = kept.then_some(stream);
        took
    }

    /// From the stream's first byte to its last.
    fn stream(&self, index: usize) -> Duration {
        let mut stream = self.connect();
        let body = r#"{"model":"m","stream":true}"#;
        let request = format!("POST /v1/stream/{index} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).expect("sent");
        let mut buffer = vec![0; 64 * 1024];
        let mut count = stream.read(&mut buffer).expect("a head");
        let begin = Instant::now();
        let mut tail = Vec::new();
        loop {
            assert!(count > 0, "the stream was cut");
            tail.extend_from_slice(&buffer[..count]);
            if tail.ends_with(b"\r\n0\r\n\r\n") {
                return begin.elapsed();
            }
            let keep = tail.len().saturating_sub(7);
            tail.drain(..keep);
            count = stream.read(&mut buffer).expect("more");
        }
    }
}

const EVENT: &str = "data: {\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n";
const LAST: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// A gateway that answers at once, on a thread for each connection.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(std::thread::spawn(move || serve(stream)))));
    addr
}

/// Serves until the client is gone.
fn serve(stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            (reader.read_line(&mut head).ok()? > 0).then_some(())?;
        }
        let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
        reader.read_exact(&mut vec![0; length]).ok()?;
        match head.split_once("/v1/stream/") {
            Some((_, rest)) => write_stream(&mut writer, &SPEEDS[rest.split(' ').next()?.parse::<usize>().ok()?])?,
            None => writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nword\n\nend").ok()?,
        }
    }
}

fn write_stream(writer: &mut TcpStream, speed: &Speed) -> Option<()> {
    writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").ok()?;
    let piece = format!("{:x}\r\n{EVENT}\r\n", EVENT.len()).repeat(speed.batch);
    let begin = Instant::now();
    for event in 0..speed.events / speed.batch {
        writer.write_all(piece.as_bytes()).ok()?;
        let due = begin + speed.pause * event as u32;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    writer.write_all(format!("{:x}\r\n{LAST}\r\n0\r\n\r\n", LAST.len()).as_bytes()).ok()
}
