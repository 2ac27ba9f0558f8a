//! The figures that the README promises, each measured in this run: `cargo bench --bench figures`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

const EXE: &str = env!("CARGO_BIN_EXE_llmdoctor");
/// What one answer of the gateway takes.
const ANSWER: Duration = Duration::from_millis(400);

/// Makes [`EXE`] what `cargo build --release` makes of it: in a benchmark it has the features that only tests want of shared crates.
fn build() {
    let target = Path::new(EXE).ancestors().nth(2).expect("TARGET/release/llmdoctor");
    let made = Command::new(env!("CARGO")).args(["build", "--release", "--bin", "llmdoctor", "--target-dir"]).arg(target).status();
    assert!(made.is_ok_and(|status| status.success()), "cargo build --release");
}

/// With this as its first argument, the program runs the rest as a command and tells its peak memory.
const MEASURE: &str = "--measure";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == MEASURE) {
        return measure(&arguments[1..]);
    }
    // `cargo test --benches` compiles and calls this as well; figures are for `cargo bench`.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    build();
    println!("{:<52} {:>10} {:>12}", "figure", "measured", "promised");
    let mut held = row("start-up (--version), median of 41, ms", median_ms(41, start), Some(5.0));
    row("start-up of an empty process (true), ms", median_ms(41, || run(Command::new("true"))), None);
    held &= row("release binary, MiB", std::fs::metadata(EXE).expect("a binary").len() as f64 / 1048576.0, Some(10.0));
    let quick = check(&["--quick"]);
    held &= row("quick check of a healthy gateway, in answers (L)", quick.took.as_secs_f64() / ANSWER.as_secs_f64(), Some(6.0));
    held &= row("  requests", quick.requests, Some(15.0));
    held &= row("  completion tokens", quick.tokens, Some(500.0));
    held &= row("  peak memory, MiB", quick.peak_mib, Some(24.0));
    let full = check(&["--sweep-max", "2"]);
    held &= row("full check (sweep up to 2 s), requests", full.requests, Some(30.0));
    held &= row("  peak memory, MiB", full.peak_mib, Some(24.0));
    if !held {
        eprintln!("a promise does not hold");
        std::process::exit(1);
    }
}

/// Prints a row; whether what was promised (at most so much) holds.
fn row(figure: &str, measured: f64, promised: Option<f64>) -> bool {
    let told = promised.map_or_else(|| "-".to_owned(), |most| format!("≤ {most}"));
    println!("{figure:<52} {measured:>10.2} {told:>12}");
    promised.is_none_or(|most| measured <= most)
}

fn run(mut command: Command) {
    let status = command.stdout(Stdio::null()).status().expect("it runs");
    assert!(status.success());
}

fn start() {
    let mut command = Command::new(EXE);
    command.arg("--version");
    run(command);
}

fn median_ms(times: usize, act: impl Fn()) -> f64 {
    let mut taken: Vec<Duration> = (0..times)
        .map(|_| {
            let begin = Instant::now();
            act();
            begin.elapsed()
        })
        .collect();
    taken.sort();
    taken[times / 2].as_secs_f64() * 1e3
}

/// Runs a command and writes its peak resident memory in KiB to stderr. This process is small and has no other child, so the
/// largest of its children is that command.
fn measure(command: &[String]) {
    let status = Command::new(&command[0]).args(&command[1..]).status().expect("it runs");
    eprintln!("{}", getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage").max_rss());
    std::process::exit(status.code().unwrap_or(1));
}

struct Checked {
    took: Duration,
    requests: f64,
    tokens: f64,
    peak_mib: f64,
}

fn check(more: &[&str]) -> Checked {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(std::thread::spawn(move || serve(stream)))));
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command
        .args([
            MEASURE,
            EXE,
            "check",
            "--no-proxy",
            "--base-url",
            &base,
            "--key",
            "sk-bench-0123456789",
            "--model",
            "m",
            "--format",
            "json",
        ])
        .args(more);
    let begin = Instant::now();
    let output = command.output().expect("a report");
    let took = begin.elapsed();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["verdict"], "healthy", "{report:#}");
    let cost = |name: &str| report["cost"][name].as_f64().expect("a number");
    let peak_kib: f64 = String::from_utf8_lossy(&output.stderr).trim().parse().expect("a number and nothing else");
    Checked { took, requests: cost("requests"), tokens: cost("completion_tokens"), peak_mib: peak_kib / 1024.0 }
}

/// A healthy gateway: every answer takes [`ANSWER`], a stream is spread over it.
fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).expect("a socket");
    let request = read(&mut stream);
    let known = request.contains("sk-bench-0123456789");
    let (status, body) = match () {
        () if !known => (
            "401 Unauthorized",
            r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}"#,
        ),
        () if request.starts_with("GET") => ("200 OK", r#"{"object":"list","data":[{"id":"m","object":"model"}]}"#),
        () if request.contains("no-such-model") => {
            ("404 Not Found", r#"{"error":{"message":"The model does not exist","code":"model_not_found"}}"#)
        }
        () if request.contains("\"stream\":true") => return stream_answer(&mut stream),
        () => ("200 OK", WHOLE),
    };
    sleep(ANSWER);
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

const WHOLE: &str = r#"{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen, fifteen, sixteen, seventeen, eighteen, nineteen, twenty"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":60,"total_tokens":80}}"#;

fn stream_answer(stream: &mut TcpStream) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    let _ = stream.write_all(head.as_bytes());
    for piece in 0..40 {
        let event = format!(
            r#"{{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{{"index":0,"delta":{{"content":"word{piece} "}},"finish_reason":null}}]}}"#
        );
        let _ = stream.write_all(format!("data: {event}\n\n").as_bytes());
        sleep(ANSWER / 40);
    }
    let last = r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let usage =
        r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":60}}"#;
    let _ = stream.write_all(format!("data: {last}\n\ndata: {usage}\n\ndata: [DONE]\n\n").as_bytes());
}

fn read(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while !complete(&text) {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => text.extend_from_slice(&buffer[..count]),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ").and_then(|value| value.trim().parse().ok()));
    body.len() >= length.unwrap_or(0usize)
}
