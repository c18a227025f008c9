//! The game server's transactions against the ledger.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::db::DbConn;
use crate::db::schema::{journal_entries, wallet_transactions};
use crate::error::Error;

/// Transactions read at once.
const PAGE: i64 = 1_000;

/// Every transaction that moved money has its entry, and no such entry is without one.
pub(super) fn transactions(
    conn: &mut DbConn,
    kinds: &HashMap<String, i64>,
    problems: &mut Vec<String>,
) -> Result<(), Error> {
    let mut after = String::new();
    let mut moved: HashMap<String, i64> = HashMap::new();
    loop {
        let page: Vec<(String, String, i64, i64, String, bool)> = wallet_transactions::table
            .filter(wallet_transactions::id.gt(&after))
            .order(wallet_transactions::id)
            .limit(PAGE)
            .select((
                wallet_transactions::id,
                wallet_transactions::kind,
                wallet_transactions::player_id,
                wallet_transactions::amount,
                wallet_transactions::currency,
                wallet_transactions::voided,
            ))
            .load(conn)?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.0);
        let ids: Vec<&String> = page.iter().map(|row| &row.0).collect();
        let entries: Vec<(String, String, i64, i64, String)> = journal_entries::table
            .filter(journal_entries::cause.eq_any(ids))
            .select((
                journal_entries::cause,
                journal_entries::kind,
                journal_entries::player_id,
                journal_entries::amount,
                journal_entries::currency,
            ))
            .load(conn)?;
        let entries: HashMap<_, _> = entries
            .into_iter()
            .map(|(cause, kind, player, amount, currency)| (cause, (kind, player, amount, currency)))
            .collect();
        for (id, kind, player, amount, currency, voided) in page {
            let expected = (!voided && amount != 0).then(|| (kind.clone(), player, amount.abs(), currency));
            if entries.get(&id) != expected.as_ref() {
                problems.push(format!("wallet transaction {id}: its entry does not agree with it"));
            }
            if expected.is_some() {
                *moved.entry(kind).or_default() += 1;
            }
        }
    }
    for kind in ["bet", "win", "refund", "bonus"] {
        let (entries, rows) = (kinds.get(kind).unwrap_or(&0), moved.get(kind).unwrap_or(&0));
        if entries != rows {
            problems.push(format!("{entries} {kind} entries stand against {rows} transactions"));
        }
    }
    Ok(())
}
