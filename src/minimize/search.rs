//! The search: what a failure names first, then the shortest failing beginning of the list, again and again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;

use futures_util::future::join;

use super::{Crowd, Links, Minimal, Parts, Trial};

/// How often a test is made whose answer says nothing about the parts.
const TRIES: usize = 6;
/// The most parts of one culprit. What takes more is a [`Crowd`].
const MOST: usize = 4;
/// From so many culprits of one kind on, the first and the last of the others stand for all of their kind; so many of a kind that pass
/// together may be part of a row that is too long.
const ROW: usize = 2;
/// So many other elements of a list are tried in place of its first.
const SWAPS: usize = 2;

/// Finds the minimal failing sets among the parts, all of which together are known to fail and to name `named`.
///
/// What a failure names is tried first. Without a name, the shortest failing beginning of the list is found by halving: its last part
/// belongs to a culprit, and is held fixed while the next is looked for, so each part of a culprit costs log₂(n) tests. What comes along
/// with a part ([`Links`]) comes along in every test, so `test` sees closed sets only, and each at most once unless the answer says nothing.
/// What follows from an answer is not asked: less than what passes passes, more than what fails fails.
pub async fn minimize<F, Fut>(links: &Links, named: Parts, test: F) -> Minimal
where
    F: Fn(Parts) -> Fut,
    Fut: Future<Output = Trial>,
{
    let all: Parts = (0..links.len()).collect();
    let oracle = Oracle::new(links, &all, named, test);
    let mut minimal = oracle.every_culprit(all).await;
    for culprit in &mut minimal.culprits {
        oracle.tighten(culprit).await;
    }
    let mut seen = BTreeSet::new();
    minimal.culprits.retain(|culprit| seen.insert(culprit.clone()));
    minimal
}

enum Answer {
    Passes,
    Fails(Parts),
    Unclear,
}

/// Where the search for one culprit ended.
enum Found {
    Culprit(Parts),
    Crowd(Crowd),
    /// The tests contradict each other, or could not be made.
    Nothing,
}

struct Oracle<'l, F> {
    links: &'l Links,
    test: F,
    /// What the culprits that were found have left.
    left: RefCell<Parts>,
    passing: RefCell<Vec<Parts>>,
    failing: RefCell<Vec<(Parts, Parts)>>,
    unclear: RefCell<Vec<Parts>>,
    stopped: Cell<bool>,
}

impl<'l, F, Fut> Oracle<'l, F>
where
    F: Fn(Parts) -> Fut,
    Fut: Future<Output = Trial>,
{
    fn new(links: &'l Links, all: &Parts, named: Parts, test: F) -> Self {
        let failing = RefCell::new(vec![(all.clone(), named)]);
        let (left, passing) = (RefCell::new(all.clone()), RefCell::new(vec![Parts::new()]));
        Oracle { links, test, left, passing, failing, unclear: RefCell::default(), stopped: Cell::new(false) }
    }

    async fn every_culprit(&self, all: Parts) -> Minimal {
        let mut minimal = Minimal::default();
        let mut rest = all;
        loop {
            self.left.replace(rest.clone());
            let named = match self.ask(&rest).await {
                Some(Answer::Fails(named)) => named,
                Some(Answer::Passes) => return Minimal { largest: Some(rest), ..minimal },
                Some(Answer::Unclear) | None => return minimal,
            };
            match self.culprit(&rest, &named).await {
                Found::Culprit(culprit) => rest = self.note(&mut minimal, &rest, culprit).await,
                Found::Crowd(crowd) if minimal.crowd.is_none() => {
                    rest = self.thinned(&rest, &crowd);
                    minimal.crowd = Some(crowd);
                }
                Found::Crowd(_) => return minimal,
                Found::Nothing => return minimal,
            }
        }
    }

    /// What is left of a failing set when a crowd is made small enough to pass: without the others of its last part's kind.
    fn thinned(&self, rest: &Parts, crowd: &Crowd) -> Parts {
        let kind = |part: &usize| self.links.kind[*part];
        let Some(last) = (&crowd.fails - &crowd.passes).last().map(kind) else { return crowd.passes.clone() };
        let others = rest.iter().filter(|part| kind(part) == last && !crowd.passes.contains(part));
        others.fold(rest.clone(), |left, part| self.links.without(&left, *part))
    }

    /// Notes a culprit, and what is left without its last part. Once some neighbours of one kind are refused, others stand for all.
    async fn note(&self, minimal: &mut Minimal, rest: &Parts, culprit: Parts) -> Parts {
        let last = *culprit.last().expect("a culprit has a part");
        let single = culprit.len() == 1;
        minimal.culprits.push(culprit);
        let left = self.links.without(rest, last);
        let kind = |part: usize| self.links.kind[part];
        let met = minimal.culprits.iter().filter(|culprit| culprit.len() == 1 && culprit.first().copied().map(kind) == Some(kind(last)));
        if !single || met.count() < ROW {
            return left;
        }
        let others: Parts = left.iter().copied().filter(|part| kind(*part) == kind(last)).collect();
        self.left.replace(left.clone());
        for other in others.first().into_iter().chain(others.last()) {
            if !self.fails(&Parts::from([*other])).await {
                return left;
            }
        }
        let all = others.iter().fold(left, |left, part| self.links.without(&left, *part));
        minimal.culprits.extend(others.into_iter().map(|part| Parts::from([part])));
        all
    }

    /// A name found the part at once; when what comes along with it fails without it, that is to blame.
    async fn tighten(&self, culprit: &mut Parts) {
        let Some(last) = culprit.last() else { return };
        let less = self.links.without(&self.close(culprit), *last);
        if matches!(self.ask(&less).await, Some(Answer::Fails(_)))
            && let Found::Culprit(smaller) = self.search(&less, Parts::new(), less.iter().copied().collect()).await
        {
            *culprit = smaller;
        }
    }

    /// The parts with all that comes along, of what is left.
    fn close(&self, parts: &Parts) -> Parts {
        self.links.close_among(parts, &self.left.borrow())
    }

    /// What is known without a test.
    fn known(&self, parts: &Parts) -> Option<Answer> {
        let failing = self.failing.borrow();
        if let Some((_, named)) = failing.iter().find(|(set, _)| set == parts) {
            return Some(Answer::Fails(named.clone()));
        }
        if self.passing.borrow().iter().any(|set| parts.is_subset(set)) {
            return Some(Answer::Passes);
        }
        if failing.iter().any(|(set, _)| set.is_subset(parts)) {
            return Some(Answer::Fails(Parts::new()));
        }
        self.unclear.borrow().contains(parts).then_some(Answer::Unclear)
    }

    /// Tests a closed set; an answer that says nothing is asked for again. `None` when there is no answer to be had.
    async fn ask(&self, parts: &Parts) -> Option<Answer> {
        for _ in 0..TRIES {
            if let Some(known) = self.known(parts) {
                return Some(known);
            }
            if self.stopped.get() {
                return None;
            }
            match (self.test)(parts.clone()).await {
                Trial::Passes => self.passing.borrow_mut().push(parts.clone()),
                Trial::Fails(named) => self.failing.borrow_mut().push((parts.clone(), named)),
                Trial::Unclear => self.unclear.borrow_mut().push(parts.clone()),
                Trial::Unrelated => {}
                Trial::Impossible => self.stopped.set(true),
            }
        }
        self.known(parts)
    }

    /// Whether the parts and what comes along fail.
    async fn fails(&self, parts: &Parts) -> bool {
        matches!(self.ask(&self.close(parts)).await, Some(Answer::Fails(_)))
    }

    /// One culprit inside a failing set.
    async fn culprit(&self, rest: &Parts, named: &Parts) -> Found {
        let named = named & rest;
        let by_name = match named.last() {
            Some(last) => self.by_name(rest, &named, *last).await,
            None => Found::Nothing,
        };
        let found = match by_name {
            Found::Nothing if !self.stopped.get() => self.search(rest, Parts::new(), rest.iter().copied().collect()).await,
            found => found,
        };
        match found {
            Found::Culprit(culprit) => Found::Culprit(self.inside(rest, culprit).await),
            found => found,
        }
    }

    /// What is named, tried alone, beside everything without it: side by side, because both answers are needed in any case.
    async fn by_name(&self, rest: &Parts, named: &Parts, last: usize) -> Found {
        let (alone, without) = (self.close(named), self.links.without(rest, last));
        let (alone, without) = join(self.ask(&alone), self.ask(&without)).await;
        match (alone, without) {
            (Some(Answer::Fails(_)), _) if named.len() == 1 => Found::Culprit(named.clone()),
            (Some(Answer::Fails(_)), _) => self.search(rest, Parts::new(), named.iter().copied().collect()).await,
            (Some(Answer::Passes), Some(Answer::Passes)) => {
                let others = rest.iter().copied().filter(|part| *part != last).collect();
                self.search(rest, Parts::from([last]), others).await
            }
            _ => Found::Nothing,
        }
    }

    /// Finds the shortest failing beginning of the list, whose last part must belong to the culprit, and goes on with that part held.
    async fn search(&self, rest: &Parts, mut held: Parts, mut list: Vec<usize>) -> Found {
        let mut crowd = None;
        loop {
            if !held.is_empty() && self.fails(&held).await {
                return self.as_number(self.own(&held)).await;
            }
            if self.stopped.get() || list.is_empty() {
                return Found::Nothing;
            }
            let is_over = match &crowd {
                Some(crowd) if self.own(&held).len() == ROW => self.is_row(&self.own(&held), crowd).await,
                _ => self.own(&held).len() == MOST,
            };
            if is_over {
                return crowd.map_or(Found::Nothing, Found::Crowd);
            }
            let last = self.shortest_failing(&held, &list).await - 1;
            let with = |count: usize| self.close(&held.iter().chain(&list[..count]).copied().collect());
            crowd.get_or_insert_with(|| Crowd { fails: with(last + 1), passes: with(last) });
            let part = list[last];
            if held.is_empty() {
                join(self.fails(&Parts::from([part])), self.ask(&self.links.without(rest, part))).await;
            }
            held.insert(part);
            let closed = self.close(&held);
            list.truncate(last);
            list.retain(|part| !closed.contains(part));
        }
    }

    /// Two of a kind that pass together, and more are needed: when any other of the kind will do in the place of one of them, it is their
    /// number that is at fault.
    async fn is_row(&self, held: &Parts, crowd: &Crowd) -> bool {
        let kind = |part: usize| self.links.kind[part];
        let Some(first) = held.first().map(|part| kind(*part)) else { return false };
        let spare = self.left.borrow().iter().copied().find(|part| kind(*part) == first && !crowd.fails.contains(part));
        let last = (&crowd.fails - &crowd.passes).iter().copied().find(|part| held.contains(part));
        let (Some(spare), Some(last)) = (spare, last) else { return false };
        if held.iter().any(|part| kind(*part) != first) {
            return false;
        }
        let instead = |parts: &Parts| self.links.without(parts, last).into_iter().chain([spare]).collect::<Parts>();
        self.fails(&instead(&crowd.fails)).await && !self.fails(&instead(held)).await
    }

    /// The parts that do not come along with another of them.
    fn own(&self, held: &Parts) -> Parts {
        let brings = |part: usize, other: usize| self.close(&Parts::from([part])).contains(&other);
        let brought =
            |part: usize| held.iter().any(|other| *other != part && brings(*other, part) && !(part < *other && brings(part, *other)));
        held.iter().copied().filter(|part| !brought(*part)).collect()
    }

    /// A culprit of one kind, unless as many others of the kind do as well: then it is their number.
    async fn as_number(&self, held: Parts) -> Found {
        let kind = |part: &usize| self.links.kind[*part];
        let first = held.first().map(kind);
        let spares: Vec<usize> =
            self.left.borrow().iter().copied().filter(|part| Some(kind(part)) == first && !held.contains(part)).collect();
        if held.len() < ROW || spares.len() < held.len() || held.iter().any(|part| Some(kind(part)) != first) {
            return Found::Culprit(held);
        }
        let others: Parts = spares[spares.len() - held.len()..].iter().copied().collect();
        if !self.fails(&others).await {
            return Found::Culprit(held);
        }
        let fails = self.close(&held);
        let passes = held.last().map_or_else(Parts::new, |last| self.links.without(&fails, *last));
        Found::Crowd(Crowd { fails, passes })
    }

    /// How many parts of the list must come along with the held ones for the test to fail; with all of them it does.
    async fn shortest_failing(&self, held: &Parts, list: &[usize]) -> usize {
        let (mut passes, mut fails) = (0, list.len());
        while fails - passes > 1 {
            let middle = passes.midpoint(fails);
            if self.fails(&held.iter().chain(&list[..middle]).copied().collect()).await {
                fails = middle;
            } else {
                passes = middle;
            }
        }
        fails
    }

    /// A part that cannot be without one of several others may be innocent: with another of them, does it pass?
    async fn inside(&self, rest: &Parts, mut culprit: Parts) -> Parts {
        for holder in culprit.clone() {
            let mut one_of = self.links.any_of[holder].iter().copied().filter(|part| rest.contains(part));
            let Some(first) = one_of.next() else { continue };
            let instead = |part: usize| -> Parts { culprit.iter().copied().filter(|other| *other != holder).chain([part]).collect() };
            // The last ones: what stands next to a bad one is more often bad as well.
            for other in one_of.rev().take(SWAPS) {
                if matches!(self.ask(&self.close(&instead(other))).await, Some(Answer::Passes)) {
                    culprit = instead(first);
                    break;
                }
            }
        }
        culprit
    }
}
