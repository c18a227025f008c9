//! When an unanswered notification is repeated. The Cashier's ladder (manual, "Webhooks"): 45 seconds, 2, 5, 10, 30 minutes, then
//! hourly for a day.

use std::time::Duration;

const CASHIER: [u64; 6] = [45, 120, 300, 600, 1800, 3600];
const HOURLY: u32 = 24;

/// The pauses between attempts. Each is waited after the attempt before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    seconds: Vec<u64>,
    /// How often the last of them is waited.
    times: usize,
    speed: u32,
}

impl Ladder {
    /// The Cashier's ladder with every pause divided by `speed`; 0 counts as 1. Too fast floods the merchant, too slow and a demo waits
    /// for the first repetition.
    pub fn new(speed: u32) -> Self {
        Self::of((CASHIER.to_vec(), HOURLY), speed)
    }

    /// Somebody else's: the pauses in seconds, and how often the last one is waited. Without pauses nothing is repeated.
    pub fn of((seconds, times): (Vec<u64>, u32), speed: u32) -> Self {
        Self { seconds, times: usize::try_from(times).unwrap_or(usize::MAX), speed: speed.max(1) }
    }

    /// The pause after this many attempts, 1 or more; `None`: nothing comes any more.
    pub fn pause(&self, attempts: usize) -> Option<Duration> {
        let (step, last) = (attempts.checked_sub(1)?, self.seconds.len().checked_sub(1)?);
        let is_over = step >= last.saturating_add(self.times);
        let seconds = self.seconds.get(step.min(last)).filter(|_| !is_over)?;
        Some(Duration::from_secs(*seconds) / self.speed)
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
    fn others_have_others_or_none() {
        let pauses =
            |ladder: Ladder| (1..).map_while(|n| ladder.pause(n)).map(|pause| pause.as_secs()).collect::<Vec<_>>();

        assert_eq!(pauses(Ladder::of((vec![60, 600, 3600], 1), 1)), [60, 600, 3600]);
        assert_eq!(pauses(Ladder::of((vec![300], 3), 1)), [300, 300, 300]);
        assert_eq!(pauses(Ladder::of((vec![], 0), 1)), [0; 0]);
        assert_eq!(pauses(Ladder::of((vec![60], 0), 1)), [0; 0]);
    }

    #[test]
    fn speed_divides_every_pause() {
        assert_eq!(Ladder::new(1000).pause(1), Some(Duration::from_millis(45)));
        assert_eq!(Ladder::new(0).pause(1), Some(Duration::from_secs(45)));
        assert_eq!(Ladder::new(1).pause(0), None);
    }
}
