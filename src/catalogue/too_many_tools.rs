//! There are more tools than the server takes.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, limits};
use crate::evidence::Ask;
use crate::facts::Cause;

/// More tools than the server takes.
pub const MODE: FailureMode = FailureMode {
    id: "too-many-tools",
    title: "The request has more tools than the server takes",
    family: "body",
    symptom: "400 `array_above_max_length`, \"may not include more than 128 tools\", at times stamped 500; it begins when another MCP server is added.",
    cause: "Servers cap the number of tools, usually at 128. The text names the cap. Any half of the tools passes, so it looks like a \
            combination, and no single tool is at fault.",
    fix: &[
        "Switch MCP servers or tool sets off until the number is below the cap.",
        "Let the gateway filter tools, or use a client that loads them on demand.",
    ],
    references: &[
        "https://github.com/julep-ai/julep/issues/330",
        "https://github.com/obot-platform/mcp-catalog/issues/516",
        "https://github.com/vishalmysore/Tools4AI/issues/16",
        "https://github.com/microsoft/vscode-copilot-release/issues/9375",
        "https://github.com/zed-industries/zed/issues/32946",
    ],
    explains: &["unsupported-field", "field-combination-rejected"],
    diagnose,
};

/// Fewer tools than this are refused together for other reasons than their number.
const FEW: usize = 1;

fn diagnose(case: &Case) -> Verdict {
    if let Some(capped) = capped(case) {
        return capped;
    }
    match limits::with_cause(case, &[Cause::TooManyTools]).find(|shown| tools(shown) > 0) {
        Some(refused) => present(case, refused),
        None => Verdict::absent("no refusal speaks of the number of tools; more than were sent were not tried"),
    }
}

fn tools(shown: &Shown) -> usize {
    shown.exchange.request.body.as_ref().and_then(|body| body["tools"].as_array()).map_or(0, Vec::len)
}

/// How many tools the server takes, shown by numbers: so many are answered, whichever they are, and one more is not.
pub(super) struct Limit<'c, 'e> {
    /// The most tools that were answered.
    pub most: usize,
    /// The request with one more.
    pub refused: &'c Shown<'e>,
    passed: &'c Shown<'e>,
    full: usize,
}

/// The limit, when the requests show one.
pub(super) fn limit<'c, 'e>(case: &'c Case<'e>) -> Option<Limit<'c, 'e>> {
    let tries = || case.asked(Ask::Fields).filter(|shown| tools(shown) > 0);
    // A limit on requests, or a break, says nothing about the tools of the request that met it.
    let about_body = |status: u16| (400..500).contains(&status) && !matches!(status, 401..=403 | 408 | 425 | 429);
    let refusals = || tries().filter(|shown| shown.error().is_some() && shown.status().is_some_and(about_body));
    let passed = tries().filter(|shown| shown.answered()).max_by_key(|shown| tools(shown))?;
    let refused = refusals().min_by_key(|shown| tools(shown))?;
    let others = refusals().filter(|shown| tools(shown) == tools(refused) && names(shown) != names(refused)).count();
    let (limit, first) = (tools(passed), tools(refused));
    let is_limit = limit >= FEW && first == limit + 1 && others > 0;
    let full = tries().max_by_key(|shown| tools(shown)).map_or(first, tools);
    is_limit.then_some(Limit { most: limit, refused, passed, full })
}

fn capped(case: &Case) -> Option<Verdict> {
    let Limit { most, refused, passed, full } = limit(case)?;
    let because = format!(
        "Requests with {} tools were answered with {}, whichever tools they were; with {most} tools the request was answered after {:.0} ms.",
        most + 1,
        refused.account(),
        passed.total_ms()
    );
    let finding = Finding::new(Severity::Error, Certainty::Certain, Blame::Client, because)
        .so("Clients with more tools than that fail at every message.")
        .fix(format!("Send at most {most} tools (the request has {full})."))
        .cite([refused.exchange, passed.exchange])
        .detail("limit", most)
        .detail("tools", full);
    Some(finding.present())
}

fn names(shown: &Shown) -> Vec<String> {
    let tools = shown.exchange.request.body.as_ref().and_then(|body| body["tools"].as_array());
    tools.into_iter().flatten().map(|tool| tool.pointer("/function/name").unwrap_or(&tool["name"]).to_string()).collect()
}

fn present(case: &Case, refused: &Shown) -> Verdict {
    let because = format!("A request with {} tools was answered with {}.", tools(refused), refused.account());
    // The client in question really sends so many.
    let severity = if refused.ask == Ask::FullSize { Severity::Error } else { Severity::Warning };
    Finding::new(severity, limits::said_certainty(refused), Blame::Client, because)
        .so("Clients with that many tools fail at every message.")
        .cite([refused.exchange])
        .cite(case.chat().answer().map(|shown| shown.exchange))
        .detail("tools", tools(refused))
        .present()
}
