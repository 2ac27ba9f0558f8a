//! Which failure modes a sighting points at, how strongly, and why.

use std::borrow::Cow;

use crate::catalogue::{self, Certainty, FailureMode, Severity};
use crate::diagnosis;
use crate::dialect::{self, ErrorFacts, Reading};
use crate::evidence::{Dialect, Evidence, Exchange, KeyFacts, SCHEMA, Scheme, Subject};
use crate::facts::{self, ErrorText, Scene, Sign, Strength};

use super::answer::{Answer, NEEDS_THE_END, answer, disguise, is_answer, is_sound, lack_of_a_call};
use super::{Form, Sighting, alike};

/// A failure mode that a sighting points at.
#[derive(Clone)]
pub struct Candidate {
    /// The mode.
    pub mode: &'static FailureMode,
    /// How strongly: from 5 on it is likely, unless another one weighs nearly as much; below 1 nothing is said.
    pub weight: f64,
    /// What points at it, the strongest first.
    pub reasons: Vec<String>,
    /// What it stands on.
    pub grounds: Grounds,
}

/// What a candidate stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grounds {
    /// Words, signs or rules point at it.
    Shown,
    /// They do, but real failures like this one mostly turned out to be something else.
    Doubted,
    /// Nothing that is shown points at it: it looks like the likeliest mode, or real failures like this one turned out to be it.
    Alike,
}

/// What a sighting says, and what it points at.
pub struct Weighed {
    /// The error, as it was unwrapped.
    pub error: ErrorFacts,
    /// What its words mean, best first.
    pub causes: Vec<facts::Reading>,
    /// The modes, the likeliest first.
    pub candidates: Vec<Candidate>,
}

/// From this weight on a mode is likely, unless another one weighs as much.
pub const LIKELY: f64 = 5.0;
/// Below this weight nothing is said.
pub const MENTIONED: f64 = 1.0;

/// Weighs what a sighting says.
pub fn weigh(sighting: &Sighting) -> Weighed {
    weigh_shown(sighting, sighting.exchange("s1"))
}

/// Weighs what a sighting says, with the exchange that it shows.
pub fn weigh_shown(sighting: &Sighting, exchange: Option<Exchange>) -> Weighed {
    let error = error(sighting, exchange.as_ref());
    let text = text(&error, sighting);
    let sound = is_sound(exchange.as_ref());
    let answered = sound || is_answer(sighting);
    let causes = if answered { Vec::new() } else { facts::read_error(&text) };
    let mut scale = Scale::default();
    scale.words(&causes);
    let told = told(sighting, answered);
    let message = if answered { "" } else { text.message };
    scale.signs(sighting, ErrorText { raw: &told, message, ..text });
    if sound {
        scale.pans.retain(|pan| !is_about_pieces(pan.mode.id));
    }
    scale.frame(sighting, &causes);
    scale.hint(sighting, &causes);
    if let Some(answer) = answer(sighting, exchange, &causes) {
        scale.rules(answer);
    }
    let causes = if !answered && scale.is_silent() { scale.around(sighting, text, causes) } else { causes };
    let candidates = alike::joined(scale.candidates(), sighting, &error, answered);
    Weighed { causes, candidates, error }
}

fn error(sighting: &Sighting, exchange: Option<&Exchange>) -> ErrorFacts {
    match exchange.map(dialect::read) {
        Some(Reading::Error(error)) => *error,
        Some(Reading::Stream(stream)) if stream.error.is_some() => *stream.error.expect("it is there"),
        _ => dialect::error::read(sighting.status.unwrap_or_default(), "", sighting.said().as_bytes()),
    }
}

fn text<'a>(error: &'a ErrorFacts, sighting: &'a Sighting) -> ErrorText<'a> {
    let status = error.inner_status.or(sighting.status);
    ErrorText {
        status,
        code: error.code.as_deref(),
        kind: error.kind.as_deref(),
        param: error.param.as_deref(),
        message: &error.message,
        headers: &sighting.headers,
        raw: sighting.said(),
    }
}

/// Everything that was pasted, without the heads of messages (a header's name is no sign by itself), and without what a model says.
fn told(sighting: &Sighting, answered: bool) -> Cow<'_, str> {
    let has_heads = matches!(sighting.form, Form::Curl | Form::Http);
    let text = if has_heads { Cow::Owned(without_heads(sighting)) } else { Cow::Borrowed(sighting.text.as_str()) };
    match &sighting.body {
        Some(body) if answered => Cow::Owned(text.replace(body.trim(), "")),
        _ => text,
    }
}

/// The lines that are no header: neither marked by curl nor named as one of the answer's.
fn without_heads(sighting: &Sighting) -> String {
    let is_header = |line: &str| {
        let name = line.trim_start().split_once(':').map_or("", |(name, _)| name);
        let marked = ["< ", "> "].iter().any(|mark| name.starts_with(mark));
        marked || sighting.header(&name.to_ascii_lowercase()).is_some()
    };
    sighting.text.lines().filter(|line| !is_header(line)).flat_map(|line| [line, "\n"]).collect()
}

/// Modes that the pieces of a stream show, where neither its kind of content nor its request does.
fn is_about_pieces(mode: &str) -> bool {
    matches!(
        mode,
        "stream-malformed"
            | "stream-missing-done"
            | "stream-no-finish-reason"
            | "stream-breaks-client"
            | "stream-truncated"
            | "stream-compressed"
    )
}

#[derive(Default)]
struct Scale {
    pans: Vec<Pan>,
}

struct Pan {
    mode: &'static FailureMode,
    reasons: Vec<(f64, String)>,
}

impl Scale {
    fn put(&mut self, mode: &str, weight: f64, reason: String) {
        let Some(mode) = catalogue::mode(mode) else { return };
        match self.pans.iter_mut().find(|pan| pan.mode.id == mode.id) {
            Some(pan) => pan.reasons.push((weight, reason)),
            None => self.pans.push(Pan { mode, reasons: vec![(weight, reason)] }),
        }
    }

    fn words(&mut self, causes: &[facts::Reading]) {
        for (place, reading) in causes.iter().enumerate() {
            let Some(meaning) = facts::meaning(reading.cause) else { continue };
            let share = weight(reading.strength) * 0.9_f64.powi(place as i32);
            for (rank, mode) in meaning.modes.iter().enumerate() {
                let reason = if rank == 0 {
                    said(reading)
                } else {
                    format!("such words can mean this as well ({}, {})", reading.row, reading.source)
                };
                self.put(mode, share * [1.0, 0.4, 0.25, 0.15][rank.min(3)], reason);
            }
        }
    }

    fn signs(&mut self, sighting: &Sighting, error: ErrorText) {
        let media_type =
            sighting.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
        let scene = Scene { error, url: sighting.url.as_deref().unwrap_or_default(), stream: sighting.streams(), media_type: &media_type };
        for sign in facts::signs(&scene) {
            // A client that gave up has no status to show.
            let answered = sign.mode == "client-timeout-too-short" && sighting.status.is_some_and(|status| status != 499);
            let share = if answered { STRAIGHT / 3.0 } else { STRAIGHT };
            self.put(sign.mode, weight(sign.strength) * share, format!("the sign “{}” ({})", sign.row.replace('-', " "), sign.source));
        }
        if error.raw.len() <= LONGEST_TALE {
            let hearsay = facts::hearsay(&scene);
            hearsay.iter().for_each(|sign| self.hear(sign));
        }
    }

    /// Takes somebody's word for a mode.
    fn hear(&mut self, sign: &Sign) {
        self.put(
            sign.mode,
            weight(sign.strength).min(HEARD),
            format!("what is told of it: “{}” ({})", sign.row.replace('-', " "), sign.source),
        );
    }

    /// What head and words of an answer show together.
    fn frame(&mut self, sighting: &Sighting, causes: &[facts::Reading]) {
        if !sighting.asks_stream() || sighting.status.is_none_or(|status| status >= 300) {
            return;
        }
        let whole_head = ["date", "server", "transfer-encoding"].iter().filter(|name| sighting.header(name).is_some()).count() >= 2;
        if whole_head && sighting.header("content-type").is_none() {
            self.put("stream-wrong-content-type", 5.0, "the head of the stream has no content-type".to_owned());
        }
        let prose = !sighting.said().trim_start().starts_with(['{', '[', '<']) && !sighting.said().contains("data:");
        let named = causes.first().filter(|reading| reading.strength == Strength::Strong && reading.cause != facts::Cause::UpstreamTimeout);
        if let Some(reading) = named.filter(|_| prose) {
            self.put("error-in-success", disguise(sighting, causes), format!("under a success status: {}", said(reading)));
        }
    }

    /// A limit without a word on when to come back, where the head is shown.
    fn hint(&mut self, sighting: &Sighting, causes: &[facts::Reading]) {
        let limited = causes.first().is_some_and(|reading| reading.cause == facts::Cause::RateLimited);
        let hints = sighting.headers.iter().any(|(name, _)| name.contains("retry") || name.contains("reset"));
        let says = ["second", "minute", "retry in", "try again in", "retry after"].iter().any(|word| sighting.said().contains(word));
        let shown = sighting.status == Some(429) && !sighting.headers.is_empty();
        if limited && shown && !hints && !(says && sighting.said().contains(|c: char| c.is_ascii_digit())) {
            self.put("rate-limit-no-retry-after", 10.0, "429, and neither a header nor the text says when to come back".to_owned());
        }
    }

    fn rules(&mut self, answer: Answer) {
        let Answer { partial, copied, page, spoken, .. } = answer;
        let sound = is_sound(Some(&answer.exchange));
        if answer.shapeless {
            self.put("response-malformed", 4.0, "the answer to a chat is JSON of no known shape".to_owned());
        }
        if let Some(lack) = answer.exchange.response().and_then(|response| lack_of_a_call(&response.body.bytes)) {
            self.put("stream-malformed", 5.0, lack.to_owned());
        }
        let headless = answer.exchange.response().is_none_or(|response| response.headers.is_empty());
        let evidence = evidence(answer.exchange);
        let found = diagnosis::diagnose(&evidence).findings;
        let silent = found.iter().any(|found| found.mode.id == "empty-completion");
        for found in found {
            let id = found.mode.id;
            let weight = match (id, found.finding.certainty) {
                ("error-in-success", _) => spoken,
                // Whether a key was sent is not shown.
                ("wrong-auth-scheme", _) => 2.5,
                _ if partial && NEEDS_THE_END.contains(&id) => continue,
                ("not-an-api", Certainty::Possible) if !page => continue,
                ("stream-wrong-content-type", _) if headless => continue,
                _ if sound && found.finding.severity == Severity::Info => continue,
                _ if found.explained_by.is_some() => 1.0,
                _ if copied && NEEDS_THE_END.contains(&id) => 2.5,
                ("response-malformed", _) if silent => 1.0,
                (_, Certainty::Possible) => 2.5,
                _ if found.finding.severity == Severity::Info => 2.5,
                (_, Certainty::Certain) => 7.0,
                (_, Certainty::Likely) => 5.0,
            };
            self.put(id, weight, found.finding.because);
        }
    }

    fn is_silent(&self) -> bool {
        self.pans.iter().all(|pan| pan.reasons.iter().all(|(weight, _)| *weight < MENTIONED))
    }

    /// What stands around an error that says nothing itself: a line of the gateway's log behind the body, say. Returns what its words mean.
    fn around(&mut self, sighting: &Sighting, error: ErrorText, causes: Vec<facts::Reading>) -> Vec<facts::Reading> {
        let failed = sighting.status.is_some_and(|status| status >= 400) || !error.message.is_empty();
        if !failed || is_answer(sighting) {
            return causes;
        }
        let around = ErrorText { raw: &sighting.text, ..error };
        let read = facts::read_error(&around);
        self.words(&read);
        self.signs(sighting, around);
        if read.is_empty() { causes } else { read }
    }

    fn candidates(self) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = self.pans.into_iter().map(Pan::weighed).collect();
        candidates.retain(|candidate| candidate.weight >= MENTIONED);
        candidates.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        candidates
    }
}

impl Pan {
    /// The strongest reason counts in full, every other one a third.
    fn weighed(mut self) -> Candidate {
        self.reasons.sort_by(|a, b| b.0.total_cmp(&a.0));
        let rest: f64 = self.reasons.iter().skip(1).map(|(weight, _)| weight / 3.0).sum();
        let weight = self.reasons.first().map_or(0.0, |(weight, _)| *weight) + rest;
        let reasons = self.reasons.into_iter().map(|(_, reason)| reason).collect();
        Candidate { mode: self.mode, weight, reasons, grounds: Grounds::Shown }
    }
}

/// What people say weighs no more than this: less than any clear word of an error, and never enough to be likely.
const HEARD: f64 = 4.4;
/// Longer texts (bytes) are no tale of one failure, and hold any word somewhere.
pub const LONGEST_TALE: usize = 4000;
/// A sign points straight at a mode, where words may mean several.
const STRAIGHT: f64 = 1.125;

fn weight(strength: Strength) -> f64 {
    match strength {
        Strength::Strong => 8.0,
        Strength::Medium => 4.0,
        Strength::Weak => 1.5,
    }
}

/// What the words mean, and where words like these were documented or seen.
fn said(reading: &facts::Reading) -> String {
    let says = facts::meaning(reading.cause).map_or("something failed", |meaning| &meaning.says);
    format!("the words say that {says} ({}, {})", reading.row, reading.source)
}

/// The dialect that a URL belongs to, by its route or its base.
fn dialect(url: &str) -> Dialect {
    let google = url.contains("/v1beta/") && !url.contains("/openai/");
    Dialect::of(url).unwrap_or(if google { Dialect::GoogleGenerate } else { Dialect::default() })
}

fn evidence(exchange: Exchange) -> Evidence {
    Evidence {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: String::new(),
        started_unix: 0.0,
        duration_ms: exchange.total_ms(),
        subject: Subject {
            model: exchange.model().map(str::to_owned),
            dialect: dialect(&exchange.request.url).name().to_owned(),
            // A paste hides the key; that none was sent is for the error to say.
            key: KeyFacts { present: true, scheme: Some(Scheme::Bearer), ..KeyFacts::default() },
            ..Subject::default()
        },
        exchanges: vec![exchange],
        skips: Vec::new(),
        interrupted: false,
    }
}
