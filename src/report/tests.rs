//! Whole reports as text, hostile words, exit codes and the schema.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::fixture::{self, PUBLIC, REJECTED, Run, completion, finding, refusal, stream};
use super::{FailOn, Format, Look, Outcome, Report, Status, render};
use crate::catalogue::Severity;
use crate::dialect::{Reading, StreamEnd, Usage};
use crate::evidence::{Ask, Fault, FaultKind, Outcome as Came};

/// A gateway that chats and cuts its streams.
fn broken() -> Run {
    let run = Run::new().connected().models(&["gpt-4o-mini"]).chat(200, completion()).arriving(&[(812.0, 640)], 812.0);
    let mut run = run.stream(stream(StreamEnd::Cut)).arriving(&[(240.0, 60), (312.0, 200), (500.0, 200), (812.0, 120)], 902.0).cut();
    run.ask("names", Ask::NonsenseModel, 404, refusal("unknown model"));
    let healthy = Run::healthy();
    run.evidence.skips = healthy.evidence.skips;
    run.diagnosis.absent = healthy.diagnosis.absent;
    run.diagnosis.untested = healthy.diagnosis.untested;
    let because = "The stream was cut by a reset after 812 ms and 42 events, without finish_reason and without [DONE]; so it was in 2 of 2 \
                   tries, and the same request without stream was answered whole with 41 tokens.";
    run.find(&fixture::TRUNCATED, "e4", finding(Severity::Error, because).fix("Ask the gateway's operator for its log of e4."))
        .find(&fixture::NO_DONE, "e4", finding(Severity::Warning, "No [DONE] among 42 events."))
        .because_of("stream-truncated")
        .find(&PUBLIC, "e2", finding(Severity::Info, "1 model was listed without a key."))
}

fn healthy() -> Run {
    Run::healthy().find(&PUBLIC, "e2", finding(Severity::Info, "2 models were listed without a key."))
}

/// A server that tries everything a text can try.
const HOSTILE: &str = "\x1b]0;owned\x07\x1b[2J\u{202e}@octocat #1 <script>alert(1)</script> ![x](http://evil.example/p) \u{200b}`````\n\n## Owned\n| a | b |\r\n- x $(reboot) `reboot` 'q' \u{9b}31m\0";

fn hostile() -> Run {
    let mut run = Run::new().models(&[HOSTILE]).chat(400, refusal(HOSTILE));
    run.evidence.subject.model = Some(HOSTILE.into());
    let chat = run.evidence.exchanges.last_mut().expect("chat");
    chat.request.body = Some(serde_json::json!({ "model": HOSTILE }));
    chat.request.url = format!("https://gw.corp.example/v1/{HOSTILE}");
    let long = format!("{HOSTILE} {}", "é日本 ".repeat(2_000));
    run.find(&REJECTED, "e2", finding(Severity::Error, &long).fix(HOSTILE).detail("suggestions", vec![long.as_str()]))
}

fn terminal(report: &Report, look: Look) -> String {
    render(report, Format::Terminal, &look)
}

/// Whole reports by the name of the file beside this one that holds them.
fn snapshots() -> Vec<(String, String)> {
    let reports = [("broken", broken().report()), ("healthy", healthy().report()), ("hostile", hostile().report())];
    let looks = [
        ("60.txt", Format::Terminal, Look { width: 60, ..Look::default() }),
        ("80.txt", Format::Terminal, Look::default()),
        ("120.txt", Format::Terminal, Look { width: 120, ..Look::default() }),
        ("ascii.txt", Format::Terminal, Look { ascii: true, ..Look::default() }),
        ("color.txt", Format::Terminal, Look { color: true, ..Look::default() }),
        ("verbose.txt", Format::Terminal, Look { verbose: true, redact_host: true, ..Look::default() }),
        ("md", Format::Markdown, Look::default()),
        ("json", Format::Json, Look::default()),
    ];
    let files = reports.iter().flat_map(|report| looks.iter().map(move |look| (report, look)));
    let wanted =
        files.filter(|((name, _), (look, ..))| *name == "broken" || !["60.txt", "120.txt", "color.txt", "verbose.txt"].contains(look));
    let file = |((name, report), (look, format, how)): (&(&str, Report), &(&str, Format, Look))| {
        (format!("{name}.{look}"), render(report, *format, how))
    };
    wanted.map(file).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/snapshots")
}

#[test]
fn reports_look_as_they_did() {
    let known: BTreeSet<_> = std::fs::read_dir(folder()).expect("a folder").map(|file| file.expect("a file").file_name()).collect();
    assert_eq!(known, snapshots().iter().map(|(name, _)| name.into()).collect());
    for (name, text) in snapshots() {
        let expected = std::fs::read_to_string(folder().join(&name)).expect("a snapshot").replace("\r\n", "\n");
        assert!(text == expected, "{name} differs; the ignored test `write_them_anew` accepts it:\n{text}");
    }
}

/// `cargo test --lib write_them_anew -- --ignored`, and then `git diff`.
#[test]
#[ignore = "writes the snapshots"]
fn write_them_anew() {
    snapshots().iter().for_each(|(name, text)| std::fs::write(folder().join(name), text).expect("a writable snapshot"));
}

#[test]
fn a_healthy_report_fits_one_screen() {
    let text = terminal(&healthy().report(), Look::default());
    assert!((20..=40).contains(&text.lines().count()), "{text}");
}

#[test]
fn prose_keeps_to_the_width() {
    let curl = |line: &str| ["curl ", "-H ", "--data", "http"].iter().any(|start| line.trim_start().starts_with(start));
    for width in [60, 80, 120] {
        for ascii in [false, true] {
            let text = terminal(&broken().report(), Look { width, ascii, ..Look::default() });
            let wide = text.lines().find(|line| !curl(line) && textwrap::core::display_width(line) > width);
            assert_eq!(wide, None, "at {width}");
        }
    }
}

#[test]
fn no_width_panics() {
    for width in [0, 1, 2, 7, 30, usize::MAX] {
        for verbose in [false, true] {
            assert!(terminal(&hostile().report(), Look { width, verbose, ascii: width == 7, ..Look::default() }).ends_with('\n'));
        }
    }
}

#[test]
fn ascii_is_ascii() {
    for run in [broken(), healthy(), hostile()] {
        let text = terminal(&run.report(), Look { ascii: true, verbose: true, ..Look::default() });
        assert!(text.is_ascii(), "{text}");
    }
}

#[test]
fn hostile_words_stay_words() {
    let report = hostile().report();
    for format in Format::ALL {
        let text = render(&report, format, &Look { color: true, verbose: true, ..Look::default() });
        let ours = anstyle_free(&text);
        let bad = ours.chars().find(|c| *c != '\n' && (c.is_control() || super::neutral::is_hidden(*c)));
        assert_eq!(bad, None, "{}", format.name());
        assert!(format == Format::Terminal || !text.contains('\x1b'), "{}", format.name());
        assert!(text.len() < 40_000, "{}: {}", format.name(), text.len());
    }
    let markdown = render(&report, Format::Markdown, &Look::default());
    assert!(!markdown.lines().any(|line| line.starts_with("## ") || line.starts_with("| a")), "{markdown}");
}

/// The text without the colours that we write ourselves.
fn anstyle_free(text: &str) -> String {
    let ours = regex::Regex::new("\x1b\\[[0-9;]*m").expect("a constant pattern");
    ours.replace_all(text, "").into_owned()
}

#[test]
fn colour_changes_no_text() {
    let plain = terminal(&broken().report(), Look::default());
    let colored = terminal(&broken().report(), Look { color: true, ..Look::default() });
    let bare: Vec<_> = anstyle_free(&colored).lines().map(|line| line.trim_end().to_owned()).collect();
    assert!(colored.contains("\x1b[") && !plain.contains('\x1b'));
    assert_eq!(bare, plain.lines().collect::<Vec<_>>());
}

#[test]
fn the_json_keeps_to_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../schema/report.schema.json")).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    for run in [broken(), healthy(), hostile(), Run::new()] {
        let report: serde_json::Value = serde_json::from_str(&render(&run.report(), Format::Json, &Look::default())).expect("JSON");
        let faults: Vec<_> = validator.iter_errors(&report).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert_eq!(faults, Vec::<String>::new());
    }
}

#[test]
fn no_host_is_left_when_hosts_are_redacted() {
    let mut run = broken();
    run.diagnosis.findings[0].finding.because = "GW.Corp.Example (192.0.2.7) resets; so says proxy3.corp.example".into();
    if let Came::Response(response) = &mut run.evidence.exchanges[3].outcome {
        response.body.bytes = b"data: {\"served_by\":\"GW.corp.example\"}\n\ndata: {\"at\":\"192.0.2.7\"}".to_vec();
    }
    assert!(render(&run.report(), Format::Terminal, &Look { verbose: true, ..Look::default() }).contains("corp"));
    for format in Format::ALL {
        let text = render(&run.report(), format, &Look { redact_host: true, verbose: true, ..Look::default() }).to_lowercase();
        assert!(!text.contains("corp.example") && !text.contains("192.0.2.7"), "{text}");
    }
}

#[test]
fn verdicts_and_exit_codes() {
    let warned = Run::healthy().find(&REJECTED, "e7", finding(Severity::Warning, "x"));
    let silent = Run::new().connected().models(&["m"]);
    let half = Run::new().connected().models(&["m"]).chat(200, completion()).find(&REJECTED, "e2", finding(Severity::Warning, "x"));
    let mut stopped = Run::healthy();
    stopped.evidence.interrupted = true;
    let cases = [
        (healthy(), Outcome::Healthy, [0, 0, 0]),
        (broken(), Outcome::Broken, [1, 1, 0]),
        (warned, Outcome::Impaired, [0, 1, 0]),
        (silent, Outcome::Inconclusive, [3, 3, 3]),
        (half, Outcome::Impaired, [3, 1, 3]),
        (stopped, Outcome::Inconclusive, [3, 3, 3]),
    ];
    for (run, verdict, codes) in cases {
        let report = run.report();
        let got = FailOn::ALL.map(|(_, fail_on)| report.exit_code(fail_on));
        assert_eq!((report.verdict, got), (verdict, codes), "{}", report.headline());
    }
}

#[test]
fn headlines_say_what_works() {
    let rejected = |run: Run, cites: &str| run.find(&REJECTED, cites, finding(Severity::Error, "x"));
    let listed = Run::new().connected().models(&["m"]).chat(401, refusal("no")).stream(refusal("no"));
    let mut unreachable = Run::new().connected();
    let fault = Fault { kind: FaultKind::Refused, at_ms: 1.0, chain: Vec::new() };
    unreachable.evidence.exchanges[0].outcome = Came::Fault(fault);
    let cases = [
        (healthy(), "Chat and streaming work, nothing wrong was found"),
        (broken(), "Chat works, streaming does not: stream-truncated"),
        (rejected(listed, "e3"), "The model list loads, chat does not work: key-rejected"),
        (rejected(unreachable, "e1"), "The endpoint cannot be reached: key-rejected"),
        (
            Run::healthy().find(&REJECTED, "e7", finding(Severity::Warning, "x")),
            "Chat and streaming work, but not everything: key-rejected",
        ),
        (rejected(Run::healthy(), "e8"), "Chat and streaming work, but: key-rejected"),
        (Run::new(), "No verdict: plain chat was not asked, streamed chat was not asked"),
    ];
    for (run, headline) in cases {
        assert_eq!(run.report().headline(), headline);
    }
}

#[test]
fn rungs_tell_answers_from_silence() {
    let mut run = Run::new().connected().models(&["m"]).chat(200, completion());
    run.ask("names", Ask::NonsenseModel, 429, refusal("slow down"));
    run.ask("keys", Ask::ChatNoKey, 429, refusal("slow down"));
    run.ask("keys", Ask::ChatNoKey, 401, refusal("no key"));
    let report = run.report();
    let status: Vec<_> = report.probes.iter().take(6).map(|rung| rung.status).collect();
    use Status::{Inconclusive, Passed, Skipped};
    assert_eq!(status, [Passed, Passed, Passed, Skipped, Inconclusive, Passed]);
}

#[test]
fn speed_and_cost_are_those_of_the_control_pair_and_of_everything() {
    let report = healthy().report();
    assert_eq!((report.speed.ttfb_ms, report.speed.ttft_ms, report.speed.tokens_per_s), (Some(212.4), Some(312.0), Some(82.0)));
    assert_eq!((report.cost.requests, report.cost.prompt_tokens, report.cost.completion_tokens), (7, 72, 123));
}

#[test]
fn absurd_token_counts_are_no_trouble() {
    let mut run = healthy();
    for reading in &mut run.readings {
        if let Reading::Completion(completion) = reading {
            completion.usage = Usage { prompt: Some(u64::MAX), completion: Some(u64::MAX), reasoning: None };
        }
    }
    let report = run.report();
    assert_eq!((report.cost.prompt_tokens, report.cost.tokens()), (u64::MAX, u64::MAX));
    Format::ALL.iter().for_each(|format| assert!(!render(&report, *format, &Look::default()).is_empty()));
}

#[test]
fn evidence_alone_makes_a_report() {
    let run = broken();
    let report = Report::new(&run.evidence, &run.diagnosis);
    assert_eq!((report.verdict, report.exchanges.len()), (Outcome::Broken, run.evidence.exchanges.len()));
}

#[test]
fn an_interrupted_run_says_so() {
    let mut run = Run::new().connected().models(&["m"]).chat(200, completion());
    run.evidence.interrupted = true;
    run.evidence.subject.model_was_chosen = true;
    let text = terminal(&run.report(), Look::default());
    assert!(text.starts_with("? Interrupted, no verdict: streamed chat was not asked\n"), "{text}");
    assert!(text.contains("4.1 s · interrupted") && text.contains("gpt-4o-mini (chosen from the list)"), "{text}");
}

#[test]
fn no_finding_is_lost_whatever_explains_what() {
    let chained = Run::healthy()
        .find(&fixture::NO_DONE, "e4", finding(Severity::Error, "third"))
        .because_of("stream-truncated")
        .find(&fixture::TRUNCATED, "e4", finding(Severity::Warning, "second"))
        .because_of("models-list-public")
        .find(&PUBLIC, "e2", finding(Severity::Info, "first"));
    let circle = Run::healthy()
        .find(&PUBLIC, "e2", finding(Severity::Info, "first"))
        .because_of("stream-truncated")
        .find(&fixture::TRUNCATED, "e4", finding(Severity::Warning, "second"))
        .because_of("models-list-public")
        .find(&fixture::NO_DONE, "e4", finding(Severity::Error, "third"))
        .because_of("stream-truncated");
    for run in [chained, circle] {
        let report = run.report();
        let text = terminal(&report, Look::default());
        let places: Vec<_> = ["FOUND", "first", "second", "third"].iter().map(|word| text.find(word)).collect();
        assert!(places.iter().all(Option::is_some), "{text}");
        assert!(render(&report, Format::Markdown, &Look::default()).contains("third"));
        assert_eq!(report.findings.len(), 3);
        assert_eq!(report.findings[0].mode, "models-list-public");
    }
}

#[test]
fn names_of_formats_lead_back() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    assert_eq!("xml".parse::<Format>().map_err(|error| error.to_string()), Err("`xml` is none of terminal, json, markdown".to_owned()));
}
