//! Any bytes, in any pieces.

use proptest::prelude::*;

use super::*;
use crate::evidence::Arrival;

/// Bytes that are likely to hit the reader's branches.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&str; 24] = [
        "data: ",
        "data:",
        "Data: ",
        "event: error\n",
        "\n",
        "\n\n",
        "\r\n\r\n",
        "\r",
        ": ping\n",
        "[DONE]",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "{}",
        "error: x\n",
        "{\"error\":\"x\"}",
        "<html>",
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}",
        "{\"done\":false,\"model\":\"m\"}\n",
        "null",
        "{\"type\":\"message_start\"}",
        "{\"candidates\":[]},",
    ];
    let piece = prop_oneof![
        6 => proptest::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 1..8),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn summary(reading: &Reading) -> String {
    match reading {
        Reading::Stream(stream) => format!("{:?}", StreamReading { content_ms: Vec::new(), ..(**stream).clone() }),
        other => format!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_offsets_rise(bytes in bytes(), status in prop_oneof![Just(200u16), Just(500), Just(302)], kind in 0..3u8) {
        let mut exchange = streamed(&bytes);
        response(&mut exchange).status = status;
        if kind > 0 {
            exchange = cut(exchange, if kind == 1 { FaultKind::Reset } else { FaultKind::Stalled });
        }
        if let Reading::Stream(stream) = read(&exchange) {
            prop_assert!(stream.event_ends.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(stream.faults.iter().all(|fault| fault.offset <= bytes.len()));
            prop_assert!(stream.faults.windows(2).all(|pair| pair[0].offset <= pair[1].offset));
        }
    }

    #[test]
    fn arrivals_change_nothing_but_times(bytes in bytes(), at in 0..1000usize) {
        let whole = streamed(&bytes);
        let mut pieces = streamed(&bytes);
        let length = u32::try_from(bytes.len()).expect("short");
        let middle = u32::try_from(at % (bytes.len() + 1)).expect("short");
        response(&mut pieces).body.arrivals = vec![Arrival { at_ms: 1.0, end: middle }, Arrival { at_ms: 9.0, end: length }];
        prop_assert_eq!(summary(&read(&whole)), summary(&read(&pieces)));
    }

    #[test]
    fn line_ends_change_nothing_but_offsets(texts in proptest::collection::vec("[a-z]{1,6}", 0..6)) {
        let bytes = texts.iter().map(|text| event(&said(text))).collect::<String>() + &event(FINISH) + &event("[DONE]");
        let expected = stream(&bytes);
        for end in ["\r\n", "\r"] {
            let reading = stream(&bytes.replace('\n', end));
            prop_assert_eq!((&reading.text, reading.end, reading.events), (&expected.text, expected.end, expected.events));
        }
    }

    /// Regular chunks are read without a tree; one member that nobody knows takes the way by the tree.
    #[test]
    fn both_ways_of_reading_a_chunk_agree(
        texts in proptest::collection::vec("[a-z\u{e9}\u{2028} ]{0,4}(\\\\n|\\\\u00e9|\"|\"x|é\"|\\\\\"|\\\\ud83d)?", 0..6),
        roles in proptest::collection::vec(proptest::sample::select(vec!["", "\"role\":\"assistant\",", "\"role\":null,", "\"role\":\"\","]), 6),
        rest in proptest::sample::select(vec!["", ",\"reasoning_content\":\"hm\"", ",\"refusal\":null", ",\"refusal\":\"no\"", ",\"tool_calls\":null", ",\"content\":\"again\""]),
    ) {
        let chunks: Vec<String> = texts.iter().zip(&roles).map(|(text, role)| delta(&format!("{{{role}\"content\":\"{text}\"{rest}}}"))).collect();
        let read = |change: &dyn Fn(&str) -> String| {
            let bytes = chunks.iter().map(|chunk| event(&change(chunk))).collect::<String>() + &event(FINISH) + &event("[DONE]");
            let reading = stream(&bytes);
            (format!("{:?}", faults(&reading)), reading.text, reading.reasoning, reading.models, reading.end, reading.content_ms.len(), reading.dialect)
        };
        let (regular, tree) = (read(&str::to_owned), read(&|chunk| chunk.replacen('{', "{\"x\":0,", 1)));
        prop_assert_eq!(regular, tree);
    }
}
