//! Compression, as gateways put it on streams.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use crate::sim::script::{Piece, collected, joined, piece};

/// The headers of a compressed event stream.
pub(super) const GZIP_SSE: &str = "Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\
    Vary: Accept-Encoding\r\nTransfer-Encoding: chunked\r\n";

/// All bytes as one gzip member.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // A Vec takes every write.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// One gzip stream, flushed after each piece, so that every event can be read when it arrives.
pub(super) fn flushed(pieces: &[Piece]) -> Vec<Piece> {
    piecewise(pieces, GzEncoder::new(Vec::new(), Compression::default()), GzEncoder::get_mut, GzEncoder::finish)
}

/// The same with the coding that HTTP calls deflate.
pub(super) fn deflated(pieces: &[Piece]) -> Vec<Piece> {
    piecewise(pieces, ZlibEncoder::new(Vec::new(), Compression::default()), ZlibEncoder::get_mut, ZlibEncoder::finish)
}

type Packed = std::io::Result<Vec<u8>>;

fn piecewise<E: Write>(pieces: &[Piece], mut encoder: E, out: fn(&mut E) -> &mut Vec<u8>, finish: fn(E) -> Packed) -> Vec<Piece> {
    let mut packed = Vec::new();
    for part in pieces {
        let _ = encoder.write_all(&part.bytes).and_then(|()| encoder.flush());
        packed.push(piece(part.wait, std::mem::take(out(&mut encoder))));
    }
    packed.push(piece(0.0, finish(encoder).unwrap_or_default()));
    packed
}

/// A compressor that nobody flushes: its ten bytes of head come at once, all the rest with the end.
pub(super) fn unflushed(pieces: &[Piece]) -> Vec<Piece> {
    let packed = gzip(&joined(pieces));
    let (head, rest) = packed.split_at(10);
    let end = collected(pieces).remove(0).wait;
    vec![piece(0.0, head), piece(end, rest)]
}

/// The pieces as a compressor's buffer lets them go: whenever some four to six thousand bytes have come, wherever events end.
pub(super) fn clumps(pieces: &[Piece]) -> Vec<Piece> {
    let sizes = [4700, 5900, 4300, 6100, 5300];
    let mut out: Vec<Piece> = vec![piece(0.0, [])];
    for part in pieces {
        let size = sizes[out.len() % sizes.len()];
        let last = out.len() - 1;
        out[last].wait += part.wait;
        out[last].bytes.extend_from_slice(&part.bytes);
        if out[last].bytes.len() >= size {
            let rest = out[last].bytes.split_off(size);
            out.push(piece(0.0, rest));
        }
    }
    out.retain(|part| !part.bytes.is_empty());
    out
}

/// The start, the middle and the end of a gzip stream; each repetition of the middle unpacks to eight mebibytes of zeros.
pub(super) fn bomb() -> [Vec<u8>; 3] {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Flushed, it ends on a whole byte and may follow itself. The checksum at the end is not right: nobody gets that far.
    let _ = encoder.write_all(&vec![0; 8 << 20]).and_then(|()| encoder.flush());
    let middle = std::mem::take(encoder.get_mut());
    [vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff], middle, vec![3, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
}
