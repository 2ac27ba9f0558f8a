//! Another API dialect is spoken here than the client speaks.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, address};
use crate::evidence::Ask;
use crate::facts::Cause;

/// Another API dialect than the route speaks.
pub const MODE: FailureMode = FailureMode {
    id: "wrong-dialect",
    title: "The server speaks another API dialect than the client",
    family: "address",
    symptom: "404 or 400 on chat, \"not supported for format\", fields that are unknown, or an answer in which the client finds no text.",
    cause: "There are several ways to talk to a model: OpenAI chat completions, OpenAI responses, Anthropic messages, Ollama's and \
            Google's own. The client is set to one, the server (or this model on it) serves another. It shows when the same model answers on \
            the other dialect's route with the same key, or when chat is answered in another dialect's shape.",
    fix: &[
        "Choose the matching provider type in the client (OpenAI compatible, Anthropic, Ollama, Azure, Gemini).",
        "Or use the server's OpenAI-compatible base: Ollama …:11434/v1, Gemini …/v1beta/openai, Azure …/openai/v1.",
        "Or put a translating gateway (LiteLLM, new-api) in between.",
    ],
    references: &[
        "https://github.com/QwenLM/Qwen3-Coder/issues/438",
        "https://github.com/lobehub/lobehub/issues/8116",
        "https://github.com/earendil-works/pi/issues/3984",
        "https://github.com/routatic/proxy/pull/99",
    ],
    explains: &["endpoint-missing", "models-list-unusable", "empty-completion"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    let chat = case.chat();
    if let Some(answer) = chat.answer() {
        return foreign_answer(case, answer);
    }
    let Some(failure) = address::failure(case).filter(|_| chat.asked()) else { return Verdict::untested("no chat was asked") };
    if address::corrected(case).is_some() {
        return Verdict::absent("chat is answered at another base");
    }
    let spoken =
        case.asked(Ask::OtherRoute).find(|shown| shown.answered() && dialect(shown).is_some_and(|dialect| is_foreign(case, dialect)));
    match spoken {
        Some(other) if failure.caused_by(&[Cause::WrongDialect]) || !explained_otherwise(case, failure) => other_route(failure, other),
        None if failure.caused_by(&[Cause::WrongDialect]) => by_word(failure),
        Some(_) => Verdict::absent("another route answers too, and the refusal says why this one does not"),
        None if case.asked(Ask::OtherRoute).next().is_some() => Verdict::absent("no route of another dialect answered"),
        None => Verdict::untested("no route of another dialect was asked"),
    }
}

/// Chat was answered: in the dialect in which it was asked? Where only one of plain and streamed chat is foreign, the route speaks the
/// right dialect and one answer is malformed.
fn foreign_answer(case: &Case, answer: &Shown) -> Verdict {
    let foreign = |shown: &Shown| dialect(shown).filter(|dialect| is_foreign(case, dialect));
    let streamed_too = case.stream().answer().is_none_or(|stream| foreign(stream).is_some());
    let Some(dialect) = foreign(answer).filter(|_| streamed_too) else {
        return Verdict::absent("chat was answered in the dialect in which it was asked");
    };
    if case.stream().answer().and_then(self::dialect).is_some_and(|dialect| !is_foreign(case, dialect)) {
        return Verdict::absent("the same route streams in the dialect in which it was asked");
    }
    let because = format!(
        "Chat was asked as {} and answered with HTTP {} as {dialect}.",
        case.subject().dialect,
        answer.status().unwrap_or_default()
    );
    Finding::new(Severity::Error, certainty(case), Blame::Gateway, because)
        .so("Clients look for the text where their own dialect has it and find none.")
        .cite([answer.exchange])
        .detail("dialect", dialect)
        .present()
}

/// The server itself says that this route speaks another dialect.
fn by_word(failure: &Shown) -> Verdict {
    let because = format!("POST {} was answered with {}.", failure.request.url, failure.account());
    Finding::new(Severity::Error, Certainty::Likely, Blame::Client, because)
        .so("The model is served on another route than the one that was asked.")
        .cite([failure.exchange])
        .present()
}

fn other_route(failure: &Shown, other: &Shown) -> Verdict {
    let dialect = dialect(other).unwrap_or_default();
    let because = format!(
        "POST {} was answered with {}; the same model answered at {} as {dialect}.",
        failure.request.url,
        address::shape(failure),
        other.request.url
    );
    let finding = Finding::new(Severity::Error, Certainty::Likely, Blame::Client, because)
        .so("Clients that speak the dialect that was asked cannot use this server; clients of the other one can.")
        .fix(format!("Set the client to {dialect}."))
        .cite([failure.exchange, other.exchange])
        .detail("dialect", dialect);
    address::other_check(dialect).into_iter().fold(finding, Finding::fix).present()
}

fn certainty(case: &Case) -> Certainty {
    let answers = case.chat().tries.len() + case.stream().tries.len();
    if answers >= 2 { Certainty::Certain } else { Certainty::Likely }
}

/// The refusal has a reason of its own: the model's task, a route that is missing at a base whose list is OpenAI's, limits, money, keys.
fn explained_otherwise(case: &Case, failure: &Shown) -> bool {
    let openai_base = case.models().is_some_and(|list| list.shape == "openai");
    if address::route_missing(failure) {
        return openai_base;
    }
    let vague = [Cause::UnknownField, Cause::UnsupportedField, Cause::InvalidRequest, Cause::KeyRejected];
    !(shown_without_cause(failure) || failure.caused_by(&vague)) || case.trial(Ask::OtherModel).answer().is_some()
}

fn shown_without_cause(shown: &Shown) -> bool {
    shown.causes.is_empty() && shown.error().is_some() && shown.status() < Some(500)
}

fn dialect(shown: &Shown) -> Option<&'static str> {
    let whole = shown.completion().map(|completion| completion.dialect);
    whole.or_else(|| shown.streamed().map(|stream| stream.dialect)).filter(|dialect| !dialect.is_empty())
}

/// Another family than the one in which was asked; legacy completions are the same family with an older route.
fn is_foreign(case: &Case, dialect: &str) -> bool {
    let asked = case.subject().dialect.as_str();
    asked != dialect && dialect != "openai-completions"
}
