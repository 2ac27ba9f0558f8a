//! Which box gives up after this many seconds by default.

use super::rows;
use serde::Deserialize;
use std::cmp::Ordering;
use std::sync::LazyLock;

/// One default of one program, from `boundaries.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Boundary {
    /// Stable name of the row.
    pub id: String,
    /// The program or service that has this default.
    #[serde(rename = "box")]
    pub box_: String,
    /// Other names the same box is fingerprinted by.
    #[serde(default)]
    pub also: Vec<String>,
    /// Where it stands: `proxy`, `cdn`, `load-balancer`, `paas`, `gateway`, `engine`, `provider`, `sdk`, `http-client`, `client`.
    pub kind: String,
    /// The setting that holds the number.
    pub setting: String,
    /// The default, in seconds.
    pub seconds: f64,
    /// Which clock it is.
    pub scope: Scope,
    /// The status the client gets when it fires, where there is one.
    pub status: Option<u16>,
    /// Whether the box is so common that it is worth naming first.
    #[serde(default)]
    pub known: bool,
    /// How to raise it.
    pub raise_with: Option<String>,
    /// Where this is documented.
    pub source: String,
}

/// What a clock measures, and so what resets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Until the TCP or TLS connection stands.
    Connect,
    /// Until the response headers.
    FirstByte,
    /// Until the first token.
    FirstToken,
    /// Between two bytes, and before the first.
    Idle,
    /// From request to the end of the answer; bytes don't move it.
    Total,
    /// Between two requests on one connection.
    KeepAlive,
    /// While the request is read.
    RequestRead,
    /// While the request is sent on.
    RequestWrite,
    /// While the answer is sent back.
    ResponseWrite,
}

static BOUNDARIES: LazyLock<Vec<Boundary>> = LazyLock::new(|| rows(data!("boundaries")));

/// How much earlier than its default a clock may seem to fire, as a part of the default.
const EARLY: f64 = 0.02;
/// How much later, in seconds: handshakes and queues are paid on top.
const LATE_SECONDS: f64 = 1.5;

/// The defaults that a cut after `seconds` fits: not more than 2 % below, not more than 1.5 s (for tiny defaults: half) above.
///
/// Boxes in `boxes_seen` (names as in [`super::Fingerprint::box_`]) come first, then those whose status is `status`, then
/// clocks that run during an answer before those that don't, then well-known boxes, then the nearest number.
/// Empty for a number that is not a positive, finite time.
pub fn boundaries_at(seconds: f64, status: Option<u16>, boxes_seen: &[&str]) -> Vec<&'static Boundary> {
    let mut found: Vec<_> = BOUNDARIES.iter().filter(|row| row.fits(seconds)).collect();
    found
        .sort_by(|a, b| rank(a, seconds, status, boxes_seen).partial_cmp(&rank(b, seconds, status, boxes_seen)).unwrap_or(Ordering::Equal));
    found
}

/// The clocks of a box (name as in [`super::Fingerprint::box_`]) that run during an answer, well-known ones first: whatever number
/// they are set to.
pub fn clocks_of(name: &str) -> Vec<&'static Boundary> {
    let mut found: Vec<_> = BOUNDARIES.iter().filter(|row| row.is(name) && row.scope.runs_during_an_answer()).collect();
    found.sort_by_key(|row| !row.known);
    found
}

/// Every default, in the order of the file.
pub fn boundaries() -> &'static [Boundary] {
    &BOUNDARIES
}

impl Boundary {
    /// Whether a cut after `seconds` can be this default.
    fn fits(&self, seconds: f64) -> bool {
        fires_at(self.seconds, seconds)
    }

    /// Whether the box goes by this name.
    fn is(&self, name: &str) -> bool {
        same_box(&self.box_, name) || self.also.iter().any(|also| same_box(also, name))
    }
}

/// Whether a cut after `seconds` can be a clock that is set to `clock` seconds.
pub(super) fn fires_at(clock: f64, seconds: f64) -> bool {
    seconds >= clock * (1.0 - EARLY) && seconds <= clock + LATE_SECONDS.min(clock / 2.0)
}

/// Sort key of a boundary: smaller is better.
fn rank(row: &Boundary, seconds: f64, status: Option<u16>, boxes_seen: &[&str]) -> (bool, u8, bool, bool, f64) {
    let unseen = !boxes_seen.iter().any(|name| row.is(name));
    (unseen, status_rank(row.status, status), !row.scope.runs_during_an_answer(), !row.known, (seconds - row.seconds).abs())
}

/// 0 for the same status, 1 when either side has none, 2 for a contradiction.
fn status_rank(default: Option<u16>, seen: Option<u16>) -> u8 {
    match (default, seen) {
        (Some(a), Some(b)) if a == b => 0,
        (Some(_), Some(_)) => 2,
        _ => 1,
    }
}

impl Scope {
    /// What the clock counts, in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Connect => "until the connection stands",
            Self::FirstByte => "until the response headers",
            Self::FirstToken => "until the first token",
            Self::Idle => "of silence",
            Self::Total => "for the whole answer",
            Self::KeepAlive => "between two requests",
            Self::RequestRead => "to read the request",
            Self::RequestWrite => "to send the request on",
            Self::ResponseWrite => "to send the answer back",
        }
    }

    /// Whether the clock can cut an answer that is being waited for.
    pub fn runs_during_an_answer(self) -> bool {
        matches!(self, Self::FirstByte | Self::FirstToken | Self::Idle | Self::Total | Self::ResponseWrite)
    }
}

/// Whether two names mean one box: equal, or one is the other plus more words ("nginx", "nginx ingress").
pub(super) fn same_box(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    !short.is_empty() && long.strip_prefix(short.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(seconds: f64, status: Option<u16>, seen: &[&str]) -> Vec<&'static str> {
        boundaries_at(seconds, status, seen).iter().map(|row| row.box_.as_str()).collect()
    }

    #[test]
    fn every_row_is_usable() {
        for row in BOUNDARIES.iter() {
            assert!(row.seconds > 0.0 && row.seconds.is_finite(), "{}", row.id);
            assert!(row.source.starts_with("https://"), "{} has no source", row.id);
        }
        let mut ids: Vec<_> = BOUNDARIES.iter().map(|row| &row.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), BOUNDARIES.len());
    }

    #[test]
    fn the_fingerprinted_box_comes_first() {
        assert_eq!(boxes(60.2, Some(504), &["HAProxy"])[0], "HAProxy");
        assert_eq!(boxes(60.2, Some(504), &["Kong"])[0], "Kong");
        assert_eq!(boxes(60.2, Some(504), &["AWS ALB / ELB"])[0], "AWS ALB / ELB");
    }

    #[test]
    fn the_status_decides_between_unseen_boxes() {
        assert_eq!(boxes(100.3, Some(524), &[])[0], "Cloudflare");
        assert_eq!(boxes(10.0, Some(400), &[])[0], "Inference Gateway");
        assert_eq!(boxes(15.1, Some(504), &[])[0], "Envoy");
    }

    #[test]
    fn well_known_boxes_are_named_before_rare_ones() {
        assert!(["nginx", "ingress-nginx", "AWS ALB / ELB", "Kong", "Apache httpd", "HAProxy"].contains(&boxes(60.0, Some(504), &[])[0]));
    }

    #[test]
    fn the_tolerance_is_narrow_below_and_wider_above() {
        assert!(boxes(100.0, None, &[]).contains(&"Cloudflare"));
        assert!(boxes(98.1, None, &[]).contains(&"Cloudflare"));
        assert!(!boxes(97.0, None, &[]).contains(&"Cloudflare"));
        assert!(boxes(126.4, None, &[]).contains(&"Cloudflare"));
        assert!(!boxes(127.0, None, &[]).contains(&"Cloudflare"));
        assert!(!boxes(2.0, None, &[]).contains(&"Fastly"), "1 s is not 2 s");
    }

    #[test]
    fn numbers_that_are_no_times_fit_nothing() {
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e18, 43.2] {
            assert_eq!(boundaries_at(seconds, None, &[]), Vec::<&Boundary>::new(), "{seconds}");
        }
    }

    #[test]
    fn clocks_between_requests_are_named_last() {
        let scopes: Vec<_> = boundaries_at(300.0, None, &[]).iter().map(|row| row.scope.runs_during_an_answer()).collect();
        assert!(scopes.is_sorted_by(|a, b| a >= b), "{scopes:?}");
    }

    #[test]
    fn a_name_with_more_words_is_the_same_box() {
        assert!(same_box("nginx", "nginx ingress") && same_box("KONG", "kong"));
        assert!(!same_box("Envoy", "Envoyage") && !same_box("", "nginx"));
        assert_eq!((status_rank(Some(504), Some(504)), status_rank(None, Some(504)), status_rank(Some(524), Some(504))), (0, 1, 2));
    }
}
