//! What is written about the program agrees with the program.

use std::path::Path;
use std::process::Command;

use llmdoctor::evidence::Session;
use llmdoctor::report::{Look, Passed};
use llmdoctor::triage::captured::Watch;

const EXE: &str = env!("CARGO_BIN_EXE_llmdoctor");

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_default()
}

/// Compares a part of a file with what it must say; `UPDATE_DOCS=1` writes it.
fn fresh(name: &str, begin: &str, end: &str, wanted: &str) {
    let text = read(name);
    let from = text.find(begin).unwrap_or_else(|| panic!("{name} lacks {begin:?}")) + begin.len();
    let to = from + text[from..].find(end).unwrap_or_else(|| panic!("{name} lacks {end:?}"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        std::fs::write(path, format!("{}{wanted}{}", &text[..from], &text[to..])).expect("written");
    } else {
        assert!(text[from..to] == *wanted, "{name} is not fresh: run UPDATE_DOCS=1 cargo test --test docs");
    }
}

fn told(arguments: &[&str]) -> String {
    let output = Command::new(EXE).args(arguments).env("COLUMNS", "100").output().expect("it runs");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text").lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn the_readme_shows_the_help() {
    fresh("README.md", "<!-- help -->\n```text\n", "```\n<!-- /help -->", &told(&["check", "-h"]));
}

#[test]
fn the_readme_shows_what_a_paste_points_at() {
    let paste = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pastes/bug-report.md");
    let wanted = told(&["triage", paste.to_str().expect("a name"), "--fail-on", "never"]);
    fresh("README.md", "<!-- pasted -->\n```text\n", "```\n<!-- /pasted -->", &wanted);
}

#[test]
fn the_readme_shows_what_passes_by() {
    let file = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pastes/session.jsonl")).expect("a session");
    let session = Session::read(&file).expect("a session");
    let mut watch = Watch::new(&session.header);
    let line = |captured| Passed::new(captured, watch.judge(captured)).terminal(&Look { width: 100, ..Look::default() });
    let wanted: String = session.captured.iter().map(line).collect();
    fresh("README.md", "<!-- captured -->\n```text\n", "```\n<!-- /captured -->", &wanted);
}

#[test]
fn the_failure_modes_are_those_of_the_catalogue() {
    let wanted = llmdoctor::catalogue::markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/failure-modes.md");
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, &wanted).expect("written");
    }
    assert!(read("docs/failure-modes.md") == wanted, "docs/failure-modes.md is not fresh: run UPDATE_DOCS=1 cargo test --test docs");
}

#[test]
fn the_readme_s_exit_codes_are_those_of_the_program() {
    let help = told(&["--help"]);
    for line in ["0 nothing found at --fail-on", "1 found", "2 wrong usage", "3 inconclusive"] {
        assert!(help.contains(line), "the help lacks {line:?}");
    }
    for code in ["| 0 |", "| 1 |", "| 2 |", "| 3 |"] {
        assert!(read("README.md").contains(code), "the README lacks {code:?}");
    }
}

#[test]
fn the_readme_s_commands_are_understood() {
    for line in read("README.md").lines().filter_map(|line| line.trim().strip_prefix("llmdoctor ")) {
        let words: Vec<String> = shlex::split(line.split(" #").next().expect("a part")).expect("shell words");
        let command = llmdoctor::cli::command();
        let parsed = command.try_get_matches_from(std::iter::once("llmdoctor".to_owned()).chain(words));
        let fine = parsed.as_ref().map_or_else(|error| !error.use_stderr(), |_| true);
        assert!(fine, "the README says `llmdoctor {line}`: {}", parsed.expect_err("an error"));
    }
}

#[test]
fn the_architecture_page_lists_the_rungs() {
    let page = read("ARCHITECTURE.md");
    for probe in llmdoctor::probes::LADDER {
        let row = format!("| {} | `{}` |", probe.stage, probe.id);
        assert!(page.contains(&row), "ARCHITECTURE.md lacks {row:?}");
    }
}
