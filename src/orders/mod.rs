//! What deposits and payouts share: their status, what makes a question recognisable, the record of every change, reviews.

pub mod filter;
pub mod keys;
pub mod reviews;
pub mod transitions;

pub use crate::status::Status;
