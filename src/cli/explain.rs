//! `explain` and `list`: the catalogue and the other tables, as text.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::catalogue::{CATALOGUE, FailureMode, mode};
use crate::facts;
use crate::probes::LADDER;
use crate::sim;

use super::args::Listing;
use super::output::print;

/// Explains one mode, or lists them.
pub fn explain(id: Option<&str>) -> Result<ExitCode> {
    let Some(id) = id else { return list(Listing::Modes) };
    let Some(mode) = mode(id) else {
        let close = closest(id);
        bail!(
            "there is no failure mode {id:?}{}; `llmdoctor list modes` names them",
            close.map(|close| format!(" (did you mean {close}?)")).unwrap_or_default()
        );
    };
    print(&page(mode))?;
    Ok(ExitCode::SUCCESS)
}

fn closest(id: &str) -> Option<&'static str> {
    let close = CATALOGUE.iter().map(|mode| (strsim::jaro_winkler(id, mode.id), mode.id));
    close.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, id)| id)
}

fn page(mode: &FailureMode) -> String {
    let mut text = format!("{} ({})\n", mode.title, mode.id);
    for (heading, body) in [("What people see", mode.symptom), ("Why", mode.cause)] {
        let _ = write!(text, "\n{heading}\n{}\n", textwrap::indent(&textwrap::fill(body, 92), "  "));
    }
    let _ = writeln!(text, "\nWhat helps");
    for fix in mode.fix {
        let options = textwrap::Options::new(92).initial_indent("  - ").subsequent_indent("    ");
        let _ = writeln!(text, "{}", textwrap::fill(fix, options));
    }
    if !mode.references.is_empty() {
        let _ = write!(text, "\nReal cases\n{}", textwrap::indent(&mode.references.join("\n"), "  "));
    }
    text
}

/// Lists one of the tables, an entry a line.
pub fn list(what: Listing) -> Result<ExitCode> {
    let rows: Vec<(String, String)> = match what {
        Listing::Modes => CATALOGUE.iter().map(|mode| (mode.id.to_owned(), mode.title.to_owned())).collect(),
        Listing::Probes => LADDER.iter().map(|probe| (probe.id.to_owned(), format!("{} ({})", probe.asks, probe.cost))).collect(),
        Listing::Scenarios => sim::scenarios().iter().map(|scenario| (scenario.id.to_owned(), scenario.title.to_owned())).collect(),
        Listing::Clients => facts::client_timeouts().iter().map(|client| (client.name.clone(), waits(client))).collect(),
    };
    let width = rows.iter().map(|(id, _)| id.len()).max().unwrap_or_default();
    let lines: Vec<String> = rows.iter().map(|(id, text)| format!("{id:width$}  {text}")).collect();
    print(&lines.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn waits(client: &facts::ClientTimeouts) -> String {
    let clocks = [("connect", client.connect), ("first byte", client.first_byte), ("idle", client.idle), ("total", client.total)];
    let known: Vec<String> = clocks.iter().filter_map(|(name, seconds)| seconds.map(|seconds| format!("{name} {seconds} s"))).collect();
    if known.is_empty() { "no limit known".to_owned() } else { known.join(", ") }
}
