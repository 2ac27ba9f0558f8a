//! The simulated answers in the dialects beside chat completions: Anthropic's Messages, OpenAI's Responses, legacy completions.

use super::completion::Completion;
use super::gateway::{Gateway, HEALTHY};
use super::request::Received;
use super::script::{Piece, SSE, Script, after, chunked, done, event, json, ok_json, piece, quoted};

/// A healthy gateway that speaks Messages, and no other dialect.
pub(super) const MESSAGES: Gateway = Gateway {
    route: "/messages",
    admit: x_api_key,
    list: |_| ok_json(MESSAGES_LIST),
    serve: |name| match name {
        "gpt-4o-mini" => Ok(name.to_owned()),
        _ => Err(messages_error(404, "not_found_error", &format!("model: {name}"))),
    },
    whole: |c| after(c.units(), ok_json(message(c))),
    stream: |c| chunked(SSE, message_events(c)),
    elsewhere: |_, _| messages_error(404, "not_found_error", "Not Found"),
    ..HEALTHY
};

/// A healthy gateway that speaks Responses, and no other dialect.
pub(super) const RESPONSES: Gateway = Gateway {
    route: "/responses",
    whole: |c| after(c.units(), ok_json(response(c, "completed", &items(c)))),
    stream: |c| chunked(SSE, response_events(c)),
    ..HEALTHY
};

/// A healthy gateway that speaks legacy completions, and no other dialect.
pub(super) const COMPLETIONS: Gateway = Gateway {
    route: "/completions",
    whole: |c| after(c.units(), ok_json(text_completion(c))),
    stream: |c| chunked(SSE, text_pieces(c)),
    ..HEALTHY
};

/// An error as Anthropic words it.
pub(super) fn messages_error(status: u16, kind: &str, message: &str) -> Script {
    json(status, format!(r#"{{"type":"error","error":{{"type":"{kind}","message":{}}}}}"#, quoted(message)))
}

/// Takes `x-api-key` and nothing else, and wants to know which version of the API is spoken.
fn x_api_key(request: &Received, key: &str) -> Option<Script> {
    match request.header("x-api-key") {
        Some(sent) if sent == key && request.header("anthropic-version").is_none() => {
            Some(messages_error(400, "invalid_request_error", "anthropic-version: header is required"))
        }
        Some(sent) if sent == key => None,
        Some(_) => Some(messages_error(401, "authentication_error", "invalid x-api-key")),
        None => Some(messages_error(401, "authentication_error", "x-api-key header is required")),
    }
}

/// An event with a name of its own.
pub(super) fn named(name: &str, data: &str) -> Vec<u8> {
    format!("event: {name}\ndata: {data}\n\n").into_bytes()
}

/// Events that are named as their `type` is.
fn typed(events: Vec<(f32, String)>) -> Vec<Piece> {
    let kind = |data: &str| data.split('"').nth(3).unwrap_or_default().to_owned();
    events.into_iter().map(|(wait, data)| piece(wait, named(&kind(&data), &data))).collect()
}

const MESSAGES_LIST: &str = r#"{"data":[{"type":"model","id":"gpt-4o-mini","display_name":"Simulated","created_at":"2025-05-14T00:00:00Z"}],"has_more":false,"first_id":"gpt-4o-mini","last_id":"gpt-4o-mini"}"#;

fn stop_reason(completion: &Completion) -> &'static str {
    if completion.finish == "length" { "max_tokens" } else { "end_turn" }
}

/// A whole message.
fn message(completion: &Completion) -> String {
    format!(
        r#"{{"id":"msg_013Zva2CMHLNnXjNJJKqJ2EF","type":"message","role":"assistant","model":{},"content":[{{"type":"text","text":{}}}],"stop_reason":"{}","stop_sequence":null,"usage":{{"input_tokens":{},"output_tokens":{}}}}}"#,
        quoted(&completion.model),
        quoted(&completion.text()),
        stop_reason(completion),
        completion.prompt_tokens,
        completion.tokens.len()
    )
}

/// A streamed message: its events in their order, each under its own name.
pub(super) fn message_events(completion: &Completion) -> Vec<Piece> {
    let start = format!(
        r#"{{"type":"message_start","message":{{"id":"msg_013Zva2CMHLNnXjNJJKqJ2EF","type":"message","role":"assistant","model":{},"content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":{},"output_tokens":1}}}}}}"#,
        quoted(&completion.model),
        completion.prompt_tokens
    );
    let opening = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#.to_owned();
    let delta = |token: &String| {
        let text = quoted(token);
        (completion.pace, format!(r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":{text}}}}}"#))
    };
    let reason = format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{}","stop_sequence":null}},"usage":{{"output_tokens":{}}}}}"#,
        stop_reason(completion),
        completion.tokens.len()
    );
    let mut events = vec![(completion.first, start), (0.0, opening), (0.0, r#"{"type":"ping"}"#.to_owned())];
    events.extend(completion.tokens.iter().map(delta));
    events.push((0.0, r#"{"type":"content_block_stop","index":0}"#.to_owned()));
    events.extend([(0.0, reason), (0.0, r#"{"type":"message_stop"}"#.to_owned())]);
    typed(events)
}

/// The finished output item of Responses.
fn item(completion: &Completion) -> String {
    format!(
        r#"{{"type":"message","id":"msg_67ccd2bf17f08190","status":"completed","role":"assistant","content":[{{"type":"output_text","text":{},"annotations":[],"logprobs":[]}}]}}"#,
        quoted(&completion.text())
    )
}

fn items(completion: &Completion) -> String {
    format!("[{}]", item(completion))
}

/// A Responses object with this status and these output items.
pub(super) fn response(completion: &Completion, status: &str, output: &str) -> String {
    let (prompt, tokens) = (completion.prompt_tokens, completion.tokens.len());
    let usage = match status {
        "in_progress" => "null".to_owned(),
        _ => format!(r#"{{"input_tokens":{prompt},"output_tokens":{tokens},"total_tokens":{}}}"#, prompt + tokens),
    };
    format!(
        r#"{{"id":"resp_67ccd2bed1ec8190","object":"response","created_at":1741476542,"status":"{status}","error":null,"incomplete_details":null,"model":{},"output":{output},"usage":{usage}}}"#,
        quoted(&completion.model)
    )
}

/// A streamed response: its events in their order, each under its own name, numbered from 0.
pub(super) fn response_events(completion: &Completion) -> Vec<Piece> {
    let place = r#""item_id":"msg_67ccd2bf17f08190","output_index":0,"content_index":0"#;
    let text = quoted(&completion.text());
    let begun = response(completion, "in_progress", "[]");
    let mut events = vec![
        (completion.first, "response.created", format!(r#""response":{begun}"#)),
        (0.0, "response.in_progress", format!(r#""response":{begun}"#)),
        (
            0.0,
            "response.output_item.added",
            r#""output_index":0,"item":{"type":"message","id":"msg_67ccd2bf17f08190","status":"in_progress","role":"assistant","content":[]}"#
                .to_owned(),
        ),
        (0.0, "response.content_part.added", format!(r#"{place},"part":{{"type":"output_text","text":"","annotations":[]}}"#)),
    ];
    let delta =
        |token: &String| (completion.pace, "response.output_text.delta", format!(r#"{place},"delta":{},"logprobs":[]"#, quoted(token)));
    events.extend(completion.tokens.iter().map(delta));
    events.extend([
        (0.0, "response.output_text.done", format!(r#"{place},"text":{text},"logprobs":[]"#)),
        (0.0, "response.content_part.done", format!(r#"{place},"part":{{"type":"output_text","text":{text},"annotations":[]}}"#)),
        (0.0, "response.output_item.done", format!(r#""output_index":0,"item":{}"#, item(completion))),
        (0.0, "response.completed", format!(r#""response":{}"#, response(completion, "completed", &items(completion)))),
    ]);
    let numbered =
        |(n, (wait, kind, rest)): (usize, (f32, &str, String))| (wait, format!(r#"{{"type":"{kind}","sequence_number":{n},{rest}}}"#));
    typed(events.into_iter().enumerate().map(numbered).collect())
}

/// One object of legacy completions; `more` are further members, each with a comma in front.
fn text_object(completion: &Completion, text: &str, finish: &str, more: &str) -> String {
    format!(
        r#"{{"id":"cmpl-7c1d","object":"text_completion","created":1741569952,"model":{},"choices":[{{"text":{},"index":0,"logprobs":null,"finish_reason":{finish}}}]{more}}}"#,
        quoted(&completion.model),
        quoted(text)
    )
}

fn text_completion(completion: &Completion) -> String {
    let usage = format!(r#","usage":{}"#, completion.usage_object(0));
    text_object(completion, &completion.text(), &quoted(completion.finish), &usage)
}

/// The stream of legacy completions.
fn text_pieces(completion: &Completion) -> Vec<Piece> {
    let said = |(n, token): (usize, &String)| {
        let wait = if n == 0 { completion.first + completion.pace } else { completion.pace };
        piece(wait, event(&text_object(completion, token, "null", "")))
    };
    let mut pieces: Vec<Piece> = completion.tokens.iter().enumerate().map(said).collect();
    pieces.extend([piece(0.0, event(&text_object(completion, "", &quoted(completion.finish), ""))), piece(0.0, done())]);
    pieces
}
