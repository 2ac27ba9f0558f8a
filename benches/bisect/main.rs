//! How surely and in how few requests the search finds what of a body is refused: `cargo bench --bench bisect`.
//!
//! 1,000 random chat bodies, a simulated server for each that refuses one to three causes (a place in the body, or two to four places
//! together, of any kinds or of one), and one answer in ten that fails for another reason. Beside it, over the same bodies and against the
//! same simulated server (no HTTP in either): stripping one place after the other. `SEED=N` draws other bodies; `VERBOSE=1` shows what was
//! missed.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table")]

mod bodies;
mod server;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use llmdoctor::minimize::{Parts, Trial, minimize};
use llmdoctor::outline::Outline;

use bodies::Dice;
use server::{Answer, Server};

/// How many bodies are drawn.
const BODIES: usize = 1000;
/// Of so many causes of several places in a hundred, all places are of one kind: rows of a list, the same member of several objects.
const OF_ONE_KIND: usize = 35;
/// How many nodes a body has.
const NODES: std::ops::RangeInclusive<usize> = 10..=400;
/// Members that no chat can lack.
const FIXED: [&str; 2] = ["model", "messages"];

/// What the search made of one body.
struct Run {
    causes: usize,
    /// Places of the largest cause.
    places: usize,
    nodes: usize,
    named: bool,
    exact: bool,
    requests: usize,
    /// Requests that no server would take, whatever it supports.
    invalid: usize,
    /// What was wanted beside what was found, when they differ.
    missed: Option<String>,
}

fn main() {
    // `cargo test --benches` compiles and calls this as well; figures are for `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut dice = Dice::new(seed);
    let drawn: Vec<(Outline, Vec<Parts>, bool)> = (0..BODIES).map(|number| draw(&mut dice, number % 2 == 0)).collect();
    let searched: Vec<Run> = drawn.iter().map(|(outline, causes, named)| search(outline, causes, *named, &mut dice)).collect();
    let stripped: Vec<Run> = drawn.iter().map(|(outline, causes, named)| strip(outline, causes, *named, &mut dice)).collect();
    table(&searched, &stripped);
    if std::env::var_os("VERBOSE").is_some() {
        searched.iter().filter_map(|run| run.missed.as_ref()).for_each(|missed| println!("{missed}"));
    }
    if !promises_hold(&searched) {
        eprintln!("a promise does not hold");
        std::process::exit(1);
    }
}

/// A body and what of it is refused: causes that have nothing to do with each other.
fn draw(dice: &mut Dice, named: bool) -> (Outline, Vec<Parts>, bool) {
    loop {
        let wanted = dice.between(*NODES.start(), *NODES.end() * 2);
        let outline = Outline::of(bodies::body(dice, wanted), &FIXED);
        if !NODES.contains(&outline.len()) {
            continue;
        }
        let count = dice.between(1, 3);
        let causes: Vec<Parts> = (0..count)
            .map(|_| {
                // Half of the causes are single places, a quarter pairs, the others triples and a few of four.
                let parts = [1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4][dice.below(12)];
                places(dice, &outline, parts)
            })
            .collect();
        if are_apart(&outline, &causes) {
            return (outline, causes, named);
        }
    }
}

/// So many places, at times all of one kind.
fn places(dice: &mut Dice, outline: &Outline, count: usize) -> Parts {
    let first = dice.below(outline.len());
    let kinds = &outline.links().kind;
    let alike: Vec<usize> = (0..outline.len()).filter(|part| kinds[*part] == kinds[first]).collect();
    let of_one = count > 1 && alike.len() >= count && dice.chance(OF_ONE_KIND);
    let other = |_| if of_one { alike[dice.below(alike.len())] } else { dice.below(outline.len()) };
    std::iter::once(first).chain((1..count).map(other)).collect()
}

/// No place of a cause comes along with another place of any cause: else one cause would hide the other.
fn are_apart(outline: &Outline, causes: &[Parts]) -> bool {
    let all: Vec<usize> = causes.iter().flatten().copied().collect();
    let distinct: BTreeSet<usize> = all.iter().copied().collect();
    let brings = |part: usize| outline.links().close(&Parts::from([part]));
    // What cannot be told apart is one place: a list and its only element.
    let same = |part: usize| outline.links().needs[part].iter().any(|outer| outline.links().any_of[*outer] == [part]);
    let lonely = |part: usize| outline.links().any_of[part].len() == 1;
    distinct.len() == all.len()
        && !all.iter().any(|part| same(*part) || lonely(*part))
        && all.iter().all(|part| all.iter().all(|other| part == other || !brings(*part).contains(other)))
        && causes.iter().enumerate().all(|(at, cause)| {
            let closed = outline.links().close(cause);
            causes.iter().enumerate().all(|(index, other)| index == at || !other.is_subset(&closed))
        })
}

fn search(outline: &Outline, causes: &[Parts], named: bool, dice: &mut Dice) -> Run {
    let server = RefCell::new(Server::new(outline, causes, named, dice.fork()));
    let first = loop {
        match server.borrow_mut().answer(outline.whole()) {
            Answer::Refused(words) => break outline.named(&words, &outline.all()),
            Answer::Limit | Answer::Break => {}
            Answer::Fine | Answer::Invalid => panic!("the whole body is to be refused for its causes: {}", outline.whole()),
        }
    };
    let test = |parts: Parts| {
        let trial = match server.borrow_mut().answer(&outline.with(&parts)) {
            Answer::Fine => Trial::Passes,
            Answer::Refused(words) => Trial::Fails(outline.named(&words, &parts)),
            Answer::Limit | Answer::Break => Trial::Unrelated,
            Answer::Invalid => Trial::Unclear,
        };
        async move { trial }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let minimal = runtime.block_on(minimize(outline.links(), first, test));
    run(outline, causes, named, minimal.culprits.into_iter().collect(), &server.borrow())
}

/// What people do: leave out one place after the other, put it back when the request is answered without it, and begin again with what is
/// left until everything left is answered.
fn strip(outline: &Outline, causes: &[Parts], named: bool, dice: &mut Dice) -> Run {
    let mut server = Server::new(outline, causes, named, dice.fork());
    let mut found = BTreeSet::new();
    let mut rest = outline.all();
    while fails(&mut server, outline, &rest) && found.len() < 4 {
        let mut kept = rest.clone();
        for part in rest.iter().copied().rev() {
            let less = outline.links().without(&kept, part);
            if kept.contains(&part) && fails(&mut server, outline, &less) {
                kept = less;
            }
        }
        // Of what was kept, only what nothing else brought along is a finding.
        let brought =
            |part: usize| kept.iter().any(|other| *other != part && outline.links().close(&Parts::from([*other])).contains(&part));
        let culprit: Parts = kept.iter().copied().filter(|part| !brought(*part)).collect();
        let Some(last) = culprit.last() else { break };
        rest = outline.links().without(&rest, *last);
        found.insert(culprit);
    }
    run(outline, causes, named, found, &server)
}

fn fails(server: &mut Server, outline: &Outline, parts: &Parts) -> bool {
    loop {
        match server.answer(&outline.with(parts)) {
            Answer::Limit | Answer::Break => {}
            answer => return answer != Answer::Fine,
        }
    }
}

fn run(outline: &Outline, causes: &[Parts], named: bool, found: BTreeSet<Parts>, server: &Server) -> Run {
    let wanted: BTreeSet<Parts> = causes.iter().cloned().collect();
    let exact = wanted == found;
    let pointers = |sets: &BTreeSet<Parts>| -> Vec<Vec<&str>> {
        sets.iter().map(|set| set.iter().map(|part| outline.pointer(*part)).collect()).collect()
    };
    let missed = (!exact).then(|| format!("wanted {:?}, found {:?}", pointers(&wanted), pointers(&found)));
    let largest = causes.iter().map(Parts::len).max().unwrap_or_default();
    Run {
        causes: causes.len(),
        places: largest,
        nodes: outline.len(),
        named,
        exact,
        requests: server.requests,
        invalid: server.invalid,
        missed,
    }
}

fn median(mut numbers: Vec<usize>) -> f64 {
    numbers.sort_unstable();
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => 0.0,
        length if length % 2 == 1 => numbers[middle] as f64,
        _ => numbers[middle - 1].midpoint(numbers[middle]) as f64,
    }
}

/// How many requests are promised: 2·k·log₂(n) + 6.
fn bound(run: &Run) -> f64 {
    2.0 * run.causes as f64 * (run.nodes as f64).log2() + 6.0
}

type Rows<'r> = BTreeMap<(bool, usize), Vec<&'r Run>>;

fn rows(runs: &[Run]) -> Rows<'_> {
    let mut rows = Rows::new();
    runs.iter().for_each(|run| rows.entry((run.named, run.causes)).or_default().push(run));
    rows
}

fn share_exact(runs: &[&Run]) -> f64 {
    100.0 * runs.iter().filter(|run| run.exact).count() as f64 / runs.len().max(1) as f64
}

fn requests(runs: &[&Run]) -> f64 {
    median(runs.iter().map(|run| run.requests).collect())
}

fn within(runs: &[&Run]) -> f64 {
    100.0 * runs.iter().filter(|run| run.requests as f64 <= bound(run)).count() as f64 / runs.len().max(1) as f64
}

fn table(searched: &[Run], stripped: &[Run]) {
    println!("{:<44} {:>6} {:>6} | {:^40} | {:^18}", "", "", "", "delta debugging", "one by one");
    println!(
        "{:<44} {:>6} {:>6} | {:>8} {:>9} {:>10} {:>10} | {:>8} {:>9}",
        "", "bodies", "nodes", "exact %", "requests", "2klog2n+6", "within %", "exact %", "requests"
    );
    let (rows, others) = (rows(searched), rows(stripped));
    for ((named, causes), row) in &rows {
        let name = format!("{causes} cause(s), {}", if *named { "the error names one" } else { "the error names none" });
        print_row(&name, row, &others[&(*named, *causes)]);
    }
    print_row("all", &searched.iter().collect::<Vec<_>>(), &stripped.iter().collect::<Vec<_>>());
    for places in 1..=4 {
        let of = |runs: &'_ [Run]| runs.iter().filter(|run| run.places == places).map(|run| run.exact).collect::<Vec<bool>>();
        let share = |exact: &[bool]| 100.0 * exact.iter().filter(|exact| **exact).count() as f64 / exact.len().max(1) as f64;
        let (here, there) = (of(searched), of(stripped));
        println!(
            "{:<44} {:>6} {:>6} | {:>8.1} {:>9} {:>10} {:>10} | {:>8.1} {:>9}",
            format!("largest cause of {places} place(s)"),
            here.len(),
            "",
            share(&here),
            "",
            "",
            "",
            share(&there),
            ""
        );
    }
    println!("requests that are no valid chat: {}", searched.iter().map(|run| run.invalid).sum::<usize>());
}

fn print_row(name: &str, searched: &[&Run], stripped: &[&Run]) {
    let promised = median(searched.iter().map(|run| bound(run) as usize).collect());
    println!(
        "{:<44} {:>6} {:>6.0} | {:>8.1} {:>9.1} {:>10.1} {:>10.1} | {:>8.1} {:>9.1}",
        name,
        searched.len(),
        median(searched.iter().map(|run| run.nodes).collect()),
        share_exact(searched),
        requests(searched),
        promised,
        within(searched),
        share_exact(stripped),
        requests(stripped)
    );
}

/// The exact set in 99 %; half of the bodies within their bound in every row; four requests when the error names the one field.
fn promises_hold(runs: &[Run]) -> bool {
    let all: Vec<&Run> = runs.iter().collect();
    let rows = rows(runs);
    let bounded = rows.values().all(|row| within(row) >= 50.0);
    let named = rows.get(&(true, 1)).is_some_and(|row| requests(row) <= 4.0);
    share_exact(&all) >= 99.0 && bounded && named && all.iter().all(|run| run.invalid == 0)
}
