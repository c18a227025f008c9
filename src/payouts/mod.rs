//! Payouts: money from the casino to a player through a provider.

pub mod approve;
mod attempts;
pub mod lifecycle;
pub mod list;
pub mod orphans;
pub mod outbox;
mod places;
pub mod request;
pub mod sending;
pub mod worker;
mod written;

use diesel::prelude::*;

use crate::clock::Micros;
use crate::db::schema::payouts;
use crate::db::{DbConn, Fixed, Row, Value, WriteTx, at_home, insert_in_chunks};
use crate::error::Error;
use crate::events::{self, Kind, New};
use crate::ids::{ExternalId, SiteId, lowest_at};
use crate::ledger::{self, PlayerId};
use crate::money::{Currency, Money};
use crate::orders::transitions::{self, Because};
use crate::orders::{Status, awaited, of_player, secrets};
use crate::providers::Providers;
use crate::staff::approvals;

pub use lifecycle::Stage;

/// A payout's row.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = payouts, treat_none_as_default_value = false)]
pub struct Payout {
    /// Our order id.
    pub external_id: String,
    /// Through whom.
    pub provider: String,
    /// The site.
    pub site_id: i64,
    /// Whose it is.
    pub player_id: i64,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// The number of its [`Status`].
    pub status: i64,
    /// The name of its [`Stage`].
    pub stage: String,
    /// The destination, masked.
    pub purse: Option<String>,
    /// The Cashier's id in its question, when it sent one.
    pub transaction_id: Option<String>,
    /// The other fields of the question, masked, as a JSON object.
    pub details: String,
    /// When it was asked.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}

impl Row for Payout {
    const ORDER: u8 = 40;

    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize> {
        insert_in_chunks!(payouts::table, rows, conn)
    }
}

impl Payout {
    /// Where it stands.
    ///
    /// # Errors
    ///
    /// `Internal`: the row is damaged.
    pub fn standing(&self) -> Result<(Status, Stage), Error> {
        let stage = Stage::from_name(&self.stage);
        let stage = stage.ok_or_else(|| Error::Internal(format!("stage of payout {}", self.external_id)))?;
        Ok((Status::from_code(self.status)?, stage))
    }

    /// How much.
    ///
    /// # Errors
    ///
    /// `InvalidAmount` or `UnsupportedCurrency`: the row is damaged.
    pub fn money(&self) -> Result<Money, Error> {
        Money::new(self.amount, Currency::parse(&self.currency)?)
    }
}

/// Whether a provider pays a repeated order id of this site once.
pub fn deduplicates(providers: &Providers, provider: &str, site: SiteId) -> bool {
    providers.of_site(provider, site).is_some_and(|provider| provider.manners(site).deduplicates)
}

/// How many orders of a player were written since `from`.
///
/// # Errors
///
/// What the database says.
pub fn count_since(conn: &mut DbConn, player: PlayerId, from: Micros) -> QueryResult<usize> {
    of_player::payouts(conn, player, &lowest_at(from)).map(|ids| ids.len())
}

/// The payout with this id.
///
/// # Errors
///
/// What the database says.
pub fn find(conn: &mut DbConn, external_id: &str) -> QueryResult<Option<Payout>> {
    payouts::table.find(external_id).select(Payout::as_select()).first(conn).optional()
}

/// Moves a payout from where it was read; somebody else's move in between is an error, never overwritten.
///
/// # Errors
///
/// `Internal` when the payout is not where it was read, or what the database says.
pub fn move_to(
    tx: &mut WriteTx<'_>,
    payout: &Payout,
    to: (Status, Stage),
    why: Because<'_>,
    at: Micros,
) -> Result<(), Error> {
    let (status, stage) = payout.standing()?;
    if (status, stage) == to {
        return Ok(());
    }
    let target = to;
    enum Move {}
    let text = &[
        "UPDATE payouts SET status = ",
        ", stage = ",
        ", updated_at = ",
        " WHERE external_id = ",
        " AND status = ",
        " AND stage = ",
    ];
    let (order, seen) = (Value::Text(&payout.external_id), Value::Number(payout.status));
    let values = [
        Value::Number(to.0.code()),
        Value::Text(to.1.name()),
        Value::Number(at),
        order,
        seen,
        Value::Text(&payout.stage),
    ];
    let set = Fixed::<Move>::new(text, &values);
    let moved = at_home!(tx.write_of::<Payout>()?, |conn| set.execute(conn));
    if moved? != 1 {
        return Err(Error::Internal(format!("payout {} moved meanwhile", payout.external_id)));
    }
    match to.1 {
        Stage::Sent | Stage::Unknown => {
            awaited::add(tx, &payout.external_id, &payout.provider, SiteId(payout.site_id), at)?
        }
        Stage::Done => awaited::remove(tx, &payout.external_id)?,
        Stage::AwaitingApproval | Stage::Queued | Stage::Sending => {}
    }
    let (from, to) = ((status, Some(stage.name())), (to.0, Some(to.1.name())));
    transitions::record(tx, &payout.external_id, from, to, why, at)?;
    match lifecycle::told_as((status, stage), target) {
        Some(kind) => tell(tx, payout, kind, target, why.told(), at),
        None => Ok(()),
    }
}

/// Tells the game server what became of a payout.
pub(crate) fn tell(
    tx: &mut WriteTx<'_>,
    payout: &Payout,
    kind: Kind,
    (status, stage): (Status, Stage),
    reason: &str,
    at: Micros,
) -> Result<(), Error> {
    let new = New {
        kind,
        site: SiteId(payout.site_id),
        player: Some(PlayerId(payout.player_id)),
        external_id: Some(&payout.external_id),
        standing: Some((status, Some(stage.name()))),
        amount: Some(payout.money()?),
        reason,
    };
    events::emit(tx, new, at)
}

/// Takes the held money: the player has been paid.
///
/// # Errors
///
/// What the ledger or the database says.
pub fn capture(
    tx: &mut WriteTx<'_>,
    payout: &Payout,
    provider: &'static str,
    why: Because<'_>,
    at: Micros,
) -> Result<(), Error> {
    let (id, player) = (ExternalId::parse(&payout.external_id)?, PlayerId(payout.player_id));
    ledger::capture(tx, &id, provider, SiteId(payout.site_id), player, payout.money()?, at)?;
    leave_queues(tx, payout)?;
    move_to(tx, payout, (Status::Credited, Stage::Done), why, at)
}

/// Gives the held money back and ends the payout with `status`.
///
/// # Errors
///
/// What the ledger or the database says.
pub fn release(
    tx: &mut WriteTx<'_>,
    payout: &Payout,
    status: Status,
    why: Because<'_>,
    at: Micros,
) -> Result<(), Error> {
    let (id, player) = (ExternalId::parse(&payout.external_id)?, PlayerId(payout.player_id));
    ledger::release(tx, &id, player, payout.money()?, at)?;
    leave_queues(tx, payout)?;
    move_to(tx, payout, (status, Stage::Done), why, at)
}

/// An ended payout is not to be sent, and an approval that waits must not serve a later act.
fn leave_queues(tx: &mut WriteTx<'_>, payout: &Payout) -> QueryResult<()> {
    outbox::remove(tx, &payout.external_id)?;
    secrets::forget(tx, &payout.external_id)?;
    approvals::withdraw(tx, &payout.external_id).map(|_| ())
}
