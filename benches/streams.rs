//! The figures that reading streams promises, each measured in this run: `cargo bench --bench streams`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table")]

#[path = "../tests/support/recorded.rs"]
mod recorded;
#[path = "../tests/support/streams/mod.rs"]
mod streams;

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use llmdoctor::dialect::{Reading, StreamEnd, read, sse};
use llmdoctor::evidence::{Arrival, Ask, Body, Credential, Exchange, Outcome, Request, Response};
use llmdoctor::http::{Call, Client, Options, ProxyChoice};
use llmdoctor::pace::Pace;
use llmdoctor::secret::{Scrubber, Secret};
use nix::time::ClockId;
use streams::{Dice, Draft, broken, judge};

/// Bytes that are read in one round.
const BODY: usize = 2 << 20;
/// Events of the stream that is read twice, and the time between two.
const EVENTS: u32 = 300;
const BETWEEN: Duration = Duration::from_millis(2);
/// Rounds of reading it.
const ROUNDS: usize = 9;
/// Generated streams.
const LEGAL: u64 = 10_000;
const BROKEN: u64 = 2_000;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{:<64} {:>10} {:>12}", "figure", "measured", "promised");
    let held = [speed(), tap(), generated()];
    if held.contains(&false) {
        eprintln!("a promise does not hold");
        std::process::exit(1);
    }
}

/// Prints a row; whether at least so much was reached.
fn at_least(figure: &str, measured: f64, promised: Option<f64>) -> bool {
    let told = promised.map_or_else(|| "-".to_owned(), |least| format!("≥ {least}"));
    println!("{figure:<64} {measured:>10.2} {told:>12}");
    promised.is_none_or(|least| measured >= least)
}

/// The same for at most so much.
fn at_most(figure: &str, measured: f64, promised: f64) -> bool {
    println!("{figure:<64} {measured:>10.2} {:>12}", format!("≤ {promised}"));
    measured <= promised
}

/// Streams that are legal and accused, or broken and not named.
fn generated() -> bool {
    let mut wrong = (0.0, 0.0);
    for number in 0..LEGAL {
        let dice = &mut Dice::new(number);
        if let Some(accusation) = judge::false_accusation(&Draft::legal(dice).send(dice)) {
            eprintln!("legal stream {number}: {accusation}");
            wrong.0 += 1.0;
        }
    }
    for number in 0..BROKEN {
        let (kind, made) = broken::make(number);
        if let Some(missing) = broken::unnamed(kind, &made) {
            eprintln!("broken stream {number}, {}: {missing}", kind.0);
            wrong.1 += 1.0;
        }
    }
    let legal = at_most(&format!("{LEGAL} legal streams, accused"), wrong.0, 0.0);
    let kinds = broken::KINDS.len();
    at_most(&format!("{BROKEN} broken streams of {kinds} kinds, not named"), wrong.1, 0.0) && legal
}

/// What reading with times and facts adds to reading and nothing else: the same stream, by turns.
fn tap() -> bool {
    let address = serve();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let options = Options { proxy: ProxyChoice::None, ..Options::default() };
    let client = Client::new(options, Pace::default(), Scrubber::new(&Some(Secret::new("sk-0123456789abcdef")))).expect("a client");
    let (mut plain, mut tapped) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        plain.push(plainly(address));
        tapped.push(runtime.block_on(with_tap(&client, address)));
    }
    let median = |list: &mut Vec<f64>| {
        list.sort_by(f64::total_cmp);
        list[list.len() / 2]
    };
    let (plain, tapped) = (median(&mut plain), median(&mut tapped));
    println!("{:<64} {plain:>10.2} {:>12}", format!("a stream of {EVENTS} events, read and nothing else, median, ms"), "-");
    println!("{:<64} {tapped:>10.2} {:>12}", "the same stream, with arrivals, scrubbed and kept, ms", "-");
    at_most("  what that adds, %", (tapped / plain - 1.0) * 100.0, 1.0)
}

/// A server that answers every connection with the same stream.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || listener.incoming().for_each(|connection| drop(connection.and_then(stream))));
    address
}

/// Each event leaves at its own moment after the first, however late the one before left.
fn stream(mut connection: TcpStream) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut request = [0; 4096];
    let _ = connection.read(&mut request)?;
    connection
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    let began = Instant::now();
    for number in 0..EVENTS {
        sleep((BETWEEN * number).saturating_sub(began.elapsed()));
        let event = format!(
            "data: {{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" {number}\"}}}}]}}\n\n"
        );
        connection.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())?;
    }
    connection.write_all(b"0\r\n\r\n")
}

/// Milliseconds from the request to the end, read from the socket.
fn plainly(address: SocketAddr) -> f64 {
    let began = Instant::now();
    let mut connection = TcpStream::connect(address).expect("a connection");
    connection.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").expect("it listens");
    let (mut buffer, mut total) = ([0; 16384], 0);
    loop {
        match connection.read(&mut buffer).expect("it answers") {
            0 => break,
            read => total += read,
        }
    }
    black_box(total);
    began.elapsed().as_secs_f64() * 1000.0
}

/// The same through the tool's own client.
async fn with_tap(client: &Client, address: SocketAddr) -> f64 {
    let began = Instant::now();
    let url = url::Url::parse(&format!("http://{address}/")).expect("a URL");
    let performed = client.perform(Call::new(http::Method::POST, url)).await;
    let took = began.elapsed().as_secs_f64() * 1000.0;
    let Outcome::Response(response) = performed.outcome else { panic!("no answer") };
    assert!(response.cut.is_none() && response.body.arrivals.len() > 10);
    took
}

fn speed() -> bool {
    let mut held = true;
    for (name, dialect, size, promised) in [
        ("chat, events of 167 bytes", "chat", 167, Some(200.0)),
        ("chat, events of 4 KiB", "chat", 4096, Some(200.0)),
        ("messages, events of 167 bytes", "messages", 167, Some(200.0)),
        ("responses, events of 167 bytes", "responses", 167, Some(200.0)),
    ] {
        let exchange = streamed(dialect, size);
        held &= at_least(&format!("{name}, read and classified, MB/s"), rate(&exchange), promised);
    }
    let exchange = streamed("chat", 167);
    let bytes = &exchange.response().expect("an answer").body.bytes;
    let took = best(|| drop(black_box(sse::decode(black_box(bytes)))));
    at_least("chat, events of 167 bytes, only decoded, MB/s", bytes.len() as f64 / took / 1e6, None);
    held
}

fn rate(exchange: &Exchange) -> f64 {
    let Reading::Stream(reading) = read(exchange) else { panic!("no stream") };
    assert!(reading.end == StreamEnd::Complete && reading.faults.is_empty() && !reading.dialect.is_empty(), "{reading:?}");
    let took = best(|| drop(black_box(read(black_box(exchange)))));
    exchange.response().expect("an answer").body.bytes.len() as f64 / took / 1e6
}

/// What this thread has computed so far, in seconds: what else runs on the machine does not count.
fn cpu_seconds() -> f64 {
    let time = ClockId::CLOCK_THREAD_CPUTIME_ID.now().expect("the system tells");
    time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9
}

/// The best of 15 rounds, in seconds of one core.
fn best(mut round: impl FnMut()) -> f64 {
    let rounds = (0..15).map(|_| {
        let began = cpu_seconds();
        round();
        cpu_seconds() - began
    });
    rounds.fold(f64::INFINITY, f64::min)
}

/// A streamed answer of 2 MiB whose events have this size, with an arrival for each.
fn streamed(dialect: &str, size: usize) -> Exchange {
    let (route, first, event, last) = match dialect {
        "chat" => (
            "chat/completions",
            String::new(),
            r#"data: {"id":"chatcmpl-A1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"@"},"finish_reason":null}]}"#,
            r#"data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: [DONE]

"#,
        ),
        "messages" => (
            "messages",
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"content\":[],\"usage\":{}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n".to_owned(),
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"@\"}}",
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ),
        _ => (
            "responses",
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"object\":\"response\"}}\n\n".to_owned(),
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"i\",\"output_index\":0,\"content_index\":0,\"delta\":\"@\"}",
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n",
        ),
    };
    let (mut text, mut arrivals, mut number) = (first, Vec::new(), 0u64);
    while text.len() < BODY {
        let filler = size.saturating_sub(event.len() + 1);
        let width = filler.max(1);
        let said = format!("{number:0width$}");
        text.push_str(&event.replace('@', &said));
        text.push_str("\n\n");
        number += 1;
        arrivals.push(Arrival { at_ms: number as f64, end: u32::try_from(text.len()).expect("small") });
    }
    text.push_str(last);
    arrivals.push(Arrival { at_ms: number as f64 + 1.0, end: u32::try_from(text.len()).expect("small") });
    exchange(route, Body { bytes: text.into_bytes(), arrivals, ..Body::default() })
}

fn exchange(route: &str, body: Body) -> Exchange {
    let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
    let response =
        Response { status: 200, version: "HTTP/1.1".into(), headers, headers_ms: 1.0, body, cut: None, left_open: false, total_ms: 1e6 };
    let url = format!("http://gateway.test/v1/{route}");
    let request = Request { method: "POST".into(), url, headers: Vec::new(), body: None, credential: Credential::None };
    recorded::exchange(Ask::ChatStream, request, Outcome::Response(response))
}
