//! Which known clients work here, and what the users of the others see.

use serde::Serialize;

use super::layout::{Ink, Page};
use super::neutral::{self, MESSAGE, NAME};
use super::{Look, Report, Status, markdown, words};
use crate::catalogue::clients::{Can, Fit, How, fits, outcome};
use crate::catalogue::{Case, Shown};
use crate::diagnosis::Found;
use crate::evidence::{Ask, Evidence};
use crate::profiles::{self, Agent, Capability, TestAsks};

/// A known client and how it fares here.
#[derive(Debug, Clone, Serialize)]
pub struct ClientRow {
    /// Its name.
    pub name: String,
    /// The version that is known.
    pub version: String,
    /// How it speaks; `None` when nothing of what it sends is public.
    pub dialect: Option<String>,
    /// `works`, `with-setting`, `fails` or `untested`.
    pub status: &'static str,
    /// By what that shows.
    pub because: String,
    /// What its user sees, when it fails.
    pub sees: Option<String>,
    /// What makes it work, when there is such a setting.
    pub setting: Option<String>,
    /// The exchange that shows it.
    pub cites: Option<String>,
    /// Requests of features that fail although ordinary ones pass.
    pub without: Vec<String>,
    /// What its own test of the connection asks, in a few words.
    pub test: String,
    /// Whether that test passes here; `None` when it has none, or nobody can say.
    pub test_passes: Option<bool>,
    /// The base that it makes of the one that is typed, in words.
    pub base: &'static str,
    /// What to type so that its requests go where these went; `None` when nothing leads there.
    pub type_base: Option<String>,
    /// How it sends the key, its default first.
    pub auth: Vec<&'static str>,
    /// Its name for itself in requests: `known`, `none` when it sends none, `unknown` when ours was sent.
    pub user_agent: &'static str,
    /// What of it works.
    pub can: Vec<CanRow>,
    /// How long it waits, in words.
    pub waits: Option<String>,
    /// Requests that one prompt causes.
    pub per_prompt: u32,
    /// What those beside the answer's are for.
    pub beside: Option<String>,
    #[serde(skip)]
    how: How,
    #[serde(skip)]
    has_test: bool,
}

/// One capability of a client here.
#[derive(Debug, Clone, Serialize)]
pub struct CanRow {
    /// `prompts`, `tools`, `structured`, `images` or `titles`.
    pub what: &'static str,
    /// `works`, `with-setting`, `fails` or `untested`.
    pub status: &'static str,
    /// By what that shows, when it fails and prompts do not.
    pub because: Option<String>,
    #[serde(skip)]
    capability: Capability,
    #[serde(skip)]
    how: How,
}

/// Whose requests were sent, in words.
pub(super) fn asked_as(client: &str) -> String {
    if client == crate::profiles::ALL { "as all known clients".to_owned() } else { format!("as {client}") }
}

/// The rows of the clients that the run was about; `None` when it was about none.
pub(super) fn rows(evidence: &Evidence) -> Option<Vec<ClientRow>> {
    evidence.subject.client.as_ref()?;
    Some(fits(&Case::new(evidence)).into_iter().map(row).collect())
}

fn row(fit: Fit) -> ClientRow {
    let line = |text: &str| neutral::inline(text, MESSAGE);
    let helps = fit.how == How::WithSetting;
    ClientRow {
        version: neutral::inline(&fit.client.version, NAME),
        dialect: fit.client.dialect_name().map(str::to_owned),
        status: status(fit.how),
        because: line(&fit.because),
        sees: fit.sees.as_deref().map(line),
        setting: fit.client.instead.clone().filter(|_| helps),
        cites: fit.cites,
        without: fit.without,
        test: fit.client.test.words.clone(),
        has_test: fit.client.test.asks != TestAsks::None,
        test_passes: fit.test.filter(|_| fit.client.test.asks != TestAsks::None),
        base: fit.client.base.words(),
        type_base: fit.typed,
        auth: fit.client.auth.iter().map(|scheme| scheme.header()).collect(),
        user_agent: match fit.client.agent() {
            Agent::Known => "known",
            Agent::None => "none",
            Agent::Unknown => "unknown",
        },
        can: fit.can.into_iter().map(can).collect(),
        waits: fit.client.waits().and_then(crate::facts::ClientTimeouts::waits),
        per_prompt: fit.client.per_prompt,
        beside: fit.client.beside.clone(),
        name: fit.client.name,
        how: fit.how,
    }
}

fn can(can: Can) -> CanRow {
    CanRow {
        what: can.capability.name(),
        status: status(can.how),
        because: can.because.map(|because| neutral::inline(&because, MESSAGE)),
        capability: can.capability,
        how: can.how,
    }
}

fn status(how: How) -> &'static str {
    match how {
        How::Works => "works",
        How::WithSetting => "with-setting",
        How::Fails => "fails",
        How::Untested => "untested",
    }
}

/// The order in which rows are shown: what fails first.
const ORDER: [How; 4] = [How::Fails, How::WithSetting, How::Untested, How::Works];

fn mark(how: How) -> Status {
    match how {
        How::Works => Status::Passed,
        How::WithSetting => Status::Inconclusive,
        How::Fails => Status::Failed,
        How::Untested => Status::Skipped,
    }
}

impl ClientRow {
    fn mark(&self) -> Status {
        mark(self.how)
    }

    /// What fails although prompts do not.
    fn lacks(&self) -> impl Iterator<Item = &CanRow> {
        self.can.iter().filter(|can| can.how == How::Fails && self.how != How::Fails)
    }

    /// What its user sees, which setting helps, which features fail.
    fn effect(&self) -> String {
        let sees = self.sees.as_ref().map(|sees| format!("the user sees {sees}"));
        let setting = self.setting.as_ref().map(|setting| format!("but {setting}"));
        [sees, setting].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// What its own test asks, and how that goes beside its chat.
    fn test_beside_chat(&self) -> String {
        let verdict = match self.test_passes {
            Some(true) => ": passes here",
            Some(false) => ": fails here",
            None => "",
        };
        let chat = match self.how {
            How::Works => "its chat is answered",
            How::WithSetting => "its chat is answered with another setting only",
            How::Fails if self.test_passes == Some(true) => "its chat would fail all the same",
            How::Fails => "its chat fails",
            How::Untested => "nobody can say of its chat",
        };
        match self.has_test {
            true => format!("{}{verdict}; {chat}", self.test),
            false => format!("it has none; {chat}"),
        }
    }
}

fn in_order(rows: &[ClientRow]) -> impl Iterator<Item = &ClientRow> {
    ORDER.into_iter().flat_map(move |how| rows.iter().filter(move |row| row.how == how))
}

/// `31 work, 3 with another setting, 12 fail, 3 untested`.
fn tally(rows: &[ClientRow]) -> String {
    let named = [(How::Works, "work"), (How::WithSetting, "with another setting"), (How::Fails, "fail"), (How::Untested, "untested")];
    let count = |how: How| rows.iter().filter(|row| row.how == how).count();
    let parts = named.iter().map(|(how, name)| (count(*how), name)).filter(|(count, _)| *count > 0);
    parts.map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

/// What the user of the client in question sees of a finding: as recorded of an answer like the first telling one that it cites.
pub(super) fn user_sees(evidence: &Evidence, shown: &[Shown], found: &Found) -> Option<String> {
    let client = profiles::find(evidence.subject.client.as_deref()?).ok()?;
    if found.finding.details.contains_key("client") {
        return None;
    }
    let too_slow = found.mode.id == "client-timeout-too-short";
    let cited = found.finding.cites.iter().filter_map(|id| shown.iter().find(|one| one.id == *id));
    let sees = match client.patience().filter(|_| too_slow) {
        Some(seconds) => format!("an error, after {seconds:.0} s"),
        None => cited.filter(|one| OWN.contains(&one.ask)).find_map(|one| outcome(&client, one))?,
    };
    let version = client.version.split(" (").next().unwrap_or_default();
    let how = if client.recorded { "as recorded" } else { "as its source says" };
    Some(neutral::inline(&format!("In {} {version}: {sees}, {how}.", client.name), MESSAGE))
}

/// Questions that a client itself would ask.
const OWN: [Ask; 9] = [
    Ask::Chat,
    Ask::ChatStream,
    Ask::ChatStreamIdentity,
    Ask::ChatStreamTools,
    Ask::ChatStreamJson,
    Ask::Fields,
    Ask::FullSize,
    Ask::SweepChat,
    Ask::SweepStream,
];

/// The rung that asks for clients.
const RUNG: &str = "clients";

/// The section of the terminal: a card for one client, a table for all, in which those that work share a line unless all is wanted.
pub(super) fn terminal(page: &mut Page, report: &Report, look: &Look) {
    match report.clients.as_deref() {
        None | Some([]) => {}
        Some([one]) => card(page, one),
        Some(rows) => table(page, report, rows, look),
    }
}

fn card(page: &mut Page, row: &ClientRow) {
    page.section("CLIENT", &format!("{} {}", row.name, row.version));
    page.labelled(
        2,
        2,
        &Ink::status(page.mark(row.mark()), row.mark()),
        &Ink::plain([row.because.clone(), row.effect()].join("; ").trim_end_matches("; ")),
    );
    for lack in row.lacks() {
        let because = lack.because.clone().unwrap_or_default();
        let text = format!("{} would fail: {because}", lack.what);
        page.labelled(2, 2, &Ink::status(page.mark(Status::Failed), Status::Failed), &Ink::plain(text));
    }
    let others: Vec<&str> = row.without.iter().map(String::as_str).filter(|_| row.lacks().next().is_none()).collect();
    let prompt = words::count(row.per_prompt as usize, "request");
    let beside = row.beside.as_ref().map(|beside| format!("; beside the answer {beside}")).unwrap_or_default();
    let typed = row.type_base.as_ref().map(|typed| format!("{typed} ({})", row.base));
    let agent = match row.user_agent {
        "none" => "; no User-Agent, so none was sent",
        "unknown" => "; its User-Agent is not known, ours was sent",
        _ => "",
    };
    let fields = [
        ("Its test", row.test_beside_chat()),
        ("Refused", others.join(", ")),
        ("Base URL", typed.unwrap_or_else(|| row.base.to_owned())),
        ("Key", format!("in {}{agent}", row.auth.join(" or "))),
        ("Waits", row.waits.clone().unwrap_or_else(|| "for ever, or nobody knows".to_owned())),
        ("Prompt", format!("{prompt} each{beside}")),
    ];
    for (label, text) in fields.iter().filter(|(_, text)| !text.is_empty()) {
        page.labelled(4, 10, &Ink::dim(*label), &Ink::plain(text));
    }
}

fn table(page: &mut Page, report: &Report, rows: &[ClientRow], look: &Look) {
    let requests = report.exchanges.iter().filter(|exchange| exchange.probe == RUNG).count();
    page.section("CLIENTS", &format!("{} · found out in {}", tally(rows), words::count(requests, "request")));
    let ordered: Vec<&ClientRow> = in_order(rows).filter(|row| row.how != How::Works).collect();
    let mut told: Vec<(How, &str)> = Vec::new();
    for row in &ordered {
        let reason = (row.how, row.because.as_str());
        if !told.contains(&reason) {
            told.push(reason);
            page.labelled(2, 2, &Ink::status(page.mark(row.mark()), row.mark()), &Ink::plain(&row.because));
            alike(page, ordered.iter().copied().filter(|other| (other.how, other.because.as_str()) == reason));
        }
    }
    let names = |whole: bool| -> Vec<&str> {
        rows.iter().filter(|row| row.how == How::Works && row.lacks().next().is_none() == whole).map(|row| row.name.as_str()).collect()
    };
    for (whole, words) in [(true, "work"), (false, "chat, and not everything of theirs works")] {
        if !names(whole).is_empty() {
            let mark = if whole { Status::Passed } else { Status::Inconclusive };
            page.labelled(2, 2, &Ink::status(page.mark(mark), mark), &Ink::plain(format!("{words}: {}", names(whole).join(", "))));
        }
    }
    lacking(page, rows);
    misled(page, rows);
    columns(page, rows, look);
}

/// What fails for clients whose chat does not, by what and why.
fn lacking(page: &mut Page, rows: &[ClientRow]) {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for row in rows {
        for lack in row.lacks() {
            let what = format!("{}: {}", lack.what, lack.because.as_deref().unwrap_or_default());
            match groups.iter_mut().find(|(other, _)| *other == what) {
                Some((_, names)) => names.push(&row.name),
                None => groups.push((what, vec![&row.name])),
            }
        }
    }
    for (what, names) in groups {
        page.labelled(6, 2, &Ink::plain(""), &Ink::plain(format!("{what} ({})", names.join(", "))));
    }
}

/// Whose own test of the connection says that all is well, although it is not.
fn misled(page: &mut Page, rows: &[ClientRow]) {
    let misled = rows.iter().filter(|row| row.how == How::Fails && row.test_passes == Some(true));
    let names: Vec<String> = misled.map(|row| format!("{} ({})", row.name, row.test)).collect();
    if !names.is_empty() {
        page.labelled(
            4,
            0,
            &Ink::plain(""),
            &Ink::plain(format!("Their own test passes, and their chat would fail: {}", names.join(", "))),
        );
    }
}

/// The heads of the columns, as narrow as they can be.
const COLUMNS: [(Capability, &str); 5] = [
    (Capability::Prompts, "chat"),
    (Capability::Tools, "tools"),
    (Capability::Structured, "json"),
    (Capability::Images, "image"),
    (Capability::Titles, "title"),
];
/// The width of a column of marks, and of the names before them.
const WIDTHS: (usize, usize) = (6, 30);

/// One row per client: every one when all is wanted, else those whose capabilities differ.
fn columns(page: &mut Page, rows: &[ClientRow], look: &Look) {
    let differs = |row: &&ClientRow| look.verbose || row.lacks().next().is_some();
    let shown: Vec<&ClientRow> = in_order(rows).filter(differs).collect();
    if shown.is_empty() {
        return;
    }
    page.gap();
    let head = COLUMNS.iter().map(|(_, head)| (Ink::dim(*head), WIDTHS.0));
    page.row(&[(Ink::plain("    "), WIDTHS.1)].into_iter().chain(head).collect::<Vec<_>>(), &Ink::dim("its test"));
    for row in shown {
        let mark_of = |capability: Capability| match row.can.iter().find(|can| can.capability == capability) {
            Some(can) => (Ink::status(page.mark(mark(can.how)), mark(can.how)), WIDTHS.0),
            None => (Ink::plain(" "), WIDTHS.0),
        };
        let marks: Vec<(Ink, usize)> = COLUMNS.iter().map(|(capability, _)| mark_of(*capability)).collect();
        let name = (Ink::plain(format!("    {}", row.name)), WIDTHS.1);
        let test = row.test_passes.map(|passes| if passes { Status::Passed } else { Status::Failed });
        let test = test.map_or(Ink::plain(" "), |status| Ink::status(page.mark(status), status));
        page.row(&[name].into_iter().chain(marks).collect::<Vec<_>>(), &test);
    }
}

/// Clients that share a reason, those first whose users see the same.
fn alike<'r>(page: &mut Page, rows: impl Iterator<Item = &'r ClientRow>) {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for row in rows {
        let effect = row.effect();
        match groups.iter_mut().find(|(other, _)| *other == effect) {
            Some((_, names)) => names.push(&row.name),
            None => groups.push((effect, vec![&row.name])),
        }
    }
    for (effect, names) in groups {
        let effect = if effect.is_empty() { effect } else { format!(": {effect}") };
        page.labelled(6, 2, &Ink::plain(""), &Ink::plain(format!("{}{effect}", names.join(", "))));
    }
}

/// The table as Markdown.
pub(super) fn in_markdown(report: &Report) -> Option<String> {
    let rows = report.clients.as_deref().filter(|rows| !rows.is_empty())?;
    let mut lines = vec![format!("**Clients:** {}", tally(rows)), String::new()];
    let heads = COLUMNS.map(|(_, head)| head).join(" | ");
    lines.push(format!("| client | {heads} | why | its user sees | its own test |"));
    lines.push(format!("|---|{}---|---|---|", "---|".repeat(COLUMNS.len())));
    for row in in_order(rows) {
        let lacks = row.lacks().filter_map(|lack| lack.because.as_ref().map(|because| format!("{}: {because}", lack.what)));
        let why = [Some(row.because.clone()), row.setting.clone()].into_iter().flatten().chain(lacks).collect::<Vec<_>>().join("; ");
        let of = |capability: Capability| row.can.iter().find(|can| can.capability == capability).map_or("", |can| can.status);
        let marks = COLUMNS.map(|(capability, _)| of(capability).to_owned());
        let told = [why, row.sees.clone().unwrap_or_default(), row.test_beside_chat()];
        let cells: Vec<String> = marks.into_iter().chain(told).map(|cell| markdown::cell(&cell)).collect();
        lines.push(format!("| {} | {} |", markdown::code(&row.name), cells.join(" | ")));
    }
    Some(lines.join("\n"))
}
