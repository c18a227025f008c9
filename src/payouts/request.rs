//! `request_payout`: may this player withdraw this much? Holds the money, writes the order, and queues it when nobody must approve.

use diesel::prelude::*;

use super::lifecycle::{Stage, first_standing};
use super::{Payout, outbox};
use crate::clock::{DAY_MICROS, Micros};
use crate::db::WriteTx;
use crate::db::schema::payouts;
use crate::error::Error;
use crate::events::Kind;
use crate::ids::{ExternalId, lowest_at};
use crate::ledger::{self, PlayerId};
use crate::limits::{self, Period};
use crate::money::{Currency, Money};
use crate::orders::{Status, of_player};
use crate::players::Known;
use crate::providers::Question;
use crate::settings::{Approval, Site};

/// Whether the player and the limits for one payout allow it; the day's limit and the balance come after.
///
/// # Errors
///
/// `PlayerBlocked`, `PayoutsNotAllowed`, `BelowMinimum`, `AboveMaximum`, in this order.
pub fn decide(player: &Known, site: &Site, question: &Question) -> Result<(), Error> {
    if !player.active {
        return Err(Error::PlayerBlocked);
    }
    if !player.withdrawal_allowed {
        return Err(Error::PayoutsNotAllowed);
    }
    limits::payout(&site.limits(question.amount.currency()), question.amount.minor())
}

/// Whether a payout of this amount goes without a person.
pub fn goes_by_itself(site: &Site, amount: Money) -> bool {
    let rules = &site.payouts;
    let within = rules.auto_approve_up_to.is_empty()
        || rules.auto_approve_up_to.get(&amount.currency()).is_some_and(|most| amount.minor() <= *most);
    rules.approval == Approval::Auto && within && !site.needs_four_eyes(amount)
}

/// Holds the money of an allowed payout and writes its order.
///
/// # Errors
///
/// `AboveMaximum` for the day, week or month, then `InsufficientFunds`; nothing is written.
pub fn open(
    tx: &mut WriteTx<'_>,
    provider: &'static str,
    site: &Site,
    player: &Known,
    question: &Question,
    details: String,
    at: Micros,
) -> Result<ExternalId, Error> {
    let amount = question.amount;
    let limits = site.limits(amount.currency());
    for period in Period::all() {
        let most = limits::payout_max(&limits, period);
        if most.is_some() {
            let so_far = asked_since(tx, player.id, amount.currency(), period.start(at))?;
            limits::fits(most, so_far, amount.minor())?;
        }
    }
    let id = ExternalId::generate();
    ledger::hold(tx, &id, player.id, amount, at)?;
    let (status, stage) = first_standing(goes_by_itself(site, amount));
    let payout = Payout {
        external_id: id.as_str().to_owned(),
        provider: provider.to_owned(),
        site_id: question.site.0,
        player_id: player.id.0,
        amount: amount.minor(),
        currency: amount.currency().code().to_owned(),
        status: status.code(),
        stage: stage.name().to_owned(),
        purse: question.purse.clone(),
        transaction_id: question.transaction_id.clone(),
        details,
        created_at: at,
        updated_at: at,
    };
    super::tell(tx, &payout, Kind::PayoutHeld, (status, stage), "", at)?;
    if stage == Stage::Queued {
        super::tell(tx, &payout, Kind::PayoutApproved, (status, stage), "", at)?;
        outbox::add(tx, &id, at);
    }
    tx.stage(payout);
    Ok(id)
}

/// What the player asked for since `from`, less what was not paid, in minor units.
fn asked_since(tx: &mut WriteTx<'_>, player: PlayerId, currency: Currency, from: Micros) -> Result<i64, Error> {
    let conn = tx.read()?;
    let mut sum = 0_i64;
    for ids in of_player::payouts(conn, player, &lowest_at(from - DAY_MICROS))?.chunks(of_player::PAGE) {
        let amounts: Vec<i64> = payouts::table
            .filter(payouts::external_id.eq_any(ids))
            .filter(payouts::created_at.ge(from))
            .filter(payouts::currency.eq(currency.code()))
            .filter(payouts::status.ne_all([Status::Failed.code(), Status::Cancelled.code()]))
            .select(payouts::amount)
            .load(conn)?;
        sum = amounts.into_iter().try_fold(sum, i64::checked_add).ok_or(Error::OutOfRange)?;
    }
    Ok(sum)
}
