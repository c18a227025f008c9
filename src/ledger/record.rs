//! The one writer of the ledger's tables.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::account::{Account, Balance, PlayerId};
use super::entry::{Draft, Overdraft, Sealed, chain_start};
use crate::clock::Micros;
use crate::db::schema::{accounts, chained_entries, journal_entries, sealed_entries};
use crate::db::{DbConn, Memory, Numbered, Row, WriteTx, insert_in_chunks, next_number, set_balances};
use crate::error::Error;
use crate::ids::ExternalId;
use crate::money::{Currency, MAX_BALANCE};

/// Accounts remembered at most; more are forgotten all at once and read again. A player is about 100 bytes.
const REMEMBERED: usize = 200_000;

/// The cause of a hold's end: the same for capture and release, so that only one of them can ever be written.
pub(super) fn cause_of_hold_end(order: &ExternalId) -> String {
    format!("{order}:end")
}

/// Records a movement: changes both balances and appends the entry to the chain. Returns the player's balance after it.
///
/// # Errors
///
/// `InsufficientFunds`, `OutOfRange`; nothing is written then.
pub(super) fn record(tx: &mut WriteTx<'_>, draft: Draft) -> Result<Balance, Error> {
    let currency = draft.amount.currency();
    let (debit_row, credit_row) = (draft.debit.row(), draft.credit.row());
    let mut debited = load(tx, debit_row, currency)?;
    change(&mut debited, draft.debit, -draft.amount.minor(), draft.overdraft)?;
    let mut credited = if credit_row == debit_row { debited } else { load(tx, credit_row, currency)? };
    change(&mut credited, draft.credit, draft.amount.minor(), draft.overdraft)?;
    if credit_row == debit_row {
        debited = credited;
    }
    let (books, conn) = tx.memory::<Books>();
    books.put(debit_row, currency, &mut debited, conn)?;
    if credit_row == debit_row {
        credited = debited;
    } else {
        books.put(credit_row, currency, &mut credited, conn)?;
    }
    append(tx, &draft, debited.id, credited.id)?;
    let own = if draft.debit.player().is_some() { debited } else { credited };
    Ok(Balance { available: own.available, held: own.held })
}

/// A player's money in one currency, as the open transaction sees it.
///
/// # Errors
///
/// What the database says.
pub fn balance(tx: &mut WriteTx<'_>, player: PlayerId, currency: Currency) -> Result<Balance, Error> {
    let found = find(tx, Account::Available(player), currency)?;
    Ok(found.map_or_else(Balance::default, |state| Balance { available: state.available, held: state.held }))
}

/// A player's money by currency code, as committed.
///
/// # Errors
///
/// What the database says.
pub fn balances(conn: &mut DbConn, player: PlayerId) -> QueryResult<Vec<(String, Balance)>> {
    let rows: Vec<(String, i64, i64)> = accounts::table
        .filter(accounts::code.ge(format!("player:{}:", player.0)))
        .filter(accounts::code.lt(format!("player:{};", player.0)))
        .select((accounts::currency, accounts::available, accounts::held))
        .order(accounts::currency)
        .load(conn)?;
    Ok(rows.into_iter().map(|(currency, available, held)| (currency, Balance { available, held })).collect())
}

/// Where others write to the same books: whose money this batch may move, for their rows are locked. Reads in what they have.
///
/// # Errors
///
/// What the database says.
pub fn lock(tx: &mut WriteTx<'_>, players: &[PlayerId]) -> Result<(), Error> {
    if players.is_empty() {
        return Ok(());
    }
    let (books, conn) = tx.memory::<Books>();
    let ids: Vec<i64> = players.iter().map(|player| player.0).collect();
    books.locked.extend(players.iter().copied());
    #[rustfmt::skip]
    type Found = (i64, Option<i64>, String, i64, i64, bool);
    let found: Vec<Found> = accounts::table
        .filter(accounts::player_id.eq_any(ids))
        .select((
            accounts::id,
            accounts::player_id,
            accounts::currency,
            accounts::available,
            accounts::held,
            accounts::may_go_negative,
        ))
        .load(conn)?;
    for (id, player, currency, available, held, may_go_negative) in found {
        let player = player.ok_or_else(|| Error::Internal(format!("account {id} has no player")))?;
        let key = (Account::Available(PlayerId(player)), Currency::parse(&currency)?);
        books.known.insert(key, State { id, available, held, may_go_negative });
    }
    Ok(())
}

/// A player who is created by the open transaction: nobody else can move their money yet.
pub fn created(tx: &mut WriteTx<'_>, player: PlayerId) {
    tx.memory::<Books>().0.locked.insert(player);
}

/// The number and hash of the last entry of the chain; number 0 and the chain's start for an empty one.
///
/// # Errors
///
/// What the database says, or `Internal` when the hash is not one.
pub fn head(conn: &mut DbConn) -> Result<(i64, [u8; 32]), Error> {
    let last: Option<(i64, Vec<u8>)> = sealed_entries::table
        .select((sealed_entries::number, sealed_entries::hash))
        .order(sealed_entries::number.desc())
        .first(conn)
        .optional()?;
    match last {
        None => Ok((0, chain_start())),
        Some((number, hash)) => {
            let hash = hash.try_into().map_err(|_| Error::Internal(format!("entry {number} has no hash")))?;
            Ok((number, hash))
        }
    }
}

/// The stored hash of the entry with this number in the chain, if there is one.
///
/// # Errors
///
/// What the database says.
pub fn hash_of(conn: &mut DbConn, number: i64) -> QueryResult<Option<Vec<u8>>> {
    sealed_entries::table.find(number).select(sealed_entries::hash).first(conn).optional()
}

fn change(state: &mut State, account: Account, by: i64, overdraft: Overdraft) -> Result<(), Error> {
    let side = if account.is_held() { &mut state.held } else { &mut state.available };
    let after = side.checked_add(by).filter(|sum| sum.abs() <= MAX_BALANCE).ok_or(Error::OutOfRange)?;
    let guarded = account.player().is_some() && by < 0;
    if guarded && after < 0 && (account.is_held() || overdraft == Overdraft::Refused) {
        return Err(Error::InsufficientFunds);
    }
    *side = after;
    if account.player().is_some() {
        state.may_go_negative = state.available < 0;
    }
    Ok(())
}

fn append(tx: &mut WriteTx<'_>, draft: &Draft, debit: i64, credit: i64) -> Result<(), Error> {
    let (books, conn) = tx.memory::<Books>();
    let row = EntryRow {
        kind: draft.kind.name(),
        cause: draft.cause.clone(),
        player_id: draft.player.0,
        currency: draft.amount.currency().code().to_owned(),
        amount: draft.amount.minor(),
        debit_account: debit,
        debit_held: draft.debit.is_held(),
        credit_account: credit,
        credit_held: draft.credit.is_held(),
        at: draft.at,
    };
    if conn.is_shared() {
        // Its place in the chain is known after the commit: see `seal`.
        tx.stage(row);
        return Ok(());
    }
    let (last, before) = match books.head {
        Some(head) => head,
        None => head(conn)?,
    };
    let id = last + 1;
    let sealed = Sealed {
        id,
        kind: row.kind,
        cause: &row.cause,
        player_id: row.player_id,
        currency: &row.currency,
        amount: row.amount,
        debit: (row.debit_account, row.debit_held),
        credit: (row.credit_account, row.credit_held),
        at: row.at,
    };
    let hash = sealed.hash(&before);
    books.head = Some((id, hash));
    tx.stage(ChainedRow::new(id, row, hash));
    Ok(())
}

/// An entry; on a server it gets its number from the database, and its hash when it is sealed.
#[derive(Insertable)]
#[diesel(table_name = journal_entries, treat_none_as_default_value = false)]
struct EntryRow {
    kind: &'static str,
    cause: String,
    player_id: i64,
    currency: String,
    amount: i64,
    debit_account: i64,
    debit_held: bool,
    credit_account: i64,
    credit_held: bool,
    at: Micros,
}

impl Row for EntryRow {
    const ORDER: u8 = 30;

    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize> {
        insert_in_chunks!(journal_entries::table, rows, conn)
    }
}

/// An entry in its place in the chain, as a file keeps it.
#[derive(Insertable)]
#[diesel(table_name = chained_entries, treat_none_as_default_value = false)]
struct ChainedRow {
    id: i64,
    kind: &'static str,
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

impl ChainedRow {
    fn new(id: i64, entry: EntryRow, hash: [u8; 32]) -> Self {
        let EntryRow { kind, cause, player_id, currency, amount, .. } = entry;
        let EntryRow { debit_account, debit_held, credit_account, credit_held, at, .. } = entry;
        let hash = hash.to_vec();
        Self {
            id,
            kind,
            cause,
            player_id,
            currency,
            amount,
            debit_account,
            debit_held,
            credit_account,
            credit_held,
            at,
            hash,
        }
    }
}

impl Row for ChainedRow {
    const ORDER: u8 = 30;

    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize> {
        insert_in_chunks!(chained_entries::table, rows, conn)
    }
}

/// The number of an account that has no row yet.
const NOT_OPEN: i64 = 0;

/// One account's row.
#[derive(Debug, Clone, Copy)]
struct State {
    id: i64,
    available: i64,
    held: i64,
    may_go_negative: bool,
}

/// The account's row, or a row of an account that is opened by its first change.
fn load(tx: &mut WriteTx<'_>, account: Account, currency: Currency) -> Result<State, Error> {
    let found = find(tx, account, currency)?;
    Ok(found.unwrap_or(State { id: NOT_OPEN, available: 0, held: 0, may_go_negative: account.player().is_none() }))
}

fn find(tx: &mut WriteTx<'_>, account: Account, currency: Currency) -> Result<Option<State>, Error> {
    let (books, conn) = tx.memory::<Books>();
    let key = (account.row(), currency);
    if let Some(state) = books.changed.get(&key).map(|changed| &changed.state).or_else(|| books.known.get(&key)) {
        return Ok(Some(*state));
    }
    if let Some(player) = account.player().filter(|_| conn.is_shared()) {
        // Everything a locked player has was read with the lock.
        let unlocked = || Error::Internal(format!("player {} is not locked by this write", player.0));
        return if books.locked.contains(&player) { Ok(None) } else { Err(unlocked()) };
    }
    let found: Option<(i64, i64, i64, bool)> = accounts::table
        .filter(accounts::code.eq(code(key.0, currency)))
        .select((accounts::id, accounts::available, accounts::held, accounts::may_go_negative))
        .first(conn)
        .optional()?;
    Ok(found.map(|(id, available, held, may_go_negative)| {
        let state = State { id, available, held, may_go_negative };
        books.known.insert(key, state);
        state
    }))
}

fn code(account: Account, currency: Currency) -> String {
    format!("{}:{currency}", account.code())
}

/// What the lane remembers of the ledger: balances, and the end of the chain.
#[derive(Default)]
struct Books {
    /// Whose money this batch may move, where others write too.
    locked: HashSet<PlayerId>,
    known: HashMap<(Account, Currency), State>,
    changed: HashMap<(Account, Currency), Changed>,
    opened: Vec<(Account, Currency)>,
    head: Option<(i64, [u8; 32])>,
    next_account: Option<i64>,
}

struct Changed {
    state: State,
    written: bool,
}

impl Books {
    /// Keeps an account's new state; one that was not open gets its number.
    fn put(&mut self, account: Account, currency: Currency, state: &mut State, conn: &mut DbConn) -> Result<(), Error> {
        let is_new = state.id == NOT_OPEN;
        if is_new {
            state.id = match self.next_account.filter(|_| !conn.is_shared()) {
                Some(next) => next,
                None => next_number(conn, Numbered::Accounts)?,
            };
            self.next_account = Some(state.id + 1);
        }
        if conn.is_shared() && account.player().is_none() {
            // Everybody's entries are about the house: its balances are written when entries are sealed, or all would wait for them.
            if is_new {
                insert(conn, account, currency, State { available: 0, held: 0, ..*state })?;
            }
            self.known.insert((account, currency), *state);
            return Ok(());
        }
        if is_new {
            self.opened.push((account, currency));
        }
        self.changed.insert((account, currency), Changed { state: *state, written: false });
        Ok(())
    }
}

impl Memory for Books {
    fn order(&self) -> u8 {
        20
    }

    fn flush(&mut self, conn: &mut DbConn) -> QueryResult<()> {
        for (account, currency) in self.opened.drain(..) {
            let changed = self.changed.get_mut(&(account, currency)).expect("an opened account was changed");
            insert(conn, account, currency, changed.state)?;
            changed.written = true;
        }
        let unwritten = self.changed.values_mut().filter(|changed| !changed.written);
        let rows: Vec<_> = unwritten
            .map(|changed| {
                changed.written = true;
                let State { id, available, held, may_go_negative } = changed.state;
                (id, available, held, may_go_negative)
            })
            .collect();
        set_balances(conn, &rows)
    }

    fn committed(&mut self) {
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
        self.known.extend(self.changed.drain().map(|(key, changed)| (key, changed.state)));
    }

    fn rolled_back(&mut self) {
        self.changed.clear();
        self.opened.clear();
        self.head = None;
        self.next_account = None;
    }
}

fn insert(conn: &mut DbConn, account: Account, currency: Currency, state: State) -> QueryResult<usize> {
    let row = (
        accounts::id.eq(state.id),
        accounts::code.eq(code(account, currency)),
        accounts::kind.eq(account.kind()),
        accounts::player_id.eq(account.player().map(|player| player.0)),
        accounts::currency.eq(currency.code()),
        accounts::available.eq(state.available),
        accounts::held.eq(state.held),
        accounts::may_go_negative.eq(state.may_go_negative),
    );
    diesel::insert_into(accounts::table).values(row).execute(conn)
}
