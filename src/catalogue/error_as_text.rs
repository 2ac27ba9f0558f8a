//! Answers whose text is no answer and reads like an error: a gateway that tells the model's part what it should tell by a status.

use super::streams::plural;
use super::{Blame, Case, Certainty, Finding, Severity, Shown, Verdict};
use crate::dialect::Reading;
use crate::dialect::openai_chat::{CONTROL_COUNT, count_prompt};
use crate::evidence::Ask;
use crate::facts::{self, ErrorText, Strength};

/// Characters of the longest text that is taken for an error.
const LONGEST: usize = 400;
/// One of these stands in every such text.
const TELLING: [&str; 16] = [
    "error",
    "exception",
    "failed",
    "failure",
    "exceeded",
    "unauthorized",
    "forbidden",
    "timed out",
    "timeout",
    "unavailable",
    "insufficient",
    "too many requests",
    "错误",
    "失败",
    "异常",
    "超时",
];
/// A word of every answer to the control's question, which is to count.
const COUNTED: [&str; 2] = ["three", "3, 4"];

/// An error told as the text of an answer to the control's question: what an answer to any other one may say, nobody knows. One is only
/// suspected; every answer has to be one.
pub(super) fn told_as_answer(case: &Case) -> Option<Verdict> {
    let told: Vec<_> = [Ask::Chat, Ask::ChatStream].into_iter().filter_map(|ask| always_told(case, ask)).flatten().collect();
    let first = told.first()?;
    let because = format!("{}, with this text and nothing else: “{}”.", plural(told.len(), "answer"), text(first).trim());
    let certainty = if told.len() >= 2 { Certainty::Likely } else { Certainty::Possible };
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because)
        .so("Clients show the error as the model's words, and nothing retries.")
        .cite(told.iter().map(|shown| shown.exchange))
        .detail("kind", "text");
    Some(finding.present())
}

/// The answers of a question, when each of them is an error's text.
fn always_told<'c, 'e>(case: &'c Case<'e>, ask: Ask) -> Option<Vec<&'c Shown<'e>>> {
    let answers: Vec<_> = case.asked(ask).filter(|shown| shown.answered() && asks_to_count(shown)).collect();
    (!answers.is_empty() && answers.iter().all(|shown| is_error(text(shown)))).then_some(answers)
}

fn asks_to_count(shown: &Shown) -> bool {
    let body = shown.exchange.request.body.as_ref();
    body.is_some_and(|body| body.to_string().contains(&count_prompt(CONTROL_COUNT)))
}

fn text<'c>(shown: &'c Shown) -> &'c str {
    match &shown.reading {
        Reading::Completion(completion) => &completion.text,
        Reading::Stream(stream) => &stream.text,
        _ => "",
    }
}

fn is_error(text: &str) -> bool {
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    text.chars().count() <= LONGEST && has(&TELLING) && !has(&COUNTED) && is_known(text)
}

/// Whether the words of a known error are in it.
fn is_known(text: &str) -> bool {
    let error = ErrorText { status: None, code: None, kind: None, param: None, message: text, headers: &[], raw: text };
    facts::read_error(&error).first().is_some_and(|reading| reading.strength <= Strength::Medium)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_from_answers() {
        for text in [
            "[ERROR] upstream returned 429: rate limit exceeded",
            "Error: Incorrect API key provided: sk-****",
            "请求失败: 429 Too Many Requests",
        ] {
            assert!(is_error(text), "{text}");
        }
        let count = "one, two, three, four. Error handling failed, rate limit exceeded";
        for text in [count, "ok", "I can't count without an error.", "Hello! How can I help?", ""] {
            assert!(!is_error(text), "{text}");
        }
    }
}
