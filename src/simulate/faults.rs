//! Which fault befalls which order: pure decisions from a seed, the same for the same seed.

/// A small deterministic generator (SplitMix64). Not for secrets.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An independent generator for one player, round or order.
    pub fn fork(&self, label: u64) -> Self {
        let mut forked = Self(self.0 ^ label.wrapping_add(1).wrapping_mul(0xD6E8_FEB8_6659_FD93));
        forked.roll();
        forked
    }

    /// The next 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number of `low` to `high`, both included; `low` when the range is empty.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(0).unsigned_abs().saturating_add(1);
        let offset = i64::try_from(self.roll() % width).unwrap_or(0);
        low.saturating_add(offset)
    }

    /// True in this many of 100 cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.roll() % choices.len() as u64).unwrap_or(0)]
    }

    /// A transaction id of the Cashier: at most 15 digits.
    pub fn transaction_id(&mut self) -> u64 {
        100_000_000_000 + self.roll() % 899_999_999_999_999
    }
}

/// What goes wrong with a deposit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DepositFault {
    /// Nothing.
    Smooth,
    /// Question and notification come several times at once.
    Duplicated,
    /// The question's answer is lost; the Cashier asks again.
    LostAnswer,
    /// The question trickles in.
    SlowQuestion,
    /// First a notification with another amount, then the right one.
    OtherAmount,
    /// Declined, then paid after all: the money counts.
    DeclinedThenPaid,
    /// Paid, then a decline: the money stays.
    PaidThenDeclined,
    /// A notification about an order that does not exist comes between.
    Unsolicited,
    /// The notification comes again at the very end.
    Late,
    /// The first notification is refused for a bad signature, the second is right.
    Forged,
}

/// What goes wrong with a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PayoutFault {
    /// Nothing.
    Smooth,
    /// Request and notification come several times at once.
    Duplicated,
    /// The notification overtakes the answer to the initiation.
    Reordered,
    /// The initiation is taken and the connection closed: the merchant must wait for the notification.
    LostAnswer,
    /// The same with a reset.
    Reset,
    /// The initiation is taken and answered with HTTP 502.
    BadGateway,
    /// The initiation is taken and answered with a page.
    Html,
    /// The answer takes its time.
    Slow,
    /// The initiation is definitely refused.
    Refused,
    /// First a notification with another amount, then the right one.
    OtherAmount,
    /// After the final notification comes the opposite one.
    Contradictory,
    /// A notification that is not final comes first.
    StatusFlip,
    /// A notification about an order that does not exist comes between.
    Unsolicited,
    /// The notification comes again at the very end.
    Late,
}

const DEPOSIT: [DepositFault; 9] = [
    DepositFault::Duplicated,
    DepositFault::LostAnswer,
    DepositFault::SlowQuestion,
    DepositFault::OtherAmount,
    DepositFault::DeclinedThenPaid,
    DepositFault::PaidThenDeclined,
    DepositFault::Unsolicited,
    DepositFault::Late,
    DepositFault::Forged,
];

const PAYOUT: [PayoutFault; 13] = [
    PayoutFault::Duplicated,
    PayoutFault::Reordered,
    PayoutFault::LostAnswer,
    PayoutFault::Reset,
    PayoutFault::BadGateway,
    PayoutFault::Html,
    PayoutFault::Slow,
    PayoutFault::Refused,
    PayoutFault::OtherAmount,
    PayoutFault::Contradictory,
    PayoutFault::StatusFlip,
    PayoutFault::Unsolicited,
    PayoutFault::Late,
];

/// The fault of a deposit: with faults on, three of four have one.
pub fn deposit(dice: &mut Dice, faults: bool) -> DepositFault {
    if faults && dice.percent(75) { dice.pick(&DEPOSIT) } else { DepositFault::Smooth }
}

/// The fault of a payout: with faults on, three of four have one.
pub fn payout(dice: &mut Dice, faults: bool) -> PayoutFault {
    if faults && dice.percent(75) { dice.pick(&PAYOUT) } else { PayoutFault::Smooth }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let run = |seed| {
            let dice = Dice::new(seed);
            let draw = |label| (deposit(&mut dice.fork(label), true), payout(&mut dice.fork(label), true));
            (0..200).map(draw).collect::<Vec<_>>()
        };

        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn every_fault_happens_and_none_without_asking() {
        let mut dice = Dice::new(1);
        let deposits: HashSet<_> = (0..1000).map(|_| deposit(&mut dice, true)).collect();
        let payouts: HashSet<_> = (0..1000).map(|_| payout(&mut dice, true)).collect();

        assert_eq!((deposits.len(), payouts.len()), (DEPOSIT.len() + 1, PAYOUT.len() + 1));
        assert!((0..100).all(|_| deposit(&mut dice, false) == DepositFault::Smooth));
        assert!((0..100).all(|_| payout(&mut dice, false) == PayoutFault::Smooth));
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut dice = Dice::new(3);

        assert!((0..1000).all(|_| (5..=9).contains(&dice.between(5, 9))));
        assert_eq!(dice.between(4, 4), 4);
        assert_eq!(dice.between(4, 1), 4);
        // The reference output of SplitMix64 for seed 0.
        assert_eq!(Dice::new(0).roll(), 0xE220_A839_7B1D_CDAF);
    }
}
