//! The rungs of the ladder: what each asks of the target, what it needs, and what it costs.

mod address;
mod asked;
mod bases;
mod burst;
mod bypass;
mod calls;
mod chat;
mod clients;
mod context;
mod ctx;
mod effects;
mod fields;
mod keys;
mod models;
mod names;
mod question;
mod stream;
mod sweep;
mod values;

pub use asked::Asked;
pub use ctx::{Ctx, Event};
pub use question::Question;

use std::future::Future;
use std::pin::Pin;

/// What a rung's work is: it asks through the context, which records everything.
pub type Work<'c> = Pin<Box<dyn Future<Output = ()> + 'c>>;

/// One rung.
pub struct Probe {
    /// Kebab-case; the name for `--only` and `--skip`.
    pub id: &'static str,
    /// What a reader of the report sees.
    pub title: &'static str,
    /// What it asks, in a sentence.
    pub asks: &'static str,
    /// Rungs of one stage run side by side; a stage starts when the one before it has ended.
    pub stage: u8,
    /// What must have held before; a rung whose need is not met is skipped with this reason.
    pub needs: Need,
    /// How many requests it takes on a healthy target.
    pub cost: &'static str,
    /// The work.
    pub run: for<'c> fn(&'c Ctx<'c>) -> Work<'c>,
}

/// What a rung needs of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// A connection.
    Connection,
    /// A connection and a model name.
    Model,
    /// An answered chat, streamed or not.
    Chat,
    /// A connection and a model name, in a run that is about a known client.
    Client,
    /// An answered chat, in a run that was asked for a burst.
    Burst,
    /// A connection and a model name, in a run that was told what stands behind the target.
    Upstream,
}

/// Every rung, in the order of the climb.
pub const LADDER: &[Probe] = &[
    address::PROBE,
    models::PROBE,
    chat::PROBE,
    stream::PROBE,
    names::PROBE,
    keys::PROBE,
    bases::PROBE,
    fields::PROBE,
    calls::PROBE,
    clients::PROBE,
    effects::PROBE,
    sweep::PROBE,
    context::PROBE,
    bypass::PROBE,
    burst::PROBE,
];

/// The rung of this id.
pub fn probe(id: &str) -> Option<&'static Probe> {
    LADDER.iter().find(|probe| probe.id == id)
}
