//! Pushes: every event sent to the game server, at least once and in order for each player (threats WLT-4).
//!
//! - [`waits`]: what an answer means, and how long to wait after it; pure functions.
//! - [`queue`]: where pushes stand, and the events that wait apart from the others.
//! - [`plan`]: what to send next; [`record`]: what came of it, in one commit.
//! - [`pusher`]: the task that sends. Nothing that moves money waits for it.
//! - [`desk`]: what a person may see and do: status, attempts, once more, resume.

pub mod desk;
mod lease;
mod plan;
pub mod pusher;
mod queue;
mod record;
mod waits;

pub use pusher::{Pusher, Worked};
