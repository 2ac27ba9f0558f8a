//! Who ended an exchange, after how long, and whose clock that is.

use super::super::{Candidate, boxes};
use super::{candidate, sighting};
use crate::evidence::Captured;
use crate::facts::{self, Boundary, ClientTimeouts};

/// A client that leaves at the second of its own clock.
const OWN_CLOCK: f64 = 8.0;
/// A client that leaves after the same time again and again.
const REPEATED: f64 = 6.0;
/// A clock that many programs have by default.
const ANYBODYS: f64 = 2.5;
/// A silence that is long beside everything that came before it.
const SILENCE: f64 = 2.0;
/// Two times are the same when they differ by less than this share, and at least by this many seconds.
const SAME: (f64, f64) = (0.02, 0.05);
/// Shorter times (seconds) are nobody's default and no habit.
const SHORTEST: f64 = 0.5;
/// Defaults below this (seconds) are too many to mean anything.
const TELLING: f64 = 5.0;
/// Times that are remembered.
const REMEMBERED: usize = 64;

/// `0.42 s`, `60.0 s`.
pub fn span(ms: f64) -> String {
    let seconds = ms / 1e3;
    if seconds < 0.995 { format!("{:.0} ms", ms) } else { format!("{seconds:.1} s") }
}

/// What a client that left points at, and what is said of it. `left` are the times of earlier ones.
pub fn by_client(captured: &Captured, left: &mut Vec<f64>) -> (Vec<Candidate>, Vec<String>) {
    let waited = Waited::of(captured);
    let client = known(captured);
    let clock = announced(captured, &waited).or_else(|| default_of(client, &waited));
    let again = is_repeated(waited.seconds, left);
    let mut candidates = Vec::new();
    if let Some(clock) = &clock {
        candidates.extend(candidate("client-timeout-too-short", OWN_CLOCK, format!("{}: {clock}", waited.said())));
    } else if again {
        let reason = format!("{}, as {} before", waited.said(), times(left, waited.seconds));
        candidates.extend(candidate("client-timeout-too-short", REPEATED, reason));
    } else if let Some(row) = any_client(waited.seconds) {
        let reason = format!("{}; {} s is the default of {} ({})", waited.said(), row.seconds, row.box_, row.setting);
        candidates.extend(candidate("client-timeout-too-short", ANYBODYS, reason));
    }
    if waited.is_silence() {
        let reason = format!("nothing had come for {} when the client left", span(waited.silent_s * 1e3));
        candidates.extend(candidate("stream-stalled", SILENCE, reason));
    }
    remember(left, waited.seconds);
    let remark = candidates.is_empty().then(|| format!("{}; somebody who stops it looks the same", waited.said()));
    (candidates, Vec::from_iter(remark))
}

/// A cut (or a refusal) that comes at the second of somebody's clock, or at the same second again.
pub fn by_clock(captured: &Captured, candidates: &mut Vec<Candidate>, cut: &mut Vec<f64>) {
    let timed_out = matches!(captured.exchange.status(), None | Some(200..=299 | 408 | 504 | 524));
    let seconds = captured.closed.at_ms / 1e3;
    if !timed_out || seconds < SHORTEST {
        return;
    }
    let sighting = sighting(captured);
    let seen = boxes(&sighting);
    let fitting = facts::boundaries_at(seconds, captured.exchange.status(), &seen);
    let its = |row: &&Boundary| seen.contains(&row.box_.as_str());
    let clock = fitting.into_iter().filter(|row| row.scope.runs_during_an_answer() && row.seconds >= TELLING && !is_client(row));
    let clock = clock.into_iter().find(|row| row.known || its(row));
    let default = |row: &Boundary| format!("{} s is the default of {} ({})", row.seconds, row.box_, row.setting);
    if is_repeated(seconds, cut) {
        let whose = clock.map(|row| format!("; {}", default(row))).unwrap_or_default();
        let reason = format!("it ended after {}, as {} before{whose}", span(captured.closed.at_ms), times(cut, seconds));
        candidates.extend(candidate("timeout-boundary", REPEATED, reason));
    } else if let Some(row) = clock {
        let weight = if its(&row) { REPEATED } else { ANYBODYS };
        candidates.extend(candidate(
            "timeout-boundary",
            weight,
            format!("it ended after {}; {}", span(captured.closed.at_ms), default(row)),
        ));
    }
    candidates.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    remember(cut, seconds);
}

/// How long a client waited before it left, and for what.
struct Waited {
    /// Since the request began.
    seconds: f64,
    /// Since the last byte, or since the beginning.
    silent_s: f64,
    /// The longest silence before, after the first byte.
    longest_s: f64,
    bytes: u64,
    answered: bool,
}

impl Waited {
    fn of(captured: &Captured) -> Self {
        let seconds = captured.closed.at_ms / 1e3;
        let response = captured.exchange.response();
        let arrivals = response.map(|response| response.body.arrivals.as_slice()).unwrap_or_default();
        let last_ms = arrivals.last().map(|last| last.at_ms).or(response.map(|response| response.headers_ms)).unwrap_or_default();
        let longest_s = arrivals.windows(2).map(|pair| (pair[1].at_ms - pair[0].at_ms) / 1e3).fold(0.0, f64::max);
        let bytes = response.map_or(0, |response| response.body.wire_bytes);
        Waited { seconds, silent_s: seconds - last_ms / 1e3, longest_s, bytes, answered: response.is_some() }
    }

    fn said(&self) -> String {
        let after = span(self.seconds * 1e3);
        match (self.answered, self.bytes) {
            (false, _) => format!("the client closed its connection after {after}, before any answer"),
            (true, 0) => format!("the client closed its connection after {after}, with the head of the answer and nothing more"),
            (true, bytes) => {
                let silence = span(self.silent_s * 1e3);
                format!(
                    "the client closed its connection after {after}, in the middle of the answer ({bytes} bytes, the last one {silence} before)"
                )
            }
        }
    }

    /// The client left a silence behind that is unlike what came before.
    fn is_silence(&self) -> bool {
        self.bytes > 0 && self.silent_s >= TELLING && self.silent_s > 5.0 * self.longest_s
    }

    fn fits(&self, clock: f64) -> bool {
        [self.seconds, self.silent_s].iter().any(|seconds| fires_at(clock, *seconds))
    }
}

fn fires_at(clock: f64, seconds: f64) -> bool {
    seconds >= clock * 0.98 && seconds <= clock + f64::min(1.5, clock / 2.0)
}

/// The client's own word for how long it waits, in its request.
fn announced(captured: &Captured, waited: &Waited) -> Option<String> {
    let headers = &captured.exchange.request.headers;
    let (name, value) = headers.iter().find(|(name, _)| name == "x-stainless-read-timeout" || name == "x-stainless-timeout")?;
    let clock: f64 = value.trim().parse().ok().filter(|clock: &f64| clock.is_finite() && *clock > 0.0)?;
    waited.fits(clock).then(|| format!("its request announces a timeout of {clock} s ({name})"))
}

/// The client by its User-Agent, when its waits are known.
fn known(captured: &Captured) -> Option<&'static ClientTimeouts> {
    let agent = captured.exchange.request.headers.iter().find(|(name, _)| name == "user-agent")?.1.to_ascii_lowercase();
    facts::client_timeouts().iter().find(|client| client.agents.iter().any(|begin| agent.starts_with(begin)))
}

fn default_of(client: Option<&ClientTimeouts>, waited: &Waited) -> Option<String> {
    let client = client?;
    let clocks = [("for the head of the answer", client.first_byte), ("of silence", client.idle), ("in all", client.total)];
    let fires = clocks.into_iter().find_map(|(what, clock)| clock.filter(|clock| waited.fits(*clock)).map(|clock| (what, clock)));
    fires.map(|(what, clock)| format!("{clock} s {what} is the default of {}", client.name))
}

fn any_client(seconds: f64) -> Option<&'static Boundary> {
    let fitting = facts::boundaries_at(seconds, None, &[]);
    fitting.into_iter().find(|row| is_client(row) && row.scope.runs_during_an_answer() && row.seconds >= TELLING)
}

fn is_client(row: &Boundary) -> bool {
    matches!(row.kind.as_str(), "sdk" | "http-client" | "client")
}

fn is_same(a: f64, b: f64) -> bool {
    (a - b).abs() <= (a.max(b) * SAME.0).max(SAME.1)
}

fn is_repeated(seconds: f64, before: &[f64]) -> bool {
    seconds >= SHORTEST && before.iter().any(|earlier| is_same(*earlier, seconds))
}

fn times(before: &[f64], seconds: f64) -> String {
    match before.iter().filter(|earlier| is_same(**earlier, seconds)).count() {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

fn remember(times: &mut Vec<f64>, seconds: f64) {
    if times.len() >= REMEMBERED {
        times.remove(0);
    }
    times.push(seconds);
}
