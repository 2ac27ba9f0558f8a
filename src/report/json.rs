//! For programs: the report as JSON, as `schema/report.schema.json` has it.

use super::{Look, Report};

/// The report as indented JSON, members always in the same order.
pub fn write(report: &Report, _look: &Look) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}
