//! How boxes on the way are told to pass a stream on as it comes.

use std::sync::LazyLock;

use serde::Deserialize;

use super::rows;

/// One box that may collect what it should pass on, from `buffers.toml`.
#[derive(Debug, Deserialize)]
pub struct Buffer {
    /// The box, as its fingerprints name it.
    #[serde(rename = "box")]
    pub box_: String,
    /// The name of the setting that decides.
    pub setting: String,
    /// What to do; a sentence after "it answered here: ".
    pub fix: String,
    /// Where it is documented.
    pub source: String,
}

static BUFFERS: LazyLock<Vec<Buffer>> = LazyLock::new(|| rows(data!("buffers")));

/// What is known of the first of these boxes that is known to collect streams.
pub fn buffer(boxes: &[&str]) -> Option<&'static Buffer> {
    BUFFERS.iter().find(|row| boxes.contains(&row.box_.as_str()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::fingerprints;
    use super::*;

    #[test]
    fn every_box_can_be_recognised() {
        let known: HashSet<&str> = fingerprints().iter().map(|row| row.box_.as_str()).collect();
        for row in BUFFERS.iter() {
            assert!(known.contains(row.box_.as_str()), "{}", row.box_);
            assert!(row.fix.ends_with('.') && row.source.starts_with("https://") && !row.setting.is_empty(), "{}", row.box_);
        }
    }
}
