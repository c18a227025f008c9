//! What a campaign is told on the command line.

use clap::{Parser, ValueEnum};

use crate::fault::Fault;

/// Why the campaign itself could not go on. What the service does wrong is a problem in the report instead.
pub type Failure = String;

/// One fault of the network after another, and under each of them a number of payouts from the question to the end.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// How many payouts under each fault.
    #[arg(long, default_value_t = 100)]
    pub payouts: usize,
    /// Amounts, endings and the places where bytes end come from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only these faults, by their names in the report.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Fault>,
    /// How long an answer of the Cashier is waited for where it does not come, in milliseconds. Production waits 30 s.
    #[arg(long, default_value_t = 1_000)]
    pub patience_ms: u64,
    /// How many callers ask at once.
    #[arg(long, default_value_t = 16)]
    pub callers: usize,
    /// Lets the campaign do something that must be found: it then has to end with exit code 1.
    #[arg(long)]
    pub sabotage: Option<Sabotage>,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// What must be found. Each is done to the first fault of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sabotage {
    /// A request that left us is sent once more, past the service.
    SecondPost,
    /// The Cashier pays a payout that it has refused.
    PaidAfterRefusal,
    /// A person says of a payout that the Cashier has taken that it failed, before the Cashier says how it ended.
    WronglyReleased,
    /// The book of balances has money that nobody gave.
    DoctoredBook,
}
