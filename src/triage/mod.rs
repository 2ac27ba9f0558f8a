//! `triage`: failures found in a pasted text, and the failure modes that they point at, without a network.

mod alike;
mod answer;
pub mod captured;
mod input;
mod named;
mod particulars;
pub mod request;
mod sighting;
mod weigh;

pub use input::{LARGEST, Unreadable, sightings};
pub use named::{Named, Settle, Triage, check};
pub use particulars::{Particulars, boxes};
pub use sighting::{Form, Sighting};
pub use weigh::{Candidate, Grounds, Weighed, weigh};
