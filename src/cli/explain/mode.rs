//! The page of a failure mode.

use crate::catalogue::{self, FailureMode};

use super::page::Page;

/// How many texts that announce it are shown.
const WORDS: usize = 2;
/// How many defaults of programs are shown.
const SETTINGS: usize = 4;
/// How many real cases are shown.
const CASES: usize = 4;

/// What people see, why, what tells it from its neighbours, and what helps.
pub fn write(page: &mut Page, mode: &FailureMode) {
    page.title(&format!("{} ({})", mode.title, mode.id));
    for (heading, body) in [("What people see", mode.symptom), ("Why", mode.cause)] {
        page.heading(heading);
        page.passage(body);
    }
    told_apart(page, mode);
    page.heading("What helps");
    mode.fix.iter().for_each(|fix| page.item(fix));
    page.list("Defaults", SETTINGS, &defaults(mode));
    page.list("Words that announce it", WORDS, &words(mode));
    let statuses = catalogue::statuses_of(mode);
    if !statuses.is_empty() {
        page.heading("Statuses it comes with");
        page.passage(&statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", "));
    }
    let headers = catalogue::headers_of(mode);
    if !headers.is_empty() {
        page.heading("Headers to look at");
        page.passage(&headers.join(", "));
    }
    if !mode.references.is_empty() {
        page.heading("Real cases");
        mode.references.iter().take(CASES).for_each(|link| page.passage(link));
    }
}

fn told_apart(page: &mut Page, mode: &FailureMode) {
    let neighbours = catalogue::neighbours(mode);
    let explained_by = catalogue::explained_by(mode);
    if neighbours.is_empty() && explained_by.is_empty() && mode.explains.is_empty() {
        return;
    }
    page.heading("How it is told from its neighbours");
    for row in neighbours {
        page.item(&format!("{} (rung {}): {}", row.modes.join(", "), row.asks, row.tells));
    }
    if !mode.explains.is_empty() {
        page.item(&format!("found beside it and explained by it: {}", mode.explains.join(", ")));
    }
    if !explained_by.is_empty() {
        page.item(&format!("explains it when found beside it: {}", explained_by.join(", ")));
    }
}

fn defaults(mode: &FailureMode) -> Vec<(String, &'static str)> {
    let shown = |row: catalogue::Setting| {
        let raise = row.raise_with.map(|with| format!("; raise with: {with}")).unwrap_or_default();
        (format!("{}: {}{raise}", row.name, row.value), row.source)
    };
    catalogue::settings(mode).into_iter().map(shown).collect()
}

fn words(mode: &FailureMode) -> Vec<(String, &'static str)> {
    catalogue::words(mode).into_iter().map(|row| (format!("{} [{}]", row.example, row.row), row.source)).collect()
}
