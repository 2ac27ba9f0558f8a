//! What a model makes of a stream, held against what the bytes say.

use crate::evidence::FaultKind;

use super::hearing::{self, Data, Heard};
use super::models::{End, Model};
use super::{Complaint, Loss, LossKind, Seen, Wire};

/// No more of a text than this is kept, in bytes.
const MAX_TEXT: usize = 4 << 10;
/// As many pieces as a reading keeps the times of.
const MAX_PIECES: usize = 20_000;

impl Wire<'_> {
    /// Where `[DONE]` stands, or the end of the body.
    pub(super) fn done_at(&self) -> usize {
        self.plain.iter().find(|heard| heard.data == Data::Done).map_or(self.bytes.len(), |done| done.offset)
    }

    fn is_chat(&self) -> bool {
        self.reading.dialect.is_empty() || self.reading.dialect.starts_with("openai-c")
    }

    fn is_open(&self) -> bool {
        let waits =
            |kind: &FaultKind| matches!(kind, FaultKind::Stalled | FaultKind::Unfinished | FaultKind::Interrupted | FaultKind::NoAnswer);
        self.response.left_open || self.response.cut.as_ref().is_some_and(|fault| waits(&fault.kind))
    }

    fn is_cut(&self) -> bool {
        self.response.cut.is_some() && !self.is_open()
    }

    /// The first place where a conforming client loses data, or the end of what it read.
    fn fault_offset(&self, otherwise: usize) -> usize {
        self.reading.faults.iter().find(|fault| fault.breaks).map_or(otherwise, |fault| fault.offset)
    }
}

/// What a model makes of a stream.
pub fn see(wire: &Wire, model: &'static Model) -> Seen {
    let own = model.framing.map(|framing| hearing::gather(wire, framing));
    let mut ear = Ear::new(wire, model);
    for heard in own.as_ref().unwrap_or(&wire.plain) {
        if !ear.hear(heard) {
            break;
        }
    }
    ear.close()
}

struct Ear<'w, 'a> {
    wire: &'w Wire<'a>,
    model: &'static Model,
    stumble: Option<Complaint>,
    events: usize,
    pieces: usize,
    text: String,
    /// Where the text first differed from what the bytes say.
    strayed: Option<usize>,
    /// Offset of the last event.
    last: usize,
    finish: bool,
    done: bool,
    failed: bool,
    error: Option<Complaint>,
}

impl<'w, 'a> Ear<'w, 'a> {
    fn new(wire: &'w Wire<'a>, model: &'static Model) -> Self {
        let stumble = (model.stumbles)(wire);
        Ear {
            wire,
            model,
            stumble,
            events: 0,
            pieces: 0,
            text: String::new(),
            strayed: None,
            last: 0,
            finish: false,
            done: false,
            failed: false,
            error: None,
        }
    }

    /// Takes one event; false when the client listens no more.
    fn hear(&mut self, heard: &Heard) -> bool {
        if let Some(stumble) = self.stumble.filter(|stumble| stumble.offset <= heard.offset) {
            self.error = Some(stumble);
            return false;
        }
        self.last = heard.offset;
        match &heard.data {
            Data::Blank => true,
            Data::Done => {
                self.done = true;
                self.model.end == End::Closed
            }
            Data::Garbage if self.model.lenient => true,
            Data::Garbage => {
                self.error = Some(Complaint { why: "data that is not JSON", offset: heard.offset });
                false
            }
            Data::Value(speech) => {
                self.events += 1;
                self.pieces += speech.pieces;
                self.say(&speech.text);
                self.finish |= speech.finish.is_some();
                self.done |= speech.last;
                self.failed = speech.error;
                !speech.error
            }
        }
    }

    fn say(&mut self, said: &str) {
        let from = self.text.len();
        self.text.push_str(said);
        let expected = self.wire.reading.text.as_bytes().get(from..self.text.len());
        if self.strayed.is_none() && expected != Some(said.as_bytes()) {
            self.strayed = Some(self.last);
        }
    }

    fn close(mut self) -> Seen {
        let stopped = self.error.is_some() || (self.done && self.model.end != End::Closed && self.wire.is_chat());
        if !stopped {
            self.error = self.stumble;
        }
        let loses = self.loses();
        let chars = self.text.chars().count();
        let mut cut = self.text.len().min(MAX_TEXT);
        while !self.text.is_char_boundary(cut) {
            cut -= 1;
        }
        self.text.truncate(cut);
        let ends = self.failed || self.ends();
        Seen { model: self.model, events: self.events, pieces: self.pieces, text: self.text, chars, error: self.error, ends, loses }
    }

    fn ends(&self) -> bool {
        let closed = !self.wire.is_open();
        match self.model.end {
            _ if self.error.is_some() => false,
            End::Done => self.done,
            End::Either if self.wire.is_chat() => self.done || closed,
            End::Either | End::Closed => closed,
            End::Finish => self.finish && (self.done || closed),
        }
    }

    fn loses(&mut self) -> Option<Loss> {
        if self.failed {
            return None;
        }
        if let Some(error) = self.error {
            return Some(Loss { kind: LossKind::Error, why: error.why, offset: error.offset });
        }
        if self.wire.response.body.clipped {
            return None;
        }
        self.transport().or_else(|| self.content()).or_else(|| self.ending())
    }

    /// A connection that breaks or stays open, for a client that has not heard the end.
    fn transport(&mut self) -> Option<Loss> {
        let stopped = self.done && self.model.end != End::Closed && self.wire.is_chat();
        if stopped {
            None
        } else if self.wire.is_open() {
            Some(Loss { kind: LossKind::Hang, why: "the connection stays open", offset: self.wire.bytes.len() })
        } else if self.wire.is_cut() {
            Some(self.raise("the connection breaks off"))
        } else {
            None
        }
    }

    /// An error at the end of the body.
    fn raise(&mut self, why: &'static str) -> Loss {
        let offset = self.wire.bytes.len();
        self.error = Some(Complaint { why, offset });
        Loss { kind: LossKind::Error, why, offset }
    }

    /// Content that is missing, damaged or too much.
    fn content(&self) -> Option<Loss> {
        let reading = self.wire.reading;
        let expected = reading.content_ms.len();
        let counted = reading.text.is_empty() && expected < MAX_PIECES;
        let whole = self.text == reading.text && (!counted || self.pieces >= expected);
        if whole {
            return None;
        }
        let at = self.strayed.unwrap_or_else(|| self.wire.fault_offset(self.last));
        let (kind, why, offset) = if self.pieces == 0 && expected > 0 {
            (LossKind::Silent, "no event brings content", self.wire.fault_offset(0))
        } else if self.text != reading.text && self.text.starts_with(&reading.text) {
            (LossKind::Extra, "more text than was said", at)
        } else {
            (LossKind::Part, "content is lost or damaged", at)
        };
        Some(Loss { kind, why, offset })
    }

    /// An end that is missed.
    fn ending(&mut self) -> Option<Loss> {
        match self.model.end {
            End::Done if !self.done => Some(self.raise("[DONE] does not come")),
            End::Finish if !self.finish => Some(self.raise("there is no finish_reason")),
            _ if !self.finish && self.wire.reading.finish_reason.is_some() && self.wire.is_chat() => {
                Some(Loss { kind: LossKind::Part, why: "the finish_reason is lost", offset: self.wire.fault_offset(self.last) })
            }
            _ => None,
        }
    }
}
