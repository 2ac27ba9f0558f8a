//! `llmdoctor triage` as its users meet it: what goes in, what comes out, and how it ends.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

const EXE: &str = env!("CARGO_BIN_EXE_llmdoctor");

const WRONG_KEY: &str = r#"{"error":{"message":"Incorrect API key provided: sk-proj-4f9a8b7c6d5e4f3a2b1c0d9e. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","code":"invalid_api_key"}}"#;

fn triage(paste: &[u8], arguments: &[&str]) -> Output {
    let mut child = Command::new(EXE)
        .arg("triage")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    // A paste that is refused early may not be read to its end.
    let _ = child.stdin.take().expect("its input").write_all(paste);
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn what_stands_on_standard_input_is_named() {
    let output = triage(WRONG_KEY.as_bytes(), &[]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("key-rejected") && said.contains("llmdoctor check --base-url URL"), "{said}");
}

#[test]
fn a_file_is_named_as_well_and_a_missing_one_is_a_clear_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("error.json");
    std::fs::write(&file, WRONG_KEY).expect("a file");
    assert_eq!(triage(b"", &[file.to_str().expect("a name")]).status.code(), Some(1));
    let missing = triage(b"", &["no-such-file.log"]);
    let said = text(&missing.stderr);
    assert_eq!((missing.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    assert!(said.contains("no-such-file.log"), "{said}");
}

#[test]
fn what_is_no_text_is_one_clear_line() {
    let large = vec![b'x'; llmdoctor::triage::LARGEST + 1];
    for paste in [&b"\x00\x01\x02\x7fELF\x00\x00"[..], b"", b" \n ", &large] {
        let output = triage(paste, &[]);
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains("paste"), "it says what is accepted: {said}");
    }
}

#[test]
fn words_that_decide_nothing_are_inconclusive() {
    let output = triage(b"it does not work, please help", &["--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let report = json(&output);
    assert_eq!((&report["verdict"], &report["findings"]), (&"inconclusive".into(), &serde_json::json!([])));
}

#[test]
fn what_failures_like_it_turned_out_to_be_is_no_verdict() {
    let output = triage(b"HTTP/1.1 404 Not Found\n\n", &["--format", "json"]);
    let report = json(&output);
    assert_eq!((output.status.code(), &report["verdict"]), (Some(3), &"inconclusive".into()));
    assert!(report["findings"].as_array().is_some_and(|findings| findings.iter().all(|finding| finding["certainty"] == "possible")));
    assert!(report["findings"][0]["settle"]["command"].as_str().is_some_and(|command| command.starts_with("llmdoctor check")));
}

#[test]
fn the_json_keeps_to_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../schema/report.schema.json")).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let pastes = [
        WRONG_KEY,
        "it does not work",
        "POST https://gateway.example/v1/chat/completions HTTP/1.1\n\n{\"model\":\"m\",\"stream\":true}\n\nHTTP/1.1 504 Gateway Time-out\nserver: nginx\n\n<html><head><title>504 Gateway Time-out</title></head></html>",
        "openai.NotFoundError: Error code: 404 - {'error': {'message': 'The model `gpt-9` does not exist', 'code': 'model_not_found'}}",
    ];
    for paste in pastes {
        let report = json(&triage(paste.as_bytes(), &["--format", "json"]));
        let wrong: Vec<String> = validator.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{paste}\n{}\n{report:#}", wrong.join("\n"));
    }
}

#[test]
fn keys_in_a_paste_never_show() {
    let curl = "$ curl -v https://gateway.example/v1/chat/completions?api_key=topsecretvalue123 -H 'Authorization: Bearer sk-live-0123456789abcdefghijkl' -H 'x-api-key: hunter2hunter2hunter2'\n> POST /v1/chat/completions HTTP/1.1\n> Host: gateway.example\n> Authorization: Bearer sk-live-0123456789abcdefghijkl\n>\n< HTTP/1.1 401 Unauthorized\n< content-type: application/json\n<\n";
    let paste = format!("{curl}{WRONG_KEY}");
    for format in ["terminal", "json", "markdown"] {
        let said = text(&triage(paste.as_bytes(), &["--format", format, "-v"]).stdout);
        for secret in ["0123456789abcdef", "hunter2hunter2", "topsecretvalue", "4f9a8b7c6d5e"] {
            assert!(!said.contains(secret), "{secret} in {format}:\n{said}");
        }
    }
}

#[test]
fn terminal_escapes_and_markup_of_a_paste_are_made_harmless() {
    let paste = "HTTP/1.1 404 Not Found\n\n{\"error\":{\"message\":\"The model `\u{1b}[31mred\u{202e}` does not exist <img src=x> @everyone ![](http://evil.example)\",\"code\":\"model_not_found\"}}";
    let terminal = text(&triage(paste.as_bytes(), &[]).stdout);
    assert!(!terminal.contains('\u{1b}') && !terminal.contains('\u{202e}'), "{terminal}");
    let markdown = text(&triage(paste.as_bytes(), &["--format", "markdown"]).stdout);
    assert!(markdown.contains("`<img src=x> @everyone ![](http://evil.example`"), "it stands in a code span: {markdown}");
}

#[test]
fn hosts_are_blanked_on_request() {
    let paste = "POST https://secret-gateway.corp.example/v1/chat/completions HTTP/1.1\n\n{\"model\":\"m\"}\n\nHTTP/1.1 404 Not Found\n\n{\"detail\":\"Not Found\"}";
    for format in ["terminal", "json", "markdown"] {
        let said = text(&triage(paste.as_bytes(), &["--format", format, "--redact-host"]).stdout);
        assert!(!said.contains("secret-gateway") && said.contains("gateway.example"), "{format}:\n{said}");
    }
}
