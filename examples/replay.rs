//! Judges a saved run without a network: `cargo run --example replay run.json`, where `check --save-evidence run.json` wrote the file.
#![allow(clippy::print_stdout, reason = "an example prints")]

use anyhow::Context as _;
use llmdoctor::diagnosis::diagnose;
use llmdoctor::evidence::Evidence;

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("which saved run? Give the file that --save-evidence wrote")?;
    let evidence: Evidence = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    let diagnosis = diagnose(&evidence);
    for found in &diagnosis.findings {
        println!("{} ({:?}): {}", found.mode.id, found.finding.severity, found.finding.because);
    }
    println!("found {}, ruled out {}, untested {}", diagnosis.findings.len(), diagnosis.absent.len(), diagnosis.untested.len());
    Ok(())
}
