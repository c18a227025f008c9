//! When the process is killed: pure, from the seed alone, but for what is waited for.

use std::time::Duration;

use clap::ValueEnum;
use croupier::simulate::faults::Dice;

/// What the process is doing when it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Moment {
    /// It reads its books, looks at what was under way, binds its listeners.
    Starting,
    /// It serves, at any moment.
    Serving,
    /// A payout has just come to the Cashier, or is being answered.
    Sending,
    /// The write-ahead log is being copied into the database.
    Checkpointing,
    /// It was asked to stop and ends what is under way.
    Stopping,
}

/// Each moment with its weight.
const MOMENTS: [(Moment, u64); 5] = [
    (Moment::Starting, 25),
    (Moment::Serving, 35),
    (Moment::Sending, 15),
    (Moment::Checkpointing, 15),
    (Moment::Stopping, 10),
];

impl Moment {
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// One of them by their weights, or of those that are allowed.
    pub fn roll(dice: &mut Dice, only: &[Self]) -> Self {
        let allowed = || MOMENTS.iter().filter(|(moment, _)| only.is_empty() || only.contains(moment));
        let all: u64 = allowed().map(|(_, weight)| weight).sum();
        let mut left = dice.roll() % all.max(1);
        for (moment, weight) in allowed() {
            if left < *weight {
                return *moment;
            }
            left -= weight;
        }
        Self::Serving
    }

    /// How long after what is waited for. `start` is how long a start takes.
    pub fn delay(self, dice: &mut Dice, start: Duration) -> Duration {
        let most = match self {
            // Now and then after the listeners are there.
            Self::Starting => start + start / 4,
            Self::Serving if dice.percent(20) => Duration::from_millis(250),
            Self::Serving => Duration::from_millis(60),
            Self::Sending => Duration::from_millis(4),
            Self::Checkpointing => Duration::from_millis(3),
            Self::Stopping => Duration::from_millis(30),
        };
        let most = i64::try_from(most.as_micros()).unwrap_or(i64::MAX);
        Duration::from_micros(dice.between(0, most).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_moments_and_every_kind_comes() {
        let roll = |seed: u64, only: &[Moment]| {
            let mut dice = Dice::new(seed);
            (0..200).map(|_| Moment::roll(&mut dice, only)).collect::<Vec<_>>()
        };
        let first = roll(7, &[]);

        assert_eq!(first, roll(7, &[]));
        assert_ne!(first, roll(8, &[]));
        assert!(MOMENTS.iter().all(|(moment, _)| first.contains(moment)), "{first:?}");
        assert_eq!(roll(7, &[Moment::Sending]), vec![Moment::Sending; 200]);
    }

    #[test]
    fn a_start_is_hit_from_its_beginning_to_after_its_end() {
        let (mut dice, start) = (Dice::new(1), Duration::from_millis(40));
        let delays: Vec<Duration> = (0..500).map(|_| Moment::Starting.delay(&mut dice, start)).collect();

        assert!(delays.iter().any(|delay| *delay < start / 10) && delays.iter().any(|delay| *delay > start));
        assert!(delays.iter().all(|delay| *delay <= start * 5 / 4));
    }
}
