//! How events are framed: everything that the grammar allows.

use super::speech::{Data, Piece, Spoken};
use super::{Dice, render};

/// The habits of one writer of event streams.
#[derive(Clone)]
pub struct Dress {
    /// Ends of lines; any of them when there are several.
    pub ends: &'static [&'static str],
    /// What stands behind `data:`.
    pub space: &'static str,
    /// A byte-order mark in front.
    pub bom: bool,
    /// Chances in a hundred of what may stand between events or lines.
    pub comments: usize,
    /// Chances of blocks without data.
    pub blocks: usize,
    /// Chances of an id.
    pub ids: usize,
    /// Chances of JSON over several lines.
    pub lines: usize,
    /// Chances of one blank line more.
    pub blanks: usize,
    /// A name for events that have none.
    pub name: Option<&'static str>,
    /// Members keep their order.
    pub order: bool,
    /// The last sentinel has no end.
    pub open_end: bool,
}

impl Dress {
    /// As the reference writes.
    pub fn plain() -> Self {
        Dress {
            ends: &["\n"],
            space: " ",
            bom: false,
            comments: 0,
            blocks: 0,
            ids: 0,
            lines: 0,
            blanks: 0,
            name: None,
            order: true,
            open_end: false,
        }
    }

    /// Any habits that are legal for what is said.
    pub fn any(dice: &mut Dice, spoken: &Spoken) -> Self {
        let chat = spoken.dialect.starts_with("openai-c");
        let some = |dice: &mut Dice, share: usize, most: usize| if dice.percent(share) { dice.below(most) } else { 0 };
        Dress {
            ends: dice.one::<&'static [&'static str]>(&[&["\n"], &["\n"], &["\r\n"], &["\r"], &["\n", "\r\n", "\r"]]),
            space: dice.one(&[" ", " ", ""]),
            bom: dice.percent(10),
            comments: some(dice, 30, 60),
            blocks: some(dice, 15, 30),
            ids: some(dice, 15, 100),
            lines: some(dice, 15, 50),
            blanks: some(dice, 15, 60),
            name: if chat && dice.percent(15) { Some(dice.one(&["message", "chunk", "completion"])) } else { None },
            order: dice.percent(50),
            open_end: chat && dice.percent(10),
        }
    }

    /// The bytes of these events.
    pub fn bytes(&self, dice: &mut Dice, pieces: &[Piece]) -> Vec<u8> {
        let mut out = if self.bom { String::from("\u{feff}") } else { String::new() };
        for (at, piece) in pieces.iter().enumerate() {
            self.between(dice, &mut out, at);
            self.event(dice, &mut out, piece, at);
            let last = at + 1 == pieces.len();
            if last && self.open_end && matches!(&piece.data, Data::Raw(raw) if raw == "[DONE]") {
                out.truncate(out.trim_end_matches(['\n', '\r']).len());
            }
        }
        out.into_bytes()
    }

    fn between(&self, dice: &mut Dice, out: &mut String, at: usize) {
        if dice.percent(self.comments) {
            let comment = dice.one(&[": OPENROUTER PROCESSING", ":", ": ping - 2026-11-21", ":data: {}"]);
            self.line(dice, out, comment);
            if dice.percent(50) {
                self.line(dice, out, "");
            }
        }
        if dice.percent(self.blocks) {
            let block = dice.one(&["event: ping", "retry: 3000", "id: 7"]);
            self.line(dice, out, block);
            self.line(dice, out, "");
        }
        if at > 0 && dice.percent(self.blanks) {
            self.line(dice, out, "");
        }
    }

    fn event(&self, dice: &mut Dice, out: &mut String, piece: &Piece, at: usize) {
        let mut lines = Vec::new();
        let name = piece.name.as_deref().or(self.name.filter(|_| matches!(piece.data, Data::Json(_))));
        lines.extend(name.map(|name| format!("event:{}{name}", self.space)));
        if dice.percent(self.ids) {
            lines.push(format!("id: {at}"));
        }
        let data = match &piece.data {
            Data::Json(value) => render(dice, value, self.order),
            Data::Raw(raw) => raw.clone(),
        };
        let data = if dice.percent(self.lines) { several(&data) } else { data };
        lines.extend(data.split('\n').map(|line| format!("data:{}{line}", self.space)));
        for line in lines {
            self.line(dice, out, &line);
            if dice.percent(self.comments / 4) {
                self.line(dice, out, ": c");
            }
        }
        self.line(dice, out, "");
    }

    fn line(&self, dice: &mut Dice, out: &mut String, line: &str) {
        out.push_str(line);
        // CR and LF of two lines would be the end of one.
        let merges = |end: &&str| line.is_empty() && out.ends_with('\r') && *end == "\n";
        let ends: Vec<&str> = self.ends.iter().copied().filter(|end| !merges(end)).collect();
        let end = dice.one(&ends);
        out.push_str(end);
    }
}

/// JSON over several lines: broken behind commas that stand outside of texts.
fn several(json: &str) -> String {
    let (mut quoted, mut escaped, mut count) = (false, false, 0);
    json.chars().fold(String::new(), |mut out, character| {
        out.push(character);
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted && count < 3 => {
                count += 1;
                out.push('\n');
            }
            _ => {}
        }
        out
    })
}
