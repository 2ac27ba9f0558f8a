//! Foreign text made harmless: what a server sent may not move a cursor, hide, reorder or flood what we say.

/// Longest account or message, in characters.
pub const MESSAGE: usize = 300;
/// Longest passage of our own with foreign words in it, in characters.
pub const PASSAGE: usize = 600;
/// Longest id or name, in characters.
pub const NAME: usize = 80;
/// Longest URL, in characters.
pub const URL: usize = 400;

/// The text on one line of at most `max` characters: white space runs become one blank, control characters become visible (ESC is `␛`),
/// invisible and reordering ones become `\u{…}`, and what is too long ends in `…`.
///
/// ```
/// use llmdoctor::report::neutral::inline;
/// assert_eq!(inline("a\r\n\tb\x1b[31m\u{202e}", 80), "a b␛[31m\\u{202e}");
/// assert_eq!(inline("abcdef", 4), "abc…");
/// ```
pub fn inline(text: &str, max: usize) -> String {
    let mut line = Line { out: String::new(), cut: 0, length: 0, max, marks: 0 };
    let mut blank = false;
    for c in text.trim().chars() {
        if c.is_whitespace() {
            blank = true;
            continue;
        }
        if (blank && !line.push(" ")) || !line.push_char(c) {
            return line.clipped();
        }
        blank = false;
    }
    line.out
}

/// A line that grows up to its limit, and knows where to cut itself for an ellipsis.
struct Line {
    out: String,
    cut: usize,
    length: usize,
    max: usize,
    marks: usize,
}

impl Line {
    fn push_char(&mut self, c: char) -> bool {
        self.marks = if is_combining(c) { self.marks + 1 } else { 0 };
        match shown(c) {
            Some(visible) => self.push(&visible),
            None if self.marks > 3 => true,
            None => self.push(c.encode_utf8(&mut [0; 4])),
        }
    }

    /// False when the piece does not fit.
    fn push(&mut self, piece: &str) -> bool {
        let length = self.length + piece.chars().count();
        if length > self.max {
            return false;
        }
        self.out.push_str(piece);
        self.length = length;
        if length < self.max {
            self.cut = self.out.len();
        }
        true
    }

    fn clipped(mut self) -> String {
        self.out.truncate(self.cut);
        if self.max > 0 {
            self.out.push('…');
        }
        self.out
    }
}

/// What stands for a character that must not be printed as it is; `None` for all others.
fn shown(c: char) -> Option<String> {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).map(String::from),
        '\x7f' => Some("␡".to_owned()),
        _ if is_hidden(c) => Some(format!("\\u{{{:x}}}", c as u32)),
        _ => None,
    }
}

/// Characters that show nothing or reorder what stands around them.
pub(super) fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Marks that stack upon the character before them.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// The text in ASCII: typographic characters become their plain forms, others `\u{…}`.
pub fn ascii(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    text.chars().map(|c| if c.is_ascii() { c.to_string() } else { plain(c) }).collect()
}

fn plain(c: char) -> String {
    let known = match c {
        '“' | '”' | '„' | '«' | '»' => "\"",
        '‘' | '’' | '›' | '‹' => "'",
        '…' => "...",
        '–' | '—' | '−' | '·' | '‑' => "-",
        '→' => "->",
        '×' => "x",
        '≥' => ">=",
        '≤' => "<=",
        'µ' | 'μ' => "u",
        '␛' => "\\x1b",
        _ => return format!("\\u{{{:x}}}", c as u32),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_its_limit_even_where_an_escape_would_cross_it() {
        for max in 0..12 {
            let line = inline("ab\u{200b}cd\u{202e}\x1bé日本", max);
            assert!(line.chars().count() <= max, "{max}: {line}");
        }
        assert_eq!(inline("日本語日本語", 3), "日本…");
        assert_eq!(inline("abc", 3), "abc");
    }

    proptest::proptest! {
        #[test]
        fn any_text_becomes_one_bounded_visible_line(text in "(.|\\s|\\p{Cf}|\\p{Cc}){0,60}", max in 0usize..90) {
            let line = inline(&text, max);
            proptest::prop_assert!(line.chars().count() <= max);
            proptest::prop_assert!(!line.chars().any(|c| c.is_control() || is_hidden(c)), "{:?}", line);
            proptest::prop_assert!(ascii(&line).is_ascii());
        }
    }

    #[test]
    fn controls_bidi_and_zero_widths_show() {
        let line = inline("\x07\x7f\u{9b}31m a\u{200b}b\u{2066}c\u{feff}d\u{e0041}", 200);
        assert_eq!(line, "␇␡\\u{9b}31m a\\u{200b}b\\u{2066}c\\u{feff}d\\u{e0041}");
    }

    #[test]
    fn marks_do_not_pile_up() {
        let line = inline(&format!("e{}x", "\u{301}".repeat(50)), 80);
        assert_eq!(line.chars().count(), 5);
    }

    #[test]
    fn ascii_has_no_other_characters() {
        assert_eq!(ascii("“a” – b… ✓é"), "\"a\" - b... \\u{2713}\\u{e9}");
    }
}
