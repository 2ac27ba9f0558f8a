//! Which of the requests that were sent say what becomes of a client's.

use crate::evidence::{Ask, Credential, Dialect, FaultKind};
use crate::facts::Cause;
use crate::profiles::{self, Agent, Kind, Ledger, Profile, Size, Sizes, are_plain, traits};

use super::split::ORDINARY;
use super::{Case, Shown};

/// The requests that a client could have sent with its way to send the key, and with nobody else's name for itself.
pub(super) fn ledger(case: &Case, client: &Profile) -> Ledger {
    let mut ledger = Ledger::default();
    for shown in case.all().filter(|shown| TELLING.contains(&shown.ask) && speaks_for(case, shown, client)) {
        let Some((kind, body)) = asked(shown) else { continue };
        if shown.answered() || believed(case, shown) {
            ledger.enter(kind, traits(body), shown.answered(), &shown.id);
        }
    }
    ledger
}

/// The sizes that were tried on the client's route.
pub(super) fn sizes(case: &Case, client: &Profile) -> Sizes {
    let mut sizes = Sizes::default();
    let tried = case.all().filter(|shown| matches!(shown.ask, Ask::FullSize | Ask::ClientSize) && speaks_for(case, shown, client));
    for shown in tried.filter(|shown| Dialect::of(&shown.request.url) == client.dialect()) {
        if let Some(body) = shown.exchange.request.body.as_ref().filter(|_| shown.answered() || believed(case, shown)) {
            sizes.enter(Size::of(body), shown.answered(), &shown.id);
        }
    }
    sizes
}

/// Questions whose requests say what becomes of a client's.
const TELLING: [Ask; 7] = [Ask::Chat, Ask::ChatStream, Ask::ChatStreamFalse, Ask::Fields, Ask::RareFields, Ask::Client, Ask::OtherRoute];

/// A request that this client could have sent, as far as key and name go.
fn speaks_for(case: &Case, shown: &Shown, client: &Profile) -> bool {
    let alone = is_alone(case);
    let scheme = match shown.request.credential {
        // Of all clients each sends the key as it does by default.
        Credential::Given(scheme) => client.auth.first() == Some(&scheme) || alone && client.auth.contains(&scheme),
        Credential::None => true,
        _ => false,
    };
    let in_names = matches!(shown.ask, Ask::Client | Ask::ClientSize);
    // A refusal of somebody else's headers says nothing about this client's.
    let own = alone || !in_names || shown.answered() || is_own(shown, client) || is_nobodys(shown) || are_innocent(case, shown);
    let missing = matches!(shown.status(), Some(404 | 405));
    scheme && own || missing
}

fn is_alone(case: &Case) -> bool {
    case.subject().client.as_deref() != Some(profiles::ALL)
}

/// The headers by which clients differ.
fn distinct<'s>(shown: &'s Shown) -> impl Iterator<Item = (&'s str, &'s str)> {
    let headers = shown.request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    headers.filter(|(name, _)| (!ORDINARY.contains(name) || *name == "user-agent") && *name != "anthropic-version")
}

/// It carried nothing by which other clients are known: none of their headers, and this one's name or ours where its is unknown.
fn is_own(shown: &Shown, client: &Profile) -> bool {
    let has = |name: &str, value: &str| client.headers.iter().any(|(own, its)| own == name && its == value);
    let named = distinct(shown).any(|(name, _)| name == "user-agent");
    let ours = |name: &str, value: &str| name == "user-agent" && client.agent() == Agent::Unknown && value.starts_with(OURS);
    distinct(shown).all(|(name, value)| has(name, value) || ours(name, value)) && named == (client.agent() != Agent::None)
}

/// It carried our own name and no client's headers.
fn is_nobodys(shown: &Shown) -> bool {
    let mut headers = distinct(shown);
    headers.next().is_some_and(|(name, value)| name == "user-agent" && value.starts_with(OURS)) && headers.next().is_none()
}

/// With the very same headers another request was answered on this route.
fn are_innocent(case: &Case, shown: &Shown) -> bool {
    let same = |other: &Shown| {
        other.request.credential == shown.request.credential
            && Dialect::of(&other.request.url) == Dialect::of(&shown.request.url)
            && distinct(other).eq(distinct(shown))
    };
    case.asked(Ask::Client).any(|other| other.answered() && same(other))
}

/// The plainest request with all of this client's headers, refused on a route on which it is answered without them.
pub(super) fn is_bare_refusal(case: &Case, shown: &Shown, client: &Profile) -> bool {
    let plain = shown.exchange.request.body.as_ref().is_some_and(|body| are_plain(&traits(body)));
    if is_alone(case) || shown.answered() || matches!(shown.status(), Some(404 | 405)) || !plain {
        return false;
    }
    let carries = |(name, value): &(String, String)| shown.request.headers.iter().any(|(other, its)| other == name && its == value);
    let dialect = Dialect::of(&shown.request.url);
    let without = |other: &Shown| {
        other.answered() && other.request.credential == shown.request.credential && Dialect::of(&other.request.url) == dialect
    };
    dialect == client.dialect()
        && is_own(shown, client)
        && client.headers.iter().all(carries)
        && believed(case, shown)
        && case.all().any(without)
}

/// Where a request went, in which way its answer was wanted, and what it had.
fn asked<'s>(shown: &'s Shown) -> Option<(Kind, &'s serde_json::Value)> {
    let dialect = Dialect::of(&shown.request.url)?;
    Some((Kind { dialect, streamed: shown.asks_stream() }, shown.exchange.request.body.as_ref()?))
}

/// How we call ourselves.
const OURS: &str = "llmdoctor/";

/// A failure that is about the request: a refusal, or what repeats; a limit says "not now".
pub(super) fn believed(case: &Case, shown: &Shown) -> bool {
    const NOT_NOW: [Cause; 4] = [Cause::RateLimited, Cause::ConcurrencyLimited, Cause::Overloaded, Cause::NoDeployment];
    if shown.caused_by(&NOT_NOW) || matches!(shown.fault_kind(), Some(FaultKind::Interrupted | FaultKind::Unsendable)) {
        return false;
    }
    let again = || {
        let same = |other: &&Shown| other.id != shown.id && other.exchange.request.body == shown.exchange.request.body;
        let mut others = case.asked(shown.ask).filter(same);
        others.any(|other| !other.answered() && other.status() == shown.status())
    };
    match shown.status() {
        Some(429 | 408) => false,
        Some(400..500) => true,
        Some(200..300) => shown.fault().is_none(),
        _ => again(),
    }
}
