//! The catalogue as a page: `docs/failure-modes.md` is this text.

use std::fmt::Write as _;

use crate::facts;

use super::{CATALOGUE, FailureMode, explained_by, headers_of, neighbours, settings, statuses_of, words};

/// Headings of the families, in the order of the page.
const FAMILIES: [(&str, &str); 11] = [
    ("reach", "Reach"),
    ("address", "Address"),
    ("key", "Key"),
    ("model", "Model"),
    ("body", "Request body"),
    ("edge", "Edge"),
    ("limits", "Limits and money"),
    ("stream", "Stream"),
    ("answer", "Answer"),
    ("time", "Time"),
    ("gateway", "Gateway and upstream"),
];

/// The whole catalogue in Markdown.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Failure modes\n\nGenerated from the catalogue (`src/catalogue`); `UPDATE_DOCS=1 cargo test --test docs` writes it anew. \
         `llmdoctor explain MODE` shows one of them.\n",
    );
    for (family, heading) in FAMILIES {
        let _ = write!(page, "\n## {heading}\n");
        for mode in CATALOGUE.iter().filter(|mode| mode.family == family) {
            section(&mut page, mode);
        }
    }
    page
}

fn section(page: &mut String, mode: &FailureMode) {
    let _ = write!(page, "\n### `{}`\n\n**{}.** {}\n\n{}\n", mode.id, mode.title, mode.symptom, mode.cause);
    let _ = write!(page, "\nWhat helps:\n\n");
    for fix in mode.fix {
        let _ = writeln!(page, "- {fix}");
    }
    told_apart(page, mode);
    announced(page, mode);
    clients(page, mode);
    set(page, mode);
    if !mode.references.is_empty() {
        let links: Vec<String> = mode.references.iter().map(|link| format!("<{link}>")).collect();
        let _ = write!(page, "\nReal cases: {}\n", links.join(" · "));
    }
}

/// What tells a mode from its neighbours, and which of them it explains.
fn told_apart(page: &mut String, mode: &FailureMode) {
    let neighbours = neighbours(mode);
    if !neighbours.is_empty() {
        let _ = write!(page, "\nTold from its neighbours:\n\n");
    }
    for row in neighbours {
        let _ = writeln!(page, "- {} (rung `{}`): {}", ids(&row.modes), row.asks, row.tells);
    }
    if !mode.explains.is_empty() {
        let _ = write!(page, "\nIt explains: {}.\n", ids(mode.explains));
    }
    let explained_by = explained_by(mode);
    if !explained_by.is_empty() {
        let _ = write!(page, "\nExplained by: {}.\n", ids(&explained_by));
    }
}

fn announced(page: &mut String, mode: &FailureMode) {
    let statuses = statuses_of(mode);
    if !statuses.is_empty() {
        let _ = write!(page, "\nComes with: {}.\n", statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", "));
    }
    let headers = headers_of(mode);
    if !headers.is_empty() {
        let _ = write!(page, "\nHeaders to look at: {}.\n", ids(&headers));
    }
    let words = words(mode);
    if !words.is_empty() {
        let _ = write!(page, "\nWords that announce it:\n\n");
    }
    for row in words {
        // A code span that holds backticks needs a longer fence.
        let _ = writeln!(page, "- `` {} `` ([{}](<{}>))", row.example.replace("``", "`"), row.row, row.source);
    }
}

/// What real clients make of each form of stream that the mode is about.
fn clients(page: &mut String, mode: &FailureMode) {
    for table in facts::stream_tables(&facts::stream_forms_of(mode.id, None)) {
        let names = table.clients.iter().map(|client| format!("{} {}", client.title, client.version)).collect::<Vec<_>>();
        let _ = write!(
            page,
            "\nWhat clients of `{}` make of it, measured on {}:\n\n| | {} |\n",
            table.dialect(),
            facts::stream_clients_measured(),
            names.join(" | ")
        );
        let _ = writeln!(page, "|---|{}", "---|".repeat(names.len()));
        for (form, does) in &table.rows {
            let cells: Vec<&str> = does.iter().map(|does| does.map_or("?", facts::Does::name)).collect();
            let _ = writeln!(page, "| {} | {} |", form.what, cells.join(" | "));
        }
    }
}

/// Defaults of programs that bear on a mode.
fn set(page: &mut String, mode: &FailureMode) {
    let settings = settings(mode);
    if !settings.is_empty() {
        let _ = write!(page, "\nDefaults:\n\n");
    }
    for row in settings {
        let raise = row.raise_with.map(|with| format!("; raise with `{}`", with.replace('`', ""))).unwrap_or_default();
        let source = if row.source.starts_with("https://") { format!("[source](<{}>)", row.source) } else { row.source.to_owned() };
        let _ = writeln!(page, "- {}: {}{raise} ({source})", row.name, row.value);
    }
}

fn ids(modes: &[&str]) -> String {
    modes.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_of_a_known_family() {
        for mode in CATALOGUE {
            assert!(FAMILIES.iter().any(|(family, _)| *family == mode.family), "{} is of the family {}", mode.id, mode.family);
        }
    }
}
