//! A stream that is collected on its way and delivered in one piece, or in blocks.

use super::streams::{Streamed, no_stream, sound_streams};
use super::timing::{boxes, floor_ms, span};
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict};
use crate::dialect::stream_timing::{Blocks, Timing, aligned_share, blocks, bursts, is_compressed, is_packets, usual_gap_ms};
use crate::evidence::{Ask, Exchange};
use crate::facts;

/// A stream that is collected on its way and delivered in one piece, or in blocks.
pub const MODE: FailureMode = FailureMode {
    id: "stream-buffered",
    title: "The stream is held back and delivered in one piece or in blocks",
    family: "stream",
    symptom: "Streaming is on, and the whole answer appears at once, as late as without it; or the text comes in lumps.",
    cause: "A hop collects the events: a proxy with response buffering, a compressor that is not flushed, middleware that reads the whole \
            body, an upstream whose answers have no chunks (HTTP/1.0), or somebody who only pretends to stream. A Content-Length on a \
            stream gives it away: nobody knows the length before the end. A slow first token looks alike, but does not grow with the length of the \
            answer; a fast model looks alike, but is as fast without streaming; a slow link cuts events at packet sizes.",
    fix: &[
        "nginx: `proxy_buffering off;` for this location (or `proxy_http_version 1.1;` towards an upstream that sends chunks).",
        "Upstream or gateway: send `X-Accel-Buffering: no` and `Cache-Control: no-cache, no-transform` with every stream; each nginx on the way consumes the first.",
        "Leave text/event-stream out of every compression, or flush the compressor after each event.",
        "Take hops that cannot stream (API gateways with whole-body transforms, some serverless fronts) out of the way.",
    ],
    references: &[
        "https://github.com/ggml-org/llama.cpp/pull/20872",
        "https://github.com/confidential-dot-ai/c8s/issues/140",
        "https://github.com/mostlygeek/llama-swap/issues/236",
        "https://github.com/oneprolabs/sourcelens/pull/4",
        "https://github.com/expressjs/compression/issues/17",
    ],
    explains: &[],
    diagnose,
};

/// Content that came within this share of the time to its first piece came together.
const TOGETHER: f64 = 0.1;
/// The same, when there is no longer answer to compare with.
const SURELY_TOGETHER: f64 = 0.05;
/// A short answer must come sharper still, each time, and after a wait that is this many times the quickest refusal.
const SHARPEST: (f64, f64) = (0.005, 10.0);
/// No model writes more pieces of text a second.
const IMPLAUSIBLE_RATE: f64 = 2000.0;
/// Shorter answers than this cannot be held back for long, in milliseconds.
const TOO_SHORT_MS: f64 = 30.0;

/// The largest record of TLS, in bytes.
const TLS_RECORD: u32 = 16_384;

/// The stream in question and what it is compared with.
struct Sight<'c, 'e> {
    main: Streamed<'c, 'e>,
    timing: Timing,
    control: Option<&'e Exchange>,
    floor_ms: Option<f64>,
    long: Option<(Streamed<'c, 'e>, Timing)>,
    identity: Option<(Streamed<'c, 'e>, Timing)>,
    unbuffered: Option<(Streamed<'c, 'e>, Timing)>,
    boxes: Vec<&'static str>,
}

fn diagnose(case: &Case) -> Verdict {
    let all = sound_streams(case);
    if let Some((stream, blocks)) = all.iter().find_map(|stream| Some((*stream, spread_blocks(*stream)?))) {
        return in_blocks(case, stream, blocks);
    }
    let Some(sight) = Sight::new(case, &all) else { return no_stream(case) };
    let found = sight.compressor().or_else(|| sight.asked_away()).or_else(|| sight.announced()).or_else(|| sight.clumps());
    found.unwrap_or_else(|| sight.at_once())
}

/// Blocks of one size that came over time and not in one go.
fn spread_blocks(stream: Streamed) -> Option<Blocks> {
    let response = stream.shown.response()?;
    let found = blocks(&response.body, &stream.reading.event_ends)?;
    let flow = response.body.last_ms()? - response.body.first_ms()?;
    // A quick sender's bytes come in records of TLS, which have the size of a buffer.
    let records = found.bytes == TLS_RECORD && stream.shown.request.url.starts_with("https:");
    let slow = !records || usual_gap_ms(&bursts(&response.body)) >= TOO_SHORT_MS;
    (slow && flow >= 0.15 * response.total_ms).then_some(found)
}

fn in_blocks(case: &Case, stream: Streamed, found: Blocks) -> Verdict {
    let because = format!(
        "{} of {} arrivals are whole blocks of {} bytes, and {:.0} % of all arrivals end where one of the {} events ends",
        found.count,
        found.bursts,
        found.bytes,
        found.aligned * 100.0,
        stream.reading.events
    );
    let finding = finding(Certainty::Certain, because, &boxes(case))
        .so("Text appears in lumps of many words with pauses between them.")
        .cite([stream.shown.exchange])
        .detail("kind", "blocks")
        .detail("block_bytes", found.bytes);
    naming_old_http(finding, stream.shown).present()
}

/// The finding with the hop that speaks HTTP/1.0, if one shows.
fn naming_old_http(finding: Finding, shown: &Shown) -> Finding {
    let Some(place) = old_http(shown) else { return finding };
    let fix =
        format!("HTTP/1.0 is spoken on the way ({place}): such a hop waits for full buffers. In nginx set `proxy_http_version 1.1;`.");
    finding.fix(fix).detail("http_1_0", place)
}

fn finding(certainty: Certainty, because: String, boxes: &[&'static str]) -> Finding {
    let finding = Finding::new(Severity::Error, certainty, Blame::Gateway, because).detail("boxes", boxes.to_vec());
    match facts::buffer(boxes) {
        Some(known) => finding.fix(format!("{} answered here: {}", known.box_, known.fix)).detail("setting", known.setting.as_str()),
        None => finding,
    }
}

impl<'c, 'e> Sight<'c, 'e> {
    fn new(case: &'c Case<'e>, all: &[Streamed<'c, 'e>]) -> Option<Self> {
        let timed = |ask: Ask| {
            let asked = all.iter().copied().filter(move |stream| stream.shown.ask == ask);
            asked.filter_map(|stream| Some((stream, Timing::of(stream.reading)?))).next()
        };
        let (main, timing) = timed(Ask::ChatStream)?;
        let control = case.chat().answer().filter(|shown| shown.completion().is_some()).map(|shown| shown.exchange);
        let (long, identity, unbuffered) = (timed(Ask::ChatStreamLong), timed(Ask::ChatStreamIdentity), timed(Ask::ChatStreamUnbuffered));
        Some(Sight { main, timing, control, floor_ms: floor_ms(case), long, identity, unbuffered, boxes: boxes(case) })
    }

    /// The streams of the same question that were asked for otherwise.
    fn others(&self) -> Vec<&Timing> {
        [&self.identity, &self.unbuffered, &self.long].into_iter().flatten().map(|(_, timing)| timing).collect()
    }

    /// The quickest and the slowest first text of all streams of the plain question.
    fn first_ms(&self) -> (f64, f64) {
        let same = [&self.identity, &self.unbuffered].into_iter().flatten().map(|(_, timing)| timing.first_ms);
        let first = self.timing.first_ms;
        same.fold((first, first), |(least, most), ms| (least.min(ms), most.max(ms)))
    }

    /// Held back, and at once when the request asks not to be.
    fn asked_away(&self) -> Option<Verdict> {
        let (stream, timing) = self.unbuffered?;
        let certainty = self.undone_in(&timing, self.identity)?;
        let because = format!(
            "{}; with X-Accel-Buffering: no in the request the first text came after {} and the last after {}",
            self.account(),
            span(timing.first_ms),
            span(timing.last_ms)
        );
        let finding = self
            .finding(certainty, because)
            .so("Clients that stream show nothing until the answer is complete.")
            .fix(
                "The upstream should send `X-Accel-Buffering: no` with every stream; until then, the client may send it with each request.",
            )
            .cite([self.main.shown.exchange, stream.shown.exchange])
            .detail("kind", self.kind());
        Some(self.measured(finding).present())
    }

    /// This stream of the same question came piece by piece, and began long before the one in question did. A single pair may be chance:
    /// every other stream without the remedy must be held back as well, the longer one of a compressor at least in heaps.
    fn undone_in(&self, remedy: &Timing, another: Option<(Streamed, Timing)>) -> Option<Certainty> {
        let late = |timing: &Timing| timing.first_ms >= TOO_SHORT_MS && remedy.first_ms <= 0.5 * timing.first_ms;
        let held = |timing: &Timing| together(timing) && late(timing);
        let agrees = another.is_none_or(|(_, timing)| held(&timing));
        let long = self.long.is_none_or(|(_, long)| late(&long) && (together(&long) || is_compressed(self.main.shown) && in_heaps(&long)));
        let undone = held(&self.timing) && !together(remedy) && agrees && long;
        undone.then_some(if another.or(self.long).is_some() { Certainty::Certain } else { Certainty::Likely })
    }

    /// The length of the body stood in its head, which came when the answer was complete: nobody knows it before.
    fn announced(&self) -> Option<Verdict> {
        let control = self.control?.total_ms();
        let waited = self.timing.first_ms;
        let slow = control >= TOO_SHORT_MS && waited >= 3.0 * self.floor_ms? && waited >= 0.5 * control;
        if !self.has_length() || !slow || !together(&self.timing) || self.is_heap() || self.is_short() {
            return None;
        }
        Some(self.held_back(Certainty::Certain, self.long.map(|(_, long)| long)))
    }

    /// Held back with compression, at once without.
    fn compressor(&self) -> Option<Verdict> {
        let (stream, timing) = self.identity?;
        let certainty = self.undone_in(&timing, self.unbuffered).filter(|_| is_compressed(self.main.shown))?;
        let because = format!(
            "with Accept-Encoding: gzip, deflate {}; with identity the first text came after {} and the last after {}",
            self.account(),
            span(timing.first_ms),
            span(timing.last_ms)
        );
        let finding = self
            .finding(certainty, because)
            .so("Clients accept compression by default, so the whole answer appears at once and late.")
            .fix("Switch compression off for text/event-stream (nginx: take it out of `gzip_types`; Express: `compression` with a filter), or flush after each event.")
            .cite([self.main.shown.exchange, stream.shown.exchange])
            .detail("kind", "compressor");
        Some(self.measured(finding).present())
    }

    /// Few arrivals, far apart, each with many events and torn at its end; in the longer answer, when the short one fits into one.
    fn clumps(&self) -> Option<Verdict> {
        let streams = [Some((self.main, self.timing)), self.long];
        streams.into_iter().flatten().find_map(|(stream, timing)| self.clumps_of(stream, &timing))
    }

    fn clumps_of(&self, stream: Streamed, timing: &Timing) -> Option<Verdict> {
        let bursts = bursts(&stream.shown.response()?.body);
        let aligned = aligned_share(&bursts, &stream.reading.event_ends)?;
        let gap = bursts.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).fold(f64::INFINITY, f64::min);
        let far = gap >= TOO_SHORT_MS && gap >= 3.0 * self.floor_ms?;
        let size = bursts.iter().map(|burst| burst.bytes).max()?;
        if aligned > 0.3 || !far || size < 4000 || timing.pieces < 8 * bursts.len() || is_packets(&bursts) {
            return None;
        }
        let compressed = is_compressed(stream.shown);
        let because = format!(
            "{} pieces of text came in {} {}arrivals at least {} apart, and {:.0} % of these end where an event ends",
            timing.pieces,
            bursts.len(),
            if compressed { "compressed " } else { "" },
            span(gap),
            aligned * 100.0
        );
        let finding = self
            .finding(Certainty::Likely, because)
            .so("Text appears in lumps of many words with pauses between them.")
            .cite([stream.shown.exchange])
            .detail("kind", if compressed { "compressor" } else { "clumps" });
        let unflushed = "The body is compressed, and the compressor hands on what it has when its own buffer is full: flush it after each event, or leave text/event-stream out.";
        let finding = if compressed { finding.fix(unflushed) } else { finding };
        Some(self.measured(finding).present())
    }

    /// Was everything delivered together, after the time that the whole answer takes?
    fn at_once(&self) -> Verdict {
        if !together(&self.timing) {
            return Verdict::absent(self.account());
        }
        let growth = self.growth();
        if let Some(doubt) = self.doubt(&growth) {
            return Verdict::untested(doubt);
        }
        let soon = self.control.is_some_and(|control| self.first_ms().1 < 0.7 * control.total_ms());
        match growth {
            Growth::Grew(long) => self.held_back(Certainty::Certain, Some(long)),
            _ if soon => Verdict::absent(format!("{}; {}", self.account(), self.control_said())),
            Growth::Stayed(long) => Verdict::absent(format!("{}; {}", self.account(), long_said(&long))),
            Growth::Unclear(long) if self.is_sharp() => self.held_back(Certainty::Possible, Some(long)),
            Growth::Unknown if self.is_sharp() && (self.is_short() || self.is_heap()) => self.held_back(Certainty::Possible, None),
            Growth::Unknown if self.is_sharp() && self.timing.pieces > 2 => self.held_back(Certainty::Likely, None),
            _ => Verdict::untested("no longer answer came to tell a held-back stream from a slow beginning"),
        }
    }

    /// Why these times cannot tell anything. What grew with the length of the answer is not the network's time.
    fn doubt(&self, growth: &Growth) -> Option<String> {
        let whole = self.control.map_or(self.timing.last_ms, Exchange::total_ms);
        let floor = self.floor_ms.unwrap_or(0.0);
        if self.is_short() && !self.is_short_and_sharp() {
            return Some(format!("the answer had {} characters in {} pieces: too short to tell", self.timing.chars, self.timing.pieces));
        }
        let grew = matches!(growth, Growth::Grew(long) if long.first_ms >= 3.0 * floor);
        let whole = whole.min(self.first_ms().0);
        let quick = (whole < TOO_SHORT_MS && !self.waits_for_nothing()) || (self.timing.first_ms < 3.0 * floor && !grew);
        quick.then(|| format!("the whole answer took {}, and the quickest refusal {}: too short to tell", span(whole), span(floor)))
    }

    /// Every stream of the run lets all of its text go at one moment, long after the same answer came whole: neither the model's beginning
    /// nor its writing takes that time, for the answer is there.
    fn waits_for_nothing(&self) -> bool {
        let whole = self.control.map_or(f64::INFINITY, Exchange::total_ms);
        let others = self.others();
        let held = |timing: &Timing| together(timing) && timing.first_ms >= 10.0 * TOO_SHORT_MS.max(whole);
        !others.is_empty() && held(&self.timing) && others.into_iter().all(held)
    }

    fn is_short(&self) -> bool {
        self.timing.pieces < 8 && self.timing.chars < 60
    }

    /// So much text in so few pieces was not written piece by piece.
    fn is_heap(&self) -> bool {
        self.timing.pieces <= 2 && self.timing.chars >= 200 * self.timing.pieces
    }

    /// A few pieces prove little. They tell when every stream of the run let several go at the very same moment, after the time that the
    /// whole answer takes, and that time is not the network's.
    fn is_short_and_sharp(&self) -> bool {
        let (Some(control), Some(floor)) = (self.control, self.floor_ms) else { return false };
        let others = self.others();
        let sharp = |timing: &Timing| {
            let late = timing.first_ms >= SHARPEST.1 * floor && timing.first_ms >= 0.8 * control.total_ms();
            timing.pieces >= 4 && timing.spread_share() <= SHARPEST.0 && late
        };
        !others.is_empty() && sharp(&self.timing) && others.into_iter().all(sharp)
    }

    /// Convincing without a longer answer: there is a control, the release took next to no time, and no model writes as fast.
    fn is_sharp(&self) -> bool {
        let implausible = self.timing.pieces <= 2 || self.timing.rate() >= IMPLAUSIBLE_RATE;
        self.control.is_some() && implausible && self.timing.spread_share() <= SURELY_TOGETHER
    }

    /// Did the time to the first text grow with the length of the answer?
    fn growth(&self) -> Growth {
        let Some((_, long)) = self.long else { return Growth::Unknown };
        let length = long.chars as f64 / self.timing.chars.max(1) as f64;
        // Chance only ever adds: the quickest stream of the plain question tells how long it takes.
        let (least, most) = self.first_ms();
        let waited = long.first_ms / least;
        // What is held back to its end doesn't begin in the first half of its time, however long a busy machine made one of the waits.
        let flows = !together(&long) && long.spread_share() > 1.0;
        let grew = waited >= 1.0 + (length - 1.0) / 3.0 && long.first_ms >= 1.2 * most && least >= TOO_SHORT_MS;
        match () {
            () if length < 1.5 => Growth::Unknown,
            () if waited < 1.2 || flows => Growth::Stayed(long),
            () if together(&long) && grew => Growth::Grew(long),
            () => Growth::Unclear(long),
        }
    }

    fn held_back(&self, certainty: Certainty, long: Option<Timing>) -> Verdict {
        let parts = [
            Some(self.account()),
            self.control.map(|_| self.control_said()),
            long.map(|long| long_said(&long)),
            self.length_said(),
            self.trials_said(),
        ];
        let because = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let finding = self
            .finding(certainty, because)
            .so("Clients that stream show nothing until the answer is complete.")
            .cite([self.main.shown.exchange])
            .cite(self.control)
            .cite(self.long.map(|(stream, _)| stream.shown.exchange))
            .detail("kind", self.kind());
        let finding = self.layer().into_iter().fold(finding, Finding::fix);
        self.measured(finding).present()
    }

    fn kind(&self) -> &'static str {
        match self.timing.pieces {
            1 | 2 => "single-delta",
            _ if self.has_length() => "content-length",
            _ => "whole",
        }
    }

    fn has_length(&self) -> bool {
        self.main.shown.response().is_some_and(|response| response.header("content-length").is_some())
    }

    /// Which layer to look at, from what came early.
    fn layer(&self) -> Option<&'static str> {
        let head = self.main.shown.ttfb_ms()?;
        Some(match self.kind() {
            "single-delta" => {
                "One delta holds the whole answer: whoever writes the events (the upstream, or a gateway that translates) asked for the answer without streaming. Make it pass `stream: true` on."
            }
            "content-length" => {
                "The stream has a Content-Length: the last hop reads the whole body before it answers. Make it pass the body on as it comes."
            }
            _ if head >= 0.8 * self.timing.first_ms => {
                "The head came with the text: look at a proxy with response buffering first (nginx, an ingress, an API gateway)."
            }
            _ => "The head came early and the text late: look at middleware first (compression, a plugin that reads the whole body).",
        })
    }

    fn account(&self) -> String {
        let timing = &self.timing;
        match timing.pieces {
            1 => format!("the whole text came in one piece after {}", span(timing.first_ms)),
            pieces => format!("first text after {}, then all {pieces} pieces within {}", span(timing.first_ms), span(timing.spread_ms())),
        }
    }

    fn control_said(&self) -> String {
        let total = self.control.map_or(0.0, Exchange::total_ms);
        format!("the same answer not streamed took {}", span(total))
    }

    fn length_said(&self) -> Option<String> {
        let length = self.main.shown.response()?.header("content-length")?;
        Some(format!("the stream's head gives its Content-Length, {length}"))
    }

    /// What asking otherwise changed: nothing, or it would have been told before.
    fn trials_said(&self) -> Option<String> {
        let trials = [(&self.identity, "Accept-Encoding: identity"), (&self.unbuffered, "X-Accel-Buffering: no")];
        let held = trials.into_iter().filter(|(trial, _)| trial.as_ref().is_some_and(|(_, timing)| together(timing)));
        let names: Vec<_> = held.map(|(_, name)| name).collect();
        (!names.is_empty()).then(|| format!("with {} it was the same", names.join(" and with ")))
    }

    /// A finding with what the head of the stream tells of the way; whoever packs a whole answer into one event stands behind the gateway,
    /// or is the gateway where it translates.
    fn finding(&self, certainty: Certainty, because: String) -> Finding {
        let mut finding = finding(certainty, because, &self.boxes);
        if self.kind() == "single-delta" {
            finding.blame = Blame::Upstream;
        }
        naming_old_http(finding, self.main.shown)
    }

    fn measured(&self, finding: Finding) -> Finding {
        let finding = finding.detail("ttft_ms", self.timing.first_ms.round()).detail("spread_ms", self.timing.spread_ms().round());
        match self.main.shown.ttfb_ms() {
            Some(ttfb) => finding.detail("ttfb_ms", ttfb.round()),
            None => finding,
        }
    }
}

/// What a longer answer shows.
enum Growth {
    Grew(Timing),
    Stayed(Timing),
    Unclear(Timing),
    Unknown,
}

/// All content at nearly one moment, compared with the time before it: faster than any model writes, or many pieces with each read. (A busy
/// machine may stretch the moment, and splits no read.) A model that thinks long and writes fast may do the same: the longer answer tells
/// them apart.
fn together(timing: &Timing) -> bool {
    let heaped = timing.pieces <= 2 || timing.rate() >= IMPLAUSIBLE_RATE || in_heaps(timing);
    heaped && timing.spread_share() <= TOGETHER
}

/// Several pieces with each read.
fn in_heaps(timing: &Timing) -> bool {
    4 * timing.moments <= timing.pieces
}

/// Where HTTP/1.0 shows: the answer's own version, or a hop's in `Via`.
fn old_http(shown: &Shown) -> Option<&'static str> {
    let response = shown.response()?;
    let via = response.header("via").unwrap_or_default();
    let old = via.split(',').any(|hop| matches!(hop.split_whitespace().next(), Some("1.0" | "HTTP/1.0" | "http/1.0")));
    if response.version == "HTTP/1.0" { Some("the answer itself") } else { old.then_some("a hop in `Via`") }
}

fn long_said(long: &Timing) -> String {
    format!("an answer of {} characters began after {} and ended {} later", long.chars, span(long.first_ms), span(long.spread_ms()))
}
