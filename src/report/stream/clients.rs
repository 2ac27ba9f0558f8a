//! What real clients make of the stream that a finding is about.

use serde_json::{Value, json};

use super::Shown;
use crate::catalogue::{Finding, Severity};
use crate::dialect::sse;
use crate::facts::{self, StreamForm};

/// Forms of one finding that are told, at most.
const FORMS: usize = 3;

/// What is known of the forms of stream that a finding is about.
pub struct Known {
    forms: Vec<&'static StreamForm>,
    dialect: String,
    /// Whether those are told that have no trouble.
    all: bool,
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
        let forms = match mode {
            "stream-breaks-client" => kinds.flat_map(facts::stream_clients).collect(),
            "error-in-success" if kind == Some("stream") => facts::stream_clients(shown.map_or("", |shown| shape_of_error(shown))),
            _ => facts::stream_forms_of(mode, kind.or(Some(""))),
        };
        Known {
            forms: forms.into_iter().filter(|form| form.is_of(&dialect)).take(FORMS).collect(),
            dialect,
            all: finding.severity > Severity::Info,
        }
    }

    /// What clients do, in a line or two; with more than one form, form by form.
    pub fn in_words(&self) -> String {
        let told = |form: &&'static StreamForm| {
            let words = form.in_words(&self.dialect, self.all);
            if self.forms.len() > 1 { format!("{}: {words}", form.what) } else { words }
        };
        self.forms.iter().map(told).collect::<Vec<_>>().join(". ")
    }

    /// The same for programs: clients with versions, and threads; `None` when nothing is known.
    pub fn details(&self) -> Option<(Value, Value)> {
        let client = |form: &'static StreamForm| {
            let told = form.told_of(&self.dialect).into_iter();
            told.map(move |told| json!({ "form": form.kind, "client": told.client, "version": told.version, "does": told.does.name(), "seen": told.seen }))
        };
        let clients: Vec<Value> = self.forms.iter().flat_map(|form| client(form)).collect();
        let reports: Vec<Value> = self.forms.iter().flat_map(|form| form.reports()).map(|thread| Value::String(thread.source)).collect();
        (!clients.is_empty() || !reports.is_empty()).then_some((Value::Array(clients), Value::Array(reports)))
    }
}
