//! From the outside of an error to its inside, one wrapping at a time.

use serde_json::{Map, Value};

use super::super::json::{has, lenient, text as member, truthy};
use super::{ErrorFacts, bounded, html};

/// No more texts inside texts are unwrapped.
const MAX_TEXTS: usize = 6;
/// No more values inside values are unwrapped.
const MAX_DEPTH: usize = 16;
/// No more opening braces of a text are tried.
const MAX_BRACES: usize = 8;

/// Fills the facts from a JSON value.
pub fn value(facts: ErrorFacts, value: &Value) -> ErrorFacts {
    let mut digger = Digger::new(facts);
    digger.value(value);
    digger.finish()
}

/// Fills the facts from a text.
pub fn text(facts: ErrorFacts, text: &str) -> ErrorFacts {
    let mut digger = Digger::new(facts);
    digger.text(text);
    digger.finish()
}

struct Digger {
    facts: ErrorFacts,
    /// The messages passed on the way, outermost first.
    said: Vec<String>,
    /// Names of members since the last change of form.
    steps: Vec<String>,
    texts: usize,
    depth: usize,
}

impl Digger {
    fn new(facts: ErrorFacts) -> Self {
        Digger { facts, said: Vec::new(), steps: Vec::new(), texts: 0, depth: 0 }
    }

    fn finish(mut self) -> ErrorFacts {
        self.turn(None);
        let Some(innermost) = self.said.pop() else { return self.facts };
        self.facts.outer_message = self.said.into_iter().next().filter(|outer| *outer != innermost);
        self.facts.message = innermost;
        self.facts
    }

    /// Notes the way so far, and the form that follows.
    fn turn(&mut self, form: Option<&str>) {
        if !self.steps.is_empty() {
            self.facts.path.push(self.steps.join("."));
            self.steps.clear();
        }
        self.facts.path.extend(form.map(str::to_owned));
    }

    fn value(&mut self, value: &Value) {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => self.array(items),
            Value::Object(map) => self.object(value, map),
            Value::Null => {}
            other => self.said.push(other.to_string()),
        }
    }

    fn array(&mut self, items: &[Value]) {
        let places: Vec<_> = items.iter().take(20).filter_map(located).collect();
        if places.is_empty() {
            return items.iter().find(|item| truthy(item)).into_iter().for_each(|item| self.step("0", item));
        }
        self.facts.param = places.iter().find_map(|(place, _)| place.clone()).or(self.facts.param.take());
        self.facts.kind = items.iter().find_map(|item| meant(item.get("type")?)).or(self.facts.kind.take());
        self.steps.push("msg".to_owned());
        let lines: Vec<_> = places.into_iter().map(|(place, said)| place.map(|place| format!("{place}: {said}")).unwrap_or(said)).collect();
        self.said.push(bounded(&lines.join("; ")));
    }

    fn object(&mut self, value: &Value, map: &Map<String, Value>) {
        self.labels(value);
        let before = self.said.len();
        for key in self.way_in(value) {
            self.step(key, &map[key]);
            if self.said.len() > before {
                break;
            }
        }
        if let Some(raw) = value.pointer("/metadata/raw").filter(|raw| truthy(raw)) {
            self.deeper("metadata.raw", raw);
        }
    }

    /// The members that may hold the message, the best first.
    fn way_in(&self, value: &Value) -> Vec<&'static str> {
        const WORDS: [&str; 14] = [
            "message",
            "msg",
            "detail",
            "error_description",
            "html-message",
            "base_resp",
            "status_msg",
            "errorMessage",
            "error_msg",
            "errors",
            "reason",
            "title",
            "error",
            "response",
        ];
        let nested = value.get("error").is_some_and(|error| error.is_object() || error.is_array());
        let first = (nested && has(value, "error")).then_some("error");
        first.into_iter().chain(WORDS).filter(|key| has(value, key)).collect()
    }

    fn step(&mut self, key: &str, value: &Value) {
        self.steps.push(key.to_owned());
        let before = (self.steps.len(), self.said.len());
        self.value(value);
        if self.said.len() == before.1 {
            self.steps.truncate(before.0 - 1);
        }
    }

    /// Another speaker's words beside a message that was already read.
    fn deeper(&mut self, place: &str, value: &Value) {
        let steps = std::mem::take(&mut self.steps);
        self.steps = steps.into_iter().take_while(|step| step != "message").collect();
        self.step(place, value);
    }

    /// Code, type, param and status of this level; what stands deeper overrules what stands further out.
    fn labels(&mut self, value: &Value) {
        let facts = &mut self.facts;
        let said = |keys: &[&str]| keys.iter().find_map(|key| meant(value.get(key)?));
        facts.code = said(&["code", "status_code", "error_code", "errorCode"]).or(facts.code.take());
        let grpc = member(value, "status").filter(|status| status.chars().all(|letter| letter == '_' || letter.is_ascii_uppercase()));
        facts.kind = said(&["type"]).filter(|kind| kind != "error").or(grpc.map(str::to_owned)).or(facts.kind.take());
        facts.param = said(&["param"]).or_else(|| violated(value)).or(facts.param.take());
        facts.param = value.get("loc").and_then(place).or(facts.param.take());
        let status = ["code", "status", "statusCode", "status_code", "http_status"].iter().find_map(|key| status(value.get(key)?));
        self.status(status);
    }

    fn status(&mut self, status: Option<u16>) {
        if let Some(status) = status {
            self.facts.inner_status = (status != self.facts.status).then_some(status);
        }
    }

    fn text(&mut self, text: &str) {
        let text = without_request_id(text.trim());
        if text.is_empty() {
            return;
        }
        self.status(announced(text));
        self.said.push(bounded(text));
        self.texts += 1;
        if self.texts > MAX_TEXTS {
            return;
        }
        if let Some(inner) = embedded(text) {
            self.turn(Some("json"));
            self.value(&inner);
        } else if let Some(start) = html::page_within(text) {
            self.turn(Some("html"));
            let page = bounded(&html::message(html::page_at(&text[start..])));
            self.said.extend((!page.is_empty()).then_some(page));
        }
    }
}

/// The error in JSON or a Python repr that a text is or holds.
fn embedded(text: &str) -> Option<Value> {
    if text.starts_with('[') {
        return lenient(text).filter(speaks);
    }
    let braces = text.match_indices('{').map(|(at, _)| at).take(MAX_BRACES);
    braces.filter_map(|at| lenient(&text[at..])).find(speaks)
}

/// True for values that say something as errors do.
fn speaks(value: &Value) -> bool {
    match value {
        Value::Object(_) => {
            let told = |key| value.get(key).is_some_and(|said| truthy(said) && !said.is_number() && !said.is_boolean());
            ["error", "message", "msg", "detail", "errors"].into_iter().any(told)
        }
        Value::Array(items) => items.first().is_some_and(|item| item.is_object() && speaks(item)),
        _ => false,
    }
}

/// One entry of FastAPI's list: the place without `body`, and what is wrong there.
fn located(item: &Value) -> Option<(Option<String>, String)> {
    let said = member(item, "msg")?;
    Some((item.get("loc").and_then(place), said.to_owned()))
}

fn place(loc: &Value) -> Option<String> {
    let joined = match loc {
        Value::String(path) => path.clone(),
        Value::Array(steps) => {
            steps.iter().map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned)).collect::<Vec<_>>().join(".")
        }
        _ => return None,
    };
    let inner = joined.strip_prefix("body.").unwrap_or(&joined);
    let is_place = inner.chars().any(|character| !character.is_ascii_digit()) && inner != "body";
    is_place.then(|| inner.to_owned())
}

/// Google's `details[].fieldViolations[].field`.
fn violated(value: &Value) -> Option<String> {
    let details = value.get("details")?.as_array()?;
    let field = details.iter().filter_map(|detail| detail.get("fieldViolations")?.get(0)).find_map(|violation| member(violation, "field"));
    field.filter(|field| !field.is_empty()).map(str::to_owned)
}

/// A label that means something: `<nil>`, `None`, `null` and blanks do not.
fn meant(label: &Value) -> Option<String> {
    let label = match label {
        Value::String(label) => label.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!matches!(label.as_str(), "" | "<nil>" | "None" | "null" | "nil" | "undefined")).then(|| super::bounded_to(&label, 200))
}

fn status(value: &Value) -> Option<u16> {
    let status: u16 = match value {
        Value::Number(number) => number.as_u64()?.try_into().ok()?,
        Value::String(digits) => digits.trim().parse().ok()?,
        _ => return None,
    };
    (400..600).contains(&status).then_some(status)
}

/// `Error code: 400 - …`, as OpenAI's SDKs write it.
fn announced(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("Error code: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|status| (400..600).contains(status))
}

/// Takes off the ` (request id: …)` that one-api and its kin append, once for every hop.
fn without_request_id(mut text: &str) -> &str {
    while text.ends_with(')') {
        let Some(start) = text.rfind(" (request id:") else { break };
        if text[start..].matches(')').count() != 1 {
            break;
        }
        text = text[..start].trim_end();
    }
    text
}
