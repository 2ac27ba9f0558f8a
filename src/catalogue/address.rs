//! What the rules about addresses share: which base a request went to, whether anything there speaks an API, and which other base does.

use url::Url;

use super::{Case, Shown};
use crate::dialect::Reading;
use crate::evidence::{Ask, Dialect, Exchange, FaultKind};
use crate::facts::{Cause, Strength};

/// Routes that a request adds to its base, longest first.
const ROUTES: [&str; 8] =
    ["/chat/completions", "/completions", "/embeddings", "/responses", "/messages", "/api/chat", "/api/tags", "/models"];

/// Causes that speak about the model: whoever says so has a chat route.
const ABOUT_MODEL: &[Cause] = &[
    Cause::ModelUnknown,
    Cause::ModelRetired,
    Cause::ModelDenied,
    Cause::ModelOrAccess,
    Cause::ModelTask,
    Cause::ModelLoading,
    Cause::ModelMissing,
    Cause::NoDeployment,
    Cause::NoRoute,
];

/// Causes that speak about the address.
const ABOUT_ROUTE: &[Cause] = &[Cause::RouteMissing, Cause::MethodNotAllowed];

/// Causes by which somebody in between speaks, or which say nothing about what stands there.
const IN_BETWEEN: &[Cause] = &[
    Cause::Waf,
    Cause::Region,
    Cause::IpDenied,
    Cause::UpstreamUnavailable,
    Cause::UpstreamTimeout,
    Cause::Overloaded,
    Cause::RateLimited,
    Cause::PlainHttpToTls,
];

/// A base that is not the given one, and the exchange that showed something there.
pub(super) struct OtherBase<'c, 'e> {
    /// What was asked there.
    pub shown: &'c Shown<'e>,
    /// The base URL to type.
    pub base: String,
}

/// The base URL to which a request was sent: its URL without the route.
pub(super) fn base_of(url: &str) -> Option<String> {
    let mut url = Url::parse(url).ok()?;
    let path = url.path().trim_end_matches('/').to_owned();
    let route = route_of(&path)?;
    url.set_path(&path[..path.len() - route.len()]);
    Some(tidy(&url))
}

/// The route in which a path ends.
fn route_of(path: &str) -> Option<&str> {
    let path = path.trim_end_matches('/');
    let usual = ROUTES.iter().find(|route| path.ends_with(**route)).copied();
    usual.or_else(|| Dialect::google_asked(path).and_then(|_| path.rfind("/models/")).map(|at| &path[at..]))
}

/// A URL as people type it: without a slash at the end.
pub(super) fn tidy(url: &Url) -> String {
    let text = url.to_string();
    if url.query().is_some() { text } else { text.trim_end_matches('/').to_owned() }
}

/// The first other base at which the model (or, when no chat could be asked, the list) answered.
pub(super) fn corrected<'c, 'e>(case: &'c Case<'e>) -> Option<OtherBase<'c, 'e>> {
    other_base(case, |shown| shown.answered() || shown.models().is_some_and(|list| !list.entries.is_empty()))
}

/// The first other base at which an API refused in its own words.
pub(super) fn hinted<'c, 'e>(case: &'c Case<'e>) -> Option<OtherBase<'c, 'e>> {
    other_base(case, refuses_as_api)
}

fn other_base<'c, 'e>(case: &'c Case<'e>, fits: fn(&Shown) -> bool) -> Option<OtherBase<'c, 'e>> {
    let shown = case.asked(Ask::OtherBase).find(|shown| fits(shown))?;
    Some(OtherBase { shown, base: base_of(&shown.request.url)? })
}

/// True when two bases differ in nothing but the scheme (and the port that goes with it).
pub(super) fn only_scheme_differs(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (Url::parse(one), Url::parse(other)) else { return false };
    let same_place = one.host_str() == other.host_str() && one.path().trim_end_matches('/') == other.path().trim_end_matches('/');
    same_place && one.scheme() != other.scheme()
}

/// The answer to the first thing that was asked: chat, or the list when no chat could be asked.
pub(super) fn control<'c, 'e>(case: &'c Case<'e>) -> super::Trial<'c, 'e> {
    let chat = case.chat();
    if chat.asked() { chat } else { case.trial(Ask::Models) }
}

/// The control's first failure; a redirect that was followed is passed over for what it led to.
pub(super) fn failure<'c, 'e>(case: &'c Case<'e>) -> Option<&'c Shown<'e>> {
    let control = control(case);
    let first = control.failure()?;
    let landed = control.tries.iter().copied().find(|shown| !matches!(shown.reading, Reading::Redirect(_)));
    Some(landed.unwrap_or(first))
}

/// True when the control got what it asked for.
pub(super) fn served(case: &Case) -> bool {
    case.chat().answer().is_some() || case.stream().answer().is_some() || (!case.chat().asked() && case.models().is_some())
}

/// True when its error speaks about the model, and not only weakly.
pub(super) fn about_model(shown: &Shown) -> bool {
    shown.causes.first().is_some_and(|reading| ABOUT_MODEL.contains(&reading.cause) && reading.strength != Strength::Weak)
}

/// True when an answer shows that nothing at this address speaks the API: no such route, a page, something else, a redirect elsewhere.
pub(super) fn leads_nowhere(shown: &Shown) -> bool {
    if about_model(shown) || shown.caused_by(IN_BETWEEN) {
        return false;
    }
    match &shown.reading {
        Reading::Error(_) => shown.caused_by(ABOUT_ROUTE) || matches!(shown.status(), Some(404 | 405 | 501)),
        Reading::Page(_) | Reading::Json(_) | Reading::Text(_) | Reading::Empty => true,
        Reading::Redirect(_) => !redirects_to_route(shown),
        Reading::Completion(_) | Reading::Stream(_) | Reading::Models(_) | Reading::Nothing => false,
    }
}

/// True when a route is missing: an error that says so, or a bare 404, 405 or 501 that does not speak about the model.
pub(super) fn route_missing(shown: &Shown) -> bool {
    shown.error().is_some() && leads_nowhere(shown)
}

/// True when an API refused in JSON of its own: whoever answers so stands at the right address.
fn refuses_as_api(shown: &Shown) -> bool {
    let Some(error) = shown.error() else { return false };
    let own_words = error.form == "json" && !error.message.is_empty() && !shown.caused_by(IN_BETWEEN);
    own_words && !leads_nowhere(shown) && shown.status().is_some_and(|status| status < 500)
}

/// Where a redirect leads, resolved against the request's URL.
pub(super) fn location(shown: &Shown) -> Option<Url> {
    let Reading::Redirect(Some(location)) = &shown.reading else { return None };
    Url::parse(&shown.request.url).ok()?.join(location).ok()
}

/// True when a redirect leads to the same route elsewhere: it moves the API, it does not show a page.
pub(super) fn redirects_to_route(shown: &Shown) -> bool {
    let Some(target) = location(shown) else { return false };
    let route = route_of(target.path());
    route.is_some() && route == route_of(&path_of(shown))
}

fn path_of(exchange: &Exchange) -> String {
    Url::parse(&exchange.request.url).map(|url| url.path().to_owned()).unwrap_or_default()
}

/// In words, how the given base differs from the one that works.
pub(super) fn difference(given: &str, works: &str) -> &'static str {
    let (Ok(given), Ok(works)) = (Url::parse(given), Url::parse(works)) else { return "the root is another" };
    let (from, to) = (segments(&given), segments(&works));
    let versions = |path: &[String]| path.iter().filter(|segment| is_version(segment)).count();
    if given.host_str() != works.host_str() {
        "the host is another"
    } else if route_of(given.path()).is_some() {
        "it ends in a route, and clients add the route themselves"
    } else if given.path().contains("//") {
        "it has two slashes in a row"
    } else if from.len() < to.len() && to.starts_with(&from) && versions(&to) > versions(&from) {
        "the version segment is missing"
    } else if versions(&from) > 1 && versions(&to) < versions(&from) {
        "the version segment stands twice"
    } else if versions(&from) > versions(&to) && to.len() + 1 == from.len() {
        "the version segment does not belong there"
    } else if from == to {
        "the scheme is another"
    } else {
        "the API has another root"
    }
}

fn segments(url: &Url) -> Vec<String> {
    url.path().split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

fn is_version(segment: &str) -> bool {
    let mut rest = segment.chars();
    rest.next() == Some('v') && rest.next().is_some_and(|c| c.is_ascii_digit())
}

/// What an answer is, in a few words with its measured facts.
pub(super) fn shape(shown: &Shown) -> String {
    let status = shown.status().map(|status| format!("HTTP {status}")).unwrap_or_default();
    match &shown.reading {
        Reading::Nothing if matches!(shown.exchange.fault_kind(), Some(FaultKind::NotHttp)) => "something that is not HTTP".to_owned(),
        Reading::Page(Some(title)) => format!("{status} with a web page titled “{title}”"),
        Reading::Page(None) => format!("{status} with a web page"),
        Reading::Json(keys) => format!("{status} with other JSON ({})", keys.join(", ")),
        Reading::Text(text) => format!("{status} with the text “{}”", text.chars().take(60).collect::<String>().trim()),
        Reading::Empty => format!("{status} with an empty body"),
        Reading::Redirect(target) => format!("{status} to {}", target.as_deref().unwrap_or("nowhere")),
        Reading::Models(list) => format!("{status} with a list of {} models", list.entries.len()),
        _ => shown.account(),
    }
}

/// How to examine what speaks this dialect, if that can be done.
pub(super) fn other_check(dialect: &str) -> Option<String> {
    let dialect = Dialect::named(dialect)?;
    Some(format!("To examine that route as well: llmdoctor check --dialect {} with the same base URL and key.", dialect.name()))
}
