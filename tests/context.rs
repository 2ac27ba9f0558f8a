//! Whether a long prompt was cut, by what the answers say and count: servers that cut, weak models, odd counts.

#[path = "support/recorded.rs"]
mod recorded;

use llmdoctor::catalogue::Certainty;
use llmdoctor::diagnosis::diagnose;
use llmdoctor::dialect::long_prompt::LongPrompt;
use llmdoctor::dialect::requests;
use llmdoctor::evidence::{Ask, Body, Credential, Dialect, Exchange, Outcome, Request, Response, Scheme, Subject};
use serde_json::{Value, json};

const FOUND: &str = "heron-4417";
const LOST: &str = "There was no code word.";

fn exchange(ask: Ask, body: Value, status: u16, answer: &Value) -> Exchange {
    let request = Request {
        method: "POST".into(),
        url: "http://127.0.0.1:1/v1/chat/completions".into(),
        headers: Vec::new(),
        body: Some(body),
        credential: Credential::Given(Scheme::Bearer),
    };
    let text = answer.to_string();
    let response = Response {
        status,
        version: "HTTP/1.1".into(),
        headers: vec![("content-type".into(), "application/json".into())],
        headers_ms: 5.0,
        body: Body { wire_bytes: text.len() as u64, bytes: text.into_bytes(), ..Body::default() },
        cut: None,
        left_open: false,
        total_ms: 6.0,
    };
    recorded::exchange(ask, request, Outcome::Response(response))
}

fn answered(ask: Ask, body: Value, text: &str, tokens: Option<u64>) -> Exchange {
    let choice = json!({ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" });
    let mut answer = json!({ "id": "c", "object": "chat.completion", "model": "m", "choices": [choice] });
    if let Some(tokens) = tokens {
        answer["usage"] = json!({ "prompt_tokens": tokens, "completion_tokens": 5, "total_tokens": tokens + 5 });
    }
    exchange(ask, body, 200, &answer)
}

/// Text and counted prompt tokens of the answers to the long prompt, and of the one to its control.
type Answers<'a> = (&'a [(&'a str, Option<u64>)], Option<(&'a str, Option<u64>)>);

/// `certain`, `likely`, … when the prompt is said to be cut; `absent` and `untested` else.
fn said((long, control): Answers) -> String {
    let asked = |tokens: usize| LongPrompt::of_tokens(tokens).request(Dialect::OpenaiChat, "m");
    let mut exchanges = vec![answered(Ask::Chat, requests::count(Dialect::OpenaiChat, "m", 20), "one, two", Some(30))];
    exchanges.extend(long.iter().map(|(text, tokens)| answered(Ask::LongPrompt, asked(5_000), text, *tokens)));
    exchanges.extend(control.map(|(text, tokens)| answered(Ask::LongPrompt, asked(1_000), text, tokens)));
    told(exchanges)
}

fn told(exchanges: Vec<Exchange>) -> String {
    let subject = Subject { model: Some("m".into()), dialect: "openai-chat".into(), ..Subject::default() };
    let diagnosis = diagnose(&recorded::evidence(subject, exchanges));
    let of = |rows: &[(&llmdoctor::catalogue::FailureMode, String)]| rows.iter().any(|(mode, _)| mode.id == "context-truncated");
    match diagnosis.findings.iter().find(|found| found.mode.id == "context-truncated") {
        Some(found) => match found.finding.certainty {
            Certainty::Certain => "certain".into(),
            Certainty::Likely => "likely".into(),
            Certainty::Possible => "possible".into(),
        },
        None if of(&diagnosis.absent) => "absent".into(),
        None if of(&diagnosis.untested) => "untested".into(),
        None => "nothing".into(),
    }
}

/// What so many lines take by a tokenizer of 18 tokens a line, with what stands around them.
fn whole(tokens: usize) -> u64 {
    60 + 18 * LongPrompt::of_tokens(tokens).lines as u64
}

#[test]
fn who_stops_counting_at_a_round_number_and_loses_the_beginning_has_cut_it() {
    let control = Some((FOUND, Some(whole(1_000))));
    for window in [2_048, 4_096, 4_090] {
        assert_eq!(said((&[(LOST, Some(window)), (LOST, Some(window))], control)), "certain", "{window}");
    }
    assert_eq!(said((&[(LOST, Some(3_300)), (LOST, Some(3_300))], control)), "likely");
    assert_eq!(said((&[(LOST, Some(2_048)), (LOST, Some(2_048))], Some((LOST, Some(whole(1_000)))))), "likely");
}

#[test]
fn who_counts_it_all_or_names_the_word_has_read_it() {
    let control = Some((FOUND, Some(whole(1_000))));
    assert_eq!(said((&[(FOUND, Some(2_048))], None)), "absent");
    assert_eq!(said((&[(LOST, Some(whole(5_000))), (LOST, Some(whole(5_000)))], control)), "absent");
    assert_eq!(said((&[(LOST, Some(2_048)), (FOUND, Some(2_048))], control)), "absent");
    // Longer numbers cost some tokenizers a little more than the control lets expect.
    assert_eq!(said((&[(LOST, Some(whole(5_000) + 250)), (LOST, Some(whole(5_000) + 250))], control)), "absent");
}

#[test]
fn without_a_count_only_the_control_decides() {
    let lost = [(LOST, None), (LOST, None)];
    assert_eq!(said((&lost, Some((FOUND, None)))), "likely");
    assert_eq!(said((&lost, Some((LOST, None)))), "untested");
    assert_eq!(said((&lost, None)), "untested");
    assert_eq!(said((&lost[..1], Some((FOUND, None)))), "untested");
    // Whoever counts words as one token, or nothing but the answer, counts nothing here.
    assert_eq!(said((&[(LOST, Some(31)), (LOST, Some(31))], Some((LOST, Some(31))))), "untested");
}

#[test]
fn silence_and_refusals_accuse_nobody() {
    assert_eq!(said((&[("", Some(2_048)), ("", Some(2_048))], Some((FOUND, Some(whole(1_000)))))), "untested");
    let body = LongPrompt::of_tokens(5_000).request(Dialect::OpenaiChat, "m");
    let message = "This model's maximum context length is 2048 tokens. However, your messages resulted in 5064 tokens.";
    let refusal = json!({ "error": { "message": message, "type": "invalid_request_error", "code": "context_length_exceeded" } });
    let chat = answered(Ask::Chat, requests::count(Dialect::OpenaiChat, "m", 20), "one, two", Some(30));
    assert_eq!(told(vec![chat, exchange(Ask::LongPrompt, body, 400, &refusal)]), "absent");
    assert_eq!(said((&[], None)), "untested");
}
