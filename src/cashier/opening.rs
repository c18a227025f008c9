//! A deposit's provider is opened, with no transaction open; what came of it is written down here.

use std::net::IpAddr;

use super::deposit::{Door, Wanted};
use super::{intents, open, requests};
use crate::clock::Micros;
use crate::db::WriteTx;
use crate::deposits::{self, credit, lifecycle};
use crate::error::Error;
use crate::ids::{ExternalId, Login, SiteId};
use crate::orders::secrets::{self, Kept};
use crate::orders::transitions::{Because, SYSTEM};
use crate::orders::{Status, facts};
use crate::players::PlayerRow;
use crate::providers::{DepositOrder, Opened, Texts};
use crate::vault::Vault;

/// What a player is told when the door stays shut.
const NOT_OPENED: &str = "the payment provider could not be opened";

/// What came of opening a deposit's provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// It can be paid.
    Open(Opened),
    /// It cannot. Carries why, for people.
    Shut(String),
    /// Nobody knows: it may be paid. Carries why, for people.
    Unknown(String),
}

/// Writes down what came of opening it. Whoever was first with the same order keeps the first address.
///
/// # Errors
///
/// What the database says.
pub fn note(tx: &mut WriteTx<'_>, vault: &Vault, id: &ExternalId, came: &Came, at: Micros) -> Result<(), Error> {
    match came {
        Came::Open(opened) => note_opened(tx, vault, id, opened, at),
        Came::Shut(reason) => note_shut(tx, id, reason, at),
        Came::Unknown(reason) => {
            let facts = Texts::from([("opening".to_owned(), format!("its outcome is unknown: {reason}"))]);
            facts::add(tx, id.as_str(), &facts)
        }
    }
}

fn note_opened(tx: &mut WriteTx<'_>, vault: &Vault, id: &ExternalId, opened: &Opened, at: Micros) -> Result<(), Error> {
    let deposit = deposits::find(tx.read()?, id.as_str())?.ok_or(Error::NotFound("deposit"))?;
    if let Some(url) = &opened.redirect_url {
        requests::set_redirect(tx, id, url)?;
    }
    facts::add(tx, id.as_str(), &opened.facts)?;
    // What has ended meanwhile is not paid to any more.
    if !opened.requisites.is_empty() && !lifecycle::has_ended(Status::from_code(deposit.status)?) {
        secrets::keep_texts(tx, vault, id.as_str(), Kept::Requisites, &opened.requisites)?;
    }
    if deposit.status == Status::Created.code() {
        let why = Because { cause: "open", actor: SYSTEM, reason: "the Cashier is open for the player" };
        credit::move_to(tx, &deposit, Status::PendingPayment, why, at)?;
    }
    Ok(())
}

/// Ends the order, unless somebody opened it, paid it, or the Cashier asked about it meanwhile.
fn note_shut(tx: &mut WriteTx<'_>, id: &ExternalId, reason: &str, at: Micros) -> Result<(), Error> {
    let deposit = deposits::find(tx.read()?, id.as_str())?.ok_or(Error::NotFound("deposit"))?;
    let request = requests::of_order(tx.read()?, id)?.ok_or(Error::NotFound("request"))?;
    let waits = [Status::Created.code(), Status::PendingPayment.code()].contains(&deposit.status);
    let opened = request.redirect_url.is_some() || deposit.transaction_id.is_some();
    if !waits || opened || !intents::remove(tx, deposit.player_id, id.as_str())? {
        return Ok(());
    }
    requests::set_failure(tx, id, NOT_OPENED)?;
    let why = Because { cause: "open", actor: SYSTEM, reason };
    credit::move_to(tx, &deposit, Status::Failed, why, at)
}

/// The order as its provider gets it.
///
/// # Errors
///
/// `Internal`: a row is damaged.
pub fn order(
    id: &ExternalId,
    door: &Door,
    player: &PlayerRow,
    wanted: &Wanted,
    customer_ip: IpAddr,
) -> Result<DepositOrder, Error> {
    Ok(DepositOrder {
        external_id: id.clone(),
        site: SiteId(player.site_id),
        login: Login::parse(&player.login)?,
        amount: wanted.amount,
        rail: door.rail.clone(),
        details: wanted.details.clone(),
        optional: open::profile(player)?,
        customer_ip,
        return_urls: wanted.urls.clone(),
    })
}
