//! The bytes at a fault of a stream, as they came.

use super::Shown;
use crate::dialect::{Reading, StreamEnd};

/// Rows of a dump, at most; one stands in front of the fault's own.
const ROWS: usize = 5;
/// Bytes of a row where there is room, and where there is not.
const WIDE: usize = 16;
const NARROW: usize = 8;
/// Columns that a row of sixteen bytes needs.
const ROOM: usize = 76;
/// Bytes kept on either side: room for a row that begins elsewhere, and for a host name that reaches into the rows.
const AROUND: usize = 320;
/// Faults of one stream whose bytes are kept.
const FAULTS: usize = 4;

/// Bytes around a fault, scrubbed of secrets as all evidence is.
#[derive(Debug, Clone, PartialEq)]
pub struct Dump {
    /// The fault's kind; `cut` for the end of a stream that broke off, `start` for an answer that is no stream.
    pub kind: &'static str,
    /// Where it shows in the body.
    pub offset: usize,
    /// Offset of the first byte kept.
    start: usize,
    bytes: Vec<u8>,
}

impl Dump {
    /// What is worth seeing of an answer to a streamed request.
    pub fn of(shown: &Shown) -> Vec<Dump> {
        let Some(response) = shown.response().filter(|response| shown.asks_stream() && (200..300).contains(&response.status)) else {
            return Vec::new();
        };
        let bytes = &response.body.bytes;
        let places: Vec<(&'static str, usize)> = match &shown.reading {
            Reading::Stream(stream) => {
                let cut = matches!(stream.end, StreamEnd::Cut | StreamEnd::Silent).then_some(("cut", bytes.len()));
                stream.faults.iter().map(|fault| (fault.kind, fault.offset)).take(FAULTS).chain(cut).collect()
            }
            Reading::Completion(_) => Vec::new(),
            _ => vec![("start", 0)],
        };
        places.into_iter().filter(|_| !bytes.is_empty()).map(|(kind, offset)| Dump::at(kind, offset, bytes)).collect()
    }

    fn at(kind: &'static str, offset: usize, bytes: &[u8]) -> Dump {
        let offset = offset.min(bytes.len());
        let (start, end) = (offset.saturating_sub(AROUND), bytes.len().min(offset + AROUND));
        Dump { kind, offset, start, bytes: bytes[start..end].to_vec() }
    }

    /// What is shown, in words.
    pub fn caption(&self) -> String {
        match self.kind {
            "cut" => format!("the last of {} bytes", self.offset),
            "start" => "the first bytes".to_owned(),
            kind => format!("around byte {} ({kind})", self.offset),
        }
    }

    /// Rows of offset (decimal), bytes and their ASCII; the byte at the fault stands in brackets.
    pub fn lines(&self, columns: usize) -> Vec<String> {
        let wide = if columns < ROOM { NARROW } else { WIDE };
        let last = self.start + self.bytes.len();
        let own = self.offset.min(last.saturating_sub(1)) / wide;
        let first = own.saturating_sub(if self.offset == last { ROWS - 2 } else { 1 });
        let rows = (first..first + ROWS).map(|row| (row * wide, (row + 1) * wide));
        let rows = rows.map(|(from, to)| (from.max(self.start), to.min(last))).filter(|(from, to)| from < to);
        rows.map(|(from, to)| self.row(from, to, wide)).collect()
    }

    fn row(&self, from: usize, to: usize, wide: usize) -> String {
        let bytes = &self.bytes[from - self.start..to - self.start];
        let mut hex = String::new();
        for (at, byte) in (from..).zip(bytes) {
            let edge = match self.offset {
                offset if offset == at => '[',
                offset if offset + 1 == at && at > from => ']',
                _ => ' ',
            };
            hex += &format!("{edge}{byte:02x}");
        }
        hex.push(if self.offset + 1 == to { ']' } else { ' ' });
        let ascii: String = bytes.iter().map(|byte| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' }).collect();
        format!("{from:>6} {hex:0$} {ascii}", wide * 3 + 1)
    }

    /// Blots names out; what is left has the same length.
    pub fn blot(&mut self, names: &[String]) {
        let lower = self.bytes.to_ascii_lowercase();
        for name in names {
            for at in memchr::memmem::find_iter(&lower, name.as_bytes()) {
                self.bytes[at..at + name.len()].fill(b'x');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"data: {\"a\":1}\n\ndata: : ping\x1b[31m\n\ndata: \xc3\xa9 gw.corp.example\n\ndata: [DONE]\n\n";

    #[test]
    fn the_byte_at_the_fault_stands_in_brackets() {
        let lines = Dump::at("comment-as-data", 15, BODY).lines(80);
        let expected = [
            "     0  64 61 74 61 3a 20 7b 22 61 22 3a 31 7d 0a 0a[64] data: {\"a\":1}..d",
            "    16  61 74 61 3a 20 3a 20 70 69 6e 67 1b 5b 33 31 6d  ata: : ping.[31m",
            "    32  0a 0a 64 61 74 61 3a 20 c3 a9 20 67 77 2e 63 6f  ..data: .. gw.co",
            "    48  72 70 2e 65 78 61 6d 70 6c 65 0a 0a 64 61 74 61  rp.example..data",
            "    64  3a 20 5b 44 4f 4e 45 5d 0a 0a                    : [DONE]..",
        ];
        assert_eq!(lines, expected, "{}", lines.join("\n"));
    }

    #[test]
    fn any_place_of_any_body_fits() {
        for length in [0, 1, 15, 16, 17, BODY.len()] {
            for offset in 0..=BODY.len() + 5 {
                let mut dump = Dump::at("not-json", offset, &BODY[..length]);
                dump.blot(&["corp.example".to_owned(), String::new()]);
                for columns in [0, 60, 80] {
                    let lines = dump.lines(columns);
                    assert!(lines.len() <= ROWS && lines.iter().all(|line| line.len() <= 76 && line.is_ascii()), "{lines:?}");
                    assert!(!lines.concat().contains('\x1b'));
                    let marked = lines.iter().filter(|line| line[6..].starts_with(' ') && line[..60.min(line.len())].contains('[')).count();
                    assert!(length == 0 || offset >= length || marked >= 1, "{offset} of {length}: {lines:?}");
                }
            }
        }
    }

    #[test]
    fn names_are_blotted_out_across_rows() {
        let mut dump = Dump::at("not-json", 35, BODY);
        dump.blot(&["gw.corp.example".to_owned()]);
        let text = dump.lines(80).concat();
        assert!(!text.contains("corp") && !text.contains("63 6f") && text.contains("xxxxx"), "{text}");
    }
}
