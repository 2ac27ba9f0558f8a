//! The program as its users meet it: lines, the session file, keys that never show, and what happens when something breaks.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use llmdoctor::evidence::{Closer, Session};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::peers::{Peer, SSE, Upstream, chat, event, last_event, request};

const EXE: &str = env!("CARGO_BIN_EXE_llmdoctor");
const KEY: &str = "sk-test-0123456789abcdef";

fn clean(command: &mut Command) -> &mut Command {
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy", "NO_COLOR"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null())
}

fn run(arguments: &[&str]) -> Output {
    clean(Command::new(EXE).args(arguments)).output().expect("it runs")
}

/// The program between a client and an upstream.
struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
    addr: std::net::SocketAddr,
    /// What it printed before the first exchange.
    greeting: String,
}

impl Program {
    fn to(upstream: &Upstream, more: &[&str]) -> Self {
        Program::by(Command::new(EXE), upstream, more)
    }

    fn by(mut command: Command, upstream: &Upstream, more: &[&str]) -> Self {
        let url = format!("http://{}/v1", upstream.addr);
        command.args(["capture", "--upstream", &url, "--listen", "127.0.0.1:0", "--no-proxy"]).args(more);
        let mut child = clean(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut greeting = String::new();
        while !greeting.ends_with("Ctrl-C ends it.\n") {
            assert!(output.read_line(&mut greeting).expect("text") > 0, "it ended: {greeting}");
        }
        let base = greeting.lines().find_map(|line| line.strip_prefix("  http://")).expect("a base URL");
        let addr = base.strip_suffix("/v1").expect("the upstream's path").parse().expect("an address");
        Program { child, output, addr, greeting }
    }

    fn client(&self) -> Peer {
        Peer(std::net::TcpStream::connect(self.addr).expect("it listens"))
    }

    /// Waits for a line that holds these words.
    fn line_with(&mut self, words: &str) -> String {
        let mut lines = String::new();
        while !lines.lines().last().is_some_and(|line| line.contains(words)) {
            assert!(self.output.read_line(&mut lines).expect("text") > 0, "it ended behind {lines}");
        }
        lines
    }

    /// Ends it by this signal: everything that it printed on stdout and stderr from now on.
    fn end(mut self, signal: Signal) -> (String, String) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it runs");
        let (mut out, mut err) = (String::new(), String::new());
        self.output.read_to_string(&mut out).expect("text");
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut err).expect("text");
        }
        self.child.wait().expect("it ends");
        (out, err)
    }
}

fn session(path: &Path) -> Session {
    Session::read(&fs::read(path).expect("a file")).expect("a session")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("session.jsonl");
    (folder, path)
}

/// An upstream that answers each connection once, with the key in its answer, then a refusal, then a cut stream.
fn three_ways() -> Upstream {
    Upstream::many(3, |mut peer, number| {
        request(&mut peer);
        let refusal = format!(
            "{{\"error\":{{\"message\":\"Unknown parameter: 'x'. Your key: {KEY}\",\"code\":\"unknown_parameter\",\"param\":\"x\"}}}}"
        );
        match number {
            0 => peer.send(format!("{SSE}{}{}0\r\n\r\n", event("fine"), last_event())),
            1 => peer.send(format!(
                "HTTP/1.1 400 Bad Request\r\nX-Key: {KEY}\r\nSet-Cookie: s=session-cookie-1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{refusal}",
                refusal.len()
            )),
            _ => peer.send(format!("{SSE}{}", event("then nothing"))),
        }
    })
}

fn ask_three_ways(program: &Program) {
    let asked = chat(program.addr, true)
        .replace("/completions HTTP", "/completions?api_key=url-secret-0123 HTTP")
        .replace("Content-Type", "Cookie: id=cookie-secret-0123\r\nX-Api-Key: other-secret-0123\r\nContent-Type")
        .replace("\"stream\":true", "\"stream\":true,\"api_key\":\"body-secret-0123\"");
    let length = asked.split_once("\r\n\r\n").expect("a body").1.len();
    let head = asked.lines().find(|line| line.starts_with("Content-Length")).expect("a length").to_owned();
    for _ in 0..3 {
        let mut client = program.client();
        client.send(asked.replace(&head, &format!("Content-Length: {length}\r\nConnection: close")));
        drop(client.rest());
    }
}

#[test]
fn no_secret_shows_anywhere() {
    for format in ["terminal", "json"] {
        let (_folder, path) = place();
        let upstream = three_ways();
        let more: &[&str] = if format == "json" { &["--save", text(&path)] } else { &["--save", text(&path), "--color", "always"] };
        let program = Program::to(&upstream, more);
        let greeting = program.greeting.clone();
        ask_three_ways(&program);
        let (out, err) = program.end(Signal::SIGINT);
        let saved = fs::read_to_string(&path).expect("a file");
        let replayed = run(&["replay", text(&path), "--format", format, "--verbose"]);
        let shown = [greeting, out, err, saved, String::from_utf8_lossy(&replayed.stdout).into_owned()].concat();
        for secret in [KEY, "url-secret", "cookie-secret", "other-secret", "body-secret", "session-cookie-1"] {
            assert!(!shown.contains(secret), "{secret} shows in {format}:\n{shown}");
        }
        assert_eq!(session(&path).captured.len(), 3);
    }
}

#[test]
fn lines_tell_what_each_exchange_comes_to_and_a_replay_tells_it_again() {
    let (_folder, path) = place();
    let upstream = three_ways();
    let program = Program::to(&upstream, &["--save", text(&path), "--color", "never"]);
    ask_three_ways(&program);
    let (out, err) = program.end(Signal::SIGTERM);
    assert_eq!(err, "");
    for words in ["#1", "· m · stream ·", "#2", "· 400 ·", "unsupported-field", "#3", "upstream cut", "stream-truncated", "answered in #1"]
    {
        assert!(out.contains(words), "{words:?} is missing:\n{out}");
    }
    assert!(out.ends_with(&format!("3 exchanges, 2 failed; llmdoctor replay {}\n", path.display())), "{out}");
    let replayed = run(&["replay", text(&path), "--format", "json"]);
    assert_eq!(replayed.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&replayed.stdout).expect("JSON");
    let modes: Vec<_> = report["findings"].as_array().expect("findings").iter().map(|finding| finding["mode"].as_str()).collect();
    assert!(modes.contains(&Some("unsupported-field")) && modes.contains(&Some("stream-truncated")), "{modes:?}");
    assert_eq!((report["captured"].as_array().map(Vec::len), &report["verdict"]), (Some(3), &Value::from("broken")));
    let schema: Value = serde_json::from_str(include_str!("../../schema/report.schema.json")).expect("a schema");
    let faults: Vec<_> =
        jsonschema::validator_for(&schema).expect("a schema").iter_errors(&report).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn lines_for_programs_are_json() {
    let upstream = three_ways();
    let url = format!("http://{}/v1", upstream.addr);
    let mut command = Command::new(EXE);
    command.args(["capture", "--upstream", &url, "--listen", "127.0.0.1:0", "--no-proxy", "--format", "json"]);
    let mut child = clean(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut told = String::new();
    BufReader::new(child.stderr.take().expect("stderr")).read_line(&mut told).expect("text");
    let addr =
        told.rsplit("http://").next().and_then(|rest| rest.trim().strip_suffix("/v1")).expect("a base URL").parse().expect("an address");
    let output = BufReader::new(child.stdout.take().expect("stdout"));
    let mut program = Program { child, output, addr, greeting: told };
    ask_three_ways(&program);
    for (number, status, failed) in [(1, 200, false), (2, 400, true), (3, 200, true)] {
        let mut line = String::new();
        program.output.read_line(&mut line).expect("a line");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&line["number"], &line["status"], &line["model"]), (&number.into(), &status.into(), &"m".into()));
        assert_eq!(line["modes"].as_array().map(|modes| !modes.is_empty()), Some(failed), "{line}");
    }
    program.end(Signal::SIGINT);
}

#[test]
fn a_session_of_healthy_exchanges_is_silent() {
    let (_folder, path) = place();
    let upstream = Upstream::many(1, |mut peer, _| {
        request(&mut peer);
        peer.send(format!("{SSE}{}{}0\r\n\r\n", event("fine"), last_event()));
    });
    let program = Program::to(&upstream, &["--save", text(&path)]);
    let mut client = program.client();
    client.send(chat(program.addr, true));
    client.until("0\r\n\r\n");
    let (out, _) = program.end(Signal::SIGINT);
    assert!(out.lines().filter(|line| !line.is_empty()).count() <= 3 && out.contains("1 exchange, 0 failed"), "{out}");
    let replayed = run(&["replay", text(&path)]);
    let told = String::from_utf8_lossy(&replayed.stdout).into_owned();
    assert!(replayed.status.code() == Some(0) && told.contains("1 exchange captured, and nothing wrong seen"), "{told}");
}

#[test]
fn a_session_survives_a_kill_and_a_torn_line() {
    let (_folder, path) = place();
    let upstream = three_ways();
    let mut program = Program::to(&upstream, &["--save", text(&path)]);
    ask_three_ways(&program);
    program.line_with("#3");
    program.end(Signal::SIGKILL);
    assert_eq!(session(&path).captured.len(), 3);
    let whole = fs::read(&path).expect("a file");
    fs::write(&path, &whole[..whole.len() - 40]).expect("written");
    assert_eq!((session(&path).captured.len(), session(&path).torn), (2, 1));
    assert_eq!(run(&["replay", text(&path), "--quiet"]).status.code(), Some(1));
}

#[test]
fn a_full_disk_is_one_line_and_the_relay_goes_on() {
    let (_folder, path) = place();
    let upstream = Upstream::many(3, |mut peer, _| {
        request(&mut peer);
        peer.send(format!("{SSE}{}{}0\r\n\r\n", event(&"long ".repeat(3000)), last_event()));
    });
    // A limit on the size of files stands for a disk that is full.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 40; trap '' XFSZ; exec \"$0\" \"$@\"", EXE]);
    let program = Program::by(command, &upstream, &["--save", text(&path)]);
    for _ in 0..3 {
        let mut client = program.client();
        client.send(chat(program.addr, true));
        client.until("data: [DONE]\n\n\r\n0\r\n\r\n");
    }
    let (out, err) = program.end(Signal::SIGINT);
    assert!(out.contains("3 exchanges, 0 failed"), "{out}");
    assert_eq!(err.lines().count(), 2, "{err}");
    assert!(err.contains("cannot save to") && err.contains("exchanges were not saved"), "{err}");
    let session = session(&path);
    assert!(session.torn == 0 && (1..3).contains(&session.captured.len()), "{} whole lines", session.captured.len());
    assert!(session.captured.iter().all(|captured| captured.closed.by == Closer::Nobody));
}

/// Exit code 2 and one line on stderr that holds these words.
fn refused(arguments: &[&str], words: &[&str]) {
    let output = run(arguments);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), told.lines().count(), output.stdout.len()), (Some(2), 1, 0), "{told}");
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
}

#[test]
fn what_cannot_be_is_one_clear_line() {
    let (_folder, path) = place();
    let capture = |more: &[&'static str]| [&["capture", "--upstream", "http://127.0.0.1:9/v1", "--listen", "127.0.0.1:0"], more].concat();
    refused(&["capture"], &["--upstream"]);
    refused(&["capture", "--upstream", "ftp://h"], &["ftp", "http"]);
    refused(&["capture", "--upstream", "http://me:secret@h/v1"], &["--upstream", "user name"]);
    refused(&["capture", "--upstream", "http://h", "--listen", "0.0.0.0:0"], &["0.0.0.0:0", "--expose"]);
    refused(&["capture", "--upstream", "http://h", "--listen", "here"], &["--listen"]);
    refused(&capture(&["--save", "/no/such/folder/s.jsonl"]), &["/no/such/folder/s.jsonl"]);
    refused(&capture(&["--cacert", "/no/such/file"]), &["/no/such/file"]);
    refused(&capture(&["--format", "xml"]), &["xml", "json"]);
    fs::write(&path, "something").expect("written");
    let saved = ["capture", "--upstream", "http://127.0.0.1:9/v1", "--listen", "127.0.0.1:0", "--save", text(&path)];
    refused(&saved, &["session.jsonl", "not empty"]);
    fs::write(&path, "{\"schema\":\"llmdoctor.session/9\"}\n").expect("written");
    refused(&["replay", text(&path)], &["session.jsonl", "session/9", "session/1"]);
}
