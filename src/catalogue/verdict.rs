//! What a rule answers: present, absent or untested, each with its reason.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a rule says about one failure mode.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It is there.
    Present(Box<Finding>),
    /// It is not there; the measurement that shows it.
    Absent(String),
    /// Nobody can say; what was missing.
    Untested(String),
}

/// How much it matters for what was asked of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Works, but something that typical clients rely on is missing or refused.
    Warning,
    /// Plain chat or plain streaming does not work here as a client would use it, or a secret leaks.
    Error,
}

/// How sure the rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// It fits, and so do other causes.
    Possible,
    /// The signature is known and nothing contradicts it.
    Likely,
    /// The control differs in only this, and repeating agrees.
    Certain,
}

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The client's settings or program.
    Client,
    /// Whoever holds or issues the key.
    Key,
    /// The gateway's operator.
    Gateway,
    /// Whoever runs what stands behind the gateway.
    Upstream,
    /// The network between here and there.
    Network,
}

/// Machine-readable particulars: `fields` (JSON pointers), `boundary_s`, `suggestions`, `retry_after_s`, `base_url`, `scheme`, …
pub type Details = Map<String, Value>;

/// A failure mode that is there, with the evidence.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was measured, in numbers; one or two sentences without adjectives.
    pub because: String,
    /// What it means for whoever uses this endpoint; one sentence.
    pub consequence: String,
    /// The exchanges that show it, the most telling first: its request becomes the curl line.
    pub cites: Vec<String>,
    /// How much it matters.
    pub severity: Severity,
    /// How sure the rule is.
    pub certainty: Certainty,
    /// Who must act.
    pub blame: Blame,
    /// Actions that follow from this very evidence, before the mode's own.
    pub fix: Vec<String>,
    /// Machine-readable particulars.
    pub details: Details,
}

impl Finding {
    /// A finding with everything that no rule may leave out.
    pub fn new(severity: Severity, certainty: Certainty, blame: Blame, because: impl Into<String>) -> Self {
        Finding {
            because: because.into(),
            consequence: String::new(),
            cites: Vec::new(),
            severity,
            certainty,
            blame,
            fix: Vec::new(),
            details: Details::new(),
        }
    }

    /// Says what it means for whoever uses the endpoint.
    pub fn so(mut self, consequence: impl Into<String>) -> Self {
        self.consequence = consequence.into();
        self
    }

    /// Names exchanges that show it.
    pub fn cite<'a>(mut self, exchanges: impl IntoIterator<Item = &'a crate::evidence::Exchange>) -> Self {
        for exchange in exchanges {
            if !self.cites.contains(&exchange.id) {
                self.cites.push(exchange.id.clone());
            }
        }
        self
    }

    /// Adds an action.
    pub fn fix(mut self, action: impl Into<String>) -> Self {
        self.fix.push(action.into());
        self
    }

    /// Adds a machine-readable particular.
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Wraps it.
    pub fn present(self) -> Verdict {
        Verdict::Present(Box::new(self))
    }
}

impl Verdict {
    /// The mode is not there, and this shows it.
    pub fn absent(because: impl Into<String>) -> Self {
        Verdict::Absent(because.into())
    }

    /// Nobody can say; what was missing.
    pub fn untested(missing: impl Into<String>) -> Self {
        Verdict::Untested(missing.into())
    }
}
