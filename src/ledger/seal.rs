//! The chain on a server: entries are sealed in the order of their commits, just after them, by whichever instance has the turn.
//!
//! Lanes write entries without a hash, so none of them waits for the end of the chain, and none of them touches the balances of the house,
//! which all entries are about. A player's entries are numbered in the order of their commits, for they are written under the player's
//! lock; so the order of numbers within a pass is one in which they could have happened one by one.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::movement::{Movement, movement};
use super::record::head;
use crate::db::schema::{accounts, journal_entries, seals, unsealed_entries};
use crate::db::{DbConn, WriteTx, insert_in_chunks};
use crate::error::Error;

/// Entries sealed in one transaction.
const AT_ONCE: i64 = 2_000;

#[derive(Insertable)]
#[diesel(table_name = seals, treat_none_as_default_value = false)]
struct Seal {
    number: i64,
    entry_id: i64,
    hash: Vec<u8>,
}

/// Seals what is committed and has no seal yet, and brings the balances of the house up to it. Says whether there is more.
///
/// # Errors
///
/// What the database says; the transaction must not be committed then.
pub fn seal(tx: &mut WriteTx<'_>) -> Result<bool, Error> {
    let conn = tx.conn()?;
    let waiting: Vec<Movement> = journal_entries::table
        .inner_join(unsealed_entries::table.on(unsealed_entries::entry_id.eq(journal_entries::id)))
        .order(unsealed_entries::entry_id)
        .limit(AT_ONCE)
        .select(movement!(journal_entries))
        .load(conn)?;
    if waiting.is_empty() {
        return Ok(false);
    }
    let (mut number, mut hash) = head(conn)?;
    let mut rows = Vec::with_capacity(waiting.len());
    let mut changes: BTreeMap<i64, i64> = BTreeMap::new();
    for entry in &waiting {
        number += 1;
        hash = entry.sealed(number).hash(&hash);
        rows.push(Seal { number, entry_id: entry.id, hash: hash.to_vec() });
        for (account, by) in [(entry.debit_account, -entry.amount), (entry.credit_account, entry.amount)] {
            let change = changes.entry(account).or_default();
            *change = change.checked_add(by).ok_or(Error::OutOfRange)?;
        }
    }
    insert(conn, &rows)?;
    let ids: Vec<i64> = waiting.iter().map(|entry| entry.id).collect();
    let taken =
        diesel::delete(unsealed_entries::table.filter(unsealed_entries::entry_id.eq_any(&ids))).execute(conn)?;
    if taken != ids.len() {
        return Err(Error::Internal(format!("{taken} of {} entries were still to be sealed", ids.len())));
    }
    move_house(conn, changes)?;
    Ok(i64::try_from(waiting.len()).is_ok_and(|count| count == AT_ONCE))
}

/// Whether an entry waits for its seal.
///
/// # Errors
///
/// What the database says.
pub fn is_unsealed(conn: &mut DbConn) -> QueryResult<bool> {
    let first: Option<i64> = unsealed_entries::table.select(unsealed_entries::entry_id).first(conn).optional()?;
    Ok(first.is_some())
}

fn insert(conn: &mut DbConn, rows: &[Seal]) -> QueryResult<usize> {
    insert_in_chunks!(seals::table, rows, conn)
}

/// Adds what the entries did to those of the accounts that are no player's.
fn move_house(conn: &mut DbConn, changes: BTreeMap<i64, i64>) -> Result<(), Error> {
    let touched: Vec<i64> = changes.keys().copied().collect();
    let of_house: Vec<i64> = accounts::table
        .filter(accounts::id.eq_any(touched))
        .filter(accounts::player_id.is_null())
        .select(accounts::id)
        .order(accounts::id)
        .load(conn)?;
    for id in of_house {
        let by = changes.get(&id).copied().unwrap_or_default();
        if by != 0 {
            diesel::update(accounts::table.find(id))
                .set(accounts::available.eq(accounts::available + by))
                .execute(conn)?;
        }
    }
    Ok(())
}
