//! The ladder while it is climbed: a line a rung on stderr, and nothing at all when stderr is no terminal.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::evidence::{Ask, Exchange};
use crate::probes::{Event, Probe};

use super::output::speaks_utf8;

/// The lines of the climb.
pub struct Progress {
    lines: Option<MultiProgress>,
    active: RefCell<HashMap<&'static str, Line>>,
    marks: &'static Marks,
}

/// What stands before a line.
struct Marks {
    asked: char,
    left_out: char,
    spinner: &'static str,
}

const UNICODE: Marks = Marks { asked: '•', left_out: '–', spinner: "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " };
const ASCII: Marks = Marks { asked: '*', left_out: '-', spinner: "|/-\\ " };

/// A rung that is being climbed, and what its questions came to so far.
struct Line {
    bar: ProgressBar,
    came: Vec<(String, usize)>,
}

impl Line {
    fn note(&mut self, came: String) {
        match self.came.iter_mut().find(|(known, _)| *known == came) {
            Some((_, times)) => *times += 1,
            None => self.came.push((came, 1)),
        }
    }

    fn told(&self) -> String {
        let times = |times: usize| if times > 1 { format!(" ({times} times)") } else { String::new() };
        self.came.iter().map(|(came, count)| format!("{came}{}", times(*count))).collect::<Vec<_>>().join(", ")
    }
}

impl Progress {
    /// Shows lines when that is wanted and stderr is a terminal.
    pub fn new(wanted: bool) -> Self {
        use std::io::IsTerminal as _;
        let visible = wanted && std::io::stderr().is_terminal();
        let lines = visible.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        Progress { lines, active: RefCell::default(), marks: if speaks_utf8() { &UNICODE } else { &ASCII } }
    }

    /// Shows one event.
    pub fn show(&self, event: &Event) {
        let Some(lines) = &self.lines else { return };
        match event {
            Event::RungStarted(probe) => self.start(lines, probe),
            Event::Answered(exchange) => self.note(exchange),
            Event::Waiting(wait) => self.wait(*wait),
            Event::RungEnded(probe, asked) => self.end(lines, probe, *asked),
            Event::RungSkipped(probe, because) => self.line(lines, self.marks.left_out, probe, "", because),
            Event::Asking(_) => {}
        }
    }

    fn start(&self, lines: &MultiProgress, probe: &'static Probe) {
        let bar = lines.add(ProgressBar::new_spinner());
        let style = ProgressStyle::with_template("  {spinner} {prefix:<24} {elapsed:>8}  {wide_msg}").expect("a constant template");
        bar.set_style(style.tick_chars(self.marks.spinner));
        bar.set_prefix(probe.title);
        bar.enable_steady_tick(Duration::from_millis(120));
        self.active.borrow_mut().insert(probe.id, Line { bar, came: Vec::new() });
    }

    fn note(&self, exchange: &Exchange) {
        if let Some(line) = self.active.borrow_mut().get_mut(exchange.probe.as_str()) {
            line.note(told(exchange));
            line.bar.set_message(line.told());
        }
    }

    fn wait(&self, wait: Duration) {
        for line in self.active.borrow().values() {
            line.bar.set_message(format!("waiting {:.1} s, as a limit demands", wait.as_secs_f64()));
        }
    }

    fn end(&self, lines: &MultiProgress, probe: &'static Probe, asked: bool) {
        if let Some(line) = self.active.borrow_mut().remove(probe.id) {
            let took = line.bar.elapsed();
            line.bar.finish_and_clear();
            lines.remove(&line.bar);
            if asked || probe.stage == 0 {
                self.line(lines, self.marks.asked, probe, &duration(took), &line.told());
            } else {
                self.line(lines, self.marks.left_out, probe, "", "nothing to ask after what came before");
            }
        }
    }

    /// A line that stays, cut to the terminal's width.
    fn line(&self, lines: &MultiProgress, mark: char, probe: &Probe, took: &str, text: &str) {
        let width = terminal_size::terminal_size_of(std::io::stderr()).map_or(100, |(width, _)| usize::from(width.0));
        let line: String = format!("  {mark} {:<24} {took:>8}  {text}", probe.title).chars().take(width.max(2) - 1).collect();
        let _ = lines.println(line);
    }

    /// Ends whatever still runs.
    pub fn close(&self) {
        for (_, line) in self.active.borrow_mut().drain() {
            line.bar.finish_and_clear();
        }
    }
}

/// What was asked and how it ended; nothing that a server sent but its status.
fn told(exchange: &Exchange) -> String {
    let came = match (exchange.status(), exchange.fault_kind()) {
        (Some(status), None) => format!("HTTP {status}"),
        (Some(status), Some(_)) => format!("HTTP {status}, then cut"),
        (None, Some(_)) => "no answer".to_owned(),
        (None, None) => "connected".to_owned(),
    };
    // A rung's own question needs no name: it is the rung's.
    match exchange.ask {
        Ask::Connect | Ask::Models | Ask::Chat | Ask::ChatStream | Ask::Fields => came,
        other => format!("{} {came}", name(other)),
    }
}

/// The serde name of a question, in words.
fn name(ask: Ask) -> String {
    serde_json::to_value(ask).ok().and_then(|value| Some(value.as_str()?.replace('-', " "))).unwrap_or_default()
}

fn duration(took: Duration) -> String {
    match took.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}
