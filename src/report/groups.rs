//! Findings and verdicts in the groups in which every format shows them.

use std::cmp::Reverse;

use super::{Absent, Item, Report};
use crate::catalogue::Severity;

/// A root cause with what it explains.
pub struct Group<'r> {
    /// The finding that no other one explains.
    pub root: &'r Item,
    /// Its consequences, directly or by way of each other.
    pub below: Vec<&'r Item>,
}

impl Group<'_> {
    /// The worst of the root and its consequences: a note that explains an error is no mere note.
    pub fn severity(&self) -> Severity {
        self.below.iter().map(|item| item.severity).fold(self.root.severity, Ord::max)
    }
}

/// The findings in groups, in the order of their roots. Every finding stands in just one, even if explanations run in a circle.
pub fn groups(items: &[Item]) -> Vec<Group<'_>> {
    let roots: Vec<_> = (0..items.len()).map(|index| root(items, index)).collect();
    let group = |index: usize| {
        let below = (0..items.len()).filter(|other| roots[*other] == index && *other != index);
        Group { root: &items[index], below: below.map(|other| &items[other]).collect() }
    };
    (0..items.len()).filter(|index| roots[*index] == *index).map(group).collect()
}

/// Follows the explanations up; in a circle the first finding of those passed counts as the root.
fn root(items: &[Item], from: usize) -> usize {
    let mut passed = vec![from];
    let mut here = from;
    while let Some(up) = items.iter().position(|item| Some(&item.mode) == items[here].explained_by.as_ref()) {
        if passed.contains(&up) {
            return passed.into_iter().min().unwrap_or(from);
        }
        passed.push(up);
        here = up;
    }
    here
}

impl Report {
    /// Root causes with their consequences.
    pub(super) fn groups(&self) -> Vec<Group<'_>> {
        groups(&self.findings)
    }

    /// What was ruled out, by family, in the catalogue's order.
    pub(super) fn families(&self) -> Vec<(&str, Vec<&Absent>)> {
        let mut families: Vec<(&str, Vec<&Absent>)> = Vec::new();
        for row in &self.absent {
            push(&mut families, &row.family, row);
        }
        families
    }

    /// What nobody can say, by reason; the reasons that keep most modes open come first.
    pub(super) fn reasons(&self) -> Vec<(&str, Vec<&str>)> {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for row in &self.untested {
            push(&mut reasons, &row.because, row.mode.as_str());
        }
        reasons.sort_by_key(|(_, modes)| Reverse(modes.len()));
        reasons
    }
}

fn push<'r, T>(groups: &mut Vec<(&'r str, Vec<T>)>, name: &'r str, member: T) {
    match groups.iter_mut().find(|group| group.0 == name) {
        Some(group) => group.1.push(member),
        None => groups.push((name, vec![member])),
    }
}
