//! Generated streams: legal ones in any dress, and broken ones of every kind. The same number gives the same stream.
#![allow(dead_code, reason = "each user takes its own part of this")]

pub mod broken;
pub mod dress;
pub mod judge;
pub mod speech;

use llmdoctor::evidence::{Arrival, Body, FaultKind};
use serde_json::Value;

use dress::Dress;
use speech::Spoken;

/// Numbers that look like chance and are not (SplitMix64).
pub struct Dice(u64);

impl Dice {
    /// Dice that always fall alike for this number.
    pub fn new(number: u64) -> Self {
        Dice(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    /// One of these.
    pub fn one<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    /// The list in another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }
}

/// A stream with everything that decides how it is read.
#[derive(Clone)]
pub struct Draft {
    /// What is said.
    pub spoken: Spoken,
    /// How it is framed.
    pub dress: Dress,
    /// The Content-Type.
    pub media_type: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// How the connection ends, if not in order.
    pub cut: Option<FaultKind>,
    /// Whether it stays open after its end.
    pub left_open: bool,
    /// The bytes, when they are not made from what is said.
    pub bytes: Option<Vec<u8>>,
    /// Changes the bytes at the end.
    pub spoil: Option<fn(&mut Vec<u8>)>,
    /// Whether all arrives with the last moment, or in blocks of so many bytes.
    pub held_back: Option<usize>,
}

/// A stream as it arrived.
pub struct Made {
    /// The draft that it was made from.
    pub draft: Draft,
    /// Its body.
    pub body: Body,
    /// When it was over, in milliseconds after the request began.
    pub total_ms: f64,
    /// What the same answer took in one piece.
    pub whole_ms: f64,
}

impl Draft {
    /// A legal stream.
    pub fn legal(dice: &mut Dice) -> Self {
        let spoken = Spoken::any(dice);
        let dress = Dress::any(dice, &spoken);
        let media_type = dice.one(&["text/event-stream", "text/event-stream; charset=utf-8", "Text/Event-Stream"]);
        Draft {
            spoken,
            dress,
            media_type: media_type.to_owned(),
            headers: Vec::new(),
            cut: None,
            left_open: false,
            bytes: None,
            spoil: None,
            held_back: None,
        }
    }

    /// Sends it.
    pub fn send(self, dice: &mut Dice) -> Made {
        let mut bytes = self.bytes.clone().unwrap_or_else(|| self.dress.bytes(dice, &self.spoken.pieces));
        if let Some(spoil) = self.spoil {
            spoil(&mut bytes);
        }
        let (arrivals, total_ms) = match self.held_back {
            None => paced(dice, bytes.len()),
            Some(block) => held_back(bytes.len(), block),
        };
        let wire_bytes = bytes.len() as u64;
        let (whole_ms, waited) = (total_ms, if self.cut == Some(FaultKind::Stalled) { 10.0 * total_ms } else { 0.0 });
        Made { draft: self, body: Body { bytes, arrivals, wire_bytes, ..Body::default() }, total_ms: total_ms + waited, whole_ms }
    }
}

/// Arrivals at any offsets: a beginning of 30 to 400 ms, then 4 to 30 ms each. No size comes again and again, as it does from a full buffer,
/// and there are ten at least: an answer that comes whole after all of its time is no legal stream's.
fn paced(dice: &mut Dice, length: usize) -> (Vec<Arrival>, f64) {
    let mut arrivals = Vec::new();
    let (mut end, mut at_ms) = (0, 30.0 + dice.below(370) as f64);
    let widest: usize = dice.one(&[1, 7, 60, 300, 1400]);
    let widest = widest.min(length / 10).max(length / 300 + 1);
    while end < length {
        end = (end + 1 + dice.below(widest)).min(length);
        arrivals.push(Arrival { at_ms, end: end as u32 });
        at_ms += 4.0 + dice.below(27) as f64;
    }
    (arrivals, at_ms)
}

/// Arrivals of one size, the last one late.
fn held_back(length: usize, block: usize) -> (Vec<Arrival>, f64) {
    let ends = (1..=length.div_ceil(block)).map(|count| (count * block).min(length));
    let arrivals: Vec<_> = ends.enumerate().map(|(at, end)| Arrival { at_ms: 1000.0 + 200.0 * at as f64, end: end as u32 }).collect();
    let last = arrivals.last().map_or(1000.0, |last| last.at_ms);
    (arrivals, last + 1.0)
}

/// A JSON value as text: members in any order, blanks or none, characters escaped or not.
pub fn render(dice: &mut Dice, value: &Value, order: bool) -> String {
    let mut out = String::new();
    let (blank, escape) = (dice.percent(40), dice.percent(25));
    write(dice, value, (order, blank, escape), &mut out);
    out
}

fn write(dice: &mut Dice, value: &Value, style: (bool, bool, bool), out: &mut String) {
    let (order, blank, escape) = style;
    let comma = if blank { ", " } else { "," };
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            if !order {
                dice.shuffle(&mut members);
            }
            out.push('{');
            for (at, (key, member)) in members.into_iter().enumerate() {
                out.push_str(if at > 0 { comma } else { "" });
                out.push_str(&format!("\"{key}\":{}", if blank { " " } else { "" }));
                write(dice, member, style, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { comma } else { "" });
                write(dice, item, style, out);
            }
            out.push(']');
        }
        Value::String(text) if escape => out.push_str(&escaped(text)),
        other => out.push_str(&other.to_string()),
    }
}

fn escaped(text: &str) -> String {
    let plain = Value::from(text).to_string();
    let mut units = [0; 2];
    plain.chars().fold(String::new(), |mut out, character| {
        if character.is_ascii() {
            out.push(character);
        } else {
            character.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
        out
    })
}
