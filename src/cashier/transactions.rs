//! Everything a player has moved, newest first, however it was asked.

use std::collections::HashMap;

use diesel::prelude::*;

use super::requests::{self, Request};
use super::rows::{self, Transaction};
use crate::clock::Micros;
use crate::db::schema::{deposits, payouts, transitions};
use crate::db::{DbConn, snapshot};
use crate::deposits::Deposit;
use crate::error::Error;
use crate::ids::ExternalId;
use crate::ledger::PlayerId;
use crate::orders::of_player;
use crate::payouts::{Payout, Stage};
use crate::players::PlayerRow;
use crate::settings::Site;

/// Orders of a player that are looked at, the newest. More would let one request hold a connection for long; fewer would hide what a
/// busy player did this year.
pub const MOST: usize = 5_000;

/// The newest transactions of a player, newest first.
///
/// # Errors
///
/// What the database says, or that a row is damaged.
pub fn of_player(conn: &mut DbConn, player: &PlayerRow, site: &Site) -> Result<Vec<Transaction>, Error> {
    snapshot(conn, |conn| {
        let id = PlayerId(player.id);
        let mut deposits: Vec<Deposit> = Vec::new();
        for page in newest(&of_player::deposits(conn, id, "")?).chunks(of_player::PAGE) {
            let page = deposits::table.filter(deposits::external_id.eq_any(page));
            deposits.extend(page.select(Deposit::as_select()).load(conn)?);
        }
        let mut payouts: Vec<Payout> = Vec::new();
        for page in newest(&of_player::payouts(conn, id, "")?).chunks(of_player::PAGE) {
            let page = payouts::table.filter(payouts::external_id.eq_any(page));
            payouts.extend(page.select(Payout::as_select()).load(conn)?);
        }
        let mut all = transactions(conn, &deposits, &payouts, site)?;
        all.sort_by(|a, b| (b.created_time, &b.id).cmp(&(a.created_time, &a.id)));
        all.truncate(MOST);
        Ok(all)
    })
}

/// The newest of these ids, which are in order.
fn newest(ids: &[String]) -> &[String] {
    &ids[ids.len().saturating_sub(MOST)..]
}

/// One transaction of a player.
///
/// # Errors
///
/// `NotFound`, or what the database says.
pub fn find(conn: &mut DbConn, player: &PlayerRow, site: &Site, id: &ExternalId) -> Result<Transaction, Error> {
    snapshot(conn, |conn| {
        let deposit = crate::deposits::find(conn, id.as_str())?.filter(|deposit| deposit.player_id == player.id);
        let payout = crate::payouts::find(conn, id.as_str())?.filter(|payout| payout.player_id == player.id);
        let found = transactions(conn, deposit.as_slice(), payout.as_slice(), site)?;
        found.into_iter().next().ok_or(Error::NotFound("transaction"))
    })
}

fn transactions(
    conn: &mut DbConn,
    deposits: &[Deposit],
    payouts: &[Payout],
    site: &Site,
) -> Result<Vec<Transaction>, Error> {
    let of_deposits = deposits.iter().map(|deposit| deposit.external_id.as_str());
    let of_payouts: Vec<&str> = payouts.iter().map(|payout| payout.external_id.as_str()).collect();
    let ids: Vec<&str> = of_deposits.chain(of_payouts.iter().copied()).collect();
    let requests: HashMap<String, Request> =
        requests::of_orders(conn, &ids)?.into_iter().map(|request| (request.external_id.clone(), request)).collect();
    let approved = approvals(conn, &of_payouts)?;
    let mut all = Vec::with_capacity(ids.len());
    for deposit in deposits {
        all.push(rows::of_deposit(deposit, requests.get(&deposit.external_id), site)?);
    }
    for payout in payouts {
        let approved = approved.get(&payout.external_id).copied();
        all.push(rows::of_payout(payout, requests.get(&payout.external_id), approved)?);
    }
    Ok(all)
}

/// When staff approved these payouts.
fn approvals(conn: &mut DbConn, ids: &[&str]) -> Result<HashMap<String, Micros>, Error> {
    let mut found = HashMap::new();
    for page in ids.chunks(of_player::PAGE) {
        let rows: Vec<(String, Micros)> = transitions::table
            .filter(transitions::external_id.eq_any(page))
            .filter(transitions::cause.eq("approve"))
            .filter(transitions::to_stage.eq(Stage::Queued.name()))
            .select((transitions::external_id, transitions::at))
            .load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}
