//! The healthy gateway, as a row of small parts: a scenario replaces the part that is broken in it.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::completion::Completion;
use super::google;
use super::request::Received;
use super::script::{SSE, Script, after, chunked, json, ok_json, openai_error, quoted, response};

/// The key that the healthy gateway accepts.
pub(super) const KEY: &str = "sk-simulated-5f2b9c71e04d48a6b3d0c8e7";

/// The model that users of the simulator type.
pub(super) const MODEL: &str = "gpt-4o-mini";

/// The model list of the healthy gateway.
pub(super) const MODELS: &str = concat!(
    r#"{"object":"list","data":["#,
    r#"{"id":"gpt-4o-mini","object":"model","created":1721172741,"owned_by":"system"},"#,
    r#"{"id":"llama-3.1-8b-instruct","object":"model","created":1721692800,"owned_by":"meta"},"#,
    r#"{"id":"text-embedding-3-small","object":"model","created":1705948997,"owned_by":"system"}]}"#
);

/// The parts of a gateway, in the order in which a request meets them. A part that returns a script has answered.
#[derive(Clone, Copy)]
pub(super) struct Gateway {
    /// Where the API lives, such as `/v1`.
    pub(super) root: &'static str,
    /// Where under the root a model is spoken with, such as `/chat/completions`.
    pub(super) route: &'static str,
    /// The key that counts.
    pub(super) key: &'static str,
    /// What stands before the API: limiters, firewalls, redirects.
    pub(super) before: fn(&Received, &Moment) -> Option<Script>,
    /// Refuses by credential, given the key that counts.
    pub(super) admit: fn(&Received, &str) -> Option<Script>,
    /// The model list.
    pub(super) list: fn(&Received) -> Script,
    /// Who answers for this model name, or why nobody does.
    pub(super) serve: fn(&str) -> Result<String, Script>,
    /// What the model's server gets in place of the request's body.
    pub(super) rewrite: fn(Value) -> Value,
    /// Refuses by the body that the model's server gets.
    pub(super) refuse: fn(&Value, &Moment) -> Option<Script>,
    /// Changes what is generated.
    pub(super) tune: fn(&mut Completion),
    /// Tells the answer in one document.
    pub(super) whole: fn(&Completion) -> Script,
    /// Tells the answer as a stream.
    pub(super) stream: fn(&Completion) -> Script,
    /// Tells a tool call as a stream, where that is not what becomes of text.
    pub(super) call: Option<fn(&Completion) -> Script>,
    /// Tells structured output as a stream, where that is not what becomes of text.
    pub(super) structured: Option<fn(&Completion) -> Script>,
    /// All other paths.
    pub(super) elsewhere: fn(&Received, &Moment) -> Script,
}

/// The gateway in which nothing is broken.
pub(super) const HEALTHY: Gateway = Gateway {
    root: "/v1",
    route: "/chat/completions",
    key: KEY,
    before: |_, _| None,
    admit: bearer,
    list: |_| ok_json(MODELS),
    serve,
    rewrite: |body| body,
    refuse: |_, _| None,
    tune: |_| {},
    whole,
    stream,
    call: None,
    structured: None,
    elsewhere,
};

impl Gateway {
    /// The answer to one request.
    pub(super) fn answer(&self, request: &Received, moment: &Moment) -> Script {
        if let Some(script) = (self.before)(request, moment) {
            return script;
        }
        let by_path = google::in_body(request);
        let request = by_path.as_ref().unwrap_or(request);
        match (request.method.as_str(), request.route().strip_prefix(self.root)) {
            ("OPTIONS", _) => preflight(),
            ("HEAD", _) => response(405, "", ""),
            ("GET", Some("/models")) => (self.admit)(request, self.key).unwrap_or_else(|| (self.list)(request)),
            ("POST", Some(route)) if route == self.route => self.chat(request, moment).unwrap_or_else(|refusal| refusal),
            ("POST", Some("/embeddings")) => (self.admit)(request, self.key).unwrap_or_else(embedding),
            (_, Some(route)) if route == "/models" || route == self.route => json(405, r#"{"detail":"Method Not Allowed"}"#),
            _ => (self.elsewhere)(request, moment),
        }
    }

    /// Refuses a body without what is to be answered.
    fn asks(&self, body: &Value) -> Result<(), Script> {
        let (member, sound) = match self.route {
            "/completions" => ("prompt", body["prompt"].is_string()),
            "/responses" => ("input", body["input"].is_string() || body["input"].is_array()),
            "/chat/completions" | "/messages" => ("messages", body["messages"].is_array()),
            _ => ("contents", body["contents"].is_array()),
        };
        if sound { Ok(()) } else { Err(missing(member)) }
    }

    fn streamed(&self, completion: &Completion) -> Script {
        let own = if completion.call.is_some() { self.call } else { self.structured.filter(|_| completion.structured) };
        own.unwrap_or(self.stream)(completion)
    }

    fn chat(&self, request: &Received, moment: &Moment) -> Result<Script, Script> {
        (self.admit)(request, self.key).map_or(Ok(()), Err)?;
        let body = request.json();
        let name = body["model"].as_str().ok_or_else(no_model)?;
        self.asks(&body)?;
        let model = (self.serve)(name)?;
        let body = (self.rewrite)(body);
        (self.refuse)(&body, moment).map_or(Ok(()), Err)?;
        let mut completion = Completion::of(&body, &model);
        completion.gzip = request.accepts_gzip();
        completion.unbuffered = request.header("x-accel-buffering") == Some("no");
        (self.tune)(&mut completion);
        Ok(if request.wants_stream() { self.streamed(&completion) } else { (self.whole)(&completion) })
    }
}

/// Takes `Authorization: Bearer KEY` and nothing else; a wrong key is named with its middle masked, as OpenAI does.
pub(super) fn bearer(request: &Received, key: &str) -> Option<Script> {
    match request.bearer() {
        Some(sent) if sent == key => None,
        None | Some("") => Some(no_key()),
        Some(sent) => Some(wrong_key(sent)),
    }
}

/// OpenAI's refusal of a request without a key.
pub(super) fn no_key() -> Script {
    let message = "You didn't provide an API key. You need to provide your API key in an Authorization header using \
                   Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
    openai_error(401, message, "invalid_request_error", "null")
}

/// OpenAI's refusal of an unknown key.
pub(super) fn wrong_key(sent: &str) -> Script {
    let message =
        format!("Incorrect API key provided: {}. You can find your API key at https://platform.openai.com/account/api-keys.", masked(sent));
    openai_error(401, &message, "invalid_request_error", r#""invalid_api_key""#)
}

/// The first three and the last four characters, as far as there are more than twelve.
fn masked(key: &str) -> String {
    let all: Vec<char> = key.chars().collect();
    if all.len() <= 12 {
        return "*".repeat(all.len());
    }
    let (start, end): (String, String) = (all[..3].iter().collect(), all[all.len() - 4..].iter().collect());
    format!("{start}{}{end}", "*".repeat(all.len() - 7))
}

/// Knows the two chat models by their exact names, and says of the embedding model what it is.
pub(super) fn serve(name: &str) -> Result<String, Script> {
    match name {
        "gpt-4o-mini" | "llama-3.1-8b-instruct" => Ok(name.to_owned()),
        "text-embedding-3-small" => Err(not_a_chat_model()),
        _ => Err(unknown_model(name)),
    }
}

/// OpenAI's answer to a name that it does not know.
pub(super) fn unknown_model(name: &str) -> Script {
    let message = format!("The model `{name}` does not exist or you do not have access to it.");
    openai_error(404, &message, "invalid_request_error", r#""model_not_found""#)
}

/// OpenAI's answer to a model of another kind on the chat route.
pub(super) fn not_a_chat_model() -> Script {
    let message = "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean \
                   to use v1/completions?";
    openai_error(404, message, "invalid_request_error", "null")
}

fn no_model() -> Script {
    openai_error(400, "you must provide a model parameter", "invalid_request_error", "null")
}

fn missing(member: &str) -> Script {
    openai_error(400, &format!("Missing required parameter: '{member}'."), "invalid_request_error", "null")
}

/// The whole answer, after the time that it takes to generate.
pub(super) fn whole(completion: &Completion) -> Script {
    after(completion.units(), ok_json(completion.document()))
}

/// The stream, an event and a chunk for every token.
pub(super) fn stream(completion: &Completion) -> Script {
    chunked(SSE, completion.pieces())
}

/// A path that is not there.
pub(super) fn elsewhere(request: &Received, _: &Moment) -> Script {
    let message = format!("Invalid URL ({} {})", request.method, request.route());
    openai_error(404, &message, "invalid_request_error", "null")
}

fn preflight() -> Script {
    let headers = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: *\r\nAccess-Control-Allow-Headers: *\r\n";
    vec![super::script::Act::Send(super::script::head(204, headers))]
}

fn embedding() -> Script {
    let model = quoted("text-embedding-3-small");
    ok_json(format!(
        r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":[0.0023,-0.0093,0.0157]}}],"model":{model},"usage":{{"prompt_tokens":1,"total_tokens":1}}}}"#
    ))
}

/// What a gateway knows beyond the request: the time, and what came before.
pub(super) struct Moment<'a> {
    /// The server's own address.
    pub(super) addr: SocketAddr,
    /// How many chats have begun, this one included.
    pub(super) chat: u32,
    /// How many chats are being answered, this one included.
    pub(super) open: u32,
    /// Units since the first chat began.
    pub(super) units: f32,
    /// What earlier requests left behind.
    pub(super) memory: &'a Memory,
}

/// What requests leave behind for later ones.
#[derive(Default)]
pub(super) struct Memory {
    cooling: Mutex<Option<Instant>>,
}

impl Memory {
    /// False once, then true until `pause` has passed, then false again: the shape of a cooldown after a failure.
    pub(super) fn cools(&self, pause: Duration) -> bool {
        let mut since = self.cooling.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if since.is_some_and(|since| since.elapsed() < pause) {
            return true;
        }
        *since = Some(Instant::now());
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_key_is_masked() {
        assert_eq!(masked("sk-simulated-5f2b"), "sk-**********5f2b");
        assert_eq!(masked("short"), "*****");
    }
}
