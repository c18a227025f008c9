//! When an unanswered notification is repeated (manual, "Webhooks"): 45 seconds, 2, 5, 10, 30 minutes, then hourly for a day.

use std::time::Duration;

const FIRST: [u64; 5] = [45, 120, 300, 600, 1800];
const HOURLY: usize = 24;

/// The pauses between attempts. Each is waited after the attempt before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ladder {
    speed: u32,
}

impl Ladder {
    /// The real ladder with every pause divided by `speed`; 0 counts as 1. Too fast floods the merchant,
    /// too slow and a demo waits for the first repetition.
    pub fn new(speed: u32) -> Self {
        Self { speed: speed.max(1) }
    }

    /// The pause after this many attempts, 1 or more; `None`: the Cashier gives up.
    pub fn pause(&self, attempts: usize) -> Option<Duration> {
        let step = attempts.checked_sub(1)?;
        let seconds = match FIRST.get(step) {
            Some(seconds) => *seconds,
            None if step < FIRST.len() + HOURLY => 3600,
            None => return None,
        };
        Some(Duration::from_secs(seconds) / self.speed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_is_the_published_one() {
        let ladder = Ladder::new(1);
        let pauses: Vec<u64> = (1..).map_while(|n| ladder.pause(n)).map(|pause| pause.as_secs()).collect();

        assert_eq!(pauses[..6], [45, 120, 300, 600, 1800, 3600]);
        assert_eq!(pauses.len(), 29);
        assert!(pauses[5..].iter().all(|seconds| *seconds == 3600));
    }

    #[test]
    fn speed_divides_every_pause() {
        assert_eq!(Ladder::new(1000).pause(1), Some(Duration::from_millis(45)));
        assert_eq!(Ladder::new(0).pause(1), Some(Duration::from_secs(45)));
        assert_eq!(Ladder::new(1).pause(0), None);
    }
}
