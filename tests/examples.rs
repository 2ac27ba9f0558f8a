//! The examples run and say what they promise.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const EXE: &str = env!("CARGO_BIN_EXE_llmdoctor");

/// The path of an example. `cargo test` has built it; `cargo test --test examples` by itself has not, and takes what is there.
fn example(name: &str) -> PathBuf {
    let path = Path::new(EXE).parent().expect("a folder").join("examples").join(name);
    assert!(path.is_file(), "{name} is not built: run cargo test, or cargo build --examples first");
    path
}

fn told(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A saved run.
fn saved(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("run.json");
    let scenario = llmdoctor::sim::scenario("stream-ignored").expect("a scenario");
    let examined = support::block_on(support::examine(scenario, llmdoctor::pace::Pace::simulated()));
    std::fs::write(&path, serde_json::to_string(&examined.evidence).expect("JSON")).expect("written");
    path
}

#[test]
fn a_simulated_gateway_is_diagnosed() {
    let text = told(&mut Command::new(example("simulated_gateway")));
    assert!(text.contains("stream-buffered") && text.contains("requests."), "{text}");
}

#[test]
fn a_paste_is_named() {
    let text = told(&mut Command::new(example("triage_a_paste")));
    assert!(text.starts_with("upstream-auth-failed (Likely)") && text.contains("llmdoctor check"), "{text}");
}

#[test]
fn a_saved_run_is_judged_again() {
    let folder = TempDir::new().expect("a folder");
    let text = told(Command::new(example("replay")).arg(saved(&folder)));
    assert!(text.starts_with("stream-ignored (Error)"), "{text}");
}

#[test]
fn a_rule_of_one_s_own_stands_beside_the_catalogue_s() {
    let folder = TempDir::new().expect("a folder");
    let text = told(Command::new(example("own_rule")).arg(saved(&folder)));
    assert!(text.contains("`slow-chat`") && text.contains("`stream-ignored`"), "{text}");
}

#[test]
fn every_example_is_named_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut names: Vec<_> = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["own_rule.rs", "replay.rs", "simulated_gateway.rs", "triage_a_paste.rs"]);
}
