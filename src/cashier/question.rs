//! The Cashier's question against the methods of the site: what a player was shown holds on every way in.

use super::methods;
use super::overrides::{self, Override};
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
/// `DepositsNotAllowed` when it is denied, `BelowMinimum`, `AboveMaximum`, or what the database says.
pub fn check(
    tx: &mut WriteTx<'_>,
    site: &Site,
    player: PlayerId,
    question: &Question,
    at: Micros,
) -> Result<(), Error> {
    let Some(method) = method_of(site, question) else { return Ok(()) };
    // Exceptions are never staged, so the rows that wait need not be written.
    let exceptions = overrides::of_player(tx.written(), player.0)?;
    let currency = question.amount.currency();
    let of_method = |one: &&Override| one.concerns(&method.name, currency) && one.is_active(at);
    let concerning: Vec<&Override> = exceptions.iter().filter(of_method).collect();
    if concerning.iter().any(|one| !one.allow) {
        return Err(Error::DepositsNotAllowed);
    }
    let exact = concerning.iter().find(|one| one.currency.is_some());
    let (min, max) = methods::limits(site, method, currency, exact.or(concerning.first()).copied());
    limits::method(&MethodLimits { deposit_min: min, deposit_max: max }, question.amount.minor())
}

/// The method of the site whose payment group the question names.
fn method_of<'s>(site: &'s Site, question: &Question) -> Option<&'s Method> {
    let (_, group) = question.details.iter().find(|(name, _)| name == "payment_group_id")?;
    site.methods.iter().find(|method| method.payment_group_id.is_some_and(|known| known.to_string() == *group))
}
