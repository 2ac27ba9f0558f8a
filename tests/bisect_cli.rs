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
        (b"hello", None, "holds no request"),
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
