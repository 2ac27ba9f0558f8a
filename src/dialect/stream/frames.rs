//! From frames (events, lines, elements) to the JSON values in them, whatever is wrong with the framing.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::super::sse::{self, Decoded, Event};
use super::super::{error, json};
use super::faults::Twins;
use super::regular;
use super::tape::Tape;

/// Reads the events of a decoded body.
pub fn events(tape: &mut Tape, decoded: &Decoded, bytes: &[u8]) {
    tape.reading.comments = decoded.comments;
    tape.reading.event_ends = decoded.ends.clone();
    tape.reading.leftover = decoded.events.last().filter(|event| !event.terminated).map_or(0, |event| event.end - event.start);
    let mut frames = Frames { tape, decoded, bytes, torn: None, twins: Twins::default() };
    decoded.events.iter().for_each(|event| frames.event(event));
    frames.close();
}

/// Reads lines of JSON; several values on a line are fine.
pub fn lines(tape: &mut Tape, bytes: &[u8]) {
    if !tape.asked_native() {
        tape.fault_at("ndjson", 0, true);
    }
    for line in sse::lines(bytes, if bytes.starts_with(sse::BOM) { sse::BOM.len() } else { 0 }) {
        let text = String::from_utf8_lossy(&bytes[line.start..line.end]);
        let text = text.trim();
        tape.at(line.start, line.next);
        if !text.is_empty() {
            line_of_json(tape, text, line.next == bytes.len());
            tape.ends_at(line.next);
        }
    }
}

fn line_of_json(tape: &mut Tape, text: &str, last: bool) {
    tape.reading.events += 1;
    if text.trim_start_matches("data:").trim() == "[DONE]" {
        tape.say_done();
    } else if let Some(values) = json::all(text) {
        values.iter().for_each(|value| tape.value(value, ""));
    } else if !last || tape.is_whole() {
        tape.substance = true;
        tape.fault("not-json", true);
    }
}

/// Reads the elements of a JSON array, as far as they are whole.
pub fn elements(tape: &mut Tape, bytes: &[u8]) {
    if !tape.asked_native() {
        tape.fault_at("json-array", 0, true);
    }
    let mut at = bytes.iter().position(|byte| *byte == b'[').map_or(bytes.len(), |open| open + 1);
    loop {
        at += bytes[at..].iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b',').count();
        let Some((value, length)) = json::first(&bytes[at..]) else { return };
        tape.at(at, at + length);
        tape.reading.events += 1;
        tape.value(&value, "");
        at += length;
        tape.ends_at(at);
    }
}

/// True for the words of a keep-alive.
fn is_keep_alive(data: &str) -> bool {
    const WORDS: [&str; 8] = ["ping", "pong", "keep-alive", "keepalive", "keep_alive", "heartbeat", "processing", "openrouter processing"];
    data.len() <= 32 && WORDS.iter().any(|word| data.trim_matches(['[', ']', '"', '.']).eq_ignore_ascii_case(word))
}

/// The data of an event that is not JSON, which the next event may complete.
struct Torn {
    text: String,
    start: usize,
    unfinished: bool,
}

struct Frames<'f, 'r, 'b> {
    tape: &'f mut Tape<'r>,
    decoded: &'f Decoded<'b>,
    bytes: &'b [u8],
    torn: Option<Torn>,
    twins: Twins,
}

impl Frames<'_, '_, '_> {
    fn event(&mut self, event: &Event) {
        self.tape.at(event.start, event.end);
        let strays = event.strays.len();
        if event.data_lines > 0 {
            self.data(event);
        }
        if strays > 0 {
            self.strays(event);
        }
    }

    fn data(&mut self, event: &Event) {
        let data = event.data.trim();
        if data.is_empty() {
            return;
        }
        self.tape.reading.events += 1;
        if data.starts_with('{') && !self.tape.sentinel {
            self.twins.observe(data, event.start);
        }
        let whole = self.payload(&event.data, event);
        // Anthropic's SDKs parse the data of every event that has a name; on chat streams the name of [DONE] matters to nobody.
        if data == "[DONE]" && !event.name.is_empty() && self.tape.reading.dialect == "anthropic-messages" {
            self.tape.fault("sentinel-foreign", true);
        }
        if whole && !event.terminated && self.tape.is_whole() && data != "[DONE]" {
            self.tape.fault("unterminated-event", true);
        }
    }

    /// Takes an event's data; true when it was one frame and was understood.
    fn payload(&mut self, data: &str, event: &Event) -> bool {
        if self.torn.is_none() && regular::take(self.tape, data, &event.name) {
            return true;
        }
        let trimmed = data.trim();
        if self.mends(trimmed) || self.sentinel(data, trimmed, &event.name) {
            return true;
        }
        if let Ok(value) = serde_json::from_str::<Value>(data)
            && (value.is_object() || value.is_array())
        {
            self.value(&value, &event.name);
            return true;
        }
        self.misframed(trimmed, event)
    }

    fn value(&mut self, value: &Value, name: &str) {
        self.give_up();
        match value.as_array().filter(|_| !error::is_error(value)) {
            Some(items) => {
                self.tape.fault("delta-shape", true);
                items.iter().for_each(|item| self.tape.value(item, name));
            }
            None => self.tape.value(value, name),
        }
    }

    /// Completes what the event before began.
    fn mends(&mut self, data: &str) -> bool {
        let Some(torn) = self.torn.as_mut().filter(|torn| torn.text.starts_with(['{', '['])) else { return false };
        let begun = torn.text.len();
        torn.text.push_str(data);
        let Ok(value) = serde_json::from_str::<Value>(&torn.text) else {
            torn.text.truncate(begun);
            return false;
        };
        let start = torn.start;
        self.torn = None;
        self.tape.fault_at("split-json", start, true);
        self.tape.value(&value, "");
        true
    }

    /// `[DONE]`, and what is meant by it.
    fn sentinel(&mut self, data: &str, trimmed: &str, name: &str) -> bool {
        let bare = trimmed.trim_matches('"');
        if trimmed == "[DONE]" {
            self.tape.say_done();
            self.unwanted(name);
        } else if !(bare.eq_ignore_ascii_case("[done]") || bare == "DONE") {
            return false;
        }
        if data != "[DONE]" {
            self.tape.fault("sentinel-variant", false);
        }
        true
    }

    /// A sentinel where the dialect has none: its SDKs parse it as JSON, Anthropic's only when the event has a name.
    fn unwanted(&mut self, name: &str) {
        let parsed = match self.tape.reading.dialect {
            "google-generate" => true,
            "anthropic-messages" => !name.is_empty(),
            _ => false,
        };
        if parsed {
            self.tape.fault("sentinel-foreign", true);
        }
    }

    /// Data that is not one JSON value.
    fn misframed(&mut self, data: &str, event: &Event) -> bool {
        if data.starts_with(':') || is_keep_alive(data) {
            self.tape.fault("comment-as-data", true);
        } else if let Some(inner) = data.strip_prefix("data:") {
            self.tape.fault("doubled-prefix", true);
            let inner = inner.trim_start_matches(|character: char| character.is_whitespace()).trim_start_matches("data:").trim();
            return !inner.starts_with("data:") && self.payload(inner, event);
        } else if event.data_lines > 1 && self.glued(event) {
            self.tape.fault("no-blank-line", true);
            return false;
        } else if self.several(data, event) || self.unprefixed(event) {
        } else if event.name == "error" {
            self.tape.error(|status, form| error::from_text(status, form, data.to_owned()));
        } else if error::is_page(data) {
            self.tape.substance = true;
            self.tape.fault("html", true);
        } else {
            return self.tear(data, event);
        }
        true
    }

    /// Events that no blank line parts: each `data` line is a JSON value or the sentinel of its own.
    fn glued(&mut self, event: &Event) -> bool {
        let lines: Vec<&str> = event.data.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let own = |line: &str| line == "[DONE]" || (line.starts_with('{') && serde_json::from_str::<IgnoredAny>(line).is_ok());
        let checked = if event.terminated { &lines[..] } else { &lines[..lines.len().saturating_sub(1)] };
        if checked.is_empty() || lines.len() < 2 || !checked.iter().all(|line| own(line)) {
            return false;
        }
        for line in sse::lines(&self.bytes[..event.end], event.start) {
            self.glued_line(line);
        }
        self.tape.at(event.start, event.end);
        true
    }

    fn glued_line(&mut self, line: sse::Line) {
        let (name, value) = sse::split_field(&self.bytes[line.start..line.end]);
        if name != b"data" {
            return;
        }
        self.tape.at(line.start, line.next);
        if value.trim_ascii() == b"[DONE]" {
            self.tape.say_done();
        } else if let Ok(value) = serde_json::from_slice::<Value>(value) {
            self.value(&value, "");
        }
    }

    /// Several JSON values in one event.
    fn several(&mut self, data: &str, event: &Event) -> bool {
        let Some(values) = json::all(data).filter(|values| values.len() > 1 && values[0].is_object()) else { return false };
        self.tape.fault("two-objects", true);
        values.iter().for_each(|value| self.value(value, &event.name));
        true
    }

    /// JSON over several lines of which only the first has its `data:`.
    fn unprefixed(&mut self, event: &Event) -> bool {
        let block = &self.bytes[event.start..event.end];
        let Some(open) = memchr::memchr2(b'{', b'[', block).filter(|_| !event.strays.is_empty()) else { return false };
        let Some((value, _)) = json::first(&block[open..]) else { return false };
        self.tape.fault("unprefixed-json", true);
        self.value(&value, &event.name);
        true
    }

    /// Keeps data that is not JSON until the next event shows whether it was torn.
    fn tear(&mut self, data: &str, event: &Event) -> bool {
        self.give_up();
        self.torn = Some(Torn { text: data.to_owned(), start: event.start, unfinished: !event.terminated && data.starts_with('{') });
        false
    }

    /// What was torn stays torn.
    fn give_up(&mut self) {
        if let Some(torn) = self.torn.take() {
            self.tape.substance = true;
            if !torn.unfinished {
                self.tape.fault_at("not-json", torn.start, true);
            }
        }
    }

    /// Lines that a conforming reader ignores.
    fn strays(&mut self, event: &Event) {
        let mut behind = event.start;
        let mut whole = event.data_lines == 0;
        for index in event.strays.clone() {
            let stray = self.decoded.strays[index].clone();
            if stray.start < behind {
                continue;
            }
            self.tape.at(stray.start, event.end);
            let line = &self.bytes[stray.clone()];
            let opens = matches!(line.trim_ascii_start().first(), Some(b'{' | b'[')) && line.trim_ascii() != b"[DONE]";
            if whole && opens {
                match self.bare(stray.start, event) {
                    Some(next) => behind = next,
                    None => whole = false,
                }
            } else {
                self.stray(&String::from_utf8_lossy(line), event);
            }
        }
    }

    /// A JSON value without `data:`; gives the offset behind it.
    fn bare(&mut self, start: usize, event: &Event) -> Option<usize> {
        let (value, length) = json::first(&self.bytes[start..event.end])?;
        if error::is_error(&value) {
            self.tape.error(|status, form| error::from_value(status, &value, form, value.to_string()));
        } else if value.is_object() {
            self.tape.fault("unprefixed-json", true);
            self.value(&value, &event.name);
        }
        Some(start + length)
    }

    fn stray(&mut self, line: &str, event: &Event) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let plain = name.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}');
        if plain.eq_ignore_ascii_case("data") && line.contains(':') {
            self.tape.fault("field-name", true);
            self.tape.reading.events += 1;
            self.payload(value.trim(), event);
        } else if plain == "error" && !value.trim().is_empty() {
            self.tape.error(|status, form| error::from_text(status, form, value.trim().to_owned()));
        } else if line.trim() == "[DONE]" {
            self.tape.fault("sentinel-variant", false);
        } else if error::is_page(line) {
            self.tape.substance = true;
            self.tape.fault("html", true);
        }
    }

    fn close(mut self) {
        self.give_up();
        if let Some(start) = self.twins.verdict() {
            self.tape.fault_at("twice", start, true);
        }
    }
}
