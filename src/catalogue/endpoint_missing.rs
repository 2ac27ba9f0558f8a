//! The chat route does not exist here, although the base is right.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, address, auth, clients};
use crate::evidence::{Ask, Dialect};

/// This route does not exist here although the base is right.
pub const MODE: FailureMode = FailureMode {
    id: "endpoint-missing",
    title: "The chat route does not exist at this base",
    family: "address",
    symptom: "The list loads; every chat says 404, 405 or 501, whichever model is chosen.",
    cause: "The base is right, for the list (or another route) answers there, but the server does not have /chat/completions: it serves \
            another route only, the route is not switched on, or a proxy forwards some paths and not this one. A 404 that speaks about \
            the model is a matter of the name, and another base that answers chat makes it wrong-base-url.",
    fix: &[
        "Use a route that exists: choose the matching API type in the client (Responses, Messages, legacy completions).",
        "On the gateway, switch the route on, or let the proxy in front forward the whole prefix and POST, not single paths.",
        "llama.cpp, vLLM and others have chat only for models with a chat template, and not in embedding mode.",
    ],
    references: &[
        "https://github.com/vllm-project/vllm/issues/4651",
        "https://github.com/kubernetes-sigs/gateway-api-inference-extension/issues/790",
        "https://github.com/sgl-project/sglang/issues/10014",
    ],
    explains: &["error-in-success"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let chat = case.chat();
    if !chat.asked() {
        return Verdict::untested("no chat was asked");
    }
    let Some(failure) = address::failure(case) else { return Verdict::absent("chat was answered") };
    if !address::route_missing(failure) {
        return Verdict::absent(format!("the chat route is there: {}", failure.account()));
    }
    if address::corrected(case).is_some() {
        return Verdict::absent("chat is answered at another base");
    }
    if let Some(other) = name_matters(case, failure) {
        return Verdict::absent(format!("another model name changes the answer: {}", other.account()));
    }
    let routes: Vec<_> = case.asked(Ask::OtherRoute).filter(|shown| shown.answered()).collect();
    match case.models() {
        Some(list) if list.standard => present(case, failure, &routes),
        _ => Verdict::absent("nothing shows that the base is right: the list did not answer as one"),
    }
}

fn present(case: &Case, failure: &Shown, routes: &[&Shown]) -> Verdict {
    let list = case.asked(Ask::Models).find(|shown| shown.models().is_some());
    let certainty = if !routes.is_empty() && case.chat().repeats() { Certainty::Certain } else { Certainty::Likely };
    let names: Vec<_> = routes.iter().map(|shown| path(&shown.request.url)).collect();
    let others = if names.is_empty() { String::new() } else { format!(" The same model answered at {}.", names.join(", ")) };
    let because = format!(
        "The list at {} has {} entries; POST {} was answered with {}.{others}",
        case.subject().base_url,
        case.models().map_or(0, |list| list.entries.len()),
        path(&failure.request.url),
        address::shape(failure),
    );
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("Clients that use this route cannot use this base, whichever model they choose.")
        .cite([failure.exchange])
        .cite(list.map(|shown| shown.exchange))
        .cite(routes.iter().map(|shown| shown.exchange))
        .detail("missing", path(&failure.request.url));
    let finding = clients::of_another_route(case).into_iter().fold(finding, Finding::fix);
    if names.is_empty() {
        finding.present()
    } else {
        let spoken = routes.iter().find_map(|shown| Dialect::of(&shown.request.url)).map(Dialect::name);
        let finding = finding.fix(format!("Use {} with this server.", names.join(" or "))).detail("suggestions", names);
        let finding = spoken.and_then(address::other_check).into_iter().fold(finding, Finding::fix);
        match spoken {
            Some(dialect) => finding.detail("dialect", dialect),
            None => finding,
        }
        .present()
    }
}

/// A chat with another name that got another answer: then the route is there.
fn name_matters<'c, 'e>(case: &'c Case<'e>, failure: &Shown) -> Option<&'c Shown<'e>> {
    let names = [Ask::NonsenseModel, Ask::OtherModel, Ask::NearModel];
    let mut asked = names.into_iter().filter_map(|ask| auth::telling(case, ask));
    asked.find(|shown| shown.answered() || (shown.status() != failure.status() && shown.status() < Some(500)))
}

fn path(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.path().to_owned())
}
