//! The house holds: who may import whom, no cycles, sizes, and no list that its folder contradicts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// What each room may import. A room that is not here may not exist.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("secret", &[]),
    ("pace", &[]),
    ("facts", &[]),
    ("minimize", &[]),
    ("outline", &["minimize"]),
    ("sim", &[]),
    ("evidence", &["pace"]),
    ("profiles", &["evidence", "facts"]),
    ("target", &["evidence", "secret"]),
    ("dialect", &["evidence", "facts"]),
    ("http", &["evidence", "secret", "pace", "target"]),
    ("capture", &["http", "dialect", "evidence", "pace", "secret"]),
    ("probes", &["http", "dialect", "facts", "minimize", "outline", "profiles", "evidence", "target", "pace", "secret"]),
    ("ladder", &["probes", "profiles", "http", "dialect", "evidence", "target", "pace"]),
    ("catalogue", &["evidence", "dialect", "facts", "outline", "probes", "profiles", "secret"]),
    ("diagnosis", &["catalogue", "evidence"]),
    ("triage", &["diagnosis", "catalogue", "evidence", "dialect", "facts", "target", "secret"]),
    ("report", &["triage", "diagnosis", "catalogue", "evidence", "dialect", "facts", "probes", "profiles", "secret"]),
    (
        "cli",
        &[
            "capture",
            "report",
            "triage",
            "diagnosis",
            "catalogue",
            "ladder",
            "probes",
            "profiles",
            "http",
            "dialect",
            "facts",
            "evidence",
            "target",
            "pace",
            "secret",
            "sim",
        ],
    ),
    ("main", &["cli"]),
];

/// Lines of a file, at most.
const FILE_LINES: usize = 500;
/// Lines of a function, at most; half of them have fewer than [`MEDIAN_LINES`].
const FUNCTION_LINES: usize = 80;
const MEDIAN_LINES: usize = 10;

/// Crates that only one or two rooms may name.
const OWNED_CRATES: &[(&str, &[&str])] = &[
    ("reqwest", &["http"]),
    ("hyper", &["http", "capture"]),
    ("rustls", &["http", "sim"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("eventsource_stream", &["dialect"]),
];

struct Source {
    room: String,
    path: PathBuf,
    text: String,
    tree: syn::File,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut paths = Vec::new();
    files(&src, &mut paths);
    paths.sort();
    paths.into_iter().map(|path| source(&src, path)).collect()
}

fn source(src: &Path, path: PathBuf) -> Source {
    let text = std::fs::read_to_string(&path).expect("a source file");
    let tree = syn::parse_file(&text).expect("Rust");
    let relative = path.strip_prefix(src).expect("inside src");
    let first = relative.components().next().expect("a component").as_os_str().to_string_lossy();
    Source { room: first.trim_end_matches(".rs").to_owned(), path, text, tree }
}

/// Every `crate::room` that a file names outside its tests.
#[derive(Default)]
struct Imports {
    rooms: BTreeSet<String>,
    crates: BTreeSet<String>,
    prints: bool,
    reads_environment: bool,
    functions: Vec<(String, usize)>,
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.to_string(),
            _ => String::new(),
        };
        attribute.path().is_ident("test") || attribute.path().is_ident("cfg") && text.contains("test")
    })
}

impl<'a> Visit<'a> for Imports {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.tree(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'a syn::Macro) {
        let name = item.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        self.prints |= matches!(name.as_str(), "print" | "println" | "eprint" | "eprintln" | "dbg");
        visit::visit_macro(self, item);
    }

    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        self.function(&function.sig.ident, function.span());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        self.function(&function.sig.ident, function.span());
        visit::visit_impl_item_fn(self, function);
    }
}

impl Imports {
    fn of(source: &Source) -> Self {
        let mut imports = Imports::default();
        imports.visit_file(&source.tree);
        imports
    }

    fn function(&mut self, name: &syn::Ident, span: proc_macro2::Span) {
        self.functions.push((name.to_string(), span.end().line - span.start().line + 1));
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(&path.tree, before);
                before.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, before)),
            syn::UseTree::Name(name) => self.noted(before, &name.ident),
            syn::UseTree::Rename(rename) => self.noted(before, &rename.ident),
            syn::UseTree::Glob(_) => self.note(before),
        }
    }

    fn noted(&mut self, before: &[String], last: &syn::Ident) {
        let path: Vec<String> = before.iter().cloned().chain([last.to_string()]).collect();
        self.note(&path);
    }

    fn note(&mut self, path: &[String]) {
        match path {
            [first, room, ..] if first == "crate" || first == "llmdoctor" => drop(self.rooms.insert(room.clone())),
            [first, ..] => drop(self.crates.insert(first.clone())),
            [] => {}
        }
        let text = path.join("::");
        self.reads_environment |= text.contains("env::var") || text.contains("env::args");
    }
}

fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources().iter().filter(|source| source.room != "lib") {
        let mut rooms = Imports::of(source).rooms;
        rooms.remove(&source.room);
        edges.entry(source.room.clone()).or_default().extend(rooms);
    }
    edges
}

#[test]
fn rooms_import_only_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    for (room, imports) in edges() {
        let may = allowed.get(room.as_str()).unwrap_or_else(|| panic!("the room {room} has no row in MAY_IMPORT"));
        for import in imports {
            assert!(may.contains(&import.as_str()), "{room} imports {import}");
        }
    }
}

#[test]
fn no_cycle_of_imports() {
    let edges = edges();
    let mut done = BTreeSet::new();
    while done.len() < edges.len() {
        let free = edges.iter().find(|(room, imports)| !done.contains(*room) && imports.iter().all(|import| done.contains(import)));
        let (room, _) =
            free.unwrap_or_else(|| panic!("a cycle among {:?}", edges.keys().filter(|room| !done.contains(*room)).collect::<Vec<_>>()));
        done.insert(room.clone());
    }
}

#[test]
fn crates_stay_in_their_rooms() {
    for source in sources() {
        let crates = Imports::of(&source).crates;
        for (name, rooms) in OWNED_CRATES {
            assert!(!crates.contains(*name) || rooms.contains(&source.room.as_str()), "{} names {name}", source.path.display());
        }
    }
}

#[test]
fn only_the_command_line_prints_and_reads_the_environment() {
    for source in sources().iter().filter(|source| !matches!(source.room.as_str(), "cli" | "main")) {
        let imports = Imports::of(source);
        assert!(!imports.prints, "{} prints", source.path.display());
        assert!(!imports.reads_environment, "{} reads the environment", source.path.display());
    }
}

#[test]
fn files_and_functions_stay_small() {
    let mut lengths = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= FILE_LINES, "{} has {lines} lines", source.path.display());
        for (name, lines) in Imports::of(&source).functions {
            assert!(lines <= FUNCTION_LINES, "{}: {name} has {lines} lines", source.path.display());
            lengths.push(lines);
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median < MEDIAN_LINES, "the median function has {median} lines");
}

/// Names of the Rust files of a folder, without `mod.rs`.
fn names_in(folder: &str) -> BTreeSet<String> {
    let mut paths = Vec::new();
    files(&root().join(folder), &mut paths);
    paths.iter().map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).filter(|name| name != "mod").collect()
}

#[test]
fn every_failure_mode_has_its_file_and_every_file_its_row() {
    let registered: BTreeSet<String> = llmdoctor::catalogue::CATALOGUE.iter().map(|mode| mode.id.replace('-', "_")).collect();
    assert_eq!(registered.len(), llmdoctor::catalogue::CATALOGUE.len(), "an id stands twice");
    let declared: BTreeSet<String> = sources()
        .iter()
        .filter(|source| source.room == "catalogue" && source.text.contains("pub const MODE: FailureMode"))
        .map(|source| source.path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(registered, declared);
}

#[test]
fn every_rung_has_its_file_and_every_file_its_row() {
    let registered: BTreeSet<String> = llmdoctor::probes::LADDER.iter().map(|probe| probe.id.to_owned()).collect();
    let shared = ["asked", "ctx", "mended", "question", "sizes", "values"].map(str::to_owned).into();
    let files: BTreeSet<String> = &names_in("src/probes") - &shared;
    assert_eq!(registered, files);
}

#[test]
fn explanations_name_existing_modes() {
    for mode in llmdoctor::catalogue::CATALOGUE {
        for explained in mode.explains {
            assert!(llmdoctor::catalogue::mode(explained).is_some(), "{} explains {explained}, which is no mode", mode.id);
            assert_ne!(*explained, mode.id);
        }
    }
}
