//! What a campaign is told on the command line.

use clap::{Parser, ValueEnum};

/// Why the campaign itself could not go on. What the check overlooks is a problem in the report instead.
pub type Failure = String;

/// Books with something of everything in them, and harm done to their files and rows.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// How often a file is harmed: bits, bytes, pages, lengths.
    #[arg(long, default_value_t = 2_000)]
    pub flips: u64,
    /// Every value of so many rows of each table is changed by SQL.
    #[arg(long, default_value_t = 3)]
    pub rows: usize,
    /// After so many harms one is also shown to the command and to the start of the service.
    #[arg(long, default_value_t = 100)]
    pub served: u64,
    /// The story and the harm come from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Workers.
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Lets the campaign do something that must be found: it then has to end with exit code 1.
    #[arg(long)]
    pub sabotage: Option<Sabotage>,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
    /// Keep the directory with every file that was overlooked.
    #[arg(long)]
    pub keep: bool,
}

/// What must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sabotage {
    /// The check says of everything that it holds.
    Blind,
}
