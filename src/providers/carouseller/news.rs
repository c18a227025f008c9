//! What a notification's two codes mean.
//!
//! Source: protocol, "Which result, which direction" and the tables of types and statuses. Only status 4 is success; what the
//! documents do not call a definite failure is none.

use super::super::News;

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
    fn codes_beyond_the_tables_are_not_known() {
        for (type_id, status_id) in [(i64::MAX, 4), (-1, 4), (3, i64::MAX), (11, -4), (104, 4)] {
            assert_eq!(news(type_id, status_id), News::NotKnown);
        }
    }
}
