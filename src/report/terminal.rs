//! For reading where the command was typed, and for pasting into a bug thread.

use anstyle::AnsiColor;

use super::groups::Group;
use super::layout::{Ink, Page, UNBROKEN};
use super::stream::{Picture, Sight};
use super::words::capital;
use super::{Item, Look, Outcome, Report, Status, Upstream, clients, pasted, words};
use crate::catalogue::Severity;

/// Columns of a finding's labels.
const LABELS: usize = 10;
/// Columns in front of a picture.
const PICTURE: usize = 6;
/// Groups of untested modes that are shown with their reason unless everything is wanted.
const GROUPS: usize = 6;

/// The report as text.
pub fn write(report: &Report, look: &Look) -> String {
    if report.seen.is_some() {
        return pasted::terminal(report, look);
    }
    let mut page = Page::new(look);
    head(&mut page, report);
    found(&mut page, report, look);
    clients::terminal(&mut page, report, look);
    notes(&mut page, report, look);
    ladder(&mut page, report, look);
    exchanges(&mut page, report, look);
    streams(&mut page, report, look);
    ruled_out(&mut page, report, look);
    not_observable(&mut page, report, look);
    page.done()
}

fn head(page: &mut Page, report: &Report) {
    headline(page, report, &report.headline());
    page.gap();
    let chosen = if report.target.model_was_chosen { " (chosen from the list)" } else { "" };
    let model = report.target.model.as_ref().map_or("no model".to_owned(), |model| format!("model {model}{chosen}"));
    let client = report.target.client.as_ref().map(|client| clients::asked_as(client));
    let what = [Some(model), Some(report.target.dialect.clone()), client].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let behind = report.target.upstream.as_ref().map(behind).unwrap_or_default();
    let rows =
        [("Target", report.target.base_url.clone()), ("", what), ("Behind", behind), ("Speed", speed(report)), ("Cost", cost(report))];
    for (label, text) in rows.iter().filter(|(_, text)| !text.is_empty()) {
        page.labelled(2, 8, &Ink::dim(*label), &Ink::plain(text));
    }
}

/// What stands behind the target.
fn behind(upstream: &Upstream) -> String {
    let model = upstream.model.as_ref().map(|model| format!(" · model {model}")).unwrap_or_default();
    format!("{}{model}, asked directly as well", upstream.base_url)
}

/// The answer, in the colour of the verdict.
pub(super) fn headline(page: &mut Page, report: &Report, text: &str) {
    let color = match report.verdict {
        Outcome::Healthy => AnsiColor::Green,
        Outcome::Broken => AnsiColor::Red,
        Outcome::Impaired | Outcome::Inconclusive => AnsiColor::Yellow,
    };
    let mark = Ink::coloured(page.verdict_mark(report.verdict), color);
    page.labelled(0, 2, &mark, &Ink::coloured(text, color));
}

/// What was measured on the control pair.
fn speed(report: &Report) -> String {
    joined(report.speed.parts())
}

fn cost(report: &Report) -> String {
    let cost = &report.cost;
    let tokens = format!("{} prompt + {} completion tokens", cost.prompt_tokens, cost.completion_tokens);
    let tokens = (cost.tokens() > 0).then_some(tokens);
    let stopped = report.interrupted.then(|| "interrupted".to_owned());
    let parts = [Some(words::count(cost.requests, "request")), tokens, Some(words::duration(report.duration_ms)), stopped];
    joined(parts.into_iter().flatten().collect())
}

/// Parts in a row; a line may end between them, not inside one.
fn joined(parts: Vec<String>) -> String {
    parts.iter().map(|part| part.replace(' ', UNBROKEN)).collect::<Vec<_>>().join(&format!("{UNBROKEN}· "))
}

/// Errors and warnings with their consequences.
fn found(page: &mut Page, report: &Report, look: &Look) {
    let groups: Vec<_> = report.groups().into_iter().filter(|group| group.severity() > Severity::Info).collect();
    if groups.is_empty() {
        return;
    }
    page.section("FOUND", "");
    for group in groups {
        page.gap();
        card(page, group.root, &report.sight_of(group.root, look.verbose), look);
        consequences(page, &group, look);
    }
}

/// Everything about one finding, with what there is to see of it.
pub(super) fn card(page: &mut Page, item: &Item, seen: &Sight, look: &Look) {
    let tag = tag(item);
    let column = tag.len() + 2;
    page.labelled(2, column, &Ink::severe(tag, item.severity), &Ink::bold(format!("{} ({})", item.title, item.mode)));
    let field = |page: &mut Page, label: &str, text: &str| {
        if !text.is_empty() {
            page.labelled(4, LABELS, &Ink::dim(label), &Ink::plain(text));
        }
    };
    field(page, if item.settle.is_some() { "Because" } else { "Measured" }, &item.because);
    if let Some(picture) = &seen.picture {
        field(page, "Timeline", &picture.caption());
        drawing(page, picture, look);
    }
    readers(page, 4, seen.readers.iter());
    for dump in &seen.dumps {
        field(page, "Bytes", &dump.caption());
        for line in dump.lines(page.width().saturating_sub(PICTURE)) {
            page.drawn(PICTURE - 2, &line);
        }
    }
    field(page, "Means", &item.consequence);
    field(page, "Clients", &item.clients);
    field(page, "Its user", item.user_sees.as_deref().unwrap_or_default());
    field(page, "Must act", words::actor(item.blame));
    for (index, action) in item.fix.iter().enumerate() {
        let label = if index == 0 { "Fix" } else { "" };
        let column = LABELS + item.fix.len().to_string().len() + 2;
        page.labelled(4, column, &Ink::dim(format!("{label:LABELS$}{}.", index + 1)), &Ink::plain(action));
    }
    field(page, "Read", &format!("llmdoctor explain {}", item.mode));
    if let Some(curl) = &item.reproduce {
        field(page, "Try it", &format!("this shows it again{}:", key_hint(curl)));
        page.command(4, curl);
    }
}

fn drawing(page: &mut Page, picture: &Picture, look: &Look) {
    for line in picture.lines(page.width().saturating_sub(PICTURE), look.ascii) {
        page.drawn(PICTURE, &line);
    }
}

/// What clients of different kinds make of a stream, one below the other.
fn readers<'r>(page: &mut Page, indent: usize, lines: impl Iterator<Item = &'r String>) {
    for (index, line) in lines.enumerate() {
        page.labelled(indent, LABELS, &Ink::dim(if index == 0 { "Readers" } else { "" }), &Ink::plain(line));
    }
}

fn tag(item: &Item) -> String {
    format!("{}, {}", words::severity(item.severity), words::certainty(item.certainty))
}

fn key_hint(curl: &str) -> &'static str {
    match curl {
        _ if curl.contains("$LLMDOCTOR_UPSTREAM_KEY") => ", with the upstream's key in LLMDOCTOR_UPSTREAM_KEY",
        _ if curl.contains("$LLMDOCTOR_KEY") => ", with your key in LLMDOCTOR_KEY",
        _ => "",
    }
}

/// What a root explains, shorter and below it.
fn consequences(page: &mut Page, group: &Group, look: &Look) {
    let arrow = if look.ascii { "`->" } else { "└▸" };
    for item in &group.below {
        let text = format!("{}: {} ({}). {}", words::severity(item.severity), item.title, item.mode, item.because);
        page.labelled(4, textwrap::core::display_width(arrow) + 1, &Ink::severe(arrow, item.severity), &Ink::plain(text));
    }
}

/// What is worth knowing, one paragraph each.
fn notes(page: &mut Page, report: &Report, look: &Look) {
    let groups: Vec<_> = report.groups().into_iter().filter(|group| group.severity() == Severity::Info).collect();
    if groups.is_empty() {
        return;
    }
    page.section("WORTH KNOWING", "");
    for group in groups {
        if look.verbose {
            card(page, group.root, &report.sight_of(group.root, look.verbose), look);
        } else {
            let told = [group.root.because.as_str(), &capital(&group.root.clients)].join(" ");
            let text = format!("{} ({}). {}", group.root.title, group.root.mode, told.trim_end());
            page.labelled(2, 2, &Ink::severe("·", Severity::Info), &Ink::plain(text));
        }
        consequences(page, &group, look);
    }
}

/// Rung by rung.
fn ladder(page: &mut Page, report: &Report, look: &Look) {
    page.section("LADDER", "");
    for rung in &report.probes {
        let asked = rung.status != Status::Skipped;
        let time = if asked { words::duration(rung.took_ms) } else { String::new() };
        let note = if asked { Ink::plain(&rung.note) } else { Ink::dim(&rung.note) };
        let mark = Ink::status(page.mark(rung.status), rung.status);
        let columns = [(Ink::plain(""), 2), (mark, 2), (Ink::plain(&rung.id), 9), (Ink::dim(format!("{time:>8}")), 10)];
        if look.verbose {
            page.row(&columns, &Ink::dim(format!("{}:", rung.title)));
            page.paragraph(23, &note);
        } else {
            page.row(&columns, &note);
        }
    }
}

/// Every request, when everything is wanted.
fn exchanges(page: &mut Page, report: &Report, look: &Look) {
    if !look.verbose || report.exchanges.is_empty() {
        return;
    }
    page.section("EXCHANGES", "");
    for row in &report.exchanges {
        let status = row.status.map(|status| status.to_string());
        let result = status.into_iter().chain(row.fault.clone()).collect::<Vec<_>>().join(" ");
        let result = if result.is_empty() { "connected".to_owned() } else { result };
        let upstream = if row.via == "upstream" { " (upstream)" } else { "" };
        let text = format!("{}{upstream}: {result} in {}, {} {}", row.label, words::duration(row.total_ms), row.method, row.url);
        page.labelled(2, 5, &Ink::dim(&row.id), &Ink::plain(text));
    }
}

/// Every stream with its numbers and its picture, when everything is wanted.
fn streams(page: &mut Page, report: &Report, look: &Look) {
    let streams = report.streams();
    if !look.verbose || streams.is_empty() {
        return;
    }
    page.section("STREAMS", "beside the same request not streamed");
    let pictured = report.pictured();
    for row in streams {
        page.gap();
        let numbers = row.stream.as_ref().map(|measures| joined(measures.parts())).unwrap_or_default();
        page.labelled(2, 5, &Ink::dim(&row.id), &Ink::plain(format!("{}: {numbers}", row.label)));
        if !pictured.contains(&row.id.as_str()) {
            drawing(page, &report.picture(row), look);
        }
        readers(page, 6, row.seeing.main.iter().chain(&row.seeing.others));
    }
}

/// What is not there: by family, or with its reason when everything is wanted.
fn ruled_out(page: &mut Page, report: &Report, look: &Look) {
    if report.absent.is_empty() {
        return;
    }
    let hint = if look.verbose { "" } else { ", -v says by what" };
    page.section("RULED OUT", &format!("{}{hint}", words::count(report.absent.len(), "failure mode")));
    let families = report.families();
    match (look.verbose, report.verdict) {
        (true, _) => report
            .absent
            .iter()
            .for_each(|row| page.labelled(2, 2, &Ink::plain("·"), &Ink::plain(format!("{}: {}", row.mode, row.because)))),
        (_, Outcome::Healthy) => {
            let counts: Vec<_> = families.iter().map(|(family, rows)| format!("{family} {}", rows.len())).collect();
            page.paragraph(2, &Ink::plain(counts.join(", ")));
        }
        _ => families.iter().for_each(|(family, rows)| {
            let modes: Vec<_> = rows.iter().map(|row| row.mode.as_str()).collect();
            page.labelled(2, LABELS, &Ink::dim(*family), &Ink::plain(modes.join(", ")));
        }),
    }
}

/// What nobody can say, by reason.
fn not_observable(page: &mut Page, report: &Report, look: &Look) {
    if report.untested.is_empty() {
        return;
    }
    let all = look.verbose;
    let groups = report.reasons();
    let shown = if all {
        groups.len()
    } else if report.verdict == Outcome::Healthy {
        0
    } else {
        GROUPS.min(groups.len())
    };
    let hint = if shown < groups.len() { ", -v says why" } else { "" };
    page.section("NOT OBSERVABLE FROM HERE", &format!("{}{hint}", words::count(report.untested.len(), "failure mode")));
    for (because, modes) in &groups[..shown] {
        page.labelled(2, 2, &Ink::plain("·"), &Ink::plain(format!("{}: {}", because.trim_end_matches('.'), modes.join(", "))));
    }
    let rest: Vec<_> = groups[shown..].iter().flat_map(|(_, modes)| modes.iter().copied()).collect();
    if !rest.is_empty() {
        page.paragraph(2, &Ink::plain(rest.join(", ")));
    }
}
