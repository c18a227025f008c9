//! What a campaign is told on the command line.

use clap::{Parser, ValueEnum};

use crate::fault::Kind;

/// Why the campaign itself could not go on. What the service does wrong is a problem in the report instead.
pub type Failure = String;

/// Three instances, a primary and its standby, and one fault after another.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// How many faults.
    #[arg(long, default_value_t = 20)]
    pub faults: usize,
    /// How long all of it should take at least. Faults that need more take more.
    #[arg(long, default_value_t = 90)]
    pub seconds: u64,
    /// The schedule, the players and their moments come from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Players besides those that are shared.
    #[arg(long, default_value_t = 8)]
    pub players: u64,
    /// Only these faults, by their names in the report. `local-commits` comes only when it is named here.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Kind>,
    /// Lets the campaign do something that must be found: it then has to end with exit code 1.
    #[arg(long)]
    pub sabotage: Option<Sabotage>,
    /// One instance on SQLite: tries the load and the book where there is no PostgreSQL.
    #[arg(long)]
    pub sqlite: bool,
    /// The servers do not wait for the disk. A process that is killed loses nothing by it, and a slow disk is spared.
    #[arg(long)]
    pub no_fsync: bool,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
    /// Keep the directory with all logs.
    #[arg(long)]
    pub keep: bool,
}

/// What must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sabotage {
    /// The standby is asynchronous and behind when it is promoted: what was acknowledged is lost.
    Async,
    /// The book forgets one acknowledged effect: it is found as one that nobody asked for.
    Forget,
    /// One effect is asked for a second time under another key, past the book.
    Double,
}
