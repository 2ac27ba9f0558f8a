//! The catalogue as a page: `docs/failure-modes.md` is this text.

use std::fmt::Write as _;

use super::{CATALOGUE, FailureMode};

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
    if !mode.explains.is_empty() {
        let names: Vec<String> = mode.explains.iter().map(|id| format!("`{id}`")).collect();
        let _ = write!(page, "\nIt explains: {}.\n", names.join(", "));
    }
    if !mode.references.is_empty() {
        let links: Vec<String> = mode.references.iter().map(|link| format!("<{link}>")).collect();
        let _ = write!(page, "\nReal cases: {}\n", links.join(" · "));
    }
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
