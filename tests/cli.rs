//! The command line as its users meet it: exit codes, one clear line for what is wrong, keys that never show.

#[path = "support/process.rs"]
mod process;

use std::fs;
use std::io::Read as _;
use std::process::{Command, Output, Stdio};

use process::{Gateway, llmdoctor, text};
use tempfile::TempDir;

fn run(arguments: &[&str]) -> Output {
    llmdoctor(arguments).output().expect("it runs")
}

fn check(gateway: &Gateway, more: &[&str]) -> Output {
    gateway.asked("check", more).output().expect("it runs")
}

/// Exit code 2, nothing on stdout, and one line on stderr that holds these words.
fn refused(output: &Output, words: &[&str]) {
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert_eq!((told.lines().count(), output.stdout.len()), (1, 0), "{told}");
    for word in words {
        assert!(told.contains(word), "{told:?} lacks {word:?}");
    }
}

#[test]
fn wrong_arguments_are_one_clear_line() {
    refused(&run(&["check"]), &["--base-url"]);
    refused(&run(&["check", "--base-url", "ftp://h/v1"]), &["ftp", "http"]);
    refused(&run(&["check", "--base-url", ""]), &["empty"]);
    refused(&run(&["check", "--bse-url", "http://h"]), &["--bse-url"]);
    refused(&run(&["check", "--base-url", "http://h", "--only", "chats"]), &["chats", "stream"]);
    refused(&run(&["check", "--base-url", "http://h", "--header", "no colon"]), &["--header", "colon"]);
    refused(&run(&["check", "--base-url", "http://h", "--resolve", "h:80"]), &["--resolve"]);
    refused(&run(&["check", "--base-url", "http://h", "--key-file", "/no/such/file"]), &["/no/such/file"]);
    refused(&run(&["check", "--base-url", "http://h", "--cacert", "/no/such/file"]), &["/no/such/file"]);
    refused(&run(&["check", "--base-url", "http://h", "--burst", "many"]), &["--burst"]);
    refused(&run(&["replay", "/no/such/file"]), &["/no/such/file"]);
    refused(&run(&["explain", "stream-bufferd"]), &["stream-buffered"]);
    refused(&run(&["simulate", "no-such-scenario"]), &["no-such-scenario"]);
    refused(&run(&["nonsense"]), &["nonsense"]);
}

#[test]
fn wrong_words_about_the_upstream_are_one_clear_line() {
    let check = |more: &[&str]| run(&[&["check", "--base-url", "http://127.0.0.1:9/v1"], more].concat());
    refused(&check(&["--upstream-url", "ftp://h/v1"]), &["--upstream-url", "ftp", "http"]);
    refused(&check(&["--upstream-url", "http://127.0.0.1:9/v1/"]), &["--upstream-url", "--base-url"]);
    refused(&check(&["--upstream-key", "sk-very-secret-1"]), &["--upstream-key", "--upstream-url"]);
    assert!(!text(&check(&["--upstream-key", "sk-very-secret-1"]).stderr).contains("very-secret"));
    refused(&check(&["--upstream-url", "http://h", "--upstream-key-file", "/no/such/file"]), &["/no/such/file"]);
    refused(&check(&["--long-prompt", "10"]), &["--long-prompt", "2000"]);
}

#[test]
fn a_simulated_upstream_is_asked_as_the_simulator_says() {
    let gateway = Gateway::start("gateway-drops-n");
    let output = check(&gateway, &["--format", "json", "--sweep-max", "1"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!((output.status.code(), &report["findings"][0]["mode"]), (Some(0), &"gateway-rewrites-request".into()));
    assert_eq!(report["target"]["upstream"]["base_url"], gateway.printed("--upstream-url"));
    assert!(!text(&output.stdout).contains(gateway.printed("--upstream-key")) && !text(&output.stdout).contains(gateway.printed("--key")));
}

#[test]
fn a_secret_in_a_wrong_argument_is_not_repeated() {
    let output = run(&["check", "--base-url", "http://h", "--header", "x-api-key sk-very-secret-1"]);
    refused(&output, &["--header"]);
    assert!(!text(&output.stderr).contains("very-secret"));
}

#[test]
fn an_output_that_cannot_be_written_is_known_before_the_first_request() {
    let gateway = Gateway::start("healthy");
    refused(&check(&gateway, &["--format", "json", "--output", "/no/such/folder/report.json"]), &["/no/such/folder/report.json"]);
    refused(&check(&gateway, &["--save-evidence", "/no/such/folder/run.json"]), &["/no/such/folder/run.json"]);
    refused(&check(&gateway, &["--output", "report.xyz"]), &["report.xyz", "--format"]);
}

#[test]
fn what_is_no_saved_run_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("run.json");
    fs::write(&path, "{\"a\":1}").expect("written");
    refused(&run(&["replay", path.to_str().expect("text")]), &["run.json", "no saved run"]);
}

#[test]
fn exit_codes_tell_healthy_from_broken() {
    let healthy = Gateway::start("healthy");
    let output = check(&healthy, &["--quick"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.stderr.is_empty(), "nothing on stderr without a terminal");
    let broken = Gateway::start("stream-ignored");
    assert_eq!(check(&broken, &["--quick"]).status.code(), Some(1));
    assert_eq!(check(&broken, &["--quick", "--fail-on", "never"]).status.code(), Some(0));
    assert_eq!(check(&healthy, &["--quick", "--only", "address"]).status.code(), Some(3));
}

#[test]
fn every_dialect_is_spoken_when_asked_for() {
    for (scenario, dialect) in [
        ("healthy", "openai-chat"),
        ("healthy-messages", "anthropic-messages"),
        ("healthy-responses", "openai-responses"),
        ("healthy-completions", "openai-completions"),
    ] {
        let output = check(&Gateway::start(scenario), &["--quick", "--format", "json", "--no-progress", "--fail-on", "warning"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
        assert_eq!((output.status.code(), report["target"]["dialect"].as_str()), (Some(0), Some(dialect)), "{scenario}");
    }
    refused(&run(&["check", "--base-url", "http://h", "--dialect", "anthropic"]), &["anthropic-messages", "openai-responses"]);
}

#[test]
fn evidence_is_judged_alike_when_it_is_replayed() {
    let folder = TempDir::new().expect("a folder");
    let (run_file, report_file) = (folder.path().join("run.json"), folder.path().join("report.json"));
    let (saved, report) = (run_file.to_str().expect("text"), report_file.to_str().expect("text"));
    let gateway = Gateway::start("model-wrong-case");
    check(&gateway, &["--quick", "--save-evidence", saved, "--format", "json", "--output", report]);
    let first: serde_json::Value = serde_json::from_slice(&fs::read(&report_file).expect("a report")).expect("JSON");
    let again: serde_json::Value = serde_json::from_slice(&run(&["replay", saved, "--format", "json"]).stdout).expect("JSON");
    assert_eq!(first["findings"], again["findings"]);
    assert_eq!(first["findings"][0]["mode"], "model-name-mismatch");
}

#[test]
fn a_stream_is_measured_and_drawn_beside_its_control() {
    let gateway = Gateway::start("healthy");
    let report: serde_json::Value = serde_json::from_slice(&check(&gateway, &["--quick", "--format", "json"]).stdout).expect("JSON");
    let exchanges = report["exchanges"].as_array().expect("exchanges");
    let of = |label: &str| exchanges.iter().find(|row| row["label"] == label).expect("asked");
    let (chat, stream) = (of("chat"), &of("chat-stream")["stream"]);
    assert_eq!((&stream["control"], &stream["control_ms"], &stream["end"]), (&chat["id"], &chat["total_ms"], &"complete".into()));
    assert!(stream["ttft_ms"].as_f64() <= stream["last_token_ms"].as_f64() && chat["stream"].is_null(), "{stream}");
    let (quiet, wordy) = (check(&gateway, &["--quick"]), check(&gateway, &["--quick", "--verbose"]));
    assert!(!text(&quiet.stdout).contains("first token") && text(&wordy.stdout).contains("T first token"));
}

#[test]
fn the_key_shows_nowhere() {
    for scenario in ["healthy", "key-unknown-echoed", "key-in-redirect", "key-urlencoded", "key-everywhere"] {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("run.json");
        let gateway = Gateway::start(scenario);
        let key = gateway.printed("--key");
        for format in ["terminal", "json", "markdown"] {
            let output = check(&gateway, &["--quick", "--verbose", "--format", format, "--save-evidence", path.to_str().expect("text")]);
            let everything = [text(&output.stdout), text(&output.stderr), fs::read_to_string(&path).expect("evidence")].concat();
            assert!(!everything.contains(key), "{scenario}, {format}: the key shows");
            let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
            assert!(!everything.contains(&encoded), "{scenario}, {format}: the encoded key shows");
        }
    }
}

#[test]
fn openai_s_key_goes_only_where_it_belongs() {
    let gateway = Gateway::start("healthy");
    let base = gateway.printed("--base-url");
    let ask = |command: &mut Command| {
        let output =
            command.args(["--quick", "--only", "address", "--only", "models", "--format", "json", "--model", "gpt-4o-mini"]).output();
        serde_json::from_slice::<serde_json::Value>(&output.expect("it runs").stdout).expect("JSON")
    };
    let given = ask(llmdoctor(&["check", "--base-url", base]).env("OPENAI_API_KEY", "sk-openai-only-0123456789"));
    assert_eq!(given["cost"]["requests"], 1, "without a key there is one list to ask for: {given:#}");
    let variable = ask(llmdoctor(&["check"]).env("OPENAI_BASE_URL", base).env("OPENAI_API_KEY", "sk-openai-only-0123456789"));
    assert_eq!(variable["cost"]["requests"], 3, "{variable:#}");
}

#[test]
fn a_closed_pipe_is_one_line_and_no_panic() {
    let mut child = llmdoctor(&["list", "scenarios"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    drop(child.stdout.take());
    let mut told = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut told).expect("text");
    let code = child.wait().expect("it ends").code();
    assert_eq!((code, told.lines().count()), (Some(2), 1), "{told}");
}

#[test]
fn what_explains_and_lists_speaks() {
    for (arguments, word) in [
        (&["explain", "stream-buffered"][..], "proxy_buffering"),
        (&["list", "modes"], "timeout-boundary"),
        (&["list", "probes"], "sweep"),
        (&["list", "scenarios"], "healthy"),
        (&["list", "clients"], "openai-python"),
        (&["completions", "bash"], "_llmdoctor"),
        (&["--version"], "llmdoctor"),
    ] {
        let output = run(arguments);
        assert!(output.status.success() && text(&output.stdout).contains(word), "{arguments:?}: {}", text(&output.stdout));
    }
}

/// What `explain` says of these words: it knows them.
fn explained(words: &[&str]) -> String {
    let output = run(&[&["explain"], words].concat());
    let page = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{words:?}: {}", text(&output.stderr));
    assert!(page.lines().count() <= 70 && page.lines().all(|line| line.len() <= 100 || line.contains("://")), "{page}");
    page
}

#[test]
fn what_is_no_failure_mode_is_explained_as_well() {
    for (words, says) in [
        (&["524"][..], &["Status 524", "Cloudflare", "timeout-boundary", "120 s", "https://developers.cloudflare.com/"][..]),
        (&["499"], &["nginx", "client-timeout-too-short"]),
        (&["446"], &["Portkey gateway", "content-filtered"]),
        (&["X-Should-Retry"], &["Header x-should-retry", "even on a 429", "https://"]),
        (&["retry-after: 30"], &["Header retry-after", "seconds, or an HTTP date", "rate-limited"]),
        (&["x-litellm-version"], &["LiteLLM proxy"]),
        (&["x-ratelimit-reset-tokens"], &["when the window is full again"]),
        (&["insufficient_quota"], &["credits exhausted", "credits-exhausted: ", "Rung chat decides", "https://"]),
        (&["1302"], &["concurrency limited"]),
        (&["1008"], &["MiniMax: the balance is too small", "Cloudflare: the address is banned"]),
        (&["AccountOverdueError"], &["Volcengine Ark", "credits-exhausted"]),
        (&["DeploymentNotFound"], &["model unknown", "model-name-mismatch"]),
        (&["Incorrect", "API", "key", "provided:", "sk-abc"], &["key rejected", "upstream-auth-failed", "Rung keys decides"]),
        (&[r#"{"error":{"message":"x","code":"context_length_exceeded"}}"#], &["context exceeded", "context-window-exceeded"]),
        (&["litellm"], &["What its answers are known by", "request_timeout", "Error texts of its own"]),
        (&["vllm"], &["vLLM"]),
        (&["cursor"], &["As a client", "tool_choice"]),
        (&["stream_options"], &["Member stream_options of a request", "unsupported-field", "recorded requests"]),
        (&["HTTP", "524"], &["Status 524"]),
        (&["https://api.openai.com/v1"], &["Known as OpenAI", "Authorization: Bearer"]),
        (&["60s"], &["proxy_read_timeout", "Clocks with this default"]),
        (&["60", "s"], &["proxy_read_timeout"]),
        (&["43.2 s"], &["None is known"]),
        (&["timeout-boundary"], &["How it is told from its neighbours", "upstream-unavailable", "proxy_read_timeout", "504"]),
        (&["key-rejected"], &["Words that announce it", "Incorrect API key", "401"]),
    ] {
        let page = explained(words);
        for word in says {
            assert!(page.contains(word), "{words:?} lacks {word:?}:\n{page}");
        }
    }
}

#[test]
fn what_is_unknown_is_one_line_with_the_closest_words() {
    refused(&run(&["explain", "insuficient_quota"]), &["insuficient_quota", "insufficient_quota"]);
    refused(&run(&["explain", "cf-raay"]), &["cf-ray"]);
    refused(&run(&["explain", "lite-lm-proxy"]), &["LiteLLM proxy"]);
    refused(&run(&["explain", "xyzzy"]), &["xyzzy", "list modes"]);
    refused(&run(&["explain", "a\u{1b}[31mb\u{202e}c"]), &["a␛[31mb"]);
    for secret in ["my key is hunter2-0123456789", "0123456789abcdefABCDEF0123456789abcdefABCDEF0123456789"] {
        let output = run(&["explain", secret]);
        refused(&output, &["nothing"]);
        assert!(!text(&output.stderr).contains("0123456789"));
    }
    assert!(!explained(&["sk-ant-api03-very-secret"]).contains("very-secret"));
    assert!(!explained(&["Incorrect API key provided: sk-very-secret"]).contains("very-secret"));
}

/// A gateway that lists one model and never answers a chat; it says when one has come.
#[cfg(unix)]
fn silent_gateway() -> (String, std::sync::mpsc::Receiver<()>) {
    use std::io::Write as _;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let (asked, chat) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).unwrap_or_default();
            if buffer[..count].starts_with(b"POST") {
                let _ = asked.send(());
                kept.push(stream);
            } else {
                let list = r#"{"object":"list","data":[{"id":"m","object":"model"}]}"#;
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
                let _ = stream.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{list}", list.len()).as_bytes());
            }
        }
    });
    (base, chat)
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_reports_what_is_known() {
    use nix::sys::signal::{Signal, kill};
    let folder = TempDir::new().expect("a folder");
    let saved = folder.path().join("run.json");
    let (base, chat) = silent_gateway();
    let child = llmdoctor(&["check", "--base-url", &base, "--model", "m", "--format", "json", "--format", "terminal", "--save-evidence"])
        .arg(&saved)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    chat.recv_timeout(std::time::Duration::from_secs(20)).expect("a chat");
    kill(nix::unistd::Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("a signal");
    let output = child.wait_with_output().expect("it ends");
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{told}{}", text(&output.stderr));
    let mut stream = serde_json::Deserializer::from_str(&told).into_iter::<serde_json::Value>();
    let report = stream.next().expect("a report").expect("JSON");
    assert_eq!(report["verdict"], "inconclusive");
    let rung = |id: &str| report["probes"].as_array().and_then(|rungs| rungs.iter().find(|rung| rung["id"] == id)).expect("a rung").clone();
    assert_eq!(rung("models")["status"], "passed");
    assert_ne!(rung("stream")["status"], "passed");
    assert!(told[stream.byte_offset()..].contains("interrupted"), "{told}");
    let evidence: serde_json::Value = serde_json::from_slice(&fs::read(&saved).expect("evidence")).expect("JSON");
    assert_eq!(evidence["interrupted"], true);
}

#[cfg(unix)]
#[test]
fn evidence_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("run.json");
    let gateway = Gateway::start("healthy");
    check(&gateway, &["--quick", "--only", "address", "--save-evidence", path.to_str().expect("text")]);
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
}

/// What a command writes when its standard output and error are a terminal of so many columns.
#[cfg(unix)]
fn on_terminal(mut command: Command, columns: u16) -> String {
    let size = nix::pty::Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let pair = nix::pty::openpty(Some(&size), None).expect("a terminal");
    let error = pair.slave.try_clone().expect("a handle");
    let mut child = command.stdout(pair.slave).stderr(error).spawn().expect("it runs");
    // The handles of this side stand in the command; the terminal ends when nobody writes to it any more.
    drop(command);
    let mut written = Vec::new();
    // The end of a terminal is an error on Linux.
    let _ = fs::File::from(pair.master).read_to_end(&mut written);
    child.wait().expect("it ends");
    text(&written)
}

#[cfg(unix)]
#[test]
fn a_terminal_gets_progress_colours_and_lines_that_fit() {
    let demo = || {
        let mut command = llmdoctor(&["demo", "alias-unknown-upstream"]);
        command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
        command
    };
    let told = on_terminal(demo(), 80);
    assert!(told.contains("\u{1b}[1m") || told.contains("\u{1b}[3"), "there are colours: {told}");
    assert!(told.contains("• Model list"), "there is progress: {told}");
    let mut plain = demo();
    plain.env("NO_COLOR", "1").arg("--no-progress");
    let told = on_terminal(plain, 60);
    assert!(!told.contains('\u{1b}') && !told.contains("• Model list"), "{told}");
    for line in told.lines().map(str::trim_end).filter(|line| !line.contains("--data-raw") && !line.contains("═══")) {
        assert!(line.chars().count() <= 60, "{line:?} is wider than the terminal");
    }
}

#[test]
fn without_a_terminal_there_are_no_colours_unless_they_are_asked_for() {
    let told = |more: &[&str]| text(&run(&[&["demo", "alias-unknown-upstream"], more].concat()).stdout);
    assert!(!told(&[]).contains('\u{1b}'));
    assert!(told(&["--color", "always"]).contains('\u{1b}'));
}

#[test]
fn another_locale_gets_plain_letters() {
    let output = llmdoctor(&["demo", "alias-unknown-upstream"]).env("LC_ALL", "C").output().expect("it runs");
    let told = text(&output.stdout);
    assert!(told.is_ascii() && told.contains("model-name-mismatch"), "{told}");
}

#[test]
fn each_report_goes_to_its_own_file() {
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let (json, markdown, other) = (path("r.json"), path("r.md"), path("r.txt"));
    let gateway = Gateway::start("stream-ignored");
    let output = check(&gateway, &["--quick", "--format", "json", "--output", &json, "--output", &markdown, "--output", &other]);
    assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(1), 0, 0));
    let read = |path: &str| fs::read_to_string(path).expect("a report");
    assert!(serde_json::from_str::<serde_json::Value>(&read(&json)).is_ok());
    assert!(read(&markdown).contains("`stream-ignored`") && read(&other).starts_with('✗'));
    let both = check(&gateway, &["--quick", "--format", "json", "--format", "markdown", "--output", &json]);
    assert!(text(&both.stdout).contains("`stream-ignored`"), "a format that is left goes to standard output");
}

#[test]
fn quiet_leaves_the_exit_code_and_the_files() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("report.json");
    let gateway = Gateway::start("stream-ignored");
    let output = check(&gateway, &["--quick", "--quiet", "--output", path.to_str().expect("text")]);
    assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(1), 0, 0));
    assert!(fs::read_to_string(path).expect("a report").contains("stream-ignored"));
    assert_eq!(check(&gateway, &["--quick", "-q"]).stdout.len(), 0);
}

#[test]
fn help_does_not_show_the_key_of_the_environment() {
    for help in ["-h", "--help"] {
        let output = llmdoctor(&["check", help]).env("LLMDOCTOR_KEY", "sk-in-the-environment").output().expect("it runs");
        assert!(text(&output.stdout).contains("LLMDOCTOR_KEY") && !text(&output.stdout).contains("sk-in-the-environment"));
    }
}
