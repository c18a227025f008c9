//! What a notification's two codes mean, and what the one of an answer about an order does.
//!
//! Source: protocol, "Which result, which direction" and the tables of types and statuses. Only status 4 is success; what the
//! documents do not call a definite failure is none.

use super::super::{Direction, News};

/// The meaning of `type_id` and `status_id`.
pub(super) fn news(type_id: i64, status_id: i64) -> News {
    match type_id {
        1 | 3 | 6 => deposit(status_id),
        4 | 5 => if_done(status_id, News::Refunded),
        7 => if_done(status_id, News::ChargedBack),
        11 => payout(status_id),
        2 | 8 | 12 | 13 => News::Informative,
        _ => News::NotKnown,
    }
}

/// The meaning of `status_id` in the answer to a question about an order: it names no type, so the direction is the order's. A deposit that
/// was declined at its authorization (5) moved nothing. What the manual does not call unsuccessful keeps the hold of a payout, also when it
/// expired (13) or was rejected (14): nobody says that it cannot be paid any more.
pub(super) fn stands(direction: Direction, status_id: i64) -> News {
    match (direction, status_id) {
        (Direction::Deposit, 5) => News::DepositDeclined,
        (Direction::Deposit, _) => deposit(status_id),
        (Direction::Payout, _) => payout(status_id),
    }
}

/// Whether an answer about an order can say the same. It cannot say that money of a deposit went back, nor what has no direction.
pub(super) fn can_be_asked_for(news: News) -> bool {
    match news {
        News::DepositPaid
        | News::DepositDeclined
        | News::DepositCancelled
        | News::DepositBroken
        | News::DepositPending
        | News::PayoutPaid
        | News::PayoutDeclined
        | News::PayoutPending
        | News::PayoutUnclear => true,
        News::PayoutCancelled
        | News::Refunded
        | News::ChargedBack
        | News::Paid
        | News::Declined
        | News::Pending
        | News::Dispute
        | News::Informative
        | News::NotKnown => false,
    }
}

fn deposit(status_id: i64) -> News {
    match status_id {
        4 => News::DepositPaid,
        6 | 7 | 8 | 11 | 12 => News::DepositDeclined,
        13 | 14 => News::DepositCancelled,
        5 | 10 | 15 | 19 | 24 => News::DepositBroken,
        1..=3 => News::DepositPending,
        20 => News::Informative,
        21..=23 => News::Dispute,
        _ => News::NotKnown,
    }
}

fn payout(status_id: i64) -> News {
    match status_id {
        4 => News::PayoutPaid,
        6 | 7 | 8 | 11 | 12 => News::PayoutDeclined,
        1..=3 => News::PayoutPending,
        5 | 10 | 13 | 14 | 15 | 19 | 24 => News::PayoutUnclear,
        20 => News::Informative,
        21..=23 => News::Dispute,
        _ => News::NotKnown,
    }
}

fn if_done(status_id: i64, done: News) -> News {
    if status_id == 4 { done } else { News::Informative }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter per status 0 to 30, one row per type 0 to 30.
    fn letter(news: News) -> char {
        match news {
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
            News::Paid | News::Declined | News::Pending => 'x',
            News::Dispute => '!',
            News::Informative => '-',
            News::NotKnown => '?',
        }
    }

    #[test]
    fn every_type_and_status_means_exactly_what_the_documents_allow() {
        let credit = "?wwwPBDDD?BDDCCB???B-!!!B??????";
        let payout = "?vvvpuddd?udduuu???u-!!!u??????";
        let refund = "----R--------------------------";
        let chargeback = "----K--------------------------";
        let silent = "-------------------------------";
        let unknown = "???????????????????????????????";

        for type_id in 0..=30 {
            let row: String = (0..=30).map(|status_id| letter(news(type_id, status_id))).collect();
            let expected = match type_id {
                1 | 3 | 6 => credit,
                4 | 5 => refund,
                7 => chargeback,
                11 => payout,
                2 | 8 | 12 | 13 => silent,
                _ => unknown,
            };
            assert_eq!(row, expected, "type {type_id}");
        }
    }

    #[test]
    fn no_status_of_an_answer_ends_a_payout_that_no_notification_would_end() {
        let row = |direction| (0..=30).map(|status_id| letter(stands(direction, status_id))).collect::<String>();

        assert_eq!(row(Direction::Deposit), "?wwwPDDDD?BDDCCB???B-!!!B??????");
        assert_eq!(row(Direction::Payout), "?vvvpuddd?udduuu???u-!!!u??????");
        for status_id in [i64::MAX, -4, 104] {
            assert_eq!(stands(Direction::Payout, status_id), News::NotKnown);
        }
    }

    #[test]
    fn only_what_an_answer_can_say_is_asked_for() {
        let askable: Vec<News> = News::ALL.into_iter().filter(|news| can_be_asked_for(*news)).collect();
        let said = |direction| (0..=30).map(move |status_id| stands(direction, status_id));
        for news in &askable {
            let direction = news.direction().expect("one of the two");
            assert!(said(direction).any(|said| said == *news), "{news:?}");
        }
        assert_eq!(askable.len(), 9);
    }

    #[test]
    fn codes_beyond_the_tables_are_not_known() {
        for (type_id, status_id) in [(i64::MAX, 4), (-1, 4), (3, i64::MAX), (11, -4), (104, 4)] {
            assert_eq!(news(type_id, status_id), News::NotKnown);
        }
    }
}
