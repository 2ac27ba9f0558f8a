//! Known clients' requests at the size that they really have: how many bytes and tools are taken.

use crate::evidence::{Ask, Dialect};
use crate::profiles::{Forecast, Kind, Profile, Recorded, Size, Sizes, traits};

use super::super::fields::Form;
use super::super::{Asked, Ctx};
use super::{Group, PROBE, form};

/// Requests of single clients by which a limit is narrowed down, at most, per group.
const HALVINGS: usize = 6;

/// A client's first request, whose shape passes.
struct Sized<'r> {
    client: &'r Profile,
    request: &'r Recorded,
    size: Size,
}

/// Of one client: its first request. Of all clients: one that is as large as the largest of them, and when that is refused, single ones.
pub(super) async fn ask(cx: &Ctx<'_>, groups: &[Group<'_>], model: &str) {
    for group in groups {
        let mut open = sized(cx, group, model);
        open.sort_by_key(|one| one.size.bytes);
        let Some(largest) = open.last() else { continue };
        let most = open.iter().map(|one| one.size.tools).max().unwrap_or_default();
        send(cx, group, largest, Size { tools: most, ..largest.size }, model).await;
        for _ in 0..HALVINGS {
            let sizes = sizes(cx, group);
            open.retain(|one| sizes.forecast(one.size) == Forecast::Open && !was_sent(cx, one, model));
            let Some(one) = open.get(open.len() / 2) else { break };
            send(cx, group, one, one.size, model).await;
        }
    }
}

/// The members of a group whose first request was shortened and passes when it is short.
fn sized<'r>(cx: &Ctx<'_>, group: &Group<'r>, model: &str) -> Vec<Sized<'r>> {
    let ledger = group.ledger(cx);
    let passes = |request: &Recorded| {
        let kind = Kind { dialect: group.form.dialect, streamed: request.streamed() };
        matches!(ledger.forecast(kind, &traits(&request.with_model(model))), Forecast::Passes(_))
    };
    let first = |client: &Profile, request: &Recorded| client.prompts().next().is_some_and(|prompt| prompt.kind == request.kind);
    let members = group.members.iter().filter(|member| first(member.client, member.request) && member.request.was_cut());
    let passing = members.filter(|member| passes(member.request));
    passing.map(|member| Sized { client: member.client, request: member.request, size: member.request.size_for(model) }).collect()
}

/// What of one client is asked is held against the rules about limits; what stands for many only shows how they fare.
fn question(cx: &Ctx<'_>) -> Ask {
    if cx.clients.len() == 1 { Ask::FullSize } else { Ask::ClientSize }
}

async fn send(cx: &Ctx<'_>, group: &Group<'_>, one: &Sized<'_>, size: Size, model: &str) {
    let form = Form { ask: question(cx), headers: group.headers_of(cx, one.client), ..form(cx, one.client, one.request, model) };
    let _: Option<Asked> = cx.ask_aside(PROBE.id, form.question(one.request.sized(model, size))).await;
}

fn was_sent(cx: &Ctx<'_>, one: &Sized<'_>, model: &str) -> bool {
    let body = one.request.full_size(model);
    cx.tries(question(cx)).iter().any(|asked| asked.exchange.request.body.as_ref() == Some(&body))
}

fn sizes(cx: &Ctx<'_>, group: &Group<'_>) -> Sizes {
    let mut sizes = Sizes::default();
    for asked in cx.tries(question(cx)) {
        let request = &asked.exchange.request;
        let alike = request.credential == group.form.credential && Dialect::of(&request.url) == Some(group.form.dialect);
        if let Some(body) = request.body.as_ref().filter(|_| alike) {
            sizes.enter(Size::of(body), asked.answered(), &asked.exchange.id);
        }
    }
    sizes
}
