//! An exchange that was just recorded, read: what the rungs decide by.

use std::rc::Rc;

use crate::dialect::{self, Completion, Reading};
use crate::evidence::{Exchange, FaultKind};
use crate::facts::{self, Cause};

use super::Question;

/// An exchange that was just recorded, read.
#[derive(Clone)]
pub struct Asked {
    /// The exchange.
    pub exchange: Rc<Exchange>,
    /// What its answer is.
    pub reading: Rc<Reading>,
    /// What its error means, best first.
    pub causes: Rc<[facts::Reading]>,
}

impl Asked {
    pub(super) fn new(exchange: Exchange) -> Self {
        let reading = dialect::read(&exchange);
        let causes = dialect::causes(&exchange, &reading);
        Asked { exchange: Rc::new(exchange), reading: Rc::new(reading), causes: causes.into() }
    }

    /// The model answered: a completion or a stream, without an error in it.
    pub fn answered(&self) -> bool {
        let fine = self.exchange.status().is_some_and(|status| (200..300).contains(&status));
        fine && match &*self.reading {
            Reading::Completion(_) => true,
            Reading::Stream(stream) => stream.error.is_none() && !stream.dialect.is_empty(),
            _ => false,
        }
    }

    /// The completion, if the answer is one.
    pub fn completion(&self) -> Option<&Completion> {
        match &*self.reading {
            Reading::Completion(completion) => Some(completion),
            _ => None,
        }
    }

    /// The best reading of the error is one of these.
    pub fn caused_by(&self, causes: &[Cause]) -> bool {
        self.causes.first().is_some_and(|reading| causes.contains(&reading.cause))
    }

    /// A limit or a cooldown: says "not now" and nothing about the question.
    pub fn is_limit(&self) -> bool {
        let hard = [Cause::CreditsExhausted, Cause::QuotaExhausted];
        let limits = [Cause::RateLimited, Cause::ConcurrencyLimited, Cause::NoDeployment];
        self.caused_by(&limits) || (self.exchange.status() == Some(429) && !self.caused_by(&hard))
    }

    /// A server error or a fault: may pass the next time.
    pub fn is_shaky(&self) -> bool {
        let fault =
            self.exchange.fault_kind().is_some_and(|kind| !matches!(kind, FaultKind::Unsendable | FaultKind::NotTls | FaultKind::NotHttp));
        fault || self.exchange.status().is_some_and(|status| status >= 500 || status == 408)
    }

    /// Our own patience ended.
    pub fn out_of_patience(&self) -> bool {
        matches!(self.exchange.fault_kind(), Some(FaultKind::NoAnswer | FaultKind::Unfinished | FaultKind::Stalled))
    }

    /// What makes two failures the same: status, code, kind of fault, and what the error means.
    pub fn signature(&self) -> (Option<u16>, Option<String>, Option<FaultKind>, Option<Cause>) {
        let code = match &*self.reading {
            Reading::Error(error) => error.code.clone(),
            _ => None,
        };
        (self.exchange.status(), code, self.exchange.fault_kind().cloned(), self.causes.first().map(|reading| reading.cause))
    }

    /// Completion tokens as the answer counts them.
    pub fn completion_tokens(&self) -> Option<u64> {
        match &*self.reading {
            Reading::Completion(completion) => completion.usage.completion,
            Reading::Stream(stream) => stream.usage.completion,
            _ => None,
        }
    }

    /// Characters of text and reasoning.
    pub fn text_len(&self) -> usize {
        match &*self.reading {
            Reading::Completion(completion) => completion.text.len() + completion.reasoning.len(),
            Reading::Stream(stream) => stream.text.len() + stream.reasoning.len(),
            _ => 0,
        }
    }

    /// Where a 307 or 308 within the origin leads.
    pub(super) fn same_origin_redirect(&self, question: &Question) -> Option<url::Url> {
        let response = self.exchange.response()?;
        let keeps_method = matches!(response.status, 307 | 308);
        let url = question.url.join(response.header("location")?).ok()?;
        (keeps_method && url.origin() == question.url.origin() && url != question.url).then_some(url)
    }
}
