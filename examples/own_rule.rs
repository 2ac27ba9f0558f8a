//! Applies a rule of one's own beside the catalogue: `cargo run --example own_rule run.json`, with a saved run.
#![allow(clippy::print_stdout, reason = "an example prints")]

use anyhow::Context as _;
use llmdoctor::catalogue::{Blame, CATALOGUE, Case, Certainty, FailureMode, Finding, Severity, Verdict};
use llmdoctor::diagnosis::diagnose_with;
use llmdoctor::evidence::Evidence;
use llmdoctor::report::{Format, Look, Report, render};

/// What this house calls slow, in milliseconds.
const SLOW_MS: f64 = 100.0;

const SLOW_CHAT: FailureMode = FailureMode {
    id: "slow-chat",
    title: "A small chat takes longer than this house allows",
    family: "time",
    symptom: "People wait.",
    cause: "The gateway, or what stands behind it, needs longer than the agreed time for an answer of twenty words.",
    fix: &["Ask the gateway's operator for the agreed time."],
    references: &[],
    explains: &[],
    diagnose: slow_chat,
};

fn slow_chat(case: &Case) -> Verdict {
    let Some(answer) = case.chat().answer() else { return Verdict::untested("no chat was answered") };
    let Some(response) = answer.exchange.response() else { return Verdict::untested("no chat was answered") };
    let took = response.total_ms;
    if took <= SLOW_MS {
        return Verdict::absent(format!("the chat took {took:.0} ms"));
    }
    let because = format!("The chat took {took:.0} ms; {SLOW_MS:.0} ms are agreed.");
    Finding::new(Severity::Warning, Certainty::Likely, Blame::Gateway, because).cite([answer.exchange]).present()
}

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("which saved run? Give the file that --save-evidence wrote")?;
    let evidence: Evidence = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    let diagnosis = diagnose_with(CATALOGUE.iter().copied().chain([&SLOW_CHAT]), &evidence);
    println!("{}", render(&Report::new(&evidence, &diagnosis), Format::Markdown, &Look::default()));
    Ok(())
}
