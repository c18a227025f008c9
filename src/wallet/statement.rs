//! A player's statement: every journal entry of theirs, oldest first.

use std::collections::HashMap;

use diesel::dsl::{max, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::clock::Micros;
use crate::db::DbConn;
use crate::db::schema::{accounts, journal_entries, wallet_transactions};
use crate::error::Error;
use crate::ledger::PlayerId;

/// One line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The entry's number: also the cursor.
    pub id: i64,
    /// What it is about: `bet`, `hold`, `deposit`, …
    pub kind: String,
    /// The transaction or order that caused it.
    pub cause: String,
    /// The game server's reference, where a transaction of its own caused it.
    pub reference: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// What it did to the available money, in minor units.
    pub available_change: i64,
    /// What it did to the held money, in minor units.
    pub held_change: i64,
    /// When.
    pub at: Micros,
}

/// Up to `limit` lines after the one numbered `after`.
///
/// # Errors
///
/// What the database says.
pub fn lines(conn: &mut DbConn, player: PlayerId, after: i64, limit: i64) -> Result<Vec<Line>, Error> {
    let numbers = numbers(conn, player, after, limit)?;
    let own: Vec<i64> = accounts::table
        .filter(accounts::code.ge(format!("player:{}:", player.0)))
        .filter(accounts::code.lt(format!("player:{};", player.0)))
        .select(accounts::id)
        .load(conn)?;
    #[rustfmt::skip]
    type Found = (i64, String, String, String, i64, i64, bool, i64, bool, Micros);
    let found: Vec<Found> = journal_entries::table
        .filter(journal_entries::id.eq_any(numbers))
        .order(journal_entries::id)
        .select((
            journal_entries::id,
            journal_entries::kind,
            journal_entries::cause,
            journal_entries::currency,
            journal_entries::amount,
            journal_entries::debit_account,
            journal_entries::debit_held,
            journal_entries::credit_account,
            journal_entries::credit_held,
            journal_entries::at,
        ))
        .load(conn)?;
    let references = references(conn, found.iter().map(|line| line.2.as_str()))?;
    let line = |(id, kind, cause, currency, amount, debit, debit_held, credit, credit_held, at): Found| {
        let change = |held: bool| {
            let debited = if own.contains(&debit) && debit_held == held { amount } else { 0 };
            let credited = if own.contains(&credit) && credit_held == held { amount } else { 0 };
            credited - debited
        };
        let reference = references.get(transaction_of(&cause)).cloned();
        Line { id, kind, cause, reference, currency, available_change: change(false), held_change: change(true), at }
    };
    Ok(found.into_iter().map(line).collect())
}

/// Consecutive entries that share a shelf of the index `entries_of_a_player`. The migration has the same number.
const SHELF: i64 = 1024;

/// Shelves looked into at once at most: texts of one query.
const MOST_SHELVES: i64 = 500;

/// The numbers of up to `limit` entries of a player after the one numbered `after`, in order.
///
/// They are looked for shelf by shelf, in more and more shelves at once: whoever plays much has enough in the first, and of whoever does not
/// there is little in many.
fn numbers(conn: &mut DbConn, player: PlayerId, after: i64, limit: i64) -> Result<Vec<i64>, Error> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let newest: i64 = journal_entries::table.select(max(journal_entries::id)).first::<Option<i64>>(conn)?.unwrap_or(0);
    let (mut shelf, mut at_once) = (after.max(0) / SHELF, 1);
    let mut numbers = Vec::new();
    while numbers.len() < limit && shelf <= newest / SHELF {
        let end = (shelf + at_once).min(newest / SHELF + 1);
        let mut found: Vec<i64> = journal_entries::table
            .filter(sql::<BigInt>("journal_entries.id / 1024").eq_any(shelf..end))
            .filter(journal_entries::player_id.eq(player.0))
            .select(journal_entries::id)
            .load(conn)?;
        found.retain(|number| *number > after);
        found.sort_unstable();
        numbers.append(&mut found);
        (shelf, at_once) = (end, (at_once * 4).min(MOST_SHELVES));
    }
    numbers.truncate(limit);
    Ok(numbers)
}

/// The transaction that a cause names: a rollback's is that of its bet.
fn transaction_of(cause: &str) -> &str {
    cause.split(':').next().unwrap_or(cause)
}

/// The game server's references by transaction.
fn references<'a>(conn: &mut DbConn, causes: impl Iterator<Item = &'a str>) -> Result<HashMap<String, String>, Error> {
    let ids: Vec<&str> = causes.map(transaction_of).collect();
    let found: Vec<(String, String)> = wallet_transactions::table
        .filter(wallet_transactions::id.eq_any(ids))
        .select((wallet_transactions::id, wallet_transactions::reference))
        .load(conn)?;
    Ok(found.into_iter().collect())
}
