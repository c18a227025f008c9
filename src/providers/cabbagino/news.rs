//! What `type` and `status` mean in API 2.0, which has its own enumerations: 3 is a refund here, and a purchase in the other family.
//!
//! Source: protocol, "Enumerations" of API 2.0. Only 4 is success and only 5 is a decline.

use crate::providers::{Direction, News};

/// `status`
pub(super) const DECLINE: i64 = 5;
/// `status`: an error, of which the manual does not say whether it is the end.
pub(super) const ERROR: i64 = 6;

/// `type`
const DEPOSIT: i64 = 1;
const PAYOUT: i64 = 2;
const REFUND: i64 = 3;
/// A payout in the other family, and in one old table of this one (open question 24).
pub(super) const OLD_PAYOUT: i64 = 11;

/// What happened.
pub(super) fn news(kind: i64, status: i64) -> News {
    match kind {
        DEPOSIT => deposit(status),
        PAYOUT | OLD_PAYOUT => payout(status),
        REFUND if status == 4 => News::Refunded,
        REFUND => News::Informative,
        _ => News::NotKnown,
    }
}

/// Whether this `type` is about orders of this direction.
pub(super) fn is_of(direction: Direction, kind: i64) -> bool {
    match direction {
        Direction::Deposit => kind == DEPOSIT,
        Direction::Payout => kind == PAYOUT || kind == OLD_PAYOUT,
    }
}

/// Whether an order stands like this after its call: made, and not declined.
pub(super) fn is_taken(status: i64) -> bool {
    (1..=4).contains(&status)
}

fn deposit(status: i64) -> News {
    match status {
        1..=3 => News::DepositPending,
        4 => News::DepositPaid,
        DECLINE => News::DepositDeclined,
        ERROR => News::DepositBroken,
        // 7 is "unknown": the outcome is to be asked for later.
        _ => News::NotKnown,
    }
}

fn payout(status: i64) -> News {
    match status {
        1..=3 => News::PayoutPending,
        4 => News::PayoutPaid,
        DECLINE => News::PayoutDeclined,
        ERROR => News::PayoutUnclear,
        _ => News::NotKnown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_and_status_means_exactly_what_the_documents_allow() {
        let letter = |news: News| match news {
            News::DepositPaid => 'P',
            News::DepositDeclined => 'D',
            News::DepositCancelled => 'C',
            News::DepositBroken => 'B',
            News::DepositPending => 'w',
            News::Refunded => 'R',
            News::ChargedBack => 'K',
            News::PayoutPaid => 'p',
            News::PayoutDeclined => 'd',
            News::PayoutCancelled => 'c',
            News::PayoutPending => 'v',
            News::PayoutUnclear => 'u',
            News::Dispute => '!',
            News::Informative => '-',
            News::NotKnown => '?',
            News::Paid | News::Declined | News::Pending => 'x',
        };
        for kind in -1..=20 {
            let row: String = (-1..=24).map(|status| letter(news(kind, status))).collect();
            let expected = match kind {
                1 => "??wwwPDB??????????????????",
                2 | 11 => "??vvvpdu??????????????????",
                3 => "-----R--------------------",
                _ => "??????????????????????????",
            };
            assert_eq!(row, expected, "type {kind}");
        }
    }

    #[test]
    fn a_deposit_is_none_of_the_other_familys() {
        for kind in [0, 3, 6, 4, 5, 7, 12] {
            assert!(!is_of(Direction::Deposit, kind) && !is_of(Direction::Payout, kind), "{kind}");
        }
        assert!(is_of(Direction::Deposit, 1) && is_of(Direction::Payout, 2) && is_of(Direction::Payout, 11));
    }
}
