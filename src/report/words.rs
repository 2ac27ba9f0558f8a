//! Quantities and vocabulary in words.

use crate::catalogue::{Blame, Certainty, Severity};
use crate::dialect::StreamEnd;

/// `0.4 ms`, `812 ms`, `4.1 s`, `2 min 5 s`.
pub fn duration(ms: f64) -> String {
    match ms {
        _ if !ms.is_finite() || ms < 0.0 => "?".to_owned(),
        _ if ms < 9.95 => format!("{ms:.1} ms"),
        _ if ms < 999.5 => format!("{ms:.0} ms"),
        _ if ms < 99_950.0 => format!("{:.1} s", ms / 1000.0),
        _ => format!("{} min {} s", (ms / 60_000.0) as u64, (ms / 1000.0) as u64 % 60),
    }
}

/// Microseconds are finer than any clock here.
pub fn rounded(ms: f64) -> f64 {
    (ms * 1000.0).round() / 1000.0
}

/// `1 request`, `9 requests`, `12,345 tokens`.
pub fn count(n: usize, thing: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(n))
}

fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The text with a capital first letter.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// `error`, `warning`, `info`.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// `certain`, `likely`, `possible`.
pub fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Certain => "certain",
        Certainty::Likely => "likely",
        Certainty::Possible => "possible",
    }
}

/// Who must act.
pub fn actor(blame: Blame) -> &'static str {
    match blame {
        Blame::Client => "you, in the client: its settings or the program itself",
        Blame::Key => "whoever holds or issues the key",
        Blame::Gateway => "the gateway's operator",
        Blame::Upstream => "whoever runs what stands behind the gateway",
        Blame::Network => "whoever runs the network between here and there",
    }
}

/// How a stream ended, as reports for programs name it.
pub fn end(end: StreamEnd) -> &'static str {
    match end {
        StreamEnd::Complete => "complete",
        StreamEnd::NoDone => "no-done",
        StreamEnd::NoFinish => "no-finish",
        StreamEnd::Silent => "silent",
        StreamEnd::Cut => "cut",
        StreamEnd::NotClosed => "not-closed",
        StreamEnd::NeverDone => "never-done",
        StreamEnd::Stalled => "stalled",
        StreamEnd::HeartbeatOnly => "heartbeat-only",
        StreamEnd::NoFirstByte => "no-first-byte",
    }
}

/// The serde name of a value of a closed vocabulary; what it carries stands behind a colon.
pub fn name<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(map)) => map.iter().next().map(|(name, inner)| format!("{name}: {}", bare(inner))).unwrap_or_default(),
        _ => String::new(),
    }
}

fn bare(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(_) => name(value),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{CertificateFault, FaultKind};

    #[test]
    fn durations_read_well() {
        let shown = [0.42, 9.97, 812.4, 999.7, 4_120.0, 99_960.0, f64::NAN].map(duration);
        assert_eq!(shown, ["0.4 ms", "10 ms", "812 ms", "1.0 s", "4.1 s", "1 min 39 s", "?"]);
    }

    #[test]
    fn counts_are_grouped_and_have_a_plural() {
        assert_eq!((count(1, "request"), count(1_234_567, "token")), ("1 request".to_owned(), "1,234,567 tokens".to_owned()));
    }

    #[test]
    fn faults_have_names() {
        assert_eq!(name(&FaultKind::CutBody), "cut-body");
        assert_eq!(name(&FaultKind::H2Reset("CANCEL".into())), "h2-reset: CANCEL");
        assert_eq!(name(&FaultKind::Certificate(CertificateFault::Expired(7))), "certificate: expired: 7");
    }
}
