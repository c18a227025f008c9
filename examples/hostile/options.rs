//! What a campaign is told on the command line.

use clap::{Parser, ValueEnum};

/// Why the campaign itself could not go on. What the service does wrong is a problem in the report instead.
pub type Failure = String;

/// Slow connections and a flood of refused requests beside good traffic, against a service of its own.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// Slow connections at once, of five kinds. Each is opened again when the service has closed it.
    #[arg(long, default_value_t = 2_000)]
    pub slow: usize,
    /// Connections that send refused requests as fast as they are answered.
    #[arg(long, default_value_t = 32)]
    pub flood: usize,
    /// Good requests in a second, sent at their time whatever became of those before.
    #[arg(long, default_value_t = 100)]
    pub rate: u64,
    /// How long the good traffic is alone at first.
    #[arg(long, default_value_t = 10)]
    pub quiet_seconds: u64,
    /// How long everything goes on together. Longer, when a kind of slow connection has not been closed by then.
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// The longest that 99 of 100 good requests may take, in milliseconds; 0: it is only told.
    #[arg(long, default_value_t = 1_000)]
    pub p99_ms: u64,
    /// How much more memory than before the attack may stay afterwards, in MB; or a quarter of it, if that is more.
    #[arg(long, default_value_t = 20)]
    pub memory_mb: u64,
    /// Lets the campaign do something that must be found: it then has to end with exit code 1.
    #[arg(long)]
    pub sabotage: Option<Sabotage>,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// What must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sabotage {
    /// The service has half as many places as there are slow connections: good requests wait.
    FewPlaces,
    /// The flood knows the salt: its questions are stored.
    RightSignatures,
}
