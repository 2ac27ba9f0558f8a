//! Pages of what is not a failure mode: statuses, headers, programs, times.

use std::collections::BTreeSet;

use crate::catalogue;
use crate::facts::{self, Boundary, ClientTimeouts, Known, KnownHeader, KnownProgram, Status, TextRow};
use crate::report::neutral;

use super::meaning::says;
use super::page::Page;

/// Longest example of an error text, in characters.
const EXAMPLE: usize = 160;

/// How many clients are named.
const SENDERS: usize = 12;

/// A failure mode and its title.
pub fn titled(id: &str) -> String {
    catalogue::mode(id).map_or_else(|| id.to_owned(), |mode| format!("{id}: {}", mode.title))
}

/// Failure modes, one a line.
pub fn modes(page: &mut Page, heading: &str, ids: &[String]) {
    let rows: Vec<_> = ids.iter().map(|id| (titled(id), "")).collect();
    page.list(heading, rows.len(), &rows);
}

/// The page of a status; `room` is how many rows a list may have.
pub fn status(page: &mut Page, status: &Status, room: usize) {
    page.title(&format!("Status {}: {}", status.code, status.name));
    page.heading("Who sends it, and why");
    page.passage(&format!("{}. {}", sentence(&status.who.join("; ")), status.meaning));
    page.source(&status.source);
    modes(page, "Failure modes it comes with, the most frequent first", &status.modes);
    page.heading("What tells them apart");
    page.passage(&status.tells);
    page.list("Boxes whose clock ends with it", room, &clocks_with(status.code));
    let marks = facts::fingerprints().iter().filter(|row| row.status() == Some(status.code));
    let marks: Vec<_> =
        marks.map(|row| (format!("{}: {}", row.box_, neutral::inline(&row.looks(), EXAMPLE)), row.source.as_str())).collect();
    page.list("Answers of boxes known with it", room.div_ceil(2), &marks);
    page.list("Error texts known with it", room.min(3), &texts(&facts::texts_of_status(status.code)));
    let seen: Vec<_> = status.seen.iter().map(|url| (url.clone(), "")).collect();
    page.list("Seen in", room, &seen);
}

/// The text with a capital letter.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

fn clocks_with(code: u16) -> Vec<(String, &'static str)> {
    let mut rows: Vec<&Boundary> = facts::boundaries().iter().filter(|row| row.status == Some(code)).collect();
    rows.sort_by_key(|row| (!row.known, !row.scope.runs_during_an_answer()));
    rows.into_iter().map(clock).collect()
}

/// A default of a program: the box, the setting, the number, how to raise it.
fn clock(row: &'static Boundary) -> (String, &'static str) {
    let status = row.status.map(|status| format!(", then {status}")).unwrap_or_default();
    let raise = row.raise_with.as_ref().map(|with| format!("; raise with: {with}")).unwrap_or_default();
    (format!("{}, {}: {} s {}{status}{raise}", row.box_, row.setting, row.seconds, row.scope.words()), &row.source)
}

/// Error texts, the best known and those that say something new first: what they say, an example, the row.
fn texts(rows: &[&'static TextRow]) -> Vec<(String, &'static str)> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| row.strength);
    let mut said = BTreeSet::new();
    let (fresh, more): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| said.insert(row.cause));
    let shown = |row: &'static TextRow| {
        let said =
            if row.example.is_empty() { row.codes.iter().collect::<Vec<_>>().join(", ") } else { neutral::inline(row.example, EXAMPLE) };
        (format!("{}: {said} [{}]", says(row.cause), row.id), row.source)
    };
    fresh.into_iter().chain(more).map(shown).collect()
}

/// The page of a header.
pub fn header(page: &mut Page, header: &KnownHeader, room: usize) {
    page.title(&format!("Header {}", neutral::inline(&header.name, neutral::NAME)));
    if let Some(fact) = header.fact {
        page.heading("What it says, and who sends it");
        page.passage(&format!("{}. {}", sentence(&fact.who.join("; ")), fact.meaning));
        if let Some(unit) = &fact.unit {
            page.passage(&format!("Written as: {unit}."));
        }
        page.source(&fact.source);
        modes(page, "Failure modes that it bears on", &fact.modes);
    }
    // A row of its own says the same, and more.
    let has_own_row = header.fact.is_some_and(|fact| fact.name == header.name);
    if let Some(limit) = header.announced.filter(|_| !has_own_row) {
        let text = format!("{}: {}; written as {}", limit.provider, limit.kind.words(), limit.unit);
        page.list("As an announcement of limits", 1, &[(text, limit.source)]);
    }
    let marks = header.marks.iter().map(|row| (format!("{}: {}", row.box_, neutral::inline(&row.looks(), EXAMPLE)), row.source.as_str()));
    page.list("Programs that are known by it", room, &marks.collect::<Vec<_>>());
}

/// The page of a program or service.
pub fn program(page: &mut Page, program: &KnownProgram, room: usize) {
    page.title(&format!("Known as {}", program.names.join(", ")));
    page.list("How it is spoken to", room.div_ceil(2), &doors(program));
    let whose = |name: &str| if program.names.len() > 1 { format!("{name}: ") } else { String::new() };
    let marks = program.marks.iter().map(|row| (whose(&row.box_) + &neutral::inline(&row.looks(), EXAMPLE), row.source.as_str()));
    page.list("What its answers are known by", room, &marks.collect::<Vec<_>>());
    page.list("Its clocks", room, &program.clocks.iter().map(|row| clock(row)).collect::<Vec<_>>());
    let clients: Vec<_> = program.clients.iter().map(|client| (as_client(client), client.source.as_str())).collect();
    page.list("As a client", room.div_ceil(2), &clients);
    page.list("Error texts of its own", room, &texts(&program.errors));
    let usual = usual(program);
    if !usual.is_empty() {
        page.heading("Failure modes that these point at");
        page.passage(&usual.join(", "));
    }
    let quotes = program.quotes.iter().map(|row| (neutral::inline(row.example, EXAMPLE), row.source));
    page.list("How it repeats what its provider said", room.div_ceil(2), &quotes.collect::<Vec<_>>());
}

/// How long a client waits, how often it tries again, what it sends.
fn as_client(client: &ClientTimeouts) -> String {
    let waits = client.waits().unwrap_or_else(|| "no limit known".to_owned());
    let retries = client.retries.map(|count| format!("; tries again {count} times by itself")).unwrap_or_default();
    format!("{}: {waits}{retries}; sends {}", client.name, client.members().join(", "))
}

/// The failure modes that its own error texts point at, each once.
fn usual(program: &KnownProgram) -> Vec<String> {
    let first = |row: &&TextRow| facts::meaning(row.cause).and_then(|meaning| meaning.modes.first());
    let mut ids: Vec<String> = Vec::new();
    for id in program.errors.iter().filter_map(first) {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

fn doors(program: &KnownProgram) -> Vec<(String, &'static str)> {
    let door = |row: &&'static facts::Provider| {
        let list = row.models_path.as_ref().map_or_else(|| "no model list known".to_owned(), |path| format!("models at {path}"));
        let public = if row.models_public { " (needs no key)" } else { "" };
        let shape = row.model_id_shape.as_ref().map(|shape| format!("; names like {shape}")).unwrap_or_default();
        let keys = if row.key_prefixes.is_empty() { String::new() } else { format!("; keys begin with {}", row.key_prefixes.join(", ")) };
        let text = format!("{}: {}, chat at {}, {list}{public}, key as {}{shape}{keys}", row.name, row.base_url, row.chat_path, row.auth);
        (text, row.source.as_str())
    };
    program.providers.iter().map(door).collect()
}

/// The page of a member of the request body: who sends it, and how it is refused.
pub fn member(page: &mut Page, name: &str, known: &Known, room: usize) {
    let name = neutral::inline(name.trim_start_matches('/'), neutral::NAME);
    page.title(&format!("Member {name} of a request"));
    page.heading("Who sends it unless told otherwise");
    let from = |client: &&ClientTimeouts| match client.source.strip_prefix("recorded from ") {
        Some(version) => version.to_owned(),
        None => client.name.clone(),
    };
    let more = known.senders.len().saturating_sub(SENDERS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    page.passage(&format!("{}{more}.", known.senders.iter().take(SENDERS).map(from).collect::<Vec<_>>().join(", ")));
    page.source("recorded requests of these versions; where none stands, from the client's source");
    let names = |row: &&TextRow| ["'", "`", "\""].iter().any(|quote| row.example.contains(&format!("{quote}{name}{quote}")));
    let naming: Vec<_> = facts::texts().iter().filter(|row| row.cause.is_about_a_field()).filter(names).collect();
    page.list("Error texts that name it", room, &texts(&naming));
    let ids = ["unsupported-field", "field-combination-rejected", "hidden-default-conflict"].map(str::to_owned);
    modes(page, "Failure modes of a member", &ids);
}

/// The page of a time: whose clock it may be.
pub fn time(page: &mut Page, seconds: f64, room: usize) {
    page.title(&format!("{seconds} s"));
    let clocks: Vec<_> = facts::boundaries_at(seconds, None, &[]).into_iter().map(clock).collect();
    page.list("Clocks with this default, the commonest first", room, &clocks);
    let clients = facts::client_timeouts().iter().filter(|client| client.gives_up_at(seconds));
    let clients: Vec<_> =
        clients.filter_map(|client| Some((format!("{}: {}", client.name, client.waits()?), client.source.as_str()))).collect();
    page.list("Clients that give up then", room.div_ceil(2), &clients);
    if clocks.is_empty() && clients.is_empty() {
        page.heading("Clocks with this default");
        page.passage("None is known. A clock fires up to 1.5 s late, because the way there is paid on top, and hardly ever early.");
    }
    let ids = ["timeout-boundary", "client-timeout-too-short"].map(str::to_owned);
    modes(page, "Failure modes of a constant time", &ids);
}
