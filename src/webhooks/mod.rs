//! Notifications of providers: stored once, applied once, acknowledged after the commit.

pub mod additional;
mod apply;
mod inbox;

pub use apply::{Parked, apply_parked, parked, receive};
pub use inbox::{Verdict, Webhook, of_order};
