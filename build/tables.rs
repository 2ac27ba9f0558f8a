//! The tables of texts as Rust. What is here has the names that it has in `src/facts`, and shows itself as the code that makes it.
#![allow(dead_code, reason = "fields are read by `Debug` alone")]

use std::collections::BTreeMap;
use std::fmt::{Debug, Formatter, Result};
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::needs::{self, Needs};

#[derive(Debug, Deserialize)]
struct Row<R> {
    id: String,
    strength: Strength,
    source: String,
    #[serde(flatten)]
    signature: Signature,
    #[serde(flatten)]
    says: R,
    #[serde(default)]
    example: Example,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Signature {
    any: Words,
    all: Words,
    not: Words,
    codes: Words,
    params: Words,
    status: List<u16>,
    #[serde(rename = "headers")]
    header: Header,
    regex: Option<Pattern>,
    #[serde(skip)]
    needs: Needs,
    #[serde(skip)]
    in_a_line: bool,
    names: Option<Pattern>,
    raw: bool,
}

#[derive(Debug, Deserialize)]
pub struct Saying {
    cause: Cause,
    speaker: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Wrapper {
    provider: Option<String>,
    #[serde(default)]
    own_key: bool,
}

#[derive(Debug, Deserialize)]
pub struct Pointer {
    mode: String,
    url: Option<Pattern>,
    stream: Option<bool>,
    media: Option<Pattern>,
}

/// The rows of these files as one table of this name; of what they say of a text, this is the type.
/// Their examples are added to `examples`.
pub fn texts<R: DeserializeOwned + Debug>(name: &str, says: &str, paths: &[PathBuf], examples: &mut String) -> String {
    let mut rows = Vec::new();
    for path in paths {
        for row in crate::rows(path) {
            let broken = format!("{}: {}", path.display(), row["id"]);
            let mut row: Row<R> = serde_json::from_value(row).unwrap_or_else(|error| panic!("{broken}: {error}"));
            if let Some(Pattern(regex)) = &row.signature.regex {
                (row.signature.needs, row.signature.in_a_line) = needs::of(regex).unwrap_or_else(|error| panic!("{broken}: {error}"));
            }
            row.example.start = examples.len();
            *examples += &row.example.text;
            rows.push(row);
        }
    }
    format!("pub(super) static {name}: [Row<{says}>; {}] = {rows:#?};", rows.len())
}

#[derive(Deserialize, Default)]
#[serde(from = "String")]
struct Example {
    text: String,
    start: usize,
}

impl From<String> for Example {
    fn from(text: String) -> Self {
        Example { text, start: 0 }
    }
}

impl Debug for Example {
    fn fmt(&self, f: &mut Formatter) -> Result {
        write!(f, "Example({}, {})", self.start, self.start + self.text.len())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Strength {
    Strong,
    Medium,
    Weak,
}

impl Debug for Strength {
    fn fmt(&self, f: &mut Formatter) -> Result {
        f.write_str(match self {
            Self::Strong => "Strength::Strong",
            Self::Medium => "Strength::Medium",
            Self::Weak => "Strength::Weak",
        })
    }
}

#[derive(Deserialize)]
struct Cause(String);

impl Debug for Cause {
    fn fmt(&self, f: &mut Formatter) -> Result {
        write!(f, "Cause::{}", self.0)
    }
}

#[derive(Deserialize)]
struct Pattern(String);

impl Debug for Pattern {
    fn fmt(&self, f: &mut Formatter) -> Result {
        write!(f, "Pattern::new({:?})", self.0)
    }
}

#[derive(Deserialize)]
struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Debug> Debug for List<T> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        write!(f, "&{:?}", self.0)
    }
}

/// Texts, each ended by U+1F.
#[derive(Deserialize, Default)]
struct Words(Vec<String>);

impl Debug for Words {
    fn fmt(&self, f: &mut Formatter) -> Result {
        let words: String = self.0.iter().map(|word| format!("{word}\u{1f}")).collect();
        write!(f, "Words({words:?})")
    }
}

#[derive(Deserialize, Default)]
struct Header(BTreeMap<String, Pattern>);

impl Debug for Header {
    fn fmt(&self, f: &mut Formatter) -> Result {
        assert!(self.0.len() < 2, "one header is enough for a row");
        self.0.first_key_value().fmt(f)
    }
}
