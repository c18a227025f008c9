//! The one writer of the ledger's tables.

use std::collections::HashMap;

use diesel::prelude::*;

use super::account::{Account, Balance, PlayerId};
use super::entry::{Draft, Overdraft, Sealed, chain_start};
use crate::clock::Micros;
use crate::db::schema::{accounts, journal_entries};
use crate::db::{DbConn, Memory, Row, WriteTx, insert_in_chunks};
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

/// The id and hash of the last entry; id 0 and the chain's start for an empty ledger.
///
/// # Errors
///
/// What the database says, or `Internal` when the hash is not one.
pub fn head(conn: &mut DbConn) -> Result<(i64, [u8; 32]), Error> {
    let last: Option<(i64, Vec<u8>)> = journal_entries::table
        .select((journal_entries::id, journal_entries::hash))
        .order(journal_entries::id.desc())
        .first(conn)
        .optional()?;
    match last {
        None => Ok((0, chain_start())),
        Some((id, hash)) => {
            let hash = hash.try_into().map_err(|_| Error::Internal(format!("entry {id} has no hash")))?;
            Ok((id, hash))
        }
    }
}

/// The stored hash of the entry with this number, if there is one.
///
/// # Errors
///
/// What the database says.
pub fn hash_of(conn: &mut DbConn, entry: i64) -> QueryResult<Option<Vec<u8>>> {
    journal_entries::table.find(entry).select(journal_entries::hash).first(conn).optional()
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
    let (last, before) = match books.head {
        Some(head) => head,
        None => head(conn)?,
    };
    let (kind, currency) = (draft.kind.name(), draft.amount.currency());
    let sealed = Sealed {
        id: last + 1,
        kind,
        cause: &draft.cause,
        player_id: draft.player.0,
        currency: currency.code(),
        amount: draft.amount.minor(),
        debit: (debit, draft.debit.is_held()),
        credit: (credit, draft.credit.is_held()),
        at: draft.at,
    };
    let hash = sealed.hash(&before);
    books.head = Some((sealed.id, hash));
    tx.stage(EntryRow {
        id: sealed.id,
        kind,
        cause: draft.cause.clone(),
        player_id: sealed.player_id,
        currency: sealed.currency.to_owned(),
        amount: sealed.amount,
        debit_account: sealed.debit.0,
        debit_held: sealed.debit.1,
        credit_account: sealed.credit.0,
        credit_held: sealed.credit.1,
        at: sealed.at,
        hash: hash.to_vec(),
    });
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = journal_entries)]
struct EntryRow {
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

impl Row for EntryRow {
    const ORDER: u8 = 30;

    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize> {
        insert_in_chunks!(journal_entries::table, rows, conn)
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
        if state.id == NOT_OPEN {
            let next = match self.next_account {
                Some(id) => id,
                None => {
                    let last: Option<i64> = accounts::table.select(diesel::dsl::max(accounts::id)).first(conn)?;
                    last.unwrap_or(0) + 1
                }
            };
            self.next_account = Some(next + 1);
            self.opened.push((account, currency));
            state.id = next;
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
        for changed in self.changed.values_mut().filter(|changed| !changed.written) {
            update(conn, changed.state)?;
            changed.written = true;
        }
        Ok(())
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

fn update(conn: &mut DbConn, state: State) -> QueryResult<()> {
    let changed = diesel::update(accounts::table.find(state.id))
        .set((
            accounts::available.eq(state.available),
            accounts::held.eq(state.held),
            accounts::may_go_negative.eq(state.may_go_negative),
        ))
        .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(diesel::result::Error::NotFound) }
}
