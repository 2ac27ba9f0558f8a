//! One request and what came of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Body, Dialect, Fault, FaultKind};

/// One request and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exchange {
    /// `e1`, `e2`, … in the order in which the requests began.
    pub id: String,
    /// The rung that asked.
    pub probe: String,
    /// The question.
    pub ask: Ask,
    /// Who was asked.
    #[serde(default)]
    pub via: Via,
    /// 1 for the first time this very request was sent, 2 for its repetition, and so on.
    pub attempt: u32,
    /// When the request began, in milliseconds after the run did.
    pub at_ms: f64,
    /// What was sent.
    pub request: Request,
    /// Times of DNS, TCP and TLS, only on [`Ask::Connect`], in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What came of it.
    pub outcome: Outcome,
}

/// A step of opening a connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    /// `dns`, `tcp`, `proxy` (asking it to open the way) or `tls`.
    pub kind: String,
    /// The name or address that the step was about.
    pub target: String,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// What it gave: addresses, the TLS version and the certificate's subject and end. Empty on failure.
    pub gave: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// What a request asks the target to show. The request itself holds the particulars (which name, base, scheme, fields).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Open a connection, nothing more.
    Connect,
    /// The model list, with the key as given.
    Models,
    /// The model list without a key.
    ModelsNoKey,
    /// The model list with a garbage key.
    ModelsGarbageKey,
    /// The control: plain chat with the exact model name, `model` and `messages` only.
    Chat,
    /// The same, streamed.
    ChatStream,
    /// The same stream again, with `Accept-Encoding: identity`.
    ChatStreamIdentity,
    /// A stream of an answer two to ten times as long, to tell buffering from slow beginnings.
    ChatStreamLong,
    /// The same stream again, with `X-Accel-Buffering: no` in the request.
    ChatStreamUnbuffered,
    /// The control again with `"stream": false` said.
    ChatStreamFalse,
    /// The control with a name that no server has.
    NonsenseModel,
    /// The control with a name from the list that is close to the wanted one.
    NearModel,
    /// The control with another chat model of the list.
    OtherModel,
    /// The control without a key.
    ChatNoKey,
    /// The control with a garbage key.
    ChatGarbageKey,
    /// The control with the key in another header.
    OtherScheme,
    /// The control with the key stripped of blanks, quotes and `Bearer`.
    TrimmedKey,
    /// The control at another base URL.
    OtherBase,
    /// The same model on another route of the same base (`/responses`, `/messages`, `/completions`, `/embeddings`).
    OtherRoute,
    /// The control with another User-Agent, when the answer looks like bot protection.
    OtherAgent,
    /// The control with more fields: what typical clients send, or the client's own body.
    Fields,
    /// The control with fields that some clients send, or in some settings only.
    RareFields,
    /// A question that forces a tool call, streamed.
    ChatStreamTools,
    /// The same, not streamed, when its stream looks wrong.
    ChatTools,
    /// A question whose answer must be JSON of a given schema, streamed.
    ChatStreamJson,
    /// The same, not streamed, when its stream looks wrong.
    ChatJson,
    /// The control with a field whose effect shows in the answer.
    Effect,
    /// A question about a picture, with it or without it.
    Picture,
    /// What a known client sends, or what several send together.
    Client,
    /// The client's own request with as many tools and bytes as it really has, when its shape was answered.
    FullSize,
    /// A long answer, not streamed.
    SweepChat,
    /// A long answer, streamed.
    SweepStream,
    /// One of many small chats sent at once.
    Burst,
}

/// Who was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The target of the run.
    #[default]
    Gateway,
    /// The upstream behind it, asked directly.
    Upstream,
}

/// What was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// The whole URL; credentials in it are blanked.
    pub url: String,
    /// The headers that matter, lower-case names, without credentials.
    pub headers: Vec<(String, String)>,
    /// The JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// How the request identified itself.
    pub credential: Credential,
}

/// How a request identified itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credential {
    /// No key was sent.
    None,
    /// The key as typed, this way.
    Given(Scheme),
    /// The key stripped of blanks, quotes and `Bearer`, this way.
    Trimmed(Scheme),
    /// A key that cannot be valid, this way.
    Garbage(Scheme),
}

/// The header (or parameter) that carries the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// `Authorization: Bearer …`
    Bearer,
    /// `x-api-key: …`
    XApiKey,
    /// `api-key: …`
    ApiKey,
    /// `x-goog-api-key: …`
    XGoogApiKey,
}

impl Scheme {
    /// Every scheme, the usual one first.
    pub const ALL: [Scheme; 4] = [Scheme::Bearer, Scheme::XApiKey, Scheme::ApiKey, Scheme::XGoogApiKey];

    /// The header's name, lower case.
    pub fn header(self) -> &'static str {
        match self {
            Scheme::Bearer => "authorization",
            Scheme::XApiKey => "x-api-key",
            Scheme::ApiKey => "api-key",
            Scheme::XGoogApiKey => "x-goog-api-key",
        }
    }

    /// The header's value for this key.
    pub fn value(self, key: &str) -> String {
        match self {
            Scheme::Bearer => format!("Bearer {key}"),
            _ => key.to_owned(),
        }
    }
}

/// What came of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The connection stands; nothing was asked ([`Ask::Connect`] only).
    Connected,
    /// An answer began.
    Response(Response),
    /// No answer began.
    Fault(Fault),
}

/// An answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2.0`, …
    pub version: String,
    /// The headers in order, lower-case names, scrubbed.
    pub headers: Vec<(String, String)>,
    /// When the head had arrived, in milliseconds after the request began.
    pub headers_ms: f64,
    /// The body.
    pub body: Body,
    /// How the body ended: `None` for a clean end as HTTP's framing sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Fault>,
    /// True when we stopped reading because the stream had announced its end and the connection stayed open.
    #[serde(default)]
    pub left_open: bool,
    /// When the exchange was over, in milliseconds after the request began.
    pub total_ms: f64,
}

impl Response {
    /// The first header of this (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The media type without parameters, lower case; empty when there is none.
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

impl Exchange {
    /// The answer, if one began.
    pub fn response(&self) -> Option<&Response> {
        match &self.outcome {
            Outcome::Response(response) => Some(response),
            _ => None,
        }
    }

    /// The fault that kept an answer from beginning, or that cut it.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.outcome {
            Outcome::Fault(fault) => Some(fault),
            Outcome::Response(response) => response.cut.as_ref(),
            Outcome::Connected => None,
        }
    }

    /// The kind of [`Exchange::fault`].
    pub fn fault_kind(&self) -> Option<&FaultKind> {
        self.fault().map(|fault| &fault.kind)
    }

    /// The status code, if an answer began.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status)
    }

    /// How long it took in all, in milliseconds.
    pub fn total_ms(&self) -> f64 {
        match &self.outcome {
            Outcome::Response(response) => response.total_ms,
            Outcome::Fault(fault) => fault.at_ms,
            Outcome::Connected => self.steps.iter().map(|step| step.took_ms).sum(),
        }
    }

    /// Time to the first byte of the answer's head, in milliseconds.
    pub fn ttfb_ms(&self) -> Option<f64> {
        self.response().map(|response| response.headers_ms)
    }

    /// The model name that was sent.
    pub fn model(&self) -> Option<&str> {
        let of_body = self.request.body.as_ref().and_then(|body| body.get("model")?.as_str());
        of_body.or_else(|| Dialect::model_of(&self.request.url).map(|(model, _)| model))
    }

    /// True when a stream was asked for.
    pub fn asks_stream(&self) -> bool {
        let flag = self.request.body.as_ref().and_then(|body| body.get("stream"));
        let by_address = || Dialect::model_of(&self.request.url).is_some_and(|(_, streamed)| streamed);
        flag.and_then(Value::as_bool).unwrap_or_else(by_address)
    }
}
