//! Evidence written by hand: what a run would have recorded.

use llmdoctor::evidence::{Ask, Evidence, Exchange, Outcome, Request, SCHEMA, Subject, Via};

/// A run that holds these exchanges, numbered in their order.
pub fn evidence(subject: Subject, exchanges: impl IntoIterator<Item = Exchange>) -> Evidence {
    let numbered = exchanges.into_iter().enumerate();
    Evidence {
        schema: SCHEMA.into(),
        version: "0".into(),
        started_at: "2026-01-01T00:00:00Z".into(),
        started_unix: 1_767_225_600.0,
        duration_ms: 1000.0,
        subject,
        exchanges: numbered.map(|(index, exchange)| Exchange { id: format!("e{}", index + 1), ..exchange }).collect(),
        skips: Vec::new(),
        interrupted: false,
    }
}

/// An exchange that was asked once; it has no number yet.
pub fn exchange(ask: Ask, request: Request, outcome: Outcome) -> Exchange {
    Exchange {
        id: String::new(),
        probe: "test".into(),
        ask,
        via: Via::Gateway,
        attempt: 1,
        at_ms: 0.0,
        request,
        steps: Vec::new(),
        outcome,
    }
}
