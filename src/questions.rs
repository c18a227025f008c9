//! A Cashier's question, answered: repetition, player, limits, balance, and the order, in one commit.

use std::sync::Arc;

use crate::cashier::{self, intents};
use crate::clock::{self, Micros};
use crate::db::{Db, Scope, WriteTx};
use crate::deposits;
use crate::error::Error;
use crate::ids::{ExternalId, Player};
use crate::orders::Status;
use crate::orders::keys::{self, CONTENT_WINDOW, First, Key};
use crate::payouts;
use crate::players::{self, Known};
use crate::protection;
use crate::providers::{Direction, Question};
use crate::settings::{Site, UnknownPlayers};

/// A verified question with everything that can be made ready without the database.
#[derive(Debug, Clone)]
pub struct Prepared {
    provider: &'static str,
    site: Arc<Site>,
    question: Question,
    player: Player,
    key: Key,
    details: String,
}

impl Prepared {
    /// Makes a question ready.
    pub fn new(provider: &'static str, site: Arc<Site>, question: Question) -> Self {
        let details: serde_json::Map<_, _> =
            question.details.iter().map(|(name, text)| (name.clone(), text.clone().into())).collect();
        let details = serde_json::Value::Object(details).to_string();
        let player = Player { site: question.site, login: question.login.clone() };
        let key = Key::of(provider, &question);
        Self { provider, site, question, player, key, details }
    }
}

impl Prepared {
    /// Whose money the question is about, and how it is recognised.
    pub fn scope(&self) -> Scope {
        Scope::Question { player: self.player.clone(), provider: self.provider, key: self.key.text().to_owned() }
    }
}

/// Answers a verified question: the id of the order, new or from the first time it was asked.
///
/// # Errors
///
/// Why not, in the order of the contract; a refusal is not remembered.
pub async fn answer(db: &Db, prepared: Prepared) -> Result<ExternalId, Error> {
    db.write(prepared.scope(), move |tx| decide(tx, &prepared, clock::now())).await
}

/// The decision and its order, inside a transaction.
///
/// # Errors
///
/// Why not; nothing is written then.
pub fn decide(tx: &mut WriteTx<'_>, prepared: &Prepared, at: Micros) -> Result<ExternalId, Error> {
    let Prepared { provider, site, question, player, key, details } = prepared;
    let mut replaces = false;
    if let Some(first) = keys::find(tx, key)? {
        if first.fingerprint != question.fingerprint {
            return Err(Error::ReferenceReused);
        }
        if !key.is_content() || still_the_same(tx, question.direction, &first, at)? {
            return Ok(first.external_id);
        }
        replaces = true;
    }
    let known = match players::find(tx, player)? {
        Some(known) => known,
        None if site.unknown_players == UnknownPlayers::Create => new_player(),
        None => return Err(Error::UnknownPlayer),
    };
    let mut begun = None;
    match question.direction {
        Direction::Deposit => {
            deposits::check::decide(&known, site, question, at)?;
            cashier::question::check(tx, site, known.id, question, at)?;
            begun = intents::find(tx, known.id, provider, site, question, at)?;
            protection::check_deposit(tx, site, &known, question.amount, at)?;
        }
        Direction::Payout => payouts::request::decide(&known, site, question)?,
    }
    if known.id == NOT_CREATED && question.direction == Direction::Payout {
        return Err(Error::InsufficientFunds);
    }
    let known = if known.id == NOT_CREATED { create(tx, player, at)? } else { known };
    let details = details.to_owned();
    let external_id = match (question.direction, begun) {
        // What a player has begun through the players' API goes on under the id it has.
        (Direction::Deposit, Some(begun)) => intents::take_over(tx, &begun, question, at)?,
        (Direction::Deposit, None) => deposits::check::open(tx, provider, &known, question, details, at)?,
        (Direction::Payout, _) => payouts::request::open(tx, provider, site, &known, question, details, at)?,
    };
    if replaces {
        keys::forget_content(tx, key)?;
    }
    let first = First { fingerprint: question.fingerprint, external_id: external_id.clone(), asked_at: at };
    keys::remember(tx, key.clone(), first);
    Ok(external_id)
}

/// The number of a player who has no row yet.
const NOT_CREATED: crate::ledger::PlayerId = crate::ledger::PlayerId(0);

/// What a player we have never seen may do on a site that creates players.
fn new_player() -> Known {
    Known {
        id: NOT_CREATED,
        active: true,
        deposit_allowed: true,
        withdrawal_allowed: true,
        excluded_until: None,
        limited: false,
    }
}

fn create(tx: &mut WriteTx<'_>, player: &Player, at: Micros) -> Result<Known, Error> {
    let (row, _) = players::put(tx, player, &players::Change::default(), at)?;
    Ok(Known::from(&row))
}

/// Content without an id is the same question for ten minutes, while its order is open.
fn still_the_same(tx: &mut WriteTx<'_>, direction: Direction, first: &First, at: Micros) -> Result<bool, Error> {
    if (at - first.asked_at).abs() > CONTENT_WINDOW {
        return Ok(false);
    }
    let (conn, id) = (tx.read()?, first.external_id.as_str());
    let status = match direction {
        Direction::Deposit => deposits::find(conn, id)?.map(|deposit| deposit.status),
        Direction::Payout => payouts::find(conn, id)?.map(|payout| payout.status),
    };
    let status = Status::from_code(status.ok_or(Error::NotFound("order"))?)?;
    Ok(match status {
        Status::Created | Status::PendingPayment | Status::ProviderConfirmed | Status::ManualReview => true,
        Status::Credited
        | Status::CreditFailed
        | Status::Failed
        | Status::Cancelled
        | Status::Refunded
        | Status::Chargeback => false,
    })
}
