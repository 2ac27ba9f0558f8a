//! Cutting a paste into pieces: fenced blocks, HTTP messages, events, JSON and pages, and the words between them.

use super::log;

/// No paste is cut into more pieces than this.
const MAX_PIECES: usize = 400;

/// A piece of a paste.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'t> {
    /// Its text.
    pub text: &'t str,
    /// Its first line in the paste, from 1.
    pub line: usize,
    /// What it begins with.
    pub start: Start,
}

/// What begins with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A status line or a request line.
    Http,
    /// A curl command, or what `curl -v` prints.
    Curl,
    /// An event of a stream.
    Events,
    /// A JSON value that ends with a line.
    Json,
    /// JSON values, one a line.
    Lines,
    /// An HTML page.
    Page,
    /// Anything else.
    Words,
}

/// The pieces of a paste, in their order; blank ones are left out.
pub fn cut(paste: &str) -> Vec<Piece<'_>> {
    let mut cutter = Cutter { paste, pieces: Vec::new(), open: None, line: 1, from: (0, 1), fenced: false };
    let mut at = 0;
    for line in paste.split_inclusive('\n') {
        cutter.take(line, at);
        at += line.len();
        cutter.line += 1;
    }
    cutter.close(at);
    cutter.pieces
}

struct Cutter<'t> {
    paste: &'t str,
    pieces: Vec<Piece<'t>>,
    /// What the current piece is, and how far it has come.
    open: Option<Open>,
    line: usize,
    /// Byte and line where the current piece begins.
    from: (usize, usize),
    fenced: bool,
}

struct Open {
    start: Start,
    /// Byte up to which nothing may end the piece.
    until: usize,
    /// The last line was blank.
    blank: bool,
    /// An odd number of quotes of a command is open.
    quoted: bool,
    /// Something that may be a body was seen.
    body: bool,
}

impl<'t> Cutter<'t> {
    fn take(&mut self, line: &'t str, at: usize) {
        if is_fence(line) {
            self.close(at);
            self.fenced = !self.fenced;
            self.from = (at + line.len(), self.line + 1);
            return;
        }
        let inside = self.open.as_ref().is_some_and(|open| at < open.until);
        if inside || self.pieces.len() >= MAX_PIECES {
            return;
        }
        let rest = &self.paste[at..];
        let start = start(line, rest);
        if self.open.as_ref().is_none_or(|open| open.ends_before(line, start)) {
            self.close(at);
            self.from = (at, self.line);
            self.open = Some(Open { start, until: 0, blank: false, quoted: false, body: false });
        }
        if let Some(open) = &mut self.open {
            open.go_on(line, start, at, rest);
        }
    }

    fn close(&mut self, at: usize) {
        let text = &self.paste[self.from.0.min(at)..at];
        if !text.trim().is_empty() {
            let start = self.open.as_ref().map_or(Start::Words, |open| open.start);
            self.pieces.push(Piece { text, line: self.from.1, start });
        }
        self.open = None;
        self.from = (at, self.line);
    }
}

impl Open {
    /// Whether the piece ends before a line.
    fn ends_before(&self, line: &str, next: Start) -> bool {
        let blank = line.trim().is_empty();
        match self.start {
            Start::Words => {
                !blank && next != Start::Words && (self.blank || matches!(next, Start::Http | Start::Curl | Start::Page | Start::Events))
            }
            Start::Json | Start::Page => !blank,
            Start::Lines => !blank && !is_one_line(line),
            Start::Http | Start::Curl | Start::Events if self.quoted || blank || is_event_field(line) => false,
            Start::Events => next != Start::Events && (self.blank || next != Start::Words),
            Start::Http | Start::Curl if is_log_line(line) || (self.blank && line.starts_with("# ")) => true,
            Start::Http => self.body && ends_message(self.blank, next),
            Start::Curl => {
                next == Start::Curl && line.trim_start_matches(['$', ' ']).starts_with("curl ")
                    || self.body && ends_message(self.blank, next)
            }
        }
    }

    fn go_on(&mut self, line: &str, start: Start, at: usize, rest: &str) {
        let is_message = matches!(self.start, Start::Http | Start::Curl);
        match start {
            Start::Json if self.start != Start::Lines => self.until = at + json_end(rest).unwrap_or(line.len()),
            Start::Page => self.until = at + page_end(rest),
            _ => {}
        }
        if is_message {
            // A head after the body of a request begins a message of its own.
            self.body &= !matches!(start, Start::Http | Start::Curl);
            self.body |= matches!(start, Start::Json | Start::Lines | Start::Page | Start::Events) && !self.quoted;
            self.body |= self.blank && start == Start::Words && !line.trim().is_empty() && !self.quoted;
            self.quoted ^= self.start == Start::Curl && !self.body && line.matches('\'').count() % 2 == 1;
        }
        self.blank = line.trim().is_empty();
    }
}

/// After the body of a message, words after a blank line belong to somebody else; the next message always does.
fn ends_message(blank: bool, next: Start) -> bool {
    match next {
        Start::Http | Start::Curl => false,
        Start::Words => blank,
        Start::Json | Start::Lines | Start::Page | Start::Events => false,
    }
}

/// True for a line of a server's log behind what a client printed; header lines have times too, and `curl --trace-time` prints one.
fn is_log_line(line: &str) -> bool {
    let begins = line.starts_with(|c: char| c.is_ascii_digit() || c == '[') || line.starts_with("INFO") || line.starts_with("ERROR");
    begins && log::is_stamped(line) && ![" < ", " > ", " * ", " { [", " } ["].iter().any(|mark| line.contains(mark))
}

/// Fields of an event stream with which no sentence begins.
fn is_event_field(line: &str) -> bool {
    ["data:", "event:", "id:", "retry:", ":"].iter().any(|field| line.starts_with(field))
}

fn is_fence(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '>']);
    (line.starts_with("```") || line.starts_with("~~~")) && line.trim().matches("```").count() < 2
}

fn start(line: &str, rest: &str) -> Start {
    let own = line.trim_start();
    let starts = |marks: &[&str]| marks.iter().any(|mark| own.starts_with(mark));
    if is_curl(own) {
        Start::Curl
    } else if starts(&["HTTP/1.", "HTTP/2 ", "HTTP/3 ", "\"HTTP/", "Request URL"]) || is_request_line(own) {
        Start::Http
    } else if starts(&["data: ", "data:{", "event: ", ": OPENROUTER"]) {
        Start::Events
    } else if starts(&["{", "["]) && opens_json(own) && json_end(rest).is_some() {
        json_start(own, rest)
    } else if own.get(..14).is_some_and(|head| head.eq_ignore_ascii_case("<!doctype html"))
        || own.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("<html"))
    {
        Start::Page
    } else {
        Start::Words
    }
}

/// What a JSON value is the beginning of: one document, one value a line, or a line of a log.
fn json_start(line: &str, rest: &str) -> Start {
    let next = rest.split_once('\n').map_or("", |(_, next)| next);
    let is_record = ["\"level\"", "\"severity\"", "\"lvl\"", "\"levelname\""].iter().any(|key| line.contains(key));
    match is_one_line(line) {
        true if is_one_line(next.lines().next().unwrap_or_default()) => Start::Lines,
        true if is_record => Start::Words,
        _ => Start::Json,
    }
}

fn is_one_line(line: &str) -> bool {
    line.starts_with('{') && line.trim_end().ends_with('}')
}

fn is_curl(line: &str) -> bool {
    let command = line.trim_start_matches(['$', '%', '#', ' ']);
    let is_command = command.starts_with("curl ") && (command.contains("http") || command.contains(" -"));
    let verbose = [
        "curl: (",
        "< HTTP/",
        "> POST /",
        "> GET /",
        "* Host ",
        "*   Trying ",
        "* Trying ",
        "* Connected to ",
        "* Closing connection",
        "* Could not resolve",
    ];
    is_command || verbose.iter().any(|mark| line.starts_with(mark))
}

fn is_request_line(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let method = words.next().is_some_and(|word| matches!(word, "GET" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "HEAD" | "PATCH"));
    let target = words.next().is_some_and(|word| word.starts_with('/') || word.starts_with("http"));
    method && target && words.next().is_none_or(|word: &str| word.starts_with("HTTP/"))
}

fn opens_json(line: &str) -> bool {
    matches!(line[1..].trim_start().chars().next(), None | Some('"' | '{' | '[' | '}' | ']'))
}

/// The length of the JSON value that a text begins with (blanks and its line's end included); `None` when it is none.
fn json_end(text: &str) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    values.next()?.ok()?;
    let end = values.byte_offset();
    let line_end = text[end..].find('\n').map_or(text.len(), |length| end + length);
    // What goes on behind the value on its line is no JSON document.
    text[end..line_end].trim_matches([' ', '\r', '`', ',', ';']).is_empty().then_some(line_end)
}

fn page_end(text: &str) -> usize {
    let lower = crate::facts::head(text, 512 * 1024).to_ascii_lowercase();
    lower.find("</html>").map_or_else(|| text.find("\n\n").unwrap_or(text.len()), |at| at + "</html>".len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(paste: &str) -> Vec<(usize, &str)> {
        cut(paste).into_iter().map(|piece| (piece.line, piece.text.trim())).collect()
    }

    #[test]
    fn fences_are_pieces() {
        assert_eq!(texts("It fails:\n```json\n{\"a\":1}\n```\nWhy?\n"), [(1, "It fails:"), (3, "{\"a\":1}"), (5, "Why?")]);
        assert_eq!(texts("```\nnever closed"), [(2, "never closed")]);
    }

    #[test]
    fn json_between_words_is_a_piece() {
        let paste = "I get\n\n{\n \"error\": {}\n}\nand that\n\nError: 400 {\n\"a\": 1\n}\n";
        assert_eq!(texts(paste), [(1, "I get"), (3, "{\n \"error\": {}\n}"), (6, "and that\n\nError: 400 {\n\"a\": 1\n}")]);
    }

    #[test]
    fn a_message_ends_behind_its_body() {
        let paste = "Hi\n$ curl -i http://a/v1 -d '{\n\"a\":1}'\nHTTP/1.1 401 Unauthorized\nx: y\n\n{\"error\":1}\n\nSo it is my key?";
        let found = texts(paste);
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 9]);
        assert!(found[1].1.ends_with("{\"error\":1}"));
    }

    #[test]
    fn pages_and_events_are_pieces() {
        let paste = "see\n<html>\n\n<p>x\n</html>\nthen\ndata: {\"a\":1}\n\ndata: [DONE]\n\nend";
        assert_eq!(texts(paste).len(), 5);
    }
}
