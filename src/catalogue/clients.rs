//! Whether known clients work here, read off the requests that were sent: theirs, and those that have everything of theirs.

use std::collections::BTreeSet;

use super::client_evidence::{believed, is_bare_refusal, ledger, sizes};
use super::client_outcomes::{recorded, sees};
use super::timing::span;
use super::{Case, Shown};
use crate::dialect::stream_timing::Timing;
use crate::evidence::{Ask, Credential, Dialect, FaultKind};
use crate::profiles::{self, Capability, Forecast, Ledger, Profile, Recorded, TestAsks, Use, traits};

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
    /// What of it works, in the order of [`Capability::ALL`]; what it does not have, or nobody recorded, is left out.
    pub can: Vec<Can>,
    /// What to type as its base URL; `None` when nothing that can be typed leads to the base that was asked.
    pub typed: Option<String>,
    /// How its own test of the connection goes: `Some(true)` when it passes; `None` when there is none, or it was not tried.
    pub test: Option<bool>,
}

/// One capability of a client here.
#[derive(Debug, Clone)]
pub struct Can {
    /// Which one.
    pub capability: Capability,
    /// Whether it works.
    pub how: How,
    /// By what that shows, when it fails.
    pub because: Option<String>,
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

/// What the client's user was recorded to see of an answer like this one: of a failure, or of a stream's form, also when that does no
/// harm. `None` when nothing like it was recorded.
pub fn outcome(client: &Profile, shown: &Shown) -> Option<String> {
    recorded(client, shown).or_else(|| super::stream_habits::shows_all_the_same(shown, client))
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
    alone: bool,
}

impl<'c, 'e> Seen<'c, 'e> {
    fn of(case: &'c Case<'e>) -> Self {
        let alone = case.subject().client.as_deref() != Some(profiles::ALL);
        Seen { case, model: case.subject().model.clone().unwrap_or_default(), alone }
    }

    fn fit(&self, client: Profile) -> Fit {
        let ledger = ledger(self.case, &client);
        let typed = client.typed_for(&self.case.subject().base_url);
        let mut worst = self.prompts(&client, &ledger);
        if worst.how == How::Fails && self.by_its_name(&client).is_none() && self.elsewhere(&client, &ledger) {
            worst.how = How::WithSetting;
        }
        if typed.is_none() && !self.alone && worst.how != How::Untested {
            worst = Standing::unreachable(&client, &self.case.subject().base_url);
        }
        let far = client.from_servers && super::reach::is_private(self.case) == Some(super::reach::Private::ByName);
        if far {
            worst = Standing::far(&client, &super::reach::host(self.case));
        }
        let without = match worst.how {
            How::Works => self.failing(&client, &ledger, &[Use::Feature, Use::Aside]).into_iter().chain(self.unreadable(&client)).collect(),
            _ => Vec::new(),
        };
        let can = Capability::ALL.into_iter().filter_map(|one| self.can(&client, &ledger, &worst, one)).collect();
        let Standing { how, because, sees, cites } = worst;
        let test = if far { None } else { self.test(&client, &ledger) };
        Fit { client, how, because, sees, cites, without, can, typed, test }
    }

    /// What becomes of its ordinary requests: of their shape, their size, and of what comes back.
    fn prompts(&self, client: &Profile, ledger: &Ledger) -> Standing {
        let standing = self.worst(client, ledger, client.prompts());
        let trouble = match standing.how {
            How::Works => self.size(client).or_else(|| self.patience(client)).or_else(|| self.reading(client)),
            How::Untested => self.as_the_control(client).or_else(|| self.by_its_key(client)),
            _ => None,
        };
        self.by_its_name(client).or(trouble).unwrap_or(standing)
    }

    /// The first of these requests that fails; else one that nobody can tell of; else an answered one.
    fn worst<'r>(&self, client: &Profile, ledger: &Ledger, requests: impl Iterator<Item = &'r Recorded>) -> Standing {
        let all: Vec<(&Recorded, Forecast)> = requests.map(|request| (request, self.forecast(ledger, request))).collect();
        if let Some((request, Forecast::Fails(id))) = all.iter().find(|(_, forecast)| matches!(forecast, Forecast::Fails(_))) {
            return self.refused(client, request, id);
        }
        match all.iter().find(|(_, forecast)| *forecast == Forecast::Open) {
            Some((request, _)) => Standing::untested(
                self.nothing_sent()
                    .unwrap_or_else(|| format!("no request tells what becomes of its {} on {}", request.kind, request.bare_route())),
            ),
            None => match all.first() {
                Some((request, Forecast::Passes(id))) => Standing::works(request, id),
                _ => Standing::untested("nothing of what it sends is public".to_owned()),
            },
        }
    }

    /// Why no client's request was sent at all.
    fn nothing_sent(&self) -> Option<String> {
        if self.case.subject().model.is_none() {
            return Some("no model is known, so that none of its requests was sent (--model)".to_owned());
        }
        let sent = [Ask::Client, Ask::Fields].into_iter().any(|ask| self.case.asked(ask).next().is_some());
        self.case.skipped(Ask::Client).filter(|_| !sent).map(str::to_owned)
    }

    fn forecast(&self, ledger: &Ledger, request: &Recorded) -> Forecast {
        ledger.forecast(request.kind(), &traits(&request.with_model(&self.model)))
    }

    fn refused(&self, client: &Profile, request: &Recorded, id: &str) -> Standing {
        let shown = self.case.all().find(|shown| shown.id == id);
        let fields = shown.map(parts).unwrap_or_default();
        let streams = || shown.is_some_and(|shown| shown.asks_stream() && shown.status() != Some(404));
        let what = match fields.is_empty() {
            true if streams() => format!("its streams on {}", request.bare_route()),
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

    /// The plainest request is refused when it carries this client's headers, and answered without them.
    fn by_its_name(&self, client: &Profile) -> Option<Standing> {
        let shown = self.case.asked(Ask::Client).find(|shown| is_bare_refusal(self.case, shown, client))?;
        let agent = client.headers.iter().find(|(name, _)| name == "user-agent");
        let name = agent.map_or("its headers, without a User-Agent".to_owned(), |(_, agent)| format!("its headers (User-Agent {agent})"));
        Some(Standing::failed(client, shown, format!("{name}: {}", shown.account())))
    }

    /// Nothing of any client's was sent, because the plain question failed for a reason that all would meet.
    fn as_the_control(&self, client: &Profile) -> Option<Standing> {
        let chat = self.case.chat();
        let same = self.alone || client.dialect_name() == Some(self.case.subject().dialect.as_str());
        let shown = chat.failure().filter(|_| same && self.case.stream().answer().is_none())?;
        if matches!(shown.fault_kind(), Some(FaultKind::NoAnswer)) {
            return gave_up(client, shown);
        }
        if !chat.repeats() && !believed(self.case, shown) {
            return None;
        }
        Some(Standing::failed(client, shown, format!("every chat: {}", shown.account())))
    }

    /// No chat could be asked: the key is refused in the header in which this client sends it, and taken in another.
    fn by_its_key(&self, client: &Profile) -> Option<Standing> {
        let given = |shown: &&Shown| matches!(shown.request.credential, Credential::Given(_)) && matches!(shown.status(), Some(401 | 403));
        let shown = self.case.asked(Ask::Models).find(given).filter(|_| self.alone && !self.case.chat().asked())?;
        self.case.asked(Ask::OtherScheme).find(|other| other.status().is_some_and(|status| status < 300))?;
        Some(Standing::failed(client, shown, format!("its way to send the key: {}", shown.account())))
    }

    /// Its request passes when it is short, and not at the size that it really has.
    fn size(&self, client: &Profile) -> Option<Standing> {
        let request = client.prompts().next()?;
        let size = request.size_for(&self.model);
        let Forecast::Fails(id) = sizes(self.case, client).forecast(size) else { return None };
        let shown = self.case.all().find(|shown| shown.id == id)?;
        let sent = profiles::Size::of(shown.exchange.request.body.as_ref()?);
        let words = |size: profiles::Size| match size.tools {
            0 => format!("{} bytes", size.bytes),
            tools => format!("{} bytes and {tools} tools", size.bytes),
        };
        let what = if self.alone || sent == size { words(sent) } else { format!("{}, as {} are refused", words(size), words(sent)) };
        Some(Standing::failed(client, shown, format!("its first request with {what}, and not a short one: {}", shown.account())))
    }

    /// It gives up before the answer comes.
    fn patience(&self, client: &Profile) -> Option<Standing> {
        let limit_s = client.patience()?;
        let streams = client.prompts().next().is_some_and(Recorded::streamed);
        let (shown, ms) = match streams {
            true => self.case.stream().answer().and_then(|shown| Some((shown, Timing::of(shown.streamed()?)?.first_ms)))?,
            false => self.case.chat().answer().map(|shown| (shown, shown.total_ms()))?,
        };
        let what = if streams { "first text" } else { "answer" };
        (ms > limit_s * 1e3).then(|| Standing {
            how: How::Fails,
            because: format!("its patience: the {what} came after {}, and it waits {limit_s} s", span(ms)),
            sees: Some(format!("an error, after {limit_s:.0} s at the latest")),
            cites: Some(shown.id.clone()),
        })
    }

    /// A stream in the client's dialect: the control's, or one that was sent in clients' names.
    fn stream(&self, client: &Profile) -> Option<&Shown<'e>> {
        if client.dialect_name() == Some(self.case.subject().dialect.as_str()) {
            return self.case.stream().answer();
        }
        let own = |shown: &&Shown| Dialect::of(&shown.request.url) == client.dialect();
        self.case.asked(Ask::Client).find(|shown| own(shown) && shown.answered() && shown.asks_stream())
    }

    /// The control's stream failed each time, although streams of a word or two pass.
    fn broken_stream(&self, client: &Profile) -> Option<&Shown<'e>> {
        let stream = self.case.stream();
        let own = client.dialect_name() == Some(self.case.subject().dialect.as_str());
        let about_it = |shown: &&Shown| shown.status() == Some(200) || believed(self.case, shown);
        stream.failure().filter(|_| own && stream.repeats()).filter(about_it)
    }

    /// Its requests pass and its way of reading an answer fails on what comes back.
    fn reading(&self, client: &Profile) -> Option<Standing> {
        let streams = client.prompts().next().is_some_and(Recorded::streamed);
        if let Some(broken) = self.broken_stream(client).filter(|_| streams) {
            return Some(Standing::failed(client, broken, format!("its streams, when the answer is longer: {}", broken.account())));
        }
        let stream = self.stream(client).filter(|_| streams)?;
        let (fault, outcome) = super::stream_habits::trouble(stream, client)?;
        let because = format!("the answer's form ({}): the request itself passes", fault.replace('_', " "));
        Some(Standing { how: How::Fails, because, sees: Some(outcome), cites: Some(stream.id.clone()) })
    }

    /// Its streams, when it also chats without them and would not show what comes in this form.
    fn unreadable(&self, client: &Profile) -> Option<String> {
        let streams = client.prompts().skip(1).find(|request| request.streamed())?;
        let (fault, outcome) = super::stream_habits::trouble(self.stream(client)?, client)?;
        Some(format!("{} ({}: its user sees {outcome})", streams.kind, fault.replace('_', " ")))
    }

    /// Its other route passes: one that a setting leads to.
    fn elsewhere(&self, client: &Profile, ledger: &Ledger) -> bool {
        let default = client.prompts().next().map(Recorded::bare_route);
        let plain = |request: &&Recorded| matches!(request.kind.as_str(), "chat" | "chat_stream") && Some(request.bare_route()) != default;
        let other: Vec<&Recorded> = client.requests.iter().filter(plain).collect();
        client.instead.is_some() && other.iter().any(|request| matches!(self.forecast(ledger, request), Forecast::Passes(_)))
    }

    fn failing(&self, client: &Profile, ledger: &Ledger, usages: &[Use]) -> Vec<String> {
        let of = client.requests.iter().filter(|request| usages.contains(&request.usage));
        of.filter(|request| matches!(self.forecast(ledger, request), Forecast::Fails(_))).map(|request| request.kind.clone()).collect()
    }

    /// One capability, on the route that the client takes here; agents whose ordinary requests offer tools stand or fall with them.
    fn can(&self, client: &Profile, ledger: &Ledger, prompts: &Standing, capability: Capability) -> Option<Can> {
        let as_prompts = || Some(Can { capability, how: prompts.how, because: None });
        if capability == Capability::Prompts {
            return client.prompts().next().and_then(|_| as_prompts());
        }
        let all: Vec<&Recorded> = client.requests.iter().filter(|request| request.capability() == Some(capability)).collect();
        let default = client.prompts().next()?.bare_route();
        let is_default = |request: &&&Recorded| request.bare_route() == default;
        let (own, others): (Vec<&Recorded>, Vec<&Recorded>) = all.iter().partition(is_default);
        let due = if prompts.how == How::WithSetting || own.is_empty() { others } else { own };
        if due.is_empty() {
            let agent = capability == Capability::Tools && client.prompts().all(Recorded::has_tools);
            return agent.then(as_prompts).flatten();
        }
        if prompts.how == How::Fails {
            return as_prompts();
        }
        let worst = self.worst(client, ledger, due.into_iter());
        let because = (worst.how == How::Fails).then_some(worst.because);
        Some(Can { capability, how: if worst.how == How::Works { prompts.how } else { worst.how }, because })
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

/// Nothing had come when our own patience ended, and this client's is no longer.
fn gave_up(client: &Profile, shown: &Shown) -> Option<Standing> {
    let limit_s = client.patience().filter(|limit_s| limit_s * 1e3 <= shown.total_ms() * 1.01)?;
    Some(Standing {
        how: How::Fails,
        because: format!("its patience: nothing had come after {}, and it waits {limit_s} s", span(shown.total_ms())),
        sees: Some(format!("an error, after {limit_s:.0} s")),
        cites: Some(shown.id.clone()),
    })
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

    fn failed(client: &Profile, shown: &Shown, because: String) -> Self {
        Standing { how: How::Fails, because, sees: Some(sees(client, shown)), cites: Some(shown.id.clone()) }
    }

    fn far(client: &Profile, host: &str) -> Self {
        let because = format!("its place: the servers of {}'s maker send its requests, and they do not reach {host}", client.name);
        let sees = "an error (\"Access to private networks is forbidden\"), or only that its test fails".to_owned();
        Standing { how: How::Fails, because, sees: Some(sees), cites: None }
    }

    fn unreachable(client: &Profile, base: &str) -> Self {
        let because = format!("its base URL: nothing that can be typed leads to {base}, as it {}", client.base.words());
        Standing { how: How::Fails, because, sees: Some("an error (404)".to_owned()), cites: None }
    }
}

/// What a refused request had beyond the plainest one, by the names of its members and roles.
fn parts(shown: &Shown) -> Vec<String> {
    let named = super::bodies::parts_of(shown).into_iter().map(|part| part.name).filter(|name| name != "stream");
    let turns = shown.exchange.request.body.as_ref().and_then(|body| body["input"].as_array()).into_iter().flatten();
    let who = |turn: &serde_json::Value| match (turn["role"].as_str(), turn["type"].as_str()) {
        (Some("user"), _) => None,
        (Some(role), _) => Some(format!("role={role}")),
        (None, kind) => kind.map(|kind| format!("type={kind}")),
    };
    let (mut beyond, mut lists) = (BTreeSet::new(), false);
    for turn in turns {
        beyond.extend(who(turn));
        lists |= turn["content"].is_array();
    }
    named.chain(beyond).chain(lists.then(|| "content[]".to_owned())).collect()
}
