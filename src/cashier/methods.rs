//! What a player may deposit with: a pure decision over the site's methods, the player, and the overrides for that player.

use super::overrides::{Denied, Override, in_force};
use crate::clock::Micros;
use crate::money::Currency;
use crate::players::PlayerRow;
use crate::settings::{Method, Site};

/// Why a method is not for this player now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The player may not deposit, or has excluded themselves for now.
    Gate,
    /// The operator does not offer it.
    Disabled,
    /// Its provider cannot be opened.
    Provider,
    /// It was denied to this player.
    Denied,
    /// Not one of the site's currencies, or not one of the method's.
    Currency,
    /// Not for the player's country.
    Country,
    /// The limits leave no amount.
    Limits,
}

/// A method that a player may use in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer<'a> {
    /// The method.
    pub method: &'a Method,
    /// Its place among the site's methods in the order of their names, from 1.
    pub place: i64,
    /// The currency.
    pub currency: Currency,
    /// The smallest deposit, minor units.
    pub min: Option<i64>,
    /// The largest deposit, minor units.
    pub max: Option<i64>,
    /// What opened it to this player, when it was an override.
    pub allowed_by: Option<&'a Override>,
}

impl Offer<'_> {
    /// A number for what opened it to this player: the method's place and the currency of the exception, 0 for any. 0 alone: nothing
    /// opened it, it is open.
    pub fn override_id(&self) -> i64 {
        let of_currency = |one: &Override| one.currency.map_or(0, |currency| i64::from(currency.numeric()));
        self.allowed_by.map_or(0, |one| self.place.saturating_mul(1000).saturating_add(of_currency(one)))
    }
}

/// Whether a player may begin a deposit at all, whatever the method.
pub fn gate_is_open(player: &PlayerRow, at: Micros) -> bool {
    player.status == "active" && player.deposit_allowed && player.excluded_until.is_none_or(|until| until <= at)
}

/// Whether this player may use this method in this currency, within which limits. A denial wins over every permission; a permission
/// stands for the method's own currencies and countries, and for nothing else.
///
/// # Errors
///
/// The first reason why not.
pub fn eligible<'a>(
    site: &'a Site,
    method: &'a Method,
    currency: Currency,
    player: &PlayerRow,
    overrides: &'a [Override],
    at: Micros,
) -> Result<Offer<'a>, Why> {
    if !gate_is_open(player, at) {
        return Err(Why::Gate);
    }
    if !method.enabled || !method.deposits {
        return Err(Why::Disabled);
    }
    if method.deposit_ready.is_empty() {
        return Err(Why::Provider);
    }
    let allowed_by = in_force(overrides, &method.name, currency, at).map_err(|Denied| Why::Denied)?;
    if !site.currencies.contains(&currency) || !method.deposit_ready.contains(&currency) {
        return Err(Why::Currency);
    }
    if allowed_by.is_none() {
        if !method.currencies.is_empty() && !method.currencies.contains(&currency) {
            return Err(Why::Currency);
        }
        let at_home = |country: &String| method.countries.contains(country);
        if !method.countries.is_empty() && !player.country.as_ref().is_some_and(at_home) {
            return Err(Why::Country);
        }
    }
    let (min, max) = limits(site, method, currency, allowed_by);
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(Why::Limits);
    }
    Ok(Offer { method, place: place(site, method), currency, min, max, allowed_by })
}

/// Every method that a player may use in these currencies, in the order of display.
pub fn offers<'a>(
    site: &'a Site,
    currencies: &[Currency],
    player: &PlayerRow,
    overrides: &'a [Override],
    at: Micros,
) -> Vec<Offer<'a>> {
    let pairs = site.methods.iter().flat_map(|method| currencies.iter().map(move |currency| (method, *currency)));
    // What is not offered yields nothing.
    pairs.flat_map(|(method, currency)| eligible(site, method, currency, player, overrides, at)).collect()
}

/// Whether a player may be paid by this method in this currency.
pub fn pays(method: &Method, currency: Currency, player: &PlayerRow) -> bool {
    let at_home = |country: &String| method.countries.contains(country);
    method.enabled
        && method.payouts
        && method.payout_ready.contains(&currency)
        && (method.currencies.is_empty() || method.currencies.contains(&currency))
        && (method.countries.is_empty() || player.country.as_ref().is_some_and(at_home))
}

/// The override's limits, else the method's, narrowed by the site's.
pub(super) fn limits(
    site: &Site,
    method: &Method,
    currency: Currency,
    by: Option<&Override>,
) -> (Option<i64>, Option<i64>) {
    let (of_site, of_method) = (site.limits(currency), method.limits.get(&currency).copied().unwrap_or_default());
    let min = by.and_then(|one| one.min_amount).or(of_method.deposit_min);
    let max = by.and_then(|one| one.max_amount).or(of_method.deposit_max);
    let narrowed_max = match (max, of_site.deposit_max) {
        (Some(own), Some(site)) => Some(own.min(site)),
        (own, site) => own.or(site),
    };
    (min.max(of_site.deposit_min), narrowed_max)
}

/// The place of a method among the site's in the order of their names, from 1: what ScaleTrade calls `provider_config_id`.
fn place(site: &Site, method: &Method) -> i64 {
    let before = site.methods.iter().filter(|other| other.name < method.name).count();
    i64::try_from(before).unwrap_or(i64::MAX).saturating_add(1)
}

#[cfg(test)]
#[path = "methods_tests.rs"]
mod tests;
