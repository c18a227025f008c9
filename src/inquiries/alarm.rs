//! The alarm: nobody has said how a payout ended, and the provider repeats itself no more.

use super::schedule;
use crate::clock::{Micros, rfc3339};
use crate::db::WriteTx;
use crate::error::Error;
use crate::ids::SiteId;
use crate::ledger::PlayerId;
use crate::orders::awaited::{self, Awaited};
use crate::orders::reviews::{self, About};
use crate::payouts::Payout;
use crate::providers::Manners;

const KIND: &str = "notification_missing";

/// Calls a person, once. Gives back what they are told.
///
/// # Errors
///
/// What the database says.
pub fn raise(
    tx: &mut WriteTx<'_>,
    payout: &Payout,
    order: &Awaited,
    manners: &Manners,
    at: Micros,
) -> Result<String, Error> {
    awaited::set_alarmed(tx, &payout.external_id)?;
    let note = note(payout, order, manners);
    let about = About {
        kind: KIND,
        site: SiteId(payout.site_id),
        player: Some(PlayerId(payout.player_id)),
        external_id: Some(&payout.external_id),
        webhook_id: None,
        note: &note,
    };
    reviews::open(tx, about, at)?;
    Ok(note)
}

fn note(payout: &Payout, order: &Awaited, manners: &Manners) -> String {
    let Payout { external_id, provider, stage, .. } = payout;
    let (since, last) = (rfc3339(order.since), rfc3339(schedule::last_notification_due(manners, order.since)));
    let asked = match (manners.tells_status, order.last_asked_at) {
        (false, _) => "it has no status call".to_owned(),
        (true, None) => "it was never asked".to_owned(),
        (true, Some(at)) => {
            format!("asked {} times, last at {}, it said: {}", order.asked, rfc3339(at), order.last_answer)
        }
    };
    format!(
        "payout {external_id}: {provider} owes its final word since {since} (stage {stage}); {asked}; the last repetition of a \
         notification was due at {last}"
    )
}
