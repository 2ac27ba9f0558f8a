//! One stream as different clients see it: as the standard says, line by line, chunk by chunk; and whom the difference hits.

use super::super::words::count;
use super::Shown;
use crate::dialect::views::{Loss, LossKind, Seen, Views};
use crate::evidence::Ask;
use crate::facts::{self, Does};

/// The three ways of reading that every stream is shown in.
const MAIN: [(&str, &str); 3] = [("standard", "by the standard"), ("lenient-lines", "line by line"), ("chunk-as-event", "chunk by chunk")];
/// Other ways of reading that are shown, at most.
const OTHERS: usize = 6;
/// Clients that are named for a way of reading, at most.
const CLIENTS: usize = 4;

/// What clients of different kinds make of one stream, a line for each kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seeing {
    /// The three main ways of reading; one line when they see the same.
    pub main: Vec<String>,
    /// Others that lose something which a conforming reader does not.
    pub others: Vec<String>,
}

impl Seeing {
    /// How a stream of the plain questions is seen; nothing for others.
    pub fn of(shown: &Shown) -> Seeing {
        let asked = matches!(shown.ask, Ask::ChatStream | Ask::ChatStreamIdentity | Ask::ChatStreamLong);
        let (Some(response), Some(reading)) = (shown.response(), shown.streamed().filter(|_| asked)) else { return Seeing::default() };
        let views = Views::of(response, reading);
        let main: Vec<&Seen> = MAIN.iter().filter_map(|(id, _)| views.by(id)).collect();
        let Some(standard) = main.first() else { return Seeing::default() };
        let same = main.iter().all(|seen| (seen.events, seen.chars, seen.loses) == (standard.events, standard.chars, standard.loses));
        let others = views.losing().filter(|seen| standard.loses.is_none() && MAIN.iter().all(|(id, _)| *id != seen.model.id)).take(OTHERS);
        Seeing {
            main: if same {
                vec![format!("by the standard, line by line and chunk by chunk alike: {}", account(standard))]
            } else {
                lines(&main)
            },
            others: others.map(|seen| line(seen, reading.dialect)).collect(),
        }
    }

    /// Whether the main ways of reading see different things.
    pub fn differs(&self) -> bool {
        self.main.len() > 1
    }
}

fn lines(main: &[&Seen]) -> Vec<String> {
    main.iter().map(|seen| line(seen, "")).collect()
}

fn line(seen: &Seen, dialect: &str) -> String {
    let who = clients(seen.model.id, dialect);
    let who = if who.is_empty() { who } else { format!(" ({who})") };
    let name = MAIN.iter().find(|(id, _)| *id == seen.model.id).map_or(seen.model.title, |(_, name)| name);
    format!("{name}{who}: {}", account(seen))
}

/// What it understood, and what it lost.
fn account(seen: &Seen) -> String {
    let read = format!("{}, {}", count(seen.events, "event"), count(seen.chars, "character"));
    seen.loses.map_or(read.clone(), |loss| format!("{read}; {}", lost(loss)))
}

fn lost(loss: Loss) -> String {
    let how = match loss.kind {
        LossKind::Silent => "nothing shown, no error",
        LossKind::Part => "part lost, no error",
        LossKind::Error => "error",
        LossKind::Hang => "hangs",
        LossKind::Extra => "more shown than was said",
    };
    format!("{how} ({}, byte {})", loss.why, loss.offset)
}

/// Real clients that read in this way: those that were measured to break on its forms, then those that reports name.
fn clients(model: &str, dialect: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for form in facts::stream_forms_breaking(model) {
        let measured = form.told().into_iter().filter(|told| told.does != Does::Fine && told.reads == dialect).map(|told| told.client);
        let reported = form.reports().into_iter().map(|thread| thread.project);
        for name in measured.chain(reported) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names.truncate(CLIENTS);
    names.join(", ")
}
