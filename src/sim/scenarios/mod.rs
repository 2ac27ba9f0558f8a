//! The table of scenarios, one file for each family.

mod address;
mod answer;
mod body;
mod bypass;
mod calls;
mod client;
mod context;
mod conversations;
mod dialects;
mod ends;
mod fields;
mod google;
mod healthy;
mod hostile;
mod key;
mod limits;
mod malformed;
mod model;
mod nested;
mod packing;
mod pages;
mod reach;
mod replayed;
mod routes;
mod stream;
mod time;
mod upstream;

use std::sync::OnceLock;

use super::Scenario;

/// All scenarios, the healthy ones first, then family by family.
pub fn scenarios() -> &'static [&'static Scenario] {
    static ALL: OnceLock<Vec<&'static Scenario>> = OnceLock::new();
    ALL.get_or_init(|| families().into_iter().flatten().collect())
}

fn families() -> Vec<&'static [Scenario]> {
    vec![
        healthy::TABLE,
        reach::TABLE,
        address::TABLE,
        routes::TABLE,
        dialects::TABLE,
        google::TABLE,
        key::TABLE,
        model::TABLE,
        body::TABLE,
        client::TABLE,
        conversations::TABLE,
        fields::TABLE,
        replayed::TABLE,
        nested::TABLE,
        limits::TABLE,
        stream::TABLE,
        malformed::TABLE,
        calls::TABLE,
        ends::TABLE,
        answer::TABLE,
        time::TABLE,
        upstream::TABLE,
        bypass::TABLE,
        context::TABLE,
    ]
}

/// The scenarios that try to hurt the client itself. None of them belongs to [`scenarios`].
pub fn hostile() -> &'static [&'static Scenario] {
    static ALL: OnceLock<Vec<&'static Scenario>> = OnceLock::new();
    ALL.get_or_init(|| hostile::TABLE.iter().collect())
}

/// The scenario of this id, hostile ones included.
pub fn scenario(id: &str) -> Option<&'static Scenario> {
    scenarios().iter().chain(hostile()).copied().find(|scenario| scenario.id == id)
}
