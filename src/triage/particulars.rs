//! What a sighting says in particular about a mode that it points at: the box and its clock, the wait, the fields.

use crate::catalogue::{Details, FailureMode};
use crate::facts::{self, Boundary};

use super::{Sighting, Weighed};

/// Actions and machine-readable particulars that follow from the sighting itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Particulars {
    /// Actions, before the mode's own.
    pub fix: Vec<String>,
    /// `boundary_s`, `retry_after_s`, `fields`, `model`.
    pub details: Details,
}

/// The boxes that left a mark on the answer, the surest first.
pub fn boxes(sighting: &Sighting) -> Vec<&'static str> {
    let status = sighting.status.unwrap_or_default();
    facts::fingerprint(status, &sighting.headers, sighting.said()).into_iter().map(|print| print.box_.as_str()).collect()
}

/// What the sighting says about a mode.
pub fn particulars(mode: &FailureMode, sighting: &Sighting, weighed: &Weighed) -> Particulars {
    match (mode.id, mode.family) {
        ("timeout-boundary", _) => clock(sighting),
        (_, "limits") => wait(sighting),
        (_, "body") => fields(weighed),
        (_, "model") => model(sighting, weighed),
        _ => Particulars::default(),
    }
}

/// Whose clock it may be, when the paste says how long it took.
fn clock(sighting: &Sighting) -> Particulars {
    let Some(seconds) = sighting.seconds else { return Particulars::default() };
    let seen = boxes(sighting);
    let fitting = facts::boundaries_at(seconds, sighting.status, &seen);
    let clock =
        fitting.into_iter().find(|clock| clock.scope.runs_during_an_answer() && (clock.known || seen.contains(&clock.box_.as_str())));
    let fix = clock.map(|clock| raise(clock, seconds)).into_iter().collect();
    Particulars { fix, details: detail("boundary_s", seconds) }
}

fn raise(clock: &Boundary, seconds: f64) -> String {
    let how = clock.raise_with.as_deref().unwrap_or(&clock.setting);
    format!("{seconds} s is the default of {} ({} {} s): raise it with {how}.", clock.box_, clock.setting, clock.seconds)
}

/// How long the answer asks to wait.
fn wait(sighting: &Sighting) -> Particulars {
    // Only dates need to know the time; an answer with a date for the wait has one of its own.
    let hint = facts::retry_after(&sighting.headers, sighting.said(), 0.0);
    hint.map_or_else(Particulars::default, |hint| Particulars {
        fix: vec![format!("The answer asks to wait {} s.", hint.seconds)],
        details: detail("retry_after_s", hint.seconds),
    })
}

/// The fields that the words name.
fn fields(weighed: &Weighed) -> Particulars {
    let about = |reading: &&facts::Reading| reading.cause.is_about_a_field();
    let mut named: Vec<String> = weighed.causes.iter().filter(about).filter_map(|reading| reading.named.clone()).collect();
    named.dedup();
    let Some(first) = named.first() else { return Particulars::default() };
    Particulars { fix: vec![format!("Leave out {first}, or give it the value that the server names.")], details: detail("fields", named) }
}

/// The model that was asked for, or that the words name.
fn model(sighting: &Sighting, weighed: &Weighed) -> Particulars {
    let named = weighed.causes.iter().filter(|reading| !reading.cause.is_about_a_field()).find_map(|reading| reading.named.as_deref());
    let model = sighting.model().or(named);
    Particulars { fix: Vec::new(), details: model.map(|model| detail("model", model)).unwrap_or_default() }
}

fn detail(name: &str, value: impl Into<serde_json::Value>) -> Details {
    Details::from_iter([(name.to_owned(), value.into())])
}

#[cfg(test)]
mod tests {
    use super::super::{Triage, sightings, weigh};
    use super::*;
    use crate::catalogue::mode;

    fn of(id: &str, paste: &str) -> Particulars {
        let sighting = sightings(paste.as_bytes()).expect("a text").remove(0);
        particulars(mode(id).expect("a mode"), &sighting, &weigh(&sighting))
    }

    #[test]
    fn a_clock_is_named_by_its_box() {
        let nginx = "HTTP/1.1 504 Gateway Time-out\nserver: nginx\n\n<html><head><title>504 Gateway Time-out</title></head><body><center><h1>504 Gateway Time-out</h1></center><hr><center>nginx</center></body></html>\n\nIt takes exactly 60 seconds every time.";
        let found = of("timeout-boundary", nginx);
        assert_eq!(found.details.get("boundary_s"), Some(&60.0.into()));
        assert!(found.fix[0].contains("nginx") && found.fix[0].contains("proxy_read_timeout"), "{:?}", found.fix);
    }

    #[test]
    fn a_wait_is_read() {
        let found =
            of("rate-limited", "HTTP/1.1 429 Too Many Requests\nretry-after: 7\n\n{\"error\":{\"message\":\"Rate limit reached\"}}");
        assert_eq!(found.details.get("retry_after_s"), Some(&7.0.into()));
    }

    #[test]
    fn fields_and_models_are_named() {
        let refused = "{\"error\":{\"message\":\"Unknown parameter: 'reasoning'.\",\"type\":\"invalid_request_error\",\"param\":\"reasoning\",\"code\":\"unknown_parameter\"}}";
        assert_eq!(of("unsupported-field", refused).details.get("fields"), Some(&serde_json::json!(["/reasoning"])));
        let unknown = "{\"error\":{\"message\":\"The model `gpt-9` does not exist\",\"code\":\"model_not_found\"}}";
        assert_eq!(of("model-name-mismatch", unknown).details.get("model"), Some(&"gpt-9".into()));
        assert!(Triage::of(unknown.as_bytes()).is_ok());
    }
}
