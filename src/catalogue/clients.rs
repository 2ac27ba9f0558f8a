//! Whether known clients work here, read off the requests that were sent: theirs, and those that have everything of theirs.

use crate::evidence::{Ask, Credential, Dialect, FaultKind};
use crate::facts::Cause;
use crate::profiles::{self, Forecast, Kind, Ledger, Profile, Recorded, TestAsks, Use, traits};

use super::{Case, Shown};

/// What one client's user gets here.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The client.
    pub client: Profile,
    /// Whether it works.
    pub how: How,
    /// By what that shows: an answer, a refusal, or what was missing.
    pub because: String,
    /// What its user sees, when it does not simply work.
    pub sees: Option<String>,
    /// The exchange that shows it.
    pub cites: Option<String>,
    /// Features that fail although the client's ordinary requests pass, by the kind of request.
    pub without: Vec<String>,
    /// How its own test of the connection goes: `Some(true)` when it passes; `None` when there is none, or it was not tried.
    pub test: Option<bool>,
}

/// Whether a client works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Its ordinary requests are answered, and it can read the answers.
    Works,
    /// Only with a setting other than its default one.
    WithSetting,
    /// Its ordinary requests are refused, or it cannot read the answers.
    Fails,
    /// Nobody can say from this evidence.
    Untested,
}

/// Every client that the run was about, with what came of it; empty when it was about none.
pub fn fits(case: &Case) -> Vec<Fit> {
    let asked = case.subject().client.as_deref();
    let clients: Vec<Profile> = match asked {
        None => return Vec::new(),
        Some(profiles::ALL) => profiles::all().collect(),
        Some(name) => profiles::find(name).into_iter().collect(),
    };
    let seen = Seen::of(case);
    clients.into_iter().map(|client| seen.fit(client)).collect()
}

/// The one client that the run was about; `None` when it was about none, or about all.
pub(super) fn named(case: &Case) -> Option<Profile> {
    profiles::find(case.subject().client.as_deref()?).ok()
}

/// How the client in question is led to another route than its default one, or that it cannot be.
pub(super) fn of_another_route(case: &Case) -> Option<String> {
    let client = named(case)?;
    Some(match client.instead {
        Some(setting) => format!("{}: {setting}.", client.name),
        None => format!("{} asks this route only: it needs a server that has it.", client.name),
    })
}

/// What was sent with the key as typed, and what came of it.
struct Seen<'c, 'e> {
    case: &'c Case<'e>,
    model: String,
}

impl<'c, 'e> Seen<'c, 'e> {
    fn of(case: &'c Case<'e>) -> Self {
        Seen { case, model: case.subject().model.clone().unwrap_or_default() }
    }

    /// The requests that a client could have sent with its way to send the key, and with nobody else's name for itself.
    fn ledger(&self, client: &Profile) -> Ledger {
        let mut ledger = Ledger::default();
        for shown in self.case.all().filter(|shown| speaks_for(shown, client)) {
            let Some((kind, body)) = asked(shown) else { continue };
            if shown.answered() || believed(self.case, shown) {
                ledger.enter(kind, traits(body), shown.answered(), &shown.id);
            }
        }
        ledger
    }

    fn fit(&self, client: Profile) -> Fit {
        let ledger = self.ledger(&client);
        let mut worst = self.worst(&client, &ledger, client.prompts());
        if worst.how == How::Works {
            worst = self.reading(&client).unwrap_or(worst);
        }
        if worst.how == How::Fails && self.elsewhere(&client, &ledger) {
            worst.how = How::WithSetting;
        }
        let without = match worst.how {
            How::Works => self.failing(&client, &ledger, Use::Feature),
            _ => Vec::new(),
        };
        let Standing { how, because, sees, cites } = worst;
        let test = self.test(&client, &ledger);
        Fit { client, how, because, sees, cites, without, test }
    }

    /// The first of these requests that fails; else one that nobody can tell of; else an answered one.
    fn worst<'r>(&self, client: &Profile, ledger: &Ledger, requests: impl Iterator<Item = &'r Recorded>) -> Standing {
        let all: Vec<(&Recorded, Forecast)> = requests.map(|request| (request, self.forecast(ledger, request))).collect();
        if let Some((request, Forecast::Fails(id))) = all.iter().find(|(_, forecast)| matches!(forecast, Forecast::Fails(_))) {
            return self.refused(client, request, id);
        }
        match all.iter().find(|(_, forecast)| *forecast == Forecast::Open) {
            Some((request, _)) => Standing::untested(match request.dialect() {
                None => "the Gemini routes are not asked".to_owned(),
                _ => format!("no request tells what becomes of its {} on {}", request.kind, request.bare_route()),
            }),
            None => match all.first() {
                Some((request, Forecast::Passes(id))) => Standing::works(request, id),
                _ => Standing::untested("nothing of what it sends is public".to_owned()),
            },
        }
    }

    fn forecast(&self, ledger: &Ledger, request: &Recorded) -> Forecast {
        let Some(dialect) = request.dialect() else { return Forecast::Open };
        ledger.forecast(Kind { dialect, streamed: request.streamed() }, &traits(&request.with_model(&self.model)))
    }

    fn refused(&self, client: &Profile, request: &Recorded, id: &str) -> Standing {
        let shown = self.case.all().find(|shown| shown.id == id);
        let fields = shown.map(parts).unwrap_or_default();
        let what = match fields.is_empty() {
            true => format!("its route {}", request.bare_route()),
            false => fields.join(", "),
        };
        let account = shown.map(Shown::account).unwrap_or_default();
        Standing {
            how: How::Fails,
            because: format!("{what}: {account}"),
            sees: shown.map(|shown| sees(client, shown)),
            cites: Some(id.to_owned()),
        }
    }

    /// Its requests pass and its way of reading an answer fails on what comes back.
    fn reading(&self, client: &Profile) -> Option<Standing> {
        let streams = client.prompts().next().is_some_and(Recorded::streamed);
        let stream =
            self.case.stream().answer().filter(|_| streams && client.dialect_name() == Some(self.case.subject().dialect.as_str()))?;
        let (fault, outcome) = super::stream_habits::trouble(stream, client)?;
        let because = format!("the answer's form ({fault}): the request itself passes");
        Some(Standing { how: How::Fails, because, sees: Some(outcome), cites: Some(stream.id.clone()) })
    }

    /// Its other route passes: one that a setting leads to.
    fn elsewhere(&self, client: &Profile, ledger: &Ledger) -> bool {
        let default = client.prompts().next().map(Recorded::bare_route);
        let plain = |request: &&Recorded| matches!(request.kind.as_str(), "chat" | "chat_stream") && Some(request.bare_route()) != default;
        let other: Vec<&Recorded> = client.requests.iter().filter(plain).collect();
        client.instead.is_some() && other.iter().any(|request| matches!(self.forecast(ledger, request), Forecast::Passes(_)))
    }

    fn failing(&self, client: &Profile, ledger: &Ledger, usage: Use) -> Vec<String> {
        let of = client.requests.iter().filter(|request| request.usage == usage);
        of.filter(|request| matches!(self.forecast(ledger, request), Forecast::Fails(_))).map(|request| request.kind.clone()).collect()
    }

    fn test(&self, client: &Profile, ledger: &Ledger) -> Option<bool> {
        match client.test.asks {
            TestAsks::None | TestAsks::Unknown => None,
            TestAsks::Models => Some(self.case.models().is_some()).filter(|_| self.case.trial(Ask::Models).asked()),
            TestAsks::Chat => {
                let of = client.requests.iter().find(|request| request.usage == Use::Test)?;
                match self.forecast(ledger, of) {
                    Forecast::Passes(_) => Some(true),
                    Forecast::Fails(_) => Some(false),
                    Forecast::Open => None,
                }
            }
        }
    }
}

/// How a client stands, before its features are looked at.
struct Standing {
    how: How,
    because: String,
    sees: Option<String>,
    cites: Option<String>,
}

impl Standing {
    fn untested(because: String) -> Self {
        Standing { how: How::Untested, because, sees: None, cites: None }
    }

    fn works(request: &Recorded, id: &str) -> Self {
        let because = format!("what it sends to {} was answered", request.bare_route());
        Standing { how: How::Works, because, sees: None, cites: Some(id.to_owned()) }
    }
}

/// Questions whose requests say what becomes of a client's.
const TELLING: [Ask; 7] = [Ask::Chat, Ask::ChatStream, Ask::ChatStreamFalse, Ask::Fields, Ask::RareFields, Ask::Client, Ask::OtherRoute];

/// A request that this client could have sent, as far as key and name go.
fn speaks_for(shown: &Shown, client: &Profile) -> bool {
    let scheme = match shown.request.credential {
        Credential::Given(scheme) => client.auth.contains(&scheme),
        Credential::None => true,
        _ => false,
    };
    // A refusal of somebody else's headers says nothing about this client's.
    let agent = |headers: &[(String, String)]| headers.iter().find(|(name, _)| name == "user-agent").map(|(_, value)| value.clone());
    let own = shown.ask != Ask::Client || shown.answered() || shown.error().is_some() && !shown.caused_by(&[Cause::Waf]);
    let missing = matches!(shown.status(), Some(404 | 405));
    TELLING.contains(&shown.ask) && (scheme || missing) && (own || agent(&shown.request.headers) == agent(&client.headers))
}

/// Where a request went, in which way its answer was wanted, and what it had.
fn asked<'s>(shown: &'s Shown) -> Option<(Kind, &'s serde_json::Value)> {
    let dialect = Dialect::of(&shown.request.url)?;
    Some((Kind { dialect, streamed: shown.asks_stream() }, shown.exchange.request.body.as_ref()?))
}

/// A failure that is about the request: a refusal, or what repeats; a limit says "not now".
fn believed(case: &Case, shown: &Shown) -> bool {
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

/// What a refused request had beyond the plainest one, by the names of its members.
fn parts(shown: &Shown) -> Vec<String> {
    super::bodies::parts_of(shown).into_iter().map(|part| part.name).filter(|name| name != "stream").collect()
}

/// Requests for one prompt from which on it looks endless.
const STORM: u32 = 18;

/// What a client's user sees of a failure, from the recordings.
fn sees(client: &Profile, shown: &Shown) -> String {
    let labelled = shown.error().is_some_and(|error| error.kind.as_deref() == Some("server_error"));
    match shown.status() {
        Some(status @ 400..) => match client.sends_on(status, labelled).map(|sent| sent / client.per_prompt.max(1)) {
            Some(sent @ STORM..) => format!("nothing for a long time: {sent} requests in 100 s"),
            Some(sent @ 2..) => format!("an error, after {sent} requests"),
            Some(_) => "an error, at once".to_owned(),
            None => "an error".to_owned(),
        },
        Some(_) => under_200(client, shown),
        None => match client.waits().and_then(|waits| waits.first_byte.or(waits.total).or(waits.idle)) {
            Some(seconds) => format!("an error, after {seconds:.0} s at the latest"),
            None => "an error, or no end: it has no limit of its own".to_owned(),
        },
    }
}

/// What it shows of a page or an error object under a status of success.
fn under_200(client: &Profile, shown: &Shown) -> String {
    let fault = if shown.error().is_some() { "json_error_with_http_200" } else { "html_page_with_http_200" };
    let outcomes = if shown.asks_stream() { &client.outcomes.stream } else { &client.outcomes.plain };
    outcomes.get(fault).map_or_else(|| "not recorded".to_owned(), |outcome| said(outcome))
}

/// A recorded outcome as people say it.
pub(super) fn said(outcome: &str) -> String {
    let calm = outcome.trim();
    match calm.split([':', ' ', '(']).next().unwrap_or_default() {
        "silent_empty" => "an empty answer and no error".to_owned(),
        "loops" | "still" => "requests without end".to_owned(),
        "never" => "a wait without end, and no error".to_owned(),
        "ok" => "the answer".to_owned(),
        _ => calm.to_owned(),
    }
}
