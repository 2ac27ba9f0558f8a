//! What answered and refused requests say about requests that were never sent.

use crate::evidence::Dialect;

use super::traits::Traits;

/// What was seen of one kind of request: who asks where, and in which way the answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The dialect, and with it the route.
    pub dialect: Dialect,
    /// True when a stream is asked for.
    pub streamed: bool,
}

/// Requests that were answered or refused, by what they had.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    kind: Kind,
    traits: Traits,
    answered: bool,
    id: String,
}

/// What the ledger says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forecast {
    /// A request that had everything of it was answered: this one.
    Passes(String),
    /// A request that had nothing beyond it was refused: this one, the smallest of them.
    Fails(String),
    /// Nothing was sent that tells.
    Open,
}

impl Ledger {
    /// Enters a request that was sent, under the id of its exchange.
    pub fn enter(&mut self, kind: Kind, mut traits: Traits, answered: bool, id: &str) {
        if !answered && are_plain(&traits) {
            // Nothing can have less than the plainest request: whatever else goes this way is refused as well.
            traits.retain(|one| one.starts_with("/stream"));
        }
        self.rows.push(Row { kind, traits, answered, id: id.to_owned() });
    }

    /// What would become of a request. An answer to more outweighs a refusal of less.
    pub fn forecast(&self, kind: Kind, traits: &Traits) -> Forecast {
        let alike = || self.rows.iter().filter(|row| row.kind.dialect == kind.dialect);
        let more = |row: &&Row| row.answered && row.kind.streamed == kind.streamed && row.traits.is_superset(traits);
        if let Some(row) = alike().find(more) {
            return Forecast::Passes(row.id.clone());
        }
        // What is refused without a stream is refused with one, unless the stream is what is wanted.
        let wanted = |row: &&Row| row.kind.streamed == kind.streamed || !self.streams_only(kind.dialect);
        let less = alike().filter(|row| !row.answered && row.traits.is_subset(traits)).filter(wanted);
        less.min_by_key(|row| row.traits.len()).map_or(Forecast::Open, |row| Forecast::Fails(row.id.clone()))
    }

    /// Only streams were answered in this dialect.
    fn streams_only(&self, dialect: Dialect) -> bool {
        let answered =
            |streamed: bool| self.rows.iter().any(|row| row.answered && row.kind.dialect == dialect && row.kind.streamed == streamed);
        answered(true) && !answered(false)
    }
}

/// Nothing in these goes beyond the plainest request of a dialect: the question, and the bound of the answer that some demand.
pub fn are_plain(traits: &Traits) -> bool {
    const PLAIN: [&str; 6] = ["/messages/user", "/messages/user/content", "/max_tokens", "/max_tokens>=256", "/stream", "/stream=true"];
    traits.iter().all(|one| PLAIN.contains(&one.as_str()) || one == "/stream=false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_refuses_the_plainest_request_refuses_every_other() {
        let kind = Kind { dialect: Dialect::AnthropicMessages, streamed: false };
        let mut ledger = Ledger::default();
        ledger.enter(kind, set(&["/messages/user", "/messages/user/content", "/max_tokens", "/max_tokens>=256"]), false, "e1");
        let other = set(&["/messages/user", "/messages/user/content[]", "/max_tokens"]);
        assert_eq!(ledger.forecast(kind, &other), Forecast::Fails("e1".into()));
        let mut streams = Ledger::default();
        streams.enter(Kind { streamed: true, ..kind }, set(&["/messages/user", "/stream", "/stream=true"]), false, "e1");
        assert_eq!(streams.forecast(kind, &other), Forecast::Open);
    }

    fn set(names: &[&str]) -> Traits {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_answer_clears_what_has_less_and_a_refusal_dooms_what_has_more() {
        let kind = Kind { dialect: Dialect::OpenaiChat, streamed: true };
        let mut ledger = Ledger::default();
        ledger.enter(kind, set(&["/tools", "/user"]), true, "e1");
        ledger.enter(kind, set(&["/store"]), false, "e2");
        assert_eq!(ledger.forecast(kind, &set(&["/tools"])), Forecast::Passes("e1".into()));
        assert_eq!(ledger.forecast(kind, &set(&["/store", "/tools"])), Forecast::Fails("e2".into()));
        assert_eq!(ledger.forecast(kind, &set(&["/top_p"])), Forecast::Open);
        let other = Kind { dialect: Dialect::OpenaiResponses, ..kind };
        assert_eq!(ledger.forecast(other, &set(&["/tools"])), Forecast::Open);
    }
}
