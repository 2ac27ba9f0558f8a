//! Generated streams: nobody accuses a legal one, and every broken one is named. The benchmark `streams` does the same with more of them.

#[path = "support/recorded.rs"]
mod recorded;
#[path = "support/streams/mod.rs"]
mod streams;

use streams::{Dice, Draft, broken, judge};

#[test]
fn no_legal_stream_is_accused() {
    let accused = (0..500).filter_map(|number| {
        let dice = &mut Dice::new(number);
        let made = Draft::legal(dice).send(dice);
        judge::false_accusation(&made).map(|accusation| format!("{number}: {accusation}"))
    });
    assert_eq!(accused.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_broken_stream_is_named() {
    let unnamed = (0..4 * broken::KINDS.len() as u64).filter_map(|number| {
        let (kind, made) = broken::make(number);
        broken::unnamed(kind, &made).map(|missing| format!("{number}, {}: {missing}", kind.0))
    });
    assert_eq!(unnamed.collect::<Vec<_>>(), Vec::<String>::new());
}
