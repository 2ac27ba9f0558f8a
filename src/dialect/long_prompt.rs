//! A prompt of any length with a code word at its beginning and the question for it at its end: who cuts prompts off loses the word.

use serde_json::Value;

use super::requests;
use crate::evidence::Dialect;

/// The word, and the part of it by which an answer is recognized.
const CODE: (&str, &str) = ("heron-4417", "4417");
/// Tokens of a line, roughly; a little more or less by tokenizer.
const TOKENS_PER_LINE: usize = 18;
/// How each line begins.
const LINE: &str = "\nLine ";

const COLOURS: [&str; 7] = ["green", "white", "black", "brown", "yellow", "silver", "blue"];
const THINGS: [&str; 5] = ["lamp", "table", "bottle", "basket", "mirror"];
const PLACES: [&str; 3] = ["window", "door", "garden"];

/// A long prompt, known by its number of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongPrompt {
    /// Lines between the code word and the question.
    pub lines: usize,
}

impl LongPrompt {
    /// One of about so many tokens.
    pub fn of_tokens(tokens: usize) -> Self {
        LongPrompt { lines: tokens.div_ceil(TOKENS_PER_LINE) }
    }

    /// The one of a request's body.
    pub fn of(body: &Value) -> Option<Self> {
        let text = ["messages", "prompt", "input", "contents"].iter().find_map(|member| longest(&body[*member]))?;
        let lines = text.matches(LINE).count();
        (text.contains(CODE.0) && lines > 0).then_some(LongPrompt { lines })
    }

    /// A chat that asks for the code word.
    pub fn request(self, dialect: Dialect, model: &str) -> Value {
        requests::saying(dialect, model, &self.text())
    }

    /// About so many tokens.
    pub fn tokens(self) -> usize {
        self.lines * TOKENS_PER_LINE
    }

    fn text(self) -> String {
        let mut text = format!("Remember this code word: {}. A list of things follows.\n", CODE.0);
        // Numbers of as many digits, so that each line takes as many tokens.
        for line in 101..101 + self.lines {
            let (colour, thing, place) = (COLOURS[line % 7], THINGS[line % 5], PLACES[line % 3]);
            text.push_str(&format!("{LINE}{line}: the {colour} {thing} stands beside the third {place} of house {}.", 100 + line % 97));
        }
        text.push_str("\n\nThis was the list. Which code word was given before it? Answer with the code word only.");
        text
    }
}

/// Whether an answer names the code word; `None` when it says nothing.
pub fn names_code(answer: &str) -> Option<bool> {
    (!answer.trim().is_empty()).then(|| answer.contains(CODE.1))
}

/// The longest text in it.
fn longest(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(values) => values.iter().filter_map(longest).max_by_key(|text| text.len()),
        Value::Object(members) => members.values().filter_map(longest).max_by_key(|text| text.len()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_prompt_is_known_by_its_body_in_every_dialect() {
        for dialect in Dialect::ALL {
            let asked = LongPrompt::of_tokens(5_000);
            let body = asked.request(dialect, "m");
            assert_eq!(LongPrompt::of(&body), Some(asked), "{}", dialect.name());
            assert!((15_000..30_000).contains(&body.to_string().len()));
        }
        assert_eq!(LongPrompt::of(&requests::short(Dialect::OpenaiChat, "m")), None);
    }

    #[test]
    fn an_answer_without_words_says_nothing() {
        assert_eq!([" ", "Heron-4417.", "I was given none."].map(names_code), [None, Some(true), Some(false)]);
    }
}
