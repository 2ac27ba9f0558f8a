//! Which known clients work here, and what the users of the others see.

use serde::Serialize;

use super::layout::{Ink, Page};
use super::neutral::{self, MESSAGE, NAME};
use super::{Look, Report, Status, markdown, words};
use crate::catalogue::Case;
use crate::catalogue::clients::{Fit, How, fits};
use crate::evidence::Evidence;
use crate::profiles::TestAsks;

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
    /// How long it waits, in words.
    pub waits: Option<String>,
    /// Requests that one prompt causes.
    pub per_prompt: u32,
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
        test_passes: fit.test.filter(|_| fit.client.test.asks != TestAsks::None),
        base: fit.client.base.words(),
        waits: fit.client.waits().and_then(crate::facts::ClientTimeouts::waits),
        per_prompt: fit.client.per_prompt,
        name: fit.client.name,
        how: fit.how,
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

impl ClientRow {
    fn mark(&self) -> Status {
        match self.how {
            How::Works => Status::Passed,
            How::WithSetting => Status::Inconclusive,
            How::Fails => Status::Failed,
            How::Untested => Status::Skipped,
        }
    }

    /// What its user sees, which setting helps, which features fail.
    fn effect(&self) -> String {
        let sees = self.sees.as_ref().map(|sees| format!("the user sees {sees}"));
        let setting = self.setting.as_ref().map(|setting| format!("but {setting}"));
        let without = (!self.without.is_empty()).then(|| format!("refused: {}", self.without.join(", ")));
        [sees, setting, without].into_iter().flatten().collect::<Vec<_>>().join("; ")
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
            How::Fails => "its chat fails",
            How::Untested => "nobody can say of its chat",
        };
        format!("{}{verdict}; {chat}", self.test)
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

/// The section of the terminal: a card for one client, a table for all, in which those that work share a line unless all is wanted.
pub(super) fn terminal(page: &mut Page, report: &Report, look: &Look) {
    match report.clients.as_deref() {
        None | Some([]) => {}
        Some([one]) => card(page, one),
        Some(rows) => table(page, rows, look),
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
    let prompt = words::count(row.per_prompt as usize, "request");
    let fields = [
        ("Its test", row.test_beside_chat()),
        ("Base URL", row.base.to_owned()),
        ("Waits", row.waits.clone().unwrap_or_else(|| "for ever, or nobody knows".to_owned())),
        ("Prompt", format!("{prompt} each")),
    ];
    for (label, text) in fields {
        page.labelled(4, 10, &Ink::dim(label), &Ink::plain(text));
    }
}

fn table(page: &mut Page, rows: &[ClientRow], look: &Look) {
    page.section("CLIENTS", &tally(rows));
    let ordered: Vec<&ClientRow> = in_order(rows).filter(|row| look.verbose || row.how != How::Works).collect();
    let mut told: Vec<(How, &str)> = Vec::new();
    for row in &ordered {
        let reason = (row.how, row.because.as_str());
        if !told.contains(&reason) {
            told.push(reason);
            page.labelled(2, 2, &Ink::status(page.mark(row.mark()), row.mark()), &Ink::plain(&row.because));
            alike(page, ordered.iter().copied().filter(|other| (other.how, other.because.as_str()) == reason));
        }
    }
    let fine: Vec<&str> = rows.iter().filter(|row| row.how == How::Works).map(|row| row.name.as_str()).collect();
    if !look.verbose && !fine.is_empty() {
        page.labelled(2, 2, &Ink::status(page.mark(Status::Passed), Status::Passed), &Ink::plain(format!("work: {}", fine.join(", "))));
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
    lines.extend(["| client | | why | its user sees | its own test |", "|---|---|---|---|---|"].map(str::to_owned));
    for row in in_order(rows) {
        let why = [Some(row.because.clone()), row.setting.clone()].into_iter().flatten().collect::<Vec<_>>().join("; ");
        let sees = row.sees.clone().unwrap_or_default();
        let cells = [row.status.to_owned(), why, sees, row.test_beside_chat()].map(|cell| markdown::cell(&cell));
        lines.push(format!("| {} | {} |", markdown::code(&row.name), cells.join(" | ")));
    }
    Some(lines.join("\n"))
}
