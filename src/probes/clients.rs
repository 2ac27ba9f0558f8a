//! Known clients: what they send, several in one request; only a refusal is split.

use http::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::dialect::requests;
use crate::evidence::{Ask, Credential, Dialect, Scheme};
use crate::profiles::{Forecast, Kind, Ledger, Profile, Recorded, Union, Use, traits, unions};

use super::fields::{Form, examine};
use super::{Asked, Ctx, Need, Probe, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "clients",
    title: "Requests of known clients",
    asks: "Do the requests of this client (or of all that are known) pass, on their routes, with their headers and their way to send the key?",
    stage: 5,
    needs: Need::Client,
    cost: "with --client NAME 1 to 8 requests, with --client all about 12; more when something is refused",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

/// Members of a refused union that are sent by themselves, at most.
const CONFIRMED: usize = 4;

async fn run(cx: &Ctx<'_>) {
    let Some(model) = cx.model() else { return };
    if let Some(because) = hopeless(cx) {
        return cx.skip(PROBE.id, Some(Ask::Client), because);
    }
    let mut missing: Vec<String> = Vec::new();
    if cx.answer(Ask::Chat).is_none() && cx.tries(Ask::Chat).iter().any(|asked| matches!(asked.exchange.status(), Some(404 | 405))) {
        // The control went the same way, and nothing that has more will fare better.
        missing.push(cx.target.base.route(cx.target.dialect.route()).path().to_owned());
    }
    for group in groups(cx, &model) {
        let path = group.form.url.path().to_owned();
        if !missing.contains(&path) && ask_group(cx, &group, &model).await == Route::Missing {
            missing.push(path);
        }
    }
    if let [client] = cx.clients {
        full_size(cx, client, &model).await;
    }
}

/// Why no client's request would tell more than the control did: that one failed, and not over its route or its body.
fn hopeless(cx: &Ctx<'_>) -> Option<String> {
    if cx.answer(Ask::Chat).or_else(|| cx.answer(Ask::ChatStream)).is_some() {
        return None;
    }
    let first = cx.tries(Ask::Chat).into_iter().next()?;
    let about_it = matches!(first.exchange.status(), Some(400 | 404 | 405 | 415 | 422));
    (!about_it).then(|| "plain chat failed for a reason that all clients would meet".to_owned())
}

/// Whether a route is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    /// Something answered on it, or refused for another reason.
    There,
    /// The plainest request was answered with 404 or 405.
    Missing,
}

/// Requests that go the same way: the same route, key header and version of the API.
struct Group<'r> {
    form: Form,
    members: Vec<Member<'r>>,
}

/// One client's request.
struct Member<'r> {
    client: &'r Profile,
    request: &'r Recorded,
    body: Value,
}

/// What is to be asked, group by group; what nobody can ask here is noted.
fn groups<'r>(cx: &Ctx<'r>, model: &str) -> Vec<Group<'r>> {
    let mut groups: Vec<(Option<String>, Group)> = Vec::new();
    let alone = cx.clients.len() == 1;
    for client in cx.clients {
        for request in client.requests.iter().filter(|request| alone || request.usage == Use::Prompt) {
            let Some(dialect) = request.dialect() else {
                cx.skip(PROBE.id, Some(Ask::Client), format!("the route {} of {} is not asked", request.bare_route(), client.name));
                continue;
            };
            let form = form(cx, client, request, model, dialect);
            let version = client.headers.iter().find(|(name, _)| name == "anthropic-version").map(|(_, value)| value.clone());
            let member = Member { client, request, body: request.with_model(model) };
            let same = |(other, group): &&mut (Option<String>, Group)| {
                group.form.url == form.url && group.form.credential == form.credential && *other == version
            };
            match groups.iter_mut().find(same) {
                Some((_, group)) => group.members.push(member),
                None => groups.push((version, Group { form, members: vec![member] })),
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn form(cx: &Ctx<'_>, client: &Profile, request: &Recorded, model: &str, dialect: Dialect) -> Form {
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
    Form { rung: PROBE.id, ask, dialect, url, credential, headers: Vec::new() }
}

/// Sends the group's requests, as many as go together in one.
async fn ask_group(cx: &Ctx<'_>, group: &Group<'_>, model: &str) -> Route {
    let bodies: Vec<Value> = group.members.iter().map(|member| member.body.clone()).collect();
    let mut passed = false;
    for union in unions(&bodies) {
        let form = Form { headers: headers(cx, group, &union), ..group.form.clone() };
        let Some(asked) = cx.ask_aside(PROBE.id, form.question(union.body.clone())).await else { break };
        if asked.answered() {
            passed = true;
            continue;
        }
        if !passed {
            let Some(plain) = cx.ask_aside(PROBE.id, form.question(requests::short(form.dialect, model))).await else { break };
            match plain.exchange.status() {
                _ if plain.answered() => passed = true,
                Some(404 | 405) => return Route::Missing,
                _ => {
                    by_name(cx, group, &form, model).await;
                    break;
                }
            }
        }
        split(cx, group, &form, &union).await;
    }
    Route::There
}

async fn passes(cx: &Ctx<'_>, form: &Form, body: Value) -> bool {
    cx.ask_aside(PROBE.id, form.question(body)).await.is_some_and(|asked| asked.answered())
}

/// Finds what in a refused union is refused, and shows it by the requests of those clients that have it.
async fn split(cx: &Ctx<'_>, group: &Group<'_>, form: &Form, union: &Union) {
    examine(cx, form, union.body.clone()).await;
    let mut members: Vec<&Member> = union.of.iter().map(|place| &group.members[*place]).collect();
    members.sort_by_key(|member| traits(&member.body).len());
    for _ in 0..CONFIRMED {
        let ledger = ledger(cx);
        let open = members.iter().find(|member| !is_known(&ledger, member) && !was_sent(cx, &member.body));
        let Some(member) = open else { return };
        let one = Form { headers: own_headers(cx, member.client), ..form.clone() };
        if cx.ask_aside(PROBE.id, one.question(member.body.clone())).await.is_none() {
            return;
        }
    }
}

/// What was sent so far, for forecasts.
fn ledger(cx: &Ctx<'_>) -> Ledger {
    let mut ledger = Ledger::default();
    for asked in sent(cx) {
        let request = &asked.exchange.request;
        let Some((body, dialect)) = request.body.as_ref().zip(Dialect::of(&request.url)) else { continue };
        let kind = Kind { dialect, streamed: asked.exchange.asks_stream() };
        ledger.enter(kind, traits(body), asked.answered(), &asked.exchange.id);
    }
    ledger
}

fn sent(cx: &Ctx<'_>) -> Vec<Asked> {
    [Ask::Client, Ask::Fields].into_iter().flat_map(|ask| cx.tries(ask)).collect()
}

fn is_known(ledger: &Ledger, member: &Member) -> bool {
    let kind = member.request.dialect().map(|dialect| Kind { dialect, streamed: member.request.streamed() });
    kind.is_none_or(|kind| ledger.forecast(kind, &traits(&member.body)) != Forecast::Open)
}

fn was_sent(cx: &Ctx<'_>, body: &Value) -> bool {
    sent(cx).iter().any(|asked| asked.exchange.request.body.as_ref() == Some(body))
}

/// The plainest request is refused with these headers: is it the route, or a client's name? Asked once more without any, and only when
/// that passes, once for each name.
async fn by_name(cx: &Ctx<'_>, group: &Group<'_>, form: &Form, model: &str) {
    let bare = Form { headers: Vec::new(), ..form.clone() };
    if form.headers.is_empty() || !passes(cx, &bare, requests::short(form.dialect, model)).await {
        return;
    }
    let mut asked: Vec<Vec<(HeaderName, HeaderValue)>> = Vec::new();
    for member in &group.members {
        let headers = own_headers(cx, member.client);
        if !asked.contains(&headers) {
            passes(cx, &Form { headers: headers.clone(), ..form.clone() }, requests::short(form.dialect, model)).await;
            asked.push(headers);
        }
    }
}

/// The headers of all clients that a union stands for; of a name that several have, the first one's value.
fn headers(cx: &Ctx<'_>, group: &Group<'_>, union: &Union) -> Vec<(HeaderName, HeaderValue)> {
    let mut all: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (name, value) in union.of.iter().flat_map(|place| own_headers(cx, group.members[*place].client)) {
        if !all.iter().any(|(other, _)| *other == name) {
            all.push((name, value));
        }
    }
    all
}

/// A client's headers; none in a run about one client, whose requests all carry them.
fn own_headers(cx: &Ctx<'_>, client: &Profile) -> Vec<(HeaderName, HeaderValue)> {
    if cx.clients.len() == 1 {
        return Vec::new();
    }
    client.header_map()
}

/// The client's first request at the size that it really has, when its shape passed.
async fn full_size(cx: &Ctx<'_>, client: &Profile, model: &str) {
    let Some(request) = client.prompts().next().filter(|request| request.was_cut()) else { return };
    let Some(dialect) = request.dialect() else { return };
    if matches!(
        ledger(cx).forecast(Kind { dialect, streamed: request.streamed() }, &traits(&request.with_model(model))),
        Forecast::Passes(_)
    ) {
        let form = Form { ask: Ask::FullSize, ..form(cx, client, request, model, dialect) };
        let _: Option<Asked> = cx.ask_aside(PROBE.id, form.question(request.full_size(model))).await;
    }
}
