//! The ledger checked against itself: the chain, the postings, the balances. Streams, so its memory grows with accounts, not entries.

use std::collections::HashMap;

use diesel::prelude::*;

use super::entry::{EntryKind, chain_start};
use super::movement::{Movement, movement};
use crate::db::DbConn;
use crate::db::schema::{accounts, journal_entries, sealed_entries, seals, unsealed_entries};
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
        let page: Vec<(i64, Movement, Vec<u8>)> = sealed_entries::table
            .filter(sealed_entries::number.gt(check.last.0))
            .order(sealed_entries::number)
            .limit(PAGE)
            .select((sealed_entries::number, movement!(sealed_entries), sealed_entries::hash))
            .load(conn)?;
        let Some(last) = page.last() else { break };
        let end = last.0;
        for (number, movement, hash) in &page {
            check.sealed(*number, movement, hash);
        }
        check.last.0 = end;
        progress(check.entries);
    }
    if conn.is_shared() {
        check.unsealed(conn)?;
    }
    check.balances();
    Ok(Checked { entries: check.entries, head: check.last, kinds: check.kinds, problems: check.problems })
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

/// One side of an entry.
#[derive(Clone, Copy)]
struct Side {
    account: i64,
    held: bool,
    by: i128,
}

struct Check {
    /// By currency: what entries that are not sealed yet will do to the house.
    to_come: HashMap<String, i128>,
    accounts: HashMap<i64, Sums>,
    last: (i64, [u8; 32]),
    entries: i64,
    kinds: HashMap<String, i64>,
    /// The number of each player's last entry in its table: a statement reads them in this order.
    order: HashMap<i64, i64>,
    problems: Vec<String>,
}

impl Check {
    fn start(conn: &mut DbConn) -> Result<Self, Error> {
        let rows: Vec<AccountRow> = accounts::table.select(AccountRow::as_select()).load(conn)?;
        let sums = rows.into_iter().map(|row| (row.id, Sums { row, available: 0, held: 0, was_overdrawn: false }));
        Ok(Self {
            to_come: HashMap::new(),
            accounts: sums.collect(),
            last: (0, chain_start()),
            entries: 0,
            kinds: HashMap::new(),
            order: HashMap::new(),
            problems: Vec::new(),
        })
    }

    /// An entry with its place in the chain.
    fn sealed(&mut self, number: i64, entry: &Movement, hash: &[u8]) {
        if number != self.last.0 + 1 {
            self.problems.push(format!("entry {number}: entries {} to {} are missing", self.last.0 + 1, number - 1));
        }
        if entry.sealed(number).hash(&self.last.1).as_slice() != hash {
            self.problems.push(format!("entry {number}: its hash does not follow from it and the one before"));
        }
        if let Ok(hash) = hash.try_into() {
            self.last.1 = hash;
        }
        self.last.0 = number;
        self.entry(number, entry, true);
    }

    /// On a server: entries that have no seal yet, a few at the end; and whether there are others, which nobody would ever seal.
    fn unsealed(&mut self, conn: &mut DbConn) -> Result<(), Error> {
        let newest: Option<i64> = seals::table.select(diesel::dsl::max(seals::number)).first(conn)?;
        if let Some(newest) = newest.filter(|newest| *newest > self.last.0) {
            self.problems.push(format!("entry {newest}: entries {} to {newest} are missing", self.last.0 + 1));
        }
        let waiting: Vec<Movement> = journal_entries::table
            .inner_join(unsealed_entries::table.on(unsealed_entries::entry_id.eq(journal_entries::id)))
            .order(journal_entries::id)
            .select(movement!(journal_entries))
            .load(conn)?;
        for entry in &waiting {
            self.entry(entry.id, entry, false);
        }
        let all: i64 = journal_entries::table.count().get_result(conn)?;
        if all != self.entries {
            self.problems.push(format!("{} of {all} entries are neither sealed nor about to be", all - self.entries));
        }
        Ok(())
    }

    fn entry(&mut self, number: i64, entry: &Movement, sealed: bool) {
        self.entries += 1;
        *self.kinds.entry(entry.kind.clone()).or_default() += 1;
        let kind = EntryKind::from_name(&entry.kind);
        if kind.is_none() || entry.amount <= 0 {
            self.problems.push(format!("entry {number}: not a movement of a known kind"));
        }
        let before = self.order.insert(entry.player_id, entry.id);
        if before.is_some_and(|before| before >= entry.id) {
            self.problems.push(format!("entry {number}: it comes after a later one of the same player"));
        }
        let overdraws = kind.is_some_and(EntryKind::may_overdraw);
        let debit = Side { account: entry.debit_account, held: entry.debit_held, by: -i128::from(entry.amount) };
        let credit = Side { account: entry.credit_account, held: entry.credit_held, by: i128::from(entry.amount) };
        for side in [debit, credit] {
            self.post(number, entry, side, overdraws, sealed);
        }
    }

    fn post(&mut self, number: i64, entry: &Movement, side: Side, overdraws: bool, sealed: bool) {
        let Some(sums) = self.accounts.get_mut(&side.account) else {
            self.problems.push(format!("entry {number}: account {} does not exist", side.account));
            return;
        };
        let other_owner = sums.row.player_id.is_some_and(|player| player != entry.player_id);
        if sums.row.currency != entry.currency || other_owner || (side.held && sums.row.player_id.is_none()) {
            self.problems.push(format!("entry {number}: it does not fit account {}", sums.row.code));
        }
        if sums.row.player_id.is_none() {
            // The balances of the house follow when entries are sealed.
            if sealed {
                sums.available += side.by;
            } else {
                *self.to_come.entry(entry.currency.clone()).or_default() += side.by;
            }
            return;
        }
        *(if side.held { &mut sums.held } else { &mut sums.available }) += side.by;
        if sums.held < 0 {
            self.problems.push(format!("entry {number}: account {} holds less than nothing", sums.row.code));
        }
        if sums.available < 0 && side.by < 0 && !overdraws && !side.held {
            self.problems.push(format!("entry {number}: account {} went below zero", sums.row.code));
        }
        sums.was_overdrawn |= sums.available < 0 && overdraws;
    }

    fn balances(&mut self) {
        let mut totals: HashMap<&str, i128> = self.to_come.iter().map(|(code, sum)| (code.as_str(), *sum)).collect();
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
