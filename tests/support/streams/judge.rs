//! What is said of a stream: by the reader, by the other readers, and by every rule of the catalogue.

use llmdoctor::catalogue::Severity;
use llmdoctor::diagnosis::diagnose;
use llmdoctor::dialect::views::Views;
use llmdoctor::dialect::{Reading, StreamEnd, StreamReading, read};
use llmdoctor::evidence::{Ask, Body, Credential, Evidence, Exchange, Fault, Outcome, Request, Response, Scheme, Subject};
use serde_json::{Value, json};

use super::super::recorded;
use super::Made;

/// The dialect that is asked for on a route.
fn dialect_of(route: &str) -> &'static str {
    match route {
        "responses" => "openai-responses",
        "messages" => "anthropic-messages",
        "completions" => "openai-completions",
        _ => "openai-chat",
    }
}

/// A run in which plain chat was answered with this text, as its route speaks, and the streamed chat with this stream.
pub fn evidence(made: &Made) -> Evidence {
    let spoken = &made.draft.spoken;
    let dialect = dialect_of(spoken.route);
    // A stream of tool calls has no text; plain chat, which nobody asked for a call, has.
    let text = if spoken.text.is_empty() { "some words" } else { &spoken.text };
    let document = match dialect {
        "openai-responses" => {
            json!({"id": "r", "object": "response", "model": "m", "status": "completed", "output": [{"type": "message", "content": [{"type": "output_text", "text": text}]}], "usage": {}})
        }
        "anthropic-messages" => {
            json!({"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": {}})
        }
        "openai-completions" => {
            json!({"id": "c", "object": "text_completion", "model": "m", "choices": [{"index": 0, "text": text, "finish_reason": "stop"}]})
        }
        _ => {
            json!({"id": "c", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]})
        }
    };
    let mut control = Body::whole(document.to_string().into_bytes(), made.whole_ms);
    control.wire_bytes = control.bytes.len() as u64;
    let plain = answer("application/json", &[], control, made.whole_ms);
    let subject = Subject {
        typed_base_url: "https://gateway.example/v1".into(),
        base_url: "https://gateway.example/v1".into(),
        model: Some("m".into()),
        dialect: dialect.into(),
        idle_s: 5.0,
        ..Subject::default()
    };
    recorded::evidence(subject, [asked(Ask::Chat, spoken.route, plain), stream(made), again(stream(made))])
}

fn again(exchange: Exchange) -> Exchange {
    Exchange { attempt: 2, at_ms: 9000.0, ..exchange }
}

/// The streamed chat alone.
pub fn stream(made: &Made) -> Exchange {
    let mut response = answer(&made.draft.media_type, &made.draft.headers, made.body.clone(), made.total_ms);
    response.cut = made.draft.cut.clone().map(|kind| Fault { kind, at_ms: made.total_ms, chain: Vec::new() });
    response.left_open = made.draft.left_open;
    asked(Ask::ChatStream, made.draft.spoken.route, response)
}

fn answer(media_type: &str, more: &[(String, String)], body: Body, total_ms: f64) -> Response {
    let mut headers = vec![("content-type".to_owned(), media_type.to_owned())];
    headers.retain(|(_, value)| !value.is_empty());
    headers.extend_from_slice(more);
    let headers_ms = body.first_ms().map_or(20.0, |first| first.min(20.0));
    Response { status: 200, version: "HTTP/1.1".into(), headers, headers_ms, body, cut: None, left_open: false, total_ms }
}

fn asked(ask: Ask, route: &str, response: Response) -> Exchange {
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {}}}]);
    let mut body: Value = json!({"model": "m", "messages": [{"role": "user", "content": "one to twenty"}], "tools": tools});
    if ask == Ask::ChatStream {
        body["stream"] = json!(true);
    }
    let url = format!("https://gateway.example/v1/{route}");
    let headers = vec![("accept-encoding".to_owned(), "gzip, deflate".to_owned())];
    let request = Request { method: "POST".into(), url, headers, body: Some(body), credential: Credential::Given(Scheme::Bearer) };
    recorded::exchange(ask, request, Outcome::Response(response))
}

/// The ids of what is found beyond information.
pub fn accused(evidence: &Evidence) -> Vec<&'static str> {
    let found = diagnose(evidence).findings;
    found.iter().filter(|found| found.finding.severity > Severity::Info).map(|found| found.mode.id).collect()
}

/// The stream, read.
pub fn reading(exchange: &Exchange) -> Result<StreamReading, Reading> {
    match read(exchange) {
        Reading::Stream(stream) => Ok(*stream),
        other => Err(other),
    }
}

/// What is wrongly said of a legal stream; `None` when nobody accuses it.
pub fn false_accusation(made: &Made) -> Option<String> {
    let exchange = stream(made);
    let reading = match reading(&exchange) {
        Ok(reading) => reading,
        Err(other) => return Some(format!("read as {other:?}")),
    };
    let spoken = &made.draft.spoken;
    let said = (reading.dialect, reading.text.as_str(), reading.end, &reading.error);
    if said != (spoken.dialect, spoken.text.as_str(), StreamEnd::Complete, &None) {
        return Some(format!("read as {said:?}, said {:?}", spoken.text));
    }
    if let Some(fault) = reading.faults.iter().find(|fault| fault.breaks) {
        return Some(format!("{fault:?}"));
    }
    let views = Views::of(exchange.response().expect("an answer"), &reading);
    if let Some(loss) = views.standard().and_then(|seen| seen.loses)
        && !made.draft.dress.open_end
    {
        return Some(format!("a conforming reader loses {loss:?}"));
    }
    let evidence = evidence(made);
    let accused = accused(&evidence);
    (!accused.is_empty()).then(|| format!("accused of {accused:?}"))
}
