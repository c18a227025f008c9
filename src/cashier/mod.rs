//! The Cashier as players see it: opening it for them, and what they do themselves: sessions, what they may choose from, deposits and
//! withdrawals they ask for, and the list of all of them. In the shape of ScaleTrade's Cashier API; docs/PLAYERS-API.md says where we
//! depart from it.

pub mod accounts;
pub mod deposit;
pub mod details;
pub mod doors;
pub mod filter;
pub mod intents;
pub mod metadata;
pub mod methods;
pub mod open;
pub mod opening;
pub mod overrides;
pub mod question;
pub mod requests;
pub mod rows;
pub mod session;
pub mod token;
pub mod transactions;
pub mod withdrawal;

use crate::settings::Site;

/// Orders of one direction that a player may ask for within 24 hours: each stays in the books for ever, taken back or not.
const MOST_A_DAY: usize = 200;

/// A provider's name for good, when the site has an account there.
fn named(site: &Site, provider: &str) -> Option<&'static str> {
    site.providers.iter().find(|name| **name == provider).copied()
}
