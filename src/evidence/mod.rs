//! What was asked and what came back: plain data, complete enough to be diagnosed again without a network.

mod body;
mod dialect;
mod exchange;
mod fault;
mod session;

pub use body::{Arrival, Body, Encoding};
pub use dialect::Dialect;
pub use exchange::{Ask, Credential, Exchange, Outcome, Request, Response, Scheme, Step, Via};
pub use fault::{CertificateFault, Fault, FaultKind};
pub use session::{Captured, Closed, Closer, Header, NoSession, SESSION_SCHEMA, Sent, Session};

use serde::{Deserialize, Serialize};

/// The format of a saved run.
pub const SCHEMA: &str = "llmdoctor.evidence/1";

/// One run: what it was about, every exchange in the order of its start, and what was not asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Evidence {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of the program that collected it.
    pub version: String,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// The same moment in seconds since 1970, for comparisons with `Date` headers.
    pub started_unix: f64,
    /// How long the run took, in milliseconds.
    pub duration_ms: f64,
    /// What the run was about.
    pub subject: Subject,
    /// Everything that was sent and what came of it.
    pub exchanges: Vec<Exchange>,
    /// Rungs and questions that were left out, and why.
    pub skips: Vec<Skip>,
    /// True when somebody stopped the run before it was through.
    #[serde(default)]
    pub interrupted: bool,
}

/// What was typed, and the facts about it that need no network. It never holds a credential.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Subject {
    /// The base URL as typed; user info and query values are blanked.
    pub typed_base_url: String,
    /// The base URL that requests were built from.
    pub base_url: String,
    /// What is odd about the base URL as typed.
    pub base_faults: Vec<BaseFault>,
    /// The model that was asked for; `None` when none was given and none could be chosen.
    pub model: Option<String>,
    /// True when the model was chosen from the list and not typed.
    pub model_was_chosen: bool,
    /// The way of speaking, such as `openai-chat`.
    pub dialect: String,
    /// Facts about the key.
    pub key: KeyFacts,
    /// The proxy that the environment or `--proxy` puts in the way, credentials blanked.
    pub proxy: Option<String>,
    /// True when the host is a loopback address or `localhost`. Another name is taken at its word, whatever it resolves to here.
    pub loopback: bool,
    /// How long the client in question waits, in seconds, when that was said.
    pub client_timeout_s: Option<f64>,
    /// The longest answer the timeout sweep was allowed to ask for, in seconds; `None` when it was left out.
    pub sweep_max_s: Option<f64>,
    /// How long a request was given in all, in seconds.
    pub patience_s: f64,
    /// How long an answer that had begun was allowed to stay silent, in seconds.
    pub idle_s: f64,
    /// True when the client's own body was given, or a known client's own requests are replayed.
    #[serde(default)]
    pub own_body: bool,
    /// The client whose habits were replayed, when one was named.
    pub client: Option<String>,
    /// The upstream behind the target, when it was asked directly as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
}

/// What stands behind the target, as whoever runs the check says. It never holds a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// The base URL that requests were built from.
    pub base_url: String,
    /// The model that it was asked for.
    pub model: Option<String>,
    /// Facts about the key for it.
    pub key: KeyFacts,
}

/// Something odd about a base URL, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaseFault {
    /// There is no `http://` or `https://` in front.
    MissingScheme,
    /// Blanks or line ends around or inside it.
    Blanks,
    /// It ends in a slash.
    TrailingSlash,
    /// It ends in a route such as `/chat/completions`.
    PastedEndpoint,
    /// A version segment stands twice.
    DoubledVersion,
    /// Two slashes follow each other inside the path.
    DoubledSlash,
    /// It has no version segment.
    NoVersion,
    /// It carries a query or a fragment.
    Query,
    /// It carries a user name or a password.
    UserInfo,
}

/// What may be known about a key without knowing it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFacts {
    /// A key was given.
    pub present: bool,
    /// How it is sent.
    pub scheme: Option<Scheme>,
    /// The vendor prefix when it is one of the public shapes (`sk-ant-`, `gsk_`, `AIza`, …).
    pub prefix: Option<String>,
    /// What is wrong with it as typed.
    pub faults: Vec<KeyFault>,
}

/// What can be wrong with a key as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyFault {
    /// Blanks or line ends around it.
    Blanks,
    /// Quotes around it.
    Quotes,
    /// It begins with `Bearer`.
    BearerPrefix,
    /// It begins with the name of a variable and `=`.
    VariableName,
    /// It holds characters that a header cannot carry.
    NotAHeader,
    /// It is empty.
    Empty,
}

/// A rung or question that was left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Skip {
    /// The rung.
    pub probe: String,
    /// The question, when it was one of several on the rung.
    pub ask: Option<Ask>,
    /// Why, as a sentence that names what was missing.
    pub because: String,
}

impl Evidence {
    /// The exchange of this id.
    pub fn exchange(&self, id: &str) -> Option<&Exchange> {
        self.exchanges.iter().find(|exchange| exchange.id == id)
    }

    /// The same run as if the upstream had been its target, and nothing asked but what was asked of it directly; `None` when nothing was.
    pub fn of_upstream(&self) -> Option<Evidence> {
        let upstream = self.subject.upstream.clone()?;
        let direct = self.exchanges.iter().filter(|exchange| exchange.via == Via::Upstream);
        let exchanges: Vec<_> = direct.map(|exchange| Exchange { via: Via::Gateway, ..exchange.clone() }).collect();
        let subject = Subject {
            typed_base_url: upstream.base_url.clone(),
            base_url: upstream.base_url,
            base_faults: Vec::new(),
            model: upstream.model,
            key: upstream.key,
            upstream: None,
            ..self.subject.clone()
        };
        (!exchanges.is_empty()).then(|| Evidence {
            schema: self.schema.clone(),
            version: self.version.clone(),
            started_at: self.started_at.clone(),
            subject,
            exchanges,
            skips: Vec::new(),
            ..*self
        })
    }

    /// The exchanges that asked this of the gateway, in order.
    pub fn asked(&self, ask: Ask) -> impl Iterator<Item = &Exchange> {
        self.exchanges.iter().filter(move |exchange| exchange.ask == ask && exchange.via == Via::Gateway)
    }
}

/// The key of the garbage-key questions: it looks like a key, and no server can know it. It is too short to be scrubbed as a stranger's
/// credential, so that an echo of it is known for what it is.
pub const GARBAGE_KEY: &str = "sk-llmdoctor-invalid-0";
