//! The command line: what was typed, what it means, and how it ends.

mod args;
mod bisect;
mod capture;
mod check;
mod explain;
mod output;
mod progress;
mod replay;
mod settings;
mod simulate;
mod source;
mod triage;
mod upstream;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Command};

/// The exit code of wrong usage.
const USAGE: u8 = 2;

/// Parses, runs, and says how to exit; whatever goes wrong on our side is one line on stderr.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain_usage(&error),
    };
    run(cli.command).unwrap_or_else(|error| complain(&format!("{error:#}")))
}

/// The command line as clap sees it, for documentation and completion.
pub fn command() -> clap::Command {
    Cli::command()
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Check(check) => check::run(&check),
        Command::Bisect(mut asked) => bisect::run(&mut asked),
        Command::Capture(asked) => capture::run(&asked),
        Command::Replay(replay) => replay::run(&replay),
        Command::Triage(paste) => triage::run(&paste),
        Command::Explain { words } => explain::explain(&words),
        Command::List { what } => explain::list(what),
        Command::Simulate { scenario, listen } => simulate::serve(&scenario, listen),
        Command::Demo { scenario, look } => simulate::demo(scenario.as_deref(), &look),
        Command::Completions { shell } => completions(shell),
    }
}

fn completions(shell: clap_complete::Shell) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "llmdoctor", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Help and version go to stdout; anything else is one line that says what was wrong and what is accepted.
fn explain_usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let code = if error.use_stderr() { USAGE } else { 0 };
        return match error.print() {
            Ok(()) => ExitCode::from(code),
            Err(_) => ExitCode::from(USAGE),
        };
    }
    let text = error.to_string();
    let told = text.split("\n\nUsage:").next().unwrap_or_default().split("\n\nFor more").next().unwrap_or_default();
    let line = told.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" ");
    complain(&format!("{line} (see --help)"))
}

fn complain(line: &str) -> ExitCode {
    warn(line);
    ExitCode::from(USAGE)
}

/// One line on stderr.
fn warn(line: &str) {
    use std::io::Write as _;
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    // Nobody is left to tell when stderr is closed as well.
    let _ = writeln!(std::io::stderr(), "llmdoctor: {line}");
}

/// Runs a future to its end. Name resolution that still hangs then is left behind.
fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the network runtime")?;
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(output)
}
