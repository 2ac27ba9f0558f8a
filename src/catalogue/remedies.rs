//! Where a refused field or header can be switched off: in the client in question, in a gateway that was recognised, in clients that send it.

use std::collections::BTreeSet;

use crate::facts;

use super::{Case, timing};

/// So many clients are told about that send a field by default, when it is not known which one is used.
const CLIENTS: usize = 3;

/// The settings for these places (JSON pointers, or `header:NAME`), a sentence each: of the client that the run is about, of the gateways
/// that left their marks, and without such a client of some of the `senders`.
pub(super) fn settings(case: &Case, places: &BTreeSet<String>, senders: &BTreeSet<&str>) -> Vec<String> {
    let own = case.subject().client.as_deref().filter(|name| *name != crate::profiles::ALL);
    let told = |program: &str| -> Vec<String> {
        let setting = |place: &String| facts::settings_of(program, place).first().map(|row| format!("{program}: {}.", row.told(place)));
        let mut said: Vec<String> = places.iter().filter_map(setting).collect();
        said.dedup();
        said
    };
    let others = senders.iter().copied().filter(|_| own.is_none()).map(told).filter(|said| !said.is_empty()).take(CLIENTS);
    let gateways = timing::boxes(case).into_iter().map(told);
    own.map(told).into_iter().chain(gateways).chain(others).flatten().collect()
}
