//! Faults that show only over several pieces, and the words that show where.

use serde_json::Value;

use super::super::json::has;

/// Characters of an excerpt.
const EXCERPT: usize = 80;
/// Bytes in front of the offset that an excerpt shows.
const BEFORE: usize = 20;
/// Fewer pairs than these do not show that everything comes twice.
const MIN_PAIRS: usize = 3;

/// Up to 80 characters around an offset; line ends are written as `\n` and `\r`.
pub fn excerpt(bytes: &[u8], offset: usize) -> String {
    let offset = offset.min(bytes.len());
    let mut start = offset.saturating_sub(BEFORE);
    while start > 0 && bytes[start] & 0xc0 == 0x80 {
        start -= 1;
    }
    let part = String::from_utf8_lossy(&bytes[start..bytes.len().min(start + 4 * EXCERPT)]);
    let shown = part.replace('\r', "\\r").replace('\n', "\\n");
    shown.chars().take(EXCERPT).collect()
}

/// True when a chunk carries text, reasoning or a tool call.
pub fn has_content(value: &Value) -> bool {
    const KEYS: [&str; 6] = ["content", "text", "reasoning_content", "reasoning", "tool_calls", "refusal"];
    let choices = value.get("choices").and_then(Value::as_array).into_iter().flatten();
    let holds = |part: &Value, key: &str| part.get(key).and_then(Value::as_str).map_or_else(|| has(part, key), |text| !text.is_empty());
    let said = |part: &Value| KEYS.iter().any(|key| holds(part, key));
    choices.into_iter().any(|choice| said(choice) || ["delta", "message"].iter().any(|key| choice.get(key).is_some_and(said)))
}

/// Tells deltas that repeat all that came before from deltas that only bring what is new.
#[derive(Default)]
pub struct Growth {
    last: String,
    deltas: usize,
    /// Deltas of the run in hand, of which each one begins with the one before.
    run: usize,
    longest: usize,
    start: usize,
    found: usize,
}

impl Growth {
    /// Takes the next delta that is not empty.
    pub fn observe(&mut self, delta: &str, offset: usize) {
        self.deltas += 1;
        let grows = self.last.len() >= 2 && delta.len() > self.last.len() && delta.starts_with(&self.last);
        if grows {
            self.run += 1;
        } else {
            (self.run, self.start) = (1, offset);
        }
        if self.run > self.longest {
            (self.longest, self.found) = (self.run, self.start);
        }
        self.last.clear();
        self.last.push_str(delta);
    }

    /// Where repeating began, when it is certain: a run of four or more, or of all deltas; or a last delta that equals all others joined.
    pub fn verdict(&self, text: &str) -> Option<usize> {
        let grown = self.longest >= 4 || (self.longest >= 3 && self.longest == self.deltas);
        (grown || self.repeats_all(text)).then_some(self.found)
    }

    fn repeats_all(&self, text: &str) -> bool {
        let before = text.strip_suffix(self.last.as_str());
        self.deltas >= 4 && self.last.chars().count() >= 10 && before == Some(self.last.as_str())
    }
}

/// Tells streams in which every event comes twice.
#[derive(Default)]
pub struct Twins {
    events: usize,
    pairs: usize,
    /// The payload that waits for its twin, and where it stands.
    waiting: String,
    start: Option<usize>,
    /// The payload of the pair before: equal pairs in a row are a model that repeats itself.
    last_pair: String,
    same: usize,
    first: Option<usize>,
}

impl Twins {
    /// Takes the next payload.
    pub fn observe(&mut self, payload: &str, offset: usize) {
        self.events += 1;
        match self.start.take() {
            Some(start) if self.waiting == payload => self.pair(start),
            _ => {
                self.waiting.clear();
                self.waiting.push_str(payload);
                self.start = Some(offset);
            }
        }
    }

    fn pair(&mut self, start: usize) {
        self.pairs += 1;
        if self.pairs > 1 && self.last_pair == self.waiting {
            self.same += 1;
        }
        std::mem::swap(&mut self.last_pair, &mut self.waiting);
        self.first.get_or_insert(start);
    }

    /// Where it began, when at least four fifths of all events stand in pairs that differ from each other.
    pub fn verdict(&self) -> Option<usize> {
        let differing = self.pairs.saturating_sub(self.same);
        (differing >= MIN_PAIRS && 10 * 2 * differing >= 8 * self.events).then_some(self.first).flatten()
    }
}
