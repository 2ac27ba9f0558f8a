//! What a pasted failure shows beside the words of an error: addresses, answers of the wrong kind, what clients and people say of it.

use super::signatures::{Example, Needs, Row, Signature, Text, Words};
use super::{ErrorText, Pattern, Strength};

/// A failure as somebody saw it.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The innermost error and the whole piece of text; see [`ErrorText::raw`].
    pub error: ErrorText<'a>,
    /// URL or path of the request; empty when it is not shown.
    pub url: &'a str,
    /// True when a stream was asked for.
    pub stream: Option<bool>,
    /// Media type of the answer, lower case without parameters; empty when it is not shown.
    pub media_type: &'a str,
}

/// A sign of a failure mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// Id of the failure mode that it points at.
    pub mode: &'static str,
    /// How surely.
    pub strength: Strength,
    /// What the text names.
    pub named: Option<String>,
    /// The row of `signs.toml` that fits.
    pub row: &'static str,
    /// Where that row was documented or seen.
    pub source: &'static str,
}

/// What a row points at, and what it asks for beside the text.
#[derive(Debug)]
pub(super) struct Pointer {
    pub mode: &'static str,
    /// What the URL or path of the request must match.
    url: Option<Pattern>,
    /// Whether a stream was asked for.
    stream: Option<bool>,
    /// What the media type of the answer must match.
    media: Option<Pattern>,
}

impl Pointer {
    fn fits(&self, scene: &Scene) -> bool {
        let url = |pattern: &Pattern| !scene.url.is_empty() && pattern.is_match(scene.url);
        let media = |pattern: &Pattern| !scene.media_type.is_empty() && pattern.is_match(scene.media_type);
        self.url.as_ref().is_none_or(url)
            && self.media.as_ref().is_none_or(media)
            && self.stream.is_none_or(|stream| scene.stream == Some(stream))
    }
}

// `SIGNS`: one file per family of failure modes. Phrases as in `errors.toml`, held against the innermost message and the whole piece of text.
include!(concat!(env!("OUT_DIR"), "/signs.rs"));

// `TOLD`, from `signs/prose.toml`: what people say of failures that no error text shows.
include!(concat!(env!("OUT_DIR"), "/prose.rs"));

/// What programs show that points at a failure mode, in the order of the files.
pub fn signs(scene: &Scene) -> Vec<Sign> {
    shown(&SIGNS, scene)
}

/// What people say that points at a failure mode, in the order of the file.
pub fn hearsay(scene: &Scene) -> Vec<Sign> {
    shown(&TOLD, scene)
}

fn shown(rows: &'static [Row<Pointer>], scene: &Scene) -> Vec<Sign> {
    let text = Text::of(&scene.error);
    let has_status = |row: &Row<Pointer>| row.signature.status.is_empty() || scene.error.status.is_some();
    let fitting = text.fitting(rows).filter(|(row, _)| has_status(row) && row.says.fits(scene));
    fitting
        .map(|(row, strength)| Sign { mode: row.says.mode, strength, named: text.named(&row.signature), row: row.id, source: row.source })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_usable() {
        let mut seen = std::collections::BTreeSet::new();
        for row in SIGNS.iter().chain(TOLD.iter()) {
            assert!(seen.insert(row.id), "{} stands twice", row.id);
            assert!(row.source.starts_with("https://"), "{} has no source", row.id);
            for phrase in [row.signature.any, row.signature.all, row.signature.not].into_iter().flat_map(Words::iter) {
                assert!(!phrase.contains('\\') && *phrase == *super::super::plain_quotes(&phrase.to_lowercase()), "{}: {phrase}", row.id);
            }
        }
    }

    /// The scene of a row's example.
    fn scene(row: &Row<Pointer>) -> Scene<'_> {
        let status = row.signature.status.first().copied();
        let error =
            ErrorText { status, code: None, kind: None, param: None, message: row.example.text(), headers: &[], raw: row.example.text() };
        Scene { error, url: "", stream: row.says.stream, media_type: "" }
    }

    #[test]
    fn every_example_shows_its_sign_and_none_as_strong_of_another_mode() {
        let rows = SIGNS.iter().filter(|row| !row.example.text().is_empty() && row.says.url.is_none() && row.says.media.is_none());
        let wrong = rows.filter_map(|row| {
            let found = signs(&scene(row));
            let own = found.iter().find(|sign| sign.row == row.id);
            let other = found.iter().find(|sign| sign.mode != row.says.mode && own.is_none_or(|own| sign.strength <= own.strength));
            let said = || found.iter().map(|sign| sign.row).collect::<Vec<_>>();
            (own.is_none() || (row.strength == Strength::Strong && other.is_some())).then(|| format!("{}: {:?}", row.id, said()))
        });
        let wrong: Vec<_> = wrong.collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn what_people_say_is_told_apart() {
        let wrong = TOLD.iter().filter_map(|row| {
            let found = hearsay(&scene(row));
            let own = found.iter().any(|sign| sign.row == row.id);
            let rivals = found.iter().filter(|sign| sign.mode != row.says.mode && sign.strength <= row.strength).map(|sign| sign.row);
            let rivals: Vec<_> = rivals.collect();
            (!own || !rivals.is_empty()).then(|| format!("{}: found {own}, rivals {rivals:?}", row.id))
        });
        let wrong: Vec<_> = wrong.collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn praise_shows_nothing() {
        for said in ["It works fine.", "Everything is OK now, thanks, chat and streaming both work.", "一切正常", "問題なく動いています"]
        {
            let error = ErrorText { status: Some(200), code: None, kind: None, param: None, message: said, headers: &[], raw: said };
            let scene = Scene { error, url: "", stream: None, media_type: "" };
            let found = [signs(&scene), hearsay(&scene)].concat();
            assert_eq!(found.iter().map(|sign| sign.row).collect::<Vec<_>>(), Vec::<&str>::new(), "{said}");
        }
    }
}
