//! What a pasted text comes to: the report of a triage, and how terminals and Markdown show it.

use super::captured;
use super::layout::{Ink, Page};
use super::neutral::{self, MESSAGE, NAME, PASSAGE, URL};
use super::stream::Sight;
use super::{Cost, Item, Look, Outcome, Report, SCHEMA, Seen, Settle, Speed, Subject, Tool, redact, words};
use crate::catalogue::{Certainty, Severity};
use crate::facts::Speaker;
use crate::triage::{self, Grounds, Named, Sighting, Triage, Weighed};

impl Report {
    /// What a paste comes to; `started_at` is now, RFC 3339 in UTC.
    pub fn pasted(triage: &Triage, started_at: &str) -> Report {
        let first = triage.seen.first().map(|(sighting, _)| sighting);
        let named = triage.named();
        let decided = named.iter().any(|named| named.grounds != Grounds::Alike);
        let findings: Vec<Item> = named.iter().map(item).collect();
        let url = |sighting: &Sighting| sighting.url.clone();
        Report {
            schema: SCHEMA,
            tool: Tool { name: "llmdoctor", version: env!("CARGO_PKG_VERSION").to_owned() },
            started_at: name(started_at),
            duration_ms: 0.0,
            target: Subject {
                base_url: first.and_then(url).map(|url| neutral::inline(&url, URL)).unwrap_or_default(),
                model: first.and_then(Sighting::model).map(name),
                model_was_chosen: false,
                dialect: String::new(),
                client: None,
                upstream: None,
            },
            verdict: if decided { Outcome::Broken } else { Outcome::Inconclusive },
            findings,
            clients: None,
            seen: Some(triage.seen.iter().enumerate().map(|(index, (sighting, weighed))| seen(index, sighting, weighed)).collect()),
            captured: None,
            absent: Vec::new(),
            untested: Vec::new(),
            probes: Vec::new(),
            exchanges: Vec::new(),
            cost: Cost::default(),
            speed: Speed::default(),
            interrupted: false,
            hosts: redact::hosts_of(triage.seen.iter().filter_map(|(sighting, _)| sighting.url.as_deref())),
        }
    }

    /// Everything that was pasted is an answer under a success status.
    fn shows_answers(&self) -> bool {
        let seen = self.pasted_failures();
        !seen.is_empty() && seen.iter().all(|seen| seen.status.is_some_and(|status| status < 300))
    }

    /// A captured session in which nothing failed.
    fn is_sound_session(&self) -> bool {
        self.captured.is_some() && self.pasted_failures().is_empty()
    }

    fn pasted_failures(&self) -> &[Seen] {
        self.seen.as_deref().unwrap_or_default()
    }

    /// The answer to a paste in one sentence.
    pub(super) fn pasted_headline(&self) -> String {
        let roots: Vec<_> = self.findings.iter().filter(|item| item.instead_of.is_none()).collect();
        let likely: Vec<_> = roots.iter().filter(|item| item.certainty == Certainty::Likely).map(|item| item.mode.as_str()).collect();
        let pasted = self.pasted_failures();
        if let Some(lines) = &self.captured {
            return captured::headline(self, lines);
        }
        if pasted.is_empty() {
            return "No failure stands in this text".to_owned();
        }
        if roots.is_empty() && self.shows_answers() {
            return format!("{} read, and nothing wrong seen", words::count(pasted.len(), "answer"));
        }
        let failures = words::count(pasted.len(), "failure");
        match (likely.as_slice(), roots.first()) {
            ([], None) => format!("{failures} read, and the text decides nothing"),
            ([], Some(first)) if self.verdict == Outcome::Inconclusive => {
                format!("{failures} read, and the text decides nothing; the real failures most like it point at {}", first.mode)
            }
            ([], Some(first)) => format!("{failures} read: possibly {}", first.mode),
            (likely, _) => format!("{failures} read: likely {}", likely[..likely.len().min(3)].join(", ")),
        }
    }
}

fn name(text: &str) -> String {
    neutral::inline(text, NAME)
}

fn id(index: usize) -> String {
    format!("s{}", index + 1)
}

/// [`crate::triage::Form::Captured`] by its name.
const CAPTURED: &str = "captured";
/// No more reasons are told.
const REASONS: usize = 3;

fn item(named: &Named) -> Item {
    let own = named.particulars.fix.iter();
    Item {
        mode: named.mode.id.to_owned(),
        title: named.mode.title.to_owned(),
        severity: Severity::Error,
        certainty: named.certainty,
        blame: named.mode.usual_blame(),
        because: neutral::inline(&named.reasons[..named.reasons.len().min(REASONS)].join("; "), PASSAGE),
        consequence: String::new(),
        fix: own.map(|action| neutral::inline(action, PASSAGE)).chain(named.mode.fix.iter().map(|action| (*action).to_owned())).collect(),
        cites: named.cites.iter().map(|index| id(*index)).collect(),
        explains: Vec::new(),
        explained_by: None,
        reproduce: None,
        instead_of: named.instead_of.map(str::to_owned),
        settle: Some(settle(&named.settle)),
        details: super::build::details(&named.particulars.details),
        user_sees: None,
        clients: String::new(),
    }
}

fn settle(settle: &triage::Settle) -> Settle {
    Settle { rung: settle.rung.to_owned(), tells: settle.tells.to_owned(), command: command(&settle.command) }
}

/// Words as a line for a POSIX shell.
fn command(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| neutral::inline(word, URL)).collect();
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
}

fn seen(index: usize, sighting: &Sighting, weighed: &Weighed) -> Seen {
    let error = &weighed.error;
    let speaker = weighed.causes.iter().find_map(|reading| match &reading.speaker {
        Speaker::Gateway(name) => Some((*name).to_owned()),
        Speaker::Upstream(name) => Some(format!("{name}, quoted by a gateway")),
        Speaker::Unknown => None,
    });
    Seen {
        id: id(index),
        form: words::name(&sighting.form),
        lines: [sighting.lines.0, sighting.lines.1],
        times: sighting.times,
        method: sighting.method.as_deref().map(name),
        url: sighting.url.as_deref().map(|url| neutral::inline(url, URL)),
        model: sighting.model().map(name),
        status: sighting.status,
        seconds: sighting.seconds,
        code: error.code.as_deref().map(name),
        kind: error.kind.as_deref().map(name),
        param: error.param.as_deref().map(name),
        message: neutral::inline(&error.message, MESSAGE),
        speaker: speaker.map(|speaker| name(&speaker)),
        boxes: triage::boxes(sighting).into_iter().map(name).collect(),
        way: error.path.iter().map(|step| name(step)).collect(),
        check: command(&triage::check(sighting)),
    }
}

impl Seen {
    /// `lines 3–17, curl`, `line 1, json, 12 times`.
    pub(super) fn place(&self) -> String {
        let [from, to] = self.lines;
        if self.form == CAPTURED {
            return format!("exchange #{from}");
        }
        let lines = if from == to { format!("line {from}") } else { format!("lines {from}–{to}") };
        let times = if self.times > 1 { format!(", {} times", self.times) } else { String::new() };
        format!("{lines}, {}{times}", self.form)
    }

    /// `POST https://… → HTTP 404 after 60 s`.
    pub(super) fn exchange(&self) -> String {
        let request = [self.method.clone(), self.url.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let status = self.status.map(|status| format!("HTTP {status}"));
        let took = self.seconds.map(|seconds| format!("after {}", words::duration(seconds * 1000.0)));
        let from = self.boxes.first().map(|name| format!("from {name}"));
        let answer = [status, from, took].into_iter().flatten().collect::<Vec<_>>().join(" ");
        [request, answer].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" → ")
    }

    /// `“message” (code, type, param), said by OpenAI`.
    pub(super) fn said(&self) -> String {
        let labels: Vec<_> = [&self.code, &self.kind, &self.param].into_iter().flatten().map(String::as_str).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(" ({})", labels.join(", ")) };
        let speaker = self.speaker.as_ref().map(|speaker| format!(", said by {speaker}")).unwrap_or_default();
        if self.message.is_empty() && self.form == CAPTURED {
            return String::new();
        }
        if self.message.is_empty() { format!("no message{labels}{speaker}") } else { format!("“{}”{labels}{speaker}", self.message) }
    }
}

/// The report as text.
pub fn terminal(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    super::terminal::headline(&mut page, report, &report.pasted_headline());
    if let Some(lines) = &report.captured {
        captured::section(&mut page, lines);
    }
    if !report.pasted_failures().is_empty() {
        page.section("READ", "");
    }
    for seen in report.pasted_failures() {
        page.labelled(2, 5, &Ink::dim(&seen.id), &Ink::plain(seen.place()));
        for text in [seen.exchange(), seen.said(), way(seen)].iter().filter(|text| !text.is_empty()) {
            page.labelled(2, 5, &Ink::plain(""), &Ink::plain(text));
        }
    }
    if !report.findings.is_empty() {
        page.section("POINTS AT", "");
    }
    for root in report.findings.iter().filter(|item| item.instead_of.is_none()) {
        page.gap();
        super::terminal::card(&mut page, root, &Sight::default(), look);
        for other in rivals(report, root) {
            page.labelled(4, 10, &Ink::dim("Or"), &Ink::plain(format!("{} ({}): {}", other.title, other.mode, other.because)));
        }
        if let Some(settle) = &root.settle {
            page.labelled(4, 10, &Ink::dim("Settle it"), &Ink::plain(format!("{} This asks it:", settle.tells)));
            page.command(4, &settle.command);
        }
    }
    if report.findings.is_empty() && !report.is_sound_session() {
        page.section("UNDECIDED", "");
        page.paragraph(2, &Ink::plain(undecided(report)));
        page.command(4, ask(report));
    }
    page.done()
}

/// Why nothing is named, and what asks further.
fn undecided(report: &Report) -> &'static str {
    match report.shows_answers() {
        true => "What was pasted is an answer as clients expect it. A live check asks the rest:",
        false => "No known failure mode fits these words alone. A live check asks the endpoint itself:",
    }
}

const ASK: &str = "llmdoctor check --base-url URL --model MODEL --quick";

/// The check of the first failure.
fn ask(report: &Report) -> &str {
    report.pasted_failures().first().map_or(ASK, |seen| &seen.check)
}

fn way(seen: &Seen) -> String {
    if seen.way.len() > 1 { format!("found at {}", seen.way.join(" › ")) } else { String::new() }
}

fn rivals<'r>(report: &'r Report, root: &'r Item) -> impl Iterator<Item = &'r Item> {
    report.findings.iter().filter(|other| other.instead_of.as_ref() == Some(&root.mode))
}

/// The report as Markdown.
pub fn markdown(report: &Report) -> String {
    use super::markdown::{card, code, fenced, inline};
    let mark = match report.findings.is_empty() {
        true if report.is_sound_session() => "✅",
        true => "❔",
        false => "❌",
    };
    let mut parts = vec![format!("### {mark} {}", inline(&report.pasted_headline()))];
    let row = |seen: &Seen| {
        let told = [seen.exchange(), seen.said(), way(seen)].map(|text| inline(&text));
        let told = told.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join("; ");
        format!("- {} ({}): {told}", code(&seen.id), inline(&seen.place()))
    };
    parts.extend(report.captured.as_deref().map(captured::markdown));
    parts.push(report.pasted_failures().iter().map(row).collect::<Vec<_>>().join("\n"));
    for root in report.findings.iter().filter(|item| item.instead_of.is_none()) {
        parts.push(card(root, &Sight::default()));
        let others: Vec<_> = rivals(report, root)
            .map(|other| format!("- {} ({}): {}", inline(&other.title), code(&other.mode), inline(&other.because)))
            .collect();
        if !others.is_empty() {
            parts.push(format!("**Or:**\n\n{}", others.join("\n")));
        }
        parts.extend(
            root.settle.iter().map(|settle| format!("**Settle it:** {}\n\n{}", inline(&settle.tells), fenced("sh", &settle.command))),
        );
    }
    if report.findings.is_empty() && !report.is_sound_session() {
        parts.push(format!("{}\n\n{}", inline(undecided(report)), fenced("sh", ask(report))));
    }
    parts.push(format!(
        "<sub>llmdoctor {}, from a {}</sub>",
        inline(&report.tool.version),
        if report.captured.is_some() { "captured session" } else { "pasted text" }
    ));
    parts.join("\n\n") + "\n"
}
