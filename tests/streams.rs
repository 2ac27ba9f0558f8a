//! Generated streams: nobody accuses a legal one, and every broken one is named. The benchmark `streams` does the same with more of them.

#[path = "support/recorded.rs"]
mod recorded;
#[path = "support/streams/mod.rs"]
mod streams;

use streams::{Dice, Draft, broken, judge};

#[test]
fn no_legal_stream_is_accused() {
    let accused = (0..400).chain([625, 4788]).filter_map(|number| {
        let dice = &mut Dice::new(number);
        let made = Draft::legal(dice).send(dice);
        judge::false_accusation(&made).map(|accusation| format!("{number}: {accusation}"))
    });
    assert_eq!(accused.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_broken_stream_is_named() {
    let unnamed = (0..3 * broken::KINDS.len() as u64).chain([470, 725]).filter_map(|number| {
        let (kind, made) = broken::make(number);
        broken::unnamed(kind, &made).map(|missing| format!("{number}, {}: {missing}", kind.0))
    });
    assert_eq!(unnamed.collect::<Vec<_>>(), Vec::<String>::new());
}

/// The seeds of the fuzz target: a stream of every kind, and legal ones. `UPDATE_SEEDS=1` writes them.
#[test]
fn the_fuzz_target_starts_from_these() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/streams");
    let legal = (0..12).map(|number| (format!("legal-{number}"), Draft::legal(&mut Dice::new(number)).send(&mut Dice::new(number))));
    let broken = (0..broken::KINDS.len() as u64).map(|number| {
        let (kind, made) = broken::make(number);
        (kind.0.to_ascii_lowercase().replace(|character: char| !character.is_ascii_alphanumeric(), "-"), made)
    });
    let mut seeds = std::collections::BTreeMap::new();
    for (number, (name, made)) in legal.chain(broken).enumerate() {
        // The beginning, which shows the form, and the end, which shows how it ends.
        let bytes = &made.body.bytes;
        let kept = if bytes.len() <= 1200 { bytes.clone() } else { [&bytes[..800], &bytes[bytes.len() - 400..]].concat() };
        seeds.insert(name, [&[0, number as u8, number as u8 + 1, 0], &kept[..]].concat());
    }
    if std::env::var_os("UPDATE_SEEDS").is_some() {
        std::fs::create_dir_all(&folder).expect("a folder");
        seeds.iter().for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes).expect("a file"));
    }
    for (name, bytes) in &seeds {
        let written = std::fs::read(folder.join(name)).unwrap_or_default();
        assert!(&written == bytes, "{name} is not what the generators make: UPDATE_SEEDS=1 writes it anew");
    }
    let files = std::fs::read_dir(&folder).expect("a folder").count();
    assert_eq!(files, seeds.len(), "files that no generator makes");
}
