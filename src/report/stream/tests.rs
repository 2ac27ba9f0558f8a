//! Pictures of evidence written by hand.

use std::path::{Path, PathBuf};

use super::super::fixture::{NO_DONE, REJECTED, Run, TRUNCATED, completion, finding, stream};
use super::super::{Format, Look, Report, render};
use super::Picture;
use crate::catalogue::Severity;
use crate::dialect::{Reading, StreamEnd};
use crate::evidence::{FaultKind, Outcome};

/// A chat answered after 2 s, and the same streamed with these arrivals, of which those that the last argument names hold content.
fn run(arrivals: &[(f64, u32)], total_ms: f64, content_ms: &[f64]) -> Run {
    let run = Run::new().connected().models(&["gpt-4o-mini"]).chat(200, completion()).arriving(&[(2_000.0, 640)], 2_000.0);
    let mut reading = stream(StreamEnd::Complete);
    if let Reading::Stream(stream) = &mut reading {
        stream.content_ms = content_ms.to_vec();
    }
    run.stream(reading).arriving(arrivals, total_ms)
}

fn open(mut run: Run) -> Run {
    run = run.cut();
    if let Some(Outcome::Response(response)) = run.evidence.exchanges.last_mut().map(|exchange| &mut exchange.outcome) {
        response.cut.as_mut().expect("a cut").kind = FaultKind::Stalled;
    }
    run
}

/// Every `step` milliseconds from `from` on, `count` pieces of 100 bytes.
fn flow(from: f64, step: f64, count: u32) -> Vec<(f64, u32)> {
    (0..count).map(|n| (from + step * f64::from(n), 100)).collect()
}

fn times(arrivals: &[(f64, u32)]) -> Vec<f64> {
    arrivals.iter().map(|(at_ms, _)| *at_ms).collect()
}

fn drawn(run: &Run, columns: usize, ascii: bool) -> Vec<String> {
    let report = run.report();
    let stream = report.streams()[0].clone();
    report.picture(&stream).lines(columns, ascii)
}

/// Every picture of the golden file by its headline.
fn pictures() -> Vec<(&'static str, Vec<String>)> {
    let steady = flow(400.0, 80.0, 20);
    let blocks = [(600.0, 4_096), (1_100.0, 4_096), (1_600.0, 4_096), (2_000.0, 900)];
    let begun = flow(300.0, 60.0, 6);
    let kept: Vec<_> = begun.iter().copied().chain((2..10).map(|n| (1_000.0 * f64::from(n), 14))).collect();
    let short = flow(400.0, 80.0, 8);
    let mut alone = open(run(&[], 12_000.0, &[]));
    alone.evidence.exchanges.remove(2);
    alone.readings.remove(2);
    vec![
        ("It came as it was made", drawn(&run(&steady, 1_990.0, &times(&steady)), 80, false)),
        ("The same, narrow", drawn(&run(&steady, 1_990.0, &times(&steady)), 54, false)),
        ("All came at the end", drawn(&run(&[(1_998.0, 2_000)], 2_000.0, &[1_998.0; 3]), 80, false)),
        ("Blocks", drawn(&run(&blocks, 2_000.0, &[600.0, 600.0, 600.0, 1_100.0, 1_100.0, 1_600.0, 2_000.0]), 80, false)),
        ("Keep-alives after the text, never closed", drawn(&open(run(&kept, 10_000.0, &times(&begun))), 80, false)),
        ("Cut", drawn(&run(&short, 990.0, &times(&short)).cut(), 80, false)),
        ("Cut, in ASCII", drawn(&run(&short, 990.0, &times(&short)).cut(), 80, true)),
        ("Not one byte, and no control", drawn(&alone, 80, false)),
    ]
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/stream/timelines.txt")
}

fn as_file() -> String {
    pictures().iter().map(|(name, lines)| format!("{name}:\n\n{}\n\n", lines.join("\n"))).collect()
}

#[test]
fn pictures_look_as_they_did() {
    let expected = std::fs::read_to_string(golden()).expect("a golden file").replace("\r\n", "\n");
    assert!(as_file() == expected, "the ignored test `draw_them_anew` accepts it:\n{}", as_file());
}

/// `cargo test --lib draw_them_anew -- --ignored`, and then `git diff`.
#[test]
#[ignore = "writes the golden file"]
fn draw_them_anew() {
    std::fs::write(golden(), as_file()).expect("a writable file");
}

#[test]
fn at_the_end_and_as_it_was_made_are_told_at_a_glance() {
    let bars = |lines: &[String]| lines[1].chars().filter(|c| "▁▂▃▅▇".contains(*c)).count();
    let pictures = pictures();
    assert!(bars(&pictures[0].1) > 40 && bars(&pictures[2].1) == 1);
}

#[test]
fn pictures_keep_to_their_columns_whatever_came() {
    let hostile = [(0.0, 1), (f64::MAX, 1 << 31), (f64::NAN, 0), (5.0, 7)];
    for total_ms in [0.0, 1e-9, 3.0, 1e12, f64::INFINITY, f64::NAN] {
        for columns in [0, 40, 66, 500] {
            for line in drawn(&run(&hostile, total_ms, &[5.0]), columns, true) {
                assert!(line.is_ascii() && line.len() <= columns.max(90), "{total_ms} {columns}: {line}");
            }
        }
    }
}

#[test]
fn one_stream_is_drawn_once() {
    let twice = run(&[(600.0, 10)], 700.0, &[600.0]).find(&TRUNCATED, "e4", finding(Severity::Error, "cut")).find(
        &NO_DONE,
        "e4",
        finding(Severity::Warning, "no [DONE]"),
    );
    let report = twice.report();
    let pictures: Vec<Option<Picture>> = report.findings.iter().map(|item| report.picture_of(item)).collect();
    assert_eq!(pictures.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
    let text = render(&report, Format::Terminal, &Look { verbose: true, ..Look::default() });
    assert_eq!(text.matches("H head 212 ms").count(), 1, "{text}");
}

#[test]
fn findings_about_something_else_have_no_picture() {
    let other = Run::healthy().find(&REJECTED, "e4", finding(Severity::Error, "refused"));
    let report: Report = other.report();
    assert!(report.picture_of(&report.findings[0]).is_none());
}
