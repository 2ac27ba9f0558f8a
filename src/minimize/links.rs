//! How the parts of a set hang together.

use super::Parts;

/// Which parts come along with which. A part needs only parts that come before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// For each part, those that it makes no sense without.
    pub needs: Vec<Vec<usize>>,
    /// For each part, those of which one must be there; empty for most. The first comes along when no other is there.
    pub any_of: Vec<Vec<usize>>,
    /// For each part, the number of its kind: parts of one kind stand in the same place of like neighbours.
    pub kind: Vec<usize>,
}

impl Links {
    /// So many parts that have nothing to do with each other.
    pub fn none(parts: usize) -> Self {
        Links { needs: vec![Vec::new(); parts], any_of: vec![Vec::new(); parts], kind: (0..parts).collect() }
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.needs.len()
    }

    /// True when there is nothing to search.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// The parts with all that comes along.
    pub fn close(&self, parts: &Parts) -> Parts {
        self.close_among(parts, &(0..self.len()).collect())
    }

    /// The same where only some parts are left to choose from, when one of several must come along.
    pub fn close_among(&self, parts: &Parts, left: &Parts) -> Parts {
        let mut closed = Parts::new();
        let mut waiting: Vec<usize> = parts.iter().copied().collect();
        loop {
            while let Some(part) = waiting.pop() {
                if closed.insert(part) {
                    waiting.extend(&self.needs[part]);
                }
            }
            let lonely = closed.iter().filter(|part| self.is_lonely(**part, &closed));
            let first = lonely.filter_map(|part| self.any_of[*part].iter().find(|other| left.contains(other))).next();
            match first {
                Some(other) => waiting.push(*other),
                None => return closed,
            }
        }
    }

    /// The closed set without this part, and without what makes no sense then.
    pub fn without(&self, parts: &Parts, part: usize) -> Parts {
        let mut left = parts.clone();
        let mut gone = left.remove(&part);
        while gone {
            let before = left.len();
            let stays: Parts = left.iter().copied().filter(|part| self.stands(*part, &left)).collect();
            gone = stays.len() < before;
            left = stays;
        }
        left
    }

    fn stands(&self, part: usize, among: &Parts) -> bool {
        self.needs[part].iter().all(|needed| among.contains(needed)) && !self.is_lonely(part, among)
    }

    fn is_lonely(&self, part: usize, among: &Parts) -> bool {
        let one_of = &self.any_of[part];
        !one_of.is_empty() && !one_of.iter().any(|other| among.contains(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_along_and_goes_along() {
        // 0 holds 1 or 2; 3 needs 0; 4 stands inside 2.
        let mut links = Links::none(5);
        links.any_of[0] = vec![1, 2];
        (links.needs[1], links.needs[2], links.needs[3], links.needs[4]) = (vec![0], vec![0], vec![0], vec![2]);
        assert_eq!(links.close(&Parts::from([3])), Parts::from([0, 1, 3]));
        assert_eq!(links.close(&Parts::from([4])), Parts::from([0, 2, 4]));
        let all = Parts::from([0, 1, 2, 3, 4]);
        assert_eq!(links.without(&all, 2), Parts::from([0, 1, 3]));
        assert_eq!(links.without(&Parts::from([0, 1, 3]), 1), Parts::new());
    }
}
