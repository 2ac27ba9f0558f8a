//! `capture`: a relay that a client is pointed at. It passes everything on, byte for byte and as it comes, and keeps what passed by.
//!
//! Every connection of a client gets one of its own to the upstream, and what happens to one happens to the other: a client that goes away
//! cancels its request at once, an upstream that breaks off in the middle breaks off for the client too. Only where that cannot be (the
//! upstream is not reached at all) the relay speaks itself, and says so ([`RELAY_HEADER`]).

mod answer;
mod journal;
mod keep;
mod lane;
mod pass;
mod record;
mod relay;
mod secrets;
mod tap;
mod wire;

pub use answer::RELAY_HEADER;
pub use journal::Journal;
pub use keep::Keeper;
pub use record::{Passed, Sink};
pub use relay::Relay;
