//! What goes over the wire, in order: literal bytes, pauses, and the ways in which a connection ends.

/// One step of an answer.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// These bytes, in one write.
    Send(Vec<u8>),
    /// The same bytes so many times over; `u64::MAX` never ends.
    Repeat(Vec<u8>, u64),
    /// Nothing for this many units of simulated time.
    Wait(f32),
    /// Close in order, whatever was promised before.
    Fin,
    /// Close with a TCP reset.
    Reset,
    /// Keep the connection open and send no more.
    Hang,
}

/// An answer from its first byte to the last. Without `Fin`, `Reset` or `Hang` the connection stays open for the next request.
pub(super) type Script = Vec<Act>;

/// A part of a streamed body: how many units to wait, then what to send.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) wait: f32,
    pub(super) bytes: Vec<u8>,
}

/// A part of a streamed body.
pub(super) fn piece(wait: f32, bytes: impl Into<Vec<u8>>) -> Piece {
    let bytes = bytes.into();
    Piece { wait, bytes }
}

/// A response head; `headers` are whole lines, each with its CRLF.
pub(super) fn head(status: u16, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} {}\r\n{headers}\r\n", reason(status)).into_bytes()
}

/// A response with a body of known length.
pub(super) fn response(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Script {
    let body = body.as_ref();
    let length = format!("{headers}Content-Length: {}\r\n", body.len());
    let mut bytes = head(status, &length);
    bytes.extend_from_slice(body);
    vec![Act::Send(bytes)]
}

/// A JSON document.
pub(super) fn json(status: u16, body: impl AsRef<[u8]>) -> Script {
    response(status, "Content-Type: application/json\r\n", body)
}

/// A JSON document with status 200.
pub(super) fn ok_json(body: impl AsRef<[u8]>) -> Script {
    json(200, body)
}

/// A web page.
pub(super) fn html(status: u16, body: impl AsRef<[u8]>) -> Script {
    response(status, "Content-Type: text/html\r\n", body)
}

/// A line of plain text.
pub(super) fn text(status: u16, body: impl AsRef<[u8]>) -> Script {
    response(status, "Content-Type: text/plain; charset=utf-8\r\n", body)
}

/// An error as OpenAI words it: `{"error":{message,type,param:null,code}}`. `code` is written as it stands, so quote it.
pub(super) fn openai_error(status: u16, message: &str, kind: &str, code: &str) -> Script {
    json(status, error_text(message, kind, code))
}

/// The body of [`openai_error`].
pub(super) fn error_text(message: &str, kind: &str, code: &str) -> String {
    let message = quoted(message);
    format!(r#"{{"error":{{"message":{message},"type":"{kind}","param":null,"code":{code}}}}}"#)
}

/// A redirect without a body.
pub(super) fn redirect(status: u16, location: &str) -> Script {
    response(status, &format!("Location: {location}\r\n"), "")
}

/// After so many units, the script.
pub(super) fn after(units: f32, script: Script) -> Script {
    let mut late = vec![Act::Wait(units)];
    late.extend(script);
    late
}

/// The script, and then an orderly close.
pub(super) fn then_fin(mut script: Script) -> Script {
    script.push(Act::Fin);
    script
}

/// The headers of an event stream whose body comes in chunks.
pub(super) const SSE: &str = "Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n";

/// One event with this data.
pub(super) fn event(data: &str) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

/// The event that ends a chat stream.
pub(super) fn done() -> Vec<u8> {
    event("[DONE]")
}

/// One chunk of HTTP's chunked coding.
pub(super) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
    framed.extend_from_slice(bytes);
    framed.extend_from_slice(b"\r\n");
    framed
}

/// A body in chunks, one for each piece, properly ended. The head goes out at once.
pub(super) fn chunked(headers: &str, pieces: Vec<Piece>) -> Script {
    let mut script = unended(headers, pieces);
    script.push(Act::Send(b"0\r\n\r\n".to_vec()));
    script
}

/// Chunks without the last, empty one that would end the body.
pub(super) fn unended(headers: &str, pieces: Vec<Piece>) -> Script {
    let mut script = vec![Act::Send(head(200, headers))];
    for piece in pieces {
        script.push(Act::Wait(piece.wait));
        script.push(Act::Send(chunk(&piece.bytes)));
    }
    script
}

/// A body that ends where the connection ends.
pub(super) fn close_delimited(headers: &str, pieces: Vec<Piece>) -> Script {
    let mut script = vec![Act::Send(head(200, headers))];
    for piece in pieces {
        script.push(Act::Wait(piece.wait));
        script.push(Act::Send(piece.bytes));
    }
    then_fin(script)
}

/// The script as a hop passes it on that holds the head back until the first bytes of the body are there.
pub(super) fn head_held_back(script: Script) -> Script {
    let mut held = Vec::new();
    let mut out = Vec::new();
    for act in script {
        match act {
            Act::Send(bytes) if out.iter().all(|act| matches!(act, Act::Wait(_))) && held.is_empty() => held = bytes,
            Act::Send(bytes) if !held.is_empty() => {
                held.extend_from_slice(&bytes);
                out.push(Act::Send(std::mem::take(&mut held)));
            }
            other => out.push(other),
        }
    }
    out
}

/// All pieces in one, when the last would have come.
pub(super) fn collected(pieces: &[Piece]) -> Vec<Piece> {
    let wait = pieces.iter().map(|piece| piece.wait).sum();
    vec![piece(wait, joined(pieces))]
}

/// The pieces cut anew into blocks of `size` bytes; a block goes out when it is full.
pub(super) fn blocks(pieces: &[Piece], size: usize) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut waiting = piece(0.0, []);
    for piece in pieces {
        waiting.wait += piece.wait;
        waiting.bytes.extend_from_slice(&piece.bytes);
        while waiting.bytes.len() >= size {
            let rest = waiting.bytes.split_off(size);
            let full = std::mem::replace(&mut waiting.bytes, rest);
            out.push(Piece { wait: std::mem::take(&mut waiting.wait), bytes: full });
        }
    }
    out.push(waiting);
    out.retain(|piece| !piece.bytes.is_empty());
    out
}

/// The bytes of all pieces.
pub(super) fn joined(pieces: &[Piece]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.bytes.clone()).collect()
}

/// The pieces with other bytes.
pub(super) fn rewritten(pieces: Vec<Piece>, rewrite: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<Piece> {
    pieces.into_iter().map(|piece| Piece { wait: piece.wait, bytes: rewrite(piece.bytes) }).collect()
}

/// Units that pass before the first byte.
pub(super) fn silence(script: &Script) -> f32 {
    let waits = script.iter().map_while(|act| if let Act::Wait(units) = act { Some(*units) } else { None });
    waits.sum()
}

/// The script if it begins to answer within `limit` units; else `instead`, at the limit.
pub(super) fn cut_silence(script: Script, limit: f32, instead: Script) -> Script {
    if silence(&script) <= limit { script } else { after(limit, instead) }
}

/// The script up to `limit` units, whether something was sent by then or not, and then `instead`.
pub(super) fn cut_total(script: Script, limit: f32, instead: Script) -> Script {
    let mut left = limit;
    let mut out = Vec::new();
    for act in script {
        if let Act::Wait(units) = act {
            if units > left {
                out.extend(after(left, instead));
                return out;
            }
            left -= units;
        }
        out.push(act);
    }
    out
}

/// Text as a JSON string, quotes included.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn reason(status: u16) -> &'static str {
    REASONS.iter().find(|(code, _)| *code == status).map_or("Unknown", |(_, reason)| reason)
}

const REASONS: &[(u16, &str)] = &[
    (200, "OK"),
    (204, "No Content"),
    (301, "Moved Permanently"),
    (302, "Found"),
    (303, "See Other"),
    (307, "Temporary Redirect"),
    (308, "Permanent Redirect"),
    (400, "Bad Request"),
    (401, "Unauthorized"),
    (402, "Payment Required"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (405, "Method Not Allowed"),
    (408, "Request Timeout"),
    (413, "Request Entity Too Large"),
    (422, "Unprocessable Entity"),
    (429, "Too Many Requests"),
    (500, "Internal Server Error"),
    (501, "Not Implemented"),
    (502, "Bad Gateway"),
    (503, "Service Unavailable"),
    (504, "Gateway Time-out"),
    (524, "A Timeout Occurred"),
    (529, "Site is overloaded"),
];
