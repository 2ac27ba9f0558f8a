//! The program as a process of its own, and a simulated gateway in another one.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

const EXE: &str = env!("CARGO_BIN_EXE_llmdoctor");

/// The program with an environment of its own.
pub fn llmdoctor(arguments: &[&str]) -> Command {
    let mut command = Command::new(EXE);
    command.args(arguments).stdin(Stdio::null());
    for name in [
        "OPENAI_BASE_URL",
        "OPENAI_API_KEY",
        "LLMDOCTOR_KEY",
        "LLMDOCTOR_UPSTREAM_KEY",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
        "ALL_PROXY",
    ] {
        command.env_remove(name);
    }
    command
}

/// What was printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A simulated gateway in a process of its own, and the base URL, key and model that it prints.
pub struct Gateway {
    child: Child,
    /// Kept open: a simulator whose reader has left would end.
    _output: BufReader<ChildStdout>,
    /// The arguments that it prints, without the subcommand.
    words: Vec<String>,
}

impl Gateway {
    pub fn start(scenario: &str) -> Self {
        let mut child = llmdoctor(&["simulate", scenario]).stdout(Stdio::piped()).spawn().expect("a simulator");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let command =
            output.by_ref().lines().map_while(Result::ok).find(|line| line.trim().starts_with("llmdoctor check")).expect("a command");
        let words = shlex::split(&command).expect("shell words").into_iter().skip(2).collect();
        Gateway { child, _output: output, words }
    }

    /// What it prints behind an option.
    pub fn printed(&self, option: &str) -> &str {
        let position = self.words.iter().position(|word| word == option).expect("an option that it prints");
        &self.words[position + 1]
    }

    /// A subcommand asked against it.
    pub fn asked(&self, subcommand: &str, more: &[&str]) -> Command {
        let words = [subcommand].into_iter().chain(self.words.iter().map(String::as_str)).chain(more.iter().copied());
        llmdoctor(&words.collect::<Vec<_>>())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
