//! When to stop fetching because the handler is slower than the topic. Pure: it is handed the time.

use std::time::Duration;

/// What the polling thread does when its queue to the handler has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Wait for room, without polling; short stalls are cheaper than a pause, which throws away what was fetched.
    Wait {
        /// Ask again after this long at the latest.
        at_most: Duration,
    },
    /// Pause every partition now and go on polling, so that the member stays in its group.
    Pause,
    /// Partitions are paused already: go on polling and try again.
    Poll,
}

/// Whether records flow, and since when they do not.
#[derive(Clone, Debug)]
pub struct Backpressure {
    pause_after: Duration,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Flowing,
    Stalled { since: Duration },
    Paused,
}

impl Backpressure {
    /// Records flow; a stall of `pause_after` becomes a pause.
    pub fn new(pause_after: Duration) -> Self {
        Self { pause_after, state: State::Flowing }
    }

    /// The queue has no room at `now`.
    pub fn full(&mut self, now: Duration) -> Advice {
        match self.state {
            State::Paused => Advice::Poll,
            State::Flowing => {
                self.state = State::Stalled { since: now };
                Advice::Wait { at_most: self.pause_after }
            }
            State::Stalled { since } => {
                let waited = now.saturating_sub(since);
                if waited < self.pause_after {
                    return Advice::Wait { at_most: self.pause_after - waited };
                }
                self.state = State::Paused;
                Advice::Pause
            }
        }
    }

    /// The queue took what was waiting. True if partitions were paused and have to be resumed now.
    pub fn drained(&mut self) -> bool {
        let resume = self.is_paused();
        self.state = State::Flowing;
        resume
    }

    /// True while partitions are paused.
    pub fn is_paused(&self) -> bool {
        self.state == State::Paused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn a_short_stall_is_waited_out_without_a_pause() {
        let mut flow = Backpressure::new(ms(250));
        assert_eq!(flow.full(ms(1_000)), Advice::Wait { at_most: ms(250) });
        assert_eq!(flow.full(ms(1_100)), Advice::Wait { at_most: ms(150) });
        assert!(!flow.drained());
    }

    #[test]
    fn a_long_stall_pauses_once_and_then_polls() {
        let mut flow = Backpressure::new(ms(250));
        flow.full(ms(0));
        assert_eq!(flow.full(ms(250)), Advice::Pause);
        assert_eq!(flow.full(ms(260)), Advice::Poll);
        assert!(flow.is_paused());
        assert!(flow.drained(), "what was paused must be resumed");
        assert!(!flow.drained(), "and only once");
    }

    #[test]
    fn each_stall_has_its_own_clock() {
        let mut flow = Backpressure::new(ms(250));
        flow.full(ms(0));
        flow.drained();
        assert_eq!(flow.full(ms(10_000)), Advice::Wait { at_most: ms(250) });
    }
}
