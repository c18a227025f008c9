//! A player asks for money here, and may take the request back while nothing of it has left.
//!
//! It waits for staff whatever the settings say of payouts that the Cashier asks for: nobody has looked at its destination yet. After the
//! approval it goes out through the site's provider like every other payout.

use super::metadata::Metadata;
use super::requests::{self, Request};
use crate::clock::{DAY_MICROS, Micros};
use crate::db::WriteTx;
use crate::error::Error;
use crate::ids::{ExternalId, Login, SiteId};
use crate::ledger::PlayerId;
use crate::money::Money;
use crate::orders::Status;
use crate::orders::transitions::{self, Because};
use crate::payouts::lifecycle::may_decline;
use crate::payouts::{self, outbox, request};
use crate::players::{self, Known, PlayerRow};
use crate::providers::{Direction, Question};
use crate::settings::{Approval, Site};

/// Who takes a payout back, and how the record of changes calls it.
const PLAYER: &str = "player";
const CANCEL: &str = "cancel";

/// What a player asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// How much.
    pub amount: Money,
    /// What makes the request recognisable.
    pub idempotency_key: Option<String>,
    /// A note, masked.
    pub comment: String,
    /// The casino's own data, and where the money goes.
    pub metadata: Metadata,
}

/// Holds the money and writes the order; a repetition gets the first one's id.
///
/// # Errors
///
/// `ReferenceReused`; then `PlayerBlocked`, `PayoutsNotAllowed`, `BelowMinimum`, `AboveMaximum`, `TooMany`, `InsufficientFunds`: nothing is
/// written.
pub fn make(
    tx: &mut WriteTx<'_>,
    site: &Site,
    player: &PlayerRow,
    wanted: &Wanted,
    at: Micros,
) -> Result<ExternalId, Error> {
    let amount = wanted.amount;
    let (minor, comment, metadata) = (amount.minor().to_string(), &wanted.comment, &wanted.metadata);
    let fingerprint = requests::fingerprint(&[&minor, amount.currency().code(), comment, &metadata.text]);
    let key = wanted.idempotency_key.as_deref();
    if let Some(first) = requests::repeated(tx, player.id, Direction::Payout, key, &fingerprint)? {
        return ExternalId::parse(&first.external_id);
    }
    let known = players::read(tx.read()?, &player.named()?)?.ok_or(Error::UnknownPlayer)?;
    let known = Known::from(&known);
    let question = Question {
        direction: Direction::Payout,
        site: SiteId(player.site_id),
        login: Login::parse(&player.login)?,
        amount,
        transaction_id: None,
        fingerprint,
        purse: metadata.purse.clone(),
        details: Vec::new(),
    };
    request::decide(&known, site, &question)?;
    if payouts::count_since(tx.read()?, PlayerId(player.id), at - DAY_MICROS)? >= super::MOST_A_DAY {
        return Err(Error::TooMany("withdrawals"));
    }
    let provider = super::provider(site).ok_or(Error::PayoutsNotAllowed)?;
    // Whatever the site lets go by itself, this one waits for a person.
    let mut waiting = site.clone();
    waiting.payouts.approval = Approval::Manual;
    let details = details(comment, metadata)?;
    let id = request::open(tx, provider, &waiting, &known, &question, details, at)?;
    let request = Request {
        external_id: id.as_str().to_owned(),
        player_id: player.id,
        direction: requests::direction_name(Direction::Payout).to_owned(),
        idempotency_key: wanted.idempotency_key.clone(),
        fingerprint: fingerprint.to_vec(),
        method: String::new(),
        comment: comment.clone(),
        metadata: metadata.text.clone(),
        redirect_url: None,
        failure_reason: String::new(),
        created_at: at,
    };
    requests::insert(tx, &request)?;
    Ok(id)
}

/// What staff see beside the order.
fn details(comment: &str, metadata: &Metadata) -> Result<String, Error> {
    let mut details = serde_json::Map::new();
    details.insert("asked_by".to_owned(), PLAYER.into());
    if !comment.is_empty() {
        details.insert("comment".to_owned(), comment.into());
    }
    if metadata.text != "{}" {
        details.insert("metadata_json".to_owned(), metadata.text.as_str().into());
    }
    serde_json::to_string(&details).map_err(|error| Error::Internal(error.to_string()))
}

/// What became of the wish to take a payout back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// It is cancelled, and the money is back: now, or since an earlier wish.
    Done,
    /// The site does not let players do this.
    NotOffered,
}

/// Takes a payout of the player back and gives the held money back.
///
/// # Errors
///
/// `NotFound`: no payout of this player. `Conflict`: something of it may have left, or it has ended.
pub fn take_back(
    tx: &mut WriteTx<'_>,
    site: &Site,
    player: &PlayerRow,
    id: &ExternalId,
    at: Micros,
) -> Result<TakenBack, Error> {
    let payout = payouts::find(tx.read()?, id.as_str())?.filter(|payout| payout.player_id == player.id);
    let payout = payout.ok_or(Error::NotFound("withdrawal"))?;
    let (status, stage) = payout.standing()?;
    if status == Status::Cancelled && was_taken_back(tx, id)? {
        return Ok(TakenBack::Done);
    }
    if !site.payouts.player_may_cancel {
        return Ok(TakenBack::NotOffered);
    }
    if !may_decline(stage) {
        return Err(Error::Conflict("the withdrawal is on its way or has ended".into()));
    }
    if outbox::history(tx.read()?, id.as_str())?.reached {
        return Err(Error::Conflict("the withdrawal may be on its way".into()));
    }
    let why = Because { cause: CANCEL, actor: PLAYER, reason: "taken back by the player" };
    payouts::release(tx, &payout, Status::Cancelled, why, at)?;
    Ok(TakenBack::Done)
}

/// Whether it was the player who ended it.
fn was_taken_back(tx: &mut WriteTx<'_>, id: &ExternalId) -> Result<bool, Error> {
    let changes = transitions::of_order(tx.read()?, id.as_str())?;
    Ok(changes.last().is_some_and(|change| change.cause == CANCEL && change.actor == PLAYER))
}
