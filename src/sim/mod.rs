//! A faulty gateway on loopback: every failure mode as literal bytes, with the pauses and resets that belong to it.
//!
//! It shares no code with the rest of the crate, so that a mistake there cannot hide itself here.

mod completion;
mod dialects;
mod gateway;
mod request;
mod scenarios;
mod script;
mod server;
#[cfg(test)]
mod tests;
mod tls;

use std::time::Duration;

use gateway::{Gateway, HEALTHY, KEY, MODEL};
use server::Front;

pub use request::Received;
pub use scenarios::{hostile, scenario, scenarios};
pub use server::Server;

/// One way in which a gateway can be broken, odd or healthy, and what a diagnosis of it must say.
pub struct Scenario {
    /// Kebab-case, unique, such as `nginx-buffers-stream`.
    pub id: &'static str,
    /// What is broken or odd, in one line.
    pub title: &'static str,
    /// The failure mode that a report must name first; `None` where no error or warning may appear.
    pub mode: Option<&'static str>,
    /// Further modes that are true here and may be reported too.
    pub also: &'static [&'static str],
    /// JSON that the finding's details must contain, or empty. A number whose name ends in `_units` is in units of simulated
    /// time; the details have it in seconds, under the same name ending in `_s`.
    pub details: &'static str,
    /// What the user types as key.
    pub key: Option<&'static str>,
    /// What the user types as model.
    pub model: Option<&'static str>,
    /// The dialect that the user's client speaks: `openai-chat`, `openai-completions`, `openai-responses`, `anthropic-messages`, `google-generate`.
    pub dialect: &'static str,
    /// The base URL that the user types, with `{addr}` or `{port}` to be filled in.
    pub base: &'static str,
    /// Headers that the user adds.
    pub headers: &'static [(&'static str, &'static str)],
    /// The known client that the user has, as the program names it.
    pub client: Option<&'static str>,
    /// The body that the user's client sends, where the fields that most clients send would pass.
    pub body: Option<&'static str>,
    /// Headers that the user's client sends with that body.
    pub body_headers: &'static [(&'static str, &'static str)],
    /// A host name in `base` that the user makes resolve to the server's address.
    pub host: Option<&'static str>,
    /// How long the user's client waits for a whole answer, in units of simulated time.
    pub client_timeout: Option<f32>,
    front: Front,
    gateway: Gateway,
}

/// What most scenarios have in common: a healthy gateway, and a user who types the right things.
const USUAL: Scenario = Scenario {
    id: "",
    title: "",
    mode: None,
    also: &[],
    details: "",
    key: Some(KEY),
    model: Some(MODEL),
    dialect: "openai-chat",
    base: "http://{addr}/v1",
    headers: &[],
    client: None,
    body: None,
    body_headers: &[],
    host: None,
    client_timeout: None,
    front: Front::Http(BAD_REQUEST),
    gateway: HEALTHY,
};

/// What a plain server says to a TLS greeting.
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Connection: close\r\nContent-Length: 15\r\n\r\n400 Bad Request";

/// How long one unit of simulated time lasts; a scenario says "wait 8 units".
#[derive(Clone, Copy, Debug)]
pub struct Tempo(pub Duration);

impl Tempo {
    /// 10 ms, for tests.
    pub fn fast() -> Tempo {
        Tempo(Duration::from_millis(10))
    }

    /// So many units as real time.
    pub fn units(self, units: f32) -> Duration {
        self.0.mul_f32(units)
    }
}

impl Default for Tempo {
    /// 50 ms, slow enough to watch.
    fn default() -> Tempo {
        Tempo(Duration::from_millis(50))
    }
}
