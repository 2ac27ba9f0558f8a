//! What the words of a text say of the request: method, URL, model, stream, seconds.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::part::holds;
use crate::triage::Sighting;

/// No more of a text than this (bytes) is searched.
const LIMIT: usize = 16 * 1024;

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

/// `POST /v1/chat/completions`, `"GET http://…`, and Go's `Post "http://…"`.
static REQUEST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?-u:\b)(GET|POST|PUT|DELETE|PATCH|Get|Post|Put|Delete)["'`]?[ \t]+["'`]?((?:https?://|/)[^ \t\r\n"'`,)<>\]|\\]+)"#)
});
static URL: LazyLock<Regex> = LazyLock::new(|| pattern(r#"https?://[^ \t\r\n"'`,)<>\]|\\，。、；]+"#));
/// A path that only an LLM API has.
static ROUTE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:^|[ \t\r\n"'`(])(/(?:[0-9A-Za-z_.-]+/)*(?:chat/completions|completions|messages|responses|models|embeddings|api/chat|api/generate))(?-u:\b)"#,
    )
});
static MODEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:^|[^0-9A-Za-z_])(?:model|model_name|model_id|modelid|llm_model)["'`*]{0,3}(?:[ \t\r\n]?[:=][ \t\r\n]?["'`*]{0,3}|[ \t\r\n]["'`])([0-9A-Za-z_./:@+-]+)"#,
    )
});
static STREAM: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?i)(?-u:\b)stream["'`]{0,2}[ \t]*[:=][ \t]*["'`]?(true|false)"#));
static DURATION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:(?-u:\b)(?:after|took|in|for|exactly|elapsed|duration|latency|request_time|duration_ms|latency_ms|elapsed_ms|response_time)["']?[ \t]*[:=]?[ \t]*(?:about |around |exactly |ca\. |~)?|\|[ \t]+|[45][0-9][0-9] )((?:[0-9]+h)?(?:[0-9]+m)?[0-9]+(?:\.[0-9]+)?)[ -]?(ms|µs|μs|milliseconds?|minutes?|mins?|seconds?|secs?|s|秒)(?:[^0-9A-Za-z_]|$)"#,
    )
});

/// Fills what the sighting lacks and the text says.
pub fn fill(sighting: &mut Sighting, text: &str) {
    let text = crate::facts::head(text, LIMIT);
    if sighting.url.is_none() {
        let (method, url) = request(text);
        sighting.method = sighting.method.take().or(method);
        sighting.url = url;
    }
    if sighting.asked.is_none() {
        sighting.asked = model(text).map(|model| serde_json::json!({ "model": model }));
    }
    sighting.stream = sighting.stream.or_else(|| stream(text));
    sighting.seconds = sighting.seconds.or_else(|| seconds(text));
}

fn request(text: &str) -> (Option<String>, Option<String>) {
    if !text.contains('/') {
        return (None, None);
    }
    if let Some(found) = REQUEST.captures_iter(text).find(|found| &found[2] != "/") {
        return (Some(found[1].to_ascii_uppercase()), Some(tidy(&found[2])));
    }
    let urls: Vec<&str> =
        URL.find_iter(text).map(|url| url.as_str()).filter(|url| !url.contains('*') && !is_reading(url)).take(20).collect();
    let route = urls.iter().find(|url| is_route(url)).or(urls.first()).map(|url| tidy(url));
    let paths = || ROUTE.captures_iter(text).filter_map(|found| found.get(1));
    let path = || paths().take(20).find(|path| !is_file(path.as_str(), &text[path.end()..])).map(|path| path.as_str().to_owned());
    (None, route.or_else(path))
}

/// True for the path of a program's own file: `…/site-packages/openai/resources/chat/completions/completions.py`.
fn is_file(path: &str, rest: &str) -> bool {
    let has_ending = rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
    has_ending || ["/site-packages/", "/node_modules/", "/dist/", "/lib/", "/src/"].iter().any(|folder| path.contains(folder))
}

/// The URL without the punctuation of the sentence and the key in its query.
fn tidy(url: &str) -> String {
    url.trim_end_matches(['.', ':', ';', '!', '*', '_', '}']).to_owned()
}

fn is_route(url: &str) -> bool {
    ["/v1", "/chat", "/api", "/messages", "/models", "/responses", "/openai", "/completions", ":11434"]
        .iter()
        .any(|part| url.contains(part))
}

/// URLs that are there to be read: documentation, issues, consoles.
fn is_reading(url: &str) -> bool {
    const PLACES: [&str; 22] = [
        "github.com/",
        "githubusercontent.com",
        "docs.",
        "/docs",
        "platform.openai.com/",
        "platform.claude.com/",
        "console.",
        "help.",
        "aka.ms",
        "go.microsoft.com",
        "learn.microsoft.com",
        "developer.mozilla.org",
        "errors.pydantic.dev",
        "httpstatuses",
        "stackoverflow.com",
        "discord.",
        "wiki",
        "openrouter.ai/settings",
        "support.",
        "ai.google.dev",
        "/billing",
        "api-keys",
    ];
    PLACES.iter().any(|place| url.contains(place))
}

fn model(text: &str) -> Option<String> {
    if !holds(text, &["model"]) || !text.contains([':', '=', '"', '\'', '`']) {
        return None;
    }
    let is_name =
        |name: &str| !matches!(name.to_ascii_lowercase().as_str(), "none" | "null" | "undefined" | "nil" | "name" | "group" | "not" | "is");
    let names = MODEL.captures_iter(text).filter_map(|found| found.get(1)).take(10);
    let written = names.filter(|name| !is_code(name.as_str(), &text[name.end()..]));
    let mut names = written.map(|name| name.as_str().trim_end_matches(['.', ':', ',']));
    names.find(|name| is_name(name) && !name.starts_with("//")).map(str::to_owned)
}

/// True for an expression of a program: `model=sys.argv[1]`, `model: self.model`, `model=get_model()`.
fn is_code(name: &str, rest: &str) -> bool {
    const OBJECTS: [&str; 10] = ["self.", "this.", "sys.", "os.", "args.", "config.", "settings.", "process.env", "options.", "params."];
    let is_variable = matches!(name, "model" | "model_name" | "modelName" | "MODEL" | "MODEL_NAME" | "str" | "string");
    is_variable || rest.starts_with(['(', '[']) || OBJECTS.iter().any(|object| name.starts_with(object))
}

fn stream(text: &str) -> Option<bool> {
    let found = if holds(text, &["stream"]) { STREAM.captures(text) } else { None };
    found.map(|found| found[1].eq_ignore_ascii_case("true"))
}

fn seconds(text: &str) -> Option<f64> {
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let found = DURATION.captures_iter(text).take(20).find(|found| !is_advice(text, found.get(0).map_or(0, |all| all.start())))?;
    length(&found[1], &found[2])
}

/// `try again in 20 s` says nothing of how long something took.
fn is_advice(text: &str, at: usize) -> bool {
    let before: String = text[..at].chars().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect::<String>().to_ascii_lowercase();
    ["again", "retry", "wait", "reset", "backoff", "sleeping"].iter().any(|word| before.contains(word))
}

/// `2m0` + `s`, `1.5` + `min`, in seconds.
fn length(number: &str, unit: &str) -> Option<f64> {
    let (hours, rest) = number.split_once('h').unwrap_or(("0", number));
    let (minutes, rest) = rest.split_once('m').unwrap_or(("0", rest));
    let scale = match unit.to_lowercase().as_str() {
        "ms" => 1e-3,
        unit if unit.starts_with("milli") => 1e-3,
        unit if unit.starts_with("min") => 60.0,
        "µs" | "μs" => 1e-6,
        _ => 1.0,
    };
    let parts: [f64; 3] = [hours.parse().ok()?, minutes.parse().ok()?, rest.parse().ok()?];
    Some(parts[0] * 3600.0 + parts[1] * 60.0 + parts[2] * scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::Form;

    fn read(text: &str) -> Sighting {
        let mut sighting = Sighting::new(Form::Text, (1, 1), text);
        fill(&mut sighting, text);
        sighting
    }

    #[test]
    fn the_request_is_read_from_words() {
        let read = read(
            "With base_url = \"http://gw:4000/v1\" and stream: true, model: `gpt-4o`, see https://docs.litellm.ai/x, it returns 504 after 60 seconds.",
        );
        assert_eq!(
            (read.url.as_deref(), read.stream, read.model(), read.seconds),
            (Some("http://gw:4000/v1"), Some(true), Some("gpt-4o"), Some(60.0))
        );
    }

    #[test]
    fn methods_come_with_their_url() {
        let asked = |text: &str| (read(text).method, read(text).url);
        let post = |url: &str| (Some("POST".to_owned()), Some(url.to_owned()));
        assert_eq!(asked("`POST /v1/chat/completions` fails"), post("/v1/chat/completions"));
        assert_eq!(asked("Post \"http://a:1/v1/chat\": dial tcp"), post("http://a:1/v1/chat"));
        assert_eq!(asked("| POST     \"/v1/messages\""), post("/v1/messages"));
        assert_eq!(asked("no route /v1/responses here"), (None, Some("/v1/responses".to_owned())));
        assert_eq!(asked("File \"/opt/lib/python3/site-packages/openai/chat/completions/completions.py\", line 3"), (None, None));
    }

    #[test]
    fn code_names_no_model() {
        let model = |text: &str| read(text).model().map(str::to_owned);
        assert_eq!(model("client.create(model=sys.argv[1])"), None);
        assert_eq!(model("create(model=self.model), then model=gpt-4o"), Some("gpt-4o".to_owned()));
        assert_eq!(model("Invalid model name passed in model=nosuch. Call"), Some("nosuch".to_owned()));
    }

    #[test]
    fn durations_in_every_notation() {
        let seconds = |text: &str| read(text).seconds;
        assert_eq!(seconds("| 500 |          2m0s |"), Some(120.0));
        assert_eq!(seconds("took 991 ms"), Some(0.991));
        assert_eq!(seconds("fails after 2 minutes."), Some(120.0));
        assert_eq!(seconds("elapsed=1.5s"), Some(1.5));
        assert_eq!(seconds("It streams for 30 seconds, then stops."), Some(30.0));
        assert_eq!(seconds("unexpected status; retrying 1/5 in 203ms…"), None);
        assert_eq!(seconds("Please try again in 18.642s."), None);
        assert_eq!(seconds("max_tokens in 500 models"), None);
    }
}
