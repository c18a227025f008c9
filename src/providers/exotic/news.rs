//! What `type` and `status` mean.
//!
//! Source: protocol, "Callbacks for payouts" and "Status machine"; the words of a payment are inferred from those of a payout.

use crate::providers::{Direction, News};

/// `type` on the wire.
pub(super) fn direction(kind: &str) -> Option<Direction> {
    match kind {
        "pay_in" => Some(Direction::Deposit),
        "pay_out" => Some(Direction::Payout),
        _ => None,
    }
}

/// The same the other way round.
pub(super) fn kind(direction: Direction) -> &'static str {
    match direction {
        Direction::Deposit => "pay_in",
        Direction::Payout => "pay_out",
    }
}

/// What happened. A word that we do not know moves nothing (open question 16).
pub(super) fn news(direction: Direction, status: &str) -> News {
    match (direction, status) {
        (Direction::Deposit, "expectation") => News::DepositPending,
        (Direction::Deposit, "successful") => News::DepositPaid,
        (Direction::Deposit, "rejected_timeout" | "rejected_merchant") => News::DepositCancelled,
        (Direction::Deposit, "rejected_gate") => News::DepositDeclined,
        (Direction::Payout, "expectation") => News::PayoutPending,
        (Direction::Payout, "successful") => News::PayoutPaid,
        (Direction::Payout, "rejected_timeout" | "rejected_gate") => News::PayoutDeclined,
        (Direction::Payout, "rejected_merchant") => News::PayoutCancelled,
        (Direction::Deposit | Direction::Payout, _) => News::NotKnown,
    }
}

/// The same when the answer does not agree with the order in whom it names: what has ended is for a person to look at.
pub(super) fn doubted(news: News) -> News {
    match news {
        News::DepositPaid | News::DepositDeclined | News::DepositCancelled | News::DepositBroken => News::DepositBroken,
        News::PayoutPaid | News::PayoutDeclined | News::PayoutCancelled | News::PayoutUnclear => News::PayoutUnclear,
        // Here every notice says which way the money goes.
        News::Paid | News::Declined => News::NotKnown,
        News::DepositPending
        | News::Pending
        | News::Refunded
        | News::ChargedBack
        | News::PayoutPending
        | News::Dispute
        | News::Informative
        | News::NotKnown => news,
    }
}
