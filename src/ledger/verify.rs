//! The ledger checked against itself: the chain, the postings, the balances. Streams, so its memory grows with accounts, not entries.

use std::collections::HashMap;

use diesel::prelude::*;

use super::entry::{EntryKind, chain_start};
use super::movement::{Movement, movement};
use super::record::{hash_of, head};
use crate::db::schema::{accounts, journal_entries, sealed_entries, seals, unsealed_entries};
use crate::db::{DbConn, at_home};
use crate::error::Error;

/// Entries read at once.
const PAGE: i64 = 2_000;

/// Accounts read at once when balances are compared.
const ACCOUNTS_PAGE: i64 = 5_000;

/// How many entries there are of each kind.
pub type Kinds = HashMap<EntryKind, i64>;

/// The check of the whole ledger, a page at a time.
///
/// The pages may be read at different moments while others write: entries are never changed, and the page with which the end is reached
/// is compared with the balances of its own moment. Read in one transaction, everything is of one moment.
pub struct Walk {
    check: Check,
    /// Entries with numbers up to this in their table are counted by kind.
    counted_to: i64,
    kinds: Kinds,
}

impl Walk {
    /// At the start of the chain. `counted_to`: see [`Walk::kinds`].
    pub fn new(counted_to: i64) -> Self {
        Self { check: Check::new((0, chain_start()), Reach::Whole), counted_to, kinds: Kinds::new() }
    }

    /// Reads on. `false`: the end was reached, and the balances were compared.
    ///
    /// # Errors
    ///
    /// What the database says; what does not hold is among the problems. The walk is of no use then.
    pub fn step(&mut self, conn: &mut DbConn) -> Result<bool, Error> {
        let page = page(conn, self.check.last.0)?;
        for (number, movement, hash) in &page {
            self.check.sealed(conn, *number, movement, hash)?;
            self.count(movement);
        }
        if i64::try_from(page.len()).is_ok_and(|rows| rows == PAGE) {
            return Ok(true);
        }
        if conn.is_shared() {
            let waiting = self.check.unsealed(conn)?;
            waiting.iter().for_each(|entry| self.count(entry));
        }
        self.check.balances(conn)?;
        Ok(false)
    }

    fn count(&mut self, entry: &Movement) {
        if entry.id <= self.counted_to
            && let Some(kind) = EntryKind::from_name(&entry.kind)
        {
            *self.kinds.entry(kind).or_default() += 1;
        }
    }

    /// Journal entries read.
    pub fn entries(&self) -> i64 {
        self.check.entries
    }

    /// The number and hash of the last one in the chain.
    pub fn head(&self) -> (i64, [u8; 32]) {
        self.check.last
    }

    /// How many entries there are of each kind, among those that are counted.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Gives away what does not hold, the first bad row first.
    pub fn take_problems(&mut self) -> Vec<String> {
        std::mem::take(&mut self.check.problems)
    }
}

/// The highest number of an entry in its table.
///
/// # Errors
///
/// What the database says.
pub fn newest_number(conn: &mut DbConn) -> Result<i64, Error> {
    let newest: Option<i64> = journal_entries::table.select(diesel::dsl::max(journal_entries::id)).first(conn)?;
    Ok(newest.unwrap_or(0))
}

/// Checks the last `most` entries of the chain, and that all accounts together add up to zero: what can be known of the ledger without
/// reading all of it. Run it in one transaction. Returns what does not hold.
///
/// # Errors
///
/// What the database says.
pub fn newest(conn: &mut DbConn, most: i64) -> Result<Vec<String>, Error> {
    let after = (head(conn)?.0 - most).max(0);
    let before = if after == 0 { Some(chain_start().to_vec()) } else { hash_of(conn, after)? };
    let Some(Ok(before)) = before.map(TryInto::try_into) else {
        return Ok(vec![format!("entry {after}: it is missing, or has no hash")]);
    };
    let mut check = Check::new((after, before), Reach::Newest);
    loop {
        let page = page(conn, check.last.0)?;
        if page.is_empty() {
            break;
        }
        for (number, movement, hash) in &page {
            check.sealed(conn, *number, movement, hash)?;
        }
    }
    if conn.is_shared() {
        check.unsealed(conn)?;
    }
    check.balances(conn)?;
    Ok(check.problems)
}

fn page(conn: &mut DbConn, after: i64) -> QueryResult<Vec<(i64, Movement, Vec<u8>)>> {
    let page = sealed_entries::table
        .filter(sealed_entries::number.gt(after))
        .order(sealed_entries::number)
        .limit(PAGE)
        .select((sealed_entries::number, movement!(sealed_entries), sealed_entries::hash));
    at_home!(conn, |conn| page.load(conn))
}

/// How much of the ledger a check reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Whole,
    /// What its entries add up to says nothing of balances.
    Newest,
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

/// What the postings of one account make. There is one for each account, so it is kept small.
struct Sums {
    /// 0 for an account of the house; players are numbered from 1.
    player: i64,
    /// The place of its currency among [`Check::currencies`].
    currency: u16,
    was_overdrawn: bool,
    available: i64,
    held: i64,
}

/// One side of an entry.
#[derive(Clone, Copy)]
struct Side {
    account: i64,
    held: bool,
    by: i64,
}

struct Check {
    reach: Reach,
    /// By currency: what entries that are not sealed yet will do to the house.
    to_come: HashMap<String, i128>,
    /// Accounts that entries are about; `None`: there is no such account.
    accounts: HashMap<i64, Option<Sums>>,
    currencies: Vec<String>,
    last: (i64, [u8; 32]),
    entries: i64,
    /// The number of each player's last entry in its table: a statement reads them in this order.
    order: HashMap<i64, i64>,
    problems: Vec<String>,
}

impl Check {
    fn new(last: (i64, [u8; 32]), reach: Reach) -> Self {
        Self {
            reach,
            to_come: HashMap::new(),
            accounts: HashMap::new(),
            currencies: Vec::new(),
            last,
            entries: 0,
            order: HashMap::new(),
            problems: Vec::new(),
        }
    }

    /// An entry with its place in the chain.
    fn sealed(&mut self, conn: &mut DbConn, number: i64, entry: &Movement, hash: &[u8]) -> QueryResult<()> {
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
        self.entry(conn, number, entry, true)
    }

    /// On a server: entries that have no seal yet, a few at the end; and whether there are others, which nobody would ever seal.
    fn unsealed(&mut self, conn: &mut DbConn) -> QueryResult<Vec<Movement>> {
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
            self.entry(conn, entry.id, entry, false)?;
        }
        if self.reach == Reach::Whole {
            let all: i64 = journal_entries::table.count().get_result(conn)?;
            if all != self.entries {
                let lost = all - self.entries;
                self.problems.push(format!("{lost} of {all} entries are neither sealed nor about to be"));
            }
        }
        Ok(waiting)
    }

    fn entry(&mut self, conn: &mut DbConn, number: i64, entry: &Movement, sealed: bool) -> QueryResult<()> {
        self.entries += 1;
        let kind = EntryKind::from_name(&entry.kind);
        if kind.is_none() || entry.amount <= 0 {
            self.problems.push(format!("entry {number}: not a movement of a known kind"));
        }
        let before = self.order.insert(entry.player_id, entry.id);
        if before.is_some_and(|before| before >= entry.id) {
            self.problems.push(format!("entry {number}: it comes after a later one of the same player"));
        }
        let overdraws = kind.is_some_and(EntryKind::may_overdraw);
        let debit = Side { account: entry.debit_account, held: entry.debit_held, by: entry.amount.saturating_neg() };
        let credit = Side { account: entry.credit_account, held: entry.credit_held, by: entry.amount };
        for side in [debit, credit] {
            self.look_up(conn, side.account)?;
            self.post(number, entry, side, overdraws, sealed);
        }
        Ok(())
    }

    /// Makes an account known. One that is opened while the check runs is there before an entry about it can be read.
    fn look_up(&mut self, conn: &mut DbConn, account: i64) -> QueryResult<()> {
        if self.accounts.is_empty() {
            // Most are needed soon: one look instead of one for each.
            let rows: Vec<(i64, Option<i64>, String)> =
                accounts::table.select((accounts::id, accounts::player_id, accounts::currency)).load(conn)?;
            for (id, player, currency) in rows {
                let sums = self.nothing_yet(player, &currency);
                self.accounts.insert(id, Some(sums));
            }
        }
        if !self.accounts.contains_key(&account) {
            let found: Option<(Option<i64>, String)> = accounts::table
                .find(account)
                .select((accounts::player_id, accounts::currency))
                .first(conn)
                .optional()?;
            let sums = found.map(|(player, currency)| self.nothing_yet(player, &currency));
            self.accounts.insert(account, sums);
        }
        Ok(())
    }

    fn nothing_yet(&mut self, player: Option<i64>, currency: &str) -> Sums {
        let known = self.currencies.iter().position(|known| known == currency).unwrap_or_else(|| {
            self.currencies.push(currency.to_owned());
            self.currencies.len() - 1
        });
        let currency = u16::try_from(known).unwrap_or(u16::MAX);
        Sums { player: player.unwrap_or(0), currency, was_overdrawn: false, available: 0, held: 0 }
    }

    fn post(&mut self, number: i64, entry: &Movement, side: Side, overdraws: bool, sealed: bool) {
        let Some(Some(sums)) = self.accounts.get_mut(&side.account) else {
            self.problems.push(format!("entry {number}: account {} does not exist", side.account));
            return;
        };
        let currency = self.currencies.get(usize::from(sums.currency)).map_or("", String::as_str);
        let of_house = sums.player == 0;
        let other_owner = !of_house && sums.player != entry.player_id;
        if currency != entry.currency || other_owner || (side.held && of_house) {
            self.problems.push(format!("entry {number}: it does not fit account {}", side.account));
        }
        if of_house && !sealed {
            // The balances of the house follow when entries are sealed.
            *self.to_come.entry(entry.currency.clone()).or_default() += i128::from(side.by);
            return;
        }
        let sum = if side.held { &mut sums.held } else { &mut sums.available };
        let (after, out_of_range) = sum.overflowing_add(side.by);
        *sum = after;
        if out_of_range && self.reach == Reach::Whole {
            self.problems.push(format!("entry {number}: account {} is out of range", side.account));
        }
        if of_house || self.reach == Reach::Newest {
            return;
        }
        let shown = || format!("player:{}:{currency}", sums.player);
        if sums.held < 0 {
            self.problems.push(format!("entry {number}: account {} holds less than nothing", shown()));
        }
        if sums.available < 0 && side.by < 0 && !overdraws && !side.held {
            self.problems.push(format!("entry {number}: account {} went below zero", shown()));
        }
        sums.was_overdrawn |= sums.available < 0 && overdraws;
    }

    /// Every account as it is stored, against what its postings make where all of them were read.
    fn balances(&mut self, conn: &mut DbConn) -> QueryResult<()> {
        let mut totals: HashMap<String, i128> = std::mem::take(&mut self.to_come);
        let mut after = i64::MIN;
        loop {
            let rows: Vec<AccountRow> = accounts::table
                .filter(accounts::id.gt(after))
                .order(accounts::id)
                .limit(ACCOUNTS_PAGE)
                .select(AccountRow::as_select())
                .load(conn)?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            for row in &rows {
                let sum = i128::from(row.available) + i128::from(row.held);
                match totals.get_mut(&row.currency) {
                    Some(total) => *total += sum,
                    None => drop(totals.insert(row.currency.clone(), sum)),
                }
                self.account(row);
            }
        }
        let mut totals: Vec<_> = totals.into_iter().filter(|(_, total)| *total != 0).collect();
        totals.sort();
        for (currency, total) in totals {
            self.problems.push(format!("{currency}: all accounts add up to {total}, not to zero"));
        }
        Ok(())
    }

    fn account(&mut self, row: &AccountRow) {
        let sums = self.accounts.get(&row.id).and_then(Option::as_ref);
        let (available, held, was_overdrawn) =
            sums.map_or((0, 0, false), |sums| (sums.available, sums.held, sums.was_overdrawn));
        let whole = self.reach == Reach::Whole;
        if whole && (row.available, row.held) != (available, held) {
            self.problems.push(format!(
                "account {}: stored {} available and {} held, its postings make {available} and {held}",
                row.code, row.available, row.held
            ));
        }
        if !row.is_named_right() {
            self.problems.push(format!("account {}: its code does not fit its kind, player and currency", row.code));
        }
        let flagged = row.may_go_negative == (row.available < 0);
        if row.kind == "player" && (!flagged || (whole && row.available < 0 && !was_overdrawn)) {
            self.problems.push(format!("account {}: its flag for a balance below zero is not right", row.code));
        }
    }
}
