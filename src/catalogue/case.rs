//! The evidence with every exchange read once: what rules look at.

use std::ops::Deref;

use crate::dialect::{self, Completion, ErrorFacts, ModelList, Reading, StreamReading};
use crate::evidence::{Ask, Evidence, Exchange, Subject, Via};
use crate::facts;

/// A run's evidence, read.
pub struct Case<'e> {
    /// What was recorded.
    pub evidence: &'e Evidence,
    shown: Vec<Shown<'e>>,
}

/// An exchange and what it turned out to be. Dereferences to the exchange.
#[derive(Clone)]
pub struct Shown<'e> {
    /// The exchange.
    pub exchange: &'e Exchange,
    /// What it asked; in a case that is cut out of another one, what stands in its place there.
    pub ask: Ask,
    /// What its answer is.
    pub reading: Reading,
    /// What its error means, best first; empty without an error or when the text decides nothing.
    pub causes: Vec<facts::Reading>,
}

/// One question with all its tries, oldest first.
#[derive(Clone)]
pub struct Trial<'c, 'e> {
    /// The tries.
    pub tries: Vec<&'c Shown<'e>>,
}

impl<'e> Case<'e> {
    /// Reads every exchange.
    pub fn new(evidence: &'e Evidence) -> Self {
        Case { evidence, shown: evidence.exchanges.iter().map(Shown::new).collect() }
    }

    /// The same run as if only these two questions had been asked, `chat` in place of plain chat and `stream` in place of the streamed
    /// one; `None` when the stream was not asked for. Rules about streams hold for whatever is streamed.
    pub fn recast(&self, chat: Ask, stream: Ask) -> Option<Self> {
        let place = |ask: Ask| if ask == chat { Some(Ask::Chat) } else { (ask == stream).then_some(Ask::ChatStream) };
        let kept = self.shown.iter().filter_map(|shown| Some(Shown { ask: place(shown.ask)?, ..shown.clone() }));
        let shown: Vec<_> = kept.collect();
        shown.iter().any(|shown| shown.ask == Ask::ChatStream).then_some(Case { evidence: self.evidence, shown })
    }

    /// What the run was about.
    pub fn subject(&self) -> &'e Subject {
        &self.evidence.subject
    }

    /// Every exchange with the gateway, in order.
    pub fn all(&self) -> impl Iterator<Item = &Shown<'e>> {
        self.shown.iter().filter(|shown| shown.via == Via::Gateway)
    }

    /// The exchanges with the gateway that asked this, in order.
    pub fn asked(&self, ask: Ask) -> impl Iterator<Item = &Shown<'e>> {
        self.all().filter(move |shown| shown.ask == ask)
    }

    /// Exchanges with the upstream itself that asked this, in order.
    pub fn asked_upstream(&self, ask: Ask) -> impl Iterator<Item = &Shown<'e>> {
        self.shown.iter().filter(move |shown| shown.via == Via::Upstream && shown.ask == ask)
    }

    /// The question with all its tries.
    pub fn trial(&self, ask: Ask) -> Trial<'_, 'e> {
        Trial { tries: self.asked(ask).collect() }
    }

    /// The control: plain chat, not streamed.
    pub fn chat(&self) -> Trial<'_, 'e> {
        self.trial(Ask::Chat)
    }

    /// The control, streamed.
    pub fn stream(&self) -> Trial<'_, 'e> {
        self.trial(Ask::ChatStream)
    }

    /// The model list as the key sees it.
    pub fn models(&self) -> Option<&ModelList> {
        self.asked(Ask::Models).find_map(|shown| shown.models())
    }

    /// Why a question was left out, in the words of whoever left it out.
    pub fn skipped(&self, ask: Ask) -> Option<&'e str> {
        self.evidence.skips.iter().find(|skip| skip.ask == Some(ask)).map(|skip| skip.because.as_str())
    }

    /// Exchanges with an answer or a fault that has any of these causes as its best reading.
    pub fn with_cause<'c>(&'c self, causes: &'c [facts::Cause]) -> impl Iterator<Item = &'c Shown<'e>> {
        self.all().filter(move |shown| shown.causes.first().is_some_and(|reading| causes.contains(&reading.cause)))
    }
}

impl<'e> Shown<'e> {
    fn new(exchange: &'e Exchange) -> Self {
        let reading = dialect::read(exchange);
        let causes = dialect::causes(exchange, &reading);
        Shown { exchange, ask: exchange.ask, reading, causes }
    }

    /// The whole completion, if it is one.
    pub fn completion(&self) -> Option<&Completion> {
        match &self.reading {
            Reading::Completion(completion) => Some(completion),
            _ => None,
        }
    }

    /// The streamed answer, if it is one.
    pub fn streamed(&self) -> Option<&StreamReading> {
        match &self.reading {
            Reading::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// The error: a refusal, an error under 200, or one inside the stream.
    pub fn error(&self) -> Option<&ErrorFacts> {
        match &self.reading {
            Reading::Error(error) => Some(error),
            Reading::Stream(stream) => stream.error.as_deref(),
            _ => None,
        }
    }

    /// The model list, if it is one.
    pub fn models(&self) -> Option<&ModelList> {
        match &self.reading {
            Reading::Models(list) => Some(list),
            _ => None,
        }
    }

    /// True when the model answered: a 2xx with a completion or a stream, without an error in it. Its text may still be empty or cut.
    pub fn answered(&self) -> bool {
        let fine = self.status().is_some_and(|status| (200..300).contains(&status));
        fine && match &self.reading {
            Reading::Completion(_) => true,
            Reading::Stream(stream) => stream.error.is_none() && !stream.dialect.is_empty(),
            _ => false,
        }
    }

    /// The best reading of its error.
    pub fn cause(&self) -> Option<facts::Cause> {
        self.causes.first().map(|reading| reading.cause)
    }

    /// True when its error's best reading is one of these.
    pub fn caused_by(&self, causes: &[facts::Cause]) -> bool {
        self.cause().is_some_and(|cause| causes.contains(&cause))
    }

    /// A short account for `because`: `HTTP 404 "The model … does not exist" (model_not_found)`, `connection reset after 31 ms`, …
    pub fn account(&self) -> String {
        account(self)
    }
}

impl<'e> Deref for Shown<'e> {
    type Target = Exchange;

    fn deref(&self) -> &Exchange {
        self.exchange
    }
}

impl<'c, 'e> Trial<'c, 'e> {
    /// It was asked at all.
    pub fn asked(&self) -> bool {
        !self.tries.is_empty()
    }

    /// The first try that the model answered.
    pub fn answer(&self) -> Option<&'c Shown<'e>> {
        self.tries.iter().copied().find(|shown| shown.answered())
    }

    /// The first try: of a router that hides its first error behind a cooldown, only this one tells the truth.
    pub fn first(&self) -> Option<&'c Shown<'e>> {
        self.tries.first().copied()
    }

    /// The last try.
    pub fn last(&self) -> Option<&'c Shown<'e>> {
        self.tries.last().copied()
    }

    /// It was asked and no try was answered by the model.
    pub fn failed(&self) -> bool {
        self.asked() && self.answer().is_none()
    }

    /// The first try, when no try was answered.
    pub fn failure(&self) -> Option<&'c Shown<'e>> {
        self.failed().then(|| self.first()).flatten()
    }

    /// It failed at least twice, each time in the same way (status and cause, or kind of fault), cooldowns and limits aside.
    pub fn repeats(&self) -> bool {
        let telling: Vec<_> =
            self.tries.iter().filter(|shown| !shown.caused_by(&[facts::Cause::NoDeployment, facts::Cause::RateLimited])).collect();
        let Some(first) = telling.first() else { return self.tries.len() >= 2 };
        telling.len() >= 2 && telling.iter().all(|shown| signature(shown) == signature(first))
    }
}

/// What makes two failures the same: status, code, and kind of fault.
pub fn signature(shown: &Shown) -> (Option<u16>, Option<String>, Option<String>) {
    let code = shown.error().and_then(|error| error.code.clone());
    let fault = shown.fault_kind().map(|kind| format!("{kind:?}"));
    (shown.status(), code, fault)
}

fn account(shown: &Shown) -> String {
    let status = shown.status().map(|status| format!("HTTP {status}"));
    let fault = shown.fault().map(|fault| format!("{} after {:.0} ms", fault.kind, fault.at_ms));
    let said = shown.error().map(said).filter(|text| !text.is_empty());
    [status, fault, said].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The innermost message, shortened, with its code.
fn said(error: &ErrorFacts) -> String {
    let message: String = error.message.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = message.chars().take(160).collect();
    let code = error.code.as_deref().filter(|code| *code != error.status.to_string());
    match (code, short.is_empty()) {
        (_, true) => String::new(),
        (Some(code), _) => format!("“{short}” ({code})"),
        (None, _) => format!("“{short}”"),
    }
}
