//! Turns the data files of `src/facts` into JSON: people write TOML, and a program that answers in milliseconds cannot wait for its parser.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn main() {
    let facts = Path::new("src/facts");
    println!("cargo::rerun-if-changed={}", facts.display());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names a folder"));
    for folder in [facts.to_owned(), facts.join("signs")] {
        for entry in std::fs::read_dir(&folder).expect("the folder of the data files") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let name = path.with_extension("json");
                let name = name.strip_prefix(facts).expect("a file below the folder");
                write(&out.join(name), &converted(&path));
            }
        }
    }
}

/// A file as JSON: its rows when it holds one table of them, else everything in it by name.
fn converted(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let tables: serde_json::Map<String, Value> = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut ids = HashSet::new();
    for row in tables.values().filter_map(Value::as_array).flatten() {
        let stands_twice = row.get("id").and_then(Value::as_str).is_some_and(|id| !ids.insert(id));
        assert!(!stands_twice, "{}: the id {} stands twice", path.display(), row["id"]);
    }
    match tables.values().collect::<Vec<_>>()[..] {
        [rows] => rows.to_string(),
        _ => Value::Object(tables).to_string(),
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder to write to");
    std::fs::write(path, text).expect("a file to write to");
}
