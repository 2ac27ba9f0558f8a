//! The gateway changes the request, and the refusal is about what it added.

use super::bypass::line;
use super::echoes::echo;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, field_ignored, limits, split};
use crate::dialect::effects::Effect;
use crate::evidence::Ask;
use crate::facts::{Cause, Speaker};

/// The gateway drops or changes a field.
pub const MODE: FailureMode = FailureMode {
    id: "gateway-rewrites-request",
    title: "The gateway changes the request on its way",
    family: "body",
    symptom: "An error names a field that the client never sent, or contradicts what it sent; or a field or header works directly and does nothing \
              through the gateway.",
    cause: "The gateway adds defaults (`max_tokens`, `metadata`, `stream_options`), renames fields, or removes fields and headers that its \
            translation does not know. The refusal then is about its request and not the client's. A server's own default that conflicts with a \
            field is another mode: there the upstream refuses the same request directly as well.",
    fix: &[
        "Look at the request that leaves the gateway (LiteLLM: `--detailed_debug`; others: their request log).",
        "Remove the default that the gateway adds for this model, or update it.",
        "Let the gateway pass the request through as it is, where it can (pass-through routes, `allowed_openai_params`, header forwarding).",
    ],
    references: &[
        "https://docs.claude.com/pt/api/openai-sdk",
        "https://github.com/BerriAI/litellm/issues/15299",
        "https://github.com/BerriAI/litellm/pull/30803",
        "https://github.com/BerriAI/litellm/issues/8199",
        "https://github.com/vercel/ai/issues/13789",
        "https://github.com/antoinezambelli/forge/pull/94",
    ],
    explains: &["unsupported-field", "field-combination-rejected", "field-ignored"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let asked: Vec<&Shown> = [Ask::Chat, Ask::ChatStream].into_iter().flat_map(|ask| case.asked(ask)).collect();
    if asked.is_empty() {
        return Verdict::untested("no chat was asked");
    }
    let named = || asked.iter().find_map(|shown| Some(present(case, shown, &added(shown)?)));
    let found = named()
        .or_else(|| quoted(case))
        .or_else(|| relayed(case))
        .or_else(|| without_effect(case))
        .or_else(|| capped(case))
        .or_else(|| inserted(case));
    let seen = format!("none of {} answers names a field that was not sent", asked.len());
    match (found, case.bypass()) {
        (Some(verdict), _) => verdict,
        (None, Ok(_)) if case.asked(Ask::Effect).next().is_none() => Verdict::untested(format!(
            "{seen}; fields whose effect shows were not sent: {}",
            case.skipped(Ask::Effect).unwrap_or("not in this run")
        )),
        (None, Ok(_)) => Verdict::absent(format!("{seen}, and the upstream, asked directly, fares alike")),
        (None, Err(missing)) => Verdict::untested(format!("{seen}; what the gateway drops does not show here: {missing}")),
    }
}

/// The field that a refusal names and the request lacks. A combination is another matter: the server's own default may be the partner.
fn added(shown: &Shown) -> Option<String> {
    use Cause::{FieldCombination, MaxTokensRenamed, UnknownField, UnsupportedField};
    let body = shown.exchange.request.body.as_ref().filter(|body| body["messages"].is_array())?;
    let reading = shown.causes.first()?;
    let field = reading.named.as_ref().filter(|named| named.starts_with('/'))?;
    let contradicts = field == "/stream_options" && body["stream"] == true;
    let foreign = body.get(field[1..].split('/').next()?).is_none();
    match reading.cause {
        FieldCombination => contradicts.then(|| field.clone()),
        UnknownField | UnsupportedField | MaxTokensRenamed => foreign.then(|| field.clone()),
        _ => None,
    }
}

fn present(case: &Case, shown: &Shown, field: &str) -> Verdict {
    let direct = case.bypass().ok().and_then(|bypass| bypass.same(shown).first());
    let because = format!("The request did not have {field}, and was answered with {}.", shown.account());
    // Who refuses the same directly has a default of its own.
    if let Some(direct) =
        direct.filter(|direct| direct.causes.first().map(|reading| &reading.named) == shown.causes.first().map(|reading| &reading.named))
    {
        return Verdict::absent(format!("{because} {}", line(direct)));
    }
    let passed = direct.filter(|direct| direct.answered());
    let certainty = if passed.is_some() { Certainty::Certain } else { limits::said_certainty(shown) };
    let because = passed.map_or(because.clone(), |direct| format!("{because} {}", line(direct)));
    Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("What the client sends is not what the model's server gets; leaving fields out does not help.")
        .cite([shown.exchange])
        .cite(passed.map(|direct| direct.exchange))
        .detail("fields", vec![field])
        .present()
}

/// An answer quotes the request as it arrived behind the gateway. A loss matters to whoever sent it; what is merely added does when it is why
/// the request was refused.
fn quoted(case: &Case) -> Option<Verdict> {
    let (shown, echo) = case.all().filter_map(|shown| Some((shown, echo(shown)?))).find(|(_, echo)| !echo.is_faithful())?;
    let names =
        |place: &String| shown.causes.iter().any(|reading| reading.named.as_deref().is_some_and(|named| named.starts_with(place.as_str())));
    let is_why = echo.places().any(names) || refuses_the_plainest(shown) && !echo.added.is_empty();
    let severity = match (is_why, shown.ask) {
        (true, Ask::Chat | Ask::ChatStream) => Severity::Error,
        (true, _) => Severity::Warning,
        (false, _) if echo.removed.is_empty() && echo.changed.is_empty() => Severity::Info,
        (false, _) => Severity::Warning,
    };
    let parts = [("has", &echo.added, "which was not sent"), ("lacks", &echo.removed, "which was sent"), ("changed", &echo.changed, "")];
    let parts = parts.into_iter().filter(|(_, places, _)| !places.is_empty());
    let parts: Vec<String> = parts.map(|(verb, places, what)| format!("{verb} {} {what}", places.join(", ")).trim().to_owned()).collect();
    let because = format!("An answer quotes the request as it arrived, and there it {}: {}.", parts.join("; "), shown.account());
    let finding = Finding::new(severity, if is_why { Certainty::Certain } else { Certainty::Likely }, Blame::Gateway, because)
        .so("What the client sends is not what the model's server gets.")
        .cite([shown.exchange])
        .detail("kind", "quoted")
        .detail("fields", echo.places().cloned().collect::<Vec<_>>());
    Some(finding.present())
}

/// Plain chat is refused as a bad request, and the refusal names nothing: it has nothing of its own that could be refused.
fn refuses_the_plainest(shown: &Shown) -> bool {
    let plain = matches!(shown.ask, Ask::Chat | Ask::ChatStream) && matches!(shown.status(), Some(400 | 422));
    let about_body = matches!(shown.cause(), None | Some(Cause::InvalidRequest));
    plain && about_body && shown.causes.first().is_none_or(|reading| reading.named.is_none())
}

/// The upstream's refusal, as the gateway passes it on, of a body that the upstream answers when it comes directly: it got another one.
/// A gateway that refuses in its own name has not changed anything.
fn relayed(case: &Case) -> Option<Verdict> {
    let bypass = case.bypass().ok().filter(|bypass| !bypass.is_another_model())?;
    let split = split::split(case)?;
    let direct = bypass.same(split.full).answer()?;
    let culprits: Vec<_> =
        split.culprits.iter().filter(|culprit| is_relayed(culprit.shown) || misses_what_was_sent(culprit.shown)).collect();
    let first = culprits.first()?;
    let fields: Vec<String> = culprits.iter().flat_map(|culprit| culprit.suspects.iter().map(|part| part.pointer.clone())).collect();
    let because = format!(
        "With {}, the gateway passes on that the upstream refuses it: {}. {}",
        fields.join(", "),
        first.shown.account(),
        line(direct)
    );
    let finding = Finding::new(split::severity(case, &split), Certainty::Likely, Blame::Gateway, because)
        .so("What the client sends is not what the model's server gets: the upstream takes it as it is.")
        .cite([first.shown.exchange, direct.exchange])
        .cite(split.rest.map(|shown| shown.exchange))
        .detail("kind", "refused-through-the-gateway")
        .detail("fields", fields);
    Some(finding.present())
}

fn is_relayed(shown: &Shown) -> bool {
    shown.causes.first().is_some_and(|reading| matches!(reading.speaker, Speaker::Upstream(_)))
}

/// The refusal misses a member that the request has.
fn misses_what_was_sent(shown: &Shown) -> bool {
    let body = shown.exchange.request.body.as_ref();
    let missed = shown.causes.first().filter(|reading| reading.cause == Cause::FieldMissing).and_then(|reading| reading.named.as_ref());
    missed.zip(body).is_some_and(|(place, body)| place.starts_with('/') && body.pointer(place).is_some())
}

/// Fields whose effect shows in the upstream's own answer and never in the gateway's.
fn without_effect(case: &Case) -> Option<Verdict> {
    let bypass = case.bypass().ok().filter(|bypass| !bypass.is_another_model())?;
    let lost = |effect: Effect| {
        let tries = field_ignored::tries(case, effect);
        let first = *tries.first()?;
        let shows = |shown: &&Shown| field_ignored::shows(effect, shown) == Some(true);
        let direct = bypass.same(first).tries.into_iter().find(shows)?;
        field_ignored::is_ignored(effect, &tries).then_some((effect, first, direct))
    };
    let lost: Vec<(Effect, &Shown, &Shown)> = Effect::ALL.into_iter().filter_map(lost).collect();
    let fields: Vec<&str> = lost.iter().map(|(effect, ..)| effect.field()).collect();
    let direct = lost.first()?.2;
    let because =
        format!("Through the gateway, {} had no effect in 2 tries each. {} There it has its effect.", fields.join(", "), line(direct));
    // How many choices there are is the server's doing; whether a text obeys may be the model's.
    let certain = lost.iter().any(|(effect, ..)| *effect == Effect::TwoChoices) || lost.len() > 1;
    let finding = Finding::new(Severity::Warning, if certain { Certainty::Certain } else { Certainty::Likely }, Blame::Gateway, because)
        .so("The gateway drops it on the way: clients that rely on it get something else than they asked for, and no error.")
        .cite(lost.iter().map(|(_, shown, _)| shown.exchange))
        .cite(lost.iter().map(|(_, _, direct)| direct.exchange))
        .detail("kind", "dropped")
        .detail("fields", fields);
    Some(finding.present())
}

/// Members that bound an answer's length, in any dialect.
const CAPS: [&str; 4] = ["max_tokens", "max_completion_tokens", "max_output_tokens", "max_length"];

/// Nobody bounded the answer, plain and streamed it ends for its length through the gateway, and it is finished directly: the gateway adds a bound.
fn capped(case: &Case) -> Option<Verdict> {
    let bypass = case.bypass().ok().filter(|bypass| !bypass.is_another_model())?;
    let (chat, stream) = (case.chat().answer()?, case.stream().answer()?);
    let unbounded = |shown: &Shown| shown.exchange.request.body.as_ref().is_some_and(|body| CAPS.iter().all(|cap| body.get(cap).is_none()));
    let directly =
        |shown: &Shown| bypass.same(shown).answer().filter(|direct| matches!(finish(direct), Some("stop" | "end_turn" | "completed")));
    let ends = |shown: &&Shown| matches!(finish(shown), Some("length" | "max_tokens")) && unbounded(shown);
    let (chat, stream) = (Some(chat).filter(ends)?, Some(stream).filter(ends)?);
    let (direct, _) = (directly(chat)?, directly(stream)?);
    let tokens = |shown: &Shown| shown.completion().and_then(|answer| answer.usage.completion);
    let (own, theirs) = (tokens(chat), tokens(direct));
    let counted = own.zip(theirs).map(|(own, theirs)| format!(", after {own} tokens and not {theirs}")).unwrap_or_default();
    let because = format!(
        "No bound on the answer was sent. Through the gateway, plain and streamed chat end with finish_reason length{counted}. {} There it is finished.",
        line(direct)
    );
    let mut finding = Finding::new(Severity::Warning, Certainty::Likely, Blame::Gateway, because)
        .so("The gateway adds a bound of its own: longer answers are cut off, and clients that send none do not know why.")
        .cite([chat.exchange, stream.exchange, direct.exchange])
        .detail("kind", "capped")
        .detail("fields", vec!["/max_tokens"]);
    if let Some(tokens) = own {
        finding = finding.detail("completion_tokens", tokens);
    }
    Some(finding.present())
}

fn finish<'c>(shown: &'c Shown) -> Option<&'c str> {
    let whole = shown.completion().and_then(|answer| answer.finish_reason.as_deref());
    whole.or_else(|| shown.streamed()?.finish_reason.as_deref())
}

/// More prompt tokens than this are no matter of templates.
const INSERTED: u64 = 60;

/// Two requests of different lengths both count the same number of prompt tokens more through the gateway: somebody puts a text in front.
/// A template or another way of counting would take its share of each.
fn inserted(case: &Case) -> Option<Verdict> {
    let bypass = case.bypass().ok().filter(|bypass| !bypass.is_another_model())?;
    let surplus = |shown: &Shown| {
        let direct = bypass.same(shown).answer()?;
        let (through, past) = (prompt_tokens(shown)?, prompt_tokens(direct)?);
        let more = through.checked_sub(past).filter(|more| *more >= INSERTED && past >= 8)?;
        Some((more, through, past))
    };
    let chat = case.chat().answer()?;
    let fields = case.trial(Ask::Fields).answer()?;
    let direct = bypass.same(chat).answer()?;
    let ((more, through, past), (again, ..)) = (surplus(chat)?, surplus(fields)?);
    if through < 3 * past || again.abs_diff(more) * 4 > more {
        return None;
    }
    let because = format!(
        "The same plain chat counts {through} prompt tokens through the gateway and {past} directly, a longer request {again} more as well."
    );
    let finding = Finding::new(Severity::Warning, Certainty::Likely, Blame::Gateway, because)
        .so("The gateway puts a text of its own before every prompt: it costs tokens, and the model obeys it.")
        .cite([chat.exchange, direct.exchange, fields.exchange])
        .detail("kind", "inserted")
        .detail("fields", vec!["/messages"])
        .detail("prompt_tokens", through)
        .detail("prompt_tokens_directly", past);
    Some(finding.present())
}

fn prompt_tokens(shown: &Shown) -> Option<u64> {
    let whole = shown.completion().map(|answer| answer.usage);
    whole.or_else(|| Some(shown.streamed()?.usage))?.prompt
}
