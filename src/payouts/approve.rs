//! What staff do with a payout: approve, decline, send again, say how it ended. Every act needs a reason and leaves an audit row.

use super::lifecycle::{self, No, Resolution, Stage, Tried, may_approve};
use super::{Payout, capture, move_to, outbox, release, sending};
use crate::clock::Micros;
use crate::db::WriteTx;
use crate::error::Error;
use crate::ids::{ExternalId, SiteId};
use crate::ledger::{self, PlayerId};
use crate::orders::transitions::{self, Because};
use crate::orders::{Status, reviews};
use crate::providers::Providers;
use crate::settings::Site;
use crate::staff::approvals::{self, Agreement};
use crate::staff::audit;

pub use super::lifecycle::{Ending, Retried};

/// Who does it, and why.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The name of a member of staff.
    pub actor: &'a str,
    /// Why, in their words.
    pub reason: &'a str,
}

/// Approves a payout; with enough approvals it is queued in the same commit.
///
/// # Errors
///
/// `NotFound`; `Conflict` when it is not waiting for approval or the same person approves twice.
pub fn approve(tx: &mut WriteTx<'_>, site: &Site, id: &ExternalId, by: By<'_>, at: Micros) -> Result<Agreement, Error> {
    let payout = load(tx, id)?;
    let (_, stage) = payout.standing()?;
    if !may_approve(stage) {
        return Err(not_at_this_stage(stage));
    }
    let required = people(site, &payout)?;
    let agreement = approvals::agree(tx, id.as_str(), "approve", by.actor, by.reason, required, at)?;
    audit::append(tx, by.actor, "payout.approve", id.as_str(), by.reason, at)?;
    if let Agreement::Agreed { .. } = agreement {
        outbox::add(tx, id, at);
        let why = Because { cause: "approve", actor: by.actor, reason: by.reason };
        move_to(tx, &payout, (Status::PendingPayment, Stage::Queued), why, at)?;
    }
    Ok(agreement)
}

/// Declines a payout of which nothing has left: the held money is given back.
///
/// # Errors
///
/// `NotFound`; `Conflict` when it is on its way or has ended.
pub fn decline(tx: &mut WriteTx<'_>, id: &ExternalId, by: By<'_>, at: Micros) -> Result<(), Error> {
    let payout = load(tx, id)?;
    let (_, stage) = payout.standing()?;
    let reached = outbox::history(tx.read()?, id.as_str())?.reached;
    lifecycle::decline(stage, reached).map_err(|no| conflict(stage, no))?;
    audit::append(tx, by.actor, "payout.decline", id.as_str(), by.reason, at)?;
    let why = Because { cause: "decline", actor: by.actor, reason: by.reason };
    release(tx, &payout, Status::Cancelled, why, at)
}

/// Sends a payout again. One that waits after tries that never reached the provider goes at once; an unknown one goes again only
/// where the provider pays a repeated id once, and is asked about where it tells a status.
///
/// # Errors
///
/// `NotFound`; `Conflict` when sending it again could pay twice.
pub fn retry(
    tx: &mut WriteTx<'_>,
    providers: &Providers,
    id: &ExternalId,
    by: By<'_>,
    at: Micros,
) -> Result<Retried, Error> {
    let payout = load(tx, id)?;
    let (_, stage) = payout.standing()?;
    let site = SiteId(payout.site_id);
    let manners = providers.of_site(&payout.provider, site).map(|provider| provider.manners(site));
    let history = outbox::history(tx.read()?, id.as_str())?;
    let tried = Tried {
        ever: history.attempts > 0,
        under_way: history.under_way,
        deduplicates: manners.is_some_and(|manners| manners.deduplicates),
        tells_status: manners.is_some_and(|manners| manners.tells_status),
    };
    let retried = lifecycle::retry(stage, tried).map_err(|no| conflict(stage, no))?;
    audit::append(tx, by.actor, "payout.retry", id.as_str(), by.reason, at)?;
    if retried == Retried::Queued {
        let why = Because { cause: "retry", actor: by.actor, reason: by.reason };
        outbox::queue_again(tx, &payout, why, at)?;
    }
    Ok(retried)
}

/// Says how a payout ended. An open one is captured or released; one that ended the other way is corrected.
///
/// # Errors
///
/// `NotFound`; `Conflict` when nothing of it was sent (unless sending is held), when it ended so already, or when the same person says
/// it twice.
pub fn resolve(
    tx: &mut WriteTx<'_>,
    site: &Site,
    id: &ExternalId,
    ending: Ending,
    by: By<'_>,
    at: Micros,
) -> Result<Agreement, Error> {
    let payout = load(tx, id)?;
    let (status, stage) = payout.standing()?;
    // What an older copy takes for unsent may have been sent and paid since the copy was made.
    let held = sending::held(tx.read()?)?.is_some();
    let resolution = lifecycle::resolve(status, stage, held, ending).map_err(|no| match no {
        No::AlreadySo => Error::Conflict(format!("the payout has {} already", ending.name())),
        No::NotNow | No::Because(_) => conflict(stage, no),
    })?;
    let act = format!("resolve:{}", ending.name());
    let required = people(site, &payout)?;
    let agreement = approvals::agree(tx, id.as_str(), &act, by.actor, by.reason, required, at)?;
    audit::append(tx, by.actor, &format!("payout.{act}"), id.as_str(), by.reason, at)?;
    if let Agreement::Agreed { .. } = agreement {
        let why = Because { cause: "resolve", actor: by.actor, reason: by.reason };
        let known = site.providers.iter().find(|name| **name == payout.provider);
        let gone = || Error::Conflict(format!("the site has no account with {} any more", payout.provider));
        let provider = *known.ok_or_else(gone)?;
        match resolution {
            Resolution::Capture => capture(tx, &payout, provider, why, at)?,
            Resolution::Release => release(tx, &payout, Status::Failed, why, at)?,
            Resolution::Correct => correct(tx, &payout, provider, ending, why, at)?,
        }
    }
    Ok(agreement)
}

/// Moves the money of a finished payout the other way, on a person's word (contract, "Money rules" 6).
fn correct(
    tx: &mut WriteTx<'_>,
    payout: &Payout,
    provider: &'static str,
    ending: Ending,
    why: Because<'_>,
    at: Micros,
) -> Result<(), Error> {
    let (id, player) = (ExternalId::parse(&payout.external_id)?, PlayerId(payout.player_id));
    let paid = ending == Ending::Succeeded;
    let number = transitions::count(tx.read()?, &payout.external_id)?;
    let (site, amount) = (SiteId(payout.site_id), payout.money()?);
    let after = ledger::correct_payout(tx, &id, number, paid, provider, site, player, amount, at)?;
    if after.available < 0 {
        let note = format!("payout {id}: its correction took the player below zero");
        let external_id = Some(id.as_str());
        reviews::open(
            tx,
            reviews::About {
                kind: "below_zero",
                site,
                player: Some(player),
                external_id,
                webhook_id: None,
                note: &note,
            },
            at,
        )?;
    }
    let status = if paid { Status::Credited } else { Status::Failed };
    move_to(tx, payout, (status, Stage::Done), why, at)
}

fn load(tx: &mut WriteTx<'_>, id: &ExternalId) -> Result<Payout, Error> {
    super::find(tx.read()?, id.as_str())?.ok_or(Error::NotFound("payout"))
}

fn people(site: &Site, payout: &Payout) -> Result<usize, Error> {
    Ok(if site.needs_four_eyes(payout.money()?) { 2 } else { 1 })
}

fn conflict(stage: Stage, no: No) -> Error {
    match no {
        No::NotNow | No::AlreadySo => not_at_this_stage(stage),
        No::Because(why) => Error::Conflict(why.into()),
    }
}

fn not_at_this_stage(stage: Stage) -> Error {
    Error::Conflict(format!("not possible at stage {}", stage.name()))
}
