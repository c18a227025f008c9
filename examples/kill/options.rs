//! What a campaign is told on the command line.

use clap::{Parser, ValueEnum};

use crate::moment::Moment;

/// Why the campaign itself could not go on. What the service does wrong is a problem in the report instead.
pub type Failure = String;

/// One service on a file, and SIGKILL after SIGKILL.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// How often it is killed.
    #[arg(long, default_value_t = 300)]
    pub kills: u64,
    /// The moments, the players and their steps come from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Purses that somebody plays with.
    #[arg(long, default_value_t = 9)]
    pub players: u64,
    /// Kills on one database; then everything is compared, and the next one is begun. Every start checks the whole books, so with more
    /// kills the campaign would mostly do that.
    #[arg(long, default_value_t = 100)]
    pub on_one_database: u64,
    /// The longest pause of a player between two steps, in milliseconds.
    #[arg(long, default_value_t = 30)]
    pub pace: u64,
    /// Only these moments.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Moment>,
    /// Lets the campaign do something that must be found: it then has to end with exit code 1.
    #[arg(long)]
    pub sabotage: Option<Sabotage>,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
    /// Keep the directories with databases and logs.
    #[arg(long)]
    pub keep: bool,
}

/// What must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sabotage {
    /// The book forgets one acknowledged effect: it is found as one that nobody asked for.
    Forget,
    /// One effect is asked for a second time under another key, past the book.
    Double,
    /// After a kill the database is put back as it was some kills before, and the mark that knows better is taken away: acknowledged
    /// effects are lost.
    Lose,
}
