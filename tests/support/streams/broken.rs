//! Broken streams, one kind at a time, on top of any legal dress.

use llmdoctor::dialect::StreamEnd;
use llmdoctor::evidence::FaultKind;
use serde_json::{Value, json};

use super::dress::Dress;
use super::judge;
use super::speech::{Data, Piece, Spoken};
use super::{Dice, Draft, Made, render};

/// What must be said of a broken stream.
#[derive(Clone, Copy)]
pub enum Sign {
    /// The reader names a fault of this kind.
    Fault(&'static str),
    /// It ends like this.
    End(StreamEnd),
    /// It carries an error.
    Error,
    /// It is no stream at all.
    NoStream,
}

/// A kind: its name, what the reader says, the mode that the catalogue names (if it is more than a note), and what is done to a legal chat.
pub type Kind = (&'static str, Sign, Option<&'static str>, fn(&mut Draft, &mut Dice));

use Sign::{End, Error, Fault, NoStream};

const MALFORMED: Option<&str> = Some("stream-malformed");

/// Every kind.
pub const KINDS: &[Kind] = &[
    ("no blank line", Fault("no-blank-line"), MALFORMED, |draft, _| {
        draft.dress = Dress { ends: &["\n"], ..Dress::plain() };
        draft.spoil = Some(|bytes| replace(bytes, "\n\n", "\n"));
    }),
    ("JSON over two events", Fault("split-json"), MALFORMED, |draft, dice| {
        let pieces = std::mem::take(&mut draft.spoken.pieces);
        draft.spoken.pieces = pieces.into_iter().flat_map(|piece| torn(piece, dice)).collect();
        draft.dress.lines = 0;
        draft.dress.name = None;
    }),
    ("two objects in one event", Fault("two-objects"), MALFORMED, |draft, dice| {
        let pieces: Vec<String> = draft.spoken.pieces.iter().map(|piece| text_of(piece, dice)).collect();
        let (done, chunks) = pieces.split_last().expect("events");
        draft.spoken.pieces = chunks.chunks(2).map(|pair| Piece::raw(&pair.concat())).chain([Piece::raw(done)]).collect();
        draft.dress.lines = 0;
    }),
    ("doubled data:", Fault("doubled-prefix"), MALFORMED, |draft, dice| {
        each_text(draft, dice, |text| format!("data: {text}"));
    }),
    ("another field name", Fault("field-name"), MALFORMED, |draft, _| {
        draft.dress.lines = 0;
        draft.spoil = Some(|bytes| replace(bytes, "data:", "Data:"));
    }),
    ("a blank before data", Fault("field-name"), MALFORMED, |draft, _| {
        draft.dress = Dress { bom: false, lines: 0, ..draft.dress.clone() };
        draft.spoil = Some(|bytes| replace(bytes, "data:", " data:"));
    }),
    ("pretty JSON behind one data:", Fault("unprefixed-json"), MALFORMED, |draft, _| {
        draft.dress = Dress::plain();
        draft.spoil = Some(|bytes| replace(bytes, "data: {", "data: {\n  "));
    }),
    ("a comment as data", Fault("comment-as-data"), MALFORMED, |draft, dice| insert(draft, dice, Piece::raw(": OPENROUTER PROCESSING"))),
    ("a keep-alive as data", Fault("comment-as-data"), MALFORMED, |draft, dice| insert(draft, dice, Piece::raw("keep-alive"))),
    ("plain text in data", Fault("not-json"), MALFORMED, |draft, dice| insert(draft, dice, Piece::raw("upstream is thinking"))),
    ("HTML in the stream", Fault("html"), MALFORMED, |draft, dice| {
        insert(draft, dice, Piece::raw("<html><head><title>502 Bad Gateway</title></head><body>502</body></html>"));
    }),
    ("every event twice", Fault("twice"), MALFORMED, |draft, dice| {
        numbered(draft);
        (draft.dress.comments, draft.dress.lines) = (0, 0);
        let pieces: Vec<_> = draft.spoken.pieces.iter().map(|piece| Piece::raw(&text_of(piece, dice))).collect();
        let (done, chunks) = pieces.split_last().expect("events");
        draft.spoken.pieces = chunks.iter().flat_map(|piece| [piece.clone(), piece.clone()]).chain([done.clone()]).collect();
    }),
    ("content behind [DONE]", Fault("data-after-done"), MALFORMED, |draft, _| {
        draft.dress.open_end = false;
        let more = draft.spoken.pieces.iter().rev().find(|piece| matches!(&piece.data, Data::Json(value) if says(value))).cloned();
        draft.spoken.pieces.extend(more);
    }),
    ("lines of JSON", Fault("ndjson"), MALFORMED, |draft, dice| {
        let lines: Vec<_> = draft.spoken.pieces.iter().map(|piece| text_of(piece, dice)).filter(|text| text != "[DONE]").collect();
        draft.bytes = Some((lines.join("\n") + "\n").into_bytes());
    }),
    ("a whole completion in one event", Fault("whole-object"), MALFORMED, |draft, _| {
        let whole = json!({"id": "c", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello you"}, "finish_reason": "stop"}]});
        draft.spoken.pieces = vec![Piece::json(whole), Piece::raw("[DONE]")];
    }),
    ("a byte that is no UTF-8", Fault("invalid-utf8"), MALFORMED, |draft, _| {
        draft.spoil = Some(|bytes| {
            let at = find(bytes, b"content").map_or(20, |at| at + 2);
            bytes[at] = 0xff;
        });
    }),
    ("the last event unterminated", Fault("unterminated-event"), MALFORMED, |draft, _| {
        draft.spoken.pieces.pop();
        draft.dress = Dress { ends: &["\n"], blanks: 0, ..draft.dress.clone() };
        draft.spoil = Some(|bytes| bytes.truncate(bytes.len() - 2));
    }),
    ("message for delta", Fault("delta-shape"), MALFORMED, |draft, _| {
        each_choice(draft, |choice| {
            let delta = choice.remove("delta").unwrap_or_default();
            choice.insert("message".into(), delta);
        });
    }),
    ("delta is a text", Fault("delta-shape"), MALFORMED, |draft, _| {
        each_choice(draft, |choice| drop(choice.insert("delta".into(), json!("x"))));
    }),
    ("content is an array", Fault("content-not-string"), MALFORMED, |draft, _| {
        each_content(draft, |text| json!([{"type": "text", "text": text}]));
    }),
    ("content is a number", Fault("content-not-string"), MALFORMED, |draft, _| each_content(draft, |text| json!(text.len()))),
    ("each delta repeats", Fault("cumulative"), MALFORMED, |draft, _| {
        let mut all = String::new();
        numbered(draft);
        each_content(draft, move |text| {
            all.push_str(text);
            json!(all)
        });
    }),
    ("tool calls without index", Fault("tool-index-missing"), None, |draft, dice| {
        each_call(draft, dice, |call| drop(call.remove("index")));
    }),
    ("tool calls without id", Fault("tool-id-missing"), None, |draft, dice| each_call(draft, dice, |call| drop(call.remove("id")))),
    ("tool calls counted from one", Fault("tool-index-base"), None, |draft, dice| {
        each_call(draft, dice, |call| {
            let index = call["index"].as_u64().unwrap_or(0);
            call.insert("index".into(), json!(index + 1));
        });
    }),
    ("two tool calls with one index", Fault("tool-index-shared"), MALFORMED, |draft, dice| {
        two_calls(draft, dice);
        each_call(draft, dice, |call| drop(call.insert("index".into(), json!(0))));
    }),
    ("arguments are an object", Fault("tool-arguments-not-string"), MALFORMED, |draft, dice| {
        each_call(draft, dice, |call| call["function"]["arguments"] = json!({"a": 1}));
    }),
    ("arguments repeat", Fault("tool-arguments-cumulative"), MALFORMED, |draft, dice| {
        let (mut all, mut index) = (String::new(), None);
        each_call(draft, dice, move |call| {
            if index != call["index"].as_u64() {
                (all, index) = (String::new(), call["index"].as_u64());
            }
            all.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
            call["function"]["arguments"] = json!(all);
        });
    }),
    ("arguments are no JSON", Fault("tool-arguments-broken"), None, |draft, dice| {
        each_call(draft, dice, |call| {
            let text = call["function"]["arguments"].as_str().unwrap_or_default().replace('{', "");
            call["function"]["arguments"] = json!(text);
        });
    }),
    ("choices without index", Fault("index-missing"), None, |draft, _| {
        each_choice(draft, |choice| drop(choice.insert("index".into(), Value::Null)));
    }),
    ("finish_reason an empty text", Fault("finish-reason-empty"), None, |draft, _| {
        each_choice(draft, |choice| {
            if choice["finish_reason"].is_null() {
                choice.insert("finish_reason".into(), json!(""));
            }
        });
    }),
    ("no role", Fault("role-null"), None, |draft, _| each_choice(draft, |choice| choice["delta"]["role"] = Value::Null)),
    ("events of Anthropic's", Fault("foreign-dialect"), MALFORMED, |draft, dice| foreign(draft, dice, Spoken::messages)),
    ("events of the Responses API", Fault("foreign-dialect"), MALFORMED, |draft, dice| foreign(draft, dice, Spoken::responses)),
    ("Anthropic's events without names", Fault("event-name-missing"), MALFORMED, |draft, dice| {
        draft.spoken = Spoken::messages(dice);
        (draft.dress.name, draft.dress.blocks, draft.dress.open_end) = (None, 0, false);
        draft.spoken.pieces.iter_mut().for_each(|piece| piece.name = None);
    }),
    ("cut in an event", End(StreamEnd::Cut), Some("stream-truncated"), |draft, _| {
        unfinished(draft);
        draft.cut = Some(FaultKind::CutBody);
        draft.spoil = Some(|bytes| bytes.truncate(bytes.len() - 9));
    }),
    ("cut between events", End(StreamEnd::Cut), Some("stream-truncated"), |draft, _| {
        unfinished(draft);
        draft.cut = Some(FaultKind::Reset);
    }),
    ("ended in the middle", End(StreamEnd::Silent), Some("stream-truncated"), |draft, _| unfinished(draft)),
    ("no finish_reason", End(StreamEnd::NoFinish), Some("stream-no-finish-reason"), |draft, _| {
        unfinished(draft);
        draft.spoken.pieces.push(Piece::raw("[DONE]"));
    }),
    ("no [DONE]", End(StreamEnd::NoDone), Some("stream-missing-done"), |draft, _| drop(draft.spoken.pieces.pop())),
    ("never closed", End(StreamEnd::NotClosed), Some("stream-not-closed"), |draft, _| draft.left_open = true),
    ("stalled in the middle", End(StreamEnd::Stalled), Some("stream-stalled"), |draft, _| {
        unfinished(draft);
        draft.cut = Some(FaultKind::Stalled);
    }),
    ("only heartbeats", End(StreamEnd::HeartbeatOnly), Some("stream-stalled"), |draft, _| {
        draft.bytes = Some(b": ping\n\n".repeat(9));
        draft.cut = Some(FaultKind::Stalled);
    }),
    ("no byte", End(StreamEnd::NoFirstByte), Some("stream-stalled"), |draft, _| {
        draft.bytes = Some(Vec::new());
        draft.cut = Some(FaultKind::Stalled);
    }),
    ("stalled after the finish", End(StreamEnd::NeverDone), Some("stream-missing-done"), |draft, _| {
        draft.spoken.pieces.pop();
        draft.cut = Some(FaultKind::Stalled);
    }),
    ("an error in the stream", Error, Some("error-in-success"), |draft, dice| {
        let shapes = [
            json!({"error": {"message": "the upstream broke", "type": "server_error", "code": 500}}),
            json!({"error": "the upstream broke"}),
            json!({"object": "error", "message": "the upstream broke", "code": 500}),
            json!({"detail": "the upstream broke"}),
            json!({"code": 1001, "msg": "the upstream broke"}),
            json!({"id": "c", "choices": [], "error": {"message": "the upstream broke"}}),
        ];
        unfinished(draft);
        draft.spoken.pieces.push(Piece::json(dice.one(&shapes)));
    }),
    ("another Content-Type", End(StreamEnd::Complete), Some("stream-wrong-content-type"), |draft, dice| {
        draft.media_type = dice.one(&["application/json", "text/plain", "application/octet-stream", ""]).to_owned();
    }),
    ("blocks of a proxy", End(StreamEnd::Complete), Some("stream-buffered"), |draft, dice| {
        // Long enough to show several blocks.
        let middle = draft.spoken.pieces.len() / 2;
        let filler: Vec<_> = (0..200).map(|number| Piece::json(json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"content": format!(" {number}{}", dice.below(1000))}, "finish_reason": null}]}))).collect();
        draft.spoken.pieces.splice(middle..middle, filler);
        draft.held_back = Some(4096);
    }),
    ("one document", NoStream, Some("stream-ignored"), |draft, _| {
        let whole = json!({"id": "c", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello you"}, "finish_reason": "stop"}]});
        draft.bytes = Some(whole.to_string().into_bytes());
        draft.media_type = "application/json".into();
    }),
    ("a page", NoStream, MALFORMED, |draft, _| {
        draft.bytes = Some(b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>".to_vec());
        draft.media_type = "text/html".into();
    }),
    ("gzip that nobody declares", NoStream, Some("stream-compressed"), |draft, _| {
        draft.bytes = Some([b"\x1f\x8b\x08\0\0\0\0\0\0\xff".as_slice(), &[0xaa; 200]].concat());
    }),
];

/// A broken stream of this number, and its kind.
pub fn make(number: u64) -> (&'static Kind, Made) {
    let dice = &mut Dice::new(number);
    let kind = &KINDS[(number % KINDS.len() as u64) as usize];
    let mut draft = Draft::legal(dice);
    draft.spoken = Spoken::chat_of(dice, false);
    // The sentinel without its end is legal only at the end.
    draft.dress = Dress { open_end: false, ..Dress::any(dice, &draft.spoken) };
    (kind.3)(&mut draft, dice);
    let made = draft.send(dice);
    (kind, made)
}

/// What is missing in what is said of a broken stream; `None` when it is named.
pub fn unnamed(kind: &Kind, made: &Made) -> Option<String> {
    let exchange = judge::stream(made);
    let reading = judge::reading(&exchange);
    let named = match (&reading, kind.1) {
        (Ok(reading), Fault(name)) => reading.faults.iter().any(|fault| fault.kind == name),
        (Ok(reading), End(end)) => reading.end == end && !reading.faults.iter().any(|fault| fault.breaks),
        (Ok(reading), Error) => reading.error.as_ref().is_some_and(|error| error.message == "the upstream broke"),
        (Err(_), NoStream) => true,
        _ => false,
    };
    if !named {
        return Some(match reading {
            Ok(reading) => format!("read with faults {:?}, end {:?}, error {:?}", reading.faults, reading.end, reading.error),
            Err(other) => format!("read as {other:?}"),
        });
    }
    let accused = judge::accused(&judge::evidence(made));
    kind.2.filter(|mode| !accused.contains(mode)).map(|mode| format!("{mode} is not among {accused:?}"))
}

fn text_of(piece: &Piece, dice: &mut Dice) -> String {
    match &piece.data {
        Data::Json(value) => render(dice, value, false),
        Data::Raw(raw) => raw.clone(),
    }
}

fn torn(piece: Piece, dice: &mut Dice) -> Vec<Piece> {
    let text = text_of(&piece, dice);
    if text == "[DONE]" {
        return vec![piece];
    }
    // Not at a blank: a reader of fields would take it for its own.
    let inside: Vec<_> = text.char_indices().skip(2).filter(|(at, character)| *character != ' ' && !text[..*at].ends_with(' ')).collect();
    let (first, second) = text.split_at(dice.one(&inside).0);
    vec![Piece::raw(first), Piece::raw(second)]
}

fn each_text(draft: &mut Draft, dice: &mut Dice, change: impl Fn(&str) -> String) {
    for piece in &mut draft.spoken.pieces {
        *piece = Piece::raw(&change(&text_of(piece, dice)));
    }
    draft.dress.lines = 0;
}

fn insert(draft: &mut Draft, dice: &mut Dice, piece: Piece) {
    let at = dice.below(draft.spoken.pieces.len() - 1);
    draft.spoken.pieces.insert(at, piece);
}

/// The chunks end before the reason is given.
fn unfinished(draft: &mut Draft) {
    let keep = draft
        .spoken
        .pieces
        .iter()
        .position(|piece| matches!(&piece.data, Data::Json(value) if !value["choices"][0]["finish_reason"].is_null()));
    draft.spoken.pieces.truncate(keep.unwrap_or(3));
}

fn foreign(draft: &mut Draft, dice: &mut Dice, speak: fn(&mut Dice) -> Spoken) {
    let route = draft.spoken.route;
    draft.spoken = Spoken { route, ..speak(dice) };
    draft.dress.name = None;
}

fn says(value: &Value) -> bool {
    value["choices"][0]["delta"]["content"].as_str().is_some_and(|text| !text.is_empty())
}

/// No two events are alike.
fn numbered(draft: &mut Draft) {
    let mut number = 0;
    each_content(draft, |_| {
        number += 1;
        json!(format!(" w{number}"))
    });
}

fn each_choice(draft: &mut Draft, mut change: impl FnMut(&mut serde_json::Map<String, Value>)) {
    for piece in &mut draft.spoken.pieces {
        let choice = piece.value().and_then(|value| value.pointer_mut("/choices/0")?.as_object_mut());
        choice.into_iter().for_each(&mut change);
    }
}

/// Changes every content that says something.
fn each_content(draft: &mut Draft, mut change: impl FnMut(&str) -> Value) {
    each_choice(draft, |choice| {
        if let Some(content) = choice.get_mut("delta").and_then(|delta| delta.get_mut("content"))
            && let Some(text) = content.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        {
            *content = change(&text);
        }
    });
}

/// Changes every delta of a tool call, in an answer that calls tools.
fn each_call(draft: &mut Draft, dice: &mut Dice, mut change: impl FnMut(&mut serde_json::Map<String, Value>)) {
    if !draft.spoken.calls {
        draft.spoken = Spoken::chat_of(dice, true);
    }
    each_choice(draft, |choice| {
        let call = choice.get_mut("delta").and_then(|delta| delta.pointer_mut("/tool_calls/0")?.as_object_mut());
        call.into_iter().for_each(&mut change);
    });
}

/// An answer that calls two tools at least.
fn two_calls(draft: &mut Draft, dice: &mut Dice) {
    let second = |spoken: &Spoken| {
        spoken
            .pieces
            .iter()
            .any(|piece| matches!(&piece.data, Data::Json(value) if value["choices"][0]["delta"]["tool_calls"][0]["index"] == 1))
    };
    while !second(&draft.spoken) {
        draft.spoken = Spoken::chat_of(dice, true);
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn replace(bytes: &mut Vec<u8>, from: &str, to: &str) {
    *bytes = String::from_utf8(std::mem::take(bytes)).expect("text").replace(from, to).into_bytes();
}
