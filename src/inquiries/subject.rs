//! The order that is asked about.

use std::collections::BTreeMap;

use crate::clock::Micros;
use crate::db::DbConn;
use crate::deposits::{self, Deposit};
use crate::error::Error;
use crate::ids::{ExternalId, Login, SiteId};
use crate::ledger::PlayerId;
use crate::money::{Currency, Money};
use crate::orders::{RAIL, Status, facts};
use crate::payouts::{self, Payout, Stage, outbox};
use crate::players;
use crate::providers::{Direction, OpenOrder};

/// A deposit or a payout.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Money to the casino.
    Deposit(Deposit),
    /// Money to a player.
    Payout(Payout),
}

impl Subject {
    /// The order with this id.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn find(conn: &mut DbConn, external_id: &str) -> Result<Option<Self>, Error> {
        if let Some(deposit) = deposits::find(conn, external_id)? {
            return Ok(Some(Self::Deposit(deposit)));
        }
        Ok(payouts::find(conn, external_id)?.map(Self::Payout))
    }

    /// Which way its money goes.
    pub fn direction(&self) -> Direction {
        match self {
            Subject::Deposit(_) => Direction::Deposit,
            Subject::Payout(_) => Direction::Payout,
        }
    }

    /// Through whom, and for which site.
    pub fn account(&self) -> (&str, SiteId) {
        match self {
            Subject::Deposit(deposit) => (&deposit.provider, SiteId(deposit.site_id)),
            Subject::Payout(payout) => (&payout.provider, SiteId(payout.site_id)),
        }
    }

    /// When it last changed.
    pub fn updated_at(&self) -> Micros {
        match self {
            Subject::Deposit(deposit) => deposit.updated_at,
            Subject::Payout(payout) => payout.updated_at,
        }
    }

    /// Whether it has ended.
    ///
    /// # Errors
    ///
    /// `Internal`: the row is damaged.
    pub fn has_ended(&self) -> Result<bool, Error> {
        Ok(match self {
            Subject::Deposit(deposit) => deposits::lifecycle::has_ended(Status::from_code(deposit.status)?),
            Subject::Payout(payout) => payout.standing()?.1 == Stage::Done,
        })
    }

    /// Whether the provider may know of it: a payout that has not left us is not asked about.
    ///
    /// # Errors
    ///
    /// What the database says, or `Internal`.
    pub fn may_be_there(&self, conn: &mut DbConn) -> Result<bool, Error> {
        let Subject::Payout(payout) = self else { return Ok(true) };
        Ok(match payout.standing()?.1 {
            Stage::Unknown | Stage::Sent | Stage::Done => true,
            // What is said now may be about an earlier attempt; this one speaks for itself first.
            Stage::Sending => false,
            Stage::AwaitingApproval | Stage::Queued => outbox::history(conn, &payout.external_id)?.reached,
        })
    }

    /// The payout, when its provider has it or may have it and owes us its final word.
    ///
    /// # Errors
    ///
    /// `Internal`: the row is damaged.
    pub fn owed_a_word(&self) -> Result<Option<&Payout>, Error> {
        let Subject::Payout(payout) = self else { return Ok(None) };
        Ok(match payout.standing()?.1 {
            Stage::Sent | Stage::Unknown => Some(payout),
            Stage::AwaitingApproval | Stage::Queued | Stage::Sending | Stage::Done => None,
        })
    }

    /// As its driver wants it. `about`: what a hint named.
    ///
    /// # Errors
    ///
    /// What the database says, or `Internal`: a row is damaged.
    pub fn open_order(&self, conn: &mut DbConn, about: Option<String>) -> Result<OpenOrder, Error> {
        let (external_id, player, amount, currency, details) = match self {
            Subject::Deposit(it) => (&it.external_id, it.player_id, it.amount, &it.currency, &it.details),
            Subject::Payout(it) => (&it.external_id, it.player_id, it.amount, &it.currency, &it.details),
        };
        let damaged = |_| Error::Internal(format!("details of order {external_id}"));
        let details: BTreeMap<String, serde_json::Value> = serde_json::from_str(details).map_err(damaged)?;
        let player = players::by_id(conn, PlayerId(player))?;
        Ok(OpenOrder {
            external_id: ExternalId::parse(external_id)?,
            site: self.account().1,
            login: Login::parse(&player.login)?,
            amount: Money::new(amount, Currency::parse(currency)?)?,
            direction: self.direction(),
            rail: details.get(RAIL).and_then(|rail| rail.as_str()).map(str::to_owned),
            facts: facts::of_order(conn, external_id)?,
            about,
        })
    }
}
