//! The kill campaign: one service on a file, a load of everything that can be asked, and SIGKILL thousands of times.
//!
//! The load and the book outside the process are those of the failure campaign in `examples/failover`, and so is the comparison at the end.
//!
//! - [`house`], [`program`], [`service`]: the casinos, their settings, the process. [`door`]: requests to it.
//! - [`crowd`], [`player`], [`deposit`], [`payout`], [`feed`]: the load. [`book`], [`compare`], [`settle`]: what must hold.
//! - [`moment`], [`campaign`], [`report`]: when it is killed, the campaign, and what is told of it.

#[path = "../failover/book.rs"]
mod book;
mod campaign;
#[path = "../failover/command.rs"]
mod command;
#[path = "../failover/compare.rs"]
mod compare;
#[path = "../failover/crowd.rs"]
mod crowd;
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

use std::process::ExitCode;

use clap::Parser;
use options::Options;

fn main() -> ExitCode {
    // The service is this very program.
    if std::env::var_os(program::IS_CROUPIER).is_some() {
        return croupier::cli::main();
    }
    let options = Options::parse();
    command::run("kill", campaign::run(&options), |report| {
        report.print(options.json);
        report.ok()
    })
}
