//! A body in an encoding that nobody asked for, or not in the one that it declares.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::evidence::{Ask, FaultKind};

/// A body in an encoding that nobody asked for, or not in the one that it declares.
pub const MODE: FailureMode = FailureMode {
    id: "stream-compressed",
    title: "The body's compression is not what its header and the request say",
    family: "stream",
    symptom: "Empty answers, unreadable characters, or a decompression error, mostly only with clients that accept compression.",
    cause: "A hop on the way compresses without being asked, forwards compressed bytes as if they were text, or keeps a \
            Content-Encoding header after it has undone the encoding. The same request with `Accept-Encoding: identity` shows which.",
    fix: &[
        "Gateway: ask the upstream with `Accept-Encoding: identity`, or undo the encoding before reading the body.",
        "Gateway: drop Content-Encoding and Content-Length whenever the body is rewritten.",
        "Proxy: leave text/event-stream out of compression (nginx `gzip_types`, a compress middleware's filter).",
        "Until this is repaired, let the client send `Accept-Encoding: identity`.",
    ],
    references: &[
        "https://github.com/Wei-Shaw/claude-relay-service/issues/1027",
        "https://github.com/ChatGPTNextWeb/NextChat/pull/3215",
        "https://github.com/vm0-ai/vm0/issues/8884",
    ],
    explains: &["stream-malformed", "stream-truncated", "empty-completion", "response-malformed", "stream-rejected", "stream-buffered"],
    diagnose,
};

/// What is wrong with a body's compression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// The header declares an encoding that the bytes are not in.
    Stale,
    /// The bytes are compressed and no header says so.
    Undeclared,
    /// The encoding was not asked for.
    Unasked,
}

fn diagnose(case: &Case) -> Verdict {
    let chats: Vec<_> = case.all().filter(|shown| super::timing::is_chat(shown.ask) && shown.response().is_some()).collect();
    let found = chats.iter().copied().find_map(|shown| Some((shown, flaw(shown)?)));
    match (found, chats.is_empty()) {
        (Some((shown, flaw)), _) => present(case, shown, flaw),
        (None, true) => Verdict::untested("no chat got an answer whose encoding could be looked at"),
        (None, false) => Verdict::absent(format!("{} chat answers, each in the encoding that it declares", chats.len())),
    }
}

fn flaw(shown: &Shown) -> Option<Flaw> {
    let response = shown.response()?;
    let declared = declared(shown);
    if matches!(shown.fault_kind(), Some(FaultKind::Encoding)) {
        return Some(Flaw::Stale);
    }
    if declared.is_none() && is_garbled(shown) {
        return Some(Flaw::Undeclared);
    }
    let asked = shown.request.headers.iter().find(|(name, _)| name == "accept-encoding").map_or("", |(_, value)| value.as_str());
    let name = declared.filter(|name| !response.body.bytes.is_empty() && !accepts(asked, name));
    name.map(|_| Flaw::Unasked)
}

/// The encoding that the header declares, `identity` aside.
fn declared<'c>(shown: &'c Shown) -> Option<&'c str> {
    let value = shown.response()?.header("content-encoding")?.trim();
    (!value.is_empty() && !value.eq_ignore_ascii_case("identity")).then_some(value)
}

fn accepts(asked: &str, encoding: &str) -> bool {
    let wanted = encoding.trim_start_matches("x-").to_ascii_lowercase();
    asked.split(',').any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let name = name.trim().to_ascii_lowercase();
        (name == wanted || name == "*") && weight.trim() != "q=0"
    })
}

/// True for bytes that begin as gzip, zstd or zlib do, although they should be text.
pub(super) fn is_garbled(shown: &Shown) -> bool {
    let bytes = shown.response().map(|response| response.body.bytes.as_slice()).unwrap_or_default();
    let magic: [&[u8]; 5] = [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x78\x01", b"\x78\x9c", b"\x78\xda"];
    magic.iter().any(|head| bytes.starts_with(head)) && std::str::from_utf8(bytes).is_err()
}

fn present(case: &Case, shown: &Shown, flaw: Flaw) -> Verdict {
    let identity = case.asked(Ask::ChatStreamIdentity).find(|other| other.answered() && self::flaw(other).is_none());
    let passes = identity.map(|_| "; with Accept-Encoding: identity the same request was answered in plain text").unwrap_or_default();
    let because = format!("the answer to {} {}{passes}", shown.id, account(shown, flaw));
    let (severity, so) = weight(flaw);
    let certainty = if identity.is_some() || flaw != Flaw::Unasked { Certainty::Certain } else { Certainty::Likely };
    Finding::new(severity, certainty, Blame::Gateway, because)
        .so(so)
        .cite([shown.exchange])
        .cite(identity.map(|other| other.exchange))
        .detail("kind", kind(flaw))
        .detail("encoding", declared(shown).unwrap_or_default())
        .present()
}

fn account(shown: &Shown, flaw: Flaw) -> String {
    let name = declared(shown).unwrap_or("none");
    match flaw {
        Flaw::Stale => format!("declares Content-Encoding {name}, and its bytes are not in it"),
        Flaw::Undeclared => "begins with the bytes of a compressed body, and has no Content-Encoding".to_owned(),
        Flaw::Unasked => format!("came with Content-Encoding {name}, which the request did not accept"),
    }
}

fn weight(flaw: Flaw) -> (Severity, &'static str) {
    match flaw {
        Flaw::Unasked => (Severity::Warning, "Clients that cannot undo this encoding show nothing or unreadable characters."),
        _ => (Severity::Error, "Clients cannot read the answer: they fail to decompress it, or take compressed bytes for text."),
    }
}

fn kind(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Stale => "stale-header",
        Flaw::Undeclared => "undeclared",
        Flaw::Unasked => "unasked",
    }
}
