//! `check_deposit`: may this player deposit this much? A decision and an order, no ledger entry.

use super::Deposit;
use crate::clock::Micros;
use crate::db::WriteTx;
use crate::error::Error;
use crate::events::{self, Kind, New};
use crate::ids::ExternalId;
use crate::limits;
use crate::orders::Status;
use crate::players::Known;
use crate::providers::Question;
use crate::settings::Site;

/// Whether the player and the limits allow the deposit.
///
/// # Errors
///
/// `PlayerBlocked`, `DepositsNotAllowed`, `BelowMinimum`, `AboveMaximum`, in this order.
pub fn decide(player: &Known, site: &Site, question: &Question, at: Micros) -> Result<(), Error> {
    if !player.active {
        return Err(Error::PlayerBlocked);
    }
    if !player.deposit_allowed || player.is_excluded(at) {
        return Err(Error::DepositsNotAllowed);
    }
    let (minor, currency) = (question.amount.minor(), question.amount.currency());
    limits::deposit(&site.limits(currency), minor)
}

/// Writes the order of an allowed deposit.
///
/// # Errors
///
/// What the database says.
pub fn open(
    tx: &mut WriteTx<'_>,
    provider: &'static str,
    player: &Known,
    question: &Question,
    details: String,
    at: Micros,
) -> Result<ExternalId, Error> {
    let id = ExternalId::generate();
    let created = New {
        kind: Kind::DepositCreated,
        site: question.site,
        player: Some(player.id),
        external_id: Some(id.as_str()),
        standing: Some((Status::Created, None)),
        amount: Some(question.amount),
        reason: "",
    };
    events::emit(tx, created, at)?;
    tx.stage(Deposit {
        external_id: id.as_str().to_owned(),
        provider: provider.to_owned(),
        site_id: question.site.0,
        player_id: player.id.0,
        amount: question.amount.minor(),
        currency: question.amount.currency().code().to_owned(),
        status: Status::Created.code(),
        transaction_id: question.transaction_id.clone(),
        details,
        created_at: at,
        updated_at: at,
    });
    Ok(id)
}
