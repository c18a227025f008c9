//! Croupier: the merchant side of a payment Cashier.
//!
//! The map, from the outside in (docs/ARCHITECTURE.md tells the same with pictures):
//!
//! - [`cli`]: one file per command; settings in, text or JSON out.
//! - [`api`]: HTTP in JSON, for the game server and for staff.
//! - [`providers`]: translation between a provider's wire and our words; no money moves here.
//! - [`db`]: the writer lane with group commit, readers, migrations.
//! - [`staff`]: accounts, permissions, the audit, four eyes.
//! - [`simulate`]: the Cashier, played, for the demo, the tests and integrators.

pub mod api;
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
pub mod staff;
