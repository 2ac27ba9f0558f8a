//! What known clients send unless told otherwise, and how long they wait.

use super::boundaries::fires_at;
use super::rows;
use serde::Deserialize;
use std::sync::LazyLock;

/// How long one client waits, in seconds (`None`: no limit, or none known), from `clients.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ClientTimeouts {
    /// The client's name, as in the profiles.
    pub name: String,
    /// Until the connection stands.
    pub connect: Option<f64>,
    /// Until the response headers.
    pub first_byte: Option<f64>,
    /// Until the end of the answer.
    pub total: Option<f64>,
    /// Between two reads, and before the first.
    pub idle: Option<f64>,
    /// How often it tries again by itself.
    pub retries: Option<u32>,
    /// Where this comes from: a recording, or a page.
    pub source: String,
    /// How its User-Agent begins, in lower case; empty when that does not tell it from others.
    #[serde(default)]
    pub agents: Vec<String>,
    #[serde(default)]
    fields: Vec<String>,
}

static CLIENTS: LazyLock<Vec<ClientTimeouts>> = LazyLock::new(|| rows(data!("clients")));

/// Every known client with its waits, by name.
pub fn client_timeouts() -> &'static [ClientTimeouts] {
    &CLIENTS
}

impl ClientTimeouts {
    /// Its clocks in words; `None` when none is known.
    pub fn waits(&self) -> Option<String> {
        let clocks = [("connect", self.connect), ("first byte", self.first_byte), ("idle", self.idle), ("total", self.total)];
        let known: Vec<String> = clocks.iter().filter_map(|(name, seconds)| seconds.map(|seconds| format!("{name} {seconds} s"))).collect();
        (!known.is_empty()).then(|| known.join(", "))
    }

    /// The members of the request body that it sends, without what stands inside them.
    pub fn members(&self) -> Vec<&str> {
        self.fields.iter().filter_map(|field| field.strip_prefix('/')).filter(|name| !name.contains(['/', '='])).collect()
    }

    /// Whether one of its clocks that run during an answer ends at this second, give or take what a clock is late.
    pub fn gives_up_at(&self, seconds: f64) -> bool {
        [self.first_byte, self.idle, self.total].into_iter().flatten().any(|clock| fires_at(clock, seconds))
    }
}

/// The clients that send this field in at least one of their ordinary requests, by name.
///
/// `pointer` is a JSON pointer; an index may be a number or `*`. For roles, types, booleans and other short closed values a
/// `=value` can follow: `/tool_choice`, `/messages/*/role=developer`, `/stream=true`, `/tools=[]`.
pub fn clients_sending(pointer: &str) -> Vec<&'static str> {
    let pointer = any_index(pointer);
    CLIENTS.iter().filter(|client| client.fields.contains(&pointer)).map(|client| client.name.as_str()).collect()
}

/// The pointer with every number replaced by `*`.
fn any_index(pointer: &str) -> String {
    let is_index = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let steps = pointer.split('/').map(|text| if is_index(text) { "*" } else { text });
    steps.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_usable() {
        for client in client_timeouts() {
            let waits = [client.connect, client.first_byte, client.total, client.idle];
            assert!(waits.iter().flatten().all(|seconds| *seconds > 0.0), "{}", client.name);
            assert!(client.fields.iter().all(|field| field.starts_with('/')), "{}", client.name);
            assert!(!client.source.is_empty(), "{} has no source", client.name);
        }
        assert!(client_timeouts().is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn fields_name_their_clients() {
        for pointer in [
            "/tool_choice",
            "/stream_options",
            "/max_tokens",
            "/max_completion_tokens",
            "/tools",
            "/parallel_tool_calls",
            "/messages/*/role=developer",
            "/stream=true",
        ] {
            assert!(!clients_sending(pointer).is_empty(), "{pointer}");
        }
        assert!(clients_sending("/stream_options").contains(&"opencode"));
        assert!(clients_sending("/tool_choice").contains(&"cursor"));
        assert!(clients_sending("/no_such_field").is_empty() && clients_sending("").is_empty());
    }

    #[test]
    fn an_index_is_any_index() {
        assert_eq!(any_index("/messages/0/content/12/type=text"), "/messages/*/content/*/type=text");
        assert_eq!(any_index("/a//b"), "/a//b");
        assert_eq!(clients_sending("/messages/0/content"), clients_sending("/messages/*/content"));
    }

    #[test]
    fn known_waits() {
        let python = client_timeouts().iter().find(|client| client.name == "openai-python").unwrap();
        assert_eq!((python.connect, python.idle, python.retries), (Some(5.0), Some(600.0), Some(2)));
    }
}
