//! What a person would read on an HTML page.

/// True when a text begins like an HTML page.
pub fn is_page(text: &str) -> bool {
    const TAGS: [&str; 10] = ["<!doctype", "<html", "<head", "<body", "<title", "<center", "<h1", "<p>", "<div", "<script"];
    let start = text.trim_start_matches(|character: char| character.is_whitespace() || character == '\u{feff}');
    let start = past_comments(start);
    let head: String = start.chars().take(10).flat_map(char::to_lowercase).collect();
    TAGS.iter().any(|tag| head.starts_with(tag)) || (head.starts_with("<?xml") && find(start, "<html").is_some())
}

fn past_comments(mut text: &str) -> &str {
    while let Some(rest) = text.strip_prefix("<!--") {
        let Some(end) = rest.find("-->") else { return "" };
        text = rest[end + 3..].trim_start();
    }
    text
}

/// Where a page begins inside a text.
pub fn page_within(text: &str) -> Option<usize> {
    ["<!doctype html", "<html"].iter().filter_map(|tag| find(text, tag)).min()
}

/// The page that a text begins with, up to its end.
pub fn page_at(text: &str) -> &str {
    find(text, "</html").map_or(text, |end| &text[..end])
}

/// The page's title.
pub fn title(page: &str) -> Option<String> {
    element(page, "title").filter(|title| !title.is_empty())
}

/// The title, and the first heading or paragraph that says more.
pub fn message(page: &str) -> String {
    let title = title(page).unwrap_or_default();
    let said =
        ["h1", "h2", "p"].iter().filter_map(|name| element(page, name)).find(|said| !said.is_empty() && !title.contains(said.as_str()));
    match (title.is_empty(), said) {
        (false, None) => title,
        (false, Some(said)) => format!("{title}: {said}"),
        (true, Some(_)) | (true, None) => plain(page),
    }
}

/// The text of the first element of this name.
fn element(page: &str, name: &str) -> Option<String> {
    let mut from = 0;
    let opening = format!("<{name}");
    for _ in 0..64 {
        let start = from + find(&page[from..], &opening)? + opening.len();
        from = start;
        if page[start..].starts_with(|next: char| next == '>' || next.is_whitespace()) {
            let inner = start + page[start..].find('>')? + 1;
            let end = find(&page[inner..], &format!("</{name}")).map_or(page.len(), |length| inner + length);
            return Some(plain(&page[inner..end]));
        }
    }
    None
}

/// The text without tags, scripts and styles, blanks joined.
pub fn plain(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        out.push(' ');
        rest = behind_tag(&rest[start..]);
    }
    out.push_str(rest);
    let words = unescape(&out);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What follows a tag; of scripts, styles and comments, what follows their end.
fn behind_tag(tag: &str) -> &str {
    for (opening, closing) in [("<script", "</script"), ("<style", "</style"), ("<!--", "-->")] {
        if tag.get(..opening.len()).is_some_and(|start| start.eq_ignore_ascii_case(opening)) {
            return find(tag, closing).map_or("", |end| past(&tag[end..]));
        }
    }
    past(tag)
}

fn past(tag: &str) -> &str {
    tag.find('>').map_or("", |end| &tag[end + 1..])
}

fn unescape(text: &str) -> String {
    const NAMES: [(&str, &str); 6] = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    NAMES.iter().fold(text.to_owned(), |text, (name, character)| text.replace(name, character))
}

/// Finds an ASCII word, lower case, in a text of any case.
fn find(text: &str, word: &str) -> Option<usize> {
    let (bytes, word) = (text.as_bytes(), word.as_bytes());
    memchr::memchr_iter(word[0], bytes).find(|&at| bytes.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_say_what_people_read() {
        let nginx = "<html>\r\n<head><title>404 Not Found</title></head>\n<body><center><h1>404 Not Found</h1></center><hr><center>nginx</center></body></html>";
        assert_eq!(message(nginx), "404 Not Found");
        let edge = "<!DOCTYPE html><TITLE>Just a moment...</TITLE><script>if (a<b) {}</script><p class=x>Enable &amp; wait</p>";
        assert_eq!(message(edge), "Just a moment...: Enable & wait");
        assert_eq!(message("<h1>502 Bad Gateway</h1>\nno upstream"), "502 Bad Gateway no upstream");
        assert_eq!(message("<p"), "");
    }

    #[test]
    fn pages_are_told_from_text() {
        assert!(is_page(" <!-- x --> <!DOCTYPE html>") && is_page("<HTML lang=en>") && is_page("<?xml version=\"1.0\"?><html/>"));
        assert!(!is_page("<Error><Code>1</Code></Error>") && !is_page("<400> InternalError") && !is_page("text <html>") && !is_page(""));
    }
}
