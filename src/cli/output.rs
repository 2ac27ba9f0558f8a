//! Where results go: files are opened before the first request, so that a path that cannot be written is known in time.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::evidence::Evidence;
use crate::report::{Format, Look, Report, render};

use super::args::{ColorChoice, FormatName, LookArgs, Output};

/// Every place that a run writes to.
pub struct Outputs {
    reports: Vec<(Format, Option<Sheet>)>,
    evidence: Option<Sheet>,
}

/// A file that was opened before anything was asked; what it held stays until the new text is written.
struct Sheet {
    path: PathBuf,
    file: File,
}

impl Outputs {
    /// Opens everything; what cannot be written is one clear line.
    pub fn open(output: &Output, evidence: Option<&Path>, quiet: bool) -> Result<Self> {
        let mut reports = Vec::new();
        for (format, path) in pairs(output)? {
            reports.push((format, path.map(|path| Sheet::open(&path, false)).transpose()?));
        }
        if quiet {
            reports.retain(|(_, sheet)| sheet.is_some());
        }
        let evidence = evidence.map(|path| Sheet::open(path, true)).transpose()?;
        Ok(Outputs { reports, evidence })
    }

    /// Writes every report.
    pub fn write_reports(&mut self, report: &Report, look: &LookArgs) -> Result<()> {
        for (format, sheet) in &mut self.reports {
            let text = render(report, *format, &look_of(look, sheet.is_none()));
            match sheet {
                Some(sheet) => sheet.write(&text)?,
                None => print(&text)?,
            }
        }
        Ok(())
    }

    /// Saves the evidence, if that was asked for.
    pub fn write_evidence(&mut self, evidence: &Evidence) -> Result<()> {
        match &mut self.evidence {
            Some(sheet) => sheet.write(&serde_json::to_string_pretty(evidence)?),
            None => Ok(()),
        }
    }
}

impl Sheet {
    /// Opens a file; a private one is made for its owner's eyes only, where the system knows such a thing.
    fn open(path: &Path, private: bool) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        if private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = private;
        let file = options.open(path);
        Ok(Sheet { path: path.to_owned(), file: file.with_context(|| format!("cannot write {}", path.display()))? })
    }

    fn write(&mut self, text: &str) -> Result<()> {
        let done = self.file.set_len(0).and_then(|()| self.file.rewind()).and_then(|()| self.file.write_all(text.as_bytes()));
        done.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// The first `--format` belongs to the first `--output`, and so on; formats that are left go to standard output.
fn pairs(output: &Output) -> Result<Vec<(Format, Option<PathBuf>)>> {
    let mut formats: Vec<FormatName> = output.format.clone();
    for path in output.output.iter().skip(formats.len()) {
        formats.push(by_extension(path)?);
    }
    if formats.is_empty() {
        formats.push(FormatName::Terminal);
    }
    let paths = output.output.iter().cloned().map(Some).chain(std::iter::repeat(None));
    Ok(formats.into_iter().map(Format::from).zip(paths).collect())
}

fn by_extension(path: &Path) -> Result<FormatName> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => Ok(FormatName::Json),
        Some("md" | "markdown") => Ok(FormatName::Markdown),
        Some("txt") => Ok(FormatName::Terminal),
        _ => bail!("which form shall {} have? Give --format terminal, json or markdown for it", path.display()),
    }
}

/// Prints to standard output; a closed pipe is an error like any other.
pub fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    // In one piece: a reader that leaves after the line it waited for has then had everything.
    let line_end = if text.ends_with('\n') { "" } else { "\n" };
    let done = stdout.write_all(format!("{text}{line_end}").as_bytes());
    done.and_then(|()| stdout.flush()).context("cannot write to standard output")
}

/// How a report looks on standard output or in a file.
pub fn look_of(args: &LookArgs, to_stdout: bool) -> Look {
    Look { verbose: args.verbose, redact_host: args.redact_host, ..plain_look(args.color, to_stdout) }
}

/// How lines look on standard output or in a file.
pub fn plain_look(color: ColorChoice, to_stdout: bool) -> Look {
    let terminal = to_stdout && io::stdout().is_terminal();
    let width = terminal_size::terminal_size().filter(|_| terminal).map_or(100, |(width, _)| usize::from(width.0));
    Look {
        width: width.clamp(40, 120),
        color: colored(color, terminal),
        ascii: to_stdout && !speaks_utf8(),
        verbose: false,
        redact_host: false,
    }
}

fn colored(choice: ColorChoice, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => terminal && !set("NO_COLOR") && std::env::var("TERM").as_deref() != Ok("dumb"),
    }
}

/// The locale's character set, by the usual order of its variables; without any of them it is taken for UTF-8.
pub fn speaks_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty());
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
