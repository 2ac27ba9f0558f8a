//! A request before it is sent: which question, to where, with which key and body.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use url::Url;

use crate::dialect::openai_chat::{CONTROL_COUNT, MODELS};
use crate::dialect::requests;
use crate::evidence::{Ask, Credential, Dialect};
use crate::target::{Target, join};

/// A request before it is sent.
#[derive(Debug, Clone)]
pub struct Question {
    /// What it asks the target to show.
    pub ask: Ask,
    /// `GET` or `POST`.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// The JSON body.
    pub body: Option<Value>,
    /// How it identifies itself.
    pub credential: Credential,
    /// Headers beyond the usual ones; they win over them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Overrides [`crate::pace::Pace::total`].
    pub patience: Option<Duration>,
}

impl Question {
    /// The model list of the target.
    pub fn models(ask: Ask, target: &Target) -> Self {
        Question::get(ask, target.base.route(MODELS), given(target)).spoken(target.dialect)
    }

    /// A chat with the target, in its dialect.
    pub fn chat(ask: Ask, target: &Target, body: Value) -> Self {
        let (url, body) = requests::addressed(target.dialect, &target.base.route(target.dialect.route()), body);
        Question::post(ask, url, given(target), body).spoken(target.dialect)
    }

    /// The control: nothing beyond what the dialect demands.
    pub fn control(target: &Target, model: &str) -> Self {
        Question::chat(Ask::Chat, target, requests::count(target.dialect, model, CONTROL_COUNT))
    }

    /// A list or a one-word chat at another base: whether something answers there.
    pub fn at_base(ask: Ask, base: &Url, dialect: Dialect, credential: Credential, model: Option<&str>) -> Self {
        let question = match model {
            Some(model) => {
                let (url, body) = requests::addressed(dialect, &join(base, dialect.route()), requests::short(dialect, model));
                Question::post(ask, url, credential, body)
            }
            None => Question::get(ask, join(base, MODELS), credential),
        };
        question.spoken(dialect)
    }

    /// The same with the headers that the dialect demands.
    pub fn spoken(mut self, dialect: Dialect) -> Self {
        let headers = dialect.headers().iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        self.headers.extend(headers);
        self
    }

    /// A GET.
    pub fn get(ask: Ask, url: Url, credential: Credential) -> Self {
        Question { ask, method: Method::GET, url, body: None, credential, headers: Vec::new(), patience: None }
    }

    /// A POST of JSON.
    pub fn post(ask: Ask, url: Url, credential: Credential, body: Value) -> Self {
        Question { ask, method: Method::POST, url, body: Some(body), credential, headers: Vec::new(), patience: None }
    }

    /// The same with another credential.
    pub fn with_credential(mut self, credential: Credential) -> Self {
        self.credential = credential;
        self
    }

    /// The same with one more header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// True when a stream is asked for.
    pub fn streamed(&self) -> bool {
        let asked = self.body.as_ref().and_then(|body| body.get("stream")).and_then(Value::as_bool);
        asked.unwrap_or_else(|| Dialect::model_of(self.url.as_str()).is_some_and(|(_, streamed)| streamed))
    }
}

/// The key as typed, if there is one.
pub fn given(target: &Target) -> Credential {
    match target.auth.key {
        Some(_) => Credential::Given(target.auth.scheme),
        None => Credential::None,
    }
}
