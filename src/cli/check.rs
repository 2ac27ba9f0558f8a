//! `check`: climb the ladder, diagnose, report.

use std::process::ExitCode;

use anyhow::Result;

use crate::diagnosis::diagnose;
use crate::evidence::Evidence;
use crate::facts;
use crate::http::Client;
use crate::ladder::Climb;
use crate::report::{FailOn, Report};

use super::args::{Check, LookArgs, Output};
use super::output::Outputs;
use super::progress::Progress;
use super::settings::Settings;

/// Runs the check; an error is about us, never about the target.
pub fn run(check: &Check) -> Result<ExitCode> {
    examine(check).map(|(_, code)| code)
}

/// The same; what was recorded comes along.
pub fn examine(check: &Check) -> Result<(Evidence, ExitCode)> {
    let settings = Settings::of(check, |name| std::env::var(name).ok())?;
    if !check.look.quiet {
        settings.notes.iter().for_each(|note| super::warn(note));
    }
    let mut outputs = Outputs::open(&check.output, check.save_evidence.as_deref(), check.look.quiet)?;
    let client = Client::new(settings.options, settings.pace.clone(), settings.scrubber)?;
    let climb = Climb {
        client: &client,
        target: &settings.target,
        pace: &settings.pace,
        only: check.effort.only.clone(),
        skip: check.effort.skip.clone(),
        burst: check.effort.burst.into(),
        body: settings.body,
        body_headers: settings.body_headers,
        client_timeout_s: settings.client_timeout_s,
        clients: &settings.clients,
        upstream: settings.upstream.as_ref(),
    };
    let evidence = super::block_on(climb_with_progress(&climb, &check.look))?;
    outputs.write_evidence(&evidence)?;
    let code = report(&evidence, &mut outputs, &check.output, &check.look)?;
    Ok((evidence, code))
}

/// Climbs while showing the rungs; Ctrl-C ends the climb, and what is known by then is kept.
pub async fn climb_with_progress(climb: &Climb<'_>, look: &LookArgs) -> Evidence {
    // Off this thread: reading the tables while a stream is being timed would show as a gap.
    std::thread::spawn(facts::warm_up);
    let progress = Progress::new(!look.no_progress && !look.quiet);
    let stop = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let evidence = climb.run(&|event| progress.show(event), stop).await;
    progress.close();
    evidence
}

/// Diagnoses, writes the reports, and says how to exit.
pub fn report(evidence: &Evidence, outputs: &mut Outputs, output: &Output, look: &LookArgs) -> Result<ExitCode> {
    let report = Report::new(evidence, &diagnose(evidence));
    outputs.write_reports(&report, look)?;
    Ok(ExitCode::from(report.exit_code(FailOn::from(output.fail_on))))
}
