//! Croupier: the merchant side of a payment Cashier.
//!
//! The map, from the outside in (docs/ARCHITECTURE.md tells the same with pictures):
//!
//! - [`cli`]: one file per command; settings in, text or JSON out.
//! - [`providers`]: translation between a provider's wire and our words; no money moves here.
//! - [`db`]: the writer lane with group commit, readers, migrations.
//! - [`simulate`]: the Cashier, played, for the demo, the tests and integrators.

pub mod cli;
pub mod clock;
pub mod db;
pub mod deposits;
pub mod error;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod money;
pub mod orders;
pub mod players;
pub mod providers;
pub mod secret;
pub mod settings;
pub mod simulate;
