use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

fn collect(encoding: Option<Encoding>, cap: usize, pieces: &[&[u8]]) -> (Body, Option<Fault>) {
    let mut collector = Collector::new(encoding, cap);
    for (index, piece) in pieces.iter().enumerate() {
        if !collector.take(piece, index as f64) {
            break;
        }
    }
    collector.finish(99.0, true)
}

proptest! {
    #[test]
    fn any_split_of_a_gzip_body_decodes_to_the_same(text in proptest::collection::vec(any::<u8>(), 1..3000), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let packed = gzip(&text);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(packed.len())).collect();
        cuts.extend([0, packed.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let pieces: Vec<_> = cuts.windows(2).map(|pair| &packed[pair[0]..pair[1]]).collect();
        let (body, fault) = collect(Some(Encoding::Gzip), 1 << 20, &pieces);
        prop_assert_eq!(&body.bytes, &text);
        prop_assert_eq!(fault, None);
        prop_assert_eq!(body.arrivals.last().map(|last| last.end as usize), Some(text.len()));
        prop_assert_eq!(body.wire_bytes as usize, packed.len());
        prop_assert!(body.arrivals.windows(2).all(|pair| pair[0].end < pair[1].end));
    }

    #[test]
    fn any_bytes_are_taken_in_any_encoding(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..8), which in 0..4usize) {
        let encoding = [None, Some(Encoding::Gzip), Some(Encoding::Deflate), Some(Encoding::Brotli)][which];
        let pieces: Vec<_> = pieces.iter().map(Vec::as_slice).collect();
        let (body, _) = collect(encoding, 1000, &pieces);
        prop_assert!(body.bytes.len() <= 1000);
        prop_assert_eq!(body.arrivals.last().map_or(0, |last| last.end as usize), body.bytes.len());
    }
}

#[test]
fn every_encoding_is_undone_as_it_comes() {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(b"data: one\n\n").expect("memory");
    zlib.flush().expect("memory");
    let first = zlib.get_ref().len();
    zlib.write_all(b"data: two\n\n").expect("memory");
    let zlib = zlib.finish().expect("memory");
    let (body, fault) = collect(Some(Encoding::Deflate), 1000, &[&zlib[..first], &zlib[first..]]);
    assert_eq!((body.text().as_ref(), fault), ("data: one\n\ndata: two\n\n", None));
    assert_eq!(body.arrivals, [Arrival { at_ms: 0.0, end: 11 }, Arrival { at_ms: 1.0, end: 22 }]);

    let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
    raw.write_all(b"hello").expect("memory");
    let (body, _) = collect(Some(Encoding::Deflate), 1000, &[&raw.finish().expect("memory")]);
    assert_eq!((body.text().as_ref(), body.encoding), ("hello", Some(Encoding::Deflate)));

    // "hello" in one uncompressed metablock, then the empty last one.
    let brotli = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];
    let (body, fault) = collect(Some(Encoding::Brotli), 1000, &[&brotli]);
    assert_eq!((body.text().as_ref(), body.encoding, fault), ("hello", Some(Encoding::Brotli), None));
}

#[test]
fn a_flushed_event_is_there_before_the_stream_ends() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"data: one\n\n").expect("memory");
    encoder.flush().expect("memory");
    let (body, fault) = collect(Some(Encoding::Gzip), 1000, &[encoder.get_ref()]);
    assert_eq!((body.text().as_ref(), fault), ("data: one\n\n", None));
}

#[test]
fn plain_bytes_that_claim_to_be_encoded_are_kept() {
    for encoding in [Encoding::Gzip, Encoding::Deflate, Encoding::Brotli] {
        let (body, fault) = collect(Some(encoding), 1000, &[b"data: {\"a\":1}\n\n", b"data: [DONE]\n\n"]);
        assert_eq!(body.text(), "data: {\"a\":1}\n\ndata: [DONE]\n\n", "{encoding:?}");
        assert_eq!(body.encoding, None);
        assert_eq!(fault.map(|fault| fault.kind), Some(FaultKind::Encoding));
        assert_eq!(body.arrivals.last().map(|last| last.end), Some(29));
    }
}

#[test]
fn an_empty_gzip_body_is_empty() {
    let (body, fault) = collect(Some(Encoding::Gzip), 1000, &[&gzip(b"")]);
    assert_eq!((body.bytes.len(), body.arrivals.len(), body.encoding, fault), (0, 0, Some(Encoding::Gzip), None));
}

#[test]
fn the_beginning_of_an_encoded_body_is_no_encoding_fault() {
    let mut collector = Collector::new(Some(Encoding::Gzip), 1000);
    assert!(collector.take(&gzip(b"hello")[..10], 1.0));
    let (body, fault) = collector.finish(2.0, false);
    assert_eq!((body.bytes.len(), body.wire_bytes, fault), (0, 10, None));
}

#[test]
fn a_bomb_stops_at_the_bound() {
    let bomb = gzip(&vec![0; 20 << 20]);
    let (body, fault) = collect(Some(Encoding::Gzip), 100_000, &[&bomb]);
    assert_eq!((body.bytes.len(), body.clipped, fault), (100_000, true, None));
}

#[test]
fn exactly_as_much_as_fits_is_not_clipped() {
    let (body, _) = collect(None, 5, &[b"hello"]);
    assert!(!body.clipped);
    let (body, _) = collect(None, 5, &[b"hello", b"!"]);
    assert_eq!((body.text().as_ref(), body.clipped), ("hello", true));
}

#[test]
fn a_million_arrivals_run_together() {
    let mut collector = Collector::new(None, 2 << 20);
    for at in 0..1_000_000 {
        assert!(collector.take(b"x", f64::from(at)));
    }
    let (body, _) = collector.finish(0.0, true);
    assert_eq!(body.arrivals.len(), ARRIVALS);
    assert_eq!(body.arrivals.last(), Some(&Arrival { at_ms: 999_999.0, end: 1_000_000 }));
}
