//! The failure campaign: three instances of croupier, a primary with a synchronous standby, a load, and a fault after another.
//!
//! Everything is its own and on loopback: a private PostgreSQL cluster from the binaries of this machine, proxies between the instances
//! and the servers, the Cashier of `simulate`, and a book outside the processes that knows what was acknowledged. The end compares.
//!
//! - [`postgres`], [`server`], [`cluster`]: the two servers. [`proxy`]: what stands between them and the instances.
//! - [`instance`]: the processes, started again when they end. [`door`]: requests to any of them. [`watch`]: who answers, and since when.
//! - [`crowd`], [`player`], [`payout`], [`feed`]: the load. [`book`], [`compare`]: what must hold.
//! - [`fault`], [`inject`], [`campaign`], [`settle`], [`report`]: the schedule, its faults, the end, and what is told of it.

mod book;
mod campaign;
mod cluster;
mod command;
mod compare;
mod crowd;
mod deposit;
mod door;
mod fault;
mod feed;
mod house;
mod inject;
mod instance;
mod options;
mod payout;
mod player;
mod postgres;
mod process;
mod program;
mod proxy;
mod report;
mod server;
mod settle;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use options::Options;

fn main() -> ExitCode {
    // The instances are this very program.
    if std::env::var_os(program::IS_CROUPIER).is_some() {
        return croupier::cli::main();
    }
    let options = Options::parse();
    command::run("failover", campaign::run(&options), |report| {
        report.print(options.json);
        report.ok()
    })
}
