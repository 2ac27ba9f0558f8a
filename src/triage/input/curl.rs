//! What `curl` printed, with or without the command line: `-v`, `-i`, `-w`, and its own errors.

use super::{command, part, transcript};
use crate::triage::{Form, Sighting};

/// Every exchange, in order; redirects that were followed and interim answers are no exchanges of their own. Empty for what is no transcript of curl.
///
/// curl's own errors have no status; their words are in [`Sighting::fault`].
pub fn read_all(piece: &str, first_line: usize) -> Vec<Sighting> {
    let text = part::clean(piece);
    if !is_transcript(&text) {
        return Vec::new();
    }
    transcript::read(&text, first_line, Form::Curl)
}

fn is_transcript(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let told = |line: &&str| transcript::tail::failure(line).is_some() || command::begins(line);
    lines.iter().any(told) || transcript::is_verbose(&lines)
}
