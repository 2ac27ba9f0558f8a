//! How well `triage` names the failure modes of real, public failures, and how fast: `cargo bench --bench triage`.
//!
//! `CORPUS=FILE` judges other cases in the same form, without the times; `VERBOSE=1` shows every case that is not named first.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::process::Command;
use std::time::{Duration, Instant};

use llmdoctor::catalogue::Certainty;
use llmdoctor::{facts, triage::Triage};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde_json::Value;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/corpus/failures.jsonl");
/// Folds of the cross-validation; all cases of a thread fall into the same.
const FOLDS: u64 = 5;

/// A real failure: where it was told, what was sent and answered, and what turned out to be the mode.
struct Failure {
    id: String,
    thread: String,
    mode: String,
    status: Option<u64>,
    /// As a request and its answer.
    whole: String,
    /// The answer's body alone, or what stands in its place.
    body: String,
    /// What somebody said about it, and then the whole; empty when nobody said anything.
    told: String,
}

impl Failure {
    fn is_bare_success(&self) -> bool {
        self.body.is_empty() && self.status.is_some_and(|status| status < 300)
    }
}

/// How often the right mode was named.
#[derive(Default)]
struct Score {
    cases: usize,
    first: usize,
    three: usize,
    silent: usize,
    /// Cases of which a mode is called likely, and those of which the first of these is right.
    likely: (usize, usize),
}

fn main() {
    // `cargo test --benches` compiles and calls this as well; figures are for `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let path = std::env::var("CORPUS").unwrap_or_else(|_| CORPUS.to_owned());
    let failures = read(&path);
    println!(
        "{:<72} {:>6} {:>8} {:>8} {:>9} {:>12} {:>8} {:>12}",
        "", "cases", "first %", "three %", "silent %", "of named %", "likely", "of likely %"
    );
    table(&failures).print("a table from status codes to modes, cross-validated");
    for (name, paste) in FORMS {
        score(&failures, paste).print(&format!("{name}, everything known"));
    }
    // A head of a success without a body shows no failure, and silence about it is right.
    let shown: Vec<Failure> = read(&path).into_iter().filter(|failure| !failure.is_bare_success()).collect();
    cross_validated("request and answer, where they show a failure", &shown, |failure| &failure.whole);
    let unseen: Vec<Score> = FORMS.iter().map(|(name, paste)| cross_validated(name, &failures, *paste)).collect();
    if std::env::var_os("CORPUS").is_some() {
        return;
    }
    let held = unseen[0].share(unseen[0].first) >= 85.0 && unseen[0].share(unseen[0].three) >= 95.0;
    let fast = speed(&failures) & command();
    if !(held && fast) {
        eprintln!("a promise does not hold");
        std::process::exit(1);
    }
}

/// A way to paste a failure.
type Paste = fn(&Failure) -> &str;

const FORMS: [(&str, Paste); 3] = [
    ("request and answer", |failure| &failure.whole),
    ("body alone", |failure| &failure.body),
    ("a sentence and the exchange", |failure| &failure.told),
];

fn score(failures: &[Failure], paste: Paste) -> Score {
    let mut score = Score::default();
    failures.iter().filter(|failure| !paste(failure).is_empty()).for_each(|failure| score.judge(failure, paste));
    score
}

/// Every fold is judged without the facts that were learnt from its own threads.
fn cross_validated(name: &str, failures: &[Failure], paste: Paste) -> Score {
    let mut all = Score::default();
    for fold in 0..FOLDS {
        let held_out: Vec<&Failure> = failures.iter().filter(|failure| fold_of(failure) == fold && !paste(failure).is_empty()).collect();
        let threads: HashSet<String> = held_out.iter().map(|failure| failure.thread.clone()).collect();
        facts::withholding(threads, || held_out.iter().for_each(|failure| all.judge(failure, paste)));
    }
    all.print(&format!("{name}, {FOLDS} folds over threads, their facts withheld"));
    all
}

/// What a table from status codes to the most frequent mode gets, for comparison.
fn table(failures: &[Failure]) -> Score {
    let mut score = Score::default();
    for fold in 0..FOLDS {
        let mut counts: BTreeMap<(Option<u64>, &str), usize> = BTreeMap::new();
        let learnt = failures.iter().filter(|failure| fold_of(failure) != fold);
        learnt.for_each(|failure| *counts.entry((failure.status, failure.mode.as_str())).or_default() += 1);
        for failure in failures.iter().filter(|failure| fold_of(failure) == fold) {
            let mut modes: Vec<_> =
                counts.iter().filter(|((status, _), _)| *status == failure.status).map(|((_, mode), times)| (*times, *mode)).collect();
            modes.sort_unstable_by(|a, b| b.cmp(a));
            score.count(failure, &modes.into_iter().map(|(_, mode)| mode).collect::<Vec<_>>());
        }
    }
    score
}

fn fold_of(failure: &Failure) -> u64 {
    let mut hasher = DefaultHasher::new();
    failure.thread.hash(&mut hasher);
    hasher.finish() % FOLDS
}

impl Score {
    fn judge(&mut self, failure: &Failure, paste: Paste) {
        let triage = Triage::of(paste(failure).as_bytes()).expect("a text");
        let found = triage.named();
        let named: Vec<&str> = found.iter().map(|named| named.mode.id).collect();
        self.count(failure, &named);
        if let Some(likely) = found.iter().find(|named| named.certainty == Certainty::Likely) {
            self.likely.0 += 1;
            self.likely.1 += usize::from(likely.mode.id == failure.mode);
        }
        if std::env::var_os("VERBOSE").is_some() && named.first() != Some(&failure.mode.as_str()) {
            let shown: String = paste(failure).chars().take(600).collect();
            println!("{} wants {}, gets {named:?}\n    {}", failure.id, failure.mode, shown.replace('\n', "\\n"));
        }
    }

    fn count(&mut self, failure: &Failure, named: &[&str]) {
        let place = named.iter().position(|mode| *mode == failure.mode);
        self.cases += 1;
        self.first += usize::from(place == Some(0));
        self.three += usize::from(place.is_some_and(|place| place < 3));
        self.silent += usize::from(named.is_empty());
    }

    fn share(&self, count: usize) -> f64 {
        100.0 * count as f64 / self.cases.max(1) as f64
    }

    /// Of the cases for which anything was named, how many got the right mode first; and the same of what was called likely.
    fn print(&self, name: &str) {
        if self.cases == 0 {
            return;
        }
        let [first, three, silent] = [self.first, self.three, self.silent].map(|count| self.share(count));
        let right = 100.0 * self.first as f64 / (self.cases - self.silent).max(1) as f64;
        let sure = 100.0 * self.likely.1 as f64 / self.likely.0.max(1) as f64;
        println!("{name:<72} {:>6} {first:>8.1} {three:>8.1} {silent:>9.1} {right:>12.1} {:>8} {sure:>12.1}", self.cases, self.likely.0);
    }
}

/// Milliseconds a paste and megabytes of log a second; whether both are as promised.
fn speed(failures: &[Failure]) -> bool {
    let mut took: Vec<Duration> = failures.iter().map(|failure| timed(failure.whole.as_bytes())).collect();
    took.sort_unstable();
    let ms = |place: usize| took[place].as_secs_f64() * 1000.0;
    println!("\na paste, ms: median {:.2}, slowest {:.2} (promised: at most 10)", ms(took.len() / 2), ms(took.len() - 1));
    let mut fast = ms(took.len() - 1) <= 10.0;
    for (name, line) in LOGS {
        let log: Vec<u8> = (0..).flat_map(|number: u32| line(number).into_bytes()).take(60_000_000).collect();
        let rate = log.len() as f64 / 1e6 / timed(&log).as_secs_f64();
        println!("a log of 60 MB, {name}: {rate:.0} MB/s (promised: at least 100)");
        fast &= rate >= 100.0;
    }
    fast
}

/// Runs of the command of which the median is taken.
const RUNS: usize = 21;
/// What people paste.
const PASTES: [&str; 4] = ["sentence.txt", "refusal.json", "curl.txt", "report.txt"];

/// Milliseconds of processor time that the whole command takes, its start included; whether they are as promised.
fn command() -> bool {
    let mut fast = true;
    for name in PASTES {
        let paste = format!("{}/benches/pastes/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut took: Vec<f64> = (0..RUNS).map(|_| processor_ms(&["triage", &paste])).collect();
        took.sort_unstable_by(f64::total_cmp);
        println!("`llmdoctor triage {name}`, ms of processor: median {:.1} (promised: at most 10)", took[RUNS / 2]);
        fast &= took[RUNS / 2] <= 10.0;
    }
    fast
}

fn processor_ms(arguments: &[&str]) -> f64 {
    let used = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("what ended children used");
        (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1000.0
    };
    let before = used();
    let output = Command::new(env!("CARGO_BIN_EXE_llmdoctor")).args(arguments).output().expect("the command runs");
    assert!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    used() - before
}

/// What a log may look like, line by line.
type Line = fn(u32) -> String;

const LOGS: [(&str, Line); 5] = [
    ("nothing wrong", healthy),
    ("one line of a hundred an error", |number| if number.is_multiple_of(100) { failing(number) } else { healthy(number) }),
    ("nothing but errors", failing),
    ("errors in short lines", |number| format!("E {}\n", number % 10)),
    ("errors between blank lines", |number| if number.is_multiple_of(3) { failing(number) } else { "\n".to_owned() }),
];

fn healthy(number: u32) -> String {
    format!(
        "2026-01-01 10:00:00.{:03} INFO  gateway: POST /v1/chat/completions 200 in {} ms, model gpt-4o\n",
        number % 1000,
        300 + number % 700
    )
}

fn failing(number: u32) -> String {
    format!(
        "2026-01-01 10:00:00.{:03} ERROR gateway: 429 {{\"error\":{{\"message\":\"Rate limit reached, try again in {}s\"}}}} request {number}\n",
        number % 1000,
        number % 60
    )
}

fn timed(paste: &[u8]) -> Duration {
    let begun = Instant::now();
    std::hint::black_box(Triage::of(paste).expect("a text").named());
    begun.elapsed()
}

fn read(path: &str) -> Vec<Failure> {
    let text = std::fs::read_to_string(path).expect("a corpus");
    let failures: Vec<Failure> = text.lines().filter_map(|line| failure(&serde_json::from_str(line).expect("a case"))).collect();
    let mut seen = HashMap::new();
    failures.iter().for_each(|failure| assert!(seen.insert(&failure.id, ()).is_none(), "{} stands twice", failure.id));
    failures
}

/// Cases of high and medium confidence with a body or a status.
fn failure(case: &Value) -> Option<Failure> {
    let text = |name: &str| case[name].as_str().unwrap_or_default().to_owned();
    let (status, body) = (case["status"].as_u64(), text("body"));
    if text("confidence") == "low" || (status.is_none() && body.is_empty()) {
        return None;
    }
    let thread = text("source").split('#').next().unwrap_or_default().to_owned();
    let whole = whole(case, status, &body);
    let told = case["symptom"].as_str().map(|symptom| format!("{symptom}\n\n{whole}")).unwrap_or_default();
    Some(Failure { id: text("id"), thread, mode: text("mode"), status, whole, body, told })
}

/// The request as far as it is known, and the answer.
fn whole(case: &Value, status: Option<u64>, body: &str) -> String {
    let Some(status) = status else { return body.to_owned() };
    let mut text = String::new();
    if let (Some(method), Some(path)) = (case["request"]["method"].as_str(), case["request"]["path"].as_str()) {
        text += &format!("{method} {path} HTTP/1.1\ncontent-type: application/json\n\n");
        let members = ["model", "stream"].into_iter().filter(|name| !case["request"][name].is_null());
        let asked: serde_json::Map<String, Value> = members.map(|name| (name.to_owned(), case["request"][name].clone())).collect();
        text += &format!("{}\n\n", Value::Object(asked));
    }
    text += &format!("HTTP/1.1 {status}\n");
    for (name, value) in case["headers"].as_object().into_iter().flatten() {
        text += &value.as_str().map(|value| format!("{name}: {value}\n")).unwrap_or_default();
    }
    text + "\n" + body
}
