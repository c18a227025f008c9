//! The corruption campaign: books with something of everything in them, harmed in every way, and a check that must find it.
//!
//! - [`house`], [`program`], [`service`], [`door`], [`story`], [`books`]: the real service plays a story; what it leaves is kept as bytes.
//! - [`harm`]: bits, bytes, pages and lengths of the files. [`tamper`]: every column of every table, by SQL.
//! - [`check`]: `ledger verify`, the command, and the start of the service. [`dump`], [`columns`]: what is money data, and what it says.
//! - [`campaign`], [`report`]: the campaign, and what is told of it.

mod books;
mod campaign;
mod check;
mod columns;
#[path = "../failover/command.rs"]
mod command;
#[path = "../failover/door.rs"]
mod door;
mod dump;
mod harm;
#[path = "../failover/house.rs"]
mod house;
mod options;
#[path = "../failover/process.rs"]
mod process;
#[path = "../failover/program.rs"]
mod program;
mod report;
#[path = "../kill/service.rs"]
mod service;
mod story;
mod tamper;

use std::process::ExitCode;

use clap::Parser;
use options::Options;

fn main() -> ExitCode {
    // The service is this very program.
    if std::env::var_os(program::IS_CROUPIER).is_some() {
        return croupier::cli::main();
    }
    let options = Options::parse();
    command::run("corruption", campaign::run(&options), |report| {
        report.print(options.json);
        report.ok()
    })
}
