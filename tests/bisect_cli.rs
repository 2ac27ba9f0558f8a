//! `bisect` as its users meet it: every source of a request, what it prints, what it writes, and one clear line for what is no request.

#[path = "support/process.rs"]
mod process;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use process::{Gateway, llmdoctor, text};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a client sends: a system message, sampling, two tools.
fn body() -> Value {
    let tool =
        |name: &str| json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object", "properties": {} } } });
    json!({ "model": "gpt-4o-mini", "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Say ok" }],
        "temperature": 0.2, "top_p": 0.9, "max_tokens": 100, "tools": [tool("first"), tool("second")], "user": "u" })
}

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Files(TempDir::new().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).expect("it is written");
        path.display().to_string()
    }
}

fn run(mut command: Command) -> Output {
    command.output().expect("it runs")
}

#[test]
fn the_culprit_the_smallest_and_the_largest_request_and_a_mended_file() {
    let gateway = Gateway::start("temperature-with-top-p");
    let files = Files::new();
    let mended = files.path("mended.json").display().to_string();
    let output = run(gateway.asked("bisect", &["--body", &files.file("body.json", body().to_string()), "--write-fixed", &mended]));
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}{}", text(&output.stderr));
    assert!(told.contains("Refused: /temperature with /top_p"), "{told}");
    assert!(told.contains(r#""temperature":0.2,"top_p":0.9}"#), "the smallest refused request\n{told}");
    assert!(told.contains("each culprit alone is refused, everything else together is answered"), "{told}");
    let written: Value = serde_json::from_str(&fs::read_to_string(&mended).expect("a mended file")).expect("JSON");
    assert!(written.get("top_p").is_none() && written["temperature"] == 0.2 && written["tools"] == body()["tools"], "{written}");
    let again = run(gateway.asked("bisect", &["--body", &mended]));
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stdout));
    assert!(text(&again.stdout).contains("nothing to mend"));
}

#[test]
fn a_renamed_member_is_mended_under_its_new_name() {
    let gateway = Gateway::start("max-tokens-renamed");
    let files = Files::new();
    let mended = files.path("mended.json").display().to_string();
    run(gateway.asked("bisect", &["--body", &files.file("body.json", body().to_string()), "--write-fixed", &mended, "-q"]));
    let written: Value = serde_json::from_str(&fs::read_to_string(&mended).expect("a mended file")).expect("JSON");
    assert!(written["max_completion_tokens"] == 100 && written.get("max_tokens").is_none(), "{written}");
}

#[test]
fn one_tool_of_many_is_found_by_its_place() {
    let gateway = Gateway::start("strict-tools-refused");
    let mut body = body();
    body["tools"][1]["function"]["strict"] = json!(true);
    let files = Files::new();
    let output = run(gateway.asked("bisect", &["--body", &files.file("body.json", body.to_string())]));
    assert!(text(&output.stdout).contains("Refused: /tools/1/function/strict\n"), "{}", text(&output.stdout));
}

#[test]
fn a_curl_command_brings_its_headers_and_one_of_them_is_refused() {
    let gateway = Gateway::start("own-header-refused");
    let files = Files::new();
    let curl = format!(
        "curl https://elsewhere.example/v1/chat/completions -H 'x-stainless-lang: js' -H 'openai-beta: assistants=v2' -H 'Authorization: Bearer sk-other' -d '{}'",
        body()
    );
    let output = run(gateway.asked("bisect", &["--body", &files.file("command.txt", curl)]));
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}{}", text(&output.stderr));
    assert!(told.contains("header-rejected") && told.contains("Leave out the header openai-beta."), "{told}");
    assert!(!told.contains("sk-other") && !told.contains("unsupported-field)"), "{told}");
}

#[test]
fn standard_input_and_a_wanted_entry_of_a_har_file() {
    let gateway = Gateway::start("tool-choice-refused");
    let entry = |body: &Value, status: u16| {
        json!({ "request": { "method": "POST", "url": "https://h.example/v1/chat/completions", "headers": [],
            "postData": { "mimeType": "application/json", "text": body.to_string() } }, "response": { "status": status } })
    };
    let mut with_choice = body();
    with_choice["tool_choice"] = json!("auto");
    let har = json!({ "log": { "version": "1.2", "entries": [entry(&with_choice, 400), entry(&body(), 200)] } }).to_string();
    let mut child = gateway
        .asked("bisect", &["--body", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("its input").write_all(har.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(text(&output.stdout).contains("Refused: /tool_choice\n"), "{}", text(&output.stdout));
    let files = Files::new();
    let output = run(gateway.asked("bisect", &["--body", &files.file("log.har", har), "--entry", "2"]));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn what_is_no_request_is_one_clear_line() {
    let files = Files::new();
    let har = r#"{"log":{"version":"1.2","entries":[{"request":{"method":"GET","url":"https://h/"},"response":{"status":200}}]}}"#;
    let fifty = format!("{{\"messages\":[\"{}\"]}}", "x".repeat(50 << 20));
    for (content, entry, said) in [
        (&b""[..], None, "is empty"),
        (b"{\"model\":", None, "is no JSON"),
        (b"{\"model\":\"m\"}", None, "has no `messages`"),
        (b"{\"messages\":\"\xff\"}", None, "is not UTF-8 (byte 13)"),
        (b"[1]", None, "has no `messages`"),
        (b"hello", None, "holds no request"),
        (b"curl http://h.example/v1/chat/completions -H 'a: b'", None, "is a curl command without a JSON body"),
        (
            b"{\"schema\":\"llmdoctor.session/1\",\"version\":\"0\",\"started_at\":\"\",\"upstream\":\"\",\"base_url\":\"\"}\n",
            None,
            "is a captured session without",
        ),
        (b"{}", Some("1"), "is no HAR file"),
        (har.as_bytes(), None, "1 entries hold no POST"),
        (har.as_bytes(), Some("7"), "entry 7"),
        (fifty.as_bytes(), None, "more than the 16 MiB"),
    ] {
        let path = files.file("request.txt", content);
        for command in ["check", "bisect"] {
            let mut words = vec![command, "--base-url", "http://127.0.0.1:9/v1", "--body", path.as_str()];
            words.extend(entry.iter().flat_map(|entry| ["--entry", *entry]));
            let output = run(llmdoctor(&words));
            let line = text(&output.stderr);
            assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{line}");
            assert!(line.contains(said) && line.contains("request.txt"), "{line}");
        }
    }
}

#[test]
fn what_cannot_be_bisected_is_said_before_the_first_request() {
    let output = run(llmdoctor(&["bisect", "--base-url", "http://127.0.0.1:9/v1"]));
    let line = text(&output.stderr);
    assert!(output.status.code() == Some(2) && line.contains("--body FILE") && line.contains("--client NAME"), "{line}");
    let files = Files::new();
    let body = files.file("body.json", body().to_string());
    let output = run(llmdoctor(&["bisect", "--base-url", "http://127.0.0.1:9/v1", "--body", &body, "--write-fixed", "/no/such/folder/x"]));
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("cannot write"), "{}", text(&output.stderr));
    let output = run(llmdoctor(&["bisect", "--base-url", "http://127.0.0.1:9/v1", "--body", "-", "--key-stdin"]));
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("standard input"), "{}", text(&output.stderr));
}

/// A gateway that notes who asked what with which key, and refuses `top_p`.
struct Noting {
    address: std::net::SocketAddr,
    seen: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl Noting {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let noted = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let noted = noted.clone();
                std::thread::spawn(move || serve(stream, &noted));
            }
        });
        Noting { address, seen }
    }

    fn requests(&self) -> Vec<String> {
        self.seen.lock().expect("unpoisoned").clone()
    }

    fn curl(&self, host: &str) -> String {
        let mut body = body();
        body["messages"][0]["role"] = json!("developer");
        let port = self.address.port();
        format!("curl http://{host}:{port}/v1/chat/completions -H 'Authorization: Bearer sk-pasted-0123456789abcdef' -d '{body}'")
    }
}

fn serve(mut stream: std::net::TcpStream, noted: &std::sync::Mutex<Vec<String>>) {
    use std::io::{BufRead as _, Read as _};
    let mut reader = std::io::BufReader::new(stream.try_clone().expect("a second handle"));
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() || head.is_empty() {
        return;
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    noted.lock().expect("unpoisoned").push(format!("{head}{body}"));
    let (status, answer) = match () {
        () if head.starts_with("GET") => ("200 OK", r#"{"object":"list","data":[{"id":"gpt-4o-mini","object":"model"}]}"#.to_owned()),
        () if body.contains("\"top_p\"") || body.contains("developer") => ("400 Bad Request", r#"{"message":"Bad Request"}"#.to_owned()),
        () => (
            "200 OK",
            json!({ "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini", "choices": [{ "index": 0,
            "message": { "role": "assistant", "content": "one two three" }, "finish_reason": "stop" }] })
            .to_string(),
        ),
    };
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
    let _ = stream.write_all(format!("{head}{answer}").as_bytes());
}

#[test]
fn a_pasted_command_is_enough() {
    let gateway = Noting::start();
    let files = Files::new();
    let mended = files.path("mended.json").display().to_string();
    let evidence = files.path("evidence.json").display().to_string();
    let command = files.file("command.txt", gateway.curl("127.0.0.1"));
    let output = run(llmdoctor(&["bisect", "--body", &command, "--write-fixed", &mended, "--save-evidence", &evidence]));
    let (told, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{told}{said}");
    assert!(said.lines().any(|line| line.contains("The key is the one of the curl command") && line.contains("127.0.0.1 only")), "{said}");
    let chats: Vec<String> = gateway.requests().into_iter().filter(|request| request.starts_with("POST")).collect();
    assert!(chats.iter().all(|request| request.contains("Bearer sk-pasted-0123456789abcdef")), "the key goes along: {chats:?}");
    let saved = fs::read_to_string(&evidence).expect("evidence");
    for shown in [&told, &said, &saved] {
        assert!(!shown.contains("sk-pasted-0123456789abcdef"), "{shown}");
    }
    assert!(told.contains(r#"Change /messages/0/role from "developer" to "system""#), "{told}");
    let written: Value = serde_json::from_str(&fs::read_to_string(&mended).expect("a mended file")).expect("JSON");
    assert!(written["messages"][0]["role"] == "system" && written["messages"][0]["content"] == "Be brief.", "{written}");
    assert!(written.get("top_p").is_none() && written["temperature"] == 0.2, "{written}");
}

#[test]
fn the_key_of_a_command_goes_to_no_other_host() {
    let gateway = Noting::start();
    let files = Files::new();
    let command = files.file("command.txt", gateway.curl("elsewhere.example"));
    let base = format!("http://{}/v1", gateway.address);
    let output = run(llmdoctor(&["bisect", "--base-url", &base, "--body", &command]));
    let said = text(&output.stderr);
    assert!(said.contains("belongs to another host") && !said.contains("sk-pasted"), "{said}");
    assert!(gateway.requests().iter().all(|request| !request.contains("sk-pasted")), "{:?}", gateway.requests());
    let given = run(llmdoctor(&["bisect", "--base-url", &base, "--body", &command, "--key", "sk-given-0123456789"]));
    assert!(!text(&given.stderr).contains("key"), "{}", text(&given.stderr));
    let last = gateway.requests().pop().expect("a request");
    assert!(last.contains("Bearer sk-given-0123456789") && !last.contains("sk-pasted"), "{last}");
    // Another port is another host.
    let other = Noting::start();
    let command = files.file("command.txt", gateway.curl("127.0.0.1"));
    run(llmdoctor(&["bisect", "--base-url", &format!("http://{}/v1", other.address), "--body", &command]));
    assert!(!other.requests().is_empty() && other.requests().iter().all(|request| !request.contains("sk-pasted")));
}

#[test]
fn a_captured_session_is_bisected() {
    use std::io::{BufRead as _, Read as _};
    let gateway = Gateway::start("temperature-with-top-p");
    let files = Files::new();
    let session = files.path("session.jsonl").display().to_string();
    let upstream = gateway.printed("--base-url").to_owned();
    let mut relay = llmdoctor(&["capture", "--upstream", &upstream, "--listen", "127.0.0.1:0", "--save", &session])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut lines = std::io::BufReader::new(relay.stdout.take().expect("its output")).lines();
    let base = lines.by_ref().map_while(Result::ok).find(|line| line.trim_start().starts_with("http://127.0.0.1:"));
    let base = base.expect("the base URL for the client").trim().to_owned();
    let address = base.trim_start_matches("http://").split('/').next().expect("an address").to_owned();
    for body in [json!({ "model": "gpt-4o-mini", "messages": [{ "role": "user", "content": "Say ok" }] }), body()] {
        let body = body.to_string();
        let mut client = std::net::TcpStream::connect(&address).expect("the relay");
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            gateway.printed("--key"),
            body.len()
        );
        client.write_all(format!("{head}{body}").as_bytes()).expect("it is sent");
        client.read_to_end(&mut Vec::new()).expect("it is answered");
        lines.by_ref().map_while(Result::ok).find(|line| line.contains("POST")).expect("a line about it");
    }
    let _ = relay.kill();
    let _ = relay.wait();
    let output = run(gateway.asked("bisect", &["--body", &session]));
    assert!(text(&output.stdout).contains("Refused: /temperature with /top_p"), "{}{}", text(&output.stdout), text(&output.stderr));
    let output = run(gateway.asked("bisect", &["--body", &session, "--entry", "1"]));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let output = run(gateway.asked("bisect", &["--body", &session, "--entry", "9"]));
    let line = text(&output.stderr);
    assert!(output.status.code() == Some(2) && line.lines().count() == 1 && line.contains("session.jsonl is a captured session"), "{line}");
}

#[test]
fn every_dialect_is_bisected() {
    for (scenario, refused) in [
        ("cache-mark-refused", "/system/1/cache_control"),
        ("nested-verbosity-refused", "/text/verbosity"),
        ("thought-config-refused", "/generationConfig/thinkingConfig"),
    ] {
        let gateway = Gateway::start(scenario);
        let files = Files::new();
        let body = llmdoctor::sim::scenario(scenario).and_then(|scenario| scenario.body).expect("a body");
        let output = run(gateway.asked("bisect", &["--body", &files.file("body.json", body)]));
        assert!(
            text(&output.stdout).contains(&format!("Refused: {refused}\n")),
            "{scenario}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    }
}
