//! Other base URLs: asked only when the one given does not lead to an API.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use url::Url;

use crate::dialect::Reading;
use crate::evidence::{Ask, Credential, Dialect, FaultKind};
use crate::facts::Cause;
use crate::target::{is_loopback, same_place};

use super::question::given;
use super::{Asked, Ctx, Need, Probe, Question, Work};

/// The rung.
pub const PROBE: Probe = Probe {
    id: "bases",
    title: "Other base URLs",
    asks: "When the base URL leads to no API: which one near it does?",
    stage: 4,
    needs: Need::Nothing,
    cost: "nothing; up to 17 requests when the base leads nowhere",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

async fn run(cx: &Ctx<'_>) {
    let bases = candidates(cx);
    ask_all(cx, &bases).await;
    if bases.len() > 1 && cx.tries(Ask::OtherBase).iter().all(nothing_there) {
        let rarer: Vec<Url> = cx.target.base.rarer_variants().into_iter().filter(|base| !bases.contains(base)).collect();
        ask_all(cx, &rarer).await;
    }
}

async fn ask_all(cx: &Ctx<'_>, bases: &[Url]) {
    let affordable = cx.requests_left().saturating_sub(2).min(9);
    let model = cx.model();
    let mut asking: FuturesUnordered<_> = bases.iter().take(affordable).map(|base| ask_at(cx, base, model.as_deref())).collect();
    while asking.next().await.is_some() {}
}

/// No answer, a page, or a missing route.
fn nothing_there(asked: &Asked) -> bool {
    !asked.answered() && !matches!(&*asked.reading, Reading::Models(_)) && (asked.exchange.response().is_none() || leads_nowhere(asked))
}

async fn ask_at(cx: &Ctx<'_>, base: &Url, model: Option<&str>) {
    let credential = if may_have_key(&cx.target.base.url, base) { given(cx.target) } else { Credential::None };
    cx.ask("bases", Question::at_base(Ask::OtherBase, base, cx.target.dialect, credential, model)).await;
}

/// The key goes to the host and port that it was typed for and nowhere else, and not in plain text over a network.
fn may_have_key(given: &Url, other: &Url) -> bool {
    let downgraded = given.scheme() == "https" && other.scheme() == "http" && !is_loopback(other);
    same_place(given, other) && !downgraded
}

/// Where else to look, by how the given base failed.
fn candidates(cx: &Ctx<'_>) -> Vec<Url> {
    let connect = cx.tries(Ask::Connect);
    if connect.iter().any(wrong_scheme) {
        return vec![cx.target.base.other_scheme()];
    }
    let tries: Vec<Asked> = [Ask::Chat, Ask::Models].into_iter().flat_map(|ask| cx.tries(ask)).collect();
    if tries.iter().any(wrong_scheme) {
        return vec![cx.target.base.other_scheme()];
    }
    let chats = cx.tries(Ask::Chat);
    let answered = chats.iter().any(Asked::answered);
    let doubtful = if chats.is_empty() {
        cx.model_list().is_none() && tries.iter().any(|asked| !is_key_refusal(asked))
    } else {
        chats.first().is_some_and(leads_nowhere)
    };
    if answered || !doubtful {
        return Vec::new();
    }
    let mut bases: Vec<Url> = tries.iter().filter_map(redirected_base).collect();
    bases.extend(cx.target.base.variants(cx.target.dialect));
    bases.dedup();
    bases
}

/// An API that wants another key, or one at all: the base is right.
fn is_key_refusal(asked: &Asked) -> bool {
    matches!(&*asked.reading, Reading::Error(error) if error.form == "json") && matches!(asked.exchange.status(), Some(401 | 403))
}

/// The answer is none of an API at this address: a page, a redirect, a missing route, something unknown.
fn leads_nowhere(asked: &Asked) -> bool {
    const MODEL: [Cause; 5] = [Cause::ModelUnknown, Cause::ModelOrAccess, Cause::ModelRetired, Cause::ModelTask, Cause::ModelDenied];
    if asked.caused_by(&MODEL) {
        return false;
    }
    let fine = asked.exchange.status().is_some_and(|status| status < 300);
    let strange = matches!(&*asked.reading, Reading::Page(_) | Reading::Redirect(_))
        || fine && matches!(&*asked.reading, Reading::Json(_) | Reading::Text(_) | Reading::Empty | Reading::Models(_));
    strange || matches!(asked.exchange.status(), Some(404 | 405 | 501)) || asked.caused_by(&[Cause::RouteMissing, Cause::MethodNotAllowed])
}

/// TLS spoken to a plain port, or plain HTTP to a TLS port.
fn wrong_scheme(asked: &Asked) -> bool {
    let plain = asked.exchange.request.url.starts_with("http:");
    match asked.exchange.fault_kind() {
        Some(FaultKind::NotTls) => true,
        Some(FaultKind::NotHttp | FaultKind::Closed | FaultKind::Reset) => {
            plain && asked.exchange.ask != Ask::Connect && asked.exchange.response().is_none()
        }
        _ => asked.caused_by(&[Cause::PlainHttpToTls]),
    }
}

/// The base that a redirect points to: its `Location` without the route.
fn redirected_base(asked: &Asked) -> Option<Url> {
    let Reading::Redirect(Some(location)) = &*asked.reading else { return None };
    let url = Url::parse(&asked.exchange.request.url).ok()?.join(location).ok()?;
    let path = url.path().trim_end_matches('/').to_owned();
    let chats = Dialect::ALL.map(Dialect::route);
    let root = chats.iter().chain(&["/models"]).find_map(|route| path.strip_suffix(route)).unwrap_or(&path);
    let mut base = url.clone();
    base.set_path(root);
    base.set_query(None);
    Some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_to_no_other_place() {
        let url = |text: &str| Url::parse(text).expect("a URL");
        let given = url("http://127.0.0.1:8000/v1");
        assert!(may_have_key(&given, &url("http://127.0.0.1:8000/api/v1")) && may_have_key(&given, &url("https://127.0.0.1:8000/v1")));
        assert!(!may_have_key(&given, &url("http://127.0.0.1:8001/v1")) && !may_have_key(&given, &url("http://localhost:8000/v1")));
        assert!(!may_have_key(&url("http://h/v1"), &url("https://h/v1")), "another port is another origin");
        assert!(!may_have_key(&url("https://h:8443/v1"), &url("http://h:8443/v1")), "not in plain text over a network");
    }
}
