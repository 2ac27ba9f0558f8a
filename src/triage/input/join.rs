//! What belongs together: the pieces of a paste that show the same failure.

use crate::dialect;
use crate::triage::{Form, Sighting};

use super::text;

/// No more distinct failures of a paste are kept.
pub const MAX_SIGHTINGS: usize = 20;
/// A status and a body further apart than this (lines) are not taken for the same failure's.
const NEAR: usize = 60;
/// Lines without a status and without a body that stand this close together tell of one failure.
const BESIDE: usize = 12;

/// The failures among the pieces, in their order. Whatever is no failure of its own tells about the nearest one.
pub fn joined(pieces: Vec<Sighting>, paste: &str) -> Vec<Sighting> {
    let mut joiner = Joiner::default();
    let mut around: Vec<Sighting> = Vec::new();
    for piece in pieces {
        if is_failure(&piece) { joiner.take(piece) } else { around.push(piece) }
    }
    let mut failures = joiner.failures;
    drop_healthy(&mut failures, &mut around);
    if failures.is_empty() {
        return whole(around, paste).into_iter().collect();
    }
    around.into_iter().for_each(|piece| tell(&mut failures, piece));
    failures.iter_mut().for_each(with_inner_status);
    widen(&mut failures, paste);
    failures
}

/// The failures so far.
#[derive(Default)]
struct Joiner {
    failures: Vec<Sighting>,
    parts: Vec<Parts>,
}

/// What a failure is made of: with both, it is told to its end, and what other words tell belongs to another request.
#[derive(Clone, Copy)]
struct Parts {
    /// A line of an access log.
    access: bool,
    /// Something else.
    words: bool,
}

impl Parts {
    fn of(piece: &Sighting) -> Self {
        let access = is_access(piece);
        Parts { access, words: !access }
    }

    fn ended(self) -> bool {
        self.access && self.words
    }
}

impl Joiner {
    fn take(&mut self, piece: Sighting) {
        let new = Parts::of(&piece);
        match self.same(&piece, new) {
            Some(at) => {
                let again = self.parts[at].ended() && new.words && said(&self.failures[at]).is_some() && said(&piece).is_some();
                self.failures[at].times += if again { piece.times } else { 0 };
                merge(&mut self.failures[at], piece, again);
                self.parts[at] = if again {
                    new
                } else {
                    Parts { access: self.parts[at].access || new.access, words: self.parts[at].words || new.words }
                };
            }
            None if self.failures.len() < MAX_SIGHTINGS => {
                self.parts.push(new);
                self.failures.push(piece);
            }
            None => {}
        }
    }

    /// The failure that a piece shows once more: one that says the same, or else the nearest that may be, if it has not ended.
    fn same(&self, piece: &Sighting, new: Parts) -> Option<usize> {
        let words = said(piece);
        let elsewhere = |at: usize| new.access && self.parts[at].access && is_elsewhere(&self.failures[at], piece);
        let is_same = |at: &usize| is_same(&self.failures[*at], piece) && !elsewhere(*at);
        let says_so = |at: &usize| words.is_some() && said(&self.failures[*at]).is_some() && is_same(at);
        let may_be = |at: &usize| (new.access || !self.parts[*at].ended()) && is_same(at);
        let all = 0..self.failures.len();
        let nearest = || all.clone().filter(may_be).max_by_key(|at| (!self.parts[*at].ended(), self.failures[*at].lines.1));
        all.clone().find(says_so).or_else(nearest)
    }
}

/// A line of an access log: a request and its status, and nothing that the answer said.
fn is_access(piece: &Sighting) -> bool {
    piece.form == Form::Log && piece.status.is_some() && piece.body.is_none() && piece.method.is_some()
}

/// Whether two requests went to different paths.
fn is_elsewhere(known: &Sighting, piece: &Sighting) -> bool {
    let path = |sighting: &Sighting| sighting.url.as_deref().map(|url| url.split('?').next().unwrap_or(url).to_owned());
    known.method.is_some() && path(known) != path(piece)
}

/// A status that only the body names.
fn with_inner_status(failure: &mut Sighting) {
    if failure.status.is_none() && matches!(failure.form, Form::Json | Form::Exception) {
        let error = failure.body.as_deref().map(|body| dialect::error::read(0, "", body.as_bytes()));
        failure.status = error.and_then(|error| error.inner_status);
    }
}

/// True for pieces that show what came back, or that something failed.
fn is_failure(piece: &Sighting) -> bool {
    let spoke = piece.status.is_some() || piece.body.is_some() || piece.thrown.is_some() || piece.fault.is_some();
    spoke || matches!(piece.form, Form::Events | Form::Exception | Form::Log | Form::Page)
}

/// Answers that are as they should be, beside a failure.
fn drop_healthy(failures: &mut Vec<Sighting>, around: &mut Vec<Sighting>) {
    let is_healthy = |piece: &Sighting| piece.status.is_some_and(|status| status < 300) && error_of(piece).is_none();
    if failures.iter().any(|piece| !is_healthy(piece)) {
        let (healthy, failed) = std::mem::take(failures).into_iter().partition(|piece| is_healthy(piece));
        *failures = failed;
        around.extend::<Vec<_>>(healthy);
    }
}

/// The one sighting of a paste in which nothing failed.
fn whole(around: Vec<Sighting>, paste: &str) -> Option<Sighting> {
    let mut pieces = around.into_iter();
    let mut first = pieces.next()?;
    pieces.for_each(|piece| surround(&mut first, piece));
    let mut found = vec![first];
    widen(&mut found, paste);
    found.pop()
}

/// The innermost message of an error body.
fn error_of(piece: &Sighting) -> Option<String> {
    let body = piece.body.as_deref().or(piece.thrown.as_deref())?;
    let value = dialect::json::lenient(body.trim());
    let refused = piece.status.is_none_or(|status| status >= 400);
    if value.is_some_and(|value| !refused && dialect::error::in_value(0, &value).is_none()) {
        return None;
    }
    Some(dialect::error::read(0, "", body.as_bytes()).message).filter(|message| !message.is_empty())
}

/// Whether two pieces show the same failure.
fn is_same(known: &Sighting, piece: &Sighting) -> bool {
    let near = piece.lines.0.saturating_sub(known.lines.1) <= NEAR;
    match (said(known), said(piece)) {
        (Some(one), Some(other)) => is_same_status(known, piece) && is_same_text(&one, &other),
        (None, None) if known.status.is_none() && piece.status.is_none() && known.form == piece.form => {
            let apart = known.method.is_some() && piece.method.is_some();
            (!apart && beside(known, piece)) || fingerprint(&known.text) == fingerprint(&piece.text)
        }
        _ => is_same_status(known, piece) && near,
    }
}

/// True for lines that one program writes about one failure.
fn beside(known: &Sighting, piece: &Sighting) -> bool {
    piece.lines.0.saturating_sub(known.lines.0) <= BESIDE
}

/// What a failure says, for comparing.
fn said(piece: &Sighting) -> Option<String> {
    error_of(piece).map(|said| fingerprint(&said))
}

/// One of them lacks a status, or both have the same.
fn is_same_status(one: &Sighting, other: &Sighting) -> bool {
    one.status.is_none() || other.status.is_none() || one.status == other.status
}

fn is_same_text(one: &str, other: &str) -> bool {
    one == other || (one.len().min(other.len()) >= 12 && (one.contains(other) || other.contains(one)))
}

/// The letters of a text, lower case; every word with a digit is one mark.
pub fn fingerprint(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mark = |word: &str| if word.contains(|c: char| c.is_ascii_digit()) { "0".to_owned() } else { word.to_lowercase() };
    words.map(mark).take(200).collect::<Vec<_>>().join(" ")
}

/// Another view of the same failure: what the first lacks is taken over; the same once more is counted.
fn merge(known: &mut Sighting, piece: Sighting, counted: bool) {
    let again =
        known.form == piece.form && known.body.is_some() == piece.body.is_some() && known.status.is_some() == piece.status.is_some();
    known.times = match again {
        _ if counted => known.times,
        true => known.times + piece.times,
        false => known.times.max(piece.times),
    };
    if known.form == Form::Exception && known.status.is_none() && is_access(&piece) {
        // A server answers with what it saw, and keeps what caused it to itself.
        known.thrown = known.thrown.take().map(|thrown| thrown.lines().next().unwrap_or_default().to_owned());
    }
    if known.body.is_none() && piece.body.is_some() && rank(piece.form) >= rank(known.form) {
        known.form = piece.form;
    }
    // An answer of blanks that a log line or an exception tells about was not shown: those words stand in its place.
    let shown = known.body.take().filter(|body| !body.trim().is_empty() || !matches!(piece.form, Form::Log | Form::Exception));
    known.body = shown.or_else(|| piece.body.clone());
    known.thrown = known.thrown.take().or_else(|| piece.thrown.clone());
    known.status = known.status.or(piece.status);
    known.fault = known.fault.take().or_else(|| piece.fault.clone());
    if known.headers.is_empty() {
        known.headers = piece.headers.clone();
    }
    known.lines.1 = known.lines.1.max(piece.lines.1);
    add_text(known, &piece.text);
    surround(known, piece);
}

/// The words of another view, as far as they fit.
fn add_text(known: &mut Sighting, more: &str) {
    if known.text.len() + more.len() < crate::facts::TEXT_LIMIT && !known.text.contains(more) {
        known.text = format!("{}\n{more}", known.text.trim_end());
    }
}

/// Forms that show more of an answer rank higher.
fn rank(form: Form) -> u8 {
    match form {
        Form::Text => 0,
        Form::Log => 1,
        Form::Exception => 2,
        _ => 3,
    }
}

/// What is around a failure tells what was asked.
fn surround(known: &mut Sighting, piece: Sighting) {
    if known.url.is_none() || (known.method.is_none() && is_access(&piece)) {
        known.method = known.method.take().or(piece.method);
        known.url = piece.url;
    }
    let whole = |asked: &serde_json::Value| asked.get("messages").is_some() || asked.get("input").is_some();
    if known.asked.is_none() || piece.asked.as_ref().is_some_and(|asked| whole(asked) && !known.asked.as_ref().is_some_and(whole)) {
        known.asked = piece.asked.or(known.asked.take());
    }
    known.stream = known.stream.or(piece.stream);
    known.seconds = known.seconds.or(piece.seconds);
}

/// What stands before the first failure or after another one tells about that one; a failure nobody describes keeps what it has.
fn tell(failures: &mut [Sighting], piece: Sighting) {
    let at = failures.iter().rposition(|known| known.lines.0 <= piece.lines.0).unwrap_or(0);
    // What somebody writes around the lines of a log is read with them.
    if failures[at].form == Form::Log && piece.form == Form::Text {
        add_text(&mut failures[at], &piece.text);
    }
    surround(&mut failures[at], piece);
}

/// Gives every failure the text from its own beginning to the next one's; the first has the beginning of the paste too.
fn widen(failures: &mut [Sighting], paste: &str) {
    let total = paste.lines().count().max(1);
    let starts: Vec<usize> = failures.iter().map(|known| known.lines.0).collect();
    let alone = failures.len() == 1;
    for (at, known) in failures.iter_mut().enumerate() {
        let begin = if at == 0 { 1 } else { known.lines.0 };
        let end = starts.get(at + 1).map_or(total, |next| next.saturating_sub(1).max(known.lines.0));
        // Of a log, and of a paste too long to be kept, only the failure's own lines are shown.
        if known.form == Form::Log || (alone && paste.len() > crate::facts::TEXT_LIMIT) || known.lines.1 > end {
            continue;
        }
        known.lines = (begin, end);
        known.text = text::kept(&lines_of(paste, begin, end));
    }
}

fn lines_of(paste: &str, begin: usize, end: usize) -> String {
    paste.lines().skip(begin - 1).take(end + 1 - begin).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(line: usize, status: Option<u16>, body: Option<&str>) -> Sighting {
        let mut piece = Sighting::new(Form::Json, (line, line), body.unwrap_or_default());
        (piece.status, piece.body) = (status, body.map(str::to_owned));
        piece
    }

    #[test]
    fn a_status_and_a_body_are_one_failure() {
        let found = joined(vec![piece(1, Some(401), None), piece(3, None, Some(r#"{"error":"no key"}"#))], "401\n\n{}");
        assert_eq!((found.len(), found[0].status, found[0].body.is_some(), found[0].lines), (1, Some(401), true, (1, 3)));
    }

    #[test]
    fn two_errors_are_two_and_one_error_twice_is_one() {
        let first = piece(1, Some(429), Some(r#"{"error":{"message":"try again in 20s"}}"#));
        let again = piece(2, Some(429), Some(r#"{"error":{"message":"try again in 8s"}}"#));
        let other = piece(3, Some(400), Some(r#"{"error":{"message":"unknown model"}}"#));
        let found = joined(vec![first, again, other], "a\nb\nc");
        assert_eq!(found.iter().map(|known| (known.status, known.times)).collect::<Vec<_>>(), [(Some(429), 2), (Some(400), 1)]);
    }

    #[test]
    fn a_healthy_answer_beside_a_failure_is_no_failure() {
        let healthy = piece(1, Some(200), Some(r#"{"object":"list","data":[]}"#));
        let found = joined(vec![healthy.clone(), piece(2, Some(404), None)], "a\nb");
        assert_eq!(found.iter().map(|known| known.status).collect::<Vec<_>>(), [Some(404)]);
        assert_eq!(joined(vec![healthy], "a").len(), 1);
    }

    #[test]
    fn a_log_line_stands_in_place_of_a_blank_body() {
        let mut line = piece(3, Some(401), None);
        (line.form, line.text) = (Form::Log, "[ERR] token expired".to_owned());
        let found = joined(vec![piece(1, Some(401), Some("")), line], "HTTP/1.1 401\n\n[ERR] token expired");
        assert_eq!((found.len(), found[0].body.as_deref()), (1, None));
        assert!(found[0].said().contains("token expired"));
    }
}
