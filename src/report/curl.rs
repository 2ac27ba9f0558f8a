//! The curl line that sends a request again.

use serde_json::Value;

use super::neutral;
use crate::evidence::{Ask, Credential, Exchange, GARBAGE_KEY, Scheme, Via};

/// Longest body that stands in the line itself, in bytes; a longer one is named as a file.
const INLINE_BODY: usize = 8_000;

/// Headers that curl writes itself.
const OWN_HEADERS: [&str; 5] = ["host", "content-length", "connection", "transfer-encoding", "accept-encoding"];

/// A line for a POSIX shell that sends this request again and shows head and body of the answer as they come.
///
/// The key is the variable `$LLMDOCTOR_KEY` (`$LLMDOCTOR_UPSTREAM_KEY` when the upstream was asked); a question without a key has none, and the garbage key stands there as it is. The line holds
/// no control, invisible or reordering character: inside the body they are written as JSON escapes.
pub fn curl(exchange: &Exchange) -> String {
    let request = &exchange.request;
    if exchange.ask == Ask::Connect {
        return format!("curl -sSv -o /dev/null {}", quote(&url(&request.url)));
    }
    let mut words = vec!["curl".to_owned(), "-sS".to_owned(), "-i".to_owned()];
    words.extend(exchange.asks_stream().then(|| "-N".to_owned()));
    words.extend(method(&request.method, request.body.is_some()));
    words.push(quote(&url(&request.url)));
    words.extend(key(request.credential, exchange.via));
    words.extend(request.headers.iter().filter(|(name, _)| !OWN_HEADERS.contains(&name.as_str())).map(|(name, value)| header(name, value)));
    words.extend(compression(&request.headers));
    words.extend(request.body.as_ref().map(|body| data(&exchange.id, body)));
    words.join(" ")
}

/// The same command on lines of so many columns, as far as its words allow; each line but the last ends in a backslash.
pub fn folded(command: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in pairs(command) {
        match lines.last_mut() {
            // Room for the word, a space before it, and a space and a backslash after it.
            Some(line) if line.chars().count() + word.chars().count() + 3 <= columns => *line = format!("{line} {word}"),
            _ => lines.push(word),
        }
    }
    let last = lines.len().saturating_sub(1);
    lines.iter_mut().take(last).for_each(|line| line.push_str(" \\"));
    lines
}

/// The words of a command as they are quoted, an option of one argument together with it.
fn pairs(command: &str) -> Vec<String> {
    let (mut quote, mut escaped) = (None, false);
    let is_break = |c: char| {
        let escapes = c == '\\' && !escaped && quote != Some('\'');
        quote = match (quote, c) {
            _ if escaped => quote,
            (None, '\'' | '"') => Some(c),
            (Some(open), _) if open == c => None,
            _ => quote,
        };
        escaped = escapes;
        quote.is_none() && c == ' '
    };
    let mut pairs: Vec<String> = Vec::new();
    for word in command.split(is_break) {
        match pairs.last_mut() {
            Some(option) if matches!(option.as_str(), "-H" | "-X" | "-o" | "--data-raw" | "--data-binary") => {
                *option = format!("{option} {word}");
            }
            _ => pairs.push(word.to_owned()),
        }
    }
    pairs
}

/// Only a method that curl would not choose by itself is named.
fn method(method: &str, has_body: bool) -> Option<String> {
    let natural = if has_body { "POST" } else { "GET" };
    (method != natural).then(|| format!("-X {}", quote(&neutral::inline(method, neutral::NAME))))
}

fn key(credential: Credential, via: Via) -> Option<String> {
    let variable = if via == Via::Upstream { "$LLMDOCTOR_UPSTREAM_KEY" } else { "$LLMDOCTOR_KEY" };
    match credential {
        Credential::None => None,
        Credential::Given(scheme) | Credential::Trimmed(scheme) => Some(format!("-H \"{}: {}\"", title(scheme), scheme.value(variable))),
        Credential::Garbage(scheme) => Some(format!("-H '{}: {}'", title(scheme), scheme.value(GARBAGE_KEY))),
    }
}

fn title(scheme: Scheme) -> &'static str {
    if scheme == Scheme::Bearer { "Authorization" } else { scheme.header() }
}

fn header(name: &str, value: &str) -> String {
    let line = format!("{}: {}", neutral::inline(name, neutral::NAME), neutral::inline(value, neutral::PASSAGE));
    format!("-H {}", quote(&line))
}

/// The encodings that were asked for, undone by curl.
fn compression(headers: &[(String, String)]) -> Option<String> {
    let (name, value) = headers.iter().find(|(name, _)| name == "accept-encoding")?;
    let undo = if value == "identity" { "" } else { " --compressed" };
    Some(format!("{}{undo}", header(name, value)))
}

fn data(id: &str, body: &Value) -> String {
    let text = body.to_string();
    if text.len() > INLINE_BODY {
        let file: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        return format!("--data-binary @{file}-body-from-the-evidence.json");
    }
    format!("--data-raw {}", quote(&json_escaped(&text, neutral::is_hidden)))
}

/// JSON text in which these characters are written as `\uXXXX`. Outside of strings JSON has none of them.
pub(super) fn json_escaped(text: &str, hide: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hide(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// The URL without anything but printable ASCII, and without what curl takes for a pattern.
fn url(text: &str) -> String {
    let fine = |byte: u8| byte.is_ascii_graphic() && !b"{}<>|\\^`\"".contains(&byte);
    text.bytes().map(|byte| if fine(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn quote(text: &str) -> String {
    let without_nul = text.replace('\0', "");
    shlex::try_quote(&without_nul).map(std::borrow::Cow::into_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::fixture::{Run, completion, refusal, stream};

    #[test]
    fn a_folded_command_is_the_same_command() {
        let body = quote(r#"{"content":"it's \"quoted\" and $HOME \\ long enough for a line"}"#);
        let command = format!("curl -sS -i http://h/v1 -H \"Authorization: Bearer $LLMDOCTOR_KEY\" -H 'a: b c' --data-raw {body}");
        for columns in [1, 20, 40, 60, 400] {
            let lines = folded(&command, columns);
            assert_eq!(shlex::split(&lines.join("\n").replace(" \\\n", " ")), shlex::split(&command));
            assert!(lines.iter().filter(|line| !line.contains("--data-raw")).all(|line| line.len() <= columns.max(46)), "{lines:?}");
        }
        assert_eq!(folded(&command, 400), [command]);
    }

    fn lines(run: &Run) -> Vec<String> {
        run.evidence.exchanges.iter().map(curl).collect()
    }

    #[test]
    fn the_key_is_a_variable_absent_or_garbage_as_it_was_asked() {
        let lines = lines(&Run::healthy());
        assert_eq!(lines[0], "curl -sSv -o /dev/null https://gw.corp.example/v1/models");
        assert_eq!(
            lines[1],
            "curl -sS -i https://gw.corp.example/v1/models -H \"Authorization: Bearer $LLMDOCTOR_KEY\" -H 'accept: application/json'"
        );
        assert!(!lines[5].contains("uthorization") && lines[6].contains("-H 'Authorization: Bearer sk-llmdoctor-invalid-0'"));
    }

    #[test]
    fn a_stream_is_not_buffered_and_its_encoding_is_undone() {
        let line = &lines(&Run::new().stream(stream(crate::dialect::StreamEnd::Complete)))[0];
        assert!(line.contains(" -N ") && line.contains("-H 'accept-encoding: gzip, deflate' --compressed"), "{line}");
    }

    #[test]
    fn a_shell_reads_back_the_very_body() {
        let body = json!({"model": "it's `x` $(y) \"z\" \\ !1 \u{202e}\u{7f}\n", "n": 1});
        let mut run = Run::new().chat(200, completion());
        run.evidence.exchanges[0].request.body = Some(body.clone());
        let line = curl(&run.evidence.exchanges[0]);
        let words = shlex::split(&line).expect("a shell line");
        let sent = words.iter().skip_while(|word| *word != "--data-raw").nth(1).expect("a body");
        assert_eq!(serde_json::from_str::<Value>(sent).expect("JSON"), body);
        assert!(!line.chars().any(|c| c.is_control() || neutral::is_hidden(c)), "{line}");
    }

    #[test]
    fn a_long_body_is_a_file() {
        let mut run = Run::new().chat(200, refusal(""));
        run.evidence.exchanges[0].request.body = Some(json!({"model": "x".repeat(9_000)}));
        let line = curl(&run.evidence.exchanges[0]);
        assert!(line.ends_with("--data-binary @e1-body-from-the-evidence.json"), "{line}");
    }

    #[test]
    fn another_scheme_and_the_upstream_have_their_own_words() {
        let mut run = Run::new().chat(200, completion());
        run.evidence.exchanges[0].request.credential = Credential::Trimmed(Scheme::XApiKey);
        run.evidence.exchanges[0].via = Via::Upstream;
        assert!(curl(&run.evidence.exchanges[0]).contains("-H \"x-api-key: $LLMDOCTOR_UPSTREAM_KEY\""));
    }
}
