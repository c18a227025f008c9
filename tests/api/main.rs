//! The tests from outside: the whole application over HTTP, and the binary as a process.

#[path = "support/bench.rs"]
mod bench;
mod crash;
mod crash_client;
mod durability;
mod network;
mod outbox;
#[path = "support/process.rs"]
mod process;
#[path = "support/raw.rs"]
mod raw;
