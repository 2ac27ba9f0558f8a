//! An image in the request is removed on the way, and nobody says so.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::effects::Picture;
use crate::evidence::Ask;

/// An image is removed silently.
pub const MODE: FailureMode = FailureMode {
    id: "vision-dropped",
    title: "Images are taken out of the request without an error",
    family: "body",
    symptom: "The model says that it sees no image, asks for one, or describes something that is not there; the status is 200.",
    cause: "A gateway translates content parts into another dialect and leaves out those that it does not know, replaces them by a placeholder \
            (`[image omitted]`), or sends text only because the model's entry lacks the vision flag. A refusal of the image is another mode.",
    fix: &[
        "Compare `usage.prompt_tokens` of the same question with and without the image: equal counts mean that it never arrived.",
        "Gateway: declare the model as able to see (LiteLLM: `supports_vision` in `model_info`), or update the translation of content parts.",
        "Send the image as an `image_url` part with a `data:` URL; some gateways pass on this form only.",
    ],
    references: &[
        "https://github.com/inference-gateway/inference-gateway/pull/549",
        "https://github.com/routatic/proxy/pull/99",
        "https://github.com/heyhuynhgiabuu/proxypal/issues/11",
        "https://github.com/griffinwork40/agent-afk/pull/134",
    ],
    explains: &[],
    diagnose,
};

/// A picture costs at least so many tokens more than none; a word in its place costs fewer.
const PICTURE_TOKENS: u64 = 12;

fn diagnose(case: &Case) -> Verdict {
    let answered: Vec<&Shown> = case.asked(Ask::Picture).filter(|shown| shown.completion().is_some()).collect();
    let (with, without): (Vec<&Shown>, Vec<&Shown>) = answered.into_iter().partition(|shown| picture(shown).is_some());
    if with.is_empty() {
        return Verdict::untested(case.skipped(Ask::Picture).unwrap_or("no image with a known content was sent, or none was answered"));
    }
    if let Some(named) = with.iter().find(|shown| is_named(shown)) {
        return Verdict::absent(format!("the colour of a picture was named: {}", words(named)));
    }
    match (with.len() >= 2).then(|| without.first()).flatten() {
        Some(_) if counts_nothing(case) => {
            Verdict::untested("two pictures were not named, and the answers count every prompt alike, so that counts tell nothing")
        }
        Some(bare) => counted(&with, bare),
        None => Verdict::untested("one picture was not named, and there is nothing to compare that with"),
    }
}

/// Nobody named a colour: were the pictures counted, at least? What was counted and not named is a matter of the model's eyes.
fn counted(with: &[&Shown], bare: &Shown) -> Verdict {
    let tokens = |shown: &Shown| shown.completion().and_then(|answer| answer.usage.prompt);
    let most = with.iter().filter_map(|shown| tokens(shown)).max();
    let (Some(most), Some(least)) = (most, tokens(bare)) else {
        return Verdict::untested("two pictures were not named, and the answers do not count their tokens");
    };
    if most >= least + PICTURE_TOKENS {
        return Verdict::absent(format!("a picture took {} tokens more than none, so it arrived", most - least));
    }
    let said = with.iter().map(|shown| words(shown)).collect::<Vec<_>>().join(" and ");
    let because =
        format!("Two pictures of one colour each were answered with {said}, and counted {most} prompt tokens; none at all, {least}.");
    // Some gateways count the text alone, and some models do not know colours: only who says that there is no picture makes it likely.
    let certainty = if with.iter().any(|shown| misses_it(shown)) { Certainty::Likely } else { Certainty::Possible };
    Finding::new(Severity::Info, certainty, Blame::Gateway, because)
        .so("Whoever sends a picture gets an answer about something else, and no error.")
        .cite(with.iter().map(|shown| shown.exchange))
        .cite([bare.exchange])
        .detail("prompt_tokens", most)
        .detail("prompt_tokens_without", least)
        .present()
}

/// Questions of different lengths were all counted with the same number of tokens.
fn counts_nothing(case: &Case) -> bool {
    let counted = |shown: &Shown| Some((shown.exchange.request.body.as_ref()?.to_string().len(), shown.completion()?.usage.prompt?));
    let texts: Vec<(usize, u64)> = [Ask::Chat, Ask::Effect].into_iter().flat_map(|ask| case.asked(ask)).filter_map(counted).collect();
    let (Some(first), Some(longest)) = (texts.first(), texts.iter().map(|(length, _)| *length).max()) else { return false };
    let shortest = texts.iter().map(|(length, _)| *length).min().unwrap_or_default();
    longest > shortest + DIFFERENT && texts.iter().all(|(_, tokens)| *tokens == first.1)
}

/// Bytes by which two questions must differ, so that no counter takes them for alike.
const DIFFERENT: usize = 20;

/// The model says that no picture came.
fn misses_it(shown: &Shown) -> bool {
    let text = words(shown).to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
    any(&["picture", "image", "photo", "attach"]) && any(&["no ", "not ", "n't", "n’t", "cannot", "unable", "any "])
}

fn picture(shown: &Shown) -> Option<&'static Picture> {
    Picture::of(shown.exchange.request.body.as_ref()?)
}

fn is_named(shown: &Shown) -> bool {
    let text = shown.completion().map_or("", |answer| &answer.text);
    picture(shown).is_some_and(|picture| picture.is_named(text))
}

fn words(shown: &Shown) -> String {
    let text = shown.completion().map_or("", |answer| answer.text.trim());
    format!("“{}”", text.chars().take(60).collect::<String>())
}
