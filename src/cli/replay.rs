//! `replay`: a saved run or a captured session, diagnosed again.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};

use crate::evidence::{Evidence, SCHEMA, Session};
use crate::report::{FailOn, Report};

use super::args::Replay;
use super::output::Outputs;

/// Larger files (bytes) are no saved runs.
const LARGEST: u64 = 256 << 20;

/// Reads the file, diagnoses it, reports.
pub fn run(replay: &Replay) -> Result<ExitCode> {
    let file = load(&replay.evidence)?;
    if Session::is_one(&file) {
        let session = Session::read(&file).with_context(|| format!("cannot replay {}", replay.evidence.display()))?;
        let report = Report::captured(&session);
        let mut outputs = Outputs::open(&replay.output, None, replay.look.quiet)?;
        outputs.write_reports(&report, &replay.look)?;
        return Ok(ExitCode::from(report.exit_code(FailOn::from(replay.output.fail_on))));
    }
    let evidence = evidence(&file, &replay.evidence)?;
    let mut outputs = Outputs::open(&replay.output, None, replay.look.quiet)?;
    super::check::report(&evidence, &mut outputs, &replay.output, &replay.look)
}

fn load(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(LARGEST).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes)
}

fn evidence(file: &[u8], path: &Path) -> Result<Evidence> {
    let name = path.display();
    let evidence: Evidence = serde_json::from_slice(file).with_context(|| {
        format!("{name} is no saved run of llmdoctor check --save-evidence, and no session of llmdoctor capture --save")
    })?;
    ensure!(evidence.schema == SCHEMA, "{name} is of the format {:?}, and this program reads {SCHEMA:?}", evidence.schema);
    Ok(evidence)
}
