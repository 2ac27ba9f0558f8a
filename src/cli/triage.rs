//! `triage`: what somebody pasted, named without a network.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::report::{FailOn, Report};
use crate::triage::{LARGEST, Triage};

use super::args;
use super::output::Outputs;

/// Reads the paste, names what it points at, reports.
pub fn run(asked: &args::Triage) -> Result<ExitCode> {
    // Beside the reading of the paste.
    let mut outputs = Outputs::open(&asked.output, None, asked.look.quiet)?;
    let triage = Triage::of(&load(&asked.paste)?).with_context(|| format!("cannot triage {}", named(&asked.paste)))?;
    let report = Report::pasted(&triage, &jiff::Timestamp::now().to_string());
    outputs.write_reports(&report, &asked.look)?;
    Ok(ExitCode::from(report.exit_code(FailOn::from(asked.output.fail_on))))
}

/// The paste, one byte more than is accepted at most.
fn load(path: &Path) -> Result<Vec<u8>> {
    let mut paste = Vec::new();
    let limit = LARGEST as u64 + 1;
    let read = if path == Path::new("-") {
        std::io::stdin().take(limit).read_to_end(&mut paste)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut paste))
    };
    read.with_context(|| format!("cannot read {}", named(path)))?;
    Ok(paste)
}

fn named(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}
