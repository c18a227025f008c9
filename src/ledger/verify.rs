//! The ledger checked against itself: the chain, the postings, the balances. Streams, so its memory grows with accounts, not entries.

use std::collections::HashMap;

use diesel::prelude::*;

use super::entry::{EntryKind, Sealed, chain_start};
use crate::clock::Micros;
use crate::db::DbConn;
use crate::db::schema::{accounts, journal_entries};
use crate::error::Error;

/// Entries read at once.
const PAGE: i64 = 2_000;

/// What the check of the ledger found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Journal entries read.
    pub entries: i64,
    /// The number and hash of the last one.
    pub head: (i64, [u8; 32]),
    /// How many entries there are of each kind, by its name.
    pub kinds: HashMap<String, i64>,
    /// What does not hold, the first bad row first.
    pub problems: Vec<String>,
}

/// Checks that the chain is whole, that entries are well formed, and that balances are the sums of their postings.
/// `progress` is told how many entries have been read.
///
/// # Errors
///
/// What the database says; what does not hold is in the result.
pub fn verify(conn: &mut DbConn, mut progress: impl FnMut(i64)) -> Result<Checked, Error> {
    let mut check = Check::start(conn)?;
    loop {
        let page: Vec<Entry> = journal_entries::table
            .filter(journal_entries::id.gt(check.last.0))
            .order(journal_entries::id)
            .limit(PAGE)
            .select(Entry::as_select())
            .load(conn)?;
        let Some(last) = page.last() else { break };
        let end = last.id;
        for entry in &page {
            check.entry(entry);
        }
        check.last.0 = end;
        progress(check.entries);
    }
    check.balances();
    Ok(Checked { entries: check.entries, head: check.last, kinds: check.kinds, problems: check.problems })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = journal_entries)]
struct Entry {
    id: i64,
    kind: String,
    cause: String,
    player_id: i64,
    currency: String,
    amount: i64,
    debit_account: i64,
    debit_held: bool,
    credit_account: i64,
    credit_held: bool,
    at: Micros,
    hash: Vec<u8>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct AccountRow {
    id: i64,
    code: String,
    kind: String,
    player_id: Option<i64>,
    currency: String,
    available: i64,
    held: i64,
    may_go_negative: bool,
}

impl AccountRow {
    /// Whether the code by which the account is found says what the other columns say.
    fn is_named_right(&self) -> bool {
        match self.player_id {
            Some(player) => self.kind == "player" && self.code == format!("player:{player}:{}", self.currency),
            None => {
                self.code.starts_with(&format!("{}:", self.kind)) && self.code.ends_with(&format!(":{}", self.currency))
            }
        }
    }
}

struct Sums {
    row: AccountRow,
    available: i128,
    held: i128,
    was_overdrawn: bool,
}

struct Check {
    accounts: HashMap<i64, Sums>,
    last: (i64, [u8; 32]),
    entries: i64,
    kinds: HashMap<String, i64>,
    problems: Vec<String>,
}

impl Check {
    fn start(conn: &mut DbConn) -> Result<Self, Error> {
        let rows: Vec<AccountRow> = accounts::table.select(AccountRow::as_select()).load(conn)?;
        let sums = rows.into_iter().map(|row| (row.id, Sums { row, available: 0, held: 0, was_overdrawn: false }));
        Ok(Self {
            accounts: sums.collect(),
            last: (0, chain_start()),
            entries: 0,
            kinds: HashMap::new(),
            problems: Vec::new(),
        })
    }

    fn entry(&mut self, entry: &Entry) {
        if entry.id != self.last.0 + 1 {
            self.problems.push(format!(
                "entry {}: entries {} to {} are missing",
                entry.id,
                self.last.0 + 1,
                entry.id - 1
            ));
        }
        let sealed = Sealed {
            id: entry.id,
            kind: &entry.kind,
            cause: &entry.cause,
            player_id: entry.player_id,
            currency: &entry.currency,
            amount: entry.amount,
            debit: (entry.debit_account, entry.debit_held),
            credit: (entry.credit_account, entry.credit_held),
            at: entry.at,
        };
        if sealed.hash(&self.last.1).as_slice() != entry.hash {
            self.problems.push(format!("entry {}: its hash does not follow from it and the one before", entry.id));
        }
        if let Ok(hash) = entry.hash.as_slice().try_into() {
            self.last.1 = hash;
        }
        self.last.0 = entry.id;
        self.entries += 1;
        *self.kinds.entry(entry.kind.clone()).or_default() += 1;
        let kind = EntryKind::from_name(&entry.kind);
        if kind.is_none() || entry.amount <= 0 {
            self.problems.push(format!("entry {}: not a movement of a known kind", entry.id));
        }
        let overdraws = kind.is_some_and(EntryKind::may_overdraw);
        self.post(entry, entry.debit_account, entry.debit_held, -i128::from(entry.amount), overdraws);
        self.post(entry, entry.credit_account, entry.credit_held, i128::from(entry.amount), overdraws);
    }

    fn post(&mut self, entry: &Entry, account: i64, held: bool, by: i128, overdraws: bool) {
        let Some(sums) = self.accounts.get_mut(&account) else {
            self.problems.push(format!("entry {}: account {account} does not exist", entry.id));
            return;
        };
        let other_owner = sums.row.player_id.is_some_and(|player| player != entry.player_id);
        if sums.row.currency != entry.currency || other_owner || (held && sums.row.player_id.is_none()) {
            self.problems.push(format!("entry {}: it does not fit account {}", entry.id, sums.row.code));
        }
        *(if held { &mut sums.held } else { &mut sums.available }) += by;
        if sums.row.player_id.is_none() {
            return;
        }
        if sums.held < 0 {
            self.problems.push(format!("entry {}: account {} holds less than nothing", entry.id, sums.row.code));
        }
        if sums.available < 0 && by < 0 && !overdraws && !held {
            self.problems.push(format!("entry {}: account {} went below zero", entry.id, sums.row.code));
        }
        sums.was_overdrawn |= sums.available < 0 && overdraws;
    }

    fn balances(&mut self) {
        let mut totals: HashMap<&str, i128> = HashMap::new();
        let mut accounts: Vec<_> = self.accounts.values().collect();
        accounts.sort_by_key(|sums| sums.row.id);
        for sums in accounts {
            let row = &sums.row;
            *totals.entry(&row.currency).or_default() += i128::from(row.available) + i128::from(row.held);
            if (i128::from(row.available), i128::from(row.held)) != (sums.available, sums.held) {
                self.problems.push(format!(
                    "account {}: stored {} available and {} held, its postings make {} and {}",
                    row.code, row.available, row.held, sums.available, sums.held
                ));
            }
            if !row.is_named_right() {
                self.problems
                    .push(format!("account {}: its code does not fit its kind, player and currency", row.code));
            }
            let flagged = row.may_go_negative == (row.available < 0);
            if row.kind == "player" && (!flagged || (row.available < 0 && !sums.was_overdrawn)) {
                self.problems.push(format!("account {}: its flag for a balance below zero is not right", row.code));
            }
        }
        for (currency, total) in totals.into_iter().filter(|(_, total)| *total != 0) {
            self.problems.push(format!("{currency}: all accounts add up to {total}, not to zero"));
        }
    }
}
