//! Real failures of which it is known what they turned out to be, and which of them are most like one that is shown.

use super::signatures::{Words, is_known};
use super::tokens::Shown;

/// A real failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precedent {
    /// Id of the failure mode that it turned out to be.
    pub mode: &'static str,
    /// The thread that tells of it.
    pub source: &'static str,
}

/// A real failure that shares something with one that is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alike {
    /// The real one.
    pub precedent: Precedent,
    /// Cosine between the two sets of tokens, the rare ones counting more: 1 for the very same.
    pub likeness: f32,
}

/// A row as `build/precedents.rs` writes it: numbers only, since addresses would have to be relocated at every start.
struct Row {
    /// Place in `MODES`.
    mode: u8,
    /// 0 when no answer is shown.
    status: u16,
    /// Whether the answer said nothing.
    bare: bool,
    /// Length of the vector of its tokens.
    norm: f32,
    /// Where its tokens end in `HELD`; they begin where those of the row before end.
    end: u32,
    /// Where its source ends in `SOURCES`; the same holds of it.
    told: u32,
}

// `ROWS`, `MODES`, `SOURCES` (in the order of the rows), `TOKENS` (hash, number of rows that hold it; by hash)
// and `HELD` (places in `TOKENS`, row by row).
include!(concat!(env!("OUT_DIR"), "/precedents.rs"));

/// As many are asked what a failure like theirs turns out to be.
const NEAREST: usize = 12;
/// A failure under another status is as much less like one.
const OTHER_STATUS: f32 = 0.7;
/// What this share of all rows holds tells nothing.
const COMMON: f32 = 0.3;

/// The real failures most like the one shown, at most twelve, the likest first.
pub fn precedents(shown: &Shown) -> Vec<Alike> {
    let (asked, norm) = asked(shown);
    let mut likely: Vec<(f32, usize)> = Vec::new();
    let mut start = 0;
    for (place, row) in ROWS.iter().enumerate() {
        let end = row.end as usize;
        let shared: f32 = HELD[start..end].iter().map(|token| asked[usize::from(*token)]).sum();
        start = end;
        if shared > 0.0 {
            let same = shown.status.is_none_or(|status| row.status == 0 || row.status == status);
            likely.push((shared / (norm * row.norm) * if same { 1.0 } else { OTHER_STATUS }, place));
        }
    }
    likely.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let known = likely.into_iter().map(|(likeness, place)| Alike { precedent: precedent(place), likeness });
    known.filter(|alike| is_known(alike.precedent.source)).take(NEAREST).collect()
}

/// The real answers with this status that said nothing.
pub fn unspoken(status: u16) -> Vec<Precedent> {
    let rows = ROWS.iter().enumerate().filter(|(_, row)| row.bare && row.status == status);
    rows.map(|(place, _)| precedent(place)).filter(|precedent| is_known(precedent.source)).collect()
}

/// What each token counts (squared) if it is shown, by its place in `TOKENS`; and the length of the vector of all that is shown.
fn asked(shown: &Shown) -> (Vec<f32>, f32) {
    let mut counts = vec![0.0; TOKENS.len()];
    let mut length = 0.0;
    for token in shown.tokens() {
        let found = TOKENS.binary_search_by_key(&token, |(hash, _)| *hash).ok();
        let rows = found.map_or(0.0, |place| f32::from(TOKENS[place].1));
        let square = ((ROWS.len() as f32 + 1.0) / (rows + 0.5)).ln().powi(2);
        length += square;
        if let Some(place) = found.filter(|_| rows < ROWS.len() as f32 * COMMON) {
            counts[place] = square;
        }
    }
    (counts, length.sqrt().max(f32::MIN_POSITIVE))
}

fn precedent(place: usize) -> Precedent {
    let before = place.checked_sub(1).map_or(0, |before| ROWS[before].told as usize);
    let mode = MODES.iter().nth(usize::from(ROWS[place].mode)).expect("the build numbers the modes");
    Precedent { mode, source: &SOURCES[before..ROWS[place].told as usize] }
}

#[cfg(test)]
mod tests {
    use super::super::withholding;
    use super::*;

    const OVERLOADED: Shown = Shown {
        status: Some(529),
        method: "POST",
        url: "/v1/messages",
        stream: None,
        content_type: "",
        server: "",
        said: "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
    };

    #[test]
    fn every_row_is_usable() {
        assert_eq!(ROWS.last().map(|row| row.told as usize), Some(SOURCES.len()));
        assert_eq!(ROWS.last().map(|row| row.end as usize), Some(HELD.len()));
        assert!(TOKENS.is_sorted_by(|a, b| a.0 < b.0) && HELD.iter().all(|token| usize::from(*token) < TOKENS.len()));
        for (place, row) in ROWS.iter().enumerate() {
            assert!(precedent(place).source.starts_with("https://") && row.norm > 0.0, "row {place}");
        }
    }

    #[test]
    fn the_likest_come_first_and_mean_the_same() {
        let found = precedents(&OVERLOADED);
        assert!(found.len() == NEAREST && found.is_sorted_by(|a, b| a.likeness >= b.likeness), "{found:?}");
        assert_eq!(found[0].precedent.mode, "upstream-overloaded");
        assert!(found.iter().all(|alike| alike.likeness > 0.0 && alike.likeness <= 1.0001));
    }

    #[test]
    fn nothing_is_like_what_nobody_said() {
        let said = "zyxwv qponm";
        assert!(precedents(&Shown { said, ..Shown::default() }).iter().all(|alike| alike.likeness < 0.1));
    }

    #[test]
    fn what_is_withheld_is_no_precedent() {
        let source = precedents(&OVERLOADED)[0].precedent.source;
        let thread = source.split('#').next().unwrap_or(source).to_owned();
        let others = withholding([thread].into(), || precedents(&OVERLOADED));
        assert!(!others.is_empty() && others.iter().all(|alike| alike.precedent.source != source));
    }

    #[test]
    fn a_bare_status_has_turned_out_to_be_several_modes() {
        let modes: std::collections::BTreeSet<_> = unspoken(404).iter().map(|precedent| precedent.mode).collect();
        assert!(modes.len() > 1, "{modes:?}");
        assert!(unspoken(418).is_empty());
    }
}
