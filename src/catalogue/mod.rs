//! The failure modes: one file each, with all of its text and its rule; `CATALOGUE` is the table of them.

mod address;
mod auth;
mod bodies;
mod case;
mod docs;
mod limits;
mod naming;
mod reach;
mod streams;
mod timing;
mod verdict;

pub use case::{Case, Shown, Trial, signature};
pub use docs::markdown;
pub use verdict::{Blame, Certainty, Details, Finding, Severity, Verdict};

/// One failure mode: what people see, why it happens, what helps, and the rule that recognises it.
pub struct FailureMode {
    /// Kebab-case; equals the file's name.
    pub id: &'static str,
    /// A headline that names the bad thing, without a full stop.
    pub title: &'static str,
    /// The family: `reach`, `address`, `key`, `model`, `body`, `edge`, `limits`, `stream`, `answer`, `time`, `gateway`.
    pub family: &'static str,
    /// What people see in their client.
    pub symptom: &'static str,
    /// Why it happens, and how it is told from its neighbours.
    pub cause: &'static str,
    /// What helps, one action each, for whoever must act; shown after the actions that a finding names itself.
    pub fix: &'static [&'static str],
    /// Public threads and pages with real cases.
    pub references: &'static [&'static str],
    /// Modes that are consequences of this one: they stand below it when both are found.
    pub explains: &'static [&'static str],
    /// The rule. Pure: evidence in, verdict out.
    pub diagnose: fn(&Case) -> Verdict,
}

/// Every failure mode, by family.
pub const CATALOGUE: &[&FailureMode] = &[
];

/// The failure mode of this id.
pub fn mode(id: &str) -> Option<&'static FailureMode> {
    CATALOGUE.iter().copied().find(|mode| mode.id == id)
}
