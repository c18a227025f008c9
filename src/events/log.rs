//! The log of events: one row for each, numbered in the order of the commits.

use diesel::prelude::*;

use crate::clock::Micros;
use crate::db::schema::{events, unsealed_events};
use crate::db::{DbConn, Memory, Row, WriteTx, insert_in_chunks};
use crate::error::Error;
use crate::ids::{SiteId, time_ordered};
use crate::ledger::PlayerId;
use crate::money::Money;
use crate::status::Status;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A deposit was allowed; nothing is paid.
    DepositCreated,
    /// A deposit is on the balance.
    DepositCredited,
    /// A deposit was declined, expired or withdrawn.
    DepositFailed,
    /// A credited deposit went back.
    DepositRefunded,
    /// A credited deposit was taken back by the payer's bank.
    DepositChargedBack,
    /// The money of a payout is set aside.
    PayoutHeld,
    /// A payout is to be sent.
    PayoutApproved,
    /// The provider has taken a payout.
    PayoutSent,
    /// The player has been paid.
    PayoutSucceeded,
    /// The provider declined; the money is back on the balance.
    PayoutFailed,
    /// Declined by staff or taken back; the money is back on the balance.
    PayoutCancelled,
    /// Something needs a person.
    ReviewOpened,
}

/// Every kind with its name on the API (contract, part 4.3).
const KINDS: [(Kind, &str); 12] = [
    (Kind::DepositCreated, "deposit.created"),
    (Kind::DepositCredited, "deposit.credited"),
    (Kind::DepositFailed, "deposit.failed"),
    (Kind::DepositRefunded, "deposit.refunded"),
    (Kind::DepositChargedBack, "deposit.charged_back"),
    (Kind::PayoutHeld, "payout.held"),
    (Kind::PayoutApproved, "payout.approved"),
    (Kind::PayoutSent, "payout.sent"),
    (Kind::PayoutSucceeded, "payout.succeeded"),
    (Kind::PayoutFailed, "payout.failed"),
    (Kind::PayoutCancelled, "payout.cancelled"),
    (Kind::ReviewOpened, "review.opened"),
];

impl Kind {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|(kind, _)| *kind)
    }

    /// The name on the API and in the `kind` column.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).expect("every kind has a name").1
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// What a deposit's move to `to` is told as; `None`: nothing that a game server must know.
    pub fn of_deposit(to: Status) -> Option<Self> {
        match to {
            Status::Credited => Some(Kind::DepositCredited),
            Status::Failed | Status::Cancelled => Some(Kind::DepositFailed),
            Status::Refunded => Some(Kind::DepositRefunded),
            Status::Chargeback => Some(Kind::DepositChargedBack),
            // What could not be credited or needs a person is told as the review it opens.
            Status::Created
            | Status::PendingPayment
            | Status::ProviderConfirmed
            | Status::CreditFailed
            | Status::ManualReview => None,
        }
    }
}

/// What to tell.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// What happened.
    pub kind: Kind,
    /// On which site.
    pub site: SiteId,
    /// To whom; `None` when nobody knows.
    pub player: Option<PlayerId>,
    /// To which order.
    pub external_id: Option<&'a str>,
    /// Where the order stands after it, with the stage of a payout.
    pub standing: Option<(Status, Option<&'a str>)>,
    /// How much it is about.
    pub amount: Option<Money>,
    /// Why, in the words of whoever caused it; may be empty.
    pub reason: &'a str,
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub struct Event {
    /// Its place in the order of commits, from 1, without gaps.
    pub id: i64,
    /// Random; see [`Event::name`].
    pub token: String,
    /// The name of its [`Kind`].
    pub kind: String,
    /// The site.
    pub site_id: i64,
    /// Whose it is.
    pub player_id: Option<i64>,
    /// The order.
    pub external_id: Option<String>,
    /// The number of the order's status after it.
    pub status: Option<i64>,
    /// The payout's stage after it.
    pub stage: Option<String>,
    /// Minor units.
    pub amount: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Why; may be empty.
    pub reason: String,
    /// When.
    pub at: Micros,
}

impl Event {
    /// What it is called outside, `evt_17_0123456789ab`: its place, and a token by which the same place in other books is told apart.
    pub fn name(&self) -> String {
        format!("evt_{}_{}", self.id, self.token)
    }
}

impl Row for Event {
    const ORDER: u8 = 60;

    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize> {
        insert_in_chunks!(events::table, rows, conn)
    }
}

/// An event that has no place in the log yet.
#[derive(Insertable)]
#[diesel(table_name = unsealed_events, treat_none_as_default_value = false)]
struct Unsealed {
    token: String,
    kind: String,
    site_id: i64,
    player_id: Option<i64>,
    external_id: Option<String>,
    status: Option<i64>,
    stage: Option<String>,
    amount: Option<i64>,
    currency: Option<String>,
    reason: String,
    at: Micros,
}

impl From<Event> for Unsealed {
    fn from(event: Event) -> Self {
        let Event { id: _, token, kind, site_id, player_id, external_id, status, stage, amount, currency, reason, at } =
            event;
        Self { token, kind, site_id, player_id, external_id, status, stage, amount, currency, reason, at }
    }
}

impl Row for Unsealed {
    const ORDER: u8 = 60;

    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize> {
        insert_in_chunks!(unsealed_events::table, rows, conn)
    }
}

/// Writes an event in the transaction of its cause.
///
/// # Errors
///
/// What the database says.
pub fn emit(tx: &mut WriteTx<'_>, new: New<'_>, at: Micros) -> Result<(), Error> {
    let random = time_ordered();
    let mut event = Event {
        id: 0,
        token: random[random.len() - 12..].to_owned(),
        kind: new.kind.name().to_owned(),
        site_id: new.site.0,
        player_id: new.player.map(|player| player.0),
        external_id: new.external_id.map(str::to_owned),
        status: new.standing.map(|(status, _)| status.code()),
        stage: new.standing.and_then(|(_, stage)| stage.map(str::to_owned)),
        amount: new.amount.map(|amount| amount.minor()),
        currency: new.amount.map(|amount| amount.currency().code().to_owned()),
        reason: new.reason.to_owned(),
        at,
    };
    let (last, conn) = tx.memory::<Last>();
    if conn.is_shared() {
        // Its place is known after the commit: see `seal`.
        tx.stage(Unsealed::from(event));
    } else {
        event.id = match last.id {
            Some(id) => id + 1,
            None => newest(conn)? + 1,
        };
        last.id = Some(event.id);
        tx.stage(event);
    }
    tx.announce();
    Ok(())
}

/// The place of the newest event; 0 when there is none.
///
/// # Errors
///
/// What the database says.
pub fn newest(conn: &mut DbConn) -> QueryResult<i64> {
    let last: Option<i64> = events::table.select(diesel::dsl::max(events::id)).first(conn)?;
    Ok(last.unwrap_or(0))
}

/// The name of the newest event.
///
/// # Errors
///
/// What the database says.
pub fn newest_name(conn: &mut DbConn) -> QueryResult<Option<String>> {
    let last = events::table.order(events::id.desc()).select(Event::as_select()).first(conn).optional()?;
    Ok(last.map(|event| event.name()))
}

/// The place of the last event, staged ones included.
#[derive(Default)]
struct Last {
    id: Option<i64>,
}

impl Memory for Last {
    fn order(&self) -> u8 {
        60
    }

    fn flush(&mut self, _conn: &mut DbConn) -> QueryResult<()> {
        Ok(())
    }

    fn committed(&mut self) {}

    fn rolled_back(&mut self) {
        self.id = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_names_lead_to_each_other() {
        for kind in Kind::all() {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_name("deposit"), None);
        assert_eq!(Kind::all().count(), 12);
    }

    #[test]
    fn every_end_of_a_deposit_is_told() {
        let told: Vec<_> = Status::all().filter_map(Kind::of_deposit).map(Kind::name).collect();

        let expected =
            ["deposit.credited", "deposit.failed", "deposit.failed", "deposit.refunded", "deposit.charged_back"];
        assert_eq!(told, expected);
    }
}
