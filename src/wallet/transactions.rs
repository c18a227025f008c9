//! Bets, wins, refunds, bonuses and adjustments of the game server, each recognised by its idempotency key.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::rollback;
use crate::clock::Micros;
use crate::db::schema::wallet_transactions;
use crate::db::{DbConn, Memory, Row, Scope, WriteTx, insert_in_chunks};
use crate::error::Error;
use crate::ids::{Player, SiteId, time_ordered};
use crate::ledger::{self, Balance, PlayerId};
use crate::money::{Currency, MAX_MINOR, Money};
use crate::players;

/// Keys remembered at most; more are forgotten all at once and looked up again.
const REMEMBERED: usize = 100_000;

/// What the game server does to a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Takes.
    Bet,
    /// Adds; may be 0.
    Win,
    /// Adds.
    Refund,
    /// Adds.
    Bonus,
    /// Adds or takes, never below zero; needs a reason.
    Adjustment,
}

impl Kind {
    /// The word of the API and of the `kind` column.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bet => "bet",
            Kind::Win => "win",
            Kind::Refund => "refund",
            Kind::Bonus => "bonus",
            Kind::Adjustment => "adjustment",
        }
    }

    /// The kind with this word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Kind::Bet, Kind::Win, Kind::Refund, Kind::Bonus, Kind::Adjustment].into_iter().find(|kind| kind.name() == name)
    }
}

/// One request of the game server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Whose money.
    pub player: Player,
    /// What happens to it.
    pub kind: Kind,
    /// Minor units; negative only for adjustments.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// The game server's own name for what it belongs to: a round.
    pub reference: String,
    /// Why; for adjustments.
    pub reason: Option<String>,
}

/// The answer, the same for every repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Our id of the transaction.
    pub transaction_id: String,
    /// The balance after it.
    pub balance: Balance,
    /// The bet was rolled back before it came, so it had no effect.
    pub rolled_back: bool,
    /// It had been done before.
    pub repeated: bool,
}

/// Whose money a movement is about, and how it is recognised.
pub fn scope(key: &str, movement: &Movement) -> Scope {
    Scope::Movement { player: movement.player.clone(), key: key.to_owned(), reference: movement.reference.clone() }
}

/// Looks the keys of a batch up, all at once: for each the site, the key.
///
/// # Errors
///
/// What the database says.
pub fn warm(tx: &mut WriteTx<'_>, keys: Vec<(SiteId, String)>) -> Result<(), Error> {
    let (recent, conn) = tx.memory::<Recent>();
    let mut wanted: HashMap<SiteId, Vec<&str>> = HashMap::new();
    for (site, key) in &keys {
        wanted.entry(*site).or_default().push(key);
    }
    for (site, texts) in wanted {
        let rows: Vec<TransactionRow> = wallet_transactions::table
            .filter(wallet_transactions::site_id.eq(site.0))
            .filter(wallet_transactions::key.eq_any(texts))
            .select(TransactionRow::as_select())
            .load(conn)?;
        for row in rows {
            recent.known.insert((site, row.key.clone()), known(row)?);
        }
    }
    recent.absent.extend(keys.into_iter().filter(|key| !recent.known.contains_key(key)));
    Ok(())
}

/// Moves money once per key.
///
/// # Errors
///
/// `ReferenceReused` for another content under the key, `UnknownPlayer`, `PlayerBlocked` for bets, `InvalidAmount`, `Missing`,
/// `InsufficientFunds`, `OutOfRange`; nothing is written.
pub fn make(tx: &mut WriteTx<'_>, key: &str, movement: &Movement, at: Micros) -> Result<Moved, Error> {
    let place = (movement.player.site, key.to_owned());
    let fingerprint = fingerprint(movement);
    if let Some(known) = find(tx, &place)? {
        return if known.fingerprint == fingerprint {
            Ok(Moved { repeated: true, ..known.moved })
        } else {
            Err(Error::ReferenceReused)
        };
    }
    let player = players::find(tx, &movement.player)?.ok_or(Error::UnknownPlayer)?;
    check(movement)?;
    if movement.kind == Kind::Bet && !player.active {
        return Err(Error::PlayerBlocked);
    }
    let id = time_ordered();
    let voided = movement.kind == Kind::Bet && rollback::is_rolled_back(tx, player.id, &movement.reference)?;
    let balance = if voided || movement.amount == 0 {
        ledger::balance(tx, player.id, movement.currency)?
    } else {
        book(tx, &id, player.id, movement, at)?
    };
    let moved = Moved { transaction_id: id, balance, rolled_back: voided, repeated: false };
    remember(tx, place, player.id, movement, fingerprint, &moved, at);
    Ok(moved)
}

fn check(movement: &Movement) -> Result<(), Error> {
    let size = movement.amount.checked_abs().ok_or(Error::InvalidAmount)?;
    let zero_is_fine = movement.kind == Kind::Win;
    let may_be_negative = movement.kind == Kind::Adjustment;
    if size > MAX_MINOR || (movement.amount < 0 && !may_be_negative) || (movement.amount == 0 && !zero_is_fine) {
        return Err(Error::InvalidAmount);
    }
    let reasoned = movement.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
    if movement.kind == Kind::Adjustment && !reasoned {
        return Err(Error::Missing("reason"));
    }
    Ok(())
}

fn book(tx: &mut WriteTx<'_>, id: &str, player: PlayerId, movement: &Movement, at: Micros) -> Result<Balance, Error> {
    let site = movement.player.site;
    let amount = Money::new(movement.amount.abs(), movement.currency)?;
    match movement.kind {
        Kind::Bet => ledger::bet(tx, id, site, player, amount, at),
        Kind::Win => ledger::win(tx, id, site, player, amount, at),
        Kind::Refund => ledger::wallet_refund(tx, id, site, player, amount, at),
        Kind::Bonus => ledger::bonus(tx, id, site, player, amount, at),
        Kind::Adjustment => ledger::adjust(tx, id, site, player, movement.amount > 0, amount, false, at),
    }
}

/// SHA-256 over everything that makes two requests the same.
fn fingerprint(movement: &Movement) -> [u8; 32] {
    digest([
        movement.player.login.as_str(),
        movement.kind.name(),
        &movement.amount.to_string(),
        movement.currency.code(),
        &movement.reference,
        movement.reason.as_deref().unwrap_or(""),
    ])
}

fn digest(texts: [&str; 6]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().into()
}

impl TransactionRow {
    /// Whether the row still says what was asked for by the player with this login.
    pub fn is_as_asked(&self, login: &str) -> bool {
        let (amount, reason) = (self.amount.to_string(), self.reason.as_deref().unwrap_or(""));
        self.fingerprint == digest([login, &self.kind, &amount, &self.currency, &self.reference, reason])
    }
}

/// A game server's transaction as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = wallet_transactions, treat_none_as_default_value = false)]
pub struct TransactionRow {
    /// Our id.
    pub id: String,
    /// The site.
    pub site_id: i64,
    /// The idempotency key.
    pub key: String,
    /// Whose money.
    pub player_id: i64,
    /// The word of its [`Kind`].
    pub kind: String,
    /// Minor units, signed.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// The game server's reference.
    pub reference: String,
    /// Why, for adjustments.
    pub reason: Option<String>,
    /// SHA-256 over its content.
    pub fingerprint: Vec<u8>,
    /// Available after it.
    pub available: i64,
    /// Held after it.
    pub held: i64,
    /// It had no effect: its rollback came first.
    pub voided: bool,
    /// When.
    pub created_at: Micros,
}

impl Row for TransactionRow {
    const ORDER: u8 = 40;

    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize> {
        insert_in_chunks!(wallet_transactions::table, rows, conn)
    }
}

type Place = (SiteId, String);

#[derive(Debug, Clone)]
struct KnownMove {
    fingerprint: [u8; 32],
    moved: Moved,
}

fn find(tx: &mut WriteTx<'_>, place: &Place) -> Result<Option<KnownMove>, Error> {
    let (recent, conn) = tx.memory::<Recent>();
    if let Some(known) = recent.known.get(place) {
        return Ok(Some(known.clone()));
    }
    if recent.absent.contains(place) {
        return Ok(None);
    }
    let found: Option<TransactionRow> = wallet_transactions::table
        .filter(wallet_transactions::site_id.eq(place.0.0))
        .filter(wallet_transactions::key.eq(&place.1))
        .select(TransactionRow::as_select())
        .first(conn)
        .optional()?;
    found.map(known).transpose()
}

fn known(row: TransactionRow) -> Result<KnownMove, Error> {
    let damaged = |_| Error::Internal("a stored fingerprint is damaged".into());
    let balance = Balance { available: row.available, held: row.held };
    let moved = Moved { transaction_id: row.id, balance, rolled_back: row.voided, repeated: false };
    Ok(KnownMove { fingerprint: row.fingerprint.try_into().map_err(damaged)?, moved })
}

fn remember(
    tx: &mut WriteTx<'_>,
    place: Place,
    player: PlayerId,
    movement: &Movement,
    fingerprint: [u8; 32],
    moved: &Moved,
    at: Micros,
) {
    tx.stage(TransactionRow {
        id: moved.transaction_id.clone(),
        site_id: place.0.0,
        key: place.1.clone(),
        player_id: player.0,
        kind: movement.kind.name().to_owned(),
        amount: movement.amount,
        currency: movement.currency.code().to_owned(),
        reference: movement.reference.clone(),
        reason: movement.reason.clone(),
        fingerprint: fingerprint.to_vec(),
        available: moved.balance.available,
        held: moved.balance.held,
        voided: moved.rolled_back,
        created_at: at,
    });
    let (recent, _) = tx.memory::<Recent>();
    recent.added.push(place.clone());
    recent.known.insert(place, KnownMove { fingerprint, moved: moved.clone() });
}

#[derive(Default)]
struct Recent {
    known: HashMap<Place, KnownMove>,
    /// Keys of this batch that nobody had used, where others may use them at any time: then the row cannot be inserted.
    absent: HashSet<Place>,
    added: Vec<Place>,
}

impl Memory for Recent {
    fn order(&self) -> u8 {
        50
    }

    fn flush(&mut self, _conn: &mut DbConn) -> QueryResult<()> {
        Ok(())
    }

    fn committed(&mut self) {
        self.added.clear();
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
    }

    fn rolled_back(&mut self) {
        for place in self.added.drain(..) {
            self.known.remove(&place);
        }
    }
}
