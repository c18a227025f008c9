//! Status of a transaction (contract, part 5; the numbers are ScaleTrade's).

use crate::error::Error;

/// Where an order stands, for everybody outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// The check answered 0.
    Created,
    /// Deposit: the Cashier works on it. Payout: approved and on its way, until the Cashier's final word.
    PendingPayment,
    /// Paid, not yet booked.
    ProviderConfirmed,
    /// Deposit: on the balance. Payout: the player has been paid.
    Credited,
    /// Paid, but it could not be credited.
    CreditFailed,
    /// The Cashier declined.
    Failed,
    /// Expired, withdrawn, or declined by staff.
    Cancelled,
    /// Refund or void.
    Refunded,
    /// Charged back.
    Chargeback,
    /// Waits for approval, or needs a person.
    ManualReview,
}

/// Every status with its number and its name on our own APIs.
const STATUSES: [(Status, i64, &str); 10] = [
    (Status::Created, 0, "created"),
    (Status::PendingPayment, 1, "pending_payment"),
    (Status::ProviderConfirmed, 2, "provider_confirmed"),
    (Status::Credited, 3, "credited"),
    (Status::CreditFailed, 4, "credit_failed"),
    (Status::Failed, 5, "failed"),
    (Status::Cancelled, 6, "cancelled"),
    (Status::Refunded, 7, "refunded"),
    (Status::Chargeback, 8, "chargeback"),
    (Status::ManualReview, 9, "manual_review"),
];

impl Status {
    /// All of them, by number.
    pub fn all() -> impl Iterator<Item = Self> {
        STATUSES.iter().map(|(status, _, _)| *status)
    }

    /// The number on the wire and in the `status` column.
    pub fn code(self) -> i64 {
        STATUSES.iter().find(|(status, _, _)| *status == self).expect("every status has a number").1
    }

    /// The name on our own APIs.
    pub fn name(self) -> &'static str {
        STATUSES.iter().find(|(status, _, _)| *status == self).expect("every status has a name").2
    }

    /// Reads a number from the database.
    ///
    /// # Errors
    ///
    /// `Internal`: no such status, so the row is damaged.
    pub fn from_code(code: i64) -> Result<Self, Error> {
        let found = STATUSES.iter().find(|(_, number, _)| *number == code);
        found.map(|(status, _, _)| *status).ok_or_else(|| Error::Internal(format!("status {code} in the database")))
    }

    /// Reads a number or a name, as filters of lists are given.
    pub fn parse(text: &str) -> Option<Self> {
        let found = STATUSES.iter().find(|(_, number, name)| *name == text || number.to_string() == text);
        found.map(|(status, _, _)| *status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_their_status() {
        for status in Status::all() {
            assert_eq!(Status::from_code(status.code()).unwrap(), status);
            assert_eq!(Status::parse(status.name()), Some(status));
            assert_eq!(Status::parse(&status.code().to_string()), Some(status));
        }
        assert!(Status::from_code(10).is_err() && Status::from_code(-1).is_err());
        assert!(Status::parse("paid").is_none());
    }
}
