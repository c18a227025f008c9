//! What the benchmark is told on the command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::target::Target;
use crate::workload::Workload;

/// Durable requests per second and their latency, against references and peers, in one run on one machine.
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo bench --bench durable --")]
pub struct Options {
    /// A short run: connections 1 and 64, one second each, two rounds.
    #[arg(long)]
    pub quick: bool,
    /// Seconds of each measurement.
    #[arg(long)]
    seconds: Option<u64>,
    /// Rounds: the median counts, lowest and highest are told.
    #[arg(long)]
    rounds: Option<usize>,
    /// Connections at once, one table column each.
    #[arg(long, value_delimiter = ',')]
    connections: Vec<usize>,
    /// Only these workloads; `curve` is the open loop.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Only these targets. The ratios need both sides.
    #[arg(long, value_delimiter = ',')]
    targets: Vec<Target>,
    /// Rates of the open loop, in requests per second; each target is given more until it cannot follow.
    #[arg(long, value_delimiter = ',')]
    rates: Vec<u64>,
    /// Where the databases are made, on a real disk.
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    pub dir: PathBuf,
    /// Where the curve of the open loop is drawn.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
    /// Be a reference instead: a child of the benchmark.
    #[arg(long, hide = true)]
    pub serve: Option<Reference>,
    /// The database of such a reference.
    #[arg(long, hide = true, default_value = "")]
    pub database: String,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Part {
    CheckDeposit,
    RequestPayout,
    Webhook,
    Bet,
    Mix,
    Curve,
}

/// What this very program can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reference {
    /// The same request, read and its signature checked, and no database.
    Bare,
    /// The same work with one transaction per request on a pool of connections.
    OneByOne,
}

impl Options {
    /// Seconds of each measurement.
    pub fn seconds(&self) -> u64 {
        self.seconds.unwrap_or(if self.quick { 1 } else { 2 }).max(1)
    }

    /// How often everything is measured.
    pub fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 2 } else { 3 }).max(1)
    }

    /// The numbers of connections.
    pub fn connections(&self) -> Vec<usize> {
        match (self.connections.is_empty(), self.quick) {
            (false, _) => self.connections.clone(),
            (true, true) => vec![1, 64],
            (true, false) => vec![1, 16, 64, 256],
        }
    }

    /// The workloads of the closed loop.
    pub fn workloads(&self) -> Vec<Workload> {
        let parts = [
            (Part::RequestPayout, Workload::RequestPayout),
            (Part::CheckDeposit, Workload::CheckDeposit),
            (Part::Webhook, Workload::Webhook),
            (Part::Bet, Workload::Bet),
            (Part::Mix, Workload::Mix),
        ];
        let wanted = parts.into_iter().filter(|(part, _)| self.only.is_empty() || self.only.contains(part));
        wanted.map(|(_, workload)| workload).collect()
    }

    /// Whether the open loop is measured.
    pub fn curve(&self) -> bool {
        self.only.is_empty() || self.only.contains(&Part::Curve)
    }

    /// What is measured.
    pub fn targets(&self) -> Vec<Target> {
        let all = Target::all().into_iter();
        all.filter(|target| self.targets.is_empty() || self.targets.contains(target)).collect()
    }

    /// The rates of the open loop, in ascending order.
    pub fn rates(&self) -> Vec<u64> {
        let mut rates = match (self.rates.is_empty(), self.quick) {
            (false, _) => self.rates.clone(),
            (true, true) => vec![100, 500, 1_000, 2_000, 5_000, 10_000, 20_000],
            (true, false) => vec![100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 40_000],
        };
        rates.sort_unstable();
        rates
    }

    /// Where the curve is drawn: into the documents only by a whole run.
    pub fn svg(&self) -> PathBuf {
        let documents = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs");
        let whole = !self.quick && self.targets.is_empty() && self.rates.is_empty();
        let folder = if whole { &documents } else { &self.dir };
        self.svg.clone().unwrap_or_else(|| folder.join("throughput-latency.svg"))
    }
}
