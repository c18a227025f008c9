//! The integration tests: one binary, each test a promise, each with the real service, a real SQLite file and a real HTTP peer.

#[path = "support/bench.rs"]
mod bench;
mod crash;
mod crash_client;
mod books;
mod life;
mod migrations;
mod model;
mod parsing;
mod durability;
mod network;
mod outbox;
#[path = "support/process.rs"]
mod process;
mod questions;
#[path = "support/raw.rs"]
mod raw;
mod repeats;
mod signatures;
mod support;
mod wallet;
mod tidy;
