//! `bisect`: which part of a client's request is refused, and nothing else.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::catalogue::{Bisected, bisected};
use crate::evidence::{Evidence, Exchange};
use crate::report::neutral;

use super::args::{Bisect, FormatName};
use super::check;
use super::output::print;

/// Requests of a search, unless --max-requests says otherwise.
const MAX_REQUESTS: u16 = 200;
/// The rungs that the question needs.
const RUNGS: [&str; 7] = ["address", "models", "chat", "stream", "fields", "clients", "bypass"];
/// Headers that every program sends in its own way.
const USUAL: [&str; 7] = ["accept", "accept-encoding", "authorization", "content-length", "content-type", "host", "user-agent"];
/// So many bytes of a body are shown.
const SHOWN: usize = 1200;

/// Runs the search; what it ended with is printed below the report and may be written to a file.
pub fn run(asked: &mut Bisect) -> Result<ExitCode> {
    let from_client = asked.check.client.as_deref().is_some_and(|name| name != crate::profiles::ALL);
    ensure!(
        asked.check.body.is_some() || from_client,
        "which request shall be bisected? Give --body FILE (JSON, a curl command, a HAR file, a debug log) or --client NAME"
    );
    let is_new = asked.write_fixed.as_deref().map(writable).transpose()?;
    let effort = &mut asked.check.effort;
    effort.quick = !effort.thorough && effort.sweep_max.is_none();
    effort.max_requests = effort.max_requests.or(Some(MAX_REQUESTS));
    if effort.only.is_empty() {
        effort.only = RUNGS.map(str::to_owned).to_vec();
    }
    let examined = check::examine(&asked.check);
    if let (Err(_), Some(path), Some(true)) = (&examined, asked.write_fixed.as_deref(), is_new) {
        // What was made to see whether it can be written holds nothing; the error that is told is the one that counts.
        let _ = std::fs::remove_file(path);
    }
    let (evidence, code) = examined?;
    let found = bisected(&evidence);
    let mended = found.as_ref().and_then(|found| found.largest).and_then(|exchange| exchange.request.body.as_ref());
    match (asked.write_fixed.as_deref(), mended) {
        (Some(path), Some(body)) => write(path, body)?,
        (Some(path), None) if is_new == Some(true) => {
            std::fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        _ => {}
    }
    let formats = &asked.check.output.format;
    let for_people = formats.is_empty() || formats.contains(&FormatName::Terminal);
    if for_people && !asked.check.look.quiet {
        print(&summary(&evidence, found.as_ref(), asked.write_fixed.as_deref()))?;
    }
    Ok(code)
}

/// Finds out before the first request whether the file can be written; true when it was not there.
fn writable(path: &Path) -> Result<bool> {
    let is_new = !path.exists();
    std::fs::OpenOptions::new().append(true).create(true).open(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(is_new)
}

fn write(path: &Path, body: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(body)? + "\n";
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// What the search ended with.
fn summary(evidence: &Evidence, found: Option<&Bisected>, fixed: Option<&Path>) -> String {
    let mut text = String::from("\nBISECTION\n");
    let Some(found) = found else {
        text.push_str("  No part of the request was refused, so there is nothing to mend");
        text.push_str(if fixed.is_some() { ", and no file was written." } else { "." });
        return text;
    };
    let _ = writeln!(text, "  {} requests about a body of {} places.", found.requests, found.places);
    for culprit in &found.culprits {
        let _ = writeln!(text, "\n  Refused: {}", neutral::inline(&culprit.places.join(" with "), SHOWN));
        if let Some(shown) = culprit.smallest {
            let _ = writeln!(text, "  Smallest request that is refused ({}):", shown.id);
            let _ = writeln!(text, "    {}", bounded(shown));
        }
    }
    match found.largest {
        None => text.push_str("\n  No request with less was answered, so there is no mended one."),
        Some(shown) => {
            for change in &found.changes {
                let _ = writeln!(text, "\n  {}.", neutral::inline(change, SHOWN));
            }
            let without = if found.left_out.is_empty() { String::new() } else { format!(", without {}", found.left_out.join(", ")) };
            let changed = if found.changes.is_empty() { "" } else { ", with that changed" };
            let _ = writeln!(text, "\n  Largest request that is answered ({}){changed}{}:", shown.id, neutral::inline(&without, SHOWN));
            let _ = writeln!(text, "    {}", bounded(shown));
            let checked = if found.is_checked {
                "each culprit alone is refused, everything else together is answered"
            } else {
                "not every culprit was seen to be refused alone"
            };
            let _ = writeln!(text, "  Checked: {checked}.");
            let file = fixed.map_or_else(|| "mended.json".to_owned(), |path| path.display().to_string());
            let written = match fixed {
                Some(path) => format!("The mended body is in {}.", path.display()),
                None => "--write-fixed FILE writes the mended body.".to_owned(),
            };
            let _ = write!(text, "\n  {written} To send it:\n    {}", curl(evidence, shown, &file));
        }
    }
    text
}

fn bounded(shown: &Exchange) -> String {
    let text = shown.request.body.as_ref().map(Value::to_string).unwrap_or_default();
    let size = if text.len() > SHOWN { format!(" ({} bytes in all)", text.len()) } else { String::new() };
    neutral::inline(&text, SHOWN) + &size
}

/// The command that sends the mended body; the key stays in its variable.
fn curl(evidence: &Evidence, shown: &Exchange, file: &str) -> String {
    let scheme = evidence.subject.key.scheme.filter(|_| evidence.subject.key.present);
    let key = scheme.map(|scheme| format!("-H \"{}: {}\" ", scheme.header(), scheme.value("$LLMDOCTOR_KEY"))).unwrap_or_default();
    let url = shlex::try_quote(&shown.request.url).unwrap_or_default();
    let data = format!("@{file}");
    let data = shlex::try_quote(&data).unwrap_or_default();
    let own = shown.request.headers.iter().filter(|(name, _)| !USUAL.contains(&name.as_str()) && !name.contains("key"));
    let own = own.map(|(name, value)| format!("-H {} ", shlex::try_quote(&format!("{name}: {value}")).unwrap_or_default()));
    format!("curl -sS {url} {key}{}-H 'Content-Type: application/json' -d {data}", own.collect::<String>())
}
