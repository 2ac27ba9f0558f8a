//! What a text must hold for a regular expression to match: cheap to look for, and mostly missing.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display, Formatter, Result};

use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind, Look};

/// What a text must hold, in lower case.
#[derive(PartialEq, Eq)]
pub enum Needs {
    Word(String),
    /// All of them, one behind the other.
    All(Vec<Needs>),
    OneOf(Vec<Needs>),
}

/// Shorter words are in every text.
const SHORTEST: usize = 2;

/// What a text must hold for this pattern to match, and whether a match is always within one line.
pub fn of(pattern: &str) -> std::result::Result<(Needs, bool), Box<regex_syntax::Error>> {
    let hir = regex_syntax::parse(pattern)?;
    Ok((needs(&hir), is_in_a_line(&hir)))
}

fn is_in_a_line(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(literal) => !literal.0.contains(&b'\n'),
        HirKind::Class(Class::Unicode(class)) => class.ranges().iter().all(|range| !(range.start()..=range.end()).contains(&'\n')),
        HirKind::Class(Class::Bytes(_)) => false,
        // The text's own start and end are not those of its lines.
        HirKind::Look(look) => !matches!(look, Look::Start | Look::End),
        HirKind::Repetition(repetition) => is_in_a_line(&repetition.sub),
        HirKind::Capture(capture) => is_in_a_line(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(is_in_a_line),
    }
}

fn needs(hir: &Hir) -> Needs {
    match hir.kind() {
        HirKind::Capture(capture) => needs(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => needs(&repetition.sub),
        HirKind::Alternation(branches) => one_of(branches.iter().map(needs).collect()),
        HirKind::Concat(parts) => all(in_sequence(parts)),
        _ => all(word(hir).into_iter().map(Needs::Word).collect()),
    }
}

fn in_sequence(parts: &[Hir]) -> Vec<Needs> {
    let (mut found, mut run) = (Vec::new(), String::new());
    for part in parts.iter().filter(|part| !matches!(part.kind(), HirKind::Look(_))) {
        if let Some(word) = word(part) {
            run += &word;
        } else {
            found.push(Needs::Word(std::mem::take(&mut run)));
            found.push(needs(part));
        }
    }
    found.push(Needs::Word(run));
    found
}

/// All of these that are worth looking for.
fn all(needs: Vec<Needs>) -> Needs {
    let is_telling = |need: &Needs| match need {
        // The text that is searched is without the breaks of lines.
        Needs::Word(word) => word.len() >= SHORTEST && !word.contains(char::is_control),
        Needs::All(needs) => !needs.is_empty(),
        Needs::OneOf(_) => true,
    };
    let mut needs: Vec<Needs> = needs.into_iter().filter(is_telling).collect();
    if needs.len() == 1 { needs.remove(0) } else { Needs::All(needs) }
}

/// One of these; nothing when one of them is nothing.
fn one_of(needs: Vec<Needs>) -> Needs {
    if needs.contains(&Needs::default()) { Needs::default() } else { Needs::OneOf(needs) }
}

/// What the part is, in lower case, when it is always the same.
fn word(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(str::to_lowercase),
        HirKind::Class(Class::Unicode(class)) if class.ranges().iter().all(|range| range.start() == range.end()) => {
            // Other scripts' variants of a letter (the sign of Kelvin) are none to `regex-lite`.
            let letters = class.ranges().iter().map(ClassUnicodeRange::start).filter(char::is_ascii);
            let mut variants = letters.map(|letter| letter.to_ascii_lowercase()).collect::<BTreeSet<char>>().into_iter();
            variants.next().filter(|_| variants.next().is_none()).map(String::from)
        }
        _ => None,
    }
}

impl Default for Needs {
    fn default() -> Self {
        Needs::All(Vec::new())
    }
}

/// As `src/facts/signatures.rs` reads it: one text, since a tree of them has thousands of addresses to relocate at every start.
impl Debug for Needs {
    fn fmt(&self, f: &mut Formatter) -> Result {
        let text = if *self == Needs::default() { String::new() } else { self.to_string() };
        write!(f, "Needs({text:?})")
    }
}

impl Display for Needs {
    fn fmt(&self, f: &mut Formatter) -> Result {
        let (opening, needs) = match self {
            Needs::Word(word) => return write!(f, "{word}\u{1f}"),
            Needs::All(needs) => ('\u{1}', needs),
            Needs::OneOf(needs) => ('\u{2}', needs),
        };
        write!(f, "{opening}")?;
        needs.iter().try_for_each(|needs| write!(f, "{needs}"))?;
        write!(f, "\u{3}")
    }
}
