//! What the campaign is told on the command line.

use clap::{Parser, ValueEnum};

/// Kills at every call, power cuts and I/O errors, on the disk of a service that is in the middle of its work.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// Power cuts.
    #[arg(long, default_value_t = 100_000)]
    pub cuts: u64,
    /// Of the calls after which the process is killed, every so many-th. 0: none.
    #[arg(long, default_value_t = 1)]
    pub kills_every: u64,
    /// Of the calls that fail, every so many-th. 0: none.
    #[arg(long, default_value_t = 1)]
    pub faults_every: u64,
    /// One image of so many is opened by the whole service; the others as every start does it, then with one connection.
    #[arg(long, default_value_t = 20)]
    pub service_every: u64,
    /// Places and manners come from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads; as many as there are cores when 0.
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// Only scenarios whose names contain this.
    #[arg(long)]
    pub only: Option<String>,
    /// Of the calls that fail, only this one, in every way: to see one case again, with RUST_LOG set.
    #[arg(long)]
    pub call: Option<u64>,
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
    /// Every connection works with `synchronous = NORMAL`: commits that were acknowledged are lost in a power cut.
    NormalSync,
    /// Callers are answered when they ask, before the commit.
    AnswerFirst,
    /// The mark is written before what it speaks of.
    MarkFirst,
    /// A call that fails is reported as done.
    DeniedErrors,
}

impl Options {
    pub fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }
}
