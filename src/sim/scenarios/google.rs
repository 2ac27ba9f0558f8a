//! Gateways that speak Google's generateContent: healthy, odd and broken.

use super::healthy::replaced;
use crate::sim::completion::Completion;
use crate::sim::gateway::Gateway;
use crate::sim::google::{GOOGLE, error, part, pieces};
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    Scenario { id: "healthy-google", title: "Google's generateContent; nothing is broken", gateway: GOOGLE, ..SPEAKING },
    Scenario {
        id: "google-with-thoughts",
        title: "Thoughts before the text, a signature, ratings, and a last event without text",
        gateway: Gateway { stream: |c| chunked(SSE, thoughtful(c)), ..GOOGLE },
        ..SPEAKING
    },
    broken("google-cut", "stream-truncated", "The stream ends in order in the middle of the text", |c| {
        let mut pieces = pieces(c);
        pieces.truncate(pieces.len() / 2);
        chunked(SSE, pieces)
    }),
    broken("google-stream-as-array", "stream-malformed", "A gateway drops `alt=sse`, so the stream is an array of JSON", |c| {
        chunked("Content-Type: application/json; charset=UTF-8\r\nTransfer-Encoding: chunked\r\n", array(c))
    }),
    Scenario {
        also: &["stream-truncated", "upstream-overloaded", "stream-malformed"],
        ..broken("google-error-midway", "error-in-success", "An error ends the stream in the middle of the text", |c| {
            let mut pieces = pieces(c);
            pieces.truncate(pieces.len() / 2);
            let error = r#"{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}"#;
            pieces.push(piece(0.5, event(error)));
            chunked(SSE, pieces)
        })
    },
    Scenario {
        id: "google-tools-refused",
        title: "Declared functions are refused by name",
        mode: Some("unsupported-field"),
        gateway: Gateway {
            refuse: |body, _| {
                let message = "Invalid JSON payload received. Unknown name \"toolConfig\": Cannot find field.";
                body["toolConfig"].is_object().then(|| error(400, "INVALID_ARGUMENT", message))
            },
            ..GOOGLE
        },
        ..SPEAKING
    },
    Scenario {
        id: "google-quota",
        title: "The free quota of the day is used up",
        mode: Some("quota-exhausted"),
        also: &["rate-limited", "credits-exhausted", "rate-limit-no-retry-after"],
        gateway: Gateway {
            refuse: |_, _| {
                let message = "You exceeded your current quota, please check your plan and billing details. For more information on this error, \
                               head over to: https://ai.google.dev/gemini-api/docs/rate-limits.";
                Some(error(429, "RESOURCE_EXHAUSTED", message))
            },
            ..GOOGLE
        },
        ..SPEAKING
    },
];

/// A user whose client speaks so.
pub(super) const SPEAKING: Scenario = Scenario { dialect: "google-generate", base: "http://{addr}/v1beta", ..USUAL };

const fn broken(id: &'static str, mode: &'static str, title: &'static str, stream: fn(&Completion) -> Script) -> Scenario {
    Scenario { id, title, mode: Some(mode), gateway: Gateway { stream, ..GOOGLE }, ..SPEAKING }
}

/// A thought first, ratings with each object, and the reason of the end in an object of its own.
fn thoughtful(completion: &Completion) -> Vec<Piece> {
    let thought = replaced(&event(&part(completion, "Counting up.", None)), r#""text":"#, r#""thought":true,"text":"#);
    let mut all = rewritten(pieces(completion), |bytes| {
        let bare = replaced(&bytes, r#","finishReason":"STOP""#, "");
        replaced(&bare, r#""index":0"#, r#""index":0,"safetyRatings":[{"category":"HARM_CATEGORY_HARASSMENT","probability":"NEGLIGIBLE"}]"#)
    });
    all.insert(0, piece(0.5, thought));
    let signed = replaced(&event(&part(completion, "", Some("STOP"))), r#""text":"""#, r#""text":"","thoughtSignature":"CiQB0e2Kb4Yc""#);
    all.push(piece(0.0, signed));
    all
}

/// The same objects as elements of one array.
fn array(completion: &Completion) -> Vec<Piece> {
    let pieces = rewritten(pieces(completion), |bytes| {
        let text = String::from_utf8_lossy(&bytes).trim_end().replacen("data: ", ",\n", 1);
        text.into_bytes()
    });
    let mut all: Vec<Piece> = pieces.into_iter().collect();
    if let Some(first) = all.first_mut() {
        first.bytes[0] = b'[';
    }
    all.push(piece(0.0, "\n]"));
    all
}
