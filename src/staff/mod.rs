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

use crate::error::Error;
use crate::ids::plain_text;

/// Characters of a reason. The audit keeps it.
pub const LONGEST_REASON: usize = 1024;

/// A reason as it is kept. Line ends are fine in what people write; other control characters are not.
///
/// # Errors
///
/// `Missing` when it is blank, `Invalid` when it is too long or has control characters.
pub fn reason(text: &str) -> Result<String, Error> {
    plain_text(text.replace(['\r', '\n', '\t'], " ").trim(), "reason", LONGEST_REASON)
}

/// Who acts when a command of this program does, in audit rows.
pub const CLI: &str = "cli";
