//! What real clients make of the stream that a finding is about.

use serde_json::{Value, json};

use super::Shown;
use crate::catalogue::{Finding, Severity};
use crate::dialect::sse;
use crate::facts::{self, Does, StreamForm, Told};
use crate::profiles;

/// The kind of a stream's last line that is not written as it should be.
const SENTINEL: &str = "sentinel-variant";
/// Forms of one finding that are told, at most.
const FORMS: usize = 3;

/// What is known of the forms of stream that a finding is about.
pub struct Known {
    forms: Vec<&'static StreamForm>,
    dialect: String,
    /// Whether those are told that have no trouble.
    all: bool,
    /// The name in the recordings of the one form, where it depends on more than the form.
    recorded: Option<&'static str>,
}

/// What is seen in a recorded client, by the first word of its account.
fn outcome(account: &str) -> Option<Does> {
    match account.split([':', ' ', '(', ',']).next().unwrap_or_default() {
        "ok" => Some(Does::Fine),
        "silent_empty" => Some(Does::Silent),
        "partial" => Some(Does::Partial),
        "error" => Some(Does::Error),
        "loops" | "still" | "never" | "keeps" => Some(Does::Hang),
        _ => None,
    }
}

/// The recordings tell some forms of one finding apart.
fn particular(mode: &str, shown: &Shown) -> Option<&'static str> {
    let media = shown.response().map(crate::evidence::Response::media_type).unwrap_or_default();
    let said = shown.streamed().is_some_and(|reading| !reading.content_ms.is_empty());
    match (mode, media.as_str()) {
        ("stream-wrong-content-type", "text/plain") => Some("content_type_text_plain"),
        ("stream-wrong-content-type", "application/octet-stream") => Some("content_type_octet_stream"),
        ("error-in-success", _) if shown.streamed().is_some() && !said => Some("error_object_as_first_event"),
        _ => None,
    }
}

/// In which shape an error stands in a stream: clients look for `error`, and pass over what has none.
fn shape_of_error(shown: &Shown) -> &'static str {
    let (Some(response), Some(reading)) = (shown.response(), shown.streamed()) else { return "" };
    if reading.dialect == "anthropic-messages" {
        return if reading.faults.iter().any(|fault| fault.kind == "error-unnamed") { "error-unnamed" } else { "" };
    }
    let events = sse::decode(&response.body.bytes).events.into_iter().rev();
    let told = events
        .filter_map(|event| serde_json::from_str::<Value>(&event.data).ok())
        .find(|value| value.get("choices").is_none() || value.get("error").is_some());
    match told.as_ref().map(|value| value.get("error")) {
        Some(Some(Value::Object(_))) => "error-object",
        Some(Some(Value::String(_))) => "error-text",
        Some(None) => "error-other",
        _ => "",
    }
}

impl Known {
    /// The forms of a finding of this mode about this exchange; `asked` is the dialect of the run.
    pub fn of(mode: &str, finding: &Finding, shown: Option<&Shown>, asked: &str) -> Known {
        let read = shown.and_then(|shown| shown.streamed()).map_or("", |reading| reading.dialect);
        let dialect = if read.is_empty() { asked } else { read }.to_owned();
        let kind = finding.details.get("kind").and_then(Value::as_str);
        let kinds = finding.details.get("kinds").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let misspelt =
            shown.and_then(|shown| shown.streamed()).is_some_and(|reading| reading.faults.iter().any(|fault| fault.kind == SENTINEL));
        let forms = match mode {
            "stream-breaks-client" => kinds.flat_map(facts::stream_clients).collect(),
            "error-in-success" if kind == Some("stream") => facts::stream_clients(shown.map_or("", |shown| shape_of_error(shown))),
            "stream-missing-done" if misspelt => facts::stream_clients(SENTINEL),
            "empty-completion" if !shown.is_some_and(|shown| shown.asks_stream()) => Vec::new(),
            _ => facts::stream_forms_of(mode, kind.or(Some(""))),
        };
        Known {
            forms: forms.into_iter().filter(|form| form.is_of(&dialect)).take(FORMS).collect(),
            dialect,
            all: finding.severity > Severity::Info,
            recorded: shown.and_then(|shown| particular(mode, shown)),
        }
    }

    /// What each client does with a form: those that were measured, then those that were recorded.
    fn told(&self, form: &'static StreamForm) -> Vec<Told> {
        let mut told = form.told_of(&self.dialect);
        let Some(fault) = self.recorded.or(form.recorded.as_deref()) else { return told };
        let recorded = profiles::all().filter(|profile| profile.dialect_name() == Some(&self.dialect) && !form.has_measured(&profile.name));
        told.extend(recorded.filter_map(|profile| {
            let account = profile.outcomes.stream.get(fault)?;
            let seen = account.split_once(": ").map_or("", |(_, seen)| seen).to_owned();
            Some(Told { does: outcome(account)?, client: profile.name, version: profile.version, reads: self.dialect.clone(), seen })
        }));
        told
    }

    /// What clients do, in a line or two; with more than one form, form by form.
    pub fn in_words(&self) -> String {
        let told = |form: &&'static StreamForm| {
            let measured = form.told_of(&self.dialect).len();
            let mut told = self.told(form);
            told.iter_mut().skip(measured).for_each(|told| told.seen.clear());
            let words = form.in_words(&told, self.all);
            if self.forms.len() > 1 { format!("{}: {words}", form.what) } else { words }
        };
        self.forms.iter().map(told).collect::<Vec<_>>().join(". ")
    }

    /// The same for programs: clients with versions, and threads; `None` when nothing is known.
    pub fn details(&self) -> Option<(Value, Value)> {
        let client = |form: &'static StreamForm| {
            let told = self.told(form).into_iter();
            told.map(move |told| json!({ "form": form.kind, "client": told.client, "version": told.version, "does": told.does.name(), "seen": told.seen }))
        };
        let clients: Vec<Value> = self.forms.iter().flat_map(|form| client(form)).collect();
        let reports: Vec<Value> = self.forms.iter().flat_map(|form| form.reports()).map(|thread| Value::String(thread.source)).collect();
        (!clients.is_empty() || !reports.is_empty()).then_some((Value::Array(clients), Value::Array(reports)))
    }
}
