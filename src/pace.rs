//! Every duration and budget of a run in one place, so that tests are quick without other code knowing.

use std::time::Duration;

/// Durations and budgets of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// How long name resolution, the TCP handshake and the TLS handshake may take, each.
    pub connect: Duration,
    /// How long a request may take from its first byte to the answer's last.
    pub total: Duration,
    /// How long an answer that has begun may stay silent before it counts as stalled.
    pub idle: Duration,
    /// How long to wait for the connection to close once a stream has announced its end.
    pub close: Duration,
    /// The pause before a failed request is sent again.
    pub retry: Duration,
    /// The longest `Retry-After` that is waited for.
    pub max_wait: Duration,
    /// The longest answer the timeout sweep asks for; `None` skips the sweep.
    pub sweep: Option<Duration>,
    /// Questions of one stage that run side by side.
    pub concurrency: usize,
    /// Requests of the whole run, at most.
    pub max_requests: usize,
    /// Requests that the upstream may be asked beyond them.
    pub max_bypass: usize,
    /// Completion tokens that the sweep may ask for in all.
    pub max_tokens: u64,
    /// Tokens of the long prompt, roughly; 0 leaves it out.
    pub long_prompt: usize,
    /// Bytes kept of one answer's body.
    pub max_body: usize,
    /// Bytes kept of all bodies of the run; when they are used up, further bodies are kept to [`Pace::TAIL_BODY`].
    pub max_kept: usize,
}

impl Pace {
    /// Bytes kept of a body once [`Pace::max_kept`] is used up.
    pub const TAIL_BODY: usize = 32 * 1024;

    /// A quick look: no timeout sweep, and less patience. A healthy endpoint is asked about nine times; the rest of the budget is for
    /// finding out what is refused, where each server error is believed only when it repeats.
    pub fn quick() -> Self {
        // Silence must run out well before the total does: otherwise a stall looks like an answer that is merely long.
        let (total, idle) = (Duration::from_secs(30), Duration::from_secs(12));
        Pace { total, idle, sweep: None, max_requests: 26, long_prompt: 0, ..Pace::default() }
    }

    /// More patience and a longer sweep, for limits up to five minutes.
    pub fn thorough() -> Self {
        let sweep = Duration::from_secs(305);
        Pace { sweep: Some(sweep), total: sweep + Duration::from_secs(15), max_requests: 66, max_tokens: 64_000, ..Pace::default() }
    }

    /// For simulated gateways, whose seconds are milliseconds.
    pub fn simulated() -> Self {
        Pace {
            connect: Duration::from_millis(800),
            total: Duration::from_secs(5),
            idle: Duration::from_millis(900),
            close: Duration::from_millis(300),
            retry: Duration::from_millis(20),
            max_wait: Duration::from_secs(3),
            sweep: Some(Duration::from_secs(3)),
            ..Pace::default()
        }
    }

    /// The same with another longest answer for the sweep; a request then gets a little more than that.
    pub fn with_sweep(self, sweep: Duration) -> Self {
        Pace { total: self.total.max(sweep + Duration::from_secs(10)), sweep: Some(sweep), ..self }
    }
}

impl Default for Pace {
    fn default() -> Self {
        let sweep = Duration::from_secs(65);
        Pace {
            connect: Duration::from_secs(10),
            total: sweep + Duration::from_secs(10),
            idle: Duration::from_secs(30),
            close: Duration::from_secs(5),
            retry: Duration::from_millis(300),
            max_wait: Duration::from_secs(30),
            sweep: Some(sweep),
            concurrency: 4,
            max_requests: 36,
            max_bypass: 16,
            max_tokens: 8_000,
            // More than the 2,048 and 4,096 tokens at which servers cut by default.
            long_prompt: 5_000,
            max_body: 2 << 20,
            max_kept: 12 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn silence_runs_out_before_the_total() {
        for pace in [Pace::default(), Pace::quick(), Pace::thorough(), Pace::simulated()] {
            assert!(pace.idle.mul_f32(2.0) <= pace.total, "{pace:?}");
        }
    }
}
