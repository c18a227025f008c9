//! Croupier: the merchant side of a payment Cashier.
//!
//! The map, from the outside in (docs/ARCHITECTURE.md tells the same with pictures):
//!
//! - [`cli`]: one file per command; settings in, text or JSON out.
//! - [`outgoing`]: requests to providers, and the addresses they may go to.
//! - [`api`]: the two listeners; HTTP in, use cases called, HTTP out.
//! - [`providers`]: translation between a provider's wire and our words; no money moves here.
//! - [`simulate`]: the Cashier, played, for the demo, the tests and integrators.

pub mod api;
pub mod cli;
pub mod clock;
pub mod error;
pub mod ids;
pub mod money;
pub mod outgoing;
pub mod providers;
pub mod secret;
pub mod settings;
pub mod simulate;
