//! Exchanges that passed by a relay: a line each while they pass, and the report of a whole session.

use serde::Serialize;

use super::layout::{Ink, Page};
use super::neutral::{self, MESSAGE, NAME, PASSAGE, URL};
use super::{Look, Outcome, Report, build, redact, words};
use crate::catalogue::{Certainty, Severity};
use crate::dialect::stream_timing::Timing;
use crate::dialect::{self, ErrorFacts, Reading};
use crate::evidence::{Captured, Closed, Closer, Session};
use crate::triage::captured::{Judged, judged};
use crate::triage::{Named, Triage};

/// An exchange that passed by, in the shape of a line of `llmdoctor capture --format json`. Every text in it is neutral and bounded.
#[derive(Debug, Clone, Serialize)]
pub struct Passed {
    /// 1, 2, … in the order of the beginnings.
    pub number: u64,
    /// Which of the client's connections it came on, from 1.
    pub connection: u64,
    /// When it began, RFC 3339 in UTC.
    pub at: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The model that was asked for.
    pub model: Option<String>,
    /// Whether a stream was asked for; `None` without a JSON body.
    pub stream: Option<bool>,
    /// How many tools were offered.
    pub tools: usize,
    /// Status of the answer; `None` when none began.
    pub status: Option<u16>,
    /// Time to the head of the answer, in milliseconds.
    pub ttfb_ms: Option<f64>,
    /// Time to the first piece of content of a stream, in milliseconds.
    pub ttft_ms: Option<f64>,
    /// Time to the end, in milliseconds.
    pub total_ms: f64,
    /// Bytes of the request's body.
    pub bytes_up: u64,
    /// Bytes of the answer's body, as they came.
    pub bytes_down: u64,
    /// Who ended it, and when.
    pub closed: Closed,
    /// What kept an answer from beginning, or cut it.
    pub fault: Option<String>,
    /// The client's User-Agent.
    pub client: Option<String>,
    /// What an error says, with its code.
    pub said: Option<String>,
    /// The failure modes that it points at, the likeliest first.
    pub modes: Vec<Mode>,
    /// The earlier exchange that showed the very same.
    pub same_as: Option<u64>,
    /// What else is worth knowing, a sentence each.
    pub remarks: Vec<String>,
}

/// A failure mode that an exchange points at.
#[derive(Debug, Clone, Serialize)]
pub struct Mode {
    /// Its id.
    pub mode: String,
    /// Its headline.
    pub title: String,
    /// How sure that is; never certain, for one exchange has no control.
    pub certainty: Certainty,
    /// What points at it.
    pub because: String,
    /// The likelier mode for the same exchange, when this one is only its alternative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
}

/// Reasons that are told.
const REASONS: usize = 2;

impl Passed {
    /// What is told of an exchange and what it comes to.
    pub fn new(captured: &Captured, judged: Judged) -> Passed {
        let Judged { seen, same_as, remarks } = judged;
        Passed { same_as, ..Passed::of(captured, &Triage { seen: vec![seen] }, &remarks) }
    }

    fn of(captured: &Captured, seen: &Triage, remarks: &[String]) -> Passed {
        let exchange = &captured.exchange;
        let request = &exchange.request;
        let body = request.body.as_ref();
        let ttft = match dialect::read(exchange) {
            Reading::Stream(stream) => Timing::of(&stream).map(|timing| words::rounded(timing.first_ms)),
            _ => None,
        };
        Passed {
            number: captured.number,
            connection: captured.connection,
            at: neutral::inline(&captured.at, NAME),
            method: neutral::inline(&request.method, NAME),
            path: neutral::inline(path(&request.url), URL),
            model: exchange.model().map(|model| neutral::inline(model, NAME)),
            stream: body.map(|_| exchange.asks_stream()),
            tools: body.and_then(|body| body["tools"].as_array()).map_or(0, Vec::len),
            status: exchange.status(),
            ttfb_ms: exchange.ttfb_ms().map(words::rounded),
            ttft_ms: ttft,
            total_ms: words::rounded(captured.closed.at_ms),
            bytes_up: captured.sent.body.wire_bytes,
            bytes_down: exchange.response().map_or(0, |response| response.body.wire_bytes),
            closed: Closed { at_ms: words::rounded(captured.closed.at_ms), ..captured.closed },
            fault: exchange.fault_kind().map(|kind| neutral::inline(&words::name(kind), MESSAGE)),
            client: request.headers.iter().find(|(name, _)| name == "user-agent").map(|(_, value)| neutral::inline(value, NAME)),
            modes: seen.named().iter().map(mode).collect(),
            said: seen.seen.first().and_then(|(_, weighed)| said(&weighed.error)),
            same_as: None,
            remarks: remarks.iter().map(|remark| neutral::inline(remark, PASSAGE)).collect(),
        }
    }

    /// True when it shows a failure.
    pub fn is_failed(&self) -> bool {
        !self.modes.is_empty() || self.status.is_none_or(|status| status >= 400) || self.closed.by == Closer::Upstream
    }

    /// The line for programs, without a line end.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("plain data serialises")
    }

    /// The line for a terminal, with what it points at below it.
    pub fn terminal(&self, look: &Look) -> String {
        let mut page = Page::new(look);
        write(&mut page, self);
        page.done()
    }
}

fn path(url: &str) -> &str {
    let behind = url.find("://").map_or(url, |at| &url[at + 3..]);
    behind.find('/').map_or("/", |at| &behind[at..])
}

fn mode(named: &Named) -> Mode {
    Mode {
        mode: named.mode.id.to_owned(),
        title: named.mode.title.to_owned(),
        certainty: named.certainty,
        because: neutral::inline(&named.reasons[..named.reasons.len().min(REASONS)].join("; "), PASSAGE),
        instead_of: named.instead_of.map(str::to_owned),
    }
}

/// `“message” (code)`.
fn said(error: &ErrorFacts) -> Option<String> {
    let message = neutral::inline(&error.message, MESSAGE);
    let code = error.code.as_deref().map(|code| format!(" ({})", neutral::inline(code, NAME))).unwrap_or_default();
    (!message.is_empty()).then(|| format!("“{message}”{code}"))
}

/// Where the text of a line begins.
const INDENT: usize = 15;

fn write(page: &mut Page, passed: &Passed) {
    let clock = passed.at.split('T').nth(1).and_then(|time| time.get(..8)).unwrap_or_default();
    let label = format!("{clock} #{}", passed.number);
    let ink = if passed.is_failed() { Ink::severe(label, severity(passed)) } else { Ink::dim(label) };
    page.labelled(0, INDENT, &ink, &Ink::plain(facts(passed)));
    for mode in passed.modes.iter().filter(|mode| mode.instead_of.is_none()) {
        let said = match passed.same_as {
            Some(number) => format!(", as in #{number}"),
            None => format!(": {}", passed.said.as_ref().unwrap_or(&mode.because)),
        };
        let head = format!("{} {}{said}", words::certainty(mode.certainty), mode.mode);
        page.labelled(INDENT - 2, 2, &Ink::severe("!", severity(passed)), &Ink::plain(head));
        instead(passed, mode).into_iter().for_each(|others| page.paragraph(INDENT, &Ink::dim(others)));
    }
    if let (true, Some(said)) = (passed.modes.is_empty() && passed.is_failed(), &passed.said) {
        page.labelled(INDENT - 2, 2, &Ink::severe("!", severity(passed)), &Ink::plain(said));
    }
    for remark in &passed.remarks {
        page.labelled(INDENT - 2, 2, &Ink::dim("-"), &Ink::dim(remark));
    }
}

/// What it may be as well, where the first guess is no more than that.
fn instead(passed: &Passed, mode: &Mode) -> Option<String> {
    let open = mode.certainty == Certainty::Possible && passed.same_as.is_none();
    let others: Vec<&str> =
        passed.modes.iter().filter(|other| open && other.instead_of.is_some()).map(|other| other.mode.as_str()).collect();
    (!others.is_empty()).then(|| format!("or {}", others.join(", or ")))
}

fn severity(passed: &Passed) -> Severity {
    let likely = passed.modes.iter().any(|mode| mode.certainty > Certainty::Possible);
    if likely || passed.status.is_none_or(|status| status >= 400) { Severity::Error } else { Severity::Warning }
}

/// `POST /v1/chat/completions  gpt-4o  stream  200  TTFB 12 ms …`.
fn facts(passed: &Passed) -> String {
    let status = passed.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let timed = |name: &str, ms: Option<f64>| ms.map(|ms| format!("{name} {}", words::duration(ms)));
    let up = (passed.bytes_up >= LARGE).then(|| format!("sent {}", size(passed.bytes_up)));
    let down = (passed.bytes_down > 0).then(|| size(passed.bytes_down));
    let closed = match passed.closed.by {
        Closer::Nobody => None,
        Closer::Client => Some("client left".to_owned()),
        Closer::Upstream if passed.status.is_some() => Some("upstream cut".to_owned()),
        Closer::Upstream => Some("upstream failed".to_owned()),
        Closer::Capture => Some("stopped".to_owned()),
    };
    let parts = [
        Some(format!("{} {}", passed.method, passed.path)),
        passed.model.clone(),
        passed.stream.filter(|stream| *stream).map(|_| "stream".to_owned()),
        (passed.tools > 0).then(|| words::count(passed.tools, "tool")),
        Some(status),
        timed("TTFB", passed.ttfb_ms),
        timed("TTFT", passed.ttft_ms),
        timed("total", Some(passed.total_ms)),
        up,
        down,
        closed,
    ];
    let unbroken = |part: String| part.replace(' ', super::layout::UNBROKEN);
    parts.into_iter().flatten().map(unbroken).collect::<Vec<_>>().join(" · ")
}

/// A request of this many bytes is worth a word.
const LARGE: u64 = 10_000;

/// `812 B`, `12.3 kB`, `1.2 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..999_950 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

impl Report {
    /// What a captured session comes to.
    pub fn captured(session: &Session) -> Report {
        let (mut lines, mut failed) = (Vec::new(), Vec::new());
        for (captured, judged) in session.captured.iter().zip(judged(session)) {
            let Judged { seen, same_as, remarks } = judged;
            let alone = Triage { seen: vec![seen] };
            let line = Passed { same_as, ..Passed::of(captured, &alone, &remarks) };
            if line.is_failed() {
                failed.extend(alone.seen);
            }
            lines.push(line);
        }
        let mut report = Report::pasted(&Triage { seen: failed }, &session.header.started_at);
        report.target.base_url = neutral::inline(&session.header.upstream, URL);
        report.tool.version = neutral::inline(&session.header.version, NAME);
        report.verdict = outcome(&report, &lines);
        report.exchanges = session.captured.iter().map(|captured| build::row(&build::read(&captured.exchange), None)).collect();
        report.hosts = redact::hosts_of(std::iter::once(session.header.upstream.as_str()));
        report.captured = Some(lines);
        report
    }
}

fn outcome(report: &Report, lines: &[Passed]) -> Outcome {
    let answered = lines.iter().any(|line| line.model.is_some() && line.status.is_some_and(|status| status < 300));
    match (report.findings.is_empty(), lines.iter().any(Passed::is_failed)) {
        (false, _) => Outcome::Broken,
        (true, false) if answered => Outcome::Healthy,
        _ => Outcome::Inconclusive,
    }
}

/// The session in one sentence.
pub(super) fn headline(report: &Report, lines: &[Passed]) -> String {
    let count = words::count(lines.len(), "exchange");
    let failed = lines.iter().filter(|line| line.is_failed()).count();
    if lines.is_empty() {
        return "Nothing was captured in this session".to_owned();
    }
    if failed == 0 {
        return format!("{count} captured, and nothing wrong seen");
    }
    let roots = report.findings.iter().filter(|item| item.instead_of.is_none());
    let mut modes: Vec<&str> = roots.map(|item| item.mode.as_str()).collect();
    modes.truncate(3);
    let modes = if modes.is_empty() { "no known mode fits".to_owned() } else { modes.join(", ") };
    format!("{count} captured, {failed} failed: {modes}")
}

/// Every exchange of a session on its line.
pub(super) fn section(page: &mut Page, lines: &[Passed]) {
    page.section("EXCHANGES", "");
    lines.iter().for_each(|line| write(page, &Passed { modes: Vec::new(), ..line.clone() }));
}

/// The lines as a Markdown list.
pub(super) fn markdown(lines: &[Passed]) -> String {
    let row = |line: &Passed| {
        let remarks = line.remarks.iter().map(|remark| format!("; {remark}")).collect::<String>();
        format!("- `#{}` {}", line.number, super::markdown::inline(&format!("{}{remarks}", facts(line))))
    };
    lines.iter().map(row).collect::<Vec<_>>().join("\n")
}
