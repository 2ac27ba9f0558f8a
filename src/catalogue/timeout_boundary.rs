//! A hop that cuts whatever takes longer than a constant time.

use super::streams::plural;
use super::timing::{Cut, CutKind, boxes, cuts, floor_ms, span};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::StreamEnd;
use crate::evidence::Ask;
use crate::facts::{self, Boundary};

/// A hop that cuts whatever takes longer than a constant time.
pub const MODE: FailureMode = FailureMode {
    id: "timeout-boundary",
    title: "A hop cuts every answer that takes longer than a constant time",
    family: "time",
    symptom: "Short answers work; long ones end with 504, 524, 408 or a lost connection, each time after the same seconds.",
    cause: "A proxy, load balancer or gateway on the way has a timeout that is shorter than the answer. It is told from a failing upstream \
            by the constant time and by shorter answers that pass, and from a slow client by who ends the connection. Whether a stream \
            passes tells the clock: to the first byte, between bytes, or in all.",
    fix: &[
        "Raise the read timeout of the hop that cuts, and of every hop behind it; after one is raised the next may show.",
        "Stream: a stream's head and tokens keep clocks for the first byte and for silence from running out.",
        "Where the limit cannot be raised, ask for shorter answers (`max_tokens`), or use another host name without that hop.",
    ],
    references: &[
        "https://github.com/OpenSecretCloud/opensecret/issues/192",
        "https://github.com/misospace/pr-reviewer-action/issues/23",
        "https://github.com/aws-samples/dify-self-hosted-on-aws/pull/70",
        "https://github.com/QuantumNous/new-api/issues/4972",
        "https://github.com/BerriAI/litellm/issues/9551",
        "https://github.com/archestra-ai/archestra/pull/7668",
    ],
    explains: &[
        "stream-truncated",
        "stream-rejected",
        "stream-required",
        "upstream-unavailable",
        "upstream-overloaded",
        "intermittent-failure",
        "gateway-misconfigured",
        "error-in-success",
        "empty-completion",
        "client-timeout-too-short",
    ],
    diagnose,
};

/// Cuts at one and the same time.
struct Group<'c, 'e> {
    cuts: Vec<Cut<'c, 'e>>,
    /// The time, in milliseconds: the median of the cuts.
    at_ms: f64,
    /// It is the silence before the cut that is constant.
    is_idle: bool,
}

fn diagnose(case: &Case) -> Verdict {
    let cuts = cuts(case);
    let Some(group) = Group::find(&cuts, floor_ms(case)) else { return none(case, &cuts) };
    if let Some(longer) = longer_pass(case, &group) {
        return Verdict::absent(format!("cuts came after {}, and an answer of {} passed", span(group.at_ms), span(longer.total_ms())));
    }
    match certainty(case, &group) {
        Some(certainty) => present(case, &group, certainty),
        None => none(case, &cuts),
    }
}

fn none(case: &Case, cuts: &[Cut]) -> Verdict {
    let longest = case
        .all()
        .filter(|shown| super::timing::is_chat(shown.ask) && shown.answered())
        .map(|shown| shown.total_ms())
        .max_by(f64::total_cmp);
    match (longest, cuts.len()) {
        (Some(longest), 0) => Verdict::absent(format!("answers of up to {} passed", span(longest))),
        (None, 0) => Verdict::untested("no chat was answered, and none was cut"),
        (_, count) => Verdict::untested(format!("{} not at one time, or without anything to compare with", plural(count, "cut"))),
    }
}

impl<'c, 'e> Group<'c, 'e> {
    /// The largest group of at least two cuts that came after the same time, long after the quickest answers.
    fn find(cuts: &[Cut<'c, 'e>], floor_ms: Option<f64>) -> Option<Self> {
        let late: Vec<_> = cuts.iter().copied().filter(|cut| is_late(cut.at_ms, floor_ms)).collect();
        let elapsed = Self::largest(&late, |cut| cut.at_ms, false);
        let silent: Vec<_> = late.iter().copied().filter(|cut| is_silence(cut) && is_late(cut.silent_ms, floor_ms)).collect();
        let idle = Self::largest(&silent, |cut| cut.silent_ms, true);
        match (elapsed, idle) {
            (Some(elapsed), Some(idle)) if idle.cuts.len() > elapsed.cuts.len() => Some(idle),
            (elapsed, idle) => elapsed.or(idle),
        }
    }

    fn largest(cuts: &[Cut<'c, 'e>], time: impl Fn(&Cut) -> f64, is_idle: bool) -> Option<Self> {
        let near = |center: f64| cuts.iter().copied().filter(|cut| (time(cut) - center).abs() <= tolerance(center)).collect::<Vec<_>>();
        let cuts = cuts.iter().map(|cut| near(time(cut))).max_by_key(Vec::len).filter(|group| group.len() >= 2)?;
        let mut times: Vec<_> = cuts.iter().map(&time).collect();
        times.sort_by(f64::total_cmp);
        // No cut comes before its limit, so the earliest is the nearest to it.
        Some(Group { at_ms: times[0], cuts, is_idle })
    }

    /// At least one speaks of time.
    fn told(&self) -> bool {
        self.cuts.iter().any(|cut| cut.kind == CutKind::Told)
    }

    /// The time in seconds, as people write limits.
    fn seconds(&self) -> f64 {
        let seconds = self.at_ms / 1000.0;
        if seconds < 10.0 { (seconds * 10.0).round() / 10.0 } else { seconds.round() }
    }

    /// The status of a cut before the answer began.
    fn status(&self) -> Option<u16> {
        self.cuts.iter().filter(|cut| cut.kind != CutKind::Midway).find_map(|cut| cut.shown.status())
    }
}

/// Two times are the same within 3 % or 150 ms, but never more than a fifth.
fn tolerance(at_ms: f64) -> f64 {
    (at_ms * 0.03).max(150.0).min(at_ms * 0.2)
}

fn is_late(at_ms: f64, floor_ms: Option<f64>) -> bool {
    let floor = floor_ms.unwrap_or(0.0);
    at_ms >= 5.0 * floor && (at_ms >= 500.0 || floor > 0.0 && at_ms >= 10.0 * floor)
}

/// The stream was silent for most of its time before the cut.
fn is_silence(cut: &Cut) -> bool {
    cut.kind == CutKind::Midway && cut.silent_ms >= 0.5 * cut.at_ms
}

/// An answer of the same kind that took longer than the boundary and passed: then there is none.
fn longer_pass<'c, 'e>(case: &'c Case<'e>, group: &Group<'c, 'e>) -> Option<&'c Shown<'e>> {
    let plain = group.cuts.iter().any(|cut| !cut.shown.asks_stream());
    let longer = |shown: &&Shown| passed(shown) && shown.total_ms() > group.at_ms + tolerance(group.at_ms);
    let same_kind = |shown: &&Shown| plain != shown.asks_stream();
    case.all().filter(|shown| super::timing::is_chat(shown.ask)).filter(same_kind).find(|shown| longer(shown) && !group.is_idle)
}

/// Answered in full.
fn passed(shown: &Shown) -> bool {
    shown.answered()
        && shown.fault().is_none()
        && !shown.streamed().is_some_and(|stream| matches!(stream.end, StreamEnd::Cut | StreamEnd::Silent))
}

/// How sure the group makes it; `None` when another cause fits as well.
fn certainty(case: &Case, group: &Group) -> Option<Certainty> {
    let shorter = shorter_pass(case, group).is_some();
    let midway = group.cuts.iter().all(|cut| cut.kind == CutKind::Midway);
    let known = !boundaries(case, group).is_empty() && group.at_ms >= 5000.0;
    match () {
        () if group.told() && shorter => Some(Certainty::Certain),
        () if group.told() => Some(Certainty::Likely),
        () if midway && shorter && (lengths_differ(group) || group.is_idle) => Some(Certainty::Certain),
        () if shorter && is_swept(group) => Some(Certainty::Likely),
        () if far_outlived(case, group) || both_kinds(group) => Some(Certainty::Likely),
        () if known => Some(Certainty::Possible),
        () => None,
    }
}

/// The stream of the same question went on for much longer than each plain try was given: the upstream works, and the plain tries ended
/// before their answer can have been complete.
fn far_outlived(case: &Case, group: &Group) -> bool {
    let plain = group.cuts.iter().all(|cut| !cut.shown.asks_stream());
    plain && outliving_stream(case, group).is_some_and(|stream| stream.total_ms() >= 1.25 * group.at_ms)
}

/// Plain answers that never began and streams that had begun ended at one and the same time: a clock counts, not what was said.
fn both_kinds(group: &Group) -> bool {
    let plain = group.cuts.iter().filter(|cut| !cut.shown.asks_stream() && cut.kind == CutKind::Dropped).count();
    plain >= 2 && group.cuts.iter().any(|cut| cut.kind == CutKind::Midway)
}

/// A cut of a long answer, not only of the plain question.
fn is_swept(group: &Group) -> bool {
    group.cuts.iter().any(|cut| matches!(cut.shown.ask, Ask::SweepChat | Ask::SweepStream))
}

/// The streams were cut at the same time and not at the same place of their text.
fn lengths_differ(group: &Group) -> bool {
    let lengths: Vec<_> = group.cuts.iter().filter_map(|cut| cut.shown.streamed()).map(super::streams::characters).collect();
    let (least, most) = (lengths.iter().min().copied().unwrap_or(0), lengths.iter().max().copied().unwrap_or(0));
    most * 9 > least * 10
}

/// An answer that passed: one of the same kind in less time, or the stream of a request that was cut without streaming.
fn shorter_pass<'c, 'e>(case: &'c Case<'e>, group: &Group<'c, 'e>) -> Option<&'c Shown<'e>> {
    let plain = group.cuts.iter().any(|cut| !cut.shown.asks_stream());
    let passes = |shown: &&Shown| passed(shown) && (plain != shown.asks_stream() || plain);
    case.all().filter(|shown| super::timing::is_chat(shown.ask)).find(passes)
}

/// A stream that lived longer than the boundary at which plain answers are cut.
fn outliving_stream<'c, 'e>(case: &'c Case<'e>, group: &Group<'c, 'e>) -> Option<&'c Shown<'e>> {
    let outlives = |shown: &&Shown| shown.asks_stream() && passed(shown) && shown.total_ms() > group.at_ms + tolerance(group.at_ms);
    case.all().filter(|shown| super::timing::is_chat(shown.ask)).find(outlives)
}

/// Which clock runs out.
fn clock(case: &Case, group: &Group) -> Option<&'static str> {
    let streamed = group.cuts.iter().any(|cut| cut.shown.asks_stream() && cut.kind == CutKind::Midway);
    match () {
        () if group.is_idle => Some("idle"),
        () if outliving_stream(case, group).is_some() => Some("first-byte"),
        () if streamed && !group.cuts.iter().any(is_silence) => Some("total"),
        () => None,
    }
}

/// Whose clock it may be: the box that wrote the answers after the cut, whatever its clock is set to; else every box that was seen or
/// has this default, as far as its clock runs during an answer.
fn boundaries(case: &Case, group: &Group) -> Vec<&'static Boundary> {
    let at = facts::boundaries_at(group.at_ms / 1000.0, group.status(), &boxes(case));
    let fitting: Vec<&Boundary> = at.into_iter().filter(|boundary| boundary.scope.runs_during_an_answer()).collect();
    match speaker(group) {
        None => fitting,
        Some(name) => {
            let own = facts::clocks_of(name);
            let both: Vec<&Boundary> = own.iter().copied().filter(|clock| fitting.iter().any(|other| other.id == clock.id)).collect();
            if both.is_empty() { own } else { both }
        }
    }
}

/// The box that says of itself, in the answer after the cut, that it gave up.
fn speaker(group: &Group) -> Option<&'static str> {
    let responses = group.cuts.iter().filter_map(|cut| cut.shown.response()).filter(|response| response.status >= 400);
    let prints = responses.flat_map(|response| facts::fingerprint(response.status, &response.headers, &response.body.text()));
    prints.min_by_key(|print| print.strength).map(|print| print.box_.as_str())
}

fn present(case: &Case, group: &Group, certainty: Certainty) -> Verdict {
    let candidates = boundaries(case, group);
    let finding = Finding::new(severity(group), certainty, Blame::Gateway, because(case, group))
        .so(consequence(case, group))
        .cite(group.cuts.iter().map(|cut| cut.shown.exchange))
        .cite(shorter_pass(case, group).map(|shown| shown.exchange))
        .detail("boundary_s", group.seconds())
        .detail("boxes", names(&candidates));
    let finding = match clock(case, group) {
        Some(clock) => finding.detail("clock", clock),
        None => finding,
    };
    suggest(finding, group, &candidates).present()
}

/// Plain questions cut: nothing works. Only long ones cut: what is long does not.
fn severity(group: &Group) -> Severity {
    let plain = group.cuts.iter().any(|cut| matches!(cut.shown.ask, Ask::Chat | Ask::ChatStream));
    if plain || group.at_ms < 120_000.0 { Severity::Error } else { Severity::Warning }
}

fn because(case: &Case, group: &Group) -> String {
    let times: Vec<_> = group.cuts.iter().map(|cut| span(if group.is_idle { cut.silent_ms } else { cut.at_ms })).collect();
    let what = if group.is_idle { "after a silence of" } else { "after" };
    let first = group.cuts[0].shown.account();
    let how = if first.is_empty() { "the stream ended without a finish_reason".to_owned() } else { first };
    format!(
        "{} were cut {what} {} ({how}){}{}",
        plural(times.len(), "request"),
        times.join(", "),
        control(case, group),
        beyond(case, group)
    )
}

fn control(case: &Case, group: &Group) -> String {
    shorter_pass(case, group).map(|shown| format!("; an answer of {} passed", span(shown.total_ms()))).unwrap_or_default()
}

fn beyond(case: &Case, group: &Group) -> String {
    outliving_stream(case, group).map(|shown| format!("; a stream of {} passed as well", span(shown.total_ms()))).unwrap_or_default()
}

fn consequence(case: &Case, group: &Group) -> String {
    let seconds = group.seconds();
    match clock(case, group) {
        Some("first-byte") => format!("Answers that take longer than {seconds} s fail unless they are streamed."),
        Some("idle") => format!("Answers with a pause of more than {seconds} s between two tokens are cut."),
        _ => format!("Answers that take longer than {seconds} s are cut."),
    }
}

fn names(candidates: &[&'static Boundary]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for boundary in candidates.iter().take(8) {
        let name = boundary.box_.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The setting of the box that answered, else of the likeliest.
fn suggest(finding: Finding, group: &Group, candidates: &[&'static Boundary]) -> Finding {
    let Some(boundary) = candidates.first() else { return finding };
    let how = boundary.raise_with.as_deref().unwrap_or(&boundary.setting);
    let Boundary { box_, setting, seconds, .. } = boundary;
    let action = match speaker(group) {
        Some(_) => format!("{box_} gave up after {} s (its default for {setting} is {seconds} s): raise it with {how}.", group.seconds()),
        None => format!("{box_} is one box that has this default ({setting} {seconds} s): raise it with {how}."),
    };
    finding.fix(action).detail("setting", setting.to_string())
}
