//! Events: every change that a game server must know of, written in the commit of its cause (contract, part 4.3).

pub mod feed;
mod log;
mod seal;

pub use log::{Event, Kind, New, emit, newest, newest_name};
pub use seal::{is_unnumbered, number};
