//! What an answer's error means: the error as it was unwrapped, put before the facts.

use crate::evidence::Exchange;
use crate::facts;

use super::{ErrorFacts, Reading};

/// What the error of an answer means, best first; empty without an error or when its text decides nothing.
pub fn causes(exchange: &Exchange, reading: &Reading) -> Vec<facts::Reading> {
    let error = match reading {
        Reading::Error(error) => error,
        Reading::Stream(stream) => match &stream.error {
            Some(error) => error,
            None => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let headers = exchange.response().map(|response| response.headers.as_slice()).unwrap_or_default();
    facts::read_error(&text(error, headers))
}

fn text<'a>(error: &'a ErrorFacts, headers: &'a facts::Headers) -> facts::ErrorText<'a> {
    facts::ErrorText {
        status: Some(error.inner_status.unwrap_or(error.status)),
        code: error.code.as_deref(),
        kind: error.kind.as_deref(),
        param: error.param.as_deref(),
        message: &error.message,
        headers,
        raw: &error.raw,
    }
}
