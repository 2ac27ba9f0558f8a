//! A field, value, role or content shape of the request is refused.

use std::collections::BTreeSet;

use super::bodies::{self, Part};
use super::split::{self, Culprit, Split};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, naming, remedies};
use crate::evidence::Ask;
use crate::facts::{self, Cause, Speaker};

/// One field, value, role, content shape or schema keyword is refused.
pub const MODE: FailureMode = FailureMode {
    id: "unsupported-field",
    title: "The server refuses a field of the request",
    family: "body",
    symptom: "A plain curl works and the client fails with 400 or 422: \"Unsupported parameter\", \"Extra inputs are not permitted\", \"Unrecognized \
              request argument\", \"unknown variant `developer`\", \"does not support 0.7\", or only \"Bad Request\".",
    cause: "The client sends more than model and messages, and server, model or gateway refuses a part of it: an unknown field, a value, \
            a role, content as an array, or a field that another one replaced. The proof is the smallest request that is still refused, beside the full \
            one without that part, which is answered. If two parts pass alone and not together, it is the combination.",
    fix: &[
        "Turn the field off in the client (often under \"advanced\", \"model settings\" or \"compatibility\").",
        "LiteLLM: `drop_params: true` in litellm_settings, or `additional_drop_params` for one model. one-api, new-api: a parameter override of the channel. \
         OpenRouter: `require_parameters: true` picks providers that take them all.",
        "vLLM tools: start with --enable-auto-tool-choice and --tool-call-parser. max_tokens: newer OpenAI models want max_completion_tokens.",
        "Clients with a switch for it: Open WebUI (advanced params: default), Continue (`requestOptions`, `capabilities`), Cline and Roo \
         (custom temperature off, R1 format), LibreChat (`dropParams`).",
    ],
    references: &[
        "https://github.com/vllm-project/vllm/issues/9986",
        "https://github.com/tailcallhq/forgecode/issues/1081",
        "https://github.com/earendil-works/pi/issues/2539",
        "https://github.com/livekit/agents/issues/1274",
        "https://github.com/n8n-io/n8n/issues/14581",
        "https://github.com/countbot-ai/CountBot/issues/61",
        "https://github.com/gabrii/Cursor-Azure-GPT-5/issues/33",
        "https://github.com/diegosouzapw/OmniRoute/issues/2281",
        "https://github.com/0x676e67/duckai/issues/16",
        "https://github.com/BerriAI/litellm/issues/10791",
        "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/307",
    ],
    explains: &[],
    diagnose,
};

/// Causes that are about a field, when the plain chat itself is refused.
const ABOUT_FIELD: &[Cause] = &[Cause::UnknownField, Cause::UnsupportedField, Cause::UnsupportedValue, Cause::RoleUnsupported];

fn diagnose(case: &Case) -> Verdict {
    if let Some(failure) = naming::failure(case) {
        return plain_refused(failure);
    }
    if case.asked(Ask::Fields).next().is_none() {
        return Verdict::untested(case.skipped(Ask::Fields).unwrap_or("no request with more fields was sent"));
    }
    match split::split(case) {
        Some(split) => refused(case, &split),
        None if case.trial(Ask::Fields).answer().is_some() => {
            Verdict::absent("a request with everything that typical clients send was answered")
        }
        None => Verdict::untested(case.skipped(Ask::Fields).unwrap_or("the request with more fields met other errors only")),
    }
}

/// What single parts show; pairs that pass alone are another mode's.
fn refused(case: &Case, split: &Split) -> Verdict {
    let single: Vec<&Culprit> = split.culprits.iter().filter(|culprit| is_own(culprit)).collect();
    let Some(first) = single.first() else { return Verdict::absent("no part of the body is refused by itself") };
    match bodies::unsent(first.shown) {
        Some(name) => Verdict::absent(format!("the refusal speaks of {name}, which was not sent")),
        None => present(case, split, &single, first),
    }
}

/// Refused by itself, and not for a reason that is a mode of its own (images, earlier turns, the number of tools, streaming).
fn is_own(culprit: &Culprit) -> bool {
    const OTHERS: &[Cause] = &[Cause::Vision, Cause::HistoryRejected, Cause::TooManyTools, Cause::HeaderRejected];
    let stream_only = culprit.parts.iter().all(|part| part.name == "stream");
    let history = culprit.suspects.iter().all(|part| part.is_history);
    !(culprit.each_passes || stream_only || history || culprit.shown.caused_by(OTHERS))
}

fn present(case: &Case, split: &Split, single: &[&Culprit], first: &Culprit) -> Verdict {
    let parts: Vec<(&Part, &Shown)> = single.iter().flat_map(|culprit| culprit.suspects.iter().map(|part| (part, culprit.shown))).collect();
    let fields: BTreeSet<String> = parts.iter().map(|(part, shown)| finer(split, part, shown)).collect();
    let clients: BTreeSet<&str> = parts.iter().flat_map(|(part, shown)| senders(split, part, shown)).collect();
    let severity = if clients.is_empty() && !case.subject().own_body { Severity::Info } else { split::severity(case, split) };
    let minimal = single.iter().all(|culprit| culprit.suspects.len() == 1);
    let because = because(case, split, single, &fields);
    let mut finding = Finding::new(severity, certainty(first, minimal, split), blame(first.shown), because)
        .so(consequence(&clients))
        .cite(single.iter().map(|culprit| culprit.shown.exchange))
        .cite(split.rest.map(|shown| shown.exchange))
        .cite([split.full.exchange])
        .detail("kind", kind(split, first))
        .detail("clients", clients.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    finding = advised(finding, split, single);
    finding = remedies::settings(case, &fields, &clients).into_iter().fold(finding, Finding::fix);
    if minimal || fields.len() < split.parts {
        finding = finding.detail("fields", fields.into_iter().collect::<Vec<_>>());
    }
    finding.present()
}

fn because(case: &Case, split: &Split, single: &[&Culprit], fields: &BTreeSet<String>) -> String {
    let total = split.parts;
    let shown = single[0].shown;
    let list = fields.iter().cloned().collect::<Vec<_>>().join(", ");
    let rest = match split.rest {
        Some(rest) if rest.ask == Ask::Chat => String::new(),
        Some(rest) => format!(" Without it, the other fields were answered after {:.0} ms.", rest.total_ms()),
        None => " The rest without it was not answered, or not tried.".to_owned(),
    };
    let plain = case.chat().answer().map(|shown| format!(" Plain chat was answered after {:.0} ms.", shown.total_ms())).unwrap_or_default();
    format!("Of {total} parts beyond model and plain messages, {list} is refused with {}.{rest}{plain}", shown.account())
}

fn consequence(clients: &BTreeSet<&str>) -> String {
    match clients.len() {
        0 => "Clients that send it are refused, whatever the prompt.".to_owned(),
        count => {
            let named = clients.iter().take(5).copied().collect::<Vec<_>>().join(", ");
            let more = if count > 5 { format!(" and {} more", count - 5) } else { String::new() };
            format!("Clients that send it by default are refused: {named}{more}.")
        }
    }
}

/// Certain when the smallest request was refused and everything else was answered.
fn certainty(first: &Culprit, minimal: bool, split: &Split) -> Certainty {
    let named = first.shown.causes.iter().any(|reading| reading.named.is_some()) && naming::is_said(first.shown);
    match (minimal && first.is_shown_alone && split.rest.is_some() && split.refusals > 1, minimal || named) {
        (true, _) => Certainty::Certain,
        (_, true) => Certainty::Likely,
        _ => Certainty::Possible,
    }
}

/// Where the refused part stands in the full request; deeper, when the refusal names a place inside it that no request can lack.
fn finer(split: &Split, part: &Part, shown: &Shown) -> String {
    let pointer = part.pointer.clone();
    let body = split.full.exchange.request.body.as_ref();
    let inside = |named: &&String| named.strip_prefix(pointer.as_str()).is_some_and(|rest| rest.starts_with('/'));
    let there = |named: &&String| body.is_some_and(|body| body.pointer(named).is_some());
    let named = shown.causes.iter().filter_map(|reading| reading.named.as_ref()).find(|named| inside(named) && there(named));
    named.cloned().unwrap_or(pointer)
}

/// Who sends this: the place inside a part, when only that is refused.
fn senders(split: &Split, part: &Part, shown: &Shown) -> Vec<&'static str> {
    let place = finer(split, part, shown);
    let deeper = place != part.pointer;
    facts::clients_sending(&if deeper { place } else { bodies::habit(part) })
}

fn kind(split: &Split, first: &Culprit) -> &'static str {
    let part = first.suspects.first();
    let name = part.map_or("", |part| part.name.as_str());
    if renamed_to(split, name).is_some() || first.shown.caused_by(&[Cause::MaxTokensRenamed]) {
        return "renamed";
    }
    match first.shown.cause() {
        Some(Cause::UnknownField) => "unknown-field",
        _ if name.starts_with("role=") => "role",
        _ if part.is_some_and(|part| split.other_value(part).is_some()) => "unsupported-value",
        Some(Cause::UnsupportedValue) => "unsupported-value",
        Some(Cause::UnsupportedField) => "unsupported-field",
        Some(Cause::FieldCombination) => "needs-partner",
        _ if name.starts_with("content") => "content-shape",
        _ => "refused",
    }
}

/// The newer (or older) name of the cap, when a request with it was answered.
fn renamed_to<'c, 'e>(split: &Split<'c, 'e>, name: &str) -> Option<(&'static str, &'c Shown<'e>)> {
    let other = match name {
        "max_tokens" => "max_completion_tokens",
        "max_completion_tokens" => "max_tokens",
        _ => return None,
    };
    split.answered_with(other).map(|shown| (other, shown))
}

/// The actions that the evidence itself shows to work, one for each refused part.
fn advised(finding: Finding, split: &Split, single: &[&Culprit]) -> Finding {
    let parts = single.iter().flat_map(|culprit| culprit.suspects.iter().map(|part| (part, culprit.shown)));
    let mut finding = parts.fold(finding, |finding, (part, shown)| advice(finding, split, part, shown));
    let mut said = BTreeSet::new();
    finding.fix.retain(|action| said.insert(action.clone()));
    finding
}

fn advice(finding: Finding, split: &Split, part: &Part, shown: &Shown) -> Finding {
    if let Some((other, answered)) = renamed_to(split, &part.name) {
        return finding.fix(format!("Send `{other}` instead of `{}`: it was answered.", part.name)).cite([answered.exchange]);
    }
    let place = finer(split, part, shown);
    if let Some((change, answered)) = split.other_value(part).filter(|_| place == part.pointer) {
        return finding.fix(format!("{change}: with that it was answered.")).cite([answered.exchange]);
    }
    match part.name.as_str() {
        "content[]" => finding.fix(format!("Send {place} as plain text, not as an array of parts.")),
        "role=developer" => finding.fix(format!("Send the role system instead of developer ({place}).")),
        "role=system" => finding.fix("Put the system message's text into the first message of the user."),
        _ => finding.fix(format!("Leave out {place}.")),
    }
}

fn blame(shown: &Shown) -> Blame {
    match shown.causes.first().map(|reading| &reading.speaker) {
        Some(Speaker::Gateway(_)) => Blame::Gateway,
        Some(Speaker::Upstream(_)) => Blame::Upstream,
        _ => Blame::Client,
    }
}

/// Plain chat itself is refused, and the text names a field: one that is missing, or one that was sent.
fn plain_refused(failure: &Shown) -> Verdict {
    let body = failure.exchange.request.body.clone().unwrap_or_default();
    let reading = failure.causes.first();
    let named = reading.and_then(|reading| reading.named.clone()).filter(|named| named.starts_with('/'));
    let known = |pointer: &String| body.pointer(pointer).is_some();
    match (reading.map(|reading| reading.cause), named) {
        (Some(Cause::FieldMissing), Some(pointer)) if !known(&pointer) => required(failure, pointer),
        (Some(cause), Some(pointer)) if ABOUT_FIELD.contains(&cause) && known(&pointer) => sent(failure, pointer),
        _ => Verdict::absent(format!("plain chat with model and messages only is refused already: {}", failure.account())),
    }
}

fn required(failure: &Shown, pointer: String) -> Verdict {
    let because = format!("Plain chat without {pointer} was answered with {}.", failure.account());
    Finding::new(Severity::Error, Certainty::Likely, blame(failure), because)
        .so("Clients that do not send this field are refused, whatever the prompt.")
        .fix(format!("Set {pointer} in the client."))
        .cite([failure.exchange])
        .detail("kind", "required-field")
        .detail("fields", vec![pointer])
        .present()
}

fn sent(failure: &Shown, pointer: String) -> Verdict {
    let because = format!("Plain chat, with model and messages only, was answered with {}.", failure.account());
    Finding::new(Severity::Error, Certainty::Likely, blame(failure), because)
        .so("The plainest form of a chat is refused, so every client is.")
        .cite([failure.exchange])
        .detail("kind", "unsupported-value")
        .detail("fields", vec![pointer])
        .present()
}
