//! The tests from outside: the whole application over HTTP, and the binary as a process.

mod crash;
mod crash_client;
#[path = "support/process.rs"]
mod process;
#[path = "support/raw.rs"]
mod raw;
