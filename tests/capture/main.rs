//! The relay between raw peers: what passes by must be the same on both sides, come at the same moment, and end in the same way.

mod endings;
mod files;
mod passing;
mod peers;
mod telling;
