//! Requests and answers as `curl -v`, `curl -i` or a raw capture show them: line by line, one sighting per final answer.

pub mod tail;

use std::sync::LazyLock;

use regex::Regex;

use super::command::{self, Command};
use super::head::{header_line, request_line, status_line, unchunked};
use super::part::{self, json_within};
use crate::triage::{Form, Sighting};

/// No more exchanges of one piece than these are read.
const MAX_EXCHANGES: usize = 64;

/// What a line is in `curl -v`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Sent,
    Received,
    Info,
    Data,
    Bare,
}

/// A time that `--trace-time` puts in front.
static TIME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3,6} ").expect("a constant pattern"));
/// Every exchange of a piece, in order; `text` is scrubbed.
pub fn read(text: &str, first_line: usize, form: Form) -> Vec<Sighting> {
    let lines: Vec<&str> = text.lines().collect();
    let mut reader = Reader { form, verbose: is_verbose(&lines), first_line, done: Vec::new(), now: Draft::default() };
    let mut at = 0;
    while at < lines.len() && reader.done.len() < MAX_EXCHANGES {
        at += match command::read(&lines[at..]).filter(|_| !reader.now.in_head()) {
            Some(command) => reader.command(command, at),
            None => reader.line(lines[at], at),
        };
    }
    reader.close();
    reader.done
}

/// Whether requests and answers carry curl's marks.
pub fn is_verbose(lines: &[&str]) -> bool {
    lines.iter().any(|line| match mark(line) {
        (Mark::Sent, rest) => request_line(rest).is_some() && rest.contains(" HTTP/"),
        (Mark::Received, rest) => rest.starts_with("HTTP/") && status_line(rest).is_some(),
        _ => false,
    })
}

fn mark(line: &str) -> (Mark, &str) {
    let line = line.trim_end();
    let line = TIME.find(line).map_or(line, |time| &line[time.end()..]);
    let line = line.trim_start();
    for (sign, mark) in [("> ", Mark::Sent), ("< ", Mark::Received), ("&gt; ", Mark::Sent), ("&lt; ", Mark::Received), ("* ", Mark::Info)] {
        if let Some(rest) = line.strip_prefix(sign) {
            return (mark, rest);
        }
    }
    match line {
        ">" | "&gt;" => (Mark::Sent, ""),
        "<" | "&lt;" => (Mark::Received, ""),
        _ if (line.starts_with("{ [") || line.starts_with("} [")) && line.contains("bytes data]") => (Mark::Data, line),
        _ if line.starts_with("<HTTP/") => (Mark::Received, &line[1..]),
        _ => (Mark::Bare, line),
    }
}

/// Where in an exchange the reader is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    RequestHead,
    RequestBody,
    Head,
    Body,
}

/// One exchange, as far as it is read.
#[derive(Default)]
struct Draft {
    place: Place,
    first: Option<usize>,
    last: usize,
    command: Option<Command>,
    request: Option<(String, String)>,
    host: Option<String>,
    tls: bool,
    asked: String,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    body: String,
    seconds: Option<f64>,
    fault: Option<String>,
    /// curl said what became of the connection: nothing of the answer was left out at its end.
    whole: bool,
    text: String,
}

struct Reader {
    form: Form,
    verbose: bool,
    first_line: usize,
    done: Vec<Sighting>,
    now: Draft,
}

impl Reader {
    fn command(&mut self, command: Command, at: usize) -> usize {
        self.close();
        self.now.first = Some(at);
        self.now.last = at + command.lines - 1;
        let taken = command.lines;
        self.now.command = Some(command);
        taken
    }

    fn line(&mut self, line: &str, at: usize) -> usize {
        let (mark, rest) = match mark(line) {
            // A list in a body begins its items as curl begins its remarks.
            (Mark::Info, words) if self.now.place == Place::Body && !tail::is_remark(words) => (Mark::Bare, words),
            marked if self.verbose => marked,
            _ => (Mark::Bare, line),
        };
        match mark {
            Mark::Sent => self.sent(rest),
            Mark::Received => self.received(rest),
            Mark::Info => self.now.info(rest),
            Mark::Data => {}
            Mark::Bare => self.bare(line),
        }
        self.now.first.get_or_insert(at);
        self.now.last = at;
        part::push(&mut self.now.text, line);
        1
    }

    fn sent(&mut self, rest: &str) {
        if let Some(request) = request_line(rest) {
            self.request(request);
        } else if let Some((name, value)) = header_line(rest).filter(|_| self.now.place == Place::RequestHead) {
            self.now.sent_header(&name, value);
        }
    }

    fn received(&mut self, rest: &str) {
        match status_line(rest) {
            Some(status) => self.status(status.code, status.header),
            None if rest.is_empty() => self.now.place = Place::Body,
            None => self.now.headers.extend(header_line(rest)),
        }
    }

    fn request(&mut self, request: (String, String)) {
        if self.now.status.is_some_and(|status| !is_passing(status)) || (self.now.request.is_some() && self.now.status.is_none()) {
            self.close();
        }
        self.now.request = Some(request);
        self.now.place = Place::RequestHead;
    }

    fn status(&mut self, code: u16, header: Option<(String, String)>) {
        let followed = self.now.status.is_none_or(|status| is_passing(status) || (status == 200 && self.now.is_tunnel()));
        if !followed && (self.verbose || !self.now.body.trim().is_empty() || code != self.now.status.unwrap_or_default()) {
            self.close();
        }
        self.now.status = Some(code);
        self.now.headers = Vec::from_iter(header);
        self.now.body.clear();
        self.now.place = Place::Head;
    }

    fn bare(&mut self, line: &str) {
        let plain = line.trim();
        if plain.starts_with("```") {
            return;
        }
        if let Some((said, _)) = tail::failure(line) {
            return self.now.failed(said, &line[..line.find(said).unwrap_or_default()]);
        }
        if tail::is_meter(line) {
            return self.meter(line);
        }
        if !self.verbose
            && self.now.place != Place::Head
            && let Some(request) = request_line(plain)
        {
            return self.request(request);
        }
        if let Some(status) = status_line(line).filter(|_| !self.verbose && !self.now.is_written_below(plain)) {
            return self.status(status.code, status.header);
        }
        self.now.bare(line);
    }

    /// A line of the progress meter, behind which whatever curl prints next stands on the same line.
    fn meter(&mut self, line: &str) {
        let (spent, rest) = tail::meter(line);
        self.now.seconds = spent.or(self.now.seconds);
        match mark(rest) {
            (Mark::Received, rest) if self.verbose => self.received(rest),
            (Mark::Info, words) if self.verbose => self.now.info(words),
            (Mark::Data, _) => {}
            _ if !rest.trim().is_empty() => self.now.bare(rest),
            _ => {}
        }
    }

    /// Ends the exchange, when it holds anything.
    fn close(&mut self) {
        let draft = std::mem::take(&mut self.now);
        let kept = draft.sighting(self.form, self.first_line);
        self.done.extend(kept);
    }
}

/// An answer that the next one replaces: an interim one, or a redirect that was followed.
fn is_passing(status: u16) -> bool {
    status < 200 || matches!(status, 301 | 302 | 303 | 307 | 308)
}

impl Draft {
    /// Whether a status without a version stands under a command's output: it ends the answer, and begins none.
    fn is_written_below(&self, line: &str) -> bool {
        self.command.is_some() && self.place == Place::Start && !line.starts_with("HTTP/")
    }

    fn in_head(&self) -> bool {
        matches!(self.place, Place::RequestHead | Place::Head)
    }

    /// Whether this is a proxy's answer to `CONNECT`, which the real one follows.
    fn is_tunnel(&self) -> bool {
        self.body.trim().is_empty() && self.headers.is_empty()
    }

    fn sent_header(&mut self, name: &str, value: String) {
        if name == "host" || name == ":authority" {
            self.host = Some(value);
        }
    }

    fn info(&mut self, words: &str) {
        self.tls |= words.starts_with("SSL connection using") || words.starts_with("ALPN") || words.contains("TLS handshake");
        self.whole |= words.starts_with("Connection #") || words.starts_with("Closing connection");
        if tail::is_break(words) {
            self.fault.get_or_insert_with(|| words.to_owned());
        }
    }

    fn failed(&mut self, said: &str, before: &str) {
        if !before.trim().is_empty() {
            self.bare(before);
        }
        let number = tail::failure(said).map_or("", |(_, number)| number);
        if number == "22" && self.status.is_none() {
            self.status = said.rsplit(' ').next().and_then(|code| code.parse().ok());
        }
        self.seconds = self.seconds.or_else(|| tail::waited(said));
        if !self.fault.as_deref().is_some_and(|fault| fault.starts_with("curl:")) {
            self.fault = Some(said.to_owned());
        }
    }

    fn bare(&mut self, line: &str) {
        match self.place {
            Place::RequestHead => self.request_head(line),
            Place::RequestBody => part::push(&mut self.asked, line),
            Place::Head => self.head(line),
            Place::Start if self.command.is_some() => self.body_line(line),
            Place::Body => self.body_line(line),
            Place::Start => {}
        }
    }

    fn request_head(&mut self, line: &str) {
        match header_line(line).filter(|_| !line.trim_start().starts_with(['{', '"'])) {
            Some((name, value)) => self.sent_header(&name, value),
            None => {
                self.place = Place::RequestBody;
                part::push(&mut self.asked, line);
            }
        }
    }

    fn head(&mut self, line: &str) {
        match header_line(line) {
            Some((name, _)) if is_event_field(&name) => self.begin_body(line),
            Some(header) => self.headers.push(header),
            None if line.starts_with([' ', '\t']) && !line.trim_start().starts_with(['{', '<']) && !line.trim().is_empty() => {}
            None => self.begin_body(line),
        }
    }

    fn begin_body(&mut self, line: &str) {
        self.place = Place::Body;
        if !line.trim().is_empty() {
            self.body_line(line);
        }
    }

    fn body_line(&mut self, line: &str) {
        let shown =
            ["* Connection #", "* Closing connection", "* transfer closed", "* HTTP/"].iter().filter_map(|sign| line.find(sign)).min();
        if let Some(end) = shown {
            self.info(&line[end + 2..]);
        }
        let line = &line[..shown.unwrap_or(line.len())];
        if !self.told(line) {
            part::push(&mut self.body, line);
        }
    }

    /// Takes what `-w`, `time` or a person wrote under a body; true when the line is that and nothing else.
    fn told(&mut self, line: &str) -> bool {
        if line.len() > 400 || self.command.is_none() || line.trim_start().starts_with(['{', '"', '<', '}']) {
            return false;
        }
        if let Some(seconds) = tail::seconds(line) {
            self.seconds = self.seconds.or(Some(seconds));
            return true;
        }
        match tail::written_status(line).filter(|_| self.place == Place::Start) {
            Some(code) => self.status.get_or_insert(code) == &code,
            None => self.place == Place::Start && line.trim_start().starts_with("# "),
        }
    }

    /// A status that `-w` glued to the end of the body.
    fn glued_status(&mut self) {
        let body = self.body.trim_end();
        let Some(start) = body.len().checked_sub(3).filter(|at| body.is_char_boundary(*at)) else { return };
        let code = body[start..].parse().ok().filter(|code| (100..600).contains(code));
        if self.status.is_none() && code.is_some() && (start == 0 || body[..start].trim_end().ends_with(['}', '>', ']'])) {
            self.status = code;
            self.body.truncate(start);
        }
    }

    fn sighting(mut self, form: Form, first_line: usize) -> Option<Sighting> {
        if self.command.is_some() {
            self.glued_status();
        }
        let bare = self.body.trim().is_empty();
        let whole = self.status.is_some() || self.fault.is_some() || (self.command.is_some() && !bare) || self.request.is_some();
        let first = first_line + self.first.filter(|_| whole)?;
        let last = first_line + self.last;
        let mut sighting = Sighting::new(form, (first, last), "");
        sighting.body = self.body_of();
        self.requested(&mut sighting);
        sighting.status = self.status.or_else(|| part::implied_status(sighting.body.as_deref()?));
        sighting.headers = self.headers;
        sighting.seconds = self.seconds;
        sighting.fault = self.fault;
        sighting.text = self.text;
        Some(sighting)
    }

    fn requested(&mut self, sighting: &mut Sighting) {
        let asked = json_within(&self.asked);
        let url = self.request.as_ref().map(|(_, target)| absolute(target, self.host.as_deref(), self.tls));
        let method = self.request.take().map(|(method, _)| method);
        let command = self.command.take().unwrap_or_default();
        let given = |text: String| (!text.is_empty()).then_some(text);
        sighting.method = method.or_else(|| given(command.method));
        sighting.url = given(command.url).filter(|_| !self.headers.iter().any(|(name, _)| name == "location")).or(url);
        sighting.asked = command.asked.or(asked);
        sighting.stream = part::stream_of(sighting.asked.as_ref());
    }

    /// The body. A blank one is believed where the transcript is whole or says so itself; people leave bodies out.
    fn body_of(&mut self) -> Option<String> {
        let told_empty = self.headers.iter().any(|(name, value)| name == "content-length" && value == "0");
        let shown = self.place != Place::Start && (self.whole || told_empty || matches!(self.status, Some(204 | 304 | 400..)));
        if self.body.trim().is_empty() {
            return (shown && self.status.is_some()).then(String::new);
        }
        if self.command.is_some() {
            self.body.truncate(tail::before_prompt(&self.body));
            return Some(part::body(&self.body));
        }
        Some(part::body(unchunked(&self.body).as_deref().unwrap_or(&self.body)))
    }
}

/// Names of an event stream's fields, which look like headers.
fn is_event_field(name: &str) -> bool {
    matches!(name, "data" | "event")
}

fn absolute(target: &str, host: Option<&str>, tls: bool) -> String {
    match host.filter(|_| target.starts_with('/')) {
        Some(host) => format!("{}://{host}{target}", if tls || host.ends_with(":443") { "https" } else { "http" }),
        None => target.to_owned(),
    }
}

#[cfg(test)]
mod tests;
