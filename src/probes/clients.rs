//! Known clients: what they send, several in one request; only a refusal is split.

mod sizes;

use futures_util::future::join_all;
use http::header::USER_AGENT;
use http::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::dialect::requests;
use crate::evidence::{Ask, Credential, Dialect, Scheme};
use crate::profiles::{Agent, Forecast, Kind, Ledger, Profile, Recorded, Union, Use, traits, unions};

use super::ctx::AGENT;
use super::fields::{Form, examine};
use super::{Asked, Ctx, Need, Probe, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "clients",
    title: "Requests of known clients",
    asks: "Do the requests of this client (or of all that are known) pass, on their routes, with their headers and their way to send the key?",
    stage: 5,
    needs: Need::Client,
    cost: "with --client NAME 1 to 8 requests, with --client all about 16 (quick) or 40; more when something is refused",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

/// How often a group's refusals are looked into and what is then open is asked again.
const ROUNDS: usize = 5;
/// Requests of single clients that are sent because nothing else tells of them, at most, per group.
const CONFIRMED: usize = 4;

async fn run(cx: &Ctx<'_>) {
    let Some(model) = cx.model() else { return };
    if let Some(because) = hopeless(cx) {
        return cx.skip(PROBE.id, Some(Ask::Client), because);
    }
    let mut groups = groups(cx, &model);
    // The ordinary requests of all clients come first: features must not use up the budget. One client's go together.
    let passes: &[&[Use]] = match cx.clients.len() {
        1 => &[&[Use::Prompt, Use::Feature, Use::Aside, Use::Test]],
        _ if cx.pace.sweep.is_none() => &[&[Use::Prompt]],
        _ => &[&[Use::Prompt], &[Use::Feature, Use::Aside, Use::Test]],
    };
    for usages in passes {
        // Every group is asked before a refusal of one is looked into, for the same reason.
        let mut missing: Vec<String> = Vec::new();
        for group in &mut groups {
            group.missing |= missing.iter().any(|path| path == group.form.url.path());
            group.refused = group.ask_open(cx, usages).await;
            if group.is_nowhere(cx, &model).await {
                missing.push(group.form.url.path().to_owned());
            }
        }
        for group in &mut groups {
            group.explain(cx, &model, usages).await;
        }
        if usages.contains(&Use::Prompt) {
            sizes::ask(cx, &groups, &model).await;
        }
    }
}

/// Why no client's request would tell more than the control did: that one failed, and not over its route or its body.
fn hopeless(cx: &Ctx<'_>) -> Option<String> {
    if cx.answer(Ask::Chat).or_else(|| cx.answer(Ask::ChatStream)).is_some() {
        return None;
    }
    let first = cx.tries(Ask::Chat).into_iter().next()?;
    let about_it = matches!(first.exchange.status(), Some(400 | 404 | 405 | 415 | 422));
    let how = match (first.exchange.status(), first.exchange.fault_kind()) {
        (Some(status), _) => format!(" (HTTP {status})"),
        (None, Some(kind)) => format!(" ({kind})"),
        (None, None) => String::new(),
    };
    (!about_it).then(|| format!("plain chat failed for a reason that all clients would meet{how}"))
}

/// Requests that go the same way: the same route, key header and version of the API.
struct Group<'r> {
    /// Everything of the requests but their bodies and the clients' own headers.
    form: Form,
    /// The requests.
    members: Vec<Member<'r>>,
    refused: Vec<Refused>,
    /// Nothing answers on the route: who asked there learnt it, or the control did.
    missing: bool,
    /// Some client's headers are refused whatever the body is: bodies go without any.
    bare: bool,
    confirmed: usize,
}

/// One client's request.
struct Member<'r> {
    /// Whose it is.
    client: &'r Profile,
    /// As recorded.
    request: &'r Recorded,
    body: Value,
}

/// A refused request with what several members send.
struct Refused {
    form: Form,
    union: Union,
    places: Vec<usize>,
}

/// What is to be asked, group by group; what nobody can ask here is noted.
fn groups<'r>(cx: &Ctx<'r>, model: &str) -> Vec<Group<'r>> {
    let mut groups: Vec<(Option<String>, Group)> = Vec::new();
    for client in cx.clients {
        for request in client.requests.iter().filter(|request| cx.clients.len() == 1 || is_telling(client, request)) {
            let form = form(cx, client, request, model);
            let version = client.headers.iter().find(|(name, _)| name == "anthropic-version").map(|(_, value)| value.clone());
            let member = Member { client, request, body: request.with_model(model) };
            let same = |(other, group): &&mut (Option<String>, Group)| {
                group.form.url == form.url && group.form.credential == form.credential && *other == version
            };
            match groups.iter_mut().find(same) {
                Some((_, group)) => group.members.push(member),
                None => groups.push((version, Group::new(cx, form, member))),
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Of many clients: what its user meets, and what a setting leads to that makes it work. Variants of models and settings are left out.
fn is_telling(client: &Profile, request: &Recorded) -> bool {
    let other_route = client.instead.is_some() && matches!(request.kind.as_str(), "chat" | "chat_stream");
    request.capability().is_some() || request.usage == Use::Test || other_route
}

fn form(cx: &Ctx<'_>, client: &Profile, request: &Recorded, model: &str) -> Form {
    let whole = request.path(model);
    let (path, query) = whole.split_once('?').map_or((whole.as_str(), None), |(path, query)| (path, Some(query)));
    let mut url = cx.target.base.route(path);
    if let Some(query) = query {
        let all = url.query().into_iter().chain([query]).collect::<Vec<_>>().join("&");
        url.set_query(Some(&all));
    }
    let usual = if cx.clients.len() == 1 { cx.target.auth.scheme } else { client.auth.first().copied().unwrap_or(Scheme::Bearer) };
    let credential = cx.target.auth.key.as_ref().map_or(Credential::None, |_| Credential::Given(usual));
    // What the one client in question sends by default is held against the rules about bodies; the rest only shows how clients fare.
    let own = cx.clients.len() == 1 && client.prompts().next().is_some_and(|prompt| prompt.route == request.route);
    let ask = if own { Ask::Fields } else { Ask::Client };
    Form { rung: PROBE.id, ask, dialect: request.dialect(), url, credential, headers: Vec::new() }
}

impl<'r> Group<'r> {
    fn new(cx: &Ctx<'_>, form: Form, member: Member<'r>) -> Self {
        let control = cx.tries(Ask::Chat);
        let refused = cx.answer(Ask::Chat).is_none() && control.iter().any(|asked| matches!(asked.exchange.status(), Some(404 | 405)));
        let missing = refused && form.url.path() == cx.target.base.route(cx.target.dialect.route()).path();
        Group { form, members: vec![member], refused: Vec::new(), missing, bare: false, confirmed: 0 }
    }

    /// Sends what nothing tells of yet, as many requests as go together in one; gives back those that were refused.
    async fn ask_open(&self, cx: &Ctx<'_>, usages: &[Use]) -> Vec<Refused> {
        let open = self.open(cx, usages);
        if self.missing || open.is_empty() {
            return Vec::new();
        }
        let bodies: Vec<Value> = open.iter().map(|place| self.members[*place].body.clone()).collect();
        let mut agents = agents_heard(cx);
        let mut due: Vec<Refused> = Vec::new();
        for union in unions(&bodies) {
            let places: Vec<usize> = union.of.iter().map(|place| open[*place]).collect();
            let form = Form { headers: self.headers(cx, &places, &mut agents), ..self.form.clone() };
            due.push(Refused { form, union, places });
        }
        // The first goes ahead: where nothing answers on the route, the others are spared.
        let mut refused: Vec<Refused> = Vec::new();
        let rest = due.split_off(1);
        for round in [due, rest] {
            let asked = join_all(round.iter().map(|one| cx.ask_aside(PROBE.id, one.form.question(one.union.body.clone())))).await;
            let gone = asked.iter().flatten().any(|asked| matches!(asked.exchange.status(), Some(404 | 405)));
            let outcomes = round.into_iter().zip(asked);
            refused.extend(outcomes.filter(|(_, asked)| asked.as_ref().is_some_and(|asked| !asked.answered())).map(|(one, _)| one));
            if gone {
                break;
            }
        }
        refused
    }

    /// Nothing answers on the route: the last refusal was a 404, and the plainest request meets it too.
    async fn is_nowhere(&mut self, cx: &Ctx<'_>, model: &str) -> bool {
        let Some(form) = self.refused.first().map(|refused| refused.form.clone()) else { return self.missing };
        let gone = sent(cx, &form).last().is_some_and(|asked| matches!(asked.exchange.status(), Some(404 | 405)));
        if gone {
            self.is_the_way(cx, &form, model).await;
        }
        self.missing
    }

    /// Looks into refusals, and asks again for what is open then.
    async fn explain(&mut self, cx: &Ctx<'_>, model: &str, usages: &[Use]) {
        for _ in 0..ROUNDS {
            if self.refused.is_empty() || self.missing {
                return;
            }
            let first = self.refused.swap_remove(0);
            if self.is_the_way(cx, &first.form, model).await {
                examine(cx, &first.form, first.union.body.clone()).await;
                self.confirm(cx, &first).await;
            }
            self.refused = self.ask_open(cx, usages).await;
        }
    }

    /// With these headers the plainest request is answered on this route, so that the refusal is about a body. Otherwise it is noted
    /// what the refusal is about.
    async fn is_the_way(&mut self, cx: &Ctx<'_>, form: &Form, model: &str) -> bool {
        if sent(cx, form).iter().any(|asked| asked.answered() && same_headers(asked, form)) {
            return true;
        }
        let Some(plain) = cx.ask_aside(PROBE.id, form.question(requests::short(form.dialect, model))).await else { return false };
        if plain.answered() {
            return true;
        }
        self.missing = matches!(plain.exchange.status(), Some(404 | 405)) || !self.by_name(cx, form, model).await;
        false
    }

    /// The plainest request is refused with these headers: is it the way, or a client's name? Asked once more without any, and only when
    /// that passes, once for each name.
    async fn by_name(&mut self, cx: &Ctx<'_>, form: &Form, model: &str) -> bool {
        let bare = Form { headers: Vec::new(), ..form.clone() };
        if form.headers.is_empty() || passes(cx, &bare, requests::short(form.dialect, model)).await != Some(true) {
            return false;
        }
        self.bare = true;
        let mut asked: Vec<Vec<(HeaderName, HeaderValue)>> = Vec::new();
        for member in &self.members {
            let headers = own_headers(cx, member.client);
            if !asked.contains(&headers) {
                asked.push(headers);
            }
        }
        let forms = asked.into_iter().map(|headers| Form { headers, ..form.clone() });
        join_all(forms.map(|form| async move { passes(cx, &form, requests::short(form.dialect, model)).await })).await;
        true
    }

    /// What in the request is refused is known by now, or cannot be found: shown by requests of those clients that nothing tells of.
    async fn confirm(&mut self, cx: &Ctx<'_>, refused: &Refused) {
        let mut members: Vec<&Member> = refused.places.iter().map(|place| &self.members[*place]).collect();
        members.sort_by_key(|member| traits(&member.body).len());
        while self.confirmed < CONFIRMED {
            let ledger = self.ledger(cx);
            let Some(member) = members.iter().find(|member| !is_known(&ledger, member) && !self.was_sent(cx, &member.body)) else { return };
            self.confirmed += 1;
            if passes(cx, &refused.form, member.body.clone()).await == Some(true) {
                return;
            }
        }
    }

    /// What was sent so far in this way, for forecasts. Where some client's headers are refused, only refusals without any count.
    fn ledger(&self, cx: &Ctx<'_>) -> Ledger {
        let mut ledger = Ledger::default();
        for asked in sent(cx, &self.form).iter().filter(|asked| asked.answered() || !self.bare || is_unnamed(asked)) {
            let Some(body) = &asked.exchange.request.body else { continue };
            let kind = Kind { dialect: self.form.dialect, streamed: asked.exchange.asks_stream() };
            ledger.enter(kind, traits(body), asked.answered(), &asked.exchange.id);
        }
        ledger
    }

    /// The places of the members of these uses that nothing tells of.
    fn open(&self, cx: &Ctx<'_>, usages: &[Use]) -> Vec<usize> {
        let ledger = self.ledger(cx);
        let is_open =
            |member: &Member| usages.contains(&member.request.usage) && !is_known(&ledger, member) && !self.was_sent(cx, &member.body);
        (0..self.members.len()).filter(|place| is_open(&self.members[*place])).collect()
    }

    /// The headers with which one client's request goes, unless some are refused whatever the body is.
    fn headers_of(&self, cx: &Ctx<'_>, client: &Profile) -> Vec<(HeaderName, HeaderValue)> {
        if self.bare { Vec::new() } else { own_headers(cx, client) }
    }

    /// This very body was sent, and not with headers that are refused.
    fn was_sent(&self, cx: &Ctx<'_>, body: &Value) -> bool {
        let same = |asked: &Asked| asked.exchange.request.body.as_ref() == Some(body) && (!self.bare || is_unnamed(asked));
        [Ask::Client, Ask::Fields].into_iter().flat_map(|ask| cx.tries(ask)).any(|asked| same(&asked))
    }

    /// The headers of all clients that a union stands for; of a name that several have, the first one's value. As many clients' names for
    /// themselves as there are requests are shown to the server.
    fn headers(&self, cx: &Ctx<'_>, places: &[usize], agents: &mut Vec<String>) -> Vec<(HeaderName, HeaderValue)> {
        if self.bare {
            return Vec::new();
        }
        let mut of: Vec<Vec<(HeaderName, HeaderValue)>> = places.iter().map(|place| own_headers(cx, self.members[*place].client)).collect();
        let agent =
            |headers: &[(HeaderName, HeaderValue)]| headers.iter().find(|(name, _)| name == USER_AGENT).map(|(_, value)| text(value));
        let new =
            of.iter().enumerate().filter_map(|(place, headers)| Some((place, agent(headers).filter(|agent| !agents.contains(agent))?)));
        if let Some((place, _)) = new.min_by_key(|(_, agent)| suspicion(agent)) {
            of.swap(0, place);
        }
        let mut all: Vec<(HeaderName, HeaderValue)> = Vec::new();
        for (name, value) in of.into_iter().flatten() {
            if !all.iter().any(|(other, _)| *other == name) {
                all.push((name, value));
            }
        }
        agents.extend(agent(&all));
        all
    }
}

/// Whether it is answered; `None` when it could not be asked.
async fn passes(cx: &Ctx<'_>, form: &Form, body: Value) -> Option<bool> {
    cx.ask_aside(PROBE.id, form.question(body)).await.map(|asked| asked.answered())
}

/// The rung's requests of this dialect that carried the key in this way.
fn sent(cx: &Ctx<'_>, form: &Form) -> Vec<Asked> {
    let all = [Ask::Client, Ask::Fields].into_iter().flat_map(|ask| cx.tries(ask));
    let alike = |asked: &Asked| {
        let request = &asked.exchange.request;
        request.credential == form.credential && Dialect::of(&request.url) == Some(form.dialect)
    };
    all.filter(|asked| asked.exchange.probe == PROBE.id && alike(asked)).collect()
}

fn is_known(ledger: &Ledger, member: &Member) -> bool {
    ledger.forecast(member.request.kind(), &traits(&member.body)) != Forecast::Open
}

/// It carried our own name, and so no client's headers.
fn is_unnamed(asked: &Asked) -> bool {
    asked.exchange.request.headers.iter().any(|(name, value)| name == "user-agent" && value == AGENT)
}

/// It was sent with the headers that this way has.
fn same_headers(asked: &Asked, form: &Form) -> bool {
    let has = |(name, value): &(HeaderName, HeaderValue)| {
        let value = text(value);
        let mut named = asked.exchange.request.headers.iter().filter(|(other, _)| other == name.as_str());
        if value.is_empty() { named.next().is_none() } else { named.any(|(_, other)| *other == value) }
    };
    form.headers.iter().all(has)
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// How likely a filter takes whoever is called so for a bot: 0 for no name at all, 1 for a bare library, 2 for others.
fn suspicion(agent: &str) -> u8 {
    let agent = agent.to_ascii_lowercase();
    let library = ["python", "requests", "aiohttp", "stdlib"].iter().any(|word| agent.contains(word));
    match () {
        () if agent.is_empty() => 0,
        () if library => 1,
        () => 2,
    }
}

/// The names of clients under which something was answered so far.
fn agents_heard(cx: &Ctx<'_>) -> Vec<String> {
    let asked: Vec<Asked> = cx.tries(Ask::Client).into_iter().filter(Asked::answered).collect();
    let agent =
        |asked: &Asked| asked.exchange.request.headers.iter().find(|(name, _)| name == "user-agent").map(|(_, value)| value.clone());
    asked.iter().map(|asked| agent(asked).unwrap_or_default()).collect()
}

/// A client's headers; none in a run about one client, whose requests all carry them. An empty User-Agent stands for none.
fn own_headers(cx: &Ctx<'_>, client: &Profile) -> Vec<(HeaderName, HeaderValue)> {
    if cx.clients.len() == 1 {
        return Vec::new();
    }
    let silent = (client.agent() == Agent::None).then(|| (USER_AGENT, HeaderValue::from_static("")));
    client.header_map().into_iter().chain(silent).collect()
}
