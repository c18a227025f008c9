//! The failure campaign: three instances of croupier, a primary with a synchronous standby, a load, and a fault after another.
//!
//! Everything is its own and on loopback: a private PostgreSQL cluster from the binaries of this machine, proxies between the instances
//! and the servers, the Cashier of `simulate`, and a book outside the processes that knows what was acknowledged. The end compares.
//!
//! - [`postgres`], [`server`], [`cluster`]: the two servers. [`proxy`]: what stands between them and the instances.
//! - [`instance`]: the processes, started again when they end. [`door`]: requests to any of them. [`watch`]: who answers, and since when.
//! - [`player`], [`payout`], [`feed`]: the load. [`book`], [`compare`]: what must hold.
//! - [`fault`], [`inject`], [`campaign`], [`settle`], [`report`]: the schedule, its faults, the end, and what is told of it.

mod book;
mod campaign;
mod cluster;
mod compare;
mod door;
mod fault;
mod feed;
mod inject;
mod instance;
mod payout;
mod player;
mod postgres;
mod process;
mod proxy;
mod report;
mod server;
mod settle;
mod watch;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

/// Why the campaign itself could not go on. What the service does wrong is a problem in the report instead.
type Failure = String;

/// Three instances, a primary and its standby, and one fault after another.
#[derive(Debug, Clone, Parser)]
struct Options {
    /// How many faults.
    #[arg(long, default_value_t = 20)]
    faults: usize,
    /// How long all of it should take at least. Faults that need more take more.
    #[arg(long, default_value_t = 90)]
    seconds: u64,
    /// The schedule, the players and their moments come from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Players besides those that are shared.
    #[arg(long, default_value_t = 8)]
    players: u64,
    /// Only these faults, by their names in the report.
    #[arg(long, value_delimiter = ',')]
    only: Vec<fault::Kind>,
    /// Lets the campaign do something that must be found: it then has to end with exit code 1.
    #[arg(long)]
    sabotage: Option<Sabotage>,
    /// One instance on SQLite: tries the load and the book where there is no PostgreSQL.
    #[arg(long)]
    sqlite: bool,
    /// The servers do not wait for the disk. A process that is killed loses nothing by it, and a slow disk is spared.
    #[arg(long)]
    no_fsync: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// Keep the directory with all logs.
    #[arg(long)]
    keep: bool,
}

/// What must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sabotage {
    /// The standby is asynchronous and behind when it is promoted: what was acknowledged is lost.
    Async,
    /// The book forgets one acknowledged effect: it is found as one that nobody asked for.
    Forget,
    /// One effect is asked for a second time under another key, past the book.
    Double,
}

async fn asked_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn main() -> ExitCode {
    // The instances are this very program, so that they are never older than what tests them.
    if std::env::var_os(instance::IS_CROUPIER).is_some() {
        return croupier::cli::main();
    }
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(async {
            // What is stopped takes its processes with it.
            tokio::select! {
                outcome = campaign::run(&options) => outcome,
                () = asked_to_stop() => Err("stopped".to_owned()),
            }
        }),
        Err(error) => Err(format!("no runtime: {error}")),
    };
    match outcome {
        Ok(report) => {
            report.print(options.json);
            if report.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("failover: {failure}");
            ExitCode::from(2)
        }
    }
}
