//! The kill campaign: one service on a file, a load of everything that can be asked, and SIGKILL thousands of times.
//!
//! The load and the book outside the process are those of the failure campaign in `examples/failover`, and so is the comparison at the end.
//!
//! - [`house`], [`program`], [`service`]: the casinos, their settings, the process. [`door`]: requests to it.
//! - [`player`], [`deposit`], [`payout`], [`feed`]: the load. [`book`], [`compare`], [`settle`]: what must hold.
//! - [`moment`], [`campaign`], [`report`]: when it is killed, the campaign, and what is told of it.

#[path = "../failover/book.rs"]
mod book;
mod campaign;
#[path = "../failover/compare.rs"]
mod compare;
#[path = "../failover/deposit.rs"]
mod deposit;
#[path = "../failover/door.rs"]
mod door;
#[path = "../failover/feed.rs"]
mod feed;
#[path = "../failover/house.rs"]
mod house;
mod moment;
mod options;
#[path = "../failover/payout.rs"]
mod payout;
#[path = "../failover/player.rs"]
mod player;
#[path = "../failover/process.rs"]
mod process;
#[path = "../failover/program.rs"]
mod program;
mod report;
mod service;
#[path = "../failover/settle.rs"]
mod settle;
#[path = "../failover/stop.rs"]
mod stop;

use std::process::ExitCode;

use clap::Parser;
use options::Options;

fn main() -> ExitCode {
    // The service is this very program.
    if std::env::var_os(program::IS_CROUPIER).is_some() {
        return croupier::cli::main();
    }
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(async {
            // What is stopped takes its process with it.
            tokio::select! {
                outcome = campaign::run(&options) => outcome,
                () = stop::asked_to_stop() => Err("stopped".to_owned()),
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
            eprintln!("kill: {failure}");
            ExitCode::from(2)
        }
    }
}
