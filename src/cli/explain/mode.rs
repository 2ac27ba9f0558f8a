//! The page of a failure mode.

use crate::catalogue::{self, FailureMode};
use crate::facts::{self, StreamTable};

use super::page::Page;

/// How many texts that announce it are shown.
const WORDS: usize = 2;
/// How many defaults of programs are shown.
const SETTINGS: usize = 4;
/// How many clients that others reported are shown.
const REPORTS: usize = 2;
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
    clients(page, mode);
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

/// What real clients make of each form of stream that the mode is about.
fn clients(page: &mut Page, mode: &FailureMode) {
    let forms = facts::stream_forms_of(mode.id, None);
    for table in facts::stream_tables(&forms) {
        page.heading(&format!("What clients of {} make of it, measured on {}", table.dialect(), facts::stream_clients_measured()));
        page.passage(&numbered(&table));
        page.cells(&(1..=table.clients.len()).map(|number| number.to_string()).collect::<Vec<_>>(), "");
        for (does, forms) in alike(&table) {
            let cells: Vec<_> = does.iter().map(|does| does.map_or("?", facts::Does::name).to_owned()).collect();
            page.cells(&cells, &forms.join("; "));
        }
    }
    let threads: Vec<_> = forms.iter().flat_map(|form| form.reports().into_iter().map(move |thread| (form, thread))).collect();
    let rows: Vec<(String, &str)> =
        threads.iter().map(|(form, thread)| (format!("{}: {}", thread.project, form.what), thread.source.as_str())).collect();
    page.list("Other clients whose users met it", REPORTS, &rows);
}

/// `1 openai-python 3.52.0, 2 …`; a version that is that of the client before is not repeated.
fn numbered(table: &StreamTable) -> String {
    let mut names = Vec::new();
    let mut last = "";
    for (index, client) in table.clients.iter().enumerate() {
        let version = if client.version == last { String::new() } else { format!(" {}", client.version) };
        names.push(format!("{} {}{version}", index + 1, client.title));
        last = &client.version;
    }
    names.join(", ")
}

/// Forms of which clients make the same, in one row.
fn alike(table: &StreamTable) -> Vec<(&[Option<facts::Does>], Vec<&'static str>)> {
    let mut rows: Vec<(&[Option<facts::Does>], Vec<&str>)> = Vec::new();
    for (form, does) in &table.rows {
        match rows.iter_mut().find(|row| row.0 == does.as_slice()) {
            Some(row) => row.1.push(&form.what),
            None => rows.push((does, vec![&form.what])),
        }
    }
    rows
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
