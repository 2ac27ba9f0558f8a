//! The model list is missing, empty, of another shape, or does not name what can be called.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, address, auth};
use crate::dialect::ModelList;
use crate::evidence::Ask;

/// The list is missing, empty, of another shape, or not the set of callable models.
pub const MODE: FailureMode = FailureMode {
    id: "models-list-unusable",
    title: "The model list cannot be used",
    family: "address",
    symptom: "The client shows no models, \"Failed to fetch models\" or refuses to save the settings, although chat would work.",
    cause: "Clients fill their menu from GET /models and expect {\"object\":\"list\",\"data\":[{\"id\":…}]}. Some servers have no list, an empty one \
            (engines that load on demand), a bare array, another vendor's shape, or an error. Chat does not need the list: it is \
            judged by itself here. A list that fails for the same reason as chat is not counted.",
    fix: &[
        "Type the model's name into the client by hand.",
        "On the gateway, serve /models in OpenAI's shape, with the names that can be called.",
    ],
    references: &[
        "https://github.com/songquanpeng/one-api/issues/128",
        "https://github.com/madroidmaq/mlx-omni-server/issues/130",
        "https://github.com/The-AgenticFlow/openflows/issues/129",
        "https://github.com/Jeffser/Alpaca/issues/708",
        "https://github.com/cloudflare/cloudflare-docs/pull/31839",
        "https://github.com/n8n-io/n8n/issues/9949",
    ],
    explains: &[],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let list = case.trial(Ask::Models);
    let Some(first) = list.first() else { return Verdict::untested("the list was not asked") };
    let works = case.chat().answer().is_some() || case.stream().answer().is_some();
    match list.tries.iter().find_map(|shown| Some((shown, shown.models()?))) {
        Some((shown, models)) => served(case, shown, models),
        None if works => refused(case, auth::telling(case, Ask::Models).unwrap_or(first)),
        None if !case.chat().asked() => nothing_to_ask(case, first),
        None => Verdict::untested("chat was not answered either, so the list's failure says nothing of its own"),
    }
}

/// A list came: is it one that clients can read?
fn served(case: &Case, shown: &Shown, models: &ModelList) -> Verdict {
    let ours = models.standard || case.subject().dialect.starts_with(models.shape);
    if models.entries.is_empty() {
        return present(shown, Severity::Warning, "the list has no entry");
    }
    if !ours {
        let what =
            format!("the list has {} entries in another shape ({}) than {{\"data\":[{{\"id\":…}}]}}", models.entries.len(), models.shape);
        // The names are there: some clients read such a list and some do not, and chat is not concerned.
        let severity = if case.chat().answer().is_some() { Severity::Info } else { Severity::Warning };
        return present(shown, severity, &what);
    }
    match pattern(models) {
        Some(pattern) => {
            present(shown, Severity::Info, &format!("the list has the pattern “{pattern}”, which is no name that can be called"))
        }
        None => unlisted(case, shown, models),
    }
}

/// The typed model is answered, other unknown names are not, and the list does not have it.
fn unlisted(case: &Case, shown: &Shown, models: &ModelList) -> Verdict {
    let subject = case.subject();
    let Some(name) = subject.model.as_deref().filter(|_| !subject.model_was_chosen) else {
        return Verdict::absent("the list names models in the usual shape");
    };
    let listed = models.entries.iter().any(|entry| same_model(&entry.id, name));
    let picky = auth::telling(case, Ask::NonsenseModel).is_some_and(|other| !other.answered());
    if listed || !picky || case.chat().answer().is_none() {
        return Verdict::absent(format!("the list names {} models in the usual shape", models.entries.len()));
    }
    present(shown, Severity::Info, &format!("“{name}” is answered and not among the {} models of the list", models.entries.len()))
}

/// No model was given and no list names one; that other keys are turned away at this very address shows that an API stands there.
fn nothing_to_ask(case: &Case, shown: &Shown) -> Verdict {
    let guards = [Ask::ModelsGarbageKey, Ask::ModelsNoKey].into_iter().filter_map(|ask| auth::telling(case, ask));
    let guarded = guards.into_iter().find(|other| auth::turned_away(other));
    match guarded.filter(|_| address::route_missing(shown) && !auth::turned_away(shown)) {
        Some(guard) => {
            let what = format!("{}, while another key is answered with {}", address::shape(shown), address::shape(guard));
            present_as(shown, Severity::Warning, Certainty::Likely, &what)
        }
        None => Verdict::untested("no model was given and no list came, so no chat could be asked"),
    }
}

/// No list came although chat works.
fn refused(case: &Case, shown: &Shown) -> Verdict {
    let absent_route = address::route_missing(shown) && matches!(shown.status(), Some(404 | 405 | 501));
    let limited = matches!(shown.status(), Some(429)) && !case.trial(Ask::Models).repeats();
    if limited {
        return Verdict::untested(format!("the list was only turned away for the moment: {}", shown.account()));
    }
    let severity = if absent_route { Severity::Info } else { Severity::Warning };
    let certain = absent_route || shown.status() < Some(400) || case.trial(Ask::Models).repeats();
    let certainty = if certain { Certainty::Certain } else { Certainty::Likely };
    present_as(shown, severity, certainty, &format!("chat is answered, and the list is not served: {}", address::shape(shown)))
}

fn present(shown: &Shown, severity: Severity, what: &str) -> Verdict {
    present_as(shown, severity, Certainty::Certain, what)
}

fn present_as(shown: &Shown, severity: Severity, certainty: Certainty, what: &str) -> Verdict {
    let because = format!("GET {}: {what}.", shown.request.url);
    Finding::new(severity, certainty, Blame::Gateway, because)
        .so("Clients that fill their menu from the list cannot offer the model; with the name typed in, chat does not need the list.")
        .cite([shown.exchange])
        .present()
}

/// An entry that stands for many names.
fn pattern(models: &ModelList) -> Option<&str> {
    models.entries.iter().map(|entry| entry.id.as_str()).find(|id| id.contains('*'))
}

/// The same name but for case and what a provider or a route puts in front.
fn same_model(listed: &str, name: &str) -> bool {
    let bare = |id: &str| id.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    listed.eq_ignore_ascii_case(name) || bare(listed) == bare(name)
}
