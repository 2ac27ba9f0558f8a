//! Delta debugging: which smallest part of a set still makes a test fail?

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

/// A set of parts, by index.
pub type Parts = BTreeSet<usize>;

/// What a test with some of the parts showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// It passes.
    Passes,
    /// It fails in the way that is looked for; the parts that the failure itself names.
    Fails(Parts),
    /// It says nothing about the parts (another failure, or no budget left).
    Unresolved,
}

/// The minimal failing sets, and whether leaving all of them out passes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Minimal {
    /// Sets that each fail on their own; no part of a set may be left out of it.
    pub culprits: Vec<Parts>,
    /// True when everything but the culprits was seen to pass.
    pub rest_passes: bool,
}

/// Finds every minimal failing subset of `all`, which is known to fail and to name `named`.
///
/// What a failure names is tried first; without a name the set is searched by halves. Each part is tested with as few others as possible,
/// and what remains without the culprits is tested last. `test` is never called twice with one set.
pub async fn minimize<F, Fut>(all: Parts, named: Parts, test: F) -> Minimal
where
    F: Fn(Parts) -> Fut,
    Fut: Future<Output = Trial>,
{
    let mut oracle = Oracle { test, seen: BTreeMap::from([(all.clone(), Trial::Fails(named))]) };
    let mut rest = all;
    let mut minimal = Minimal::default();
    loop {
        match oracle.ask(&rest).await {
            Trial::Fails(named) => {
                let Some(culprit) = oracle.culprit(&rest, &named).await else { return minimal };
                rest = &rest - &culprit;
                minimal.culprits.push(culprit);
            }
            Trial::Passes => return Minimal { rest_passes: true, ..minimal },
            Trial::Unresolved => return minimal,
        }
    }
}

struct Oracle<F> {
    test: F,
    seen: BTreeMap<Parts, Trial>,
}

impl<F, Fut> Oracle<F>
where
    F: Fn(Parts) -> Fut,
    Fut: Future<Output = Trial>,
{
    async fn ask(&mut self, parts: &Parts) -> Trial {
        if parts.is_empty() {
            return Trial::Passes;
        }
        if let Some(known) = self.seen.get(parts) {
            return known.clone();
        }
        let trial = (self.test)(parts.clone()).await;
        self.seen.insert(parts.clone(), trial.clone());
        trial
    }

    async fn fails(&mut self, parts: &Parts) -> bool {
        matches!(self.ask(parts).await, Trial::Fails(_))
    }

    /// One minimal failing set inside `all`: a named part alone if that fails, else by searching.
    async fn culprit(&mut self, all: &Parts, named: &Parts) -> Option<Parts> {
        for part in named & all {
            let alone = Parts::from([part]);
            if self.fails(&alone).await {
                return Some(alone);
            }
        }
        Some(self.search(all).await)
    }

    /// Finds the shortest failing beginning of the list, whose last part must belong to the culprit, and goes on with that part held
    /// fixed: each part of the culprit costs log₂(n) tests and one more, where halving both sides costs a pair the square of that.
    async fn search(&mut self, all: &Parts) -> Parts {
        let mut held = Parts::new();
        let mut list: Vec<usize> = all.iter().copied().collect();
        loop {
            if !held.is_empty() && self.fails(&held).await {
                return held;
            }
            if list.is_empty() {
                // Every test agreed on the way, and the last one does not: nothing smaller than the whole is known to fail.
                return all.clone();
            }
            let last = self.shortest_failing(&held, &list).await - 1;
            held.insert(list[last]);
            list.truncate(last);
        }
    }

    /// How many parts of the list must come along with the held ones for the test to fail; with all of them it does.
    async fn shortest_failing(&mut self, held: &Parts, list: &[usize]) -> usize {
        let (mut passes, mut fails) = (0, list.len());
        while fails - passes > 1 {
            let middle = passes.midpoint(fails);
            let with: Parts = held.iter().chain(&list[..middle]).copied().collect();
            if self.fails(&with).await {
                fails = middle;
            } else {
                passes = middle;
            }
        }
        fails
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn parts(list: &[usize]) -> Parts {
        list.iter().copied().collect()
    }

    /// Minimizes `0..n` where a set fails when it holds all of one of the causes; counts the tests.
    fn run(n: usize, causes: &[&[usize]], names: bool) -> (Minimal, usize) {
        let causes: Vec<Parts> = causes.iter().map(|cause| parts(cause)).collect();
        let hit = |set: &Parts| causes.iter().find(|cause| cause.is_subset(set)).cloned();
        let named = |set: &Parts| hit(set).filter(|_| names).unwrap_or_default();
        let count = Cell::new(0);
        let test = |set: Parts| {
            count.set(count.get() + 1);
            let trial = if hit(&set).is_some() { Trial::Fails(named(&set)) } else { Trial::Passes };
            async move { trial }
        };
        let all: Parts = (0..n).collect();
        let named_first = named(&all);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let minimal = runtime.block_on(minimize(all, named_first, test));
        (minimal, count.get())
    }

    #[test]
    fn a_named_part_takes_two_tests() {
        let (minimal, tests) = run(12, &[&[7]], true);
        assert_eq!((minimal.culprits, minimal.rest_passes, tests), (vec![parts(&[7])], true, 2));
    }

    #[test]
    fn an_unnamed_part_is_found_by_halving() {
        let (minimal, tests) = run(12, &[&[7]], false);
        assert_eq!((minimal.culprits, minimal.rest_passes), (vec![parts(&[7])], true));
        assert!(tests <= 10, "{tests} tests");
    }

    #[test]
    fn independent_parts_and_pairs_are_all_found() {
        let (minimal, _) = run(12, &[&[3], &[9]], false);
        assert_eq!(minimal.culprits.iter().flatten().copied().collect::<Parts>(), parts(&[3, 9]));
        let (minimal, tests) = run(14, &[&[2, 10]], false);
        assert_eq!((minimal.culprits, minimal.rest_passes), (vec![parts(&[2, 10])], true));
        assert!(tests <= 12, "{tests} tests");
    }

    proptest::proptest! {
        #[test]
        fn what_is_found_is_minimal(n in 2usize..20, a in 0usize..20, b in 0usize..20, names: bool) {
            let cause = parts(&[a % n, b % n]);
            let list: Vec<usize> = cause.iter().copied().collect();
            let (minimal, _) = run(n, &[&list], names);
            proptest::prop_assert_eq!(minimal.culprits, vec![cause]);
        }
    }
}
