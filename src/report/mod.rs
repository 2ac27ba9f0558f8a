//! What a run found, as a value, and the formats that show it: one file per format, each a pure function of the report and a look.

mod build;
mod captured;
mod clients;
mod curl;
mod groups;
mod json;
mod layout;
mod markdown;
mod measure;
pub mod neutral;
mod outcome;
mod pasted;
mod redact;
mod rungs;
mod stream;
mod terminal;
mod words;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use serde::{Serialize, Serializer};

use crate::catalogue::{Blame, Certainty, Details, Severity};

pub use captured::{Mode, Passed};
pub use clients::ClientRow;
pub use curl::curl;
pub use stream::{Gaps, StreamMeasures};

/// The format of the JSON report.
pub const SCHEMA: &str = "llmdoctor.report/1";

/// What a run found, in the shape of `schema/report.schema.json`. Every text in it is neutral and bounded: see [`neutral::inline`].
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: &'static str,
    /// Which program collected the evidence.
    pub tool: Tool,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// How long the run took, in milliseconds.
    pub duration_ms: f64,
    /// What was looked at.
    pub target: Subject,
    /// The answer in one word.
    pub verdict: Outcome,
    /// What is there, root causes first; what another finding explains stands below it.
    pub findings: Vec<Item>,
    /// The failures that a pasted text shows; `None` for a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Vec<Seen>>,
    /// The exchanges of a captured session; `None` for anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captured: Option<Vec<Passed>>,
    /// What was ruled out; in JSON only the ids.
    pub absent: Vec<Absent>,
    /// The known clients that the run was about; `None` when it was about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<Vec<ClientRow>>,
    /// What nobody can say from this evidence.
    pub untested: Vec<Untested>,
    /// The ladder, rung by rung.
    pub probes: Vec<Rung>,
    /// Everything that was sent, in order.
    pub exchanges: Vec<Row>,
    /// What the run cost.
    pub cost: Cost,
    /// How fast the target answered.
    pub speed: Speed,
    /// True when somebody stopped the run before it was through.
    #[serde(skip)]
    pub interrupted: bool,
    /// Host names and addresses of the target, for [`Look::redact_host`].
    #[serde(skip)]
    hosts: Vec<String>,
}

/// A program and its version.
#[derive(Debug, Clone, Serialize)]
pub struct Tool {
    /// `llmdoctor`.
    pub name: &'static str,
    /// The version that collected the evidence.
    pub version: String,
}

/// What was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Subject {
    /// The base URL that requests were built from.
    pub base_url: String,
    /// The model, if one was known.
    pub model: Option<String>,
    /// True when the model was chosen from the list and not typed.
    #[serde(skip)]
    pub model_was_chosen: bool,
    /// The way of speaking, such as `openai-chat`.
    pub dialect: String,
    /// The client whose habits were replayed.
    pub client: Option<String>,
    /// What stands behind it, when that was asked directly as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
}

/// What stands behind the target.
#[derive(Debug, Clone, Serialize)]
pub struct Upstream {
    /// The base URL that requests were built from.
    pub base_url: String,
    /// The model that it was asked for.
    pub model: Option<String>,
}

/// The answer in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Chat and streaming were answered, and nothing worse than a note was found.
    Healthy,
    /// It works, but something that typical clients rely on does not.
    Impaired,
    /// Plain chat or plain streaming does not work as a client would use it.
    Broken,
    /// Nobody can say: the run was interrupted, or chat or streaming was not answered and nothing was found that explains it.
    Inconclusive,
}

/// A failure mode that is there.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// The failure mode's id.
    pub mode: String,
    /// Its headline.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// How sure the rule is.
    pub certainty: Certainty,
    /// Who must act.
    pub blame: Blame,
    /// What was measured.
    pub because: String,
    /// What it means for whoever uses the endpoint.
    pub consequence: String,
    /// What helps, one action each, the most specific first.
    pub fix: Vec<String>,
    /// Ids of the exchanges that show it.
    pub cites: Vec<String>,
    /// Modes found in this run that are consequences of this one.
    pub explains: Vec<String>,
    /// The mode found in this run whose consequence this one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained_by: Option<String>,
    /// A curl line that shows it again.
    pub reproduce: Option<String>,
    /// The likelier mode for the same pasted failure, when this one is only its alternative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// What would settle it, when it was read from a pasted text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle: Option<Settle>,
    /// What the user of the client that the run was about sees of it: `In NAME VERSION: …`; `None` when nothing like it was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_sees: Option<String>,
    /// Machine-readable particulars.
    pub details: Details,
    /// What real clients make of the stream that it is about, in words; empty when nothing is known.
    #[serde(skip)]
    pub clients: String,
}

/// A failure that a pasted text shows.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// `s1`, `s2`, … in the order of the paste.
    pub id: String,
    /// In which form it was pasted, such as `curl` or `exception`.
    pub form: String,
    /// First and last line of it in the paste, from 1.
    pub lines: [usize; 2],
    /// How many times the paste shows the same.
    pub times: usize,
    /// `GET`, `POST`, … of the request.
    pub method: Option<String>,
    /// URL or path of the request.
    pub url: Option<String>,
    /// The model that was asked for.
    pub model: Option<String>,
    /// Status of the answer.
    pub status: Option<u16>,
    /// Seconds that the request took.
    pub seconds: Option<f64>,
    /// `code` of the error.
    pub code: Option<String>,
    /// `type` of the error.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `param` of the error.
    pub param: Option<String>,
    /// The innermost message.
    pub message: String,
    /// Who speaks: a gateway, or a provider that it quotes.
    pub speaker: Option<String>,
    /// The programs that left a mark on the answer, the surest first.
    pub boxes: Vec<String>,
    /// The way to the innermost message, outermost step first.
    pub way: Vec<String>,
    /// The command that asks this endpoint itself.
    pub check: String,
}

/// What would settle what a pasted text leaves open.
#[derive(Debug, Clone, Serialize)]
pub struct Settle {
    /// The rung of the ladder that decides.
    pub rung: String,
    /// What that rung sends, and what its answer shows.
    pub tells: String,
    /// The command that does it.
    pub command: String,
}

/// A failure mode that was ruled out.
#[derive(Debug, Clone)]
pub struct Absent {
    /// The failure mode's id.
    pub mode: String,
    /// Its family.
    pub family: String,
    /// The measurement that rules it out.
    pub because: String,
}

impl Serialize for Absent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.mode)
    }
}

/// A failure mode that this run says nothing about.
#[derive(Debug, Clone, Serialize)]
pub struct Untested {
    /// The failure mode's id.
    pub mode: String,
    /// What was missing.
    pub because: String,
}

/// A rung of the ladder.
#[derive(Debug, Clone, Serialize)]
pub struct Rung {
    /// The probe's id.
    pub id: String,
    /// What it looks at.
    pub title: String,
    /// How it went.
    pub status: Status,
    /// From its first request to its last answer, in milliseconds.
    pub took_ms: f64,
    /// Ids of its exchanges.
    pub exchanges: Vec<String>,
    /// What came of it in a few words, or why it was left out.
    pub note: String,
}

/// How a rung went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was answered, and nothing found points at it.
    Passed,
    /// It was not answered, or a finding points at it.
    Failed,
    /// It was not asked.
    Skipped,
    /// It was asked, and what came back decides nothing.
    Inconclusive,
}

/// One exchange in short.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// `e1`, `e2`, …
    pub id: String,
    /// The rung that asked.
    pub probe: String,
    /// The question, with its try.
    pub label: String,
    /// `gateway` or `upstream`.
    pub via: String,
    /// `GET` or `POST`.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The status code, if an answer began.
    pub status: Option<u16>,
    /// The fault, if one struck.
    pub fault: Option<String>,
    /// When it began, in milliseconds after the run did.
    pub at_ms: f64,
    /// Time to the first byte of the answer's head, in milliseconds.
    pub ttfb_ms: Option<f64>,
    /// How long it took in all, in milliseconds.
    pub total_ms: f64,
    /// Bytes of the body on the wire.
    pub bytes: u64,
    /// How it came, for an answer that was read as a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamMeasures>,
    /// When what came of it, for pictures.
    #[serde(skip)]
    trace: Option<stream::Trace>,
    /// Its bytes where something is wrong with it.
    #[serde(skip)]
    dumps: Vec<stream::Dump>,
    /// What clients of different kinds make of it.
    #[serde(skip)]
    seeing: stream::Seeing,
}

/// What the run cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Cost {
    /// HTTP requests.
    pub requests: usize,
    /// Prompt tokens, as far as answers report them.
    pub prompt_tokens: u64,
    /// Completion tokens, as far as answers report them.
    pub completion_tokens: u64,
}

/// How fast the target answered the control pair; `None` where nothing was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Speed {
    /// Head of the streamed control's answer, in milliseconds after the request began.
    pub ttfb_ms: Option<f64>,
    /// First content of the streamed control, in milliseconds.
    pub ttft_ms: Option<f64>,
    /// Times between one piece of content of the streamed control and the next.
    pub gaps: Option<Gaps>,
    /// Completion tokens of the streamed control per second between its first and its last content.
    pub tokens_per_s: Option<f64>,
    /// Pieces of content of the streamed control per second; what is left to say when nobody counts tokens.
    pub pieces_per_s: Option<f64>,
    /// The whole streamed control, in milliseconds.
    pub stream_ms: Option<f64>,
    /// The whole plain control, in milliseconds.
    pub chat_ms: Option<f64>,
}

/// How a report looks where it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal.
    pub width: usize,
    /// Colours, in the terminal format only.
    pub color: bool,
    /// Nothing but ASCII, for terminals that know no UTF-8.
    pub ascii: bool,
    /// Everything, with reasons.
    pub verbose: bool,
    /// Hosts and addresses of the target become `gateway.example`.
    pub redact_host: bool,
}

impl Default for Look {
    fn default() -> Self {
        Look { width: 80, color: false, ascii: false, verbose: false, redact_host: false }
    }
}

/// A format that a report can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For reading where the command was typed.
    Terminal,
    /// For programs: `schema/report.schema.json`.
    Json,
    /// For a comment in a bug thread.
    Markdown,
}

/// A row of [`FORMATS`]: the format, its name, and what writes it.
type FormatRow = (Format, &'static str, fn(&Report, &Look) -> String);

/// Every format, the default first.
const FORMATS: &[FormatRow] = &[
    (Format::Terminal, "terminal", terminal::write),
    (Format::Json, "json", json::write),
    (Format::Markdown, "markdown", markdown::write),
];

impl Format {
    /// Every format, the default first.
    pub const ALL: [Format; 3] = [Format::Terminal, Format::Json, Format::Markdown];

    /// The name that `--format` takes.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    fn row(self) -> &'static FormatRow {
        FORMATS.iter().find(|row| row.0 == self).unwrap_or(&FORMATS[0])
    }
}

/// A name that stands for nothing; what it may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is none of {}", .known.join(", "))]
pub struct UnknownName {
    given: String,
    known: Vec<&'static str>,
}

impl std::str::FromStr for Format {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = || FORMATS.iter().map(|row| row.1).collect();
        FORMATS.iter().find(|row| row.1 == name).map(|row| row.0).ok_or_else(|| UnknownName { given: name.to_owned(), known: known() })
    }
}

/// From which severity on a finding makes the program exit with 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FailOn {
    /// Errors only.
    #[default]
    Error,
    /// Errors and warnings.
    Warning,
    /// Nothing.
    Never,
}

impl FailOn {
    /// Every choice with the name that `--fail-on` takes.
    pub const ALL: [(&'static str, FailOn); 3] = [("error", FailOn::Error), ("warning", FailOn::Warning), ("never", FailOn::Never)];
}

impl std::str::FromStr for FailOn {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = || FailOn::ALL.iter().map(|row| row.0).collect();
        FailOn::ALL.iter().find(|row| row.0 == name).map(|row| row.1).ok_or_else(|| UnknownName { given: name.to_owned(), known: known() })
    }
}

/// The report in this format. It ends with a line feed.
pub fn render(report: &Report, format: Format, look: &Look) -> String {
    let write = format.row().2;
    if look.redact_host { write(&report.redacted(), look) } else { write(report, look) }
}
