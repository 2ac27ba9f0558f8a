//! A curl command line as people paste it: over several lines, with any shell's line ends, with a prompt in front.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::dialect::json;

/// What a command asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Command {
    /// The method, given or implied.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The body, when it is JSON.
    pub asked: Option<Value>,
    /// The headers, in their order.
    pub headers: Vec<(String, String)>,
    /// How many lines the command takes.
    pub lines: usize,
}

/// No more lines of a command than these are read.
const MAX_LINES: usize = 400;
/// No more bytes of a command than these are read.
const MAX_BYTES: usize = 256 * 1024;
/// The same for a file that is nothing but a command.
const WHOLE: (usize, usize) = (100_000, 16 << 20);

static START: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:^|[\s$>#%;|(`"])(curl(?:\.exe)?\s+(?:-|["']|https?:|\$|\\|\^|localhost|\d|<|[a-z0-9.-]+[:/]).*)"#).expect("a pattern")
});

/// The command that begins in the first of these lines of a paste.
pub fn read(lines: &[&str]) -> Option<Command> {
    within(lines, (MAX_LINES, MAX_BYTES))
}

/// The same, however long it is: its body is going to be sent.
pub fn read_whole(lines: &[&str]) -> Option<Command> {
    within(lines, WHOLE)
}

fn within(lines: &[&str], most: (usize, usize)) -> Option<Command> {
    let first = lines.first().filter(|line| line.contains("curl"))?;
    let first = START.captures(first)?.get(1)?.start();
    let (text, taken) = joined(lines, first, most);
    let mut command = parsed(&text)?;
    command.lines = taken;
    Some(command)
}

/// Whether a command begins in this line.
pub fn begins(line: &str) -> bool {
    line.contains("curl") && START.is_match(line)
}

/// The command in one line, and how many lines it takes.
fn joined(lines: &[&str], first: usize, most: (usize, usize)) -> (String, usize) {
    let whole = gathered(lines, first, true, most);
    whole.or_else(|| gathered(lines, first, false, most)).unwrap_or_else(|| (lines[0][first..].to_owned(), 1))
}

fn gathered(lines: &[&str], first: usize, quotes_span: bool, most: (usize, usize)) -> Option<(String, usize)> {
    let mut quotes = Quotes::default();
    let mut text = String::new();
    for (at, line) in lines.iter().take(most.0).enumerate() {
        let line = if at == 0 { &line[first..] } else { line };
        quotes.line(line);
        let open = quotes_span && quotes.open.is_some();
        let bare = line.trim_end();
        let goes_on = !open && bare.ends_with(['\\', '^', '`']) && bare.len() > 1;
        text.push_str(if goes_on { &bare[..bare.len() - 1] } else { line });
        text.push(if open { '\n' } else { ' ' });
        if text.len() > most.1 {
            return None;
        }
        if !open && !goes_on && !lines.get(at + 1).is_some_and(|next| is_option(next)) {
            return Some((text, at + 1));
        }
    }
    (quotes.open.is_none() || !quotes_span).then_some((text, lines.len().min(most.0)))
}

/// A line that goes on with an option, although the line's end before it was lost.
fn is_option(line: &str) -> bool {
    let word = line.trim_start().as_bytes();
    matches!(word, [b'-', b'H' | b'd' | b'X', b' ' | b'\'' | b'"', ..])
        || (word.starts_with(b"--") && word.get(2).is_some_and(u8::is_ascii_lowercase))
}

/// Which quote is open.
#[derive(Default)]
struct Quotes {
    open: Option<char>,
}

impl Quotes {
    fn line(&mut self, line: &str) {
        let mut escaped = false;
        for character in line.chars() {
            match (self.open, character) {
                _ if escaped => escaped = false,
                (None | Some('"'), '\\') => escaped = true,
                (None, '\'' | '"') => self.open = Some(character),
                (Some(quote), _) if quote == character => self.open = None,
                _ => {}
            }
        }
    }
}

fn parsed(text: &str) -> Option<Command> {
    let mut words = shlex::Shlex::new(text).skip(1);
    let mut command = Parsed::default();
    while let Some(word) = words.next() {
        command.word(word, &mut words);
    }
    let url = command.url.filter(|url| url.len() > 3)?;
    let implied = if command.data.is_empty() || command.get { "GET" } else { "POST" };
    let asked = json_of(&command.data);
    Some(Command { method: command.method.unwrap_or_else(|| implied.to_owned()), url, asked, headers: command.headers, lines: 0 })
}

#[derive(Default)]
struct Parsed {
    method: Option<String>,
    url: Option<String>,
    data: String,
    headers: Vec<(String, String)>,
    get: bool,
}

impl Parsed {
    fn word(&mut self, word: String, rest: &mut impl Iterator<Item = String>) {
        let Some(option) = word.strip_prefix('-').filter(|name| !name.is_empty()) else { return self.place(word) };
        let (name, given) = match option.strip_prefix('-') {
            Some(long) => long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned()))),
            None => short(option),
        };
        match name {
            "X" | "request" => self.method = given.or_else(|| rest.next()).map(|method| method.to_ascii_uppercase()),
            "d" | "data" | "data-raw" | "data-binary" | "data-ascii" | "json" => self.data(given.or_else(|| rest.next())),
            "H" | "header" => self.header(given.or_else(|| rest.next())),
            "url" => self.url = given.or_else(|| rest.next()),
            "I" | "head" => self.method = Some("HEAD".to_owned()),
            "G" | "get" => self.get = true,
            _ if given.is_none() && takes_value(name) => drop(rest.next()),
            _ => {}
        }
    }

    /// A word that is no option: the URL, unless one is known.
    fn place(&mut self, word: String) {
        let shell = matches!(word.as_str(), "|" | "&&" | ";" | "2>&1");
        if self.url.is_none() && !shell && word.contains(['/', ':', '.']) {
            self.url = Some(word.trim_end_matches(['`', ';']).to_owned());
        }
    }

    fn header(&mut self, line: Option<String>) {
        let line = line.unwrap_or_default();
        self.headers.extend(line.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())));
    }

    fn data(&mut self, text: Option<String>) {
        let text = text.unwrap_or_default();
        self.data.push_str(text.strip_prefix('$').unwrap_or(&text));
    }
}

/// `-XPOST` and `-sSd` are an option with its value, and several options in one word.
fn short(option: &str) -> (&str, Option<String>) {
    for (at, letter) in option.char_indices().filter(|(_, letter)| letter.is_ascii_alphabetic()) {
        let name = &option[at..=at];
        let rest = &option[at + letter.len_utf8()..];
        if takes_value(name) || (rest.is_empty() && matches!(name, "I" | "G")) {
            return (name, (!rest.is_empty()).then(|| rest.to_owned()));
        }
    }
    ("", None)
}

fn takes_value(name: &str) -> bool {
    const LONG: [&str; 24] = [
        "header",
        "output",
        "write-out",
        "max-time",
        "connect-timeout",
        "user",
        "user-agent",
        "proxy",
        "cacert",
        "cert",
        "key",
        "resolve",
        "connect-to",
        "retry",
        "retry-delay",
        "cookie",
        "cookie-jar",
        "form",
        "interface",
        "referer",
        "dump-header",
        "noproxy",
        "unix-socket",
        "trace-ascii",
    ];
    matches!(
        name.as_bytes(),
        [b'H' | b'o' | b'w' | b'm' | b'u' | b'A' | b'e' | b'x' | b'b' | b'c' | b'F' | b'T' | b'D' | b'E' | b'X' | b'd']
    ) || LONG.contains(&name)
}

fn json_of(data: &str) -> Option<Value> {
    let data = data.trim();
    serde_json::from_str(data).ok().or_else(|| json::lenient(data)).filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn command(text: &str) -> Option<Command> {
        read(&text.lines().collect::<Vec<_>>())
    }

    fn asked(text: &str) -> (String, String, Option<Value>, usize) {
        let command = command(text).unwrap_or_else(|| panic!("{text}"));
        (command.method, command.url, command.asked, command.lines)
    }

    #[test]
    fn every_shells_way_of_writing_it() {
        let body = json!({"model": "m", "stream": true});
        for (text, lines) in [
            ("curl http://h/v1 -H 'a: b' -d '{\"model\": \"m\", \"stream\": true}'\n{\"ok\":1}", 1),
            ("$ curl -sS -XPOST \\\n  --url http://h/v1 \\\n  --data '{\n \"model\": \"m\",\n \"stream\": true\n}'\nout", 6),
            ("C:\\> curl.exe http://h/v1 ^\n -d \"{\\\"model\\\": \\\"m\\\", \\\"stream\\\": true}\"", 2),
            ("user@host:~# curl --location 'http://h/v1' `\n --json '{\"model\":\"m\",\"stream\":true}'", 2),
            (
                "curl -X \"POST\" \"http://h/v1\"\n     -H 'Content-Type: application/json'\n     -d $'{\"model\":\"m\",\"stream\":true}'\n\nnext",
                3,
            ),
            ("time curl -sSNd '{\"model\":\"m\",\"stream\":true,}' http://h/v1", 1),
        ] {
            assert_eq!(asked(text), ("POST".into(), "http://h/v1".into(), Some(body.clone()), lines), "{text}");
        }
    }

    #[test]
    fn methods_without_bodies() {
        assert_eq!(asked("curl localhost:8080/v1/models"), ("GET".into(), "localhost:8080/v1/models".into(), None, 1));
        assert_eq!(asked("curl -sI https://h/").0, "HEAD");
        assert_eq!(asked("curl -sS -o NUL -w \"%{http_code}\" https://h/v1/models # list").1, "https://h/v1/models");
        assert_eq!(asked("curl -d @body.json https://h/v1"), ("POST".into(), "https://h/v1".into(), None, 1));
    }

    #[test]
    fn prose_is_no_command() {
        for text in
            ["Verified: curl to https://h works", "curl: (7) Failed to connect", "> User-Agent: curl/8.5.0", "curl -v output", "", "curl"]
        {
            assert_eq!(command(text), None, "{text}");
        }
    }

    #[test]
    fn a_quote_that_never_closes_ends_with_its_line() {
        assert_eq!(asked("curl http://h/v1 -d '{\"a\": \"don't\"}'\nout\nmore").3, 1);
    }
}
