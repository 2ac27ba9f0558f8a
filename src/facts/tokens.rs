//! A failure as a set of tokens, by which it is compared with real ones. The build reads the data file by the same code.

/// What is shown of a failure. What is not shown is empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown<'a> {
    /// Status of the answer.
    pub status: Option<u16>,
    /// Method of the request.
    pub method: &'a str,
    /// URL or path of the request.
    pub url: &'a str,
    /// Whether a stream was asked for.
    pub stream: Option<bool>,
    /// `content-type` of the answer.
    pub content_type: &'a str,
    /// `server` of the answer.
    pub server: &'a str,
    /// What was answered, or what stands in its place.
    pub said: &'a str,
}

/// No more words of a text are looked at.
const WORDS: usize = 400;

impl Shown<'_> {
    /// Whether the answer says nothing.
    pub fn is_bare(&self) -> bool {
        self.said.trim().is_empty()
    }

    /// Hashes of everything that is shown, in order and without doubles.
    pub fn tokens(&self) -> Vec<u32> {
        let mut tokens = vec![hash(&["status", &self.status.map_or(String::new(), |status| status.to_string())])];
        let words = words(self.said);
        tokens.extend(words.iter().map(|word| hash(&["word", word])));
        tokens.extend(words.windows(2).map(|pair| hash(&["pair", &pair[0], &pair[1]])));
        let said = self.said.trim_start();
        if said.starts_with(['{', '[']) {
            tokens.push(hash(&["json"]));
        } else if said.starts_with('<') {
            tokens.push(hash(&["page"]));
        }
        if let Some(status) = self.status {
            self.around(&status.to_string(), &mut tokens);
        }
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    /// What stands around the words, where a whole answer is shown.
    fn around(&self, status: &str, tokens: &mut Vec<u32>) {
        let path = path(self.url);
        if !path.is_empty() {
            tokens.extend([hash(&["path", &path]), hash(&["path", status, &path])]);
        }
        if self.is_bare() {
            tokens.extend([hash(&["bare"]), hash(&["bare", status])]);
        }
        if !self.method.is_empty() && self.method != "POST" {
            tokens.push(hash(&["method", self.method]));
        }
        tokens.push(hash(&["stream", self.stream.map_or("", |stream| if stream { "yes" } else { "no" })]));
        for (name, value, end) in [("type", self.content_type, ';'), ("server", self.server, '/')] {
            let value = value.split(end).next().unwrap_or_default().trim().to_ascii_lowercase();
            if !value.is_empty() {
                tokens.extend([hash(&[name]), hash(&[name, &value])]);
            }
        }
    }
}

/// The path of a URL, in lower case and without its last slash.
fn path(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    rest.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').to_lowercase()
}

/// The words of a text in lower case: runs of letters, signs of scripts without blanks one by one, and numbers of three digits, as statuses are.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut run = String::new();
    for letter in text.chars().chain([' ']) {
        let alone = ('\u{3040}'..='\u{9fff}').contains(&letter);
        let goes_on =
            !alone && letter.is_alphanumeric() && run.chars().next().is_none_or(|first| first.is_numeric() == letter.is_numeric());
        if !goes_on {
            let word = std::mem::take(&mut run);
            let telling = if word.starts_with(char::is_numeric) { word.len() == 3 } else { word.len() > 1 };
            words.extend(telling.then_some(word));
        }
        if alone {
            words.push(letter.to_string());
        } else if letter.is_alphanumeric() {
            run.extend(letter.to_lowercase());
        }
        if words.len() >= WORDS {
            break;
        }
    }
    words
}

/// FNV-1a of the parts: the build and the program must agree, whatever compiler made them.
fn hash(parts: &[&str]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0x1f]));
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_statuses_and_single_signs() {
        assert_eq!(words("HTTP 404: model_x4 isn't 对于 a 12345"), ["http", "404", "model", "isn", "对", "于"]);
        assert_eq!(words(""), Vec::<String>::new());
        assert!(words(&"word ".repeat(9999)).len() <= WORDS);
    }

    #[test]
    fn a_path_is_without_host_query_and_last_slash() {
        for url in ["https://host:1/v1/Chat/?key=1", "/v1/chat", "/v1/chat#x"] {
            assert_eq!(path(url), "/v1/chat", "{url}");
        }
        assert_eq!(path("http://host"), "");
    }

    #[test]
    fn what_stands_around_counts_only_with_a_status() {
        let words = Shown { said: "no such model", ..Shown::default() };
        let placed = Shown { url: "/v1/chat", server: "nginx/1.18", ..words };
        assert_eq!(words.tokens(), placed.tokens());
        assert!(Shown { status: Some(404), ..placed }.tokens().len() > words.tokens().len());
        assert!(Shown::default().is_bare() && !words.is_bare());
    }
}
