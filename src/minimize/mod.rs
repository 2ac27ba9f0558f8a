//! Delta debugging: which smallest parts of a set make a test fail?

mod links;
mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use links::Links;
pub use search::minimize;

/// A set of parts, by index.
pub type Parts = BTreeSet<usize>;

/// What a test with some of the parts showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// It passes.
    Passes,
    /// It fails in the way that is looked for; the parts that the failure itself names.
    Fails(Parts),
    /// It failed for another reason (a limit, a break): it says nothing about the parts and is repeated.
    Unrelated,
    /// It fails in a way of its own, as a request does that lost too much; asking again would not change that.
    Unclear,
    /// It could not be made, and no further one can.
    Impossible,
}

/// The minimal failing sets, and whether leaving them out passes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Minimal {
    /// Sets that each fail on their own (with what they make no sense without); no part of a set may be left out of it.
    pub culprits: Vec<Parts>,
    /// The largest set that was seen to pass: everything but one part of each culprit. `None` when no end was reached.
    pub largest: Option<Parts>,
    /// More parts are needed for a failure than are searched for.
    pub crowd: Option<Crowd>,
}

/// A failure that takes many parts: as a limit on their number or size would show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    /// The smallest set that was seen to fail.
    pub fails: Parts,
    /// The same without its last part, which passes.
    pub passes: Parts,
}
