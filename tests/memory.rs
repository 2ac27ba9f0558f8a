//! Memory of a whole process, simulator included, against servers that send without end.
#![cfg(unix)]

use std::process::{Command, Stdio};

use llmdoctor::sim::hostile;
use nix::sys::resource::{UsageWho, getrusage};

const EXE: &str = env!("CARGO_BIN_EXE_llmdoctor");
/// Peak resident memory, in MiB, at most.
const PEAK: i64 = 64;

/// The largest child that has been waited for, in KiB. This file has one test, so that those are its own.
fn peak_kib() -> i64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage").max_rss()
}

#[test]
fn no_hostile_server_makes_the_program_large() {
    let children = hostile().iter().map(|scenario| {
        let child = Command::new(EXE).args(["demo", scenario.id, "--no-progress"]).stdout(Stdio::null()).spawn();
        (scenario.id, child.expect("it runs"))
    });
    for (id, mut child) in children.collect::<Vec<_>>() {
        assert!(child.wait().expect("it ends").success(), "{id}");
        let peak = peak_kib();
        assert!(peak <= PEAK * 1024, "{} MiB after {id}", peak / 1024);
    }
}
