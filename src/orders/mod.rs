//! What deposits and payouts share: their status, what makes a question recognisable, the record of every change, reviews.

pub mod awaited;
pub mod facts;
pub mod filter;
pub mod keys;
pub mod of_player;
pub mod reviews;
pub mod secrets;
pub mod transitions;

pub use crate::status::Status;

/// The name under which an order's details say how it goes on the provider's wire.
pub const RAIL: &str = "provider_method";
