//! Tool calls, piece by piece: which delta belongs to which call, and whether the arguments add up to JSON.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::super::json::{has, text};
use super::tape::Tape;

/// No more calls than these are followed.
const MAX_CALLS: usize = 100;

/// Tool calls whose deltas were seen.
#[derive(Default)]
pub struct Calls {
    list: Vec<Call>,
    /// Calls that began without an index.
    unnumbered: usize,
}

/// One call as far as it was heard.
#[derive(Default)]
struct Call {
    id: String,
    index: Option<u64>,
    start: usize,
    /// Its fragments, joined.
    arguments: String,
    /// Where the last fragment begins in `arguments`.
    last: usize,
    fragments: usize,
    /// Every fragment but the first repeats the one before and adds to it.
    grows: bool,
    /// Its arguments came in another form than text, so that they say nothing.
    odd: bool,
}

impl Calls {
    /// A call begins at this offset.
    pub fn open(&mut self, id: &str, index: Option<u64>, start: usize) {
        if self.list.len() < MAX_CALLS {
            self.list.push(Call { id: id.to_owned(), index, start, grows: true, ..Call::default() });
        }
    }

    /// The next fragment of the arguments of the call with this index, or of the last one.
    pub fn add(&mut self, index: Option<u64>, fragment: &str) {
        let call = self.list.iter_mut().rev().find(|call| index.is_none() || call.index == index);
        if let Some(call) = call.filter(|_| !fragment.is_empty()) {
            let before = &call.arguments[call.last..];
            let grew = fragment.len() > before.len() && fragment.starts_with(before);
            call.grows &= grew;
            call.fragments += 1;
            call.last = call.arguments.len();
            call.arguments.push_str(fragment);
        }
    }

    /// Kinds of faults that only the whole shows, with their places.
    pub fn verdicts(&self) -> impl Iterator<Item = (&'static str, usize, bool)> {
        self.list.iter().filter(|call| !call.odd && !call.arguments.is_empty() && !is_json(&call.arguments)).map(|call| {
            let repeats = call.grows && call.fragments > 1 && is_json(&call.arguments[call.last..]);
            (if repeats { "tool-arguments-cumulative" } else { "tool-arguments-broken" }, call.start, repeats)
        })
    }

    /// The call that a delta goes on with, if it does not begin one.
    fn goes_on(&self, id: Option<&str>, index: Option<u64>) -> bool {
        let Some(last) = self.list.last() else { return false };
        match (id, index) {
            (Some(id), _) => self.list.iter().any(|call| call.id == id),
            (None, Some(_)) => self.list.iter().any(|call| call.index == index),
            (None, None) => last.index.is_none(),
        }
    }

    fn is_shared(&self, id: Option<&str>, index: Option<u64>) -> bool {
        let Some(id) = id.filter(|_| index.is_some()) else { return false };
        self.list.iter().any(|call| call.index == index && !call.id.is_empty() && call.id != id)
    }

    fn spoil(&mut self, index: Option<u64>) {
        self.list.iter_mut().filter(|call| index.is_none() || call.index == index).for_each(|call| call.odd = true);
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Takes one element of a delta's `tool_calls`.
pub fn take(tape: &mut Tape, call: &Value) {
    let function = call.get("function").unwrap_or(&Value::Null);
    let index = call.get("index").and_then(Value::as_u64);
    let id = text(call, "id").filter(|id| !id.is_empty());
    let begins = has(function, "name") && !tape.calls.goes_on(id, index);
    if begins {
        begin(tape, id, index);
    }
    if index.is_none() {
        tape.calls.unnumbered += usize::from(begins);
        tape.fault("tool-index-missing", tape.calls.unnumbered > 1);
    }
    match function.get("arguments") {
        None => {}
        Some(Value::String(fragment)) => tape.calls.add(index, fragment),
        Some(other) => {
            tape.fault("tool-arguments-not-string", !other.is_null());
            tape.calls.spoil(index);
        }
    }
    tape.call(text(function, "name").filter(|_| begins));
}

fn begin(tape: &mut Tape, id: Option<&str>, index: Option<u64>) {
    // Two ids under one index are merged by every client.
    if tape.calls.is_shared(id, index) {
        tape.fault("tool-index-shared", true);
        tape.calls.spoil(index);
    }
    if id.is_none() {
        tape.fault("tool-id-missing", false);
    }
    if tape.calls.list.is_empty() && index.is_some_and(|index| index > 0) {
        tape.fault("tool-index-base", false);
    }
    let start = tape.start;
    tape.calls.open(id.unwrap_or_default(), index, start);
}
