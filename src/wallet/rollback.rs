//! Undoing the bets of a reference, once; also before they came.

use std::collections::HashSet;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::transactions::Kind;
use crate::clock::Micros;
use crate::db::schema::{rollbacks, wallet_transactions};
use crate::db::{DbConn, Memory, WriteTx, at_home};
use crate::error::Error;
use crate::ids::Player;
use crate::ledger::{self, PlayerId};
use crate::money::{Currency, Money};
use crate::players;

/// The answer to a rollback, the same for every repetition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// Whether there was a bet to undo.
    pub applied: bool,
    /// The balances after it, by currency code, with available and held.
    pub balances: Vec<(String, i64, i64)>,
    /// The currency of the bet that was undone.
    pub currency: Option<String>,
}

/// Undoes every bet of the reference that has not been undone, and lets later ones have no effect. The second value says whether it
/// had been done before.
///
/// # Errors
///
/// `UnknownPlayer`, `OutOfRange`, or what the database says.
pub fn make(tx: &mut WriteTx<'_>, player: &Player, reference: &str, at: Micros) -> Result<(RolledBack, bool), Error> {
    let known = players::find(tx, player)?.ok_or(Error::UnknownPlayer)?;
    let earlier: Option<String> =
        rollbacks::table.find((known.id.0, reference)).select(rollbacks::answer).first(tx.read()?).optional()?;
    if let Some(answer) = earlier {
        let answer = serde_json::from_str(&answer).map_err(|_| Error::Internal("a stored answer is damaged".into()))?;
        return Ok((answer, true));
    }
    let bets: Vec<(String, i64, String)> = wallet_transactions::table
        .filter(wallet_transactions::player_id.eq(known.id.0))
        .filter(wallet_transactions::reference.eq(reference))
        .filter(wallet_transactions::kind.eq(Kind::Bet.name()))
        .filter(wallet_transactions::voided.eq(false))
        .order(wallet_transactions::id)
        .select((wallet_transactions::id, wallet_transactions::amount, wallet_transactions::currency))
        .load(tx.read()?)?;
    for (id, amount, currency) in &bets {
        let amount = Money::new(*amount, Currency::parse(currency)?)?;
        ledger::roll_back_bet(tx, id, player.site, known.id, amount, at)?;
    }
    let balances = ledger::balances(tx.read()?, known.id)?;
    let balances = balances.into_iter().map(|(code, balance)| (code, balance.available, balance.held)).collect();
    let currency = bets.first().map(|(_, _, currency)| currency.clone());
    let answer = RolledBack { applied: !bets.is_empty(), balances, currency };
    let row = (
        rollbacks::player_id.eq(known.id.0),
        rollbacks::reference.eq(reference),
        rollbacks::applied.eq(answer.applied),
        rollbacks::answer.eq(serde_json::to_string(&answer).map_err(|error| Error::Internal(error.to_string()))?),
        rollbacks::created_at.eq(at),
    );
    diesel::insert_into(rollbacks::table).values(row).execute(tx.conn()?)?;
    let dead = tx.memory::<Dead>().0;
    if dead.players.contains(&known.id.0) {
        dead.found.insert((known.id.0, reference.to_owned()));
    }
    Ok((answer, false))
}

/// Looks up which references of a batch were rolled back.
///
/// # Errors
///
/// What the database says.
pub fn warm(tx: &mut WriteTx<'_>, players: &[PlayerId], references: Vec<String>) -> QueryResult<()> {
    let (dead, conn) = tx.memory::<Dead>();
    let ids: Vec<i64> = players.iter().map(|player| player.0).collect();
    let found: Vec<(i64, String)> = rollbacks::table
        .filter(rollbacks::player_id.eq_any(&ids))
        .filter(rollbacks::reference.eq_any(&references))
        .select((rollbacks::player_id, rollbacks::reference))
        .load(conn)?;
    dead.found.extend(found);
    dead.looked_at.extend(references);
    dead.players.extend(ids);
    Ok(())
}

/// What a batch on a server knows of references that were rolled back.
#[derive(Default)]
struct Dead {
    players: HashSet<i64>,
    looked_at: HashSet<String>,
    found: HashSet<(i64, String)>,
}

impl Memory for Dead {
    fn order(&self) -> u8 {
        50
    }

    fn flush(&mut self, _conn: &mut DbConn) -> QueryResult<()> {
        Ok(())
    }

    fn committed(&mut self) {}

    fn rolled_back(&mut self) {}
}

/// Whether bets of this reference have no effect any more. Rollbacks are never staged, so the rows that wait need not be written.
///
/// # Errors
///
/// What the database says.
pub(super) fn is_rolled_back(tx: &mut WriteTx<'_>, player: PlayerId, reference: &str) -> Result<bool, Error> {
    let (dead, conn) = tx.memory::<Dead>();
    if dead.players.contains(&player.0) && dead.looked_at.contains(reference) {
        return Ok(dead.found.contains(&(player.0, reference.to_owned())));
    }
    let rolled_back = rollbacks::table.find((player.0, reference)).count();
    let found: i64 = at_home!(conn, |conn| rolled_back.get_result(conn))?;
    Ok(found > 0)
}
