//! A picture of what came when: a row for the answer that was not streamed, and one for each stream, on one axis of time.

use super::super::{Row, words::duration};
use super::trace::{Ending, Trace};

/// A picture wider than this tells no more.
const WIDEST: usize = 60;
/// A narrower one tells nothing.
const NARROWEST: usize = 16;
/// Columns behind a row that say when and how it ended.
const ENDING: usize = 14;
/// Columns of a slot, at most.
const WIDE: usize = 4;
/// A slot holds this many usual gaps between contents, so that a little unrest leaves none empty.
const ROOM: f64 = 1.2;
/// Columns between two numbers of the axis, at least.
const BETWEEN_TICKS: usize = 9;

/// What a picture is drawn with.
struct Pens {
    /// Nothing came.
    silent: char,
    /// Bytes came, and no content with them.
    bare: char,
    /// Content came, the smallest share first.
    bars: &'static [char],
    /// In front of the word for a cut.
    cut: &'static str,
    /// In front of the word for an answer that did not end.
    open: &'static str,
}

const BLOCKS: Pens = Pens { silent: '·', bare: ':', bars: &['▁', '▂', '▃', '▅', '▇'], cut: "✗ ", open: "… " };
const ASCII: Pens = Pens { silent: '.', bare: ':', bars: &['_', '-', '=', '#'], cut: "x ", open: "... " };

/// Answers side by side on one axis of time.
pub struct Picture<'r> {
    rows: Vec<(&'static str, &'r str, &'r Trace)>,
}

impl<'r> Picture<'r> {
    /// The answers of these exchanges, as far as there are any.
    pub fn new(rows: &[&'r Row]) -> Picture<'r> {
        Picture { rows: rows.iter().filter_map(|row| Some((name(row.ask()), row.id.as_str(), row.trace.as_ref()?))).collect() }
    }

    /// Ids of the exchanges that it shows.
    pub fn ids(&self) -> impl Iterator<Item = &'r str> {
        self.rows.iter().map(|(_, id, _)| *id)
    }

    /// What is beside what, in words.
    pub fn caption(&self) -> String {
        let rows: Vec<_> = self.rows.iter().map(|(name, id, _)| format!("{name} {id}")).collect();
        format!("bytes as they came: {}", rows.join(", "))
    }

    /// The lines of the picture, none longer than `columns` if that is 40 or more.
    pub fn lines(&self, columns: usize, ascii: bool) -> Vec<String> {
        let pens = if ascii { &ASCII } else { &BLOCKS };
        let label = self.rows.iter().map(|(name, ..)| name.len()).max().unwrap_or_default() + 1;
        let axis = self.axis(columns.saturating_sub(label + ENDING).clamp(NARROWEST, WIDEST));
        let mut lines = Vec::new();
        for (name, _, trace) in &self.rows {
            lines.push(format!("{name:label$}{}", axis.row(trace, pens)));
            let marks = axis.marks(trace);
            if trace.is_stream {
                lines.push(format!("{:label$}{}", "", axis.letters(&marks)));
            }
        }
        lines.push(format!("{:label$}{}", "", axis.ticks()));
        lines.extend(self.legend(&axis, columns, pens));
        lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Slots that are wide enough for a piece of content each where streams flow steadily: a flow is to look like one.
    fn axis(&self, columns: usize) -> Axis {
        let longest = |of: fn(&Trace) -> f64| self.rows.iter().map(|(_, _, trace)| of(trace)).fold(0.0, f64::max);
        let end_ms = longest(|trace| trace.end_ms).max(f64::MIN_POSITIVE);
        let gap_ms = longest(|trace| trace.gap_ms) * ROOM;
        let wide = (1..=WIDE).find(|wide| end_ms * *wide as f64 / columns as f64 >= gap_ms).unwrap_or(1);
        let slots = columns / wide;
        Axis { slots, wide, step_ms: end_ms / slots as f64 }
    }

    /// What the letters stand for, stream by stream, with the times that a picture cannot show.
    fn legend(&self, axis: &Axis, columns: usize, pens: &Pens) -> Vec<String> {
        let streams: Vec<_> = self.rows.iter().filter(|(_, _, trace)| trace.is_stream).collect();
        let bare = streams.iter().any(|(_, _, trace)| trace.arrivals.iter().any(|arrived| !arrived.said));
        let mut lines = Vec::new();
        for (number, (name, _, trace)) in streams.iter().enumerate() {
            let mut parts: Vec<String> = axis.marks(trace).iter().map(Mark::words).collect();
            if streams.len() > 1 {
                parts.insert(0, format!("{name}:"));
            }
            if bare && number + 1 == streams.len() {
                parts.push(format!("{} bytes without content", pens.bare));
            }
            lines.extend(folded(&parts, columns));
        }
        lines
    }
}

/// How a question is called beside the others.
fn name(ask: &str) -> &'static str {
    match ask {
        "chat" | "sweep-chat" => "not streamed",
        "chat-stream-identity" => "identity",
        "chat-stream-long" => "longer",
        "sweep-stream" => "long answer",
        _ => "streamed",
    }
}

/// Parts in lines of this width; a part is never broken.
fn folded(parts: &[String], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut().filter(|line| textwrap::core::display_width(line) + 2 + part.len() <= columns) {
            Some(line) => *line += &format!("  {part}"),
            None => lines.push(part.clone()),
        }
    }
    lines
}

/// Time in slots of some columns each.
struct Axis {
    slots: usize,
    wide: usize,
    step_ms: f64,
}

/// Moments of a stream that fall into one slot.
struct Mark {
    slot: usize,
    letter: char,
    moments: Vec<(&'static str, f64)>,
}

impl Mark {
    /// `T first token 41 ms, last token 43 ms`; moments of one time share it.
    fn words(&self) -> String {
        let mut words = self.letter.to_string();
        for (index, (what, at_ms)) in self.moments.iter().enumerate() {
            let at = duration(*at_ms);
            let shared = self.moments.get(index + 1).is_some_and(|next| duration(next.1) == at);
            words += &if shared { format!(" {what},") } else { format!(" {what} {at},") };
        }
        words.trim_end_matches(',').to_owned()
    }
}

impl Axis {
    fn slot(&self, at_ms: f64) -> usize {
        ((at_ms.max(0.0) / self.step_ms) as usize).min(self.slots - 1)
    }

    /// One answer: a bar for each slot in which content came; its square is its share of the most that came in one, or a last
    /// event with token counts would flatten all others.
    fn row(&self, trace: &Trace, pens: &Pens) -> String {
        let mut slots = vec![(0u64, false); self.slot(trace.end_ms) + 1];
        for arrived in &trace.arrivals {
            let at = self.slot(arrived.at_ms).min(slots.len() - 1);
            slots[at] = (slots[at].0 + arrived.bytes, slots[at].1 || arrived.said);
        }
        let most = slots.iter().map(|slot| slot.0).max().unwrap_or_default().max(1);
        let bar = |bytes: u64| ((bytes as f64 / most as f64).sqrt() * pens.bars.len() as f64).ceil() as usize;
        let pen = |slot: &(u64, bool)| match slot {
            (0, _) => pens.silent,
            (_, false) => pens.bare,
            (bytes, true) => pens.bars[bar(*bytes).clamp(1, pens.bars.len()) - 1],
        };
        let drawn: String = slots.iter().flat_map(|slot| std::iter::repeat_n(pen(slot), self.wide)).collect();
        let how = match trace.ending {
            Ending::Closed => String::new(),
            Ending::Cut => format!("{}cut ", pens.cut),
            Ending::Open => format!("{}open ", pens.open),
        };
        format!("{drawn} {how}{}", duration(trace.end_ms))
    }

    fn marks(&self, trace: &Trace) -> Vec<Mark> {
        let moments = [
            ('H', "head", Some(trace.head_ms)),
            ('B', "first byte", trace.first_byte_ms()),
            ('T', "first token", trace.first_ms),
            ('L', "last token", trace.last_ms),
        ];
        let mut marks: Vec<Mark> = Vec::new();
        for (letter, what, at_ms) in moments {
            let Some(at_ms) = at_ms else { continue };
            let slot = self.slot(at_ms);
            match marks.iter_mut().find(|mark| mark.slot == slot) {
                Some(mark) => mark.moments.push((what, at_ms)),
                None => marks.push(Mark { slot, letter, moments: vec![(what, at_ms)] }),
            }
        }
        marks
    }

    fn letters(&self, marks: &[Mark]) -> String {
        let letter = |slot| marks.iter().find(|mark| mark.slot == slot).map_or(' ', |mark| mark.letter);
        (0..self.slots).map(|slot| format!("{:1$}", letter(slot), self.wide)).collect()
    }

    /// `|0        |100 ms   |200 ms`, at round numbers.
    fn ticks(&self) -> String {
        let least = self.step_ms * BETWEEN_TICKS as f64 / self.wide as f64;
        let power = 10f64.powf(least.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= least).unwrap_or(least);
        let mut line = String::new();
        let mut number = 0.0;
        while number * step < self.step_ms * self.slots as f64 {
            let at = self.slot(number * step) * self.wide;
            line = format!("{line:at$}|{}", tick(number * step, step));
            number += 1.0;
        }
        line
    }
}

/// `0`, `200 ms`, `1.5 s`.
fn tick(at_ms: f64, step_ms: f64) -> String {
    match at_ms {
        _ if at_ms == 0.0 => "0".to_owned(),
        _ if step_ms >= 1000.0 => format!("{:.0} s", at_ms / 1000.0),
        _ if step_ms >= 100.0 && at_ms >= 1000.0 => format!("{:.1} s", at_ms / 1000.0),
        _ if step_ms >= 1.0 => format!("{at_ms:.0} ms"),
        _ => format!("{at_ms:.1} ms"),
    }
}
