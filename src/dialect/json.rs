//! Small questions to a JSON value, and a reader for JSON that is almost JSON.

use serde_json::Value;

/// The string member of this name.
pub fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

/// The strings of an array.
pub fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// True for what a dynamic language takes for true: neither null, false, zero nor empty.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// True when the object has this member and it is [`truthy`].
pub fn has(value: &Value, key: &str) -> bool {
    value.get(key).is_some_and(truthy)
}

/// The JSON value at the beginning of the bytes, and how long it is.
pub fn first(bytes: &[u8]) -> Option<(Value, usize)> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}

/// The JSON values that follow each other, when that is all there is.
pub fn all(text: &str) -> Option<Vec<Value>> {
    serde_json::Deserializer::from_str(text).into_iter::<Value>().collect::<Result<_, _>>().ok()
}

/// No more of a text than this is looked at by [`lenient`].
const MAX_LENIENT: usize = 64 * 1024;

/// The object or array at the beginning of a text that is JSON, a Python repr (`{'a': None, "b": True}`), or either cut short.
pub fn lenient(text: &str) -> Option<Value> {
    let mut translator = Translator::default();
    for (at, character) in text.char_indices() {
        if at > MAX_LENIENT || translator.take(character) {
            break;
        }
    }
    serde_json::from_str(&translator.finish()?).ok()
}

#[derive(Default)]
struct Translator {
    out: String,
    open: Vec<char>,
    quote: Option<char>,
    escaped: bool,
    word: String,
}

impl Translator {
    /// Takes one character; true when the value is whole.
    fn take(&mut self, character: char) -> bool {
        match self.quote {
            Some(quote) => {
                self.quoted(character, quote);
                false
            }
            None => self.bare(character),
        }
    }

    fn quoted(&mut self, character: char, quote: char) {
        if self.escaped {
            self.escaped = false;
            return self.escape(character);
        }
        match character {
            '\\' => self.escaped = true,
            _ if character == quote => {
                self.quote = None;
                self.out.push('"');
            }
            '"' => self.out.push_str("\\\""),
            control if control < ' ' => self.out.push_str(&format!("\\u{:04x}", u32::from(control))),
            _ => self.out.push(character),
        }
    }

    fn escape(&mut self, character: char) {
        match character {
            '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' | 'u' => self.out.extend(['\\', character]),
            'x' => self.out.push_str("\\u00"),
            _ => self.out.push(character),
        }
    }

    fn bare(&mut self, character: char) -> bool {
        let goes_on = !self.word.is_empty() && (character.is_ascii_digit() || matches!(character, '_' | '$'));
        if character.is_ascii_alphabetic() || goes_on {
            self.word.push(character);
            return false;
        }
        self.word_ends();
        match character {
            '\'' | '"' => {
                self.quote = Some(character);
                self.out.push('"');
            }
            '{' | '[' | '(' => {
                self.open.push(if character == '{' { '}' } else { ']' });
                self.out.push(if character == '{' { '{' } else { '[' });
            }
            '}' | ']' | ')' => return self.closes(),
            _ => self.out.push(character),
        }
        false
    }

    fn closes(&mut self) -> bool {
        if self.out.trim_end().ends_with(',') {
            self.out.truncate(self.out.trim_end().len() - 1);
        }
        self.out.extend(self.open.pop());
        self.open.is_empty()
    }

    fn word_ends(&mut self) {
        let word = std::mem::take(&mut self.word);
        self.out.push_str(match word.as_str() {
            "None" | "nil" | "undefined" => "null",
            "True" => "true",
            "False" => "false",
            word @ ("" | "null" | "true" | "false") => word,
            // The exponent of a number.
            word if self.out.ends_with(|c: char| c.is_ascii_digit()) => word,
            // A key of a JavaScript object, or `[Object]`.
            word => return self.out.extend(["\"", word, "\""]),
        });
    }

    /// Closes a text that is cut short; of a key, which is nothing without its value, nothing stays.
    fn quote_ends(&mut self) {
        let opened = self.out.rfind('"').unwrap_or_default();
        let is_key = self.open.last() == Some(&'}') && self.out[..opened].trim_end().ends_with(['{', ',']);
        if is_key { self.out.truncate(opened) } else { self.out.push('"') }
    }

    /// The translation, with everything closed that is still open.
    fn finish(mut self) -> Option<String> {
        if !self.out.starts_with(['{', '[']) {
            return None;
        }
        self.word_ends();
        if self.quote.is_some() {
            self.quote_ends();
        }
        while !self.open.is_empty() {
            self.closes();
        }
        Some(self.out)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn almost_json_is_read() {
        let cases = [
            (r#"{"a":1} and more"#, Some(json!({"a":1}))),
            (r#"{'a': None, 'b': True, "c": "it's", 'd': ('x', 'y',)}"#, Some(json!({"a":null,"b":true,"c":"it's","d":["x","y"]}))),
            (r#"{'a': 'say "hi"\n\x41'}"#, Some(json!({"a":"say \"hi\"\nA"}))),
            (r#"{'error': {'message': 'cut sho"#, Some(json!({"error":{"message":"cut sho"}}))),
            (r#"{'a': 1, 'messa"#, Some(json!({"a":1}))),
            (r#"{"messa"#, Some(json!({}))),
            ("plain", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(lenient(text), expected, "{text}");
        }
    }
}
