//! For a comment in a bug thread: Markdown in which foreign words mention nobody, link nowhere and format nothing.

use super::groups::Group;
use super::stream::{MARKDOWN, Picture, Sight};
use super::words::capital;
use super::{Item, Look, Outcome, Report, Row, Status, clients, pasted, words};
use crate::catalogue::Severity;

/// The report as Markdown, as GitHub shows it.
pub fn write(report: &Report, look: &Look) -> String {
    if report.seen.is_some() {
        return pasted::markdown(report);
    }
    let mut parts = vec![head(report), ladder(report)];
    for group in report.groups() {
        parts.push(card(group.root, &report.sight_of(group.root, look.verbose)));
        parts.extend(consequences(&group));
    }
    parts.extend(streams(report, look));
    parts.extend(clients::in_markdown(report));
    parts.extend(ruled_out(report, look));
    parts.extend(not_observable(report));
    parts.push(format!("<sub>llmdoctor {}, {}</sub>", inline(&report.tool.version), inline(&report.started_at)));
    parts.join("\n\n") + "\n"
}

fn head(report: &Report) -> String {
    let mark = match report.verdict {
        Outcome::Healthy => "✅",
        Outcome::Impaired => "⚠️",
        Outcome::Broken => "❌",
        Outcome::Inconclusive => "❔",
    };
    let target = &report.target;
    let model = target.model.as_ref().map(|model| format!("model {}", code(model)));
    let client = target.client.as_ref().map(|client| inline(&clients::asked_as(client)));
    let upstream = target.upstream.as_ref().map(|upstream| format!("behind it {}", code(&upstream.base_url)));
    let what = [Some(code(&target.base_url)), model, Some(code(&target.dialect)), client, upstream, Some(cost(report))];
    let what = what.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let speed = report.speed.parts().join(" · ");
    let speed = if speed.is_empty() { speed } else { format!("\n\n{speed}") };
    format!("### {mark} {}\n\n{what}{speed}", inline(&report.headline()))
}

fn cost(report: &Report) -> String {
    let cost = &report.cost;
    let (requests, tokens) = (words::count(cost.requests, "request"), words::count(cost.tokens() as usize, "token"));
    let stopped = if report.interrupted { ", interrupted" } else { "" };
    format!("{requests}, {tokens}, {}{stopped}", words::duration(report.duration_ms))
}

fn ladder(report: &Report) -> String {
    let mut rows = vec!["| | rung | took | |".to_owned(), "|---|---|---:|---|".to_owned()];
    for rung in &report.probes {
        let (mark, took) = match rung.status {
            Status::Passed => ("✓", words::duration(rung.took_ms)),
            Status::Failed => ("✗", words::duration(rung.took_ms)),
            Status::Inconclusive => ("?", words::duration(rung.took_ms)),
            Status::Skipped => ("–", String::new()),
        };
        rows.push(format!("| {mark} | {} | {took} | {} |", inline(&rung.id), cell(&rung.note)));
    }
    rows.join("\n")
}

pub(super) fn card(item: &Item, seen: &Sight) -> String {
    let tag = format!("{}, {}", words::severity(item.severity), words::certainty(item.certainty));
    let mut parts = vec![format!("#### {}: {} ({})", capital(&tag), inline(&item.title), code(&item.mode))];
    let field = |(label, text): &(&str, &str)| format!("**{label}:** {}", inline(text));
    parts.push(field(&("Measured", &item.because)));
    parts.extend(seen.picture.iter().map(drawing));
    parts.extend(readers(seen.readers.iter()));
    parts.extend(
        seen.dumps.iter().map(|dump| format!("**Bytes:** {}\n\n{}", dump.caption(), fenced("text", &dump.lines(MARKDOWN).join("\n")))),
    );
    let fields = [
        ("Means", item.consequence.as_str()),
        ("Clients", &item.clients),
        ("Its user", item.user_sees.as_deref().unwrap_or_default()),
        ("Must act", words::actor(item.blame)),
    ];
    parts.extend(fields.iter().filter(|(_, text)| !text.is_empty()).map(field));
    if !item.fix.is_empty() {
        let actions: Vec<_> = item.fix.iter().enumerate().map(|(index, action)| format!("{}. {}", index + 1, inline(action))).collect();
        parts.push(format!("**Fix:**\n\n{}", actions.join("\n")));
    }
    parts.extend(item.reproduce.as_ref().filter(|_| item.severity > Severity::Info).map(|curl| fenced("sh", curl)));
    parts.join("\n\n")
}

fn drawing(picture: &Picture) -> String {
    format!("**Timeline:** {}\n\n{}", inline(&picture.caption()), fenced("text", &picture.lines(MARKDOWN, false).join("\n")))
}

/// What clients of different kinds make of a stream.
fn readers<'r>(lines: impl Iterator<Item = &'r String>) -> Option<String> {
    let lines: Vec<_> = lines.map(|line| format!("- {}", inline(line))).collect();
    (!lines.is_empty()).then(|| format!("**Readers:**\n\n{}", lines.join("\n")))
}

/// Every stream with its numbers and its picture, when everything is wanted.
fn streams(report: &Report, look: &Look) -> Option<String> {
    let pictured = report.pictured();
    let row = |row: &&Row| {
        let numbers = row.stream.as_ref().map(|measures| measures.parts().join(" · ")).unwrap_or_default();
        let picture = (!pictured.contains(&row.id.as_str())).then(|| format!("\n\n{}", drawing(&report.picture(row))));
        let readers = readers(row.seeing.main.iter().chain(&row.seeing.others)).map(|list| format!("\n\n{list}"));
        let (picture, readers) = (picture.unwrap_or_default(), readers.unwrap_or_default());
        format!("{} {}: {}{picture}{readers}", code(&row.id), inline(&row.label), inline(&numbers))
    };
    let rows: Vec<_> = report.streams().iter().filter(|_| look.verbose).map(row).collect();
    folded(&words::count(rows.len(), "stream"), &[rows.join("\n\n")]).filter(|_| !rows.is_empty())
}

fn consequences(group: &Group) -> Option<String> {
    let line = |item: &&Item| {
        let title = format!("{}: {} ({}).", words::severity(item.severity), inline(&item.title), code(&item.mode));
        format!("- {title} {}", inline(&item.because))
    };
    let lines: Vec<_> = group.below.iter().map(line).collect();
    (!lines.is_empty()).then(|| format!("**And therefore:**\n\n{}", lines.join("\n")))
}

fn ruled_out(report: &Report, look: &Look) -> Option<String> {
    let row = |(family, rows): &(&str, Vec<&super::Absent>)| {
        let modes: Vec<_> = rows
            .iter()
            .map(|row| if look.verbose { format!("\n  - {}: {}", code(&row.mode), inline(&row.because)) } else { code(&row.mode) })
            .collect();
        format!("- {}: {}", inline(family), modes.join(if look.verbose { "" } else { ", " }))
    };
    let rows: Vec<_> = report.families().iter().map(row).collect();
    folded(&format!("Ruled out: {}", words::count(report.absent.len(), "failure mode")), &rows)
}

fn not_observable(report: &Report) -> Option<String> {
    let row = |(because, modes): &(&str, Vec<&str>)| {
        let modes: Vec<_> = modes.iter().map(|mode| code(mode)).collect();
        format!("- {}: {}", inline(because.trim_end_matches('.')), modes.join(", "))
    };
    let rows: Vec<_> = report.reasons().iter().map(row).collect();
    folded(&format!("Not observable from here: {}", words::count(report.untested.len(), "failure mode")), &rows)
}

fn folded(summary: &str, rows: &[String]) -> Option<String> {
    (!rows.is_empty()).then(|| format!("<details><summary>{summary}</summary>\n\n{}\n\n</details>", rows.join("\n")))
}

/// A block of code whose fence is longer than any run of backticks in it.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}

/// A code span whose fence is longer than any run of backticks in it.
pub(super) fn code(text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Prose in which every word that Markdown, HTML or GitHub could act upon stands in a code span. What stands between backticks already
/// keeps its span.
pub(super) fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, quoted, trail, after)) = quoted(rest) {
        push(&mut out, &prose(before));
        if !before.ends_with('(') {
            push(&mut out, "");
        }
        out.push_str(&code(quoted));
        out.push_str(trail);
        rest = after;
    }
    push(&mut out, &prose(rest));
    out.truncate(out.trim_end().len());
    out
}

/// Adds words after a blank.
fn push(out: &mut String, words: &str) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
    out.push_str(words);
}

/// The first span between two backticks that stands for itself: text before it, the span, punctuation behind it, and what follows after
/// a blank. A pair that touches other words or other backticks is none.
fn quoted(text: &str) -> Option<(&str, &str, &str, &str)> {
    let open = text.find('`')?;
    let length = text[open + 1..].find('`')?;
    let (before, quoted, behind) = (&text[..open], &text[open + 1..open + 1 + length], &text[open + length + 2..]);
    let trail = behind.len() - behind.trim_start_matches(['.', ',', ';', '?', ')', '”', '"']).len();
    let apart = before.is_empty() || before.ends_with(|c: char| c.is_whitespace() || c == '(');
    let ends = behind[trail..].is_empty() || behind[trail..].starts_with(char::is_whitespace);
    (apart && ends && !quoted.trim().is_empty()).then(|| (before, quoted, &behind[..trail], &behind[trail..]))
}

/// The same for text without such spans.
fn prose(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut span = Span::default();
    for (index, word) in text.split_whitespace().enumerate() {
        let (lead, core, trail) = bare(word);
        let acts = is_risky(core) || (index == 0 && opens_block(word));
        if !acts {
            out.extend(span.close(""));
            out.push(word.to_owned());
            continue;
        }
        if !lead.is_empty() {
            out.extend(span.close(""));
            span.lead = lead;
        }
        span.words.push(core);
        if !trail.is_empty() {
            out.extend(span.close(trail));
        }
    }
    out.extend(span.close(""));
    out.join(" ")
}

/// A code span that grows word by word, and the punctuation before it.
#[derive(Default)]
struct Span<'t> {
    lead: &'t str,
    words: Vec<&'t str>,
}

impl Span<'_> {
    /// The span with the punctuation behind it, if there is one; what follows begins a new one.
    fn close(&mut self, trail: &str) -> Option<String> {
        let Span { lead, words } = std::mem::take(self);
        (!words.is_empty()).then(|| format!("{lead}{}{trail}", code(&words.join(" "))))
    }
}

/// Punctuation before a word, the word, and punctuation behind it.
fn bare(word: &str) -> (&str, &str, &str) {
    let rest = word.trim_start_matches(['(', '“', '"']);
    let core = rest.trim_end_matches(['.', ',', ';', ':', '?', ')', '”', '"']);
    if core.is_empty() { ("", word, "") } else { (&word[..word.len() - rest.len()], core, &rest[core.len()..]) }
}

/// Holds a character that formats, links, mentions, refers or starts HTML, an entity, math or an emoji.
fn is_risky(word: &str) -> bool {
    let colon = word.contains(':');
    let address = word.to_ascii_lowercase().contains("www.");
    let issue = word.to_ascii_uppercase().contains("GH-");
    colon || address || issue || word.contains(|c| "@#<>[]`|*_~\\&$!^{}=".contains(c))
}

/// Would begin a list, a quote or a rule at the beginning of a line.
fn opens_block(word: &str) -> bool {
    let number = word.trim_end_matches(['.', ')']);
    let is_number = number.len() < word.len() && number.chars().all(|c| c.is_ascii_digit());
    is_number || word.chars().all(|c| "-+:".contains(c))
}

/// Prose for a table's cell.
pub(super) fn cell(text: &str) -> String {
    inline(&text.replace('|', "¦"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_stay_words() {
        let cases = [
            ("see @octocat and #12, ok", "see `@octocat` and `#12`, ok"),
            ("<img src=x onerror=alert(1)> hi", "`<img src=x onerror=alert(1)>` hi"),
            ("[a](http://evil) www.evil.example", "`[a](http://evil`) `www.evil.example`"),
            ("- item", "`-` item"),
            ("1. one", "`1`. one"),
            ("model_not_found `x` ```y", "`model_not_found` `x` ```` ```y ````"),
            ("first byte after 700 ms, then all", "first byte after 700 ms, then all"),
            ("octo/repo@abc GH-12 :tada: $x$ note:", "`octo/repo@abc GH-12 :tada`: `$x$` note:"),
            ("set `proxy_buffering off;` and (`a: b`), then <b>", "set `proxy_buffering off;` and (`a: b`), then `<b>`"),
            ("refused (model_not_found), twice", "refused (`model_not_found`), twice"),
        ];
        for (text, expected) in cases {
            assert_eq!(inline(text), expected);
        }
    }

    /// What is left when code spans are taken out as CommonMark does: a run of backticks up to the next run of the same length.
    fn outside_of_code(text: &str) -> String {
        let mut rest = text;
        let mut outside = String::new();
        while let Some(open) = rest.find('`') {
            outside.push_str(&rest[..open]);
            let run = rest[open..].len() - rest[open..].trim_start_matches('`').len();
            let body = &rest[open + run..];
            let mut runs = body.match_indices('`').filter(|(at, _)| !body[..*at].ends_with('`'));
            let close = runs.find(|(at, _)| body[*at..].len() - body[*at..].trim_start_matches('`').len() == run);
            let Some((close, _)) = close else { return outside + &rest[open..] };
            rest = &body[close + run..];
        }
        outside + rest
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_acts_is_left_outside_of_code(text in "[ab `@#<>\\[\\]|*_~$!:.(&-]{0,40}") {
            let outside = outside_of_code(&inline(&text));
            let acting = outside.chars().find(|c| "@#<>[]`|*_~\\&$!".contains(*c));
            proptest::prop_assert_eq!(acting, None, "{} from {}", outside, text);
        }
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!(fenced("sh", "a ```` b"), "`````sh\na ```` b\n`````");
        assert_eq!(code("`"), "`` ` ``");
    }

    #[test]
    fn a_cell_stays_one_cell() {
        assert_eq!(cell("a \\| b"), "a `\\¦` b");
    }
}
