//! Real failures as numbers: the program compares a paste with all of them, and should take a fraction of a millisecond.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::tokens::Shown;

/// A real failure, read from a line of a corpus.
struct Case {
    mode: String,
    source: String,
    status: Option<u16>,
    bare: bool,
    tokens: Vec<u32>,
}

/// The cases of these files as the tables that `src/facts/precedents.rs` describes. Those of low confidence are for nobody to go by.
pub fn tables(paths: &[&Path]) -> String {
    let cases: Vec<Case> = paths.iter().flat_map(|path| read(path)).collect();
    let mut rows_with: BTreeMap<u32, u16> = BTreeMap::new();
    cases.iter().flat_map(|case| &case.tokens).for_each(|token| *rows_with.entry(*token).or_default() += 1);
    let square = |token: &u32| ((cases.len() as f32 + 1.0) / (f32::from(rows_with[token]) + 0.5)).ln().powi(2);
    let norms: Vec<f32> = cases.iter().map(|case| case.tokens.iter().map(square).sum::<f32>().sqrt()).collect();
    // What only one case has is left out of what is compared, to save space; it still counts in the norm.
    let kept: BTreeMap<u32, usize> =
        rows_with.iter().filter(|(_, rows)| **rows > 1).enumerate().map(|(place, (token, _))| (*token, place)).collect();
    assert!(kept.len() <= usize::from(u16::MAX), "more tokens than their places can say");
    let modes: Vec<&str> = cases.iter().map(|case| case.mode.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let (mut rows, mut held, mut sources): (Vec<String>, Vec<usize>, String) = Default::default();
    for (case, norm) in cases.iter().zip(norms) {
        held.extend(case.tokens.iter().filter_map(|token| kept.get(token).copied()));
        sources += &case.source;
        let mode = modes.binary_search(&case.mode.as_str()).expect("all modes are listed");
        let (status, end) = (case.status.unwrap_or_default(), held.len());
        rows.push(format!(
            "Row {{ mode: {mode}, status: {status}, bare: {}, norm: {norm:?}, end: {end}, told: {} }}",
            case.bare,
            sources.len()
        ));
    }
    let tokens: Vec<(u32, u16)> = kept.keys().map(|token| (*token, rows_with[token])).collect();
    format!(
        "static ROWS: [Row; {}] = [{}];\nstatic MODES: Words = Words({:?});\nstatic SOURCES: &str = {sources:?};\n\
         static TOKENS: [(u32, u16); {}] = {tokens:?};\nstatic HELD: [u16; {}] = {held:?};",
        rows.len(),
        rows.join(",\n"),
        modes.iter().map(|mode| format!("{mode}\u{1f}")).collect::<String>(),
        tokens.len(),
        held.len()
    )
}

fn read(path: &Path) -> Vec<Case> {
    let text = crate::read(path);
    let parsed = |(number, line): (usize, &str)| -> Value {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), number + 1))
    };
    text.lines().enumerate().map(parsed).filter_map(|line| case(&line)).collect()
}

/// A line of a corpus; `None` for what shows neither a body nor a status, or is doubtful.
fn case(line: &Value) -> Option<Case> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let status = line["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let (body, request, headers) = (text(&line["body"]), &line["request"], &line["headers"]);
    if line["confidence"] == "low" || (status.is_none() && body.is_empty()) {
        return None;
    }
    let shown = Shown {
        status,
        method: request["method"].as_str().unwrap_or_default(),
        url: request["path"].as_str().unwrap_or_default(),
        stream: request["stream"].as_bool(),
        content_type: headers["content-type"].as_str().unwrap_or_default(),
        server: headers["server"].as_str().unwrap_or_default(),
        said: &body,
    };
    Some(Case { mode: text(&line["mode"]), source: text(&line["source"]), status, bare: shown.is_bare(), tokens: shown.tokens() })
}
