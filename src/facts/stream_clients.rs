//! What real clients make of a stream that is odd in one way: a measured table, and threads of users who met the same.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Projects with a shorter name are named with their owner: others are called alike.
const SHORT: usize = 5;
/// Reports that are named, at most.
const REPORTS: usize = 4;

/// What a client does with a stream that is odd in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Does {
    /// It shows nothing and raises nothing.
    Silent,
    /// It loses part of the answer and takes the rest for the whole.
    Partial,
    /// It shows text twice, or something that is no text.
    Garbled,
    /// It waits for an end that does not come.
    Hang,
    /// It raises an error.
    Error,
    /// It shows the whole text.
    Fine,
}

impl Does {
    /// Every outcome with the word that the data and the JSON report have for it, the worst to find out first.
    pub const ALL: [(&'static str, Does); 6] = [
        ("silent", Does::Silent),
        ("partial", Does::Partial),
        ("garbled", Does::Garbled),
        ("hang", Does::Hang),
        ("error", Does::Error),
        ("ok", Does::Fine),
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        Does::ALL.iter().find(|row| row.1 == self).map_or("ok", |row| row.0)
    }

    /// What is seen in such a client.
    pub fn phrase(self) -> &'static str {
        match self {
            Does::Silent => "nothing shown, no error",
            Does::Partial => "part lost, no error",
            Does::Garbled => "garbled",
            Does::Hang => "hangs",
            Does::Error => "error",
            Does::Fine => "fine",
        }
    }
}

/// A client whose behaviour was measured.
#[derive(Debug, Deserialize)]
pub struct StreamClient {
    /// Stable name of the row.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// The version that was measured.
    pub version: String,
    /// The dialect that it reads.
    pub reads: String,
}

/// A form of stream, and what clients make of it.
#[derive(Debug, Deserialize)]
pub struct StreamForm {
    /// What is odd about it, by the kinds that readers of streams use; two rows of one kind are about clients of two dialects.
    pub kind: String,
    /// What is odd about it, in words.
    pub what: String,
    /// True when a conforming reader loses nothing.
    pub legal: bool,
    /// Worth a word although no measured client of the same API breaks on it.
    #[serde(default)]
    pub note: bool,
    /// The findings that are about it: ids of failure modes, or `mode/kind` for those of one kind.
    #[serde(default)]
    pub found: Vec<String>,
    /// The way of reading that breaks on it, by the name that views of streams have for it.
    pub model: Option<String>,
    #[serde(default)]
    reports: Vec<String>,
    #[serde(default)]
    sends: Vec<String>,
    #[serde(default)]
    clients: BTreeMap<String, String>,
}

/// What the clients of one dialect do with some forms.
#[derive(Debug)]
pub struct StreamTable {
    /// The clients, each a column.
    pub clients: Vec<&'static StreamClient>,
    /// The forms, each with what every client does, where that is known.
    pub rows: Vec<(&'static StreamForm, Vec<Option<Does>>)>,
}

/// What one client does with one form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told {
    /// Its name and version.
    pub client: &'static str,
    /// The version that was measured.
    pub version: &'static str,
    /// The dialect that it reads.
    pub reads: &'static str,
    /// What it does.
    pub does: Does,
    /// What is seen, if that says more; otherwise empty.
    pub seen: &'static str,
}

/// A thread in which somebody met a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// The repository's name, with its owner where it is short.
    pub project: &'static str,
    /// Its address.
    pub source: String,
}

#[derive(Deserialize)]
struct File {
    measured: String,
    client: Vec<StreamClient>,
    form: Vec<StreamForm>,
}

static FILE: LazyLock<File> =
    LazyLock::new(|| serde_json::from_str(data!("stream_clients")).unwrap_or_else(|error| panic!("embedded stream clients: {error}")));

/// Every form, in the order of the file.
pub fn stream_forms() -> &'static [StreamForm] {
    &FILE.form
}

/// The day on which the clients were measured.
pub fn stream_clients_measured() -> &'static str {
    &FILE.measured
}

/// What is known of streams of this kind, for every dialect.
pub fn stream_clients(kind: &str) -> Vec<&'static StreamForm> {
    FILE.form.iter().filter(|form| form.kind == kind).collect()
}

/// The forms that a finding of this mode and kind is about; without a kind, those of every kind of it. What no other mode is about breaks
/// some clients only.
pub fn stream_forms_of(mode: &str, kind: Option<&str>) -> Vec<&'static StreamForm> {
    if mode == "stream-breaks-client" {
        return FILE.form.iter().filter(|form| form.found.is_empty()).collect();
    }
    let fits = |found: &String| match found.split_once('/') {
        Some((of, own)) => of == mode && kind.is_none_or(|kind| kind == own),
        None => found == mode,
    };
    FILE.form.iter().filter(|form| form.found.iter().any(fits)).collect()
}

/// The forms on which this way of reading breaks.
pub fn stream_forms_breaking(model: &str) -> Vec<&'static StreamForm> {
    FILE.form.iter().filter(|form| form.model.as_deref() == Some(model)).collect()
}

impl StreamTable {
    /// The dialect that its clients read.
    pub fn dialect(&self) -> &'static str {
        self.clients.first().map_or("", |client| &client.reads)
    }
}

/// Forms in tables, one for each dialect; forms that nobody measured stand in none.
pub fn stream_tables(forms: &[&'static StreamForm]) -> Vec<StreamTable> {
    let mut dialects: Vec<&str> = FILE.client.iter().map(|client| client.reads.as_str()).collect();
    dialects.dedup();
    let tables = dialects.into_iter().map(|dialect| {
        let clients: Vec<_> = FILE.client.iter().filter(|client| client.reads == dialect).collect();
        let does = |form: &'static StreamForm| clients.iter().map(|client| Some(outcome(form.clients.get(&client.id)?)?.0)).collect();
        let rows: Vec<(_, Vec<Option<Does>>)> = forms.iter().map(|form| (*form, does(form))).collect();
        let rows = rows.into_iter().filter(|(_, does)| does.iter().any(Option::is_some)).collect();
        StreamTable { clients, rows }
    });
    tables.filter(|table| !table.rows.is_empty()).collect()
}

impl StreamForm {
    /// True when clients of this dialect were measured, or when nothing was measured at all.
    pub fn is_of(&self, dialect: &str) -> bool {
        let reads = |id: &String| FILE.client.iter().any(|client| &client.id == id && client.reads == dialect);
        self.clients.is_empty() || self.clients.keys().any(reads)
    }

    /// What each measured client does, in the order of the table of clients.
    pub fn told(&'static self) -> Vec<Told> {
        let told = |client: &'static StreamClient| {
            let (does, seen) = outcome(self.clients.get(&client.id)?)?;
            Some(Told { client: &client.title, version: &client.version, reads: &client.reads, does, seen })
        };
        FILE.client.iter().filter_map(told).collect()
    }

    /// What clients of this dialect do, those that fare worst first, those without trouble only with `all`, and whose users met it elsewhere.
    /// Empty when nothing is known.
    pub fn in_words(&'static self, dialect: &str, all: bool) -> String {
        let told = self.told_of(dialect);
        let groups = Does::ALL.iter().map(|(_, does)| told.iter().filter(|told| told.does == *does).collect::<Vec<_>>());
        let measured = groups
            .filter(|group| !group.is_empty() && (all || group[0].does != Does::Fine))
            .map(|group| format!("{}: {}", group[0].does.phrase(), named(&group)));
        let projects: Vec<_> = self.reports().iter().map(|thread| thread.project).collect();
        let more = projects.len().saturating_sub(REPORTS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let reported = (!projects.is_empty()).then(|| format!("reported for {}{more}", projects[..projects.len().min(REPORTS)].join(", ")));
        measured.chain(reported).collect::<Vec<_>>().join("; ")
    }

    /// True when it is known to break a client that was measured with this dialect, or is worth a word anyway.
    pub fn is_worth_a_word(&'static self, dialect: &str) -> bool {
        self.note || self.told_of(dialect).iter().any(|told| told.does != Does::Fine)
    }

    /// What the clients of one dialect do.
    pub fn told_of(&'static self, dialect: &str) -> Vec<Told> {
        self.told().into_iter().filter(|told| told.reads == dialect || (told.does != Does::Fine && self.note)).collect()
    }

    /// Threads of users whose client broke on it.
    pub fn reports(&'static self) -> Vec<Thread> {
        self.reports.iter().filter_map(|thread| self::thread(thread)).collect()
    }

    /// Threads about programs that sent it.
    pub fn senders(&'static self) -> Vec<Thread> {
        self.sends.iter().filter_map(|thread| self::thread(thread)).collect()
    }
}

/// Names of clients; what is seen stands behind the last of those that show the same.
fn named(group: &[&Told]) -> String {
    let name = |(index, told): (usize, &&Told)| match group.get(index + 1) {
        _ if told.seen.is_empty() => told.client.to_owned(),
        Some(next) if next.seen == told.seen => told.client.to_owned(),
        _ => format!("{} ({})", told.client, told.seen),
    };
    group.iter().enumerate().map(name).collect::<Vec<_>>().join(", ")
}

/// `does` or `does: what is seen`.
fn outcome(text: &'static str) -> Option<(Does, &'static str)> {
    let (name, seen) = text.split_once(": ").unwrap_or((text, ""));
    Does::ALL.iter().find(|row| row.0 == name).map(|row| (row.1, seen))
}

/// `owner/project#number`.
fn thread(text: &'static str) -> Option<Thread> {
    let (repository, number) = text.split_once('#')?;
    let (_, project) = repository.split_once('/')?;
    let project = if project.len() < SHORT { repository } else { project };
    number
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| Thread { project, source: format!("https://github.com/{repository}/issues/{number}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_is_usable() {
        let clients: BTreeSet<&String> = FILE.client.iter().map(|client| &client.id).collect();
        assert_eq!(clients.len(), FILE.client.len());
        for form in stream_forms() {
            assert!(form.clients.keys().all(|id| clients.contains(id)), "{}: {:?}", form.kind, form.clients);
            assert_eq!(form.told().len(), form.clients.len(), "{}: an outcome that nobody knows", form.kind);
            assert_eq!(form.reports().len() + form.senders().len(), form.reports.len() + form.sends.len(), "{}: a thread", form.kind);
            assert!(!form.told().is_empty() || !form.reports().is_empty(), "{} tells nothing", form.kind);
            assert!(!form.what.is_empty() && !form.what.ends_with('.'), "{}", form.kind);
        }
    }

    #[test]
    fn one_kind_has_one_row_for_each_dialect() {
        for dialect in ["openai-chat", "anthropic-messages"] {
            let measured = stream_forms().iter().filter(|form| !form.clients.is_empty() && form.is_of(dialect));
            let kinds: Vec<&str> = measured.map(|form| form.kind.as_str()).collect();
            assert_eq!(kinds.iter().collect::<BTreeSet<_>>().len(), kinds.len(), "{dialect}: {kinds:?}");
        }
    }

    #[test]
    fn forms_are_found_by_kind_finding_and_reader() {
        let told = |form: &'static StreamForm| form.told().iter().map(|told| told.does).collect::<Vec<_>>();
        let ndjson = stream_forms_of("stream-malformed", Some("ndjson"));
        assert_eq!(told(ndjson[0]), [Does::Silent, Does::Silent, Does::Error, Does::Error]);
        assert!(stream_forms_of("stream-malformed", None).len() > 12 && stream_forms_of("stream-malformed", Some("x")).is_empty());
        assert_eq!(stream_clients("bom").len(), 2);
        assert_eq!(stream_forms_breaking("error-key")[0].kind, "error-null");
        let aichat = stream_clients("wrong-content-type")[0].reports().into_iter().find(|thread| thread.project == "aichat");
        assert_eq!(aichat.map(|thread| thread.source), Some("https://github.com/sigoden/aichat/issues/651".to_owned()));
    }
}
