//! The gateway itself takes longer than the network explains.

use super::timing::span;
use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Trial, Verdict};
use crate::evidence::Ask;

/// The gateway adds more than the network explains.
pub const MODE: FailureMode = FailureMode {
    id: "gateway-latency",
    title: "The gateway itself makes answers slow",
    family: "gateway",
    symptom: "Through the gateway every answer begins later than from the upstream directly, often by the same number of seconds.",
    cause: "Blocking callbacks and logging, a database or cache that does not answer, name resolution that waits for a dead server (a constant \
            5 s), too few workers, or a fail-over that tries a dead deployment first. Long prompts and cold models make the upstream \
            itself slow: that is no matter of the gateway.",
    fix: &[
        "Compare the time to the first byte with the upstream's, several times each (`--upstream-url URL` does): one slow answer shows nothing.",
        "LiteLLM: look at `x-litellm-overhead-duration-ms`; switch callbacks off one by one, and give the proxy more workers.",
        "A constant 5 s points at name resolution or at an outgoing connection that times out.",
    ],
    references: &[
        "https://github.com/BerriAI/litellm/issues/38689",
        "https://github.com/BerriAI/litellm/issues/26699",
        "https://github.com/BerriAI/litellm/issues/9491",
        "https://github.com/BerriAI/litellm/issues/8671",
    ],
    explains: &[],
    diagnose,
};

/// Below this many milliseconds nobody notices.
const NOTICED_MS: f64 = 500.0;

/// So many answers of each side make a comparison.
const ROUNDS: usize = 3;

fn diagnose(case: &Case) -> Verdict {
    let told: Vec<(&Shown, f64)> =
        case.all().filter(|shown| shown.answered()).filter_map(|shown| Some((shown, overhead(shown)?))).collect();
    let least = told.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let heavy = told.iter().all(|(shown, ms)| *ms >= NOTICED_MS && *ms * 2.0 >= shown.total_ms());
    match (least, beside(case)) {
        (_, Ok(verdict @ Verdict::Present(_))) => verdict,
        (Some(least), _) if heavy => present(least, told.len()),
        (_, Ok(verdict)) => verdict,
        (Some(least), _) => Verdict::absent(format!("LiteLLM counts {} of its own", span(least.1))),
        (None, Err(missing)) => Verdict::untested(format!("{missing}, and no header tells what the gateway adds")),
    }
}

/// The same short question in turn through the gateway and directly; the control pair, when that shows no difference already.
fn beside(case: &Case) -> Result<Verdict, String> {
    let bypass = case.bypass()?;
    if bypass.is_another_model() {
        return Err("another model answers through the gateway than directly".to_owned());
    }
    let answered =
        |trial: Trial| -> Vec<f64> { trial.tries.iter().filter(|shown| shown.answered()).map(|shown| shown.total_ms()).collect() };
    let (through, past) = (answered(case.trial(Ask::Overhead)), answered(bypass.trial(Ask::Overhead)));
    if through.len() < ROUNDS || past.len() < ROUNDS {
        let (own, direct) = (answered(case.chat()), answered(bypass.trial(Ask::Chat)));
        let (Some(own), Some(direct)) = (least(&own), least(&direct)) else {
            return Err("plain chat was not answered on both ways".to_owned());
        };
        if own - direct >= NOTICED_MS {
            return Err("the gateway looked slow once, and was not asked often enough beside the upstream".to_owned());
        }
        return Ok(Verdict::absent(format!("plain chat took {} through the gateway and {} directly", span(own), span(direct))));
    }
    let added = median(&through) - median(&past);
    let ranges = format!("{} through the gateway and {} directly", range(&through), range(&past));
    let apart = least(&through).zip(most(&past)).is_some_and(|(through, past)| through - past >= NOTICED_MS && through >= 1.5 * past);
    if !apart {
        return Ok(Verdict::absent(format!("a short question, asked {} times in turn, took {ranges}", through.len())));
    }
    let steady = most(&through).zip(least(&through)).is_some_and(|(most, least)| most - least <= added);
    let because = format!(
        "A short question, asked {} times in turn, took {ranges}: the upstream, asked directly, answered {} sooner.",
        through.len(),
        span(added)
    );
    let finding = Finding::new(Severity::Warning, if steady { Certainty::Certain } else { Certainty::Likely }, Blame::Gateway, because)
        .so("Most of the wait is the gateway's, or the way's between it and the upstream, and not the model's.")
        .cite(case.asked(Ask::Overhead).map(|shown| shown.exchange))
        .cite(bypass.trial(Ask::Overhead).first().map(|shown| shown.exchange))
        .detail("overhead_ms", added.round());
    Ok(finding.present())
}

fn least(times: &[f64]) -> Option<f64> {
    times.iter().copied().min_by(f64::total_cmp)
}

fn most(times: &[f64]) -> Option<f64> {
    times.iter().copied().max_by(f64::total_cmp)
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// `412 ms to 430 ms`.
fn range(times: &[f64]) -> String {
    match (least(times), most(times)) {
        (Some(least), Some(most)) => format!("{} to {}", span(least), span(most)),
        _ => "nothing".to_owned(),
    }
}

/// Milliseconds that LiteLLM says it took itself.
fn overhead(shown: &Shown) -> Option<f64> {
    shown.response()?.header("x-litellm-overhead-duration-ms")?.trim().parse().ok().filter(|ms: &f64| ms.is_finite())
}

fn present(least: &(&Shown, f64), count: usize) -> Verdict {
    let (shown, ms) = least;
    let because =
        format!("LiteLLM took {} or more itself, of {} in all, in {count} of {count} answers.", span(*ms), span(shown.total_ms()));
    let certainty = if count > 1 { Certainty::Certain } else { Certainty::Likely };
    Finding::new(Severity::Warning, certainty, Blame::Gateway, because)
        .so("Most of the wait is the gateway's and not the model's.")
        .cite([shown.exchange])
        .detail("overhead_ms", ms.round())
        .present()
}
