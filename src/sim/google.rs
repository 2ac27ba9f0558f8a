//! Google's generateContent: the path names the model and whether a stream is wanted.

use serde_json::Value;

use super::completion::Completion;
use super::gateway::{Gateway, HEALTHY};
use super::request::Received;
use super::script::{Piece, SSE, Script, after, chunked, event, json, ok_json, piece, quoted};

/// The route as [`in_body`] gives it.
const ROUTE: &str = "/models/{model}:generateContent";

/// A healthy gateway that speaks as Google does, and no other dialect.
pub(super) const GOOGLE: Gateway = Gateway {
    root: "/v1beta",
    route: ROUTE,
    admit,
    list: |_| ok_json(LIST),
    serve: |name| match name {
        "gpt-4o-mini" => Ok(name.to_owned()),
        _ => Err(unknown(name)),
    },
    whole: |c| after(c.units(), ok_json(part(c, &c.text(), Some(finish(c))))),
    stream: |c| chunked(SSE, pieces(c)),
    elsewhere: |_, _| error(404, "NOT_FOUND", "Requested entity was not found."),
    ..HEALTHY
};

const LIST: &str = r#"{"models":[{"name":"models/gpt-4o-mini","version":"001","displayName":"Simulated","inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"]}]}"#;

/// The same request with the model's name and the wish for a stream in its body, as other dialects have them, and the route in their place.
pub(super) fn in_body(request: &Received) -> Option<Received> {
    let (before, last) = request.route().rsplit_once('/')?;
    let (model, method) = last.split_once(':')?;
    let stream = match method {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => return None,
    };
    let root = before.strip_suffix("/models")?;
    let mut body = request.json();
    let members = body.as_object_mut()?;
    members.insert("model".to_owned(), model.into());
    members.insert("stream".to_owned(), stream.into());
    Some(Received { path: format!("{root}{ROUTE}"), body: body.to_string().into_bytes(), ..request.clone() })
}

/// An error as Google words it.
pub(super) fn error(status: u16, word: &str, message: &str) -> Script {
    json(status, format!(r#"{{"error":{{"code":{status},"message":{},"status":"{word}"}}}}"#, quoted(message)))
}

/// A wrong key is an invalid argument there.
fn admit(request: &Received, key: &str) -> Option<Script> {
    const UNREGISTERED: &str = "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or \
                                other form of API consumer identity to call this API.";
    const REASON: &str = r#","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}}]"#;
    match request.header("x-goog-api-key") {
        Some(sent) if sent == key => None,
        Some(_) => Some(json(
            400,
            format!(
                r#"{{"error":{{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"{REASON}}}}}"#
            ),
        )),
        None => Some(error(403, "PERMISSION_DENIED", UNREGISTERED)),
    }
}

fn unknown(name: &str) -> Script {
    let message = format!(
        "models/{name} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of \
         available models and their supported methods."
    );
    error(404, "NOT_FOUND", &message)
}

fn finish(completion: &Completion) -> &'static str {
    if completion.finish == "length" { "MAX_TOKENS" } else { "STOP" }
}

/// One object: some of the text, with the reason of the end when it is the last one.
pub(super) fn part(completion: &Completion, text: &str, finish: Option<&str>) -> String {
    let (prompt, tokens) = (completion.prompt_tokens, completion.tokens.len());
    let reason = finish.map(|reason| format!(r#","finishReason":"{reason}""#)).unwrap_or_default();
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"text":{}}}],"role":"model"}}{reason},"index":0}}],"usageMetadata":{{"promptTokenCount":{prompt},"candidatesTokenCount":{tokens},"totalTokenCount":{}}},"modelVersion":{},"responseId":"9bCdaMqEA"}}"#,
        quoted(text),
        prompt + tokens,
        quoted(&completion.model)
    )
}

/// The objects of a stream, an event for each; the last carries the reason of the end.
pub(super) fn pieces(completion: &Completion) -> Vec<Piece> {
    let last = completion.tokens.len().saturating_sub(1);
    let said = |(n, token): (usize, &String)| {
        let wait = if n == 0 { completion.first + completion.pace } else { completion.pace };
        piece(wait, event(&part(completion, token, (n == last).then(|| finish(completion)))))
    };
    completion.tokens.iter().enumerate().map(said).collect()
}

/// What somebody says in Google's turns: the last of the user's.
pub(super) fn prompt(body: &Value) -> Option<String> {
    let turns = body["contents"].as_array()?;
    let last = turns.iter().rfind(|turn| turn["role"] != "model")?;
    Some(last["parts"].as_array()?.iter().filter_map(|part| part["text"].as_str()).collect())
}
