//! The game server's transactions against the ledger.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::db::DbConn;
use crate::db::schema::{journal_entries, wallet_transactions};
use crate::error::Error;
use crate::ledger::EntryKind;
use crate::ledger::verify::Kinds;

/// Transactions read at once.
const PAGE: i64 = 1_000;

/// The check of all of them, a page at a time: every transaction that moved money has its entry, and no such entry is without one.
#[derive(Default)]
pub(super) struct Transactions {
    after: String,
    moved: Kinds,
}

/// What is checked of a transaction: id, kind, player, amount, currency, whether it had no effect.
type Row = (String, String, i64, i64, String, bool);

impl Transactions {
    /// Checks the next page. `false`: it was the last one.
    pub(super) fn step(
        &mut self,
        conn: &mut DbConn,
        counted_to: i64,
        problems: &mut Vec<String>,
    ) -> Result<bool, Error> {
        let page: Vec<Row> = wallet_transactions::table
            .filter(wallet_transactions::id.gt(&self.after))
            .order(wallet_transactions::id)
            .limit(PAGE)
            .select(COLUMNS)
            .load(conn)?;
        let Some(last) = page.last() else { return Ok(false) };
        let page_is_full = i64::try_from(page.len()).is_ok_and(|rows| rows == PAGE);
        self.after.clone_from(&last.0);
        for (kind, number) in check(conn, page, problems)? {
            if let Some(kind) = kind.filter(|_| number <= counted_to) {
                *self.moved.entry(kind).or_default() += 1;
            }
        }
        Ok(page_is_full)
    }

    /// No entry of the game server's is without its transaction.
    pub(super) fn totals(&self, kinds: &Kinds, problems: &mut Vec<String>) {
        for kind in [EntryKind::Bet, EntryKind::Win, EntryKind::WalletRefund, EntryKind::Bonus] {
            let (entries, rows) = (kinds.get(&kind).unwrap_or(&0), self.moved.get(&kind).unwrap_or(&0));
            if entries != rows {
                problems.push(format!("{entries} {} entries stand against {rows} transactions", kind.name()));
            }
        }
    }
}

/// The last `most` transactions.
pub(super) fn newest(conn: &mut DbConn, most: i64, problems: &mut Vec<String>) -> Result<(), Error> {
    let newest: Vec<Row> =
        wallet_transactions::table.order(wallet_transactions::id.desc()).limit(most).select(COLUMNS).load(conn)?;
    check(conn, newest, problems)?;
    Ok(())
}

#[rustfmt::skip]
type Columns = (
    wallet_transactions::id, wallet_transactions::kind, wallet_transactions::player_id, wallet_transactions::amount,
    wallet_transactions::currency, wallet_transactions::voided,
);
#[rustfmt::skip]
const COLUMNS: Columns = (
    wallet_transactions::id, wallet_transactions::kind, wallet_transactions::player_id, wallet_transactions::amount,
    wallet_transactions::currency, wallet_transactions::voided,
);

/// Checks some transactions. Returns the kind and the number in its table of the entry of each that has one.
fn check(
    conn: &mut DbConn,
    page: Vec<Row>,
    problems: &mut Vec<String>,
) -> Result<Vec<(Option<EntryKind>, i64)>, Error> {
    let ids: Vec<&String> = page.iter().map(|row| &row.0).collect();
    let entries: Vec<(i64, String, String, i64, i64, String)> = journal_entries::table
        .filter(journal_entries::cause.eq_any(ids))
        .select((
            journal_entries::id,
            journal_entries::cause,
            journal_entries::kind,
            journal_entries::player_id,
            journal_entries::amount,
            journal_entries::currency,
        ))
        .load(conn)?;
    let entries: HashMap<_, _> = entries
        .into_iter()
        .map(|(number, cause, kind, player, amount, currency)| (cause, (number, (kind, player, amount, currency))))
        .collect();
    let mut found = Vec::with_capacity(entries.len());
    for (id, kind, player, amount, currency, voided) in page {
        let expected = (!voided && amount != 0).then(|| (kind, player, amount.saturating_abs(), currency));
        let entry = entries.get(&id);
        if entry.map(|(_, terms)| terms) != expected.as_ref() {
            problems.push(format!("wallet transaction {id}: its entry does not agree with it"));
        }
        found.extend(entry.map(|(number, terms)| (EntryKind::from_name(&terms.0), *number)));
    }
    Ok(found)
}
