//! The answer: in one word, in one sentence, and as an exit code.

use super::rungs::NEEDED;
use super::{FailOn, Item, Outcome, Report, Rung, Status};
use crate::catalogue::Severity;

impl Report {
    /// 1 when something was found at `fail_on`; otherwise 3 when the run leaves open whether chat and streaming work; otherwise 0.
    ///
    /// With [`FailOn::Never`] a broken target exits 0, for that is an answer; a run without an answer still exits 3.
    pub fn exit_code(&self, fail_on: FailOn) -> u8 {
        let limit = match fail_on {
            FailOn::Error => Some(Severity::Error),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Never => None,
        };
        match limit {
            // What failures like a pasted one turned out to be is worth reading, and no verdict.
            Some(_) if self.seen.is_some() && self.verdict == Outcome::Inconclusive => 3,
            Some(limit) if self.worst() >= Some(limit) => 1,
            _ if !matches!(self.verdict, Outcome::Broken | Outcome::Healthy) && self.leaves_open() => 3,
            _ => 0,
        }
    }

    /// The answer in one sentence, without a full stop.
    pub fn headline(&self) -> String {
        match self.verdict {
            Outcome::Healthy => "Chat and streaming work, nothing wrong was found".to_owned(),
            Outcome::Impaired => format!("{}, but not everything: {}", self.what_works(), self.roots(Severity::Warning)),
            Outcome::Broken if self.passed("chat") && self.passed("stream") => {
                format!("{}, but: {}", self.what_works(), self.roots(Severity::Error))
            }
            Outcome::Broken => format!("{}: {}", self.what_works(), self.roots(Severity::Error)),
            Outcome::Inconclusive if self.interrupted => format!("Interrupted, no verdict: {}", self.open_questions()),
            Outcome::Inconclusive if NEEDED.iter().any(|id| self.failed(id)) => {
                format!("{}, and no known failure mode fits what came back", self.what_works())
            }
            Outcome::Inconclusive => format!("No verdict: {}", self.open_questions()),
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        match self.worst() {
            Some(Severity::Error) => Outcome::Broken,
            _ if self.interrupted => Outcome::Inconclusive,
            Some(Severity::Warning) => Outcome::Impaired,
            _ if self.leaves_open() => Outcome::Inconclusive,
            _ => Outcome::Healthy,
        }
    }

    pub(super) fn rung(&self, id: &str) -> Option<&Rung> {
        self.probes.iter().find(|rung| rung.id == id)
    }

    fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|item| item.severity).max()
    }

    fn passed(&self, id: &str) -> bool {
        self.rung(id).is_some_and(|rung| rung.status == Status::Passed)
    }

    fn failed(&self, id: &str) -> bool {
        self.rung(id).is_some_and(|rung| rung.status == Status::Failed)
    }

    fn leaves_open(&self) -> bool {
        self.interrupted || !NEEDED.iter().all(|id| self.passed(id))
    }

    fn what_works(&self) -> &'static str {
        let failed = |id| self.failed(id);
        match (self.passed("chat"), self.passed("stream")) {
            (true, true) => "Chat and streaming work",
            (true, false) if failed("stream") => "Chat works, streaming does not",
            (true, false) => "Chat works, streaming was not asked",
            (false, true) if failed("chat") => "Streaming works, plain chat does not",
            (false, true) => "Streaming works, plain chat was not asked",
            (false, false) if failed("address") => "The endpoint cannot be reached",
            (false, false) if !failed("chat") && !failed("stream") => "Chat could not be asked",
            (false, false) if self.passed("models") => "The model list loads, chat does not work",
            (false, false) if failed("models") => "Neither the model list nor chat works",
            (false, false) => "Chat does not work",
        }
    }

    /// The modes of this severity that nothing else explains, at most three by name.
    fn roots(&self, severity: Severity) -> String {
        let of = |item: &&Item| item.severity == severity && item.explained_by.is_none();
        let mut modes: Vec<_> = self.findings.iter().filter(of).map(|item| item.mode.as_str()).collect();
        if modes.is_empty() {
            modes.extend(self.findings.iter().filter(|item| item.severity == severity).map(|item| item.mode.as_str()));
        }
        let more = modes.len().saturating_sub(3);
        let named = modes[..modes.len() - more].join(", ");
        if more > 0 { format!("{named} and {more} more") } else { named }
    }

    fn open_questions(&self) -> String {
        let open: Vec<_> = NEEDED.iter().filter(|id| !self.passed(id)).map(|id| self.open_question(id)).collect();
        if open.is_empty() { "chat and streaming work, the rest was not asked".to_owned() } else { open.join(", ") }
    }

    fn open_question(&self, id: &str) -> String {
        let what = if id == "chat" { "plain chat" } else { "streamed chat" };
        let asked = self.rung(id).is_some_and(|rung| rung.status != Status::Skipped);
        format!("{what} was not {}", if asked { "answered" } else { "asked" })
    }
}
