//! A row of the journal as it is read again: to be sealed, and to be checked.

use diesel::prelude::*;

use super::entry::Sealed;
use crate::clock::Micros;

/// The columns of a [`Movement`] in a table or view that has them.
macro_rules! movement {
    ($table:ident) => {
        (
            $table::id,
            $table::kind,
            $table::cause,
            $table::player_id,
            $table::currency,
            $table::amount,
            $table::debit_account,
            $table::debit_held,
            $table::credit_account,
            $table::credit_held,
            $table::at,
        )
    };
}
pub(super) use movement;

#[derive(Queryable)]
pub(super) struct Movement {
    pub id: i64,
    pub kind: String,
    pub cause: String,
    pub player_id: i64,
    pub currency: String,
    pub amount: i64,
    pub debit_account: i64,
    pub debit_held: bool,
    pub credit_account: i64,
    pub credit_held: bool,
    pub at: Micros,
}

impl Movement {
    /// What its hash covers when it has this number in the chain.
    pub fn sealed(&self, number: i64) -> Sealed<'_> {
        Sealed {
            id: number,
            kind: &self.kind,
            cause: &self.cause,
            player_id: self.player_id,
            currency: &self.currency,
            amount: self.amount,
            debit: (self.debit_account, self.debit_held),
            credit: (self.credit_account, self.credit_held),
            at: self.at,
        }
    }
}
