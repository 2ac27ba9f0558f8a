//! How large a request may be: what requests of known sizes say about those of other sizes.

use serde_json::Value;

use super::Forecast;

/// How large a body is, in the two ways that servers limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Bytes of its JSON.
    pub bytes: usize,
    /// Tools that it offers.
    pub tools: usize,
}

impl Size {
    /// The size of this body.
    pub fn of(body: &Value) -> Self {
        Size { bytes: body.to_string().len(), tools: body["tools"].as_array().map_or(0, Vec::len) }
    }

    fn fits(self, limit: Size) -> bool {
        self.bytes <= limit.bytes && self.tools <= limit.tools
    }
}

/// Sizes that were answered or refused. Both limits are taken to be each for itself.
#[derive(Debug, Clone, Default)]
pub struct Sizes {
    answered: Size,
    by: String,
    refused: Vec<(Size, String)>,
}

impl Sizes {
    /// Enters a request under the id of its exchange. Of refused ones only those whose shape passes when it is short.
    pub fn enter(&mut self, size: Size, answered: bool, id: &str) {
        if !answered {
            return self.refused.push((size, id.to_owned()));
        }
        if size.bytes > self.answered.bytes {
            self.by = id.to_owned();
        }
        self.answered = Size { bytes: self.answered.bytes.max(size.bytes), tools: self.answered.tools.max(size.tools) };
    }

    /// What would become of a request of this size whose shape passes.
    pub fn forecast(&self, size: Size) -> Forecast {
        if size.fits(self.answered) {
            return Forecast::Passes(self.by.clone());
        }
        let less = self.refused.iter().filter(|(refused, _)| self.needed(*refused).fits(size));
        less.min_by_key(|(refused, _)| refused.bytes).map_or(Forecast::Open, |(_, id)| Forecast::Fails(id.clone()))
    }

    /// What about a refused size cannot have been fine: as much of something that was answered elsewhere is no reason.
    fn needed(&self, refused: Size) -> Size {
        let beyond = |is: usize, fine: usize| if is > fine { is } else { 0 };
        let needed = Size { bytes: beyond(refused.bytes, self.answered.bytes), tools: beyond(refused.tools, self.answered.tools) };
        if needed == Size::default() { refused } else { needed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(bytes: usize, tools: usize) -> Size {
        Size { bytes, tools }
    }

    #[test]
    fn what_is_smaller_than_an_answered_one_passes_and_what_is_larger_than_a_refused_one_does_not() {
        let mut sizes = Sizes::default();
        sizes.enter(size(20_000, 28), true, "e1");
        sizes.enter(size(50_000, 19), false, "e2");
        assert_eq!(sizes.forecast(size(8_000, 25)), Forecast::Passes("e1".into()));
        assert_eq!(sizes.forecast(size(30_000, 10)), Forecast::Open);
        // Nineteen tools were no reason, as twenty-eight were answered: the bytes were.
        assert_eq!(sizes.forecast(size(60_000, 10)), Forecast::Fails("e2".into()));
    }

    #[test]
    fn a_limit_on_tools_says_nothing_about_bytes() {
        let mut sizes = Sizes::default();
        sizes.enter(size(63_000, 15), true, "e1");
        sizes.enter(size(23_000, 25), false, "e2");
        assert_eq!(sizes.forecast(size(31_000, 10)), Forecast::Passes("e1".into()));
        assert_eq!(sizes.forecast(size(21_000, 28)), Forecast::Fails("e2".into()));
        assert_eq!(sizes.forecast(size(50_000, 19)), Forecast::Open);
    }
}
