//! The Cashier's question against the methods of the site: what a player was shown holds on every way in.

use super::methods;
use super::overrides;
use crate::clock::Micros;
use crate::db::WriteTx;
use crate::error::Error;
use crate::ledger::PlayerId;
use crate::limits;
use crate::providers::Question;
use crate::settings::{Method, MethodLimits, Site};

/// Whether the method that the Cashier's question names by its payment group may be used by this player for this much. The same exceptions
/// and limits count that the player was shown; where a method may be used from is the Cashier's to show.
///
/// # Errors
///
/// `DepositsNotAllowed` when it is switched off or denied, `BelowMinimum`, `AboveMaximum`, or what the database says.
pub fn check(
    tx: &mut WriteTx<'_>,
    site: &Site,
    player: PlayerId,
    question: &Question,
    at: Micros,
) -> Result<(), Error> {
    let Some(method) = method_of(site, question) else { return Ok(()) };
    if !method.enabled {
        return Err(Error::DepositsNotAllowed);
    }
    // Exceptions are never staged, so the rows that wait need not be written.
    let exceptions = overrides::of_player(tx.written(), player.0)?;
    let currency = question.amount.currency();
    let by = overrides::in_force(&exceptions, &method.name, currency, at).map_err(|_| Error::DepositsNotAllowed)?;
    let (min, max) = methods::limits(site, method, currency, by);
    limits::method(&MethodLimits { deposit_min: min, deposit_max: max }, question.amount.minor())
}

/// The method of the site whose payment group the question names.
pub fn method_of<'s>(site: &'s Site, question: &Question) -> Option<&'s Method> {
    let (_, group) = question.details.iter().find(|(name, _)| name == "payment_group_id")?;
    site.method_of_group(group)
}
