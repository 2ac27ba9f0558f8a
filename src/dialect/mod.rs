//! How to speak with an endpoint: building requests, and reading whatever comes back.

pub mod answer;
mod cause;
pub mod effects;
pub mod error;
#[cfg(test)]
mod fixture;
pub(crate) mod json;
pub mod long_prompt;
pub mod models;
pub mod names;
pub mod openai_chat;
mod parts;
pub mod requests;
pub mod sse;
pub mod stream;
pub mod stream_timing;
pub mod views;

pub use answer::{Completion, Usage};
pub use cause::causes;
pub use error::ErrorFacts;
pub use models::{ModelEntry, ModelList};
pub use stream::{StreamEnd, StreamFault, StreamForm, StreamReading};

use crate::evidence::Exchange;

/// What an answer turned out to be, whatever its status and its content type say.
#[derive(Debug, Clone)]
pub enum Reading {
    /// One whole chat completion (also a legacy completion, a Responses object, an Anthropic message: see [`Completion::dialect`]).
    Completion(Box<Completion>),
    /// An event stream, or something sent in a stream's place piece by piece (NDJSON, say).
    Stream(Box<StreamReading>),
    /// A model list.
    Models(ModelList),
    /// A refusal: a status of 400 or more, or an error object under a status below 400.
    Error(Box<ErrorFacts>),
    /// An HTML page; its title.
    Page(Option<String>),
    /// A redirect; its `Location`, scrubbed.
    Redirect(Option<String>),
    /// JSON of no known shape; its top-level keys.
    Json(Vec<String>),
    /// Neither JSON nor HTML nor a stream; its beginning.
    Text(String),
    /// A body of no bytes.
    Empty,
    /// No answer began.
    Nothing,
}

/// Reads an exchange. It never fails: what cannot be understood is [`Reading::Json`] or [`Reading::Text`].
pub fn read(exchange: &Exchange) -> Reading {
    let Some(response) = exchange.response() else { return Reading::Nothing };
    answer::read(exchange, response)
}
