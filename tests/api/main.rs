//! The integration tests: one binary, each test a promise, each with the real service, a real SQLite file and a real HTTP peer.

mod parsing;
mod questions;
mod repeats;
mod signatures;
mod support;
mod tidy;
