use std::cell::Cell;

use super::*;

fn parts(list: &[usize]) -> Parts {
    list.iter().copied().collect()
}

/// Minimizes where a set fails when it holds all of one of the causes; counts the tests. Every fourth test fails for another reason.
fn run(links: &Links, causes: &[&[usize]], names: bool, shaky: bool) -> (Minimal, usize) {
    let causes: Vec<Parts> = causes.iter().map(|cause| parts(cause)).collect();
    let hit = |set: &Parts| causes.iter().find(|cause| cause.is_subset(set)).cloned();
    let named = |set: &Parts| hit(set).filter(|_| names).unwrap_or_default();
    let count = Cell::new(0usize);
    let test = |set: Parts| {
        count.set(count.get() + 1);
        assert_eq!(links.close(&set), set, "only closed sets are tested");
        let trial = match hit(&set) {
            _ if shaky && count.get().is_multiple_of(4) => Trial::Unrelated,
            Some(_) => Trial::Fails(named(&set)),
            None => Trial::Passes,
        };
        async move { trial }
    };
    let named_first = named(&(0..links.len()).collect());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let minimal = runtime.block_on(minimize(links, named_first, test));
    (minimal, count.get())
}

fn loose(n: usize, causes: &[&[usize]], names: bool) -> (Minimal, usize) {
    run(&Links::none(n), causes, names, false)
}

#[test]
fn a_named_part_takes_two_tests() {
    let (minimal, tests) = loose(12, &[&[7]], true);
    assert_eq!((minimal.culprits, tests), (vec![parts(&[7])], 2));
    assert_eq!(minimal.largest.map(|largest| largest.len()), Some(11));
}

#[test]
fn a_named_pair_takes_three() {
    let (minimal, tests) = loose(12, &[&[4, 7]], true);
    assert_eq!((minimal.culprits, tests), (vec![parts(&[4, 7])], 3));
}

#[test]
fn an_unnamed_part_is_found_by_halving() {
    let (minimal, tests) = loose(128, &[&[77]], false);
    assert_eq!(minimal.culprits, vec![parts(&[77])]);
    assert!(tests <= 9, "{tests} tests");
}

#[test]
fn independent_parts_pairs_and_triples_are_all_found() {
    let (minimal, _) = loose(12, &[&[3], &[9]], false);
    assert_eq!(minimal.culprits.iter().flatten().copied().collect::<Parts>(), parts(&[3, 9]));
    let (minimal, tests) = loose(14, &[&[2, 10]], false);
    assert_eq!(minimal.culprits, vec![parts(&[2, 10])]);
    assert!(tests <= 12, "{tests} tests");
    let (minimal, _) = loose(30, &[&[2, 10, 20], &[5, 20]], false);
    assert_eq!(minimal.culprits, vec![parts(&[5, 20])]);
    let (minimal, _) = loose(30, &[&[2, 10, 20], &[5, 11]], false);
    assert_eq!(minimal.culprits, vec![parts(&[5, 11]), parts(&[2, 10, 20])]);
}

#[test]
fn pairs_that_share_a_part_are_both_found() {
    let (minimal, _) = loose(14, &[&[2, 10], &[2, 6]], false);
    assert_eq!(minimal.culprits, vec![parts(&[2, 6]), parts(&[2, 10])]);
    assert_eq!(minimal.largest.map(|largest| largest.contains(&2)), Some(true));
}

#[test]
fn a_part_is_not_blamed_for_what_it_needs() {
    // 5 needs 3, and 3 is refused; the refusal may even name 5.
    let mut links = Links::none(8);
    links.needs[5] = vec![3];
    assert_eq!(run(&links, &[&[3]], false, false).0.culprits, vec![parts(&[3])]);
    let test = |set: Parts| async move { if set.contains(&3) { Trial::Fails(parts(&[5])) } else { Trial::Passes } };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let minimal = runtime.block_on(minimize(&links, parts(&[5]), test));
    assert_eq!(minimal.culprits, vec![parts(&[3])]);
}

#[test]
fn the_first_of_a_list_is_told_from_the_list() {
    let mut links = Links::none(4);
    links.any_of[0] = vec![1, 2, 3];
    (1..4).for_each(|element| links.needs[element] = vec![0]);
    assert_eq!(run(&links, &[&[1]], false, false).0.culprits, vec![parts(&[1])]);
    assert_eq!(run(&links, &[&[0]], false, false).0.culprits, vec![parts(&[0])]);
    assert_eq!(run(&links, &[&[3]], false, false).0.culprits, vec![parts(&[3])]);
}

#[test]
fn neighbours_that_fail_alike_are_not_searched_one_by_one() {
    let mut links = Links::none(80);
    let refused: Vec<usize> = (0..80).step_by(2).collect();
    refused.iter().for_each(|part| links.kind[*part] = 0);
    let causes: Vec<[usize; 1]> = refused.iter().map(|part| [*part]).collect();
    let causes: Vec<&[usize]> = causes.iter().map(|cause| &cause[..]).collect();
    let (minimal, tests) = run(&links, &causes, false, false);
    assert_eq!(minimal.culprits.iter().flatten().copied().collect::<Vec<_>>(), refused);
    assert!(tests <= 20, "{tests} tests");
}

#[test]
fn a_limit_shows_as_a_crowd() {
    let test = |set: Parts| async move { if set.len() > 8 { Trial::Fails(Parts::new()) } else { Trial::Passes } };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let minimal = runtime.block_on(minimize(&Links::none(40), Parts::new(), test));
    let crowd = minimal.crowd.expect("a crowd");
    assert_eq!((crowd.fails.len(), crowd.passes.len(), minimal.culprits.len()), (9, 8, 0));
}

#[test]
fn three_and_four_of_a_kind_are_told_from_their_number() {
    let mut links = Links::none(40);
    (10..30).for_each(|part| links.kind[part] = 99);
    for cause in [&[12, 17, 25][..], &[10, 11, 12], &[27, 28, 29], &[11, 14, 20, 29], &[3, 12, 17, 25]] {
        let (minimal, tests) = run(&links, &[cause], false, false);
        assert_eq!((minimal.culprits, minimal.crowd), (vec![parts(cause)], None), "{cause:?}");
        assert!(tests <= 45, "{tests} tests for {cause:?}");
    }
    for most in [1, 2, 3, 5, 12, 19] {
        let count = |set: &Parts| set.iter().filter(|part| (10..30).contains(*part)).count();
        let test = |set: Parts| {
            let trial = if count(&set) > most || set.contains(&35) { Trial::Fails(Parts::new()) } else { Trial::Passes };
            async move { trial }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let minimal = runtime.block_on(minimize(&links, Parts::new(), test));
        let crowd = minimal.crowd.expect("a crowd");
        assert_eq!((count(&crowd.fails), count(&crowd.passes)), (most + 1, most));
        assert_eq!(minimal.culprits, vec![parts(&[35])], "a bad part beside a limit of {most} is found as well");
        assert_eq!(minimal.largest.map(|largest| (count(&largest), largest.len())), Some((most, 19 + most)));
    }
}

#[test]
fn nothing_is_claimed_when_the_budget_ends() {
    let test = |_: Parts| async { Trial::Impossible };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    assert_eq!(runtime.block_on(minimize(&Links::none(9), Parts::new(), test)), Minimal::default());
}

proptest::proptest! {
    #[test]
    fn what_is_found_is_minimal(n in 2usize..20, a in 0usize..20, b in 0usize..20, names: bool, shaky: bool) {
        let cause = parts(&[a % n, b % n]);
        let list: Vec<usize> = cause.iter().copied().collect();
        let (minimal, _) = run(&Links::none(n), &[&list], names, shaky);
        proptest::prop_assert_eq!(minimal.culprits, vec![cause]);
    }
}
