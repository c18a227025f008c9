//! Staff: who they are, what they may do, what they did, and when two of them must agree.

pub mod accounts;
pub mod approvals;
pub mod audit;
pub mod passwords;
pub mod permissions;

#[cfg(test)]
mod testing;

pub use accounts::Actor;
pub use permissions::{Act, Role};

/// Who acts when a command of this program does, in audit rows.
pub const CLI: &str = "cli";
