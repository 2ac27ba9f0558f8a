//! Turns the data files of `src/facts` into what the program embeds: people write TOML, and a program that answers in milliseconds cannot
//! wait for its parser. The tables of texts, which every refusal is held against, become Rust; the others become JSON, packed until asked for.
#![allow(clippy::print_stdout, reason = "cargo reads it")]

mod needs;
mod precedents;
mod tables;
#[path = "../src/facts/tokens.rs"]
mod tokens;

use std::collections::HashSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::Value;

/// One file per client.
const PROFILES: &str = "src/profiles/data";
/// Real failures, which the benchmark of `triage` judges it by, fold by fold without those that are judged.
const CORPUS: &str = "benches/corpus";

fn main() {
    let facts = Path::new("src/facts");
    println!("cargo::rerun-if-changed={}", facts.display());
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed={CORPUS}");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names a folder"));
    let (told, signs): (Vec<_>, Vec<_>) = files(&facts.join("signs"), "toml").into_iter().partition(|path| path.ends_with("prose.toml"));
    let mut examples = String::new();
    write(&out.join("errors.rs"), &tables::texts::<tables::Saying>("ERRORS", "Saying", &[facts.join("errors.toml")], &mut examples));
    write(
        &out.join("wrappers.rs"),
        &tables::texts::<tables::Wrapper>("WRAPPERS", "Wrapper", &[facts.join("wrappers.toml")], &mut examples),
    );
    write(&out.join("signs.rs"), &tables::texts::<tables::Pointer>("SIGNS", "Pointer", &signs, &mut examples));
    write(&out.join("prose.rs"), &tables::texts::<tables::Pointer>("TOLD", "Pointer", &told, &mut examples));
    pack(&out.join("examples.z"), &examples);
    let corpus = ["failures.jsonl", "more.jsonl"].map(|name| Path::new(CORPUS).join(name));
    write(&out.join("precedents.rs"), &precedents::tables(&corpus.each_ref().map(PathBuf::as_path)));
    for path in files(facts, "toml").iter().filter(|path| !path.ends_with("errors.toml") && !path.ends_with("wrappers.toml")) {
        let name = Path::new(path.file_name().expect("a file")).with_extension("z");
        pack(&out.join(name), &json(content(path)));
    }
    println!("cargo::rerun-if-changed={PROFILES}");
    let profiles: String = files(Path::new(PROFILES), "json").iter().map(|path| read(path) + "\0").collect();
    pack(&out.join("profiles.z"), &profiles);
}

/// The files of a folder that end like this, by name.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder of the data files");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|own| own == extension));
    paths.sort_by_key(|path| path.with_extension(""));
    paths
}

/// A file's tables by name, their rows each with an id of its own where rows have ids.
fn content(path: &Path) -> serde_json::Map<String, Value> {
    let tables: serde_json::Map<String, Value> = toml::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for rows in tables.values().filter_map(Value::as_array) {
        let mut ids = HashSet::new();
        let again = rows.iter().filter_map(|row| row["id"].as_str()).find(|id| !ids.insert(*id));
        assert!(again.is_none(), "{}: the id {} stands twice", path.display(), again.unwrap_or_default());
    }
    tables
}

/// The rows of a file that holds one table.
fn rows(path: &Path) -> Vec<Value> {
    match content(path).into_iter().collect::<Vec<_>>().pop() {
        Some((_, Value::Array(rows))) => rows,
        _ => panic!("{}: a table of rows is expected", path.display()),
    }
}

/// The rows where there is one table, else everything by name.
fn json(tables: serde_json::Map<String, Value>) -> String {
    match tables.values().collect::<Vec<_>>()[..] {
        [rows] => rows.to_string(),
        _ => Value::Object(tables).to_string(),
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is read seldom is embedded small.
fn pack(path: &Path, text: &str) {
    let mut packed = ZlibEncoder::new(std::fs::File::create(path).expect("a new file"), Compression::best());
    packed.write_all(text.as_bytes()).expect("what is packed is written");
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
