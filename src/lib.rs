//! Croupier: the merchant side of a payment Cashier.
//!
//! The map, from the outside in (docs/ARCHITECTURE.md tells the same with pictures):
//!
//! - [`cli`]: one file per command; settings in, text or JSON out.
//! - [`app`]: puts a service together from its settings, runs it, stops it in order.
//! - [`api`]: HTTP only: parse, call one use case, answer. Its handlers see a [`state`].
//! - [`questions`], [`deposits`], [`payouts`], [`webhooks`], [`wallet`], [`players`], [`staff`]: the use cases, and
//!   [`orders`]: what deposits and payouts share; [`limits`]: pure functions.
//! - [`inquiries`]: what became of an order is asked of its provider; [`desk`]: what staff ask of one.
//! - [`cashier`]: what players do themselves, in the shape of ScaleTrade's Cashier API.
//! - [`events`]: every change that a game server must know of, and the feed that tells it; [`pushes`]: the same, pushed.
//! - [`providers`]: translation between a provider's wire and our words; no money moves here.
//! - [`vault`]: seals what nobody may read in the books.
//! - [`sections`]: tables of settings, read key by key.
//! - [`ledger`]: the only code that writes accounts and journal entries.
//! - [`db`]: writer lanes with group commit, readers, migrations, in a file or on a server; [`shared`]: what instances that share a
//!   database do besides.
//! - [`outgoing`]: HTTP requests to providers, guarded; [`talk`]: request after request, as a driver wants them.
//! - [`simulate`]: the Cashier, played, for the demo, the tests and integrators.

// Tests of modules use helpers of the integration tests, which name the crate from outside.
#[cfg(test)]
extern crate self as croupier;

/// Memory that a burst of connections took goes back to the system within seconds; the C library would keep it (docs/RELIABILITY.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

pub mod api;
pub mod app;
pub mod cashier;
pub mod cli;
pub mod clock;
pub mod db;
pub mod deposits;
pub mod desk;
pub mod error;
pub mod events;
pub mod handles;
pub mod ids;
pub mod inquiries;
pub mod instance;
pub mod ledger;
pub mod limits;
pub mod marks;
pub mod metrics;
pub mod money;
pub mod orders;
pub mod outgoing;
pub mod payouts;
pub mod players;
pub mod protection;
pub mod providers;
pub mod pushes;
pub mod questions;
pub mod secret;
pub mod sections;
pub mod settings;
pub mod shared;
pub mod simulate;
pub mod staff;
pub mod state;
pub mod status;
pub mod talk;
#[cfg(test)]
mod testing;
pub mod vault;
pub mod verify;
pub mod wallet;
pub mod webhooks;
