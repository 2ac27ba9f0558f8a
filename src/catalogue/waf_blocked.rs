//! Bot protection answers instead of the API.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, limits, naming};
use crate::evidence::Ask;
use crate::facts::Cause;

/// Bot protection or a web application firewall answers instead of the API.
pub const MODE: FailureMode = FailureMode {
    id: "waf-blocked",
    title: "Bot protection answers instead of the API",
    family: "edge",
    symptom: "403 with a page \"Just a moment…\" or \"Sorry, you have been blocked\"; \"Unexpected token '<'\"; curl passes and the SDK fails, or \
              short prompts pass and real ones fail.",
    cause: "A firewall in front of the API judges the User-Agent, the address or the words of the prompt (shell and SQL look like an attack). Its \
            page has the marks of the firewall, unlike a web interface at a wrong base. If the same request passes with another \
            User-Agent, that was the reason.",
    fix: &[
        "Operator: exempt the API's path from bot protection, or allow it by key or address (Cloudflare: a WAF skip rule for /v1/*).",
        "Client: use the API's own host, not the website's; set another User-Agent where the client allows it; leave VPN and data-centre egress.",
        "If only some prompts are blocked, managed rules read the body: exclude the route from them.",
    ],
    references: &[
        "https://github.com/vitali87/code-graph-rag/issues/142",
        "https://github.com/OpenHands/OpenHands/issues/4480",
        "https://github.com/songquanpeng/one-api/issues/908",
        "https://github.com/GewoonJaap/codex-openai-wrapper/issues/53",
        "https://github.com/UNICKCHENG/openai-proxy/issues/151",
    ],
    explains: &[
        "not-an-api",
        "wrong-base-url",
        "endpoint-missing",
        "key-rejected",
        "model-access-denied",
        "models-list-unusable",
        "stream-wrong-content-type",
        "response-malformed",
    ],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let met: Vec<&Shown> = limits::with_cause(case, &[Cause::Waf]).collect();
    match met.first() {
        Some(first) => present(case, &met, first),
        None => Verdict::absent("no answer has the marks of bot protection"),
    }
}

fn present(case: &Case, met: &[&Shown], first: &Shown) -> Verdict {
    let agent = case.trial(Ask::OtherAgent).answer();
    let certainty = match (agent.is_some(), naming::is_said(first)) {
        (true, _) => Certainty::Certain,
        (false, true) => Certainty::Likely,
        _ => Certainty::Possible,
    };
    let because = format!("{} met {}.{}{}", limits::share(case, met), first.account(), by(first), passes(case, agent));
    let severity = limits::standing(case, met).max(Severity::Warning);
    let mut finding = Finding::new(severity, certainty, Blame::Gateway, because)
        .so("Requests that the firewall dislikes never reach the API, and clients cannot read the page that they get.")
        .cite([first.exchange])
        .cite(agent.map(|shown| shown.exchange));
    if let Some(shown) = agent {
        finding = finding.fix(format!("Send another User-Agent: with “{}” it passes.", user_agent(shown)));
    }
    finding.present()
}

fn by(shown: &Shown) -> String {
    limits::speaker(shown).map(|name| format!(" It was {name} that answered.")).unwrap_or_default()
}

fn passes(case: &Case, agent: Option<&Shown>) -> String {
    match agent {
        Some(shown) => format!(" The same with User-Agent “{}” was answered.", user_agent(shown)),
        None if case.chat().answer().is_some() => " Plain chat was answered.".to_owned(),
        None if case.models().is_some() => " The model list was not blocked.".to_owned(),
        None => String::new(),
    }
}

fn user_agent<'c>(shown: &'c Shown) -> &'c str {
    let header = shown.exchange.request.headers.iter().find(|(name, _)| name == "user-agent");
    header.map_or("none", |(_, value)| value.as_str())
}
