//! The body: everything that typical clients send, at once; only a refusal is split.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use crate::dialect::openai_chat::{occasional, with};
use crate::dialect::{Reading, requests};
use crate::evidence::{Ask, Credential, Dialect};
use crate::minimize::{Minimal, Parts, Trial, minimize};
use crate::target::Target;

use super::question::given;
use super::{Asked, Ctx, Need, Probe, Question, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "fields",
    title: "Fields that clients send",
    asks: "Does the body of a typical client pass (system message, sampling, tools, stream options), and if not, which part of it is refused?",
    stage: 4,
    needs: Need::Chat,
    cost: "1 request (2 in a full check); about 2 + 2·log₂(n) more when it is refused",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

async fn run(cx: &Ctx<'_>) {
    let Some(model) = cx.model() else { return };
    if cx.clients.len() == 1 {
        return cx.skip(PROBE.id, None, "the client's own requests are sent instead (rung clients)");
    }
    let streamed = cx.answer(Ask::ChatStream).is_some();
    let only_streamed = cx.answer(Ask::Chat).is_none();
    match &cx.body {
        Some(body) => examine(cx, &Form::usual(Ask::Fields, cx.target), body.clone()).await,
        None => examine(cx, &Form::usual(Ask::Fields, cx.target), requests::typical(cx.target.dialect, &model, streamed)).await,
    }
    if cx.body.is_none() && cx.pace.sweep.is_some() && cx.target.dialect == Dialect::OpenaiChat {
        examine(cx, &Form::usual(Ask::RareFields, cx.target), occasional(&model, only_streamed)).await;
    }
}

/// Everything of a request but its body.
#[derive(Debug, Clone)]
pub(super) struct Form {
    /// The rung that asks.
    pub(super) rung: &'static str,
    /// What it asks the target to show.
    pub(super) ask: Ask,
    /// The dialect of its body.
    pub(super) dialect: Dialect,
    /// Where it goes.
    pub(super) url: Url,
    /// How it identifies itself.
    pub(super) credential: Credential,
    /// Headers beyond the usual ones and those that the dialect demands.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Form {
    /// A chat with the target, in its dialect.
    pub(super) fn usual(ask: Ask, target: &Target) -> Self {
        let dialect = target.dialect;
        let url = target.base.route(dialect.route());
        Form { rung: PROBE.id, ask, dialect, url, credential: given(target), headers: Vec::new() }
    }

    /// The request with this body; its own headers win over the dialect's.
    pub(super) fn question(&self, body: Value) -> Question {
        let mut question = Question::post(self.ask, self.url.clone(), self.credential, body).spoken(self.dialect);
        question.headers.extend(self.headers.iter().cloned());
        question
    }
}

/// Sends the body; when it is refused, finds what in it is refused.
pub(super) async fn examine(cx: &Ctx<'_>, form: &Form, whole: Value) {
    let Some(refused) = refusal(cx, form, &whole).await else { return };
    let body = Body::new(form.clone(), whole, &words(&refused));
    let all: Parts = (0..body.parts.len()).collect();
    let minimal = minimize(all, body.named(&refused), |parts| trial(cx, &body, &refused, parts)).await;
    try_what_is_needed(cx, &body, &minimal).await;
    try_other_values(cx, &body, &minimal).await;
}

/// A part brought the member along that it makes no sense without: is that one what is refused together with the others?
async fn try_what_is_needed(cx: &Ctx<'_>, body: &Body, minimal: &Minimal) {
    for culprit in minimal.culprits.iter().filter(|culprit| culprit.len() > 1) {
        let needed: Parts = culprit.iter().map(|index| body.needed(*index).unwrap_or(*index)).collect();
        if needed != *culprit && needed.len() == culprit.len() {
            ask(cx, &body.form, body.with_parts(&needed)).await;
        }
    }
}

/// The refusal of the whole body, repeated when it might have been a passing fault.
async fn refusal(cx: &Ctx<'_>, form: &Form, whole: &Value) -> Option<Asked> {
    let mut before: Option<Asked> = None;
    for _ in 0..2 {
        // The first round repeats what is shaky by itself; the second is one more try.
        let asked = match &before {
            None => ask(cx, form, whole.clone()).await?,
            Some(_) => cx.ask(form.rung, question(cx, form, whole.clone())).await?,
        };
        if asked.answered() {
            return None;
        }
        if !asked.is_shaky() {
            return Some(asked);
        }
        if before.is_some_and(|before| before.signature() != asked.signature()) {
            return None;
        }
        before = Some(asked);
    }
    before
}

async fn ask(cx: &Ctx<'_>, form: &Form, body: Value) -> Option<Asked> {
    cx.ask_aside(form.rung, question(cx, form, body)).await
}

/// With less patience than usual: the control showed how long an answer takes here, and a field may make the server hang.
fn question(cx: &Ctx<'_>, form: &Form, body: Value) -> Question {
    let control = cx.answer(Ask::Chat).or_else(|| cx.answer(Ask::ChatStream));
    let usual = control.map_or(cx.pace.total, |asked| Duration::from_secs_f64(asked.exchange.total_ms() / 1e3));
    let patience = (usual * 10).max(cx.pace.total / 4).min(cx.pace.total);
    Question { patience: Some(patience), ..form.question(body) }
}

/// A body with some parts passes, fails as the whole one did, or says nothing.
async fn trial(cx: &Ctx<'_>, body: &Body, refused: &Asked, parts: Parts) -> Trial {
    let Some(asked) = ask(cx, &body.form, body.with_parts(&parts)).await else { return Trial::Unresolved };
    if asked.answered() {
        return Trial::Passes;
    }
    let named = body.named(&asked);
    let same = asked.signature() == refused.signature();
    let client_error = asked.exchange.status().is_some_and(|status| (400..500).contains(&status));
    if same || client_error && !named.is_disjoint(&parts) { Trial::Fails(named) } else { Trial::Unresolved }
}

/// A culprit whose name or value may be what is refused is tried with another one.
async fn try_other_values(cx: &Ctx<'_>, body: &Body, minimal: &Minimal) {
    for culprit in minimal.culprits.iter().filter(|culprit| culprit.len() == 1) {
        let part = &body.parts[*culprit.first().expect("one part")];
        let bare = body.with_parts(&Parts::new());
        match part.pointer.as_str() {
            "/max_tokens" => drop(ask(cx, &body.form, with(bare, "max_completion_tokens", 64.into())).await),
            "/max_completion_tokens" => drop(ask(cx, &body.form, with(bare, "max_tokens", 64.into())).await),
            "/temperature" => drop(ask(cx, &body.form, with(bare, "temperature", 1.into())).await),
            "/tool_choice" => drop(ask(cx, &body.form, with(body.only("/tools"), "tool_choice", "auto".into())).await),
            _ => {}
        }
    }
}

/// A body taken apart: each part can be left out, and the request stays a valid one.
struct Body {
    form: Form,
    whole: Value,
    parts: Vec<Part>,
}

/// A part of a body, by its JSON pointer, and the member that it makes no sense without.
#[derive(Clone)]
struct Part {
    pointer: String,
    needs: String,
}

/// Members that are sent only together with another one.
const NEEDS: [(&str, &str); 5] = [
    ("stream_options", "stream"),
    ("tool_choice", "tools"),
    ("parallel_tool_calls", "tools"),
    ("top_logprobs", "logprobs"),
    ("function_call", "functions"),
];

impl Body {
    /// Takes a body apart into its members, its unusual messages, and the nested places that a refusal's words lead to.
    fn new(form: Form, whole: Value, words: &[String]) -> Self {
        let members = whole.as_object().into_iter().flat_map(|members| members.keys());
        let members = members.filter(|name| !requests::needed(form.dialect).contains(&name.as_str())).map(|name| Part::member(name));
        let nested = nested(&whole, words).into_iter().map(|pointer| Part { needs: first_segment(&pointer).to_owned(), pointer });
        let parts = message_parts(&whole).into_iter().chain(members).chain(nested).collect();
        Body { form, whole, parts }
    }

    /// The body with these parts and no others; a needed part that was left out comes along.
    fn with_parts(&self, kept: &Parts) -> Value {
        let kept: Vec<&Part> = kept.iter().map(|index| &self.parts[*index]).collect();
        let stays = |part: &&Part| kept.iter().any(|other| other.pointer == part.pointer || other.needs == part.pointer[1..]);
        let mut body = self.whole.clone();
        // From the back, so that the places of messages stay right while some go.
        for part in self.parts.iter().rev().filter(|part| !stays(part)) {
            leave_out(&mut body, &part.pointer);
        }
        body
    }

    /// The part that this one makes no sense without.
    fn needed(&self, index: usize) -> Option<usize> {
        let needs = &self.parts[index].needs;
        self.parts.iter().position(|part| !needs.is_empty() && part.pointer[1..] == **needs)
    }

    /// The body with only the part of this pointer.
    fn only(&self, pointer: &str) -> Value {
        self.with_parts(&self.parts.iter().position(|part| part.pointer == pointer).into_iter().collect())
    }

    /// The parts that a refusal names, by `param` or by a quoted word in its text; the most deeply nested when there are several.
    fn named(&self, refused: &Asked) -> Parts {
        let words = words(refused);
        let named = |part: &Part| words.iter().any(|word| names(word, &part.pointer));
        let found: Vec<usize> = (0..self.parts.len()).filter(|index| named(&self.parts[*index])).collect();
        let depth = |index: &usize| self.parts[*index].pointer.matches('/').count();
        let deepest = found.iter().map(depth).max().unwrap_or_default();
        found.into_iter().filter(|index| depth(index) == deepest).collect()
    }
}

impl Part {
    fn member(name: &str) -> Self {
        let needs = NEEDS.iter().find(|(part, _)| *part == name).map(|(_, needs)| (*needs).to_owned());
        Part { pointer: format!("/{}", escaped(name)), needs: needs.unwrap_or_default() }
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn first_segment(pointer: &str) -> &str {
    pointer.split('/').nth(1).unwrap_or_default()
}

/// System and developer messages, and content in parts.
fn message_parts(whole: &Value) -> Vec<Part> {
    let messages = whole["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let of = |(index, message): (usize, &Value)| {
        let role = matches!(message["role"].as_str(), Some("system" | "developer")).then(|| format!("/messages/{index}/role"));
        let content = joined_text(&message["content"]).map(|_| format!("/messages/{index}/content"));
        role.into_iter().chain(content).map(|pointer| Part { pointer, needs: String::new() }).collect::<Vec<_>>()
    };
    messages.iter().enumerate().flat_map(of).collect()
}

/// The text of content that consists of text parts only.
fn joined_text(content: &Value) -> Option<String> {
    content.as_array()?.iter().map(|part| part["text"].as_str().map(str::to_owned)).collect()
}

/// Pointers below the top level whose last name is one of the words, outside the messages.
fn nested(whole: &Value, words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let members = whole.as_object().into_iter().flatten().filter(|(name, _)| *name != "messages");
    for (name, value) in members {
        descend(&format!("/{}", escaped(name)), value, words, &mut found);
    }
    found
}

fn descend(path: &str, value: &Value, words: &[String], found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (escaped(name), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => return,
    };
    for (name, child) in children {
        let pointer = format!("{path}/{name}");
        // Without its `type` nothing of a schema or a format makes sense: the server would complain of that instead.
        if name != "type" && words.iter().any(|word| word.rsplit(['.', '/', ']']).next() == Some(&name)) {
            found.push(pointer.clone());
        }
        descend(&pointer, child, words, found);
    }
}

/// A system or developer message goes, content parts become text; any other place is removed.
fn leave_out(body: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer has a slash");
    let Some(place) = body.pointer_mut(parent) else { return };
    match (name, place["role"].as_str()) {
        ("role", Some(_)) => {
            let index: usize = parent.rsplit('/').next().and_then(|index| index.parse().ok()).expect("a message's place");
            body["messages"].as_array_mut().expect("messages").remove(index);
        }
        ("content", Some(_)) => place["content"] = joined_text(&place["content"]).unwrap_or_default().into(),
        _ => remove(place, name),
    }
}

fn remove(place: &mut Value, name: &str) {
    match place {
        Value::Object(members) => drop(members.shift_remove(&name.replace("~1", "/").replace("~0", "~"))),
        Value::Array(items) => {
            if let Ok(index) = name.parse::<usize>()
                && index < items.len()
            {
                items.remove(index);
            }
        }
        _ => {}
    }
}

/// What a refusal names: `param`, what the facts read out of its text, and words in quotes or backticks.
fn words(refused: &Asked) -> Vec<String> {
    let Reading::Error(error) = &*refused.reading else { return Vec::new() };
    let by_facts = refused.causes.iter().filter_map(|cause| cause.named.clone());
    let marks = ['\'', '"', '`', '“', '”'];
    let quoted = error.message.split(marks).skip(1).step_by(2).map(str::to_owned);
    error.param.iter().cloned().chain(by_facts).chain(quoted).filter(|word| !word.is_empty()).collect()
}

/// Whether a word of a refusal means this part: `max_tokens`, `body.max_tokens`, `messages[0].role`, `tools.0.function`.
fn names(word: &str, pointer: &str) -> bool {
    let path = word.trim_start_matches("body.").trim_start_matches('/').replace(['[', '/'], ".").replace(']', "");
    let dotted = pointer[1..].replace('/', ".");
    let last = dotted.rsplit('.').next().unwrap_or_default();
    match dotted.matches('.').count() {
        0 => path.split('.').next() == Some(&dotted),
        _ if dotted.ends_with(".role") => {
            path.starts_with(dotted.trim_end_matches("role")) || matches!(path.as_str(), "role" | "developer" | "system")
        }
        _ => path == dotted || path.rsplit('.').next() == Some(last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::openai_chat::{SHORT_PROMPT, chat, typical};
    use crate::evidence::Scheme;

    fn form() -> Form {
        let url = Url::parse("http://gateway.example/v1/chat/completions").expect("a URL");
        let credential = Credential::Given(Scheme::Bearer);
        Form { rung: PROBE.id, ask: Ask::Fields, dialect: Dialect::OpenaiChat, url, credential, headers: Vec::new() }
    }

    #[test]
    fn parts_leave_a_valid_request() {
        let body = Body::new(form(), typical("m", true), &[]);
        assert_eq!(body.with_parts(&Parts::new()), chat("m", SHORT_PROMPT));
        let all: Parts = (0..body.parts.len()).collect();
        assert_eq!(body.with_parts(&all), typical("m", true));
        let alone = body.only("/tool_choice");
        assert!(alone.get("tools").is_some() && alone.get("tool_choice").is_some() && alone.get("parallel_tool_calls").is_none());
    }

    #[test]
    fn a_refusal_s_words_lead_to_the_part() {
        assert!(names("max_tokens", "/max_tokens") && names("body.max_tokens", "/max_tokens"));
        assert!(names("messages[0].role", "/messages/0/role") && names("tools.0.function.strict", "/tools"));
        assert!(!names("max_tokens_to_sample", "/max_tokens") && !names("user message", "/user"));
    }

    #[test]
    fn a_word_finds_a_nested_place() {
        let whole = serde_json::json!({ "tools": [{ "function": { "name": "f", "strict": true } }] });
        assert_eq!(nested(&whole, &["strict".to_owned()]), ["/tools/0/function/strict"]);
        let body = Body::new(form(), whole, &["strict".to_owned()]);
        assert_eq!(body.with_parts(&Parts::new()), serde_json::json!({}));
        assert_eq!(body.only("/tools"), serde_json::json!({ "tools": [{ "function": { "name": "f" } }] }));
    }
}
