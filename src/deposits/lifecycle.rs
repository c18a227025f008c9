//! The life of a deposit as a pure function: what a notification means for a deposit in each status.

use crate::orders::Status;
use crate::providers::News;

/// What to do with a notification about a deposit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Credit the player and move to `Credited`.
    Credit,
    /// Take the money back as refund and move to `Refunded`.
    Refund,
    /// Take the money back as chargeback and move to `Chargeback`.
    ChargeBack,
    /// Move without touching money.
    Move(Status),
    /// Move without touching money, and ask a person. Carries the review's kind.
    MoveAndReview(Status, &'static str),
    /// Already so, or says nothing about money.
    Record,
    /// It contradicts what is final: show it to a person, move nothing. Carries the review's kind.
    Review(&'static str),
    /// The money cannot go back before it came: keep it, and apply it when the deposit is credited.
    AwaitPayment,
}

/// What `news` means for a deposit in `status`.
pub fn decide(status: Status, news: News) -> Decision {
    match news {
        News::DepositPaid => paid(status),
        News::DepositDeclined => ended(status, Decision::Move(Status::Failed), "decline_after_credit"),
        News::DepositCancelled => ended(status, Decision::Move(Status::Cancelled), "decline_after_credit"),
        News::DepositBroken => {
            ended(status, Decision::MoveAndReview(Status::ManualReview, "deposit_unclear"), "decline_after_credit")
        }
        News::DepositPending => match status {
            Status::Created => Decision::Move(Status::PendingPayment),
            Status::PendingPayment
            | Status::ProviderConfirmed
            | Status::Credited
            | Status::CreditFailed
            | Status::Failed
            | Status::Cancelled
            | Status::Refunded
            | Status::Chargeback
            | Status::ManualReview => Decision::Record,
        },
        News::Refunded => reversed(status, Decision::Refund),
        News::ChargedBack => reversed(status, Decision::ChargeBack),
        News::Dispute => Decision::Review("dispute"),
        News::Informative | News::NotKnown => Decision::Record,
        News::PayoutPaid | News::PayoutDeclined | News::PayoutCancelled | News::PayoutPending | News::PayoutUnclear => {
            Decision::Review("other_direction")
        }
        // The order has settled before which way it is ([`News::of`]); what still leaves it open is nothing to act on.
        News::Paid | News::Declined | News::Pending => Decision::Review("other_direction"),
    }
}

/// Whether nothing more is waited for: what comes after this end comes by itself.
pub fn has_ended(status: Status) -> bool {
    match status {
        Status::Created | Status::PendingPayment | Status::ProviderConfirmed | Status::ManualReview => false,
        Status::Credited
        | Status::CreditFailed
        | Status::Failed
        | Status::Cancelled
        | Status::Refunded
        | Status::Chargeback => true,
    }
}

/// A deposit is credited once, whatever was said before (threats LIF-5), and never again.
fn paid(status: Status) -> Decision {
    match status {
        Status::Created
        | Status::PendingPayment
        | Status::ProviderConfirmed
        | Status::CreditFailed
        | Status::Failed
        | Status::Cancelled
        | Status::ManualReview => Decision::Credit,
        Status::Credited | Status::Refunded | Status::Chargeback => Decision::Record,
    }
}

/// An unsuccessful end moves what is open; after a credit it takes nothing back by itself (threats LIF-6).
fn ended(status: Status, open: Decision, contradiction: &'static str) -> Decision {
    match status {
        Status::Created | Status::PendingPayment | Status::ProviderConfirmed => open,
        Status::ManualReview => match open {
            Decision::Move(to) => Decision::Move(to),
            _ => Decision::Record,
        },
        Status::Failed | Status::Cancelled | Status::Refunded | Status::Chargeback => Decision::Record,
        Status::Credited | Status::CreditFailed => Decision::Review(contradiction),
    }
}

/// Money goes back once, and in full (threats LIF-7).
fn reversed(status: Status, first: Decision) -> Decision {
    match status {
        Status::Credited => first,
        Status::Refunded if first == Decision::Refund => Decision::Record,
        Status::Chargeback if first == Decision::ChargeBack => Decision::Record,
        Status::Refunded | Status::Chargeback => Decision::Review("second_reversal"),
        Status::Created
        | Status::PendingPayment
        | Status::ProviderConfirmed
        | Status::CreditFailed
        | Status::Failed
        | Status::Cancelled
        | Status::ManualReview => Decision::AwaitPayment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_paid_notification_credits_and_never_twice() {
        let credited = [Status::Credited, Status::Refunded, Status::Chargeback];
        for status in Status::all() {
            for news in News::ALL {
                let credits = decide(status, news) == Decision::Credit;
                assert_eq!(credits, news == News::DepositPaid && !credited.contains(&status), "{status:?} {news:?}");
            }
        }
    }

    #[test]
    fn money_goes_back_only_from_a_credited_deposit() {
        for status in Status::all() {
            for news in News::ALL {
                let goes_back = matches!(decide(status, news), Decision::Refund | Decision::ChargeBack);
                let may = status == Status::Credited && matches!(news, News::Refunded | News::ChargedBack);
                assert_eq!(goes_back, may, "{status:?} {news:?}");
            }
        }
    }

    #[test]
    fn a_final_deposit_never_moves_without_money() {
        for status in [Status::Credited, Status::Refunded, Status::Chargeback, Status::CreditFailed] {
            for news in News::ALL {
                let moved = matches!(decide(status, news), Decision::Move(_) | Decision::MoveAndReview(..));
                assert!(!moved, "{status:?} {news:?}");
            }
        }
    }

    #[test]
    fn news_of_a_payout_moves_no_deposit() {
        for status in Status::all() {
            for news in
                News::ALL.into_iter().filter(|news| news.direction() == Some(crate::providers::Direction::Payout))
            {
                assert_eq!(decide(status, news), Decision::Review("other_direction"));
            }
        }
    }

    /// One letter per status, in the order of their numbers; one row per news.
    #[test]
    fn every_word_about_a_deposit_does_in_every_status_exactly_this() {
        let letter = |decision: Decision| match decision {
            Decision::Credit => '$',
            Decision::Refund => 'R',
            Decision::ChargeBack => 'K',
            Decision::Move(Status::Failed) => 'f',
            Decision::Move(Status::Cancelled) => 'c',
            Decision::Move(Status::PendingPayment) => 'p',
            Decision::MoveAndReview(Status::ManualReview, "deposit_unclear") => 'm',
            Decision::Record => '.',
            Decision::AwaitPayment => 'w',
            Decision::Review("dispute") => 'd',
            Decision::Review("decline_after_credit") => '!',
            Decision::Review("second_reversal") => '2',
            Decision::Review("other_direction") => 'x',
            other => panic!("{other:?} is nothing that a deposit does"),
        };
        for news in News::ALL {
            let row: String = Status::all().map(|status| letter(decide(status, news))).collect();
            let expected = match news {
                News::DepositPaid => "$$$.$$$..$",
                News::DepositDeclined => "fff!!....f",
                News::DepositCancelled => "ccc!!....c",
                News::DepositBroken => "mmm!!.....",
                News::DepositPending => "p.........",
                News::Refunded => "wwwRwww.2w",
                News::ChargedBack => "wwwKwww2.w",
                News::Dispute => "dddddddddd",
                News::Informative | News::NotKnown => "..........",
                _ => "xxxxxxxxxx",
            };
            assert_eq!(row, expected, "{news:?}");
        }
    }

    #[test]
    fn what_has_ended_is_known_of_every_status() {
        let ended: String = Status::all().map(|status| if has_ended(status) { 'e' } else { '.' }).collect();

        assert_eq!(ended, "...eeeeee.");
    }
}
