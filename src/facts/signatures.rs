//! The rows of `errors.toml`, and how a text is held against all of them in one pass.

use super::errors::{Cause, ErrorText};
use super::{Pattern, Strength, TEXT_LIMIT, head, header, plain_quotes};
use aho_corasick::AhoCorasick;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// What one kind of error looks like. Everything a row asks for must hold.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    /// Stable name.
    pub id: String,
    pub cause: Cause,
    pub strength: Strength,
    /// The gateway that writes this text.
    pub speaker: Option<String>,
    pub source: String,
    /// Phrases of which one must occur; lower case, straight quotes, no backslash.
    #[serde(default)]
    any: Vec<String>,
    /// Phrases that must all occur.
    #[serde(default)]
    all: Vec<String>,
    /// Phrases of which none may occur, in message or body.
    #[serde(default)]
    not: Vec<String>,
    /// Codes or types of which one must be the error's, or stand in its text.
    #[serde(default)]
    codes: Vec<String>,
    /// Values of `param`.
    #[serde(default)]
    params: Vec<String>,
    /// Statuses it comes with.
    #[serde(default)]
    status: Vec<u16>,
    /// Headers of which each must be there and match.
    #[serde(default)]
    headers: BTreeMap<String, Pattern>,
    /// What the text must also match; its first group is what the error names.
    regex: Option<Pattern>,
    /// What the error names, if it does.
    names: Option<Pattern>,
    /// Whether the body around the message is as good as the message.
    #[serde(default)]
    raw: bool,
    /// A real text, for the test.
    #[cfg(test)]
    pub example: String,
}

/// How a gateway shows that it repeats what a provider said.
#[derive(Debug, Deserialize)]
struct Wrapper {
    #[cfg(test)]
    id: String,
    /// Phrases of which one must occur.
    any: Vec<String>,
    /// What the text must match; its first group names the provider.
    regex: Option<Pattern>,
    /// Who is meant when nobody is named.
    provider: Option<String>,
    /// Whether the gateway uses a credential of its own, so that a refused key is not the client's.
    #[serde(default)]
    own_key: bool,
    #[cfg(test)]
    source: String,
    #[cfg(test)]
    example: String,
}

/// A wrapper found on a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrapping {
    pub provider: String,
    pub own_key: bool,
}

#[derive(Deserialize)]
struct Tables {
    wrapper: Vec<Wrapper>,
    error: Vec<Row>,
}

/// The rows, with every phrase turned into its number in one automaton.
struct Signatures {
    wrappers: Vec<(Wrapper, Vec<usize>)>,
    rows: Vec<(Row, Needs)>,
    phrases: AhoCorasick,
    /// Which phrases count only when they are no part of a longer word.
    whole: Vec<bool>,
}

/// Reads the rows before they are needed.
pub(super) fn warm_up() {
    LazyLock::force(&SIGNATURES);
}

/// The phrases of a row, by number.
struct Needs {
    any: Vec<usize>,
    all: Vec<usize>,
    not: Vec<usize>,
    codes: Vec<usize>,
}

static SIGNATURES: LazyLock<Signatures> = LazyLock::new(Signatures::read);

impl Signatures {
    /// # Panics
    /// When the embedded file is broken, which a test rules out.
    fn read() -> Self {
        let tables: Tables = toml::from_str(include_str!("errors.toml")).expect("errors.toml");
        let mut numbers = Numbers::default();
        let wrappers = tables
            .wrapper
            .into_iter()
            .map(|wrapper| (numbers.of_phrases(&wrapper.any), wrapper))
            .map(|(any, wrapper)| (wrapper, any))
            .collect();
        let rows = tables.error.into_iter().map(|row| (numbers.of_row(&row), row)).map(|(needs, row)| (row, needs)).collect();
        let phrases = AhoCorasick::new(numbers.phrases.iter().map(|(phrase, _)| phrase)).expect("few and short phrases");
        Self { wrappers, rows, phrases, whole: numbers.phrases.into_iter().map(|(_, whole)| whole).collect() }
    }

    /// Which phrases occur in a lower-case text.
    fn found_in(&self, text: &str) -> Vec<bool> {
        let mut found = vec![false; self.whole.len()];
        for hit in self.phrases.find_overlapping_iter(text) {
            let number = hit.pattern().as_usize();
            found[number] |= !self.whole[number] || stands_alone(text.as_bytes(), hit.range());
        }
        found
    }
}

/// Whether no letter, digit or underscore of ASCII continues what stands there.
fn stands_alone(text: &[u8], place: std::ops::Range<usize>) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let before = place.start.checked_sub(1).and_then(|at| text.get(at));
    !is_word(before) && !is_word(text.get(place.end))
}

/// Phrases in the order they were first asked for, and whether each must stand alone.
#[derive(Default)]
struct Numbers {
    phrases: Vec<(String, bool)>,
    known: HashMap<(String, bool), usize>,
}

impl Numbers {
    fn of(&mut self, phrase: String, whole: bool) -> usize {
        let next = self.phrases.len();
        let number = *self.known.entry((phrase.clone(), whole)).or_insert(next);
        if number == next {
            self.phrases.push((phrase, whole));
        }
        number
    }

    fn of_phrases(&mut self, phrases: &[String]) -> Vec<usize> {
        phrases.iter().map(|phrase| self.of(phrase.clone(), false)).collect()
    }

    fn of_row(&mut self, row: &Row) -> Needs {
        let codes = row.codes.iter().filter(|code| is_telling(code)).map(|code| self.of(code.to_lowercase(), true)).collect();
        Needs { any: self.of_phrases(&row.any), all: self.of_phrases(&row.all), not: self.of_phrases(&row.not), codes }
    }
}

/// Whether a code is long and odd enough to be believed when it stands in a sentence.
fn is_telling(code: &str) -> bool {
    code.len() >= 8 && (code.contains(['_', '.']) || code.chars().skip(1).any(char::is_uppercase))
}

/// One text, cleaned, with the patterns found in it.
struct Scan {
    clean: String,
    found: Vec<bool>,
}

impl Scan {
    fn of(text: &str) -> Self {
        let clean = plain_quotes(text).replace('\\', "");
        Self { found: SIGNATURES.found_in(&clean.to_lowercase()), clean }
    }

    fn has_one_of(&self, numbers: &[usize]) -> bool {
        numbers.iter().any(|number| self.found[*number])
    }

    /// Whether the text has the phrases of a row, and either it or the error the code.
    fn fits(&self, row: &Row, needs: &Needs, has_code: bool) -> bool {
        (needs.any.is_empty() || self.has_one_of(&needs.any))
            && needs.all.iter().all(|number| self.found[*number])
            && (row.codes.is_empty() || has_code || self.has_one_of(&needs.codes))
            && row.regex.as_ref().is_none_or(|regex| regex.is_match(&self.clean))
    }
}

/// An error, ready to be held against the rows.
pub(super) struct Text<'a> {
    error: &'a ErrorText<'a>,
    message: Scan,
    body: Scan,
}

impl<'a> Text<'a> {
    pub fn of(error: &'a ErrorText<'a>) -> Self {
        let message = head(error.message, TEXT_LIMIT / 2);
        let body = if error.raw == error.message { "" } else { head(error.raw, TEXT_LIMIT - message.len()) };
        Self { error, message: Scan::of(message), body: Scan::of(body) }
    }

    /// The rows that fit, in the order of the file, and how far each is to be trusted here.
    pub fn rows(&self) -> impl Iterator<Item = (&'static Row, Strength)> {
        SIGNATURES.rows.iter().filter_map(|(row, needs)| Some((row, self.strength(row, needs)?)))
    }

    fn strength(&self, row: &Row, needs: &Needs) -> Option<Strength> {
        if self.message.has_one_of(&needs.not) || self.body.has_one_of(&needs.not) || !self.fits_around(row) {
            return None;
        }
        let has_code =
            [self.error.code, self.error.kind].into_iter().flatten().any(|own| row.codes.iter().any(|code| code.eq_ignore_ascii_case(own)));
        if self.message.fits(row, needs, has_code) {
            return Some(row.strength);
        }
        let trusted = row.raw || self.message.clean.is_empty();
        self.body.fits(row, needs, has_code).then(|| if trusted { row.strength } else { weaker(row.strength) })
    }

    /// Whether status, `param` and headers are as the row wants them.
    fn fits_around(&self, row: &Row) -> bool {
        let status = |status| row.status.contains(&status);
        let param = |param: &str| row.params.iter().any(|own| own == param);
        let in_header = |(name, pattern): (&String, &Pattern)| {
            header(self.error.headers, name).is_some_and(|value| pattern.is_match(head(value, 1024)))
        };
        (row.status.is_empty() || self.error.status.is_none_or(status))
            && (row.params.is_empty() || self.error.param.is_some_and(param))
            && row.headers.iter().all(in_header)
    }

    /// What the error names, by the row's pattern or else by `param`.
    pub fn named(&self, row: &Row) -> Option<String> {
        let patterns = || row.names.iter().chain(&row.regex);
        let in_text = |scan: &Scan| {
            patterns().find_map(|pattern| Some(pattern.captures(&scan.clean)?.iter().skip(1).flatten().next()?.as_str().to_owned()))
        };
        let param = || {
            self.error
                .param
                .filter(|param| !param.is_empty() && row.cause.is_about_a_field() && !matches!(*param, "None" | "null"))
                .map(str::to_owned)
        };
        in_text(&self.message).or_else(|| in_text(&self.body)).or_else(param).map(|name| head(&name, 300).to_owned())
    }

    /// Whom a gateway is quoting, if it is.
    pub fn wrapper(&self) -> Option<Wrapping> {
        let found = |scan: &Scan| SIGNATURES.wrappers.iter().find_map(|(wrapper, any)| wrapper.on(scan, any));
        found(&self.message).or_else(|| found(&self.body))
    }
}

impl Wrapper {
    fn on(&self, scan: &Scan, any: &[usize]) -> Option<Wrapping> {
        scan.has_one_of(any).then_some(())?;
        let captured = match &self.regex {
            Some(regex) => regex.captures(&scan.clean)?.get(1).map(|name| head(name.as_str(), 100).to_owned()),
            None => None,
        };
        let provider = captured.or_else(|| self.provider.clone()).unwrap_or_else(|| "upstream".to_owned());
        Some(Wrapping { provider, own_key: self.own_key })
    }
}

fn weaker(strength: Strength) -> Strength {
    match strength {
        Strength::Strong => Strength::Medium,
        Strength::Medium | Strength::Weak => Strength::Weak,
    }
}

#[cfg(test)]
mod tests {
    use super::super::errors::{Speaker, read_error};
    use super::*;

    fn rows() -> Vec<&'static Row> {
        SIGNATURES.rows.iter().map(|(row, _)| row).collect()
    }

    /// The example of a row, as the error that it came from.
    fn example(row: &'static Row) -> ErrorText<'static> {
        static HEADERS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
            let pairs = [("cf-mitigated", "challenge"), ("anthropic-ratelimit-unified-status", "rejected")];
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
        });
        let headers = HEADERS.iter().position(|(name, _)| row.headers.contains_key(name)).map_or(&[][..], |at| &HEADERS[at..=at]);
        let (code, param) = (row.codes.first().map(String::as_str), row.params.first().map(String::as_str));
        ErrorText { status: row.status.first().copied(), code, kind: None, param, message: &row.example, headers, raw: &row.example }
    }

    #[test]
    fn every_row_is_usable() {
        let mut ids: Vec<_> = rows().into_iter().map(|row| row.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), rows().len(), "ids are unique");
        for row in rows() {
            assert!(row.source.starts_with("https://"), "{} has no source", row.id);
            assert!(
                !(row.any.is_empty() && row.all.is_empty() && row.codes.is_empty() && row.headers.is_empty()),
                "{}: the status alone never decides",
                row.id
            );
            for phrase in row.any.iter().chain(&row.all).chain(&row.not) {
                assert!(!phrase.contains('\\') && *phrase == plain_quotes(&phrase.to_lowercase()), "{}: {phrase}", row.id);
            }
        }
    }

    #[test]
    fn every_pattern_is_one() {
        let of_rows = rows().into_iter().flat_map(|row| row.headers.values().chain(&row.regex).chain(&row.names));
        let of_wrappers = SIGNATURES.wrappers.iter().flat_map(|(wrapper, _)| &wrapper.regex);
        of_rows.chain(of_wrappers).for_each(|pattern| assert!(!pattern.as_str().is_empty()));
    }

    #[test]
    fn a_code_is_found_only_where_it_stands_alone() {
        let alone = |text: &str| stands_alone(text.as_bytes(), 4..6);
        assert!(alone("say ab") && alone("say ab.") && alone("say ab\u{fc}"));
        assert!(!alone("say_ab") && !alone("say ab_c") && !alone("say ab1"));
    }

    #[test]
    fn every_example_is_read_as_its_row_says() {
        let wrong: Vec<_> = rows()
            .iter()
            .map(|row| (row, read_error(&example(row))))
            .filter(|(row, readings)| {
                readings.first().is_none_or(|first| first.cause != row.cause)
                    || readings
                        .iter()
                        .any(|other| row.strength == Strength::Strong && other.strength == Strength::Strong && other.cause != row.cause)
            })
            .map(|(row, readings)| {
                format!("{}: {:?} but {:?}", row.id, row.cause, readings.iter().map(|r| (r.cause, r.strength, r.row)).collect::<Vec<_>>())
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_wrapper_is_seen_on_its_example() {
        for (wrapper, any) in &SIGNATURES.wrappers {
            assert!(wrapper.source.starts_with("https://"), "{} has no source", wrapper.id);
            assert!(wrapper.on(&Scan::of(&wrapper.example), any).is_some(), "{}", wrapper.id);
        }
    }

    #[test]
    fn a_wrapper_names_the_provider() {
        let named = |message: &str| {
            let error = ErrorText { status: None, code: None, kind: None, param: None, message, headers: &[], raw: "" };
            Text::of(&error).wrapper().map(|wrapper| wrapper.provider)
        };
        assert_eq!(named("litellm.AuthenticationError: AuthenticationError: OpenAIException - bad").as_deref(), Some("OpenAI"));
        assert_eq!(named("Error from provider (Moonshot AI): invalid temperature").as_deref(), Some("Moonshot AI"));
        assert_eq!(named("openai error: slow down").as_deref(), Some("openai"));
        assert_eq!(named("an error: slow down"), None);
    }

    #[test]
    fn telling_codes_may_stand_in_a_sentence() {
        assert!(is_telling("insufficient_quota") && is_telling("DeploymentNotFound") && !is_telling("overloaded") && !is_telling("1302"));
    }

    #[test]
    fn what_stands_only_around_the_message_counts_less() {
        let read = |message, raw| {
            let error = ErrorText { status: Some(422), code: None, kind: None, param: None, message, headers: &[], raw };
            read_error(&error).first().map(|reading| (reading.cause, reading.strength))
        };
        assert_eq!(read("Incorrect API key provided", ""), Some((Cause::KeyRejected, Strength::Strong)));
        assert_eq!(read("", "Incorrect API key provided"), Some((Cause::KeyRejected, Strength::Strong)));
        assert_eq!(read("bad", "{input: Incorrect API key provided}"), Some((Cause::KeyRejected, Strength::Medium)));
        assert_eq!(weaker(Strength::Weak), Strength::Weak);
    }

    #[test]
    fn an_own_credential_makes_a_refused_key_the_gateways() {
        let error = ErrorText {
            status: Some(401),
            code: Some("401"),
            kind: Some("invalid_request_error"),
            param: None,
            message: "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided: sk-x.",
            headers: &[],
            raw: "",
        };
        let first = read_error(&error).remove(0);
        assert_eq!(
            (first.cause, first.strength, first.speaker),
            (Cause::UpstreamAuth, Strength::Strong, Speaker::Upstream("OpenAI".into()))
        );
    }
}
