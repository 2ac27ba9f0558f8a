//! Any bytes, in any pieces.

use proptest::prelude::*;

use super::super::standard;
use super::*;

/// Bytes that are likely to hit the branches of decoders.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&str; 18] = [
        "data: ",
        "data:",
        "data",
        "event: x\n",
        "event\n",
        "id: 1\n",
        "retry: +5\n",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        ": c\n",
        ":\n",
        "\u{feff}",
        "é",
        "\0",
        "a",
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}",
    ];
    let piece = prop_oneof![
        8 => proptest::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 1..5),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// What decides whether clients agree.
fn plain(seen: &Seen) -> (usize, usize, String, bool, Option<Loss>) {
    (seen.events, seen.pieces, seen.text.clone(), seen.ends, seen.loses)
}

proptest! {
    /// The crate and our decoder read the same events out of any bytes.
    #[test]
    fn the_standard_is_read_alike_by_two(bytes in bytes()) {
        let decoded = sse::decode(&bytes);
        let name = |name: &str| if name.is_empty() { "message".to_owned() } else { name.to_owned() };
        let ours: Vec<_> = standard::dispatched(&decoded).map(|(_, event, data)| (name(event), data.to_owned())).collect();
        let theirs: Vec<_> = standard::read(&bytes).expect("small").into_iter().map(|event| (event.event, event.data)).collect();
        prop_assert_eq!(ours, theirs);
    }

    /// How the bytes were split changes nothing, but for those that look at network chunks.
    #[test]
    fn splits_matter_to_nobody_else(bytes in bytes(), cuts in proptest::collection::vec(0..400usize, 0..6)) {
        let front = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";
        let bytes = [&front[..], &bytes].concat();
        let mut ends: Vec<_> = cuts.into_iter().map(|at| at % (bytes.len() + 1)).chain([bytes.len()]).collect();
        ends.sort_unstable();
        let (whole, mut split) = (streamed(&bytes), streamed(&bytes));
        response(&mut split).body.arrivals = ends.into_iter().map(|end| Arrival { at_ms: 2.0, end: end as u32 }).collect();
        for (one, other) in views_of(&whole).seen.iter().zip(&views_of(&split).seen) {
            if !matches!(one.model.id, "chunk-as-event" | "chunk-utf8") {
                prop_assert_eq!(plain(one), plain(other), "{}", one.model.id);
            }
            prop_assert!(other.loses.is_none_or(|loss| loss.offset <= bytes.len()));
        }
    }
}
