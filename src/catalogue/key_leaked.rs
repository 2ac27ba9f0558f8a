//! A credential shows up in something that the server sent.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::Reading;
use crate::evidence::{GARBAGE_KEY, Response};
use crate::secret::{KEY_MARK, SECRET_MARK};

/// A credential shows up in something that the server sent.
pub const MODE: FailureMode = FailureMode {
    id: "key-leaked",
    title: "A credential is visible in an answer",
    family: "gateway",
    symptom: "Keys turn up in error messages, and from there in logs, tickets and screenshots.",
    cause: "The server writes a key into an error text, a header or a redirect: yours, or the one that the gateway uses upstream. Vendors \
            that quote a key with its middle blanked out are not meant.",
    fix: &[
        "Whoever owns the key: revoke it and issue another, since it is in every log on the way.",
        "Gateway: blank credentials in errors, headers and logs before they leave; do not pass an upstream's exception text on.",
    ],
    references: &[
        "https://github.com/BerriAI/litellm/pull/20288",
        "https://github.com/logicalclocks/hopsworks-api/pull/185",
        "https://github.com/steve-goldberg/NocoBot/issues/3",
        "https://github.com/vllm-project/semantic-router/issues/2132",
    ],
    explains: &[],
    diagnose,
};

/// Whose credential it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    /// A garbage key came back in full: a real one would as well.
    Garbage,
    /// The caller's own key.
    Caller,
    /// Somebody else's: most likely the gateway's.
    Other,
}

/// Where it stood.
struct Leak<'c, 'e> {
    shown: &'c Shown<'e>,
    owner: Owner,
    place: String,
}

fn diagnose(case: &Case) -> Verdict {
    let looked_at = case.all().filter(|shown| shown.response().is_some()).count();
    let leaks: Vec<_> = case.all().filter_map(leak).collect();
    let Some(worst) = leaks.iter().map(|leak| leak.owner).max() else {
        return match looked_at {
            0 => Verdict::untested("no answer came"),
            count => Verdict::absent(format!("{count} answers without a credential in them")),
        };
    };
    let worst: Vec<_> = leaks.into_iter().filter(|leak| leak.owner == worst).collect();
    present(&worst, looked_at)
}

fn leak<'c, 'e>(shown: &'c Shown<'e>) -> Option<Leak<'c, 'e>> {
    let response = shown.response()?;
    let headers = response.headers.iter().filter(|(name, _)| name != "set-cookie");
    let in_header = headers.filter_map(|(name, value)| Some((owner(value)?, format!("the header {name}"))));
    let in_body = searched(shown, response).and_then(|text| Some((owner(&text)?, "the body".to_owned())));
    let (owner, place) = in_header.chain(in_body).max_by_key(|(owner, _)| *owner)?;
    Some(Leak { shown, owner, place })
}

/// Texts that the server itself wrote: errors, redirects, unknown JSON. What a model says is its own affair, and web pages carry
/// tokens of their own.
fn searched(shown: &Shown, response: &Response) -> Option<String> {
    match &shown.reading {
        Reading::Completion(_) => beside_choices(response),
        Reading::Models(_) | Reading::Page(_) => None,
        Reading::Stream(stream) => stream.error.as_ref().map(|error| error.raw.clone()),
        _ => Some(response.body.text().into_owned()),
    }
}

/// An answer without what the model said.
fn beside_choices(response: &Response) -> Option<String> {
    let mut answer: serde_json::Value = serde_json::from_str(&response.body.text()).ok()?;
    let members = answer.as_object_mut()?;
    ["choices", "output", "content", "message"].iter().for_each(|said| drop(members.remove(*said)));
    Some(answer.to_string())
}

fn owner(text: &str) -> Option<Owner> {
    match () {
        () if text.contains(SECRET_MARK) => Some(Owner::Other),
        () if text.contains(KEY_MARK) => Some(Owner::Caller),
        () if text.contains(GARBAGE_KEY) => Some(Owner::Garbage),
        () => None,
    }
}

fn present(leaks: &[Leak], looked_at: usize) -> Verdict {
    let first = &leaks[0];
    let status = first.shown.status().map(|status| format!("HTTP {status}")).unwrap_or_default();
    let because =
        format!("{} of {looked_at} answers show {} ({status}, {}, in {})", leaks.len(), whose(first.owner), first.shown.id, first.place);
    let (severity, blame, so) = weight(first.owner);
    Finding::new(severity, Certainty::Likely, blame, because)
        .so(so)
        .cite(leaks.iter().map(|leak| leak.shown.exchange))
        .detail("kind", kind(first.owner))
        .present()
}

fn whose(owner: Owner) -> &'static str {
    match owner {
        Owner::Garbage => "the garbage key in full",
        Owner::Caller => "the given key in full",
        Owner::Other => "a credential that was not sent",
    }
}

fn kind(owner: Owner) -> &'static str {
    match owner {
        Owner::Garbage => "garbage-key",
        Owner::Caller => "own-key",
        Owner::Other => "foreign-key",
    }
}

fn weight(owner: Owner) -> (Severity, Blame, &'static str) {
    match owner {
        Owner::Other => (Severity::Error, Blame::Gateway, "Everybody who gets this error can use the gateway's credential."),
        Owner::Caller => (Severity::Error, Blame::Gateway, "Your key ends up in error logs and tickets of every client."),
        Owner::Garbage => {
            (Severity::Warning, Blame::Gateway, "A mistyped key, which is nearly a real one, ends up in error logs and tickets.")
        }
    }
}
