//! The game server's transactions against the ledger.

use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::db::schema::{journal_entries, players, rollbacks, wallet_transactions};
use crate::db::{DbConn, at_home};
use crate::error::Error;
use crate::ledger::EntryKind;
use crate::ledger::verify::Kinds;
use crate::wallet::transactions::{Kind, TransactionRow};

/// Transactions read at once.
const PAGE: i64 = 1_000;

/// The check of all of them, a page at a time: each says what was asked, by a player of its site; every one that moved money has its entry,
/// and no such entry is without one; a bet that has no effect was rolled back.
#[derive(Default)]
pub(super) struct Transactions {
    after: String,
    moved: Kinds,
    /// How many bets were rolled back.
    undone: i64,
}

impl Transactions {
    /// Checks the next page. `false`: it was the last one.
    pub(super) fn step(
        &mut self,
        conn: &mut DbConn,
        counted_to: i64,
        problems: &mut Vec<String>,
    ) -> Result<bool, Error> {
        let rolled_back = rollbacks::table
            .filter(rollbacks::player_id.eq(wallet_transactions::player_id))
            .filter(rollbacks::reference.eq(wallet_transactions::reference));
        let undone = exists(rolled_back.filter(rollbacks::applied.eq(true)));
        let rows = wallet_transactions::table
            .inner_join(players::table.on(players::id.eq(wallet_transactions::player_id)))
            .filter(wallet_transactions::id.gt(&self.after))
            .order(wallet_transactions::id)
            .limit(PAGE);
        let of_player = (players::site_id, players::login, exists(rolled_back), undone);
        let page: Vec<(TransactionRow, (i64, String, bool, bool))> =
            at_home!(conn, |conn| rows.select((TransactionRow::as_select(), of_player)).load(conn))?;
        let Some((last, _)) = page.last() else { return Ok(false) };
        let page_is_full = i64::try_from(page.len()).is_ok_and(|rows| rows == PAGE);
        self.after.clone_from(&last.id);
        for (row, (site, login, rolled_back, undone)) in &page {
            if row.site_id != *site || !row.is_as_asked(login) {
                problems.push(format!("wallet transaction {}: it is not what was asked for", row.id));
            }
            let is_bet = row.kind == Kind::Bet.name();
            if is_bet && row.voided && !rolled_back {
                problems.push(format!("wallet transaction {}: nothing says why it has no effect", row.id));
            }
            self.undone += i64::from(is_bet && !row.voided && *undone);
        }
        let rows = page.into_iter().map(|(row, _)| row).collect();
        for (kind, number) in check(conn, rows, problems)? {
            if let Some(kind) = kind.filter(|_| number <= counted_to) {
                *self.moved.entry(kind).or_default() += 1;
            }
        }
        Ok(page_is_full)
    }

    /// What the journal gave back was rolled back. Only where all pages were read in one moment: a rollback may come after its bet was read.
    pub(super) fn undone(&self, kinds: &Kinds, problems: &mut Vec<String>) {
        let entries = kinds.get(&EntryKind::Rollback).copied().unwrap_or(0);
        if self.undone != entries {
            problems.push(format!("{entries} bets were given back, and {} were rolled back", self.undone));
        }
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
    let newest: Vec<TransactionRow> = wallet_transactions::table
        .order(wallet_transactions::id.desc())
        .limit(most)
        .select(TransactionRow::as_select())
        .load(conn)?;
    check(conn, newest, problems)?;
    Ok(())
}

/// Checks some transactions. Returns the kind and the number in its table of the entry of each that has one.
fn check(
    conn: &mut DbConn,
    page: Vec<TransactionRow>,
    problems: &mut Vec<String>,
) -> Result<Vec<(Option<EntryKind>, i64)>, Error> {
    let ids: Vec<&String> = page.iter().map(|row| &row.id).collect();
    let entries = journal_entries::table.filter(journal_entries::cause.eq_any(ids)).select((
        journal_entries::id,
        journal_entries::cause,
        journal_entries::kind,
        journal_entries::player_id,
        journal_entries::amount,
        journal_entries::currency,
    ));
    let entries: Vec<(i64, String, String, i64, i64, String)> = at_home!(conn, |conn| entries.load(conn))?;
    let entries: HashMap<_, _> = entries
        .into_iter()
        .map(|(number, cause, kind, player, amount, currency)| (cause, (number, (kind, player, amount, currency))))
        .collect();
    let mut found = Vec::with_capacity(entries.len());
    for TransactionRow { id, kind, player_id, amount, currency, voided, .. } in page {
        let expected = (!voided && amount != 0).then(|| (kind, player_id, amount.saturating_abs(), currency));
        let entry = entries.get(&id);
        if entry.map(|(_, terms)| terms) != expected.as_ref() {
            problems.push(format!("wallet transaction {id}: its entry does not agree with it"));
        }
        found.extend(entry.map(|(number, terms)| (EntryKind::from_name(&terms.0), *number)));
    }
    Ok(found)
}
