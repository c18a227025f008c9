//! The other conformance list: what a game server may expect of any wallet, tried through its private API alone.
//!
//! Every scenario makes a player of its own and gives them ten units as a bonus, so that none depends on another and a wallet that
//! is in use can be examined. Whether money moved is read from the balances and from the statement.

mod amounts;
mod bench;
mod bodies;
mod copies;
mod doors;
mod funds;
mod kinds;
mod names;
mod player;
mod players;
mod repeats;
mod reply;
mod rollbacks;
mod statement;

use super::{Check, Scenario, Severity};

pub use bench::{Bench, Subject};
use player::Player;

/// Units a player begins with.
const PURSE: i64 = 10;
/// How many copies of a request are sent at once.
const COPIES: usize = 8;

/// All scenarios in the order they are tried.
pub fn all() -> Vec<Scenario<Bench>> {
    let mut scenarios = kinds::scenarios();
    scenarios.extend(funds::scenarios());
    scenarios.extend(repeats::scenarios());
    scenarios.extend(copies::scenarios());
    scenarios.extend(rollbacks::scenarios());
    scenarios.extend(amounts::scenarios());
    scenarios.extend(bodies::scenarios());
    scenarios.extend(doors::scenarios());
    scenarios.extend(players::scenarios());
    scenarios.extend(names::scenarios());
    scenarios.extend(statement::scenarios());
    scenarios
}

/// A scenario with a player of its own.
fn tried(
    severity: Severity,
    name: &'static str,
    promise: &'static str,
    check: for<'a> fn(Player<'a>) -> Check<'a>,
) -> Scenario<Bench> {
    Scenario::new(severity, name, promise, move |bench: &Bench| {
        Box::pin(async move { check(bench.player(name).await?).await })
    })
}
