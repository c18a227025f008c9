//! The ledger's entries of one order, for people.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::clock::Micros;
use crate::db::DbConn;
use crate::db::schema::{accounts, journal_entries};

/// One side of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The account's code, `player:7:USD`.
    pub account: String,
    /// Whether the held side of a player's account moves.
    pub held: bool,
    /// Minor units: positive is a credit, so a player is owed more.
    pub change: i64,
}

/// An entry with both its postings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its number.
    pub id: i64,
    /// `hold`, `capture`, `deposit`, …
    pub kind: String,
    /// What caused it.
    pub cause: String,
    /// ISO 4217.
    pub currency: String,
    /// The debit, then the credit. They add up to zero.
    pub postings: [Posting; 2],
    /// When.
    pub at: Micros,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = journal_entries)]
struct EntryRow {
    id: i64,
    kind: String,
    cause: String,
    currency: String,
    amount: i64,
    debit_account: i64,
    debit_held: bool,
    credit_account: i64,
    credit_held: bool,
    at: Micros,
}

/// Every entry that an order caused, oldest first.
///
/// # Errors
///
/// What the database says.
pub fn of_order(conn: &mut DbConn, external_id: &str) -> QueryResult<Vec<Shown>> {
    let rows: Vec<EntryRow> = journal_entries::table
        .filter(journal_entries::cause.ge(format!("{external_id}:")))
        .filter(journal_entries::cause.lt(format!("{external_id};")))
        .order(journal_entries::id)
        .select(EntryRow::as_select())
        .load(conn)?;
    let ids: Vec<i64> = rows.iter().flat_map(|row| [row.debit_account, row.credit_account]).collect();
    let codes: HashMap<i64, String> = accounts::table
        .filter(accounts::id.eq_any(ids))
        .select((accounts::id, accounts::code))
        .load(conn)?
        .into_iter()
        .collect();
    let posting = |account: i64, held, change| {
        let account = codes.get(&account).cloned().unwrap_or_else(|| account.to_string());
        Posting { account, held, change }
    };
    let shown = |row: EntryRow| {
        let debit = posting(row.debit_account, row.debit_held, -row.amount);
        let credit = posting(row.credit_account, row.credit_held, row.amount);
        let EntryRow { id, kind, cause, currency, at, .. } = row;
        Shown { id, kind, cause, currency, postings: [debit, credit], at }
    };
    Ok(rows.into_iter().map(shown).collect())
}
