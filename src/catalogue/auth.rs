//! What the rules about keys share: the refusal, and how the same request fared without a key and with a garbage one.

use super::naming::PASSING;
use super::{Case, Shown, Trial};
use crate::dialect::{ErrorFacts, Reading};
use crate::evidence::{Ask, Exchange};
use crate::facts::fingerprints::Place;
use crate::facts::{self, Cause, Role, Speaker, Strength};

/// Messages count as the same from this likeness on, keys and numbers left out.
const ALIKE: f64 = 0.85;

/// A refusal over the credential, with its two controls.
pub(super) struct Refusal<'c, 'e> {
    /// The refused request, with the key as given (or without one, when none was given).
    pub given: &'c Shown<'e>,
    /// The same with a garbage key.
    pub garbage: Option<&'c Shown<'e>>,
    /// The same without a key.
    pub bare: Option<&'c Shown<'e>>,
    /// True when it failed at least twice in the same way.
    pub repeats: bool,
}

/// The refusal of chat (or of the list, when no chat could be asked), when it may be about the credential.
pub(super) fn refusal<'c, 'e>(case: &'c Case<'e>) -> Option<Refusal<'c, 'e>> {
    let (ask, garbage, bare) = if case.chat().asked() {
        (Ask::Chat, Ask::ChatGarbageKey, Ask::ChatNoKey)
    } else {
        (Ask::Models, Ask::ModelsGarbageKey, Ask::ModelsNoKey)
    };
    let trial = case.trial(ask);
    let given = refused(&trial)?;
    let refusal = Refusal { given, garbage: telling(case, garbage), bare: telling(case, bare), repeats: trial.repeats() };
    refusal.is_about_key().then_some(refusal)
}

impl Refusal<'_, '_> {
    /// The best reading of the refusal.
    pub fn cause(&self) -> Option<Cause> {
        self.given.cause()
    }

    /// True when the text itself decides it.
    pub fn is_strong(&self) -> bool {
        self.given.causes.first().is_some_and(|reading| reading.strength != Strength::Weak)
    }

    /// True when a garbage key is treated in the same way; `None` when that was not asked.
    pub fn garbage_alike(&self) -> Option<bool> {
        self.garbage.map(|other| alike(self.given, other))
    }

    /// True when no key at all is treated in the same way; `None` when that was not asked.
    pub fn bare_alike(&self) -> Option<bool> {
        self.bare.map(|other| alike(self.given, other))
    }

    /// The exchanges: the refusal first, then its controls.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        [Some(self.given), self.garbage, self.bare].into_iter().flatten().map(|shown| shown.exchange)
    }

    /// Said by its text; or a 401, or a 403 that is no page, whose text decides nothing.
    fn is_about_key(&self) -> bool {
        if is_about_key(self.given) {
            return true;
        }
        let undecided = self.given.causes.iter().all(|reading| reading.strength == Strength::Weak);
        // A page with 403 is a web server's or a firewall's.
        let page = self.given.error().is_some_and(|error| error.form == "html");
        undecided && (self.given.status() == Some(401) || (self.given.status() == Some(403) && !page))
    }
}

/// True when the best reading of its error is about the credential itself.
fn is_about_key(shown: &Shown) -> bool {
    shown.cause().is_some_and(Cause::is_about_the_key)
}

/// The first refusal of a trial that nothing answered; what passes by itself and followed redirects are passed over.
fn refused<'c, 'e>(trial: &Trial<'c, 'e>) -> Option<&'c Shown<'e>> {
    if trial.tries.iter().any(|shown| succeeded(shown)) {
        return None;
    }
    trial.tries.iter().copied().find(|shown| shown.error().is_some() && !shown.caused_by(PASSING))
}

/// The first try of a side question that says something: an answer, or an error that does not pass by itself.
pub(super) fn telling<'c, 'e>(case: &'c Case<'e>, ask: Ask) -> Option<&'c Shown<'e>> {
    let says = |shown: &&Shown| !matches!(shown.reading, Reading::Nothing | Reading::Redirect(_)) && !shown.caused_by(PASSING);
    case.asked(ask).find(says)
}

/// True when a request got what it asked for: the model's answer, or a list.
pub(super) fn succeeded(shown: &Shown) -> bool {
    shown.answered() || shown.models().is_some()
}

/// The first try of a question that got what it asked for.
pub(super) fn success<'c, 'e>(case: &'c Case<'e>, ask: Ask) -> Option<&'c Shown<'e>> {
    case.asked(ask).find(|shown| succeeded(shown))
}

/// True when a request was turned away at the door: over the key, or with a bare 401 or 403.
pub(super) fn turned_away(shown: &Shown) -> bool {
    let about_key = is_about_key(shown);
    let undecided = shown.causes.iter().all(|reading| reading.strength == Strength::Weak);
    about_key || (shown.error().is_some() && undecided && matches!(shown.status(), Some(401 | 403)))
}

/// True when the list takes the given key and refuses a garbage one: then the list does check keys, and this one is good for it.
pub(super) fn list_takes_key(case: &Case) -> bool {
    let refuses_garbage = telling(case, Ask::ModelsGarbageKey).is_some_and(|shown| !succeeded(shown));
    case.models().is_some() && refuses_garbage
}

/// Chat without a key, refused with words that quote a (masked) key: then the server speaks of a key of its own.
pub(super) fn quotes_unsent_key<'c, 'e>(case: &'c Case<'e>) -> Option<&'c Shown<'e>> {
    let bare = telling(case, Ask::ChatNoKey)?;
    bare.error().is_some_and(|error| error.message.split_whitespace().any(is_masked_key)).then_some(bare)
}

/// A refusal without a key that says a key is invalid, in an answer that a gateway marked as passed on and did not write itself: the
/// credential that was refused may be the gateway's own.
pub(super) fn passed_on_without_key<'c, 'e>(case: &'c Case<'e>) -> Option<&'c Shown<'e>> {
    let bare = telling(case, Ask::ChatNoKey)?;
    let response = bare.response()?;
    let prints = facts::fingerprint(response.status, &response.headers, &response.body.text());
    let marked = prints.iter().any(|print| print.role == Role::Gateway && print.place == Place::Header);
    let own = bare.causes.iter().any(|reading| matches!(reading.speaker, Speaker::Gateway(_)));
    (marked && !own && bare.caused_by(&[Cause::KeyRejected])).then_some(bare)
}

/// A word such as `sk-****9f3c` or `sk-...9f3c`: a beginning, a mask, and an end that tells keys apart.
fn is_masked_key(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let masked = |mask: &str| Some((word.split_once(mask)?.0, word.rsplit_once(mask)?.1));
    let tells = |(start, end): (&str, &str)| start.len() >= 2 && (3..=8).contains(&end.len()) && end.chars().all(char::is_alphanumeric);
    ["**", "...", "…"].into_iter().filter_map(masked).any(tells)
}

/// True when two refusals are the same but for what they repeat of the key: status, code, type and words.
pub(super) fn alike(one: &Shown, other: &Shown) -> bool {
    let (Some(first), Some(second)) = (one.error(), other.error()) else { return false };
    let labels = |error: &ErrorFacts| (error.code.clone(), error.kind.clone(), error.form);
    let same_labels = one.status() == other.status() && labels(first) == labels(second);
    same_labels && strsim::normalized_levenshtein(&skeleton(&first.message), &skeleton(&second.message)) >= ALIKE
}

/// A message without the words that hold digits, stars or brackets: keys, their hashes and tails, request ids.
fn skeleton(message: &str) -> String {
    let plain =
        |word: &&str| word.trim_matches(|c: char| c.is_ascii_punctuation()).chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-');
    let marked = |word: &&str| !word.contains('*') && !word.contains("...") && !word.contains('[');
    let words: Vec<_> = message.split_whitespace().filter(plain).filter(marked).collect();
    words.join(" ").to_lowercase()
}
