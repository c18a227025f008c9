//! Deposits: money from a player to the casino through a provider.

pub mod check;
pub mod credit;
pub mod lifecycle;
pub mod list;

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::clock::{DAY_MICROS, Micros};
use crate::db::schema::{deposit_intents, deposits, inquiries};
use crate::db::{DbConn, Row, at_home, insert_in_chunks};
use crate::error::Error;
use crate::ids::lowest_at;
use crate::ledger::PlayerId;
use crate::money::Currency;
use crate::orders::{Status, of_player};

/// A deposit's row.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = deposits, treat_none_as_default_value = false)]
pub struct Deposit {
    /// Our order id.
    pub external_id: String,
    /// Through whom.
    pub provider: String,
    /// The site.
    pub site_id: i64,
    /// Whose it is.
    pub player_id: i64,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// The number of its [`crate::orders::Status`].
    pub status: i64,
    /// The Cashier's id in its question, when it sent one.
    pub transaction_id: Option<String>,
    /// The other fields of the question, masked, as a JSON object.
    pub details: String,
    /// When it was asked.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}

impl Row for Deposit {
    const ORDER: u8 = 40;

    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize> {
        insert_in_chunks!(deposits::table, rows, conn)
    }
}

/// What the Cashier has asked for on behalf of a player since `from`, less what was declined, withdrawn or refunded, in minor units. Orders
/// that are still open count: two at once must not pass a limit together. What was allowed a day ago and never heard of again does not, nor
/// what has been pending for a week, nor what a player has only begun: the Cashier's question about it is checked.
///
/// # Errors
///
/// What the database says, or `OutOfRange`.
pub fn asked_since(
    conn: &mut DbConn,
    player: PlayerId,
    currency: Currency,
    from: Micros,
    at: Micros,
) -> Result<i64, Error> {
    let open = [Status::Created.code(), Status::PendingPayment.code()];
    let over = [Status::Failed.code(), Status::Cancelled.code(), Status::Refunded.code()];
    let mut sum = 0_i64;
    for ids in of_player::deposits(conn, player, &lowest_at(from - 2 * DAY_MICROS))?.chunks(of_player::PAGE) {
        let begun = deposit_intents::table
            .filter(deposit_intents::player_id.eq(player.0))
            .filter(deposit_intents::external_id.eq(deposits::external_id));
        // Only the main Cashier asks about what was begun; what goes straight to a provider counts from its beginning.
        let direct = inquiries::table.filter(inquiries::external_id.eq(deposits::external_id));
        let amounts: Vec<i64> = deposits::table
            .filter(deposits::external_id.eq_any(ids))
            .filter(deposits::created_at.ge(from))
            .filter(deposits::currency.eq(currency.code()))
            .filter(deposits::status.ne_all(over))
            .filter(deposits::status.ne(Status::Created.code()).or(deposits::created_at.gt(at - DAY_MICROS)))
            .filter(deposits::status.ne(Status::PendingPayment.code()).or(deposits::updated_at.gt(at - 7 * DAY_MICROS)))
            .filter(not(exists(begun)).or(deposits::status.ne_all(open)).or(exists(direct)))
            .select(deposits::amount)
            .load(conn)?;
        sum = amounts.into_iter().try_fold(sum, i64::checked_add).ok_or(Error::OutOfRange)?;
    }
    Ok(sum)
}

/// How many orders of a player were written since `from`.
///
/// # Errors
///
/// What the database says.
pub fn count_since(conn: &mut DbConn, player: PlayerId, from: Micros) -> QueryResult<usize> {
    of_player::deposits(conn, player, &lowest_at(from)).map(|ids| ids.len())
}

/// The deposit with this id.
///
/// # Errors
///
/// What the database says.
pub fn find(conn: &mut DbConn, external_id: &str) -> QueryResult<Option<Deposit>> {
    let row = deposits::table.find(external_id);
    at_home!(conn, |conn| row.select(Deposit::as_select()).first(conn)).optional()
}
