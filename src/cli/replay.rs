//! `replay`: a saved run, diagnosed again.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};

use crate::evidence::{Evidence, SCHEMA};

use super::args::Replay;
use super::output::Outputs;

/// Larger files (bytes) are no saved runs.
const LARGEST: u64 = 256 << 20;

/// Reads the file, diagnoses it, reports.
pub fn run(replay: &Replay) -> Result<ExitCode> {
    let evidence = load(&replay.evidence)?;
    let mut outputs = Outputs::open(&replay.output, None, replay.look.quiet)?;
    super::check::report(&evidence, &mut outputs, &replay.output, &replay.look)
}

fn load(path: &Path) -> Result<Evidence> {
    let name = path.display();
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(LARGEST).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text))
    };
    read.with_context(|| format!("cannot read {name}"))?;
    let evidence: Evidence =
        serde_json::from_str(&text).with_context(|| format!("{name} is no saved run of llmdoctor check --save-evidence"))?;
    ensure!(evidence.schema == SCHEMA, "{name} is of the format {:?}, and this program reads {SCHEMA:?}", evidence.schema);
    Ok(evidence)
}
