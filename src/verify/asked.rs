//! What players asked for through the players' API against the orders it made.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::db::DbConn;
use crate::db::schema::{cashier_requests, deposit_intents, deposits, payouts};
use crate::error::Error;

/// Requests read at once.
const PAGE: i64 = 2_000;

/// The check of all requests, a page at a time: every one has the order it made, of the same player, made with it.
#[derive(Default)]
pub(super) struct Requests {
    after: String,
}

impl Requests {
    /// Checks the next page. `false`: it was the last one.
    pub(super) fn step(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let page: Vec<String> = cashier_requests::table
            .filter(cashier_requests::external_id.gt(&self.after))
            .order(cashier_requests::external_id)
            .limit(PAGE)
            .select(cashier_requests::external_id)
            .load(conn)?;
        let page_is_full = i64::try_from(page.len()).is_ok_and(|rows| rows == PAGE);
        let Some(last) = page.into_iter().next_back() else { return Ok(false) };
        let deposit = deposits::table
            .filter(deposits::external_id.eq(cashier_requests::external_id))
            .filter(deposits::player_id.eq(cashier_requests::player_id))
            .filter(deposits::created_at.ge(cashier_requests::created_at));
        let payout = payouts::table
            .filter(payouts::external_id.eq(cashier_requests::external_id))
            .filter(payouts::player_id.eq(cashier_requests::player_id))
            .filter(payouts::created_at.eq(cashier_requests::created_at));
        let is_deposit = cashier_requests::direction.eq("deposit").and(exists(deposit));
        let is_payout = cashier_requests::direction.eq("withdrawal").and(exists(payout));
        let lost: Option<String> = cashier_requests::table
            .filter(cashier_requests::external_id.gt(&self.after))
            .filter(cashier_requests::external_id.le(&last))
            .filter(not(is_deposit.or(is_payout)))
            .order(cashier_requests::external_id)
            .select(cashier_requests::external_id)
            .first(conn)
            .optional()?;
        if let Some(id) = lost {
            problems.push(format!("request {id}: the order that it made is not there, or was not made with it"));
        }
        self.after = last;
        Ok(page_is_full)
    }
}

/// Every deposit that waits for the Cashier's question agrees with its order. They are few.
pub(super) fn intents(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
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
