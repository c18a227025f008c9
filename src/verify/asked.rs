//! What players asked for through the players' API against the orders it made.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::db::DbConn;
use crate::db::schema::{cashier_requests, deposit_intents, deposits, payouts};
use crate::error::Error;

/// Every request has the order it made, of the same player; and so has every deposit that waits for the Cashier's question.
pub(super) fn requests(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
    let deposit = deposits::table
        .filter(deposits::external_id.eq(cashier_requests::external_id))
        .filter(deposits::player_id.eq(cashier_requests::player_id));
    let payout = payouts::table
        .filter(payouts::external_id.eq(cashier_requests::external_id))
        .filter(payouts::player_id.eq(cashier_requests::player_id));
    let is_deposit = cashier_requests::direction.eq("deposit").and(exists(deposit));
    let is_payout = cashier_requests::direction.eq("withdrawal").and(exists(payout));
    let lost: Option<String> = cashier_requests::table
        .filter(not(is_deposit.or(is_payout)))
        .order(cashier_requests::external_id)
        .select(cashier_requests::external_id)
        .first(conn)
        .optional()?;
    if let Some(id) = lost {
        problems.push(format!("request {id}: the order that it made is not there"));
    }
    let begun = deposits::table
        .filter(deposits::external_id.eq(deposit_intents::external_id))
        .filter(deposits::player_id.eq(deposit_intents::player_id))
        .filter(deposits::provider.eq(deposit_intents::provider))
        .filter(deposits::amount.eq(deposit_intents::amount))
        .filter(deposits::currency.eq(deposit_intents::currency));
    let lost: Option<String> = deposit_intents::table
        .filter(not(exists(begun)))
        .order(deposit_intents::external_id)
        .select(deposit_intents::external_id)
        .first(conn)
        .optional()?;
    if let Some(id) = lost {
        problems.push(format!("deposit {id}: what its player began does not agree with it"));
    }
    Ok(())
}
