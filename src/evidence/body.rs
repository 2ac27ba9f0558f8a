//! A body as it arrived: its bytes, and when each piece of it came.

use base64::Engine as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The bytes of a body after its content encoding was undone, scrubbed of secrets, with the time of every arrival.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Body {
    /// The bytes; at most [`crate::pace::Pace::max_body`].
    #[serde(serialize_with = "write_bytes", deserialize_with = "read_bytes")]
    pub bytes: Vec<u8>,
    /// When the bytes came; offsets rise, and the last one is the length of `bytes`.
    pub arrivals: Vec<Arrival>,
    /// Bytes on the wire, before the content encoding was undone.
    pub wire_bytes: u64,
    /// The content encoding that was undone, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// True when more came than was kept.
    #[serde(default)]
    pub clipped: bool,
}

/// One arrival: everything up to `end` was there at `at_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Arrival {
    /// Milliseconds after the request began.
    pub at_ms: f64,
    /// Offset behind the last byte of this arrival in [`Body::bytes`].
    pub end: u32,
}

/// A content encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// gzip
    Gzip,
    /// deflate, with or without the zlib head
    Deflate,
    /// brotli
    Brotli,
}

impl Body {
    /// A body of which only the whole is known, as if it had come at once at this time.
    pub fn whole(bytes: Vec<u8>, at_ms: f64) -> Self {
        let arrivals = Vec::from_iter((!bytes.is_empty()).then_some(Arrival { at_ms, end: bytes.len() as u32 }));
        Body { wire_bytes: bytes.len() as u64, arrivals, bytes, encoding: None, clipped: false }
    }

    /// The bytes as text; what is not UTF-8 becomes U+FFFD.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// When the byte at this offset had arrived, in milliseconds after the request began; `None` past the end.
    pub fn arrived_ms(&self, offset: usize) -> Option<f64> {
        let index = self.arrivals.partition_point(|arrival| arrival.end as usize <= offset);
        self.arrivals.get(index).map(|arrival| arrival.at_ms)
    }

    /// When the first byte came.
    pub fn first_ms(&self) -> Option<f64> {
        self.arrivals.first().map(|arrival| arrival.at_ms)
    }

    /// When the last byte came.
    pub fn last_ms(&self) -> Option<f64> {
        self.arrivals.last().map(|arrival| arrival.at_ms)
    }
}

/// Text stays text, so that people can read a saved run; anything else is base64 behind a prefix.
const BINARY: &str = "base64:";

fn write_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with(BINARY) => serializer.serialize_str(text),
        _ => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
            serializer.serialize_str(&format!("{BINARY}{encoded}"))
        }
    }
}

fn read_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.strip_prefix(BINARY) {
        None => Ok(text.into_bytes()),
        Some(encoded) => base64::engine::general_purpose::STANDARD.decode(encoded).map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_saving() {
        for bytes in [b"plain \xc3\xa9".to_vec(), b"\xff\x00".to_vec(), b"base64:x".to_vec()] {
            let body = Body { bytes: bytes.clone(), ..Body::default() };
            let saved = serde_json::to_string(&body).expect("serialises");
            let back: Body = serde_json::from_str(&saved).expect("deserialises");
            assert_eq!(back.bytes, bytes);
        }
    }

    #[test]
    fn an_offset_knows_its_arrival() {
        let arrivals = vec![Arrival { at_ms: 1.0, end: 3 }, Arrival { at_ms: 5.0, end: 4 }];
        let body = Body { bytes: b"abcd".to_vec(), arrivals, ..Body::default() };
        assert_eq!((body.arrived_ms(2), body.arrived_ms(3), body.arrived_ms(4)), (Some(1.0), Some(5.0), None));
    }
}
