//! The lifecycle campaign: everything that can happen to two payouts and a deposit of one player, enumerated, and the same sequences
//! played to the real books.
//!
//! - [`world`], [`event`], [`step`]: the model. Its decisions are the product's own functions ([`policy`]).
//! - [`invariants`], [`search`]: what must hold, asked in every state that can be reached.
//! - [`books`], [`compare`], [`replay`]: the product's use cases on a database, step by step beside the model.
//! - [`campaign`], [`report`]: the parts, and what is told of them.

mod books;
mod campaign;
mod compare;
mod event;
mod invariants;
mod options;
mod policy;
mod replay;
mod report;
mod search;
mod step;
mod world;

use std::process::ExitCode;

use clap::Parser;
use options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    match campaign::run(&options) {
        Ok(report) => {
            report.print(options.json);
            if report.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("lifecycle: {failure}");
            ExitCode::from(2)
        }
    }
}
