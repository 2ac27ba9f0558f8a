//! What is known under a word: a status, a header, an error code, a program, a number of seconds.

use super::boundaries::{boundaries, same_box};
use super::clients::client_timeouts;
use super::codes::{vendor_codes, vendors_of_code};
use super::fingerprints::fingerprints;
use super::headers::{header_fact, header_facts};
use super::providers::{provider_for_host, provider_for_key_prefix, providers};
use super::ratelimits::{Announcement, announcement, announcing};
use super::statuses::{status, statuses};
use super::texts::{QuoteText, quote_texts, texts, texts_of_code};
use super::{Boundary, ClientTimeouts, Fingerprint, HeaderFact, Provider, Status, TextRow, VendorCode, boundaries_at, durations, fits};
use std::collections::BTreeSet;

/// What is known under a word. Several parts can be filled: 429 is a status and stands in codes.
#[derive(Debug, Default)]
pub struct Known {
    /// The status of this number.
    pub status: Option<&'static Status>,
    /// The header of this name.
    pub header: Option<KnownHeader>,
    /// Error texts with this code or type.
    pub codes: Vec<&'static TextRow>,
    /// What single vendors mean by this code.
    pub vendors: Vec<&'static VendorCode>,
    /// The gateway, engine, proxy, provider or client of this name.
    pub program: Option<KnownProgram>,
    /// The clients that send a member of this name in their requests.
    pub senders: Vec<&'static ClientTimeouts>,
    /// The time that the word is, in seconds.
    pub seconds: Option<f64>,
}

/// What is known of a header.
#[derive(Debug)]
pub struct KnownHeader {
    /// The name, in lower case.
    pub name: String,
    /// What it means.
    pub fact: Option<&'static HeaderFact>,
    /// Which limit it announces.
    pub announced: Option<Announcement>,
    /// Programs that are known by it.
    pub marks: Vec<&'static Fingerprint>,
}

/// What is known of a program or service.
#[derive(Debug, Default)]
pub struct KnownProgram {
    /// The names under which it is known.
    pub names: Vec<&'static str>,
    /// Where it is reached.
    pub providers: Vec<&'static Provider>,
    /// Marks on its answers, the best first.
    pub marks: Vec<&'static Fingerprint>,
    /// Its clocks, those that run during an answer first.
    pub clocks: Vec<&'static Boundary>,
    /// How long it waits as a client.
    pub clients: Vec<&'static ClientTimeouts>,
    /// Error texts that only it writes.
    pub errors: Vec<&'static TextRow>,
    /// How it repeats what a provider said.
    pub quotes: Vec<&'static QuoteText>,
}

/// Words of many names: alone they mean no program.
const COMMON: [&str; 16] = [
    "ai",
    "api",
    "balancer",
    "cdn",
    "chat",
    "client",
    "cloud",
    "code",
    "functions",
    "gateway",
    "http",
    "inference",
    "load",
    "network",
    "proxy",
    "server",
];

/// Looks a word up in every table. `word` is as it was typed: any case, a header with or without its value.
pub fn known(word: &str) -> Known {
    let word = word.trim();
    let codes = texts_of_code(word);
    let status = status_of(word);
    let vendors = vendors_of_code(word);
    // A number without a unit is a time only where somebody's clock is set to it.
    let bare = durations::number(word).and_then(durations::plausible).filter(|seconds| status.is_none() && is_a_clock(*seconds));
    let seconds = durations::with_units(word).or(bare).filter(|seconds| *seconds > 0.0);
    let is_a_number = seconds.is_some() || word.parse::<u64>().is_ok();
    let program = (!is_a_number).then(|| program(word)).flatten();
    Known { status, header: header(word), codes, vendors, program, seconds, senders: senders(word) }
}

/// The status that a text is: `524`, `HTTP 524`, `404 Not Found`.
fn status_of(text: &str) -> Option<&'static Status> {
    let text = text.to_ascii_lowercase();
    let rest = ["http/1.1", "http/2", "http", "status code", "status", "error code"].iter().find_map(|prefix| text.strip_prefix(prefix));
    let rest = rest.unwrap_or(&text).trim_start_matches([':', ' ']);
    let (number, name) = rest.split_once(' ').unwrap_or((rest, ""));
    let row = status(number.trim_end_matches(':').parse().ok()?)?;
    (name.trim().is_empty() || row.name.eq_ignore_ascii_case(name.trim())).then_some(row)
}

/// The clients that send a member of this name.
fn senders(word: &str) -> Vec<&'static ClientTimeouts> {
    let name = word.trim_start_matches('/');
    client_timeouts().iter().filter(|client| client.members().contains(&name)).collect()
}

fn is_a_clock(seconds: f64) -> bool {
    !boundaries_at(seconds, None, &[]).is_empty() || client_timeouts().iter().any(|client| client.gives_up_at(seconds))
}

impl Known {
    /// How many parts are filled.
    pub fn parts(&self) -> usize {
        let codes = !self.codes.is_empty() || !self.vendors.is_empty();
        let parts =
            [self.status.is_some(), self.header.is_some(), codes, self.program.is_some(), self.seconds.is_some(), !self.senders.is_empty()];
        parts.into_iter().filter(|part| *part).count()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.parts() == 0
    }
}

/// Every word that [`known`] finds by name.
pub fn words() -> BTreeSet<String> {
    let numbers = statuses().iter().map(|row| row.code.to_string());
    let headers = header_facts().iter().map(|row| row.name.as_str()).chain(announcing()).map(str::to_owned);
    let codes = texts().iter().flat_map(|row| row.codes.iter().map(ToString::to_string));
    let members = client_timeouts().iter().flat_map(|client| client.members()).map(str::to_owned);
    let vendors = vendor_codes().iter().flat_map(|row| row.codes.iter().map(ToString::to_string));
    numbers.chain(headers).chain(codes).chain(vendors).chain(members).chain(names().into_iter().map(str::to_owned)).collect()
}

fn header(word: &str) -> Option<KnownHeader> {
    let name = word.split_once(':').map_or(word, |(name, _)| name).trim().to_ascii_lowercase();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    let marks: Vec<_> = fingerprints().iter().filter(|row| row.header().is_some_and(|own| own == name || fits(own, &name))).collect();
    let known = KnownHeader { fact: header_fact(&name), announced: announcement(&name), marks, name };
    (known.fact.is_some() || known.announced.is_some() || !known.marks.is_empty()).then_some(known)
}

fn program(word: &str) -> Option<KnownProgram> {
    let names = names_of(word);
    if names.is_empty() {
        return None;
    }
    let is = |name: &str| names.contains(&name);
    let mut marks: Vec<_> = fingerprints().iter().filter(|row| is(&row.box_)).collect();
    marks.sort_by_key(|row| (row.strength, row.place));
    let mut clocks: Vec<_> = boundaries().iter().filter(|row| is(&row.box_) || row.also.iter().any(|also| is(also))).collect();
    clocks.sort_by_key(|row| !row.scope.runs_during_an_answer());
    Some(KnownProgram {
        providers: providers().iter().filter(|row| is(&row.name)).collect(),
        marks,
        clocks,
        clients: client_timeouts().iter().filter(|row| is(&row.name)).collect(),
        errors: texts().iter().filter(|row| row.speaker.is_some_and(is)).collect(),
        quotes: quote_texts().iter().filter(|row| names.iter().any(|name| quotes(name, row.id))).collect(),
        names,
    })
}

/// Whether the row of a wrapper is about this program: it begins with the first word of its name.
fn quotes(name: &str, row: &str) -> bool {
    let first = name.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    row.split('-').next() == Some(first.as_str())
}

/// The names of all programs and services.
fn names() -> BTreeSet<&'static str> {
    let boxes = boundaries().iter().map(|row| row.box_.as_str()).chain(fingerprints().iter().map(|row| row.box_.as_str()));
    let speakers = texts().iter().filter_map(|row| row.speaker);
    let clients = client_timeouts().iter().map(|row| row.name.as_str());
    boxes.chain(speakers).chain(clients).chain(providers().iter().map(|row| row.name.as_str())).collect()
}

/// The names that a word means: those that it begins, else those that have it among their words, else the provider of a host or key shape.
fn names_of(word: &str) -> Vec<&'static str> {
    let squeezed = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let plain = squeezed(word);
    if plain.is_empty() {
        return Vec::new();
    }
    let same = |name: &str| squeezed(name) == plain || same_box(word, name) && name.len() >= word.len();
    let among = |name: &str| {
        // What stands in brackets says where a program is found, and not what it is called.
        let own = name.split('(').next().unwrap_or_default();
        !COMMON.contains(&plain.as_str()) && own.split(|c: char| !c.is_alphanumeric() && c != '.').any(|part| squeezed(part) == plain)
    };
    let all = names();
    let by_beginning: Vec<_> = all.iter().copied().filter(|name| same(name)).collect();
    let found = if by_beginning.is_empty() { all.iter().copied().filter(|name| among(name)).collect() } else { by_beginning };
    if found.is_empty() {
        let provider = providers().iter().find(|row| row.id.eq_ignore_ascii_case(word)).or_else(|| provider_for_host(host(word)));
        return provider.or_else(|| provider_for_key_prefix(word)).map(|row| row.name.as_str()).into_iter().collect();
    }
    found
}

/// The host of a URL, or the text itself.
fn host(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(word: &str) -> Vec<&'static str> {
        known(word).program.map(|program| program.names).unwrap_or_default()
    }

    #[test]
    fn a_number_is_a_status_a_code_or_a_time() {
        assert_eq!(known("524").status.map(|row| row.code), Some(524));
        assert!(known("524").seconds.is_none());
        for text in ["HTTP 524", "524:", "status code 524", "524 a timeout occurred", "HTTP/1.1 524 A timeout occurred"] {
            assert_eq!(known(text).status.map(|row| row.code), Some(524), "{text}");
        }
        assert!(known("524 other words").status.is_none() && known("error code: 401 - {}").status.is_none());
        assert!(!known("1302").codes.is_empty() && known("1302").seconds.is_none());
        assert!(!known("1008").vendors.is_empty() && known("1008").seconds.is_none());
        assert!(!known("100").vendors.is_empty() && known("100").seconds == Some(100.0));
        for (word, seconds) in [("60s", 60.0), ("60 s", 60.0), ("120", 120.0), ("5m", 300.0), ("1m40s", 100.0)] {
            assert_eq!(known(word).seconds, Some(seconds), "{word}");
        }
    }

    #[test]
    fn headers_are_found_with_and_without_a_value() {
        for word in ["retry-after", "Retry-After: 30", "x-should-retry", "CF-Ray", "x-litellm-*", "x-litellm-version"] {
            assert!(known(word).header.is_some(), "{word}");
        }
        assert!(known("Incorrect API key provided: sk").header.is_none());
    }

    #[test]
    fn programs_are_found_by_any_of_their_names() {
        assert_eq!(names("litellm")[0], "LiteLLM completion()");
        assert!(names("LiteLLM").contains(&"LiteLLM proxy"));
        assert!(names("alb").contains(&"AWS ALB / ELB") && names("openwebui").contains(&"Open WebUI"));
        assert_eq!(names("api.anthropic.com"), ["Anthropic"]);
        assert_eq!(names("https://api.anthropic.com/v1"), ["Anthropic"]);
        assert_eq!(names("sk-or-v1-"), ["OpenRouter"]);
        assert_eq!(names("openai"), ["OpenAI"]);
        assert!(names("server").is_empty() && names("gateway").is_empty());
        assert!(names("xyzzy").is_empty() && names("").is_empty());
    }

    #[test]
    fn what_is_known_of_a_gateway_comes_from_every_table() {
        let program = known("litellm").program.expect("it is known");
        assert!(!program.marks.is_empty() && !program.clocks.is_empty() && !program.errors.is_empty() && !program.quotes.is_empty());
    }

    #[test]
    fn nonsense_is_unknown() {
        for word in ["", " ", "xyzzy", "43", "987654", "-1", "99999999999999999999", "\u{0}", "日本"] {
            assert!(known(word).is_empty(), "{word}: {:?}", known(word));
        }
    }
}
