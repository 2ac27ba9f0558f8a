//! Undoing a content encoding piece by piece, never into more memory than is allowed.

use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::evidence::Encoding;

/// Takes bytes up to a bound.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) bytes: Vec<u8>,
    cap: usize,
    /// More came than there was room for.
    pub(super) full: bool,
}

impl Sink {
    pub(super) fn new(cap: usize) -> Self {
        Sink { bytes: Vec::new(), cap, full: false }
    }

    /// Takes what there is room for.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let room = self.cap - self.bytes.len();
        self.full |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes);
        if self.full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What came of a piece.
#[derive(Debug, PartialEq)]
pub(super) enum Fed {
    /// All is well.
    Good,
    /// The bound was reached.
    Full,
    /// The bytes are not in this encoding.
    Bad,
}

/// Undoes one encoding.
pub(super) enum Decoder {
    Gzip(MultiGzDecoder<Sink>),
    /// The first byte will tell whether there is a zlib head.
    Deflate(Sink),
    Zlib(ZlibDecoder<Sink>),
    RawDeflate(DeflateDecoder<Sink>),
    Brotli(Box<DecompressorWriter<Sink>>),
}

impl Decoder {
    /// A decoder that keeps at most `cap` bytes.
    pub(super) fn new(encoding: Encoding, cap: usize) -> Self {
        let sink = Sink::new(cap);
        match encoding {
            Encoding::Gzip => Decoder::Gzip(MultiGzDecoder::new(sink)),
            Encoding::Deflate => Decoder::Deflate(sink),
            Encoding::Brotli => Decoder::Brotli(Box::new(DecompressorWriter::new(sink, 16 * 1024))),
        }
    }

    /// Takes the next piece; everything that can be known from it is in [`Decoder::bytes`] afterwards.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Fed {
        self.decide(piece);
        let fed = self.writer().write_all(piece).and_then(|()| self.writer().flush());
        match fed {
            _ if self.sink().full => Fed::Full,
            Ok(()) => Fed::Good,
            // The compressed stream is over; what follows it is not part of the body.
            Err(error) if error.kind() == io::ErrorKind::WriteZero => Fed::Good,
            Err(_) => Fed::Bad,
        }
    }

    /// What is decoded so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.sink().bytes
    }

    /// Whether the bytes so far are a whole stream of this encoding.
    pub(super) fn is_whole(&mut self) -> bool {
        match self {
            Decoder::Gzip(decoder) => decoder.try_finish().is_ok(),
            Decoder::Deflate(_) => false,
            Decoder::Zlib(decoder) => decoder.try_finish().is_ok(),
            Decoder::RawDeflate(decoder) => decoder.try_finish().is_ok(),
            Decoder::Brotli(decoder) => decoder.close().is_ok(),
        }
    }

    /// The decoded bytes.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut self.sink_mut().bytes)
    }

    fn decide(&mut self, piece: &[u8]) {
        let (Decoder::Deflate(sink), Some(first)) = (&mut *self, piece.first()) else {
            return;
        };
        let sink = std::mem::take(sink);
        let has_zlib_head = first & 0x0f == 8 && first >> 4 <= 7;
        *self = if has_zlib_head { Decoder::Zlib(ZlibDecoder::new(sink)) } else { Decoder::RawDeflate(DeflateDecoder::new(sink)) };
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Decoder::Gzip(decoder) => decoder,
            Decoder::Deflate(sink) => sink,
            Decoder::Zlib(decoder) => decoder,
            Decoder::RawDeflate(decoder) => decoder,
            Decoder::Brotli(decoder) => decoder,
        }
    }

    fn sink(&self) -> &Sink {
        match self {
            Decoder::Gzip(decoder) => decoder.get_ref(),
            Decoder::Deflate(sink) => sink,
            Decoder::Zlib(decoder) => decoder.get_ref(),
            Decoder::RawDeflate(decoder) => decoder.get_ref(),
            Decoder::Brotli(decoder) => decoder.get_ref(),
        }
    }

    fn sink_mut(&mut self) -> &mut Sink {
        match self {
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Deflate(sink) => sink,
            Decoder::Zlib(decoder) => decoder.get_mut(),
            Decoder::RawDeflate(decoder) => decoder.get_mut(),
            Decoder::Brotli(decoder) => decoder.get_mut(),
        }
    }
}
