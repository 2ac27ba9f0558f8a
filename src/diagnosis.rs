//! The catalogue applied to evidence: findings, root causes first, and what was ruled out or could not be asked.

use crate::catalogue::{Case, FailureMode, Finding, Verdict, compared};
use crate::evidence::Evidence;

/// What the catalogue says about one run.
pub struct Diagnosis {
    /// What is there, root cause first; a finding that another one explains stands right below it.
    pub findings: Vec<Found>,
    /// What is not there, with the measurement that shows it.
    pub absent: Vec<(&'static FailureMode, String)>,
    /// What nobody can say, with what was missing.
    pub untested: Vec<(&'static FailureMode, String)>,
}

/// A finding with its failure mode and its place.
pub struct Found {
    /// The mode.
    pub mode: &'static FailureMode,
    /// The evidence.
    pub finding: Finding,
    /// The mode that explains this one, when that was found as well.
    pub explained_by: Option<&'static str>,
}

/// Applies every rule of the catalogue.
pub fn diagnose(evidence: &Evidence) -> Diagnosis {
    diagnose_with(crate::catalogue::CATALOGUE.iter().copied(), evidence)
}

/// Applies these rules, for instance the catalogue's and some of one's own.
pub fn diagnose_with(modes: impl IntoIterator<Item = &'static FailureMode>, evidence: &Evidence) -> Diagnosis {
    let case = Case::new(evidence);
    let behind = evidence.of_upstream();
    let upstream = behind.as_ref().map(Case::new);
    let mut diagnosis = Diagnosis { findings: Vec::new(), absent: Vec::new(), untested: Vec::new() };
    for mode in modes {
        match (mode.diagnose)(&case) {
            Verdict::Present(finding) => {
                let finding = match &upstream {
                    Some(upstream) => compared(&case, upstream, mode, *finding),
                    None => *finding,
                };
                diagnosis.findings.push(Found { mode, finding, explained_by: None });
            }
            Verdict::Absent(because) => diagnosis.absent.push((mode, because)),
            Verdict::Untested(missing) => diagnosis.untested.push((mode, missing)),
        }
    }
    rank(&mut diagnosis.findings);
    diagnosis
}

/// Root causes first: explained findings go below what explains them; then severity, certainty, and the catalogue's order.
fn rank(findings: &mut Vec<Found>) {
    let present: Vec<_> = findings.iter().map(|found| found.mode).collect();
    for found in findings.iter_mut() {
        found.explained_by =
            present.iter().find(|mode| mode.explains.contains(&found.mode.id) && mode.id != found.mode.id).map(|mode| mode.id);
    }
    findings.sort_by_key(|found| std::cmp::Reverse((found.explained_by.is_none(), found.finding.severity, found.finding.certainty)));
    let (roots, explained): (Vec<_>, Vec<_>) = std::mem::take(findings).into_iter().partition(|found| found.explained_by.is_none());
    findings.extend(roots);
    for found in explained {
        let below =
            findings.iter().rposition(|other| Some(other.mode.id) == found.explained_by || other.explained_by == found.explained_by);
        findings.insert(below.map_or(findings.len(), |index| index + 1), found);
    }
}
