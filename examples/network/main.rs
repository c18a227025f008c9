//! The network campaign: faults between the service and the Cashier and between callers and the service, and a number of payouts under each.
//!
//! The service is the real one, in this process, with its books in a file. Each fault has a site of its own, the Cashier of `simulate`
//! with its own record, and a proxy in each direction. The end compares what left us, what the Cashier has, and what the service says.
//!
//! - [`fault`]: the faults, and what they may leave. [`way_out`], [`way_in`]: the proxies. [`wire`]: bytes of HTTP.
//! - [`service`]: the service. [`caller`]: who asks it and tells it. [`row`]: one fault from its first question to its end.
//! - [`neighbour`]: a Cashier that says nothing, beside another one. [`compare`]: what must hold. [`campaign`], [`report`]: all of it, and what is told of it.

mod caller;
mod campaign;
mod compare;
mod fault;
mod neighbour;
mod options;
mod report;
mod row;
mod service;
mod way_in;
mod way_out;
mod wire;

use std::process::ExitCode;

use clap::Parser;
use options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(campaign::run(&options)),
        Err(error) => Err(format!("no runtime: {error}")),
    };
    match outcome {
        Ok(report) => {
            report.print(options.json);
            if report.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("network: {failure}");
            ExitCode::from(2)
        }
    }
}
