//! A short request exceeds a limit in bytes.

use super::{Blame, Case, FailureMode, Finding, Shown, Verdict, bodies, limits};
use crate::facts::Cause;

/// Byte limit.
pub const MODE: FailureMode = FailureMode {
    id: "body-too-large",
    title: "A limit on the request's bytes refuses it",
    family: "edge",
    symptom: "413 \"Request Entity Too Large\" (a page of nginx), `request_too_large`; chats with images, files or long histories fail, short ones work.",
    cause: "A proxy or gateway caps the body: nginx at 1 MB unless told otherwise, others at 1 to 32 MB. What was asked here is at most some \
            kilobytes, so a refusal means a limit far too low for chat. A 413 that speaks of tokens is the model's window.",
    fix: &[
        "nginx: client_max_body_size 50m; Apache: LimitRequestBody; Envoy: max_request_bytes; Express: the body parser's `limit`.",
        "Find the hop whose name stands on the page: after one limit is raised, the next one may show.",
        "Shrink images before sending, and drop old ones from the history.",
    ],
    references: &[
        "https://github.com/FlowiseAI/Flowise/issues/2582",
        "https://github.com/alexazhou/gt_ai_gateway/issues/18",
        "https://github.com/openresty/lua-resty-upload/issues/27",
        "https://github.com/kortix-ai/suna/pull/6490",
        "https://docs.claude.com/en/api/errors",
    ],
    explains: &["unsupported-field", "field-combination-rejected"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let met: Vec<&Shown> = limits::with_cause(case, &[Cause::BodyTooLarge]).filter(|shown| bodies::is_ordinary(shown)).collect();
    match met.first() {
        Some(first) => present(case, &met, first),
        None => Verdict::absent("no request here was refused for its bytes; large ones were not tried"),
    }
}

fn present(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let by = limits::speaker(first).map(|name| format!(" It was {name} that answered.")).unwrap_or_default();
    let largest = case.all().filter(|shown| shown.answered()).map(|shown| bodies::length(shown)).max();
    let passed = largest.map(|bytes| format!(" The largest body that was answered had {bytes} bytes.")).unwrap_or_default();
    let because =
        format!("{} met {} with a body of {} bytes.{passed}{by}", limits::share(case, met), first.account(), bodies::length(first));
    Finding::new(limits::hard_standing(case, met), limits::said_certainty(first), Blame::Gateway, because)
        .so(limits::refuses_what(first).unwrap_or("Chats of ordinary length are refused, and images and files have no chance."))
        .cite([first.exchange])
        .detail("body_bytes", bodies::length(first))
        .present()
}
